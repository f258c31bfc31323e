"""What all transforms of a mini-batch have in common: ``transform(X, Y, rng) -> X, Y``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ...core.component import Component


class BatchTransform(Component, ABC):
    """Base class; a transform never writes into the arrays that it is given.

    `X` of shape (n, d) holds scaled columns and `Y` of shape (n, m) encoded targets; both leave
    with the dtype that they came with.
    """

    needs_dense = False
    """Whether X must be an ordinary array."""

    needs_partner = False
    """Whether a row takes something from another row of its batch."""

    acts_on_pixels = False
    """Whether every column must be a pixel of an image."""

    strength: ClassVar[str | None] = None
    """The name of the hyperparameter that `weakened` turns; 0 means no effect."""

    @abstractmethod
    def __call__(self, X, Y, rng):
        """Return the batch that the network is trained on instead."""

    def weakened(self, factor):
        """Return the same transform with its strength times `factor`, a number in (0, 1]."""
        if self.strength is None:
            return self
        return replace(self, **{self.strength: factor * getattr(self, self.strength)})

    def bind(self, scale):
        """Return the transform to use for rows that `scale` has scaled."""
        return self


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


@dataclass
class FromCallable(BatchTransform):
    """The user's own function; it works on copies, so it may write into what it is given.

    Parameters
    ----------
    function : callable
        ``function(X, Y, rng) -> X, Y`` with scaled columns `X` of shape (n, d), encoded targets
        `Y` of shape (n, m) and a numpy.random.Generator; the shapes must stay.
    """

    function: object
    needs_dense = True

    def check(self):
        """Raise ValueError unless the function can be called."""
        ok = callable(self.function) and not isinstance(self.function, type)
        self._require(ok, "function", "a callable (X, Y, rng) -> X, Y")

    def __call__(self, X, Y, rng):
        """Return what the function makes of the batch.

        Raises
        ------
        TypeError
            If it returns anything but a tuple of two arrays of real numbers.
        ValueError
            If a shape has changed, or a value is not finite.
        """
        result = self.function(X.copy(), Y.copy(), rng)
        if not (isinstance(result, tuple) and len(result) == 2):
            got = f"a tuple of {len(result)}" if isinstance(result, tuple) else repr(type(result))
            raise TypeError(
                f"The callable given as 'augmentation' must return a tuple (X, Y). Got {got} "
                "instead."
            )
        return _checked(result[0], X, "X"), _checked(result[1], Y, "Y")


def _checked(new, given, name):
    new = np.asarray(new)
    start = f"The callable given as 'augmentation' must return {name}"
    if not np.can_cast(new.dtype, given.dtype, "same_kind"):
        raise TypeError(f"{start} as real numbers. Got dtype {new.dtype} instead.")
    if new.shape != given.shape:
        raise ValueError(
            f"{start} in the shape that it was given, {given.shape}. Got {new.shape} instead."
        )
    if not np.all(np.isfinite(new)):
        raise ValueError(f"{start} without NaN and infinity.")
    return new.astype(given.dtype, copy=False)
