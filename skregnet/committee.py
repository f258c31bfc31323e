"""Committees: members on bootstrap draws, fitted side by side."""

import functools
import os
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import ThreadpoolController

from .core.objective import CHUNK_ROWS
from .fitting import draw_counts, fit_member

THREADED_PRODUCT = 2**26  # multiplications: 256 rows through a layer of 512 x 512


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
        if not isinstance(size, Integral):
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


def fit_committee(
    plan, rows, *, previous=None, resumed=(), monitor=None, callbacks_of=lambda index: [],
    n_epochs=None,
):  # fmt: skip
    """Train all members, in parallel if asked for.

    Parameters
    ----------
    plan : Plan
        The choices.
    rows : Rows
        The training rows.
    previous : dict of int to Member or None
        Members to go on from, by index.
    resumed : set of int
        Which of them are checkpoints of this very fit.
    monitor : Monitor or None
        What early stopping watches.
    callbacks_of : callable
        ``callbacks_of(index)`` returns further callbacks of a member.
    n_epochs : list of (int or None) or None
        Epochs that each member trains; None means as planned.

    Returns
    -------
    members, notes : list of Member and list of (class, str)
        The same to the bit for every `n_jobs` and joblib backend.
    """
    # The sum of a matrix product depends on how many threads share it; one thread for each member
    # makes the result the same however the members are spread over processes. Small products are
    # slower on several threads than on one, and many times slower on a busy machine.
    small = plan.largest_product < THREADED_PRODUCT
    n_threads = 1 if small or plan.n_members > 1 else None
    tasks = (
        delayed(_fit_in_process)(
            os.getpid(),
            n_threads,
            plan,
            rows,
            index,
            previous=(previous or {}).get(index),
            resumed=index in resumed,
            n_epochs=n_epochs[index] if n_epochs else None,
            monitor=monitor,
            callbacks=callbacks_of(index),
        )
        for index in range(plan.n_members)
    )
    members, notes = [], []
    n_jobs = plan.n_jobs if plan.n_members > 1 else 1
    # One after the other, an interrupted member ends the committee; side by side, all have begun.
    return_as = "generator" if effective_n_jobs(n_jobs) == 1 else "list"
    with blas_threads(n_threads):
        for own_members, own_notes in Parallel(n_jobs=n_jobs, return_as=return_as)(tasks):
            members.extend(own_members)
            notes.extend(note for note in own_notes if note not in notes)
            if own_members[0].interrupted:
                break
    return members, notes


def _fit_in_process(caller, n_threads, *args, **kwargs):
    # In the caller's own process the limit is the caller's to set: BLAS takes it from one thread.
    with blas_threads(n_threads if os.getpid() != caller else None):
        return fit_member(*args, **kwargs)


def blas_threads(n_threads):
    """Return the context in which BLAS uses so many threads; None leaves it as it is."""
    return _blas().limit(limits=n_threads, user_api="blas") if n_threads else nullcontext()


@functools.cache
def _blas():
    return ThreadpoolController()


def raw_outputs(members, scale, X, n_samples=None, seed=0):
    """Return the raw outputs of all members at prediction.

    Parameters
    ----------
    members : list of Member
        Networks of the same shape.
    scale : Scale or EncodedScale
        The encoding and scaling of the input, applied chunk by chunk so that X is never copied
        whole.
    X : ndarray or sparse array of shape (n, d)
        Rows in the user's units.
    n_samples : int or None
        Masks to draw for each member, for Monte-Carlo dropout; None draws none.
    seed : int
        Of the masks.

    Returns
    -------
    raw : ndarray of shape (n_members * (n_samples or 1), n, m), float64
    """
    n_rows, repeats = X.shape[0], n_samples or 1
    network, dtype = members[0].network, members[0].theta.dtype
    passes = []
    for index, member in enumerate(members):
        masks = network.mask_streams(seed, index, role="prediction") if n_samples else None
        passes.append((member.vector, network.workspaces(dtype, masks)))
    raw = None
    for start in range(0, n_rows, CHUNK_ROWS):
        chunk = slice(start, min(start + CHUNK_ROWS, n_rows))
        Z = scale.transform(X[chunk], dtype)
        if issparse(Z) and n_samples:
            Z = Z.toarray()
        for j in range(len(members) * repeats):
            theta, workspaces = passes[j // repeats]
            output = network.forward(Z, theta, workspaces, masked=bool(n_samples))
            if raw is None:
                raw = np.empty((len(members) * repeats, n_rows, output.shape[1]))
            raw[j, chunk] = output
    return raw


def out_of_bag(plan, members, n_rows):
    """Return which member left out which training row, a bool array (n_members, n_rows)."""
    return np.array([draw_counts(plan, member.index, n_rows) == 0 for member in members])
