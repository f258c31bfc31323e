"""Losses with their links: value and gradient leave the same function.

The network ends linear; `raw` of shape (n, m) is its output. A loss owns the inverse link that
turns raw outputs into predictions, so the gradient with respect to `raw` is as simple and as
stable as it can be. A row's loss is the sum over its outputs.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .component import Component


class Loss(Component, ABC):
    """Base class of losses."""

    smooth = True
    """False if the loss has kinks, where a difference quotient means nothing."""

    output_activation = "identity"
    """The inverse link under scikit-learn's name for it."""

    standardizes_target = True
    """Whether a regression target may be standardised before the loss sees it."""

    @abstractmethod
    def __call__(self, Y, raw, weight, d_raw):
        """Return sum_i weight_i loss_i and write its gradient.

        Parameters
        ----------
        Y : ndarray of shape (n, m)
            Targets.
        raw : ndarray of shape (n, m)
            Raw outputs of the network.
        weight : float or ndarray of shape (n, 1)
            Weights of the rows.
        d_raw : ndarray of shape (n, m)
            Receives the gradient with respect to `raw`.

        Returns
        -------
        value : float
        """

    def inverse_link(self, raw):
        """Turn raw outputs into predictions (a new array)."""
        return raw.copy()

    def link(self, prediction):
        """Return the raw outputs of predictions: the inverse of `inverse_link`."""
        return prediction

    def check_target(self, y):
        """Raise ValueError if the loss is not defined for a value in `y`."""

    def initial_output(self, Y, weight):
        """Return where the output biases start for training rows, of shape (m,).

        Parameters
        ----------
        Y : ndarray of shape (n, m)
            Targets.
        weight : ndarray of shape (n,) or None
            Weights of the rows.
        """
        return np.zeros(Y.shape[1])


class LogLinkLoss(Loss):
    """Base class of losses whose prediction is exp(f)."""

    output_activation = "exp"
    standardizes_target = False

    def inverse_link(self, raw):
        """Return exp(raw)."""
        return np.exp(raw)

    def link(self, prediction):
        """Return log(prediction)."""
        return np.log(prediction)

    def initial_output(self, Y, weight):
        """Return the logarithm of the mean target: from exp(0) = 1 the way there may be long."""
        mean = np.average(Y, axis=0, weights=weight)
        return np.log(np.where(mean > 0, mean, 1.0))


@dataclass
class SquaredError(Loss):
    """loss = 1/2 (y - f)^2."""

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is f - y."""
        np.subtract(raw, Y, out=d_raw)
        value = 0.5 * np.sum(weight * d_raw**2)
        d_raw *= weight
        return float(value)


@dataclass
class AbsoluteError(Loss):
    r"""loss = \|y - f\|, which estimates the median."""

    smooth = False

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is the sign of f - y."""
        np.subtract(raw, Y, out=d_raw)
        value = np.sum(weight * np.abs(d_raw))
        np.sign(d_raw, out=d_raw)
        d_raw *= weight
        return float(value)


@dataclass
class Huber(Loss):
    r"""loss = 1/2 r^2 if \|r\| <= delta else delta (\|r\| - delta/2), r = f - y (Huber, 1964).

    Parameters
    ----------
    delta : float, default=1.0
        Where the square turns into a line, in units of the (standardised) target.
    """

    delta: float = 1.0

    def check(self):
        """Raise ValueError unless delta is positive."""
        self._require_number("delta", "(0, inf)")

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is r clipped to [-delta, delta]."""
        residual = raw - Y
        np.clip(residual, -self.delta, self.delta, out=d_raw)
        value = np.sum(weight * (d_raw * (residual - 0.5 * d_raw)))
        d_raw *= weight
        return float(value)


@dataclass
class Poisson(LogLinkLoss):
    """loss = exp(f) - y f, the Poisson deviance up to terms in y; the prediction is exp(f)."""

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is exp(f) - y."""
        np.exp(raw, out=d_raw)
        value = np.sum(weight * (d_raw - Y * raw))
        d_raw -= Y
        d_raw *= weight
        return float(value)

    def check_target(self, y):
        """Raise ValueError for negative values, as Poisson targets are counts or rates."""
        if np.any(y < 0):
            raise ValueError(
                "Some value(s) of y are negative, which is not allowed for loss='poisson'."
            )


@dataclass
class Gamma(LogLinkLoss):
    """loss = f + y exp(-f), half the Gamma deviance up to terms in y; the prediction is exp(f)."""

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is 1 - y exp(-f)."""
        np.negative(raw, out=d_raw)
        np.exp(d_raw, out=d_raw)
        d_raw *= Y
        value = np.sum(weight * (raw + d_raw))
        np.subtract(1.0, d_raw, out=d_raw)
        d_raw *= weight
        return float(value)

    def check_target(self, y):
        """Raise ValueError for values that are not positive."""
        if np.any(y <= 0):
            raise ValueError(
                "Some value(s) of y are negative or zero, which is not allowed for loss='gamma'."
            )


@dataclass
class Quantile(Loss):
    """loss = q (y - f) if y >= f else (1 - q) (f - y), which estimates the quantile q.

    Parameters
    ----------
    q : float in (0, 1), default=0.5
        The quantile (Koenker & Bassett, 1978); 0.5 is the median.
    """

    q: float = 0.5
    smooth = False

    def check(self):
        """Raise ValueError unless q lies between 0 and 1."""
        self._require_number("q", "(0, 1)")

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is 1 - q where f > y, -q where f < y."""
        residual = raw - Y
        np.greater(residual, 0.0, out=d_raw, casting="unsafe")
        d_raw -= self.q
        d_raw[residual == 0.0] = 0.0
        value = np.sum(weight * (d_raw * residual))
        d_raw *= weight
        return float(value)


REGRESSION_LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}
