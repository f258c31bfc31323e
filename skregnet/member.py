"""One network: what is to be fitted, how it is fitted, and what is kept of it."""

from copy import copy, deepcopy
from dataclasses import dataclass, field

import numpy as np

from .core.losses import Loss
from .core.network import Network
from .core.objective import Objective
from .core.penalties import Penalty
from .core.streams import stream
from .core.vector import Vector
from .training.batches import Batches
from .training.callbacks import BestSoFar, EarlyStopping
from .training.optimizers import LBFGS
from .training.schedules import Schedule
from .training.trainer import Run, minimize_lbfgs, train

SAMPLE_ROWS = 1000  # enough for an initializer that looks at the data


@dataclass(frozen=True)
class Plan:
    """All choices about a fit, as recipes; `assemble.py` makes it from the hyperparameters."""

    network: Network
    loss: Loss
    penalties: tuple[Penalty, ...]
    solver: object
    schedule: Schedule
    rate: float
    weight_decay: float
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
    total_weight: float | None = None

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

    def weighted(self, counts):
        """Return the rows with a positive count, each weight multiplied by its count."""
        kept = np.flatnonzero(counts)
        weight = counts[kept] if self.weight is None else self.weight[kept] * counts[kept]
        return Rows(self.X[kept], self.Y[kept], weight)


@dataclass
class ResumeState:
    """What a member needs to go on exactly where it stopped.

    Attributes
    ----------
    theta : ndarray or None
        The running numbers, which early stopping's best epoch does not replace; None before the
        first epoch.
    stepper : SGDStepper, AdamStepper or None
        The optimizer's moments; None before the first step and for L-BFGS.
    streams : dict
        The random streams by role.
    best : BestSoFar or None
        Early stopping's memory.
    """

    theta: np.ndarray | None
    stepper: object
    streams: dict
    best: BestSoFar | None = None


@dataclass
class Member:
    """One fitted network.

    Attributes
    ----------
    network : Network
        The recipe.
    theta : ndarray of shape (network.layout.size,)
        All numbers: weights, offsets, statistics.
    history : dict of str to list of float
        One entry an epoch.
    best_iteration : int or None
        The epoch of `theta`, counted from 1, if early stopping chose it.
    best_validation_score : float or None
        The validation score of that epoch.
    state : ResumeState or None
        Kept where it will be used again: with ``warm_start=True`` and by ``partial_fit``.
    """

    network: Network
    theta: np.ndarray
    history: dict = field(repr=False)
    best_iteration: int | None = None
    best_validation_score: float | None = None
    state: ResumeState | None = field(default=None, repr=False)
    interrupted: bool = False

    @property
    def vector(self):
        """The numbers with their views by layer."""
        return Vector(self.network.layout, self.theta)

    @property
    def n_iter(self):
        """Epochs trained."""
        return len(self.history["loss"])

    @property
    def coefs(self):
        """Weight matrices of shape (fan_in, fan_out), first layer first."""
        return [p.W for p in self.vector.layers if hasattr(p, "W")]

    @property
    def intercepts(self):
        """Biases of shape (fan_out,); zeros where batch normalization shifts instead."""
        return [
            p.b if hasattr(p, "b") else np.zeros(p.W.shape[1], self.theta.dtype)
            for p in self.vector.layers
            if hasattr(p, "W")
        ]

    @property
    def loss_curve(self):
        """Loss plus penalty, one entry an epoch."""
        return [a + b for a, b in zip(self.history["loss"], self.history["penalty"], strict=True)]

    @property
    def validation_loss_curve(self):
        """Data term on the validation rows, one entry an epoch, or None."""
        return self.history.get("validation_loss")

    @property
    def validation_scores(self):
        """What early stopping compared, one entry an epoch, or None."""
        return self.history.get("validation_score")

    @property
    def weights(self):
        """All weight matrices as one flat array; offsets are not among them."""
        return self.vector.weights


class FittedView:
    """Makes estimators that predict with given numbers, for scorers and callbacks.

    Parameters
    ----------
    estimator : estimator
        With everything fitted but the members.
    network : Network
        The recipe of the members.
    """

    def __init__(self, estimator, network):
        self.estimator = copy(estimator)
        self.network = network
        # Validation rows come as plain arrays; callbacks belong to the estimator itself.
        for name in (
            "feature_names_in_", "_skl_callbacks", "_callback_fit_ctx", "_parent_callback_ctx",
        ):
            vars(self.estimator).pop(name, None)

    def attributes(self, theta):
        """Return the fitted attributes that hold a copy of these numbers."""
        return {"members_": [Member(self.network, theta.data.copy(), {"loss": [], "penalty": []})]}

    def __call__(self, theta):
        """Return an estimator fitted with these numbers."""
        view = copy(self.estimator)
        vars(view).update(self.attributes(theta))
        return view


def fit_member(plan, rows, index, *, previous=None, evaluate=None, callbacks=()):
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
    evaluate : callable or None
        See `EarlyStopping`.
    callbacks : list of Callback
        Further callbacks.

    Returns
    -------
    member, notes : Member and list of (class, str)
        The notes are warnings to issue.
    """
    state = _state_to_go_on_from(plan, index, previous)
    if plan.draw is not None:
        call = previous.n_iter if previous and plan.draw.each_call else 0
        rows = rows.weighted(plan.draw(stream(plan.seed, "draw", index, call), len(rows.Y)))
    run = start_run(plan, rows, state, deepcopy(previous.history) if previous else {})
    stopping = None
    if evaluate is not None:
        stopping = EarlyStopping(evaluate, plan.patience, plan.tol, state.best)
        callbacks = [stopping, *callbacks]
    try:
        if isinstance(plan.solver, LBFGS):
            minimize_lbfgs(run, plan.solver, callbacks, plan.max_epochs, plan.tol)
        else:
            state.stepper = state.stepper or plan.solver.start(run.theta, plan.weight_decay)
            train(run, state.stepper, callbacks, plan.max_epochs)
    except KeyboardInterrupt:
        run.interrupt()
    return _finish(plan, run, state, stopping), run.notes


def _state_to_go_on_from(plan, index, previous):
    if previous is None or previous.state is None:
        theta = previous.theta if previous else None
        return ResumeState(theta, None, new_streams(plan, index))
    state = deepcopy(previous.state)
    if state.stepper is not None:
        if type(state.stepper.recipe) is type(plan.solver):
            state.stepper.recipe, state.stepper.weight_decay = plan.solver, plan.weight_decay
        else:
            state.stepper = None
    return state


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
    objective = Objective(
        plan.network, plan.loss, plan.penalties, plan.total_weight or total_weight, plan.dtype,
        streams["mask"],
    )  # fmt: skip
    batches = Batches(
        rows.X, rows.Y, relative, batch_size=min(plan.batch_size, n_rows), shuffle=plan.shuffle,
        min_rows=plan.min_rows, transforms=plan.transforms, dense=plan.dense,
        shuffle_rng=streams["shuffle"], transform_rng=streams["augmentation"],
    )  # fmt: skip
    return Run(objective, theta, batches, plan.schedule, plan.rate, history)


def _finish(plan, run, state, stopping):
    member = Member(plan.network, run.theta.data, run.history, interrupted=run.interrupted)
    if plan.keep_state:
        state.theta = run.theta.data.copy()
        state.best = stopping.best if stopping else None
        member.state = state
    if stopping and stopping.best.epoch:
        best = stopping.best
        member.theta, member.best_iteration = best.theta, best.epoch
        member.best_validation_score = best.score
    return member


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
