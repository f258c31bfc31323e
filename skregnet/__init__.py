"""Regularized neural networks for tables, as scikit-learn estimators."""

from .classifier import RegularizedMLPClassifier
from .core.classification_losses import Focal, Hinge, LogLoss
from .core.embeddings import PBLD, PLE
from .core.gradient_check import BlockCheck, GradientReport
from .core.initializers import (
    NTK,
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
from .core.losses import AbsoluteError, Gamma, Huber, Poisson, Quantile, SquaredError
from .gradients import check_gradients
from .inspection.decomposition import ensemble_error_decomposition
from .inspection.diagnosis import diagnose
from .inspection.findings import Diagnosis, Finding
from .inspection.layer_displays import (
    ActivationDistributionDisplay,
    GradientFlowDisplay,
    WeightDistributionDisplay,
)
from .inspection.path_display import RegularizationPathDisplay
from .inspection.training_history import TrainingHistoryDisplay
from .layerwise import LayerRecord, inspect_layers
from .paths import regularization_path
from .regressor import RegularizedMLPRegressor
from .search import suggest_search_space
from .training.augmentation import (
    CutMix,
    FeatureDropout,
    Flip,
    GaussianNoise,
    Mixup,
    RandomChoice,
    Rotate,
    Shift,
    SwapNoise,
    Zoom,
)
from .training.averaging import EMA, SWA, Snapshot
from .training.checkpoint import Checkpoint
from .training.optimizers import LBFGS, SGD, Adam
from .training.schedules import (
    Adaptive,
    ConstantRate,
    Cosine,
    CosLog4,
    InverseScaling,
    OneCycle,
)

__version__ = "0.1.0.dev0"

__all__ = [
    "AbsoluteError",
    "ActivationDistributionDisplay",
    "Adam",
    "Adaptive",
    "BlockCheck",
    "Checkpoint",
    "Constant",
    "ConstantRate",
    "CosLog4",
    "Cosine",
    "CutMix",
    "DataDriven",
    "Diagnosis",
    "EMA",
    "FeatureDropout",
    "Finding",
    "Flip",
    "Focal",
    "Gamma",
    "GaussianNoise",
    "GradientFlowDisplay",
    "GradientReport",
    "He",
    "Hinge",
    "Huber",
    "InverseScaling",
    "LBFGS",
    "LayerRecord",
    "LeCun",
    "LogLoss",
    "Mixup",
    "NTK",
    "Normal",
    "OneCycle",
    "Orthogonal",
    "PBLD",
    "PLE",
    "Poisson",
    "Quantile",
    "RandomChoice",
    "RegularizationPathDisplay",
    "RegularizedMLPClassifier",
    "RegularizedMLPRegressor",
    "Rotate",
    "SGD",
    "SWA",
    "Shift",
    "Snapshot",
    "SquaredError",
    "SwapNoise",
    "TrainingHistoryDisplay",
    "Uniform",
    "WeightDistributionDisplay",
    "Xavier",
    "Zeros",
    "Zoom",
    "check_gradients",
    "diagnose",
    "ensemble_error_decomposition",
    "inspect_layers",
    "regularization_path",
    "suggest_search_space",
]
