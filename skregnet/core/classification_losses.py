"""Losses of classification, each with one logit an output or one logit a class.

With one logit an output (two classes, multilabel) a target y in [0, 1] is the probability of the
positive label; with one logit a class (K >= 3) the rows of Y are probabilities of the classes. A
loss of soft targets is the expectation over the labels that they describe.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from .component import Component
from .losses import Loss


class SigmoidLoss(Loss):
    """Base class: one logit an output."""

    output_activation = "logistic"

    def inverse_link(self, raw):
        """Return the probability of a positive label, per output."""
        return expit(raw)


class SoftmaxLoss(Loss):
    """Base class: one logit a class."""

    output_activation = "softmax"

    def inverse_link(self, raw):
        """Return the probabilities of the classes; rows sum to one."""
        probability = raw - raw.max(axis=-1, keepdims=True)
        np.exp(probability, out=probability)
        probability /= probability.sum(axis=-1, keepdims=True)
        return probability


@dataclass
class SigmoidLogLoss(SigmoidLoss):
    """loss = log(1 + exp(f)) - y f per output."""

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is sigmoid(f) - y."""
        np.logaddexp(0.0, raw, out=d_raw)
        d_raw -= Y * raw
        d_raw *= weight
        value = d_raw.sum()
        expit(raw, out=d_raw)
        d_raw -= Y
        d_raw *= weight
        return float(value)


@dataclass
class SoftmaxLogLoss(SoftmaxLoss):
    """loss = log sum_k exp(f_k) - sum_k y_k f_k."""

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


@dataclass
class SigmoidHinge(Loss):
    """loss = y max(0, 1 - f) + (1 - y) max(0, 1 + f) per output."""

    smooth = False

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is (1 - y) [f > -1] - y [f < 1]."""
        positive, negative = 1.0 - raw, 1.0 + raw
        value = np.sum(weight * (Y * np.maximum(positive, 0) + (1.0 - Y) * np.maximum(negative, 0)))
        np.multiply(1.0 - Y, negative > 0, out=d_raw)
        d_raw -= Y * (positive > 0)
        d_raw *= weight
        return float(value)


@dataclass
class SoftmaxHinge(Loss):
    """loss = sum_k y_k max(0, 1 + max_{j != k} f_j - f_k) (Crammer & Singer, 2001)."""

    smooth = False

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; each class within the margin pushes itself up, its rival down."""
        rows = np.arange(len(raw))
        second, first = np.argpartition(raw, -2, axis=1)[:, -2:].T
        rival = np.repeat(raw[rows, first][:, np.newaxis], raw.shape[1], axis=1)
        rival[rows, first] = raw[rows, second]
        margin = 1.0 + rival - raw
        push = Y * (margin > 0)
        value = np.sum(weight * (push * margin))
        np.negative(push, out=d_raw)
        d_raw[rows, second] += push[rows, first]
        d_raw[rows, first] += push.sum(axis=1) - push[rows, first]
        d_raw *= weight
        return float(value)


@dataclass
class SigmoidFocal(SigmoidLoss):
    """loss = - y q^gamma log p - (1 - y) p^gamma log q per output, p = sigmoid(f), q = 1 - p."""

    gamma: float = 2.0

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is y u(f) - (1 - y) u(-f), the slope for y = 1 being
        u(f) = gamma p q^gamma log p - q^(gamma + 1).
        """  # fmt: skip
        gamma, p, q = self.gamma, expit(raw), expit(-raw)
        log_p, log_q = log_expit(raw), log_expit(-raw)
        p_gamma, q_gamma = p**gamma, q**gamma
        value = -np.sum(weight * (Y * q_gamma * log_p + (1.0 - Y) * p_gamma * log_q))
        np.multiply(Y, q_gamma * (gamma * p * log_p - q), out=d_raw)
        d_raw -= (1.0 - Y) * p_gamma * (gamma * q * log_q - p)
        d_raw *= weight
        return float(value)


@dataclass
class SoftmaxFocal(SoftmaxLoss):
    """loss = - sum_k y_k (1 - p_k)^gamma log p_k, p = softmax(f)."""

    gamma: float = 2.0

    def __call__(self, Y, raw, weight, d_raw):
        """Return the value; the gradient is a_j - p_j sum_k a_k with a_k = p_k dloss/dp_k."""
        gamma = self.gamma
        log_p = raw - raw.max(axis=1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        p = np.exp(log_p)
        # For gamma < 1 the power below is infinite at q = 0, where its product with log p is 0.
        q = np.maximum(-np.expm1(log_p), np.finfo(raw.dtype).tiny)
        q_gamma = q**gamma
        value = -np.sum(weight * (Y * q_gamma * log_p))
        np.multiply(Y, gamma * p * q_gamma / q * log_p - q_gamma, out=d_raw)
        d_raw -= p * d_raw.sum(axis=1, keepdims=True)
        d_raw *= weight
        return float(value)


class ClassificationLoss(Component, ABC):
    """Base class of what the classifier's `loss` stands for: one loss for each kind of output."""

    has_probabilities = True
    """Whether raw outputs can be turned into probabilities."""

    @abstractmethod
    def with_link(self, link):
        """Return the Loss of one logit an output ("sigmoid") or one logit a class ("softmax")."""


@dataclass
class LogLoss(ClassificationLoss):
    """loss = - log p of the true class, in nats."""

    def with_link(self, link):
        """Return the loss for one logit an output or one logit a class."""
        return SigmoidLogLoss() if link == "sigmoid" else SoftmaxLogLoss()


@dataclass
class Hinge(ClassificationLoss):
    """loss = max(0, 1 - margin), as a linear support vector machine has it; no probabilities.

    The margin is f for the positive label of two and -f for the other, and with K >= 3 classes the
    lead of the true class over its strongest rival (Crammer & Singer, 2001).
    """

    has_probabilities = False

    def with_link(self, link):
        """Return the loss for one logit an output or one logit a class."""
        return SigmoidHinge() if link == "sigmoid" else SoftmaxHinge()


@dataclass
class Focal(ClassificationLoss):
    """loss = - (1 - p)^gamma log p of the true class: rows that are easy count less.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less (Lin et al., 2017); 0 is the log-loss. The probabilities are less extreme
        than the class frequencies, as the loss is not proper.
    """

    gamma: float = 2.0

    def check(self):
        """Raise ValueError for a negative gamma."""
        self._require_number("gamma", "[0, inf)")

    def with_link(self, link):
        """Return the loss for one logit an output or one logit a class."""
        return SigmoidFocal(self.gamma) if link == "sigmoid" else SoftmaxFocal(self.gamma)


CLASSIFICATION_LOSSES = {"log_loss": LogLoss, "hinge": Hinge, "focal": Focal}
