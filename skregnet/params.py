"""The control panel: the fields of `Params` ARE the signature of both estimators."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real

import numpy as np

from ._compat import Interval, Splitter, StrOptions, validate_parameter_constraints
from .core.activations import ACTIVATIONS
from .core.classification_losses import CLASSIFICATION_LOSSES, ClassificationLoss
from .core.embeddings import NUMERIC_EMBEDDINGS, PBLD, PLE
from .core.initializers import INITIALIZERS, Initializer
from .core.losses import REGRESSION_LOSSES, Loss
from .tables import SCALINGS, TARGET_SCALINGS
from .training.augmentation import AUGMENTATIONS, BatchTransform
from .training.averaging import AVERAGINGS, EMA, SWA, Snapshot
from .training.optimizers import LBFGS, SGD, SOLVERS, Adam
from .training.schedules import REGULARIZATION_SCHEDULES, SCHEDULES, Schedule


@dataclass(eq=False, repr=False)
class Params:
    """Hyperparameters common to both estimators, grouped by where they act."""

    # network
    hidden_layer_sizes: int | Sequence[int] = (128, 128)
    _: KW_ONLY
    activation: str | Sequence[str] = "mish"
    loss: str | Loss = "squared_error"
    # start
    init: str | Initializer | Callable | Sequence = "auto"
    # objective
    alpha: float | Sequence[float] = 0.5
    l1_ratio: float = 0.0
    weight_decay: float = 0.0
    max_norm: float | None = None
    # layer
    numeric_embedding: str | PBLD | PLE | None = "auto"
    feature_scale: bool | str = "auto"
    parametric_activation: bool = False
    keep_prob: float | Sequence[float] = 1.0
    input_keep_prob: float = 1.0
    batchnorm: bool | str = False
    group_norm: int | None = None
    hidden_noise: float = 0.0
    weight_noise: float = 0.0
    regularization_schedule: str = "constant"
    # batch
    augmentation: str | BatchTransform | Callable | Sequence | None = None
    # data
    categorical_features: str | Sequence | None = "from_dtype"
    max_categories: int | None = 100
    scaling: str | None = "robust"
    # optimization
    solver: str | SGD | Adam | LBFGS = "adam"
    learning_rate: str | Schedule = "auto"
    learning_rate_init: float = 3e-3
    warmup: float = 0
    clip_norm: float | None = None
    batch_size: int | str = "auto"
    shuffle: bool = True
    max_iter: int | None = None
    max_time: float | None = None
    # loop
    early_stopping: bool | str = "auto"
    validation: float | str | object = 0.2
    monitor: str | Callable = "loss"
    n_iter_no_change: int | None = None
    tol: float = 1e-4
    refit: bool | str = "auto"
    averaging: str | EMA | SWA | Snapshot | None = "auto"
    # committee
    n_estimators: int = 1
    bootstrap: bool | str = "auto"
    max_samples: float | int = 1.0
    oob_score: bool | str | Callable = False
    n_jobs: int | None = None
    # execution
    dtype: str = "auto"
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0


@dataclass(eq=False, repr=False)
class ClassifierParams(Params):
    """Adds what only labels have."""

    _: KW_ONLY
    activation: str | Sequence[str] = "selu"
    loss: str | ClassificationLoss = "log_loss"
    label_smoothing: float | str = "auto"
    class_weight: dict | str | None = None
    soft_labels: bool = False
    voting: str = "soft"
    calibration: str | None = "auto"


@dataclass(eq=False, repr=False)
class RegressorParams(Params):
    """Adds what only real targets have."""

    _: KW_ONLY
    learning_rate_init: float = 4.5e-3
    target_scaling: str | None = "auto"
    clip_output: bool = False


def _options(names):
    return StrOptions(set(names))


CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [_options(ACTIVATIONS), list, tuple],
    "init": [_options(["auto", *INITIALIZERS]), Initializer, callable, list, tuple],
    "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "max_norm": [Interval(Real, 0, None, closed="neither"), None],
    "numeric_embedding": [
        _options(["auto", *NUMERIC_EMBEDDINGS]), *NUMERIC_EMBEDDINGS.values(), None,
    ],  # fmt: skip
    "feature_scale": ["boolean", _options(["auto"])],
    "parametric_activation": ["boolean"],
    "keep_prob": [Interval(Real, 0, 1, closed="right"), "array-like"],
    "input_keep_prob": [Interval(Real, 0, 1, closed="right")],
    "batchnorm": ["boolean", _options(["before", "after"])],
    "group_norm": [Interval(Integral, 1, None, closed="left"), None],
    "hidden_noise": [Interval(Real, 0, None, closed="left")],
    "weight_noise": [Interval(Real, 0, None, closed="left")],
    "regularization_schedule": [_options(REGULARIZATION_SCHEDULES)],
    "augmentation": [_options(AUGMENTATIONS), BatchTransform, callable, list, tuple, None],
    "categorical_features": [_options(["from_dtype"]), "array-like", None],
    "max_categories": [Interval(Integral, 1, None, closed="left"), None],
    "scaling": [_options(SCALINGS), None],
    "solver": [_options(SOLVERS), *SOLVERS.values()],
    "learning_rate": [_options(["auto", *SCHEDULES]), Schedule],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "warmup": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [_options(["auto"]), Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "early_stopping": ["boolean", _options(["auto"])],
    "validation": [Interval(Real, 0, 1, closed="neither"), _options(["oob"]), Splitter()],
    "monitor": [str, callable],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    "tol": [Interval(Real, 0, None, closed="left")],
    "refit": ["boolean", _options(["auto"])],
    "averaging": [_options(["auto", *AVERAGINGS]), *AVERAGINGS.values(), None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "oob_score": ["boolean", str, callable],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean", _options(["auto"])],
    "max_samples": [
        Interval(Real, 0, 1, closed="right"),
        Interval(Integral, 1, None, closed="left"),
    ],
    "n_jobs": [Integral, None],
    "dtype": [_options(["auto", "float32", "float64"])],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
"""What each hyperparameter may be, in scikit-learn's vocabulary."""

CLASSIFIER_CONSTRAINTS = CONSTRAINTS | {
    "loss": [_options(CLASSIFICATION_LOSSES), *CLASSIFICATION_LOSSES.values()],
    "label_smoothing": [Interval(Real, 0, 1, closed="left"), _options(["auto"])],
    "class_weight": [dict, list, _options(["balanced"]), None],
    "soft_labels": ["boolean"],
    "voting": [_options(["soft", "hard"])],
    "calibration": [_options(["auto", "temperature"]), None],
}

REGRESSOR_CONSTRAINTS = CONSTRAINTS | {
    "loss": [_options(REGRESSION_LOSSES), *REGRESSION_LOSSES.values()],
    "target_scaling": [_options(["auto", *TARGET_SCALINGS]), None],
    "clip_output": ["boolean"],
}


def check_params(estimator, constraints):
    """Raise scikit-learn's InvalidParameterError for a hyperparameter of a wrong kind or range."""
    validate_parameter_constraints(
        constraints, estimator.get_params(deep=False), type(estimator).__name__
    )
