"""Hyperparameters that stand for one thing each: a flag, a function, a recipe."""

from numbers import Integral

import numpy as np

from ..core.classification_losses import CLASSIFICATION_LOSSES, LogLoss
from ..core.component import require, resolve
from ..core.losses import REGRESSION_LOSSES, Gamma, Poisson
from ..tables import SCALINGS, TARGET_SCALINGS
from ..training.optimizers import LBFGS
from ..training.schedules import REGULARIZATION_SCHEDULES

AUTO_FLOAT32_ROWS = 500


def continues(p):
    """Whether `fit` goes on from the members that are there."""
    return p.warm_start


def identity(p):
    """Return the hyperparameters that a checkpoint must share, as values that can be hashed."""
    free = {"n_jobs", "verbose", "random_state"}
    return {name: named(value) for name, value in p.get_params().items() if name not in free}


def named(value):
    """Return a function by its name, for its address differs from process to process."""
    if isinstance(value, list | tuple):
        return [named(item) for item in value]
    name = getattr(value, "__qualname__", None)
    return value if name is None else f"{value.__module__}.{name}"


def frozen_choices(p):
    """Return the hyperparameters that must not change while training goes on."""
    names = (
        "loss", "soft_labels", "categorical_features", "max_categories", "scaling",
        "target_scaling", "numeric_embedding", "dtype",
    )  # fmt: skip
    return {name: repr(getattr(p, name)) for name in names if hasattr(p, name)}


def row_choices(p, n_rows, stopping):
    """Return what decides which rows train each member, for fits that go on to compare."""
    several = p.n_estimators > 1
    held_out = repr(stopping.validation) if stopping.enabled else None
    return n_rows, held_out, (bootstraps(p), p.max_samples) if several else None


def random_state(p):
    """Return what the seed is drawn from."""
    return p.random_state


def accepts_negative_targets(p):
    """Whether the loss is defined for negative targets."""
    return p.loss not in ("poisson", "gamma") and not isinstance(p.loss, Poisson | Gamma)


def predicts_labels(p):
    """Whether the estimator is a classifier."""
    return hasattr(p, "soft_labels")


def predicts_probabilities(p):
    """Whether the classifier's loss makes probabilities of its raw outputs."""
    return resolve(p.loss, CLASSIFICATION_LOSSES, "loss").has_probabilities


def is_log_loss(p):
    """Whether the classifier minimises the log-loss."""
    return isinstance(resolve(p.loss, CLASSIFICATION_LOSSES, "loss"), LogLoss)


def takes_soft_labels(p):
    """Whether `y` holds a probability of each class."""
    return p.soft_labels


def votes_hard(p):
    """Whether members vote instead of averaging probabilities."""
    return p.voting == "hard"


def demands_calibration(p):
    """Whether a temperature is asked for, so that there must be rows to fit it on."""
    return hasattr(p, "calibration") and p.calibration == "temperature"


def clips_output(p):
    """Whether predictions are kept within the range of the training targets."""
    return hasattr(p, "clip_output") and p.clip_output


def class_weight(p):
    """Return the weights of the classes, as given."""
    return p.class_weight


def is_verbose(p):
    """Whether a line is to be printed each epoch."""
    return bool(p.verbose)


def streams_rows(p):
    """Whether the solver can learn from a stream of rows."""
    return not is_lbfgs(p)


def is_lbfgs(p):
    """Whether the solver is L-BFGS."""
    return p.solver == "lbfgs" or isinstance(p.solver, LBFGS)


def assemble_dtype(p, n_rows, streaming=False):
    """Return the floating point type of the network."""
    if p.dtype != "auto":
        return np.dtype(p.dtype)
    small = n_rows < AUTO_FLOAT32_ROWS and not streaming
    return np.dtype(np.float64 if small or is_lbfgs(p) else np.float32)


def categorical_features(p):
    """Return which columns are categories, as given."""
    return p.categorical_features


def max_categories(p):
    """Return the most columns that a categorical column is encoded as, or None."""
    return p.max_categories


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
    return None if choice is None else TARGET_SCALINGS[choice]


def assemble_classification_loss(p, link):
    """Return the loss of one logit an output (`link="sigmoid"`) or a class (`"softmax"`)."""
    return resolve(p.loss, CLASSIFICATION_LOSSES, "loss").with_link(link)


def assemble_regression_loss(p):
    """Return the loss of a regression."""
    return resolve(p.loss, REGRESSION_LOSSES, "loss")


def assemble_strength(p):
    """Return the schedule of dropout and decoupled decay, or None if they do not change."""
    schedule = REGULARIZATION_SCHEDULES[p.regularization_schedule]()
    return schedule if schedule.has_horizon else None


def bootstraps(p):
    """Whether the rows of each member are drawn with replacement."""
    if p.bootstrap != "auto":
        return p.bootstrap
    watches_bags = isinstance(p.validation, str) and p.early_stopping is not False
    calibrates_bags = demands_calibration(p) and p.early_stopping is False
    return _takes_all(p) and (p.oob_score is not False or watches_bags or calibrates_bags)


def draws_every_row(p):
    """Whether each member of a committee sees all rows."""
    return not bootstraps(p) and _takes_all(p)


def _takes_all(p):
    return isinstance(p.max_samples, float) and p.max_samples == 1.0


def leaves_rows_out(p):
    """Whether there are rows that members of a committee did not draw."""
    return p.n_estimators > 1 and not draws_every_row(p)


def is_sequence(value):
    """Whether a hyperparameter was given as one value a layer."""
    is_scalar_array = isinstance(value, np.ndarray) and value.ndim == 0
    return hasattr(value, "__len__") and not isinstance(value, str) and not is_scalar_array


def widths(p):
    """Return the widths of the hidden layers."""
    sizes = p.hidden_layer_sizes
    found = [sizes] if isinstance(sizes, Integral) else list(sizes)
    for width in found:
        ok = isinstance(width, Integral) and width > 0
        expected = "made of positive ints (must be > 0)"
        require(ok, type(p).__name__, "hidden_layer_sizes", expected, sizes)
    return [int(width) for width in found]


def n_hidden_layers(p):
    """Return how many hidden layers there are."""
    return len(widths(p))


def is_linear(p):
    """Whether every hidden unit is linear."""
    names = [p.activation] if isinstance(p.activation, str) else p.activation
    return all(name == "identity" for name in names)


def has_dropout(p):
    """Whether a hidden unit is ever switched off."""
    keep_probs = p.keep_prob if is_sequence(p.keep_prob) else [p.keep_prob]
    return any(keep_prob != 1 for keep_prob in keep_probs)


def has_alpha(p):
    """Whether a weight is penalised."""
    return bool(np.any(np.asarray(p.alpha)))


def has_l1(p):
    """Whether the penalty makes exact zeros."""
    return has_alpha(p) and p.l1_ratio > 0
