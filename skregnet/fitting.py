"""How one network is fitted: choices, rows, and the run that joins them."""

from copy import deepcopy
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from .core.losses import Loss
from .core.network import Network
from .core.objective import Objective
from .core.penalties import Penalty
from .core.streams import stream
from .core.vector import Vector
from .exceptions import IgnoredParameterWarning, ValidationSetWarning
from .member import Member, ResumeState
from .training.averaging import SWA, Snapshots
from .training.batches import Batches
from .training.callbacks import EarlyStopping, TimeLimit
from .training.lbfgs import minimize_lbfgs
from .training.optimizers import LBFGS
from .training.schedules import Schedule
from .training.trainer import Run, train

NOTHING_OUT_OF_BAG = (
    ValidationSetWarning,
    "A member drew every training row, so none is left out of its bag to stop it early.",
)
NO_SCORE = (
    ValidationSetWarning,
    "The monitor returned NaN in every epoch, so the weights of the last epoch are kept.",
)
NEVER_AVERAGED = (
    IgnoredParameterWarning,
    "averaging='swa' has no effect: early stopping ended the fit before averaging began.",
)
SAMPLE_ROWS = 1000  # enough for an initializer that looks at the data


@dataclass(frozen=True)
class Plan:
    """All choices about a fit, as recipes; `assemble` makes it from the hyperparameters."""

    network: Network
    loss: Loss
    penalties: tuple[Penalty, ...]
    solver: object
    schedule: Schedule
    rate: float
    weight_decay: float
    clip_norm: float | None
    transforms: tuple
    batch_size: int
    shuffle: bool
    min_rows: int
    max_epochs: int
    patience: int | None
    tol: float
    dtype: np.dtype
    seed: int
    n_members: int
    draw: object
    n_jobs: int | None
    keep_state: bool
    averaging: object = None
    monitored: str | None = None
    max_seconds: float | None = None
    streaming: bool = False
    total_weight: float | None = None
    strength: Schedule | None = None

    @property
    def largest_product(self):
        """Multiplications in the largest matrix product of one step."""
        return self.batch_size * max(prod(b.shape) for b in self.network.layout.weight_blocks)

    @property
    def dense(self):
        """Whether the network needs its input as an ordinary array."""
        first_layer_draws = not self.network.layers[0].slots()
        return first_layer_draws or any(t.needs_dense for t in self.transforms)


@dataclass(frozen=True)
class Rows:
    """Scaled rows with encoded targets and weights s_i (None: all equal to one)."""

    X: object
    Y: np.ndarray
    weight: np.ndarray | None

    def __sizeof__(self):
        # joblib's Dask backend sends arguments to each worker once, instead of once a task, if
        # they say that they are large.
        return sum(_n_bytes(array) for array in (self.X, self.Y, self.weight))

    def weighted(self, counts):
        """Return the rows with a positive count, each weight multiplied by its count."""
        kept = np.flatnonzero(counts)
        weight = counts[kept] if self.weight is None else self.weight[kept] * counts[kept]
        return Rows(self.X[kept], self.Y[kept], weight)


def _n_bytes(array):
    if array is None:
        return 0
    return array.nbytes if isinstance(array, np.ndarray) else array.data.nbytes


def fit_member(
    plan, rows, index, *, previous=None, resumed=False, monitor=None, callbacks=(), n_epochs=None
):
    """Train one network.

    Parameters
    ----------
    plan : Plan
        The choices.
    rows : Rows
        The training rows, common to all members.
    index : int
        Which member; with the seed it keys all random streams.
    previous : Member or None
        A member to go on from; it stays as it is.
    resumed : bool, default=False
        Whether `previous` is the checkpoint of this very fit, not the result of an earlier one.
    monitor : Monitor or None
        What early stopping watches.
    callbacks : list of Callback
        Further callbacks.
    n_epochs : int or None
        Epochs to train; None means as planned. The schedule is laid out for the planned ones.

    Returns
    -------
    members, notes : list of Member and list of (class, str)
        One member, or several snapshots of one run; the notes are warnings to issue.
    """
    state = _state_to_go_on_from(plan, index, previous, resumed)
    counts = draw_counts(plan, index, len(rows.Y), previous.n_iter if previous else 0)
    evaluate = monitor.watch(counts) if monitor else None
    history = _copy_of(previous.history) if previous else {}
    run = start_run(plan, rows if counts is None else rows.weighted(counts), state, history)
    if monitor and not evaluate:
        run.notes.append(NOTHING_OUT_OF_BAG)
    stopping = EarlyStopping(evaluate, plan.patience, plan.tol, state.best) if evaluate else None
    if stopping and not resumed:
        stopping.renew_patience()
    if plan.averaging and state.averaging is None:
        state.averaging = plan.averaging.start(plan.max_epochs)
    if getattr(state.averaging, "data", None) is not None:
        run.publish(state.averaging.data)
    run.as_member = lambda: _as_member(plan, index, run, state, stopping)
    limit = TimeLimit(plan.max_seconds) if plan.max_seconds else None
    own = [callback for callback in (state.averaging, stopping, limit) if callback]
    if not (stopping and stopping.out_of_patience):
        _train(plan, run, state, [*own, *callbacks], n_epochs or plan.max_epochs)
    if stopping and run.n_epochs and not stopping.best.epoch:
        run.notes.append(NO_SCORE)
    if stopping and isinstance(plan.averaging, SWA) and state.averaging.data is None:
        run.notes.append(NEVER_AVERAGED)
    if run.diverged:  # the moments and the average have seen the numbers that were not finite
        state.stepper = state.averaging = None
    return _split_snapshots(run.as_member(), state), run.notes


def draw_counts(plan, index, n_rows, n_calls=0):
    """Return how often a member sees each row, of shape (n_rows,), or None for once.

    Parameters
    ----------
    plan : Plan
        The choices.
    index : int
        Which member.
    n_rows : int
        Training rows.
    n_calls : int, default=0
        Earlier calls of partial_fit.
    """
    if plan.draw is None:
        return None
    call = n_calls if plan.draw.each_call else 0
    return plan.draw(stream(plan.seed, "draw", index, call), n_rows)


def _train(plan, run, state, callbacks, n_epochs):
    try:
        if isinstance(plan.solver, LBFGS):
            minimize_lbfgs(run, plan.solver, callbacks, n_epochs, plan.tol)
        else:
            state.stepper = state.stepper or plan.solver.start(run.theta, plan.weight_decay)
            train(run, state.stepper, callbacks, n_epochs, plan.max_epochs)
    except KeyboardInterrupt:
        run.interrupt()


def _state_to_go_on_from(plan, index, previous, resumed):
    if previous is None:
        return ResumeState(None, None, new_streams(plan, index), monitored=plan.monitored)
    if previous.state is None:
        state = ResumeState(previous.theta, None, new_streams(plan, index))
    else:
        state = deepcopy(previous.state)
    if not resumed:
        state.epochs_before = previous.n_iter
    if not _takes(plan.solver, state.stepper):
        state.stepper = None
    elif state.stepper is not None:
        state.stepper.weight_decay = plan.weight_decay
    anew = not resumed and plan.averaging is not None and plan.averaging.needs_horizon
    if anew or not _takes(plan.averaging, state.averaging):
        state.averaging = None
    if plan.monitored is not None:
        if state.monitored != plan.monitored:
            state.best = None  # scores by another measure cannot be compared
        state.monitored = plan.monitored
    return state


def _takes(recipe, memory):
    """Give a new recipe to what an earlier one left behind; return whether the two fit."""
    if memory is None or not hasattr(memory, "recipe"):
        return True
    if type(memory.recipe) is not type(recipe):
        return False
    memory.take(recipe)
    return True


def _copy_of(history):
    return {name: list(curve) for name, curve in history.items()}


def start_run(plan, rows, state, history):
    """Bind the choices to rows and numbers.

    Parameters
    ----------
    plan : Plan
        The choices.
    rows : Rows
        The rows of this network.
    state : ResumeState
        Where to start; without numbers, they are drawn.
    history : dict
        The history to go on with.

    Returns
    -------
    run : Run
    """
    n_rows, streams = len(rows.Y), state.streams
    total_weight = n_rows if rows.weight is None else float(rows.weight.sum())
    relative = None
    if rows.weight is not None and np.any(rows.weight != rows.weight[0]):
        relative = (n_rows / total_weight * rows.weight).astype(plan.dtype)[:, np.newaxis]
    if state.theta is not None:
        theta = Vector(plan.network.layout, state.theta.astype(plan.dtype))
    else:
        sample = _sample(plan.network, rows.X, streams["init"])
        theta = plan.network.initialize(streams["init"], plan.dtype, sample)
        theta.layers[-1].b += plan.loss.initial_output(rows.Y, rows.weight)
    objective = Objective(
        plan.network, plan.loss, plan.penalties, plan.total_weight or total_weight, plan.dtype,
        streams["mask"],
    )  # fmt: skip
    batches = Batches(
        rows.X, rows.Y, relative, batch_size=min(plan.batch_size, n_rows), shuffle=plan.shuffle,
        min_rows=plan.min_rows, transforms=plan.transforms, dense=plan.dense,
        shuffle_rng=streams["shuffle"], transform_rng=streams["augmentation"],
    )  # fmt: skip
    return Run(
        objective, theta, batches, plan.schedule, plan.rate, history, clip_norm=plan.clip_norm,
        strength=plan.strength, epochs_before=state.epochs_before,
    )  # fmt: skip


def _as_member(plan, index, run, state, stopping):
    """Return the network as it would predict if the run ended now, sharing no memory with it."""
    member = Member(plan.network, run.published.data.copy(), _copy_of(run.history), index=index)
    member.interrupted = run.interrupted
    best = deepcopy(stopping.best if stopping else state.best if plan.streaming else None)
    if plan.keep_state:
        state.theta, state.best = run.theta.data, best
        member.state = deepcopy(state)
    member.best = best
    if best and best.epoch and not plan.streaming:
        member.theta, member.best = best.theta, replace(best, theta=None)
    return member


def _split_snapshots(member, state):
    """Return one member for each snapshot; without snapshots, the member."""
    if not isinstance(state.averaging, Snapshots) or not state.averaging.kept:
        return [member]
    return [replace(member, theta=theta) for theta in state.averaging.kept]


def new_streams(plan, index):
    """Return the random streams of one member, by role."""
    streams = {role: stream(plan.seed, role, index) for role in ("init", "shuffle", "augmentation")}
    streams["mask"] = plan.network.mask_streams(plan.seed, index)
    return streams


def _sample(network, X, rng):
    if not network.needs_sample:
        return None
    chosen = rng.permutation(X.shape[0])[:SAMPLE_ROWS]
    return X[chosen] if isinstance(X, np.ndarray) else X[chosen].toarray()
