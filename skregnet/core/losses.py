"""Losses with their links: value and gradient leave the same function.

The network ends linear; `raw` of shape (n, m) is its output. A loss owns the inverse link that
turns raw outputs into predictions, so the gradient with respect to `raw` is as simple and as
stable as it can be. A row's loss is the sum over its outputs.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

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
class Poisson(Loss):
    """loss = exp(f) - y f, the Poisson deviance up to terms in y; the prediction is exp(f)."""

    output_activation = "exp"
    standardizes_target = False

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is exp(f) - y."""
        np.exp(raw, out=d_raw)
        value = np.sum(weight * (d_raw - Y * raw))
        d_raw -= Y
        d_raw *= weight
        return float(value)

    def inverse_link(self, raw):
        """Return exp(raw)."""
        return np.exp(raw)

    def link(self, prediction):
        """Return log(prediction)."""
        return np.log(prediction)

    def check_target(self, y):
        """Raise ValueError for negative values, as Poisson targets are counts or rates."""
        if np.any(y < 0):
            raise ValueError(
                "Some value(s) of y are negative, which is not allowed for loss='poisson'."
            )


@dataclass
class SigmoidLogLoss(Loss):
    """loss = log(1 + exp(f)) - y f per output: binary and multilabel, one logit an output."""

    output_activation = "logistic"

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is sigmoid(f) - y."""
        # log(1 + exp(f)) = max(f, 0) + log1p(exp(-|f|)) cannot overflow.
        softplus = np.maximum(raw, 0.0) + np.log1p(np.exp(-np.abs(raw)))
        value = np.sum(weight * (softplus - Y * raw))
        expit(raw, out=d_raw)
        d_raw -= Y
        d_raw *= weight
        return float(value)

    def inverse_link(self, raw):
        """Return the probability of a positive label, per output."""
        return expit(raw)


@dataclass
class SoftmaxLogLoss(Loss):
    """loss = log sum_k exp(f_k) - sum_k y_k f_k: K >= 3 classes, rows of Y sum to one."""

    output_activation = "softmax"

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is softmax(f) - y."""
        np.subtract(raw, raw.max(axis=1, keepdims=True), out=d_raw)
        linear = np.sum(Y * d_raw, axis=1, keepdims=True)
        np.exp(d_raw, out=d_raw)
        total = d_raw.sum(axis=1, keepdims=True)
        value = np.sum(weight * (np.log(total) - linear))
        d_raw /= total
        d_raw -= Y
        d_raw *= weight
        return float(value)

    def inverse_link(self, raw):
        """Return the probabilities of the classes; rows sum to one."""
        probability = np.exp(raw - raw.max(axis=-1, keepdims=True))
        probability /= probability.sum(axis=-1, keepdims=True)
        return probability


REGRESSION_LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
}

CLASSIFICATION_LOSSES = {"log_loss": {"sigmoid": SigmoidLogLoss, "softmax": SoftmaxLogLoss}}
"""For each name the loss of one logit an output and the loss of one logit a class."""
