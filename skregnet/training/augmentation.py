"""Transforms of a mini-batch on its way into the network: ``transform(X, Y, rng) -> X, Y``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..core.component import Component


class BatchTransform(Component, ABC):
    """Base class; a transform never writes into the arrays that it is given."""

    needs_dense = False
    """Whether X must be an ordinary array."""

    @abstractmethod
    def __call__(self, X, Y, rng):
        """Return the batch that the network is trained on instead."""


@dataclass
class LabelSmoothing(BatchTransform):
    """Target 1 - eps for the true class; the other K - 1 classes share eps equally.

    With one logit an output (binary, multilabel) K is 2, so 1 becomes 1 - eps and 0 becomes eps.
    Szegedy et al. (2016) give eps'/K to every class: their eps' = eps K / (K - 1).

    Parameters
    ----------
    epsilon : float in [0, 1)
        The probability taken from the true class.
    n_classes : int
        K.
    """

    epsilon: float
    n_classes: int

    def __call__(self, X, Y, rng):
        """Return X and the smoothed targets."""
        share = self.epsilon / (self.n_classes - 1)
        return X, Y * (1.0 - self.epsilon - share) + share
