"""Committees: members on bootstrap draws, fitted side by side."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from .core.objective import CHUNK_ROWS
from .member import fit_member


@dataclass(frozen=True)
class Bootstrap:
    """How often each member sees each row: drawn with or without replacement."""

    replace: bool
    max_samples: float | int
    each_call = False
    """A warm-started fit sees the rows that the first one drew."""

    def __call__(self, rng, n_rows):
        """Return the counts of shape (n_rows,) as floats."""
        size = self.max_samples
        if isinstance(size, float):
            size = max(1, round(size * n_rows))
        if self.replace:
            chosen = rng.integers(n_rows, size=size)
        else:
            chosen = rng.permutation(n_rows)[:size]
        return np.bincount(chosen, minlength=n_rows).astype(np.float64)


@dataclass(frozen=True)
class PoissonDraw:
    """Counts ~ Poisson(1): the bootstrap of a stream whose length is unknown (Oza, 2005)."""

    each_call = True
    """Each call of partial_fit brings new rows."""

    def __call__(self, rng, n_rows):
        """Return the counts of shape (n_rows,) as floats, not all zero."""
        counts = rng.poisson(1.0, n_rows).astype(np.float64)
        if not counts.any():
            counts[rng.integers(n_rows)] = 1.0
        return counts


def fit_committee(plan, rows, *, previous=(), evaluate=None, callbacks_of=lambda index: []):
    """Train all members, in parallel if asked for.

    Parameters
    ----------
    plan : Plan
        The choices.
    rows : Rows
        The training rows.
    previous : sequence of Member
        Members to go on from, first come first served.
    evaluate : callable or None
        See `EarlyStopping`.
    callbacks_of : callable
        ``callbacks_of(index)`` returns further callbacks of a member.

    Returns
    -------
    members, notes : list of Member and list of (class, str)
        The same to the bit for every `n_jobs` and joblib backend.
    """
    tasks = (
        delayed(_fit_one_thread if plan.n_members > 1 else fit_member)(
            plan,
            rows,
            index,
            previous=previous[index] if index < len(previous) else None,
            evaluate=evaluate,
            callbacks=callbacks_of(index),
        )
        for index in range(plan.n_members)
    )
    members, notes = [], []
    n_jobs = plan.n_jobs if plan.n_members > 1 else 1
    for member, own_notes in Parallel(n_jobs=n_jobs, return_as="generator")(tasks):
        members.append(member)
        notes.extend(note for note in own_notes if note not in notes)
        if member.interrupted:
            break
    return members, notes


def _fit_one_thread(*args, **kwargs):
    # The sum of a matrix product depends on how many threads share it; one thread for each member
    # makes the result the same however the members are spread over processes.
    with threadpool_limits(1, user_api="blas"):
        return fit_member(*args, **kwargs)


def raw_outputs(members, scale, X):
    """Return the raw outputs of all members at prediction.

    Parameters
    ----------
    members : list of Member
        Networks of the same shape.
    scale : Scale or None
        The scaling of the input, applied chunk by chunk so that X is never copied whole.
    X : ndarray or sparse array of shape (n, d)
        Rows in the user's units.

    Returns
    -------
    raw : ndarray of shape (n_members, n, m), float64
    """
    n_rows = X.shape[0]
    vectors = [member.vector for member in members]
    network, dtype = members[0].network, members[0].theta.dtype
    workspaces = network.workspaces(dtype)
    raw = None
    for start in range(0, n_rows, CHUNK_ROWS):
        chunk = slice(start, min(start + CHUNK_ROWS, n_rows))
        Z = scale.transform(X[chunk], dtype)
        for j, theta in enumerate(vectors):
            output = network.forward(Z, theta, workspaces)
            if raw is None:
                raw = np.empty((len(members), n_rows, output.shape[1]))
            raw[j, chunk] = output
    return raw
