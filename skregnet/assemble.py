"""From hyperparameters to objects: the wiring diagram, and the only file that reads them by name.

`p` is an estimator (a `Params`), read only. Every function either returns what the engine needs,
or raises / warns about a combination that cannot act.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real

import numpy as np

from .committee import Bootstrap, PoissonDraw
from .core.activations import ACTIVATIONS
from .core.component import require, resolve
from .core.dense import Dense
from .core.dropout import Dropout
from .core.initializers import AUTO, INITIALIZERS, FromArray, FromFunction, Initializer
from .core.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, Poisson
from .core.network import Network
from .core.normalization import BatchNorm
from .core.penalties import ElasticNet, MaxNorm
from .exceptions import BatchSizeWarning, IgnoredParameterWarning, SymmetryWarning, warn
from .member import Plan
from .tables import SCALINGS
from .training.augmentation import LabelSmoothing
from .training.batches import MIN_ROWS_TO_NORMALIZE
from .training.optimizers import LBFGS, SOLVERS
from .training.schedules import SCHEDULES, ConstantRate

AUTO_EARLY_STOPPING_ROWS = 1000
AUTO_FLOAT32_ROWS = 500
AUTO_BATCH_SIZE = 200


@dataclass(frozen=True)
class Stopping:
    """When to stop: `enabled` says whether a validation set is watched at all."""

    enabled: bool
    fraction: float
    monitor: str | Callable
    patience: int | None
    tol: float


def assemble_stopping(p, n_rows, X_val_given, streaming=False):
    """Return the rule for early stopping on `n_rows` rows."""
    enabled = p.early_stopping
    if enabled == "auto":
        enabled = not streaming and (X_val_given or n_rows >= AUTO_EARLY_STOPPING_ROWS)
    elif X_val_given and not enabled:
        raise ValueError(
            "X_val and y_val are passed to fit while at the same time early_stopping is False. "
            "When passing X_val and y_val to fit, set early_stopping to either 'auto' or True."
        )
    if streaming and enabled:
        _ignored(p, "early_stopping", "partial_fit holds no rows out")
        enabled = False
    if not enabled and not streaming:
        reason = "early stopping is off"
        for name in ("monitor", "validation", "n_iter_no_change"):
            _ignored(p, name, reason)
        if not _is_lbfgs(p):
            _ignored(p, "tol", reason)
    if X_val_given:
        _ignored(p, "validation", "X_val is given")
    return Stopping(bool(enabled), p.validation, p.monitor, p.n_iter_no_change, p.tol)


def assemble_dtype(p, n_rows, streaming=False):
    """Return the floating point type of the network."""
    if p.dtype != "auto":
        return np.dtype(p.dtype)
    small = n_rows < AUTO_FLOAT32_ROWS and not streaming
    return np.dtype(np.float64 if small or _is_lbfgs(p) else np.float32)


def assemble_scaling(p):
    """Return the function that learns the scale of the input, or None."""
    return None if p.scaling is None else SCALINGS[p.scaling]


def assemble_target_scaling(p, loss):
    """Return the function that learns the scale of a regression target, or None."""
    choice = p.target_scaling
    if choice == "auto":
        choice = "standard" if loss.standardizes_target else None
    if choice is not None and not loss.standardizes_target:
        raise ValueError(
            f"target_scaling={choice!r} cannot be used with loss={p.loss!r}, which is defined for "
            "the target's own units only. Use target_scaling='auto' or None."
        )
    return None if choice is None else SCALINGS[choice]


def assemble_classification_loss(p, link):
    """Return the loss of one logit an output (`link="sigmoid"`) or a class (`"softmax"`)."""
    return CLASSIFICATION_LOSSES[p.loss][link]()


def assemble_regression_loss(p):
    """Return the loss of a regression."""
    return resolve(p.loss, REGRESSION_LOSSES, "loss")


def assemble_network(p, n_in, n_out):
    """Return the network recipe for `n_in` columns and `n_out` raw outputs."""
    widths = _widths(p)
    n_hidden = len(widths)
    activations = [
        resolve_activation(name) for name in _per_layer(p.activation, n_hidden, "activation")
    ]
    keep_probs = _per_layer(p.keep_prob, n_hidden, "keep_prob")
    for keep_prob in keep_probs:
        ok = isinstance(keep_prob, Real) and 0 < keep_prob <= 1
        require(ok, _name(p), "keep_prob", "in the range (0, 1] for each hidden layer", p.keep_prob)
    inits = _initializers(p, activations)
    norm_place = "before" if p.batchnorm is True else p.batchnorm
    layers = [Dropout(p.input_keep_prob)] if p.input_keep_prob < 1 else []
    for width, activation, keep_prob, init in zip(
        widths, activations, keep_probs, inits[:-1], strict=True
    ):
        # The mean that batch normalization subtracts would cancel a bias.
        layers.append(Dense(n_in, width, init, bias=norm_place != "before"))
        if norm_place == "before":
            layers.append(BatchNorm(width))
        if activation.family != "linear":
            layers.append(activation)
        if norm_place == "after":
            layers.append(BatchNorm(width))
        if keep_prob < 1:
            layers.append(Dropout(keep_prob))
        n_in = width
    layers.append(Dense(n_in, n_out, inits[-1]))
    return Network(tuple(layers))


def assemble_penalties(p, layout):
    """Return the penalties on the weights zone; absent ones are not in the list."""
    blocks = layout.weight_blocks
    alphas = _per_layer(p.alpha, len(blocks), "alpha", what="weight matrix")
    for alpha in alphas:
        ok = isinstance(alpha, Real) and 0 <= alpha < np.inf
        require(ok, _name(p), "alpha", "non-negative for each weight matrix", p.alpha)
    penalties = []
    if any(alphas):
        stretches = [(b.start, b.stop, float(a)) for b, a in zip(blocks, alphas, strict=True)]
        if len(set(alphas)) == 1:
            stretches = [(0, layout.n_weights, float(alphas[0]))]
        penalties.append(ElasticNet(tuple(s for s in stretches if s[2] > 0), float(p.l1_ratio)))
    if p.max_norm is not None:
        penalties.append(
            MaxNorm(tuple((b.start, b.stop, b.shape) for b in blocks), float(p.max_norm))
        )
    return tuple(penalties)


def assemble_plan(
    p, network, loss, n_rows, *, dtype, seed, stopping, n_classes=None, streaming=False,
    total_weight=None,
):  # fmt: skip
    """Return the plan of a fit of `n_rows` training rows.

    Parameters
    ----------
    p : Params
        The estimator.
    network : Network
        From `assemble_network`.
    loss : Loss
        From `assemble_classification_loss` or `assemble_regression_loss`.
    n_rows : int
        Training rows, validation rows excluded.
    dtype : dtype
        Of the network.
    seed : int
        Of all random streams.
    stopping : Stopping
        From `assemble_stopping`.
    n_classes : int or None
        Classes that share smoothed labels; None for regression.
    streaming : bool, default=False
        Whether this is one call of partial_fit.
    total_weight : float or None
        S, if it is not the weight of these rows.
    """
    solver = resolve(p.solver, SOLVERS, "solver")
    schedule = resolve(p.learning_rate, SCHEDULES, "learning_rate")
    _check_combination(p, network, schedule, streaming)
    smoothing = p.label_smoothing if n_classes else 0.0
    return Plan(
        network=network,
        loss=loss,
        penalties=assemble_penalties(p, network.layout),
        solver=solver,
        schedule=schedule,
        rate=float(p.learning_rate_init),
        weight_decay=float(p.weight_decay),
        transforms=(LabelSmoothing(smoothing, n_classes),) if smoothing else (),
        batch_size=_batch_size(p, n_rows, streaming),
        shuffle=p.shuffle,
        min_rows=MIN_ROWS_TO_NORMALIZE if p.batchnorm else 1,
        max_epochs=1 if streaming else p.max_iter,
        patience=stopping.patience,
        tol=stopping.tol,
        dtype=dtype,
        seed=seed,
        n_members=p.n_estimators,
        draw=_draw(p, n_rows, streaming),
        n_jobs=p.n_jobs,
        keep_state=p.warm_start or streaming,
        total_weight=total_weight,
    )


def continues(p):
    """Whether `fit` goes on from the members that are there."""
    return p.warm_start


def random_state(p):
    """Return what the seed is drawn from."""
    return p.random_state


def accepts_negative_targets(p):
    """Whether the loss is defined for negative targets."""
    return p.loss != "poisson" and not isinstance(p.loss, Poisson)


def votes_hard(p):
    """Whether members vote instead of averaging probabilities."""
    return p.voting == "hard"


def class_weight(p):
    """Return the weights of the classes, as given."""
    return p.class_weight


def is_verbose(p):
    """Whether a line is to be printed each epoch."""
    return bool(p.verbose)


def streams_rows(p):
    """Whether the solver can learn from a stream of rows."""
    return not _is_lbfgs(p)


def resolve_activation(name):
    """Return the layer of an activation's name."""
    require(isinstance(name, str) and name in ACTIVATIONS, "the estimator", "activation",
            f"one of {sorted(ACTIVATIONS)}", name)  # fmt: skip
    return ACTIVATIONS[name]()


def _name(p):
    return type(p).__name__


def _is_lbfgs(p):
    return p.solver == "lbfgs" or isinstance(p.solver, LBFGS)


def _widths(p):
    sizes = p.hidden_layer_sizes
    widths = [sizes] if isinstance(sizes, Integral) else list(sizes)
    for width in widths:
        ok = isinstance(width, Integral) and width > 0
        require(ok, _name(p), "hidden_layer_sizes", "made of positive ints (must be > 0)", sizes)
    return [int(width) for width in widths]


def _per_layer(value, n, name, what="hidden layer"):
    if not _is_sequence(value):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"The {name!r} parameter must be one value or one per {what} ({n} here). "
            f"Got {len(value)} values instead."
        )
    return list(value)


def _is_sequence(value):
    return hasattr(value, "__len__") and not isinstance(value, str)


def _initializers(p, activations):
    n_hidden = len(activations)
    choices = _per_layer(p.init, n_hidden + 1, "init", what="weight matrix")
    families = [activation.family for activation in activations] + ["linear"]
    inits = [_initializer(choice, family) for choice, family in zip(choices, families, strict=True)]
    for init in inits[:n_hidden]:
        if not init.breaks_symmetry:
            warn(
                f"init={init!r} makes all weights of a hidden layer equal: its units stay "
                "identical for ever, so the layer acts as one unit. Use init='auto'.",
                SymmetryWarning,
            )
            break
    return inits


def _initializer(choice, family):
    if isinstance(choice, str) and choice == "auto":
        return AUTO[family]()
    if isinstance(choice, str | Initializer):
        return resolve(choice, INITIALIZERS, "init")
    return FromFunction(choice) if callable(choice) else FromArray(choice)


def _batch_size(p, n_rows, streaming):
    if _is_lbfgs(p):
        return n_rows
    if p.batch_size == "auto":
        return min(AUTO_BATCH_SIZE, n_rows)
    if p.batch_size > n_rows and not streaming:
        warn(
            f"batch_size={p.batch_size} is larger than the {n_rows} training rows; "
            "it is clipped to them.",
            BatchSizeWarning,
        )
    return min(p.batch_size, n_rows)


def _draw(p, n_rows, streaming):
    if p.n_estimators == 1:
        return None
    if streaming:
        return PoissonDraw() if p.bootstrap else None
    if isinstance(p.max_samples, Integral) and p.max_samples > n_rows:
        raise ValueError(
            f"The 'max_samples' parameter must be at most the number of training rows ({n_rows}). "
            f"Got {p.max_samples} instead."
        )
    everything = isinstance(p.max_samples, float) and p.max_samples == 1.0
    return None if everything and not p.bootstrap else Bootstrap(p.bootstrap, p.max_samples)


def _check_combination(p, network, schedule, streaming):
    n_hidden = len(_widths(p))
    constant = isinstance(schedule, ConstantRate)
    if n_hidden == 0:
        reason = "there is no hidden layer"
        _impossible("keep_prob", not _is_sequence(p.keep_prob) and p.keep_prob != 1, reason)
        _impossible("batchnorm", p.batchnorm, reason)
        _ignored(p, "activation", reason)
    if _is_lbfgs(p):
        reason = "solver='lbfgs' needs an objective without randomness and takes no plain steps"
        draws = any(isinstance(layer, Dropout) for layer in network.layers)
        _impossible("keep_prob" if p.input_keep_prob == 1 else "input_keep_prob", draws, reason)
        _impossible("weight_decay", p.weight_decay, reason)
        _impossible("max_norm", p.max_norm is not None, reason)
        _impossible("learning_rate", not constant, reason)
        reason = "solver='lbfgs' uses all rows and its own step sizes"
        for name in ("batch_size", "shuffle", "learning_rate_init"):
            _ignored(p, name, reason)
    one_row = p.batchnorm and p.batch_size == 1
    _impossible("batchnorm", one_row, "a batch of one row has no variance")
    endless = streaming and schedule.has_horizon
    _impossible("learning_rate", endless, "partial_fit does not know the last epoch")
    if not np.any(np.asarray(p.alpha)):
        _ignored(p, "l1_ratio", "alpha is 0")
    if p.n_estimators == 1:
        for name in ("bootstrap", "max_samples", "n_jobs", "voting"):
            _ignored(p, name, "n_estimators is 1")
    elif streaming:
        _ignored(p, "max_samples", "partial_fit draws Poisson(1) weights")


def _impossible(name, switched_on, reason):
    if switched_on:
        raise ValueError(f"The {name!r} parameter cannot be used here: {reason}.")


def _ignored(p, name, reason):
    defaults = {field.name: field.default for field in fields(p)}
    if name in defaults and getattr(p, name) != defaults[name]:
        warn(
            f"{name}={getattr(p, name)!r} has no effect: {reason}.",
            IgnoredParameterWarning,
        )
