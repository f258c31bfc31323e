"""Regularized neural networks for tables, as scikit-learn estimators."""

from .classifier import RegularizedMLPClassifier
from .core.gradient_check import BlockCheck, GradientReport
from .core.initializers import (
    Constant,
    DataDriven,
    He,
    LeCun,
    Normal,
    Orthogonal,
    Uniform,
    Xavier,
    Zeros,
)
from .core.losses import AbsoluteError, Huber, Poisson, SquaredError
from .gradients import check_gradients
from .inspection.decomposition import ensemble_error_decomposition
from .regressor import RegularizedMLPRegressor
from .training.averaging import EMA, SWA, Snapshot
from .training.checkpoint import Checkpoint
from .training.optimizers import LBFGS, SGD, Adam
from .training.schedules import Adaptive, ConstantRate, Cosine, InverseScaling

__version__ = "0.1.0.dev0"

__all__ = [
    "EMA",
    "LBFGS",
    "SGD",
    "SWA",
    "AbsoluteError",
    "Adam",
    "Adaptive",
    "BlockCheck",
    "Checkpoint",
    "Constant",
    "ConstantRate",
    "Cosine",
    "DataDriven",
    "GradientReport",
    "He",
    "Huber",
    "InverseScaling",
    "LeCun",
    "Normal",
    "Orthogonal",
    "Poisson",
    "RegularizedMLPClassifier",
    "RegularizedMLPRegressor",
    "Snapshot",
    "SquaredError",
    "Uniform",
    "Xavier",
    "Zeros",
    "check_gradients",
    "ensemble_error_decomposition",
]
