"""Transforms of a mini-batch on its way into the network: ``transform(X, Y, rng) -> X, Y``."""

from .base import BatchTransform, FromCallable, LabelSmoothing
from .choice import RandomChoice
from .images import Flip, Rotate, Shift, Zoom
from .tables import CutMix, FeatureDropout, GaussianNoise, Mixup, SwapNoise

AUGMENTATIONS = {
    "gaussian_noise": GaussianNoise,
    "swap_noise": SwapNoise,
    "feature_dropout": FeatureDropout,
    "mixup": Mixup,
    "cutmix": CutMix,
    "shift": Shift,
    "rotate": Rotate,
    "flip": Flip,
    "zoom": Zoom,
    "random_choice": RandomChoice,
}

__all__ = [
    "AUGMENTATIONS",
    "BatchTransform",
    "CutMix",
    "FeatureDropout",
    "Flip",
    "FromCallable",
    "GaussianNoise",
    "LabelSmoothing",
    "Mixup",
    "RandomChoice",
    "Rotate",
    "Shift",
    "SwapNoise",
    "Zoom",
]
