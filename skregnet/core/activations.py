"""Activation functions, each a layer without parameters.

Each acts elementwise, `Y = phi(Z)`, and goes back by `dZ = dY phi'(Z)`.
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from .layers import Layer


@dataclass(frozen=True)
class Activation(Layer):
    """Base class: allocates Y, remembers Z and Y, and multiplies by the slope."""

    family = "saturating"
    """Decides what ``init="auto"`` means: "relu", "selu", "saturating" or "linear"."""

    def forward(self, X, p, ws):
        """Return phi(X)."""
        ws.Z = X
        ws.Y = ws.array("Y", *X.shape)
        self.value(X, ws.Y)
        return ws.Y

    def backward(self, dY, p, g, ws):
        """Return dY phi'(Z)."""
        slope = ws.array("slope", *dY.shape)
        self.slope(ws.Z, ws.Y, slope)
        dY *= slope
        return dY

    @abstractmethod
    def value(self, Z, out):
        """Write phi(Z) into `out`."""

    @abstractmethod
    def slope(self, Z, Y, out):
        """Write phi'(Z) into `out`, given also Y = phi(Z)."""


@dataclass(frozen=True)
class Identity(Activation):
    """phi(z) = z, for linear networks."""

    family = "linear"

    def value(self, Z, out):
        """Write Z."""
        np.copyto(out, Z)

    def slope(self, Z, Y, out):
        """Write 1."""
        out.fill(1.0)


@dataclass(frozen=True)
class Logistic(Activation):
    """phi(z) = 1 / (1 + exp(-z)); slope y (1 - y)."""

    def value(self, Z, out):
        """Write the sigmoid of Z."""
        expit(Z, out=out)

    def slope(self, Z, Y, out):
        """Write y - y^2."""
        np.multiply(Y, Y, out=out)
        np.subtract(Y, out, out=out)


@dataclass(frozen=True)
class Tanh(Activation):
    """phi(z) = tanh(z); slope 1 - y^2."""

    def value(self, Z, out):
        """Write tanh(Z)."""
        np.tanh(Z, out=out)

    def slope(self, Z, Y, out):
        """Write 1 - y^2."""
        np.multiply(Y, Y, out=out)
        np.subtract(1.0, out, out=out)


@dataclass(frozen=True)
class Relu(Activation):
    """phi(z) = max(z, 0)."""

    smooth = False
    family = "relu"

    def value(self, Z, out):
        """Write max(Z, 0)."""
        # Between two arrays the maximum is vectorised, with a number it is not: 4 times slower.
        out.fill(0.0)
        np.maximum(Z, out, out=out)

    def slope(self, Z, Y, out):
        """Write 1 where z > 0, else 0."""
        np.greater(Z, 0.0, out=out, casting="unsafe")

    def backward(self, dY, p, g, ws):
        """Return dY where z > 0, else 0."""
        positive = ws.array("positive", *dY.shape, dtype=bool)
        np.greater(ws.Z, 0.0, out=positive)
        dY *= positive
        return dY


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """phi(z) = max(z, 0.01 z) (Maas et al., 2013)."""

    negative_slope: float = 0.01
    smooth = False
    family = "relu"

    def value(self, Z, out):
        """Write max(Z, 0.01 Z)."""
        np.multiply(Z, self.negative_slope, out=out)
        np.maximum(Z, out, out=out)

    def slope(self, Z, Y, out):
        """Write 1 where z > 0, else 0.01."""
        np.greater(Z, 0.0, out=out, casting="unsafe")
        out *= 1.0 - self.negative_slope
        out += self.negative_slope


@dataclass(frozen=True)
class Elu(Activation):
    """phi(z) = z if z > 0 else exp(z) - 1 (Clevert et al., 2016)."""

    family = "relu"

    def value(self, Z, out):
        """Write max(Z, 0) + exp(min(Z, 0)) - 1."""
        np.minimum(Z, 0.0, out=out)
        np.exp(out, out=out)
        out -= 1.0
        out += np.maximum(Z, 0.0)

    def slope(self, Z, Y, out):
        """Write exp(min(Z, 0))."""
        np.minimum(Z, 0.0, out=out)
        np.exp(out, out=out)


@dataclass(frozen=True)
class Selu(Activation):
    """phi(z) = 1.0507 (z if z > 0 else 1.6733 (exp(z) - 1)) (Klambauer et al., 2017)."""

    scale: float = 1.0507009873554805
    alpha: float = 1.6732632423543772
    smooth = False
    family = "selu"

    def value(self, Z, out):
        """Write scale (max(Z, 0) + alpha (exp(min(Z, 0)) - 1))."""
        np.minimum(Z, 0.0, out=out)
        np.exp(out, out=out)
        out -= 1.0
        out *= self.alpha
        out += np.maximum(Z, 0.0)
        out *= self.scale

    def slope(self, Z, Y, out):
        """Write scale where z > 0, else y + scale alpha."""
        # A mask that is multiplied takes half the time of one that chooses.
        np.minimum(Y, 0.0, out=out)
        out += self.scale * self.alpha
        out -= np.multiply(Z > 0.0, self.scale * (self.alpha - 1.0), dtype=out.dtype)


@dataclass(frozen=True)
class Gelu(Activation):
    """phi(z) = z Phi(z), Phi the normal distribution function (Hendrycks & Gimpel, 2016)."""

    family = "relu"

    def value(self, Z, out):
        """Write Z Phi(Z)."""
        ndtr(Z, out=out)
        out *= Z

    def slope(self, Z, Y, out):
        """Write Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi)."""
        np.multiply(Z, Z, out=out)
        out *= -0.5
        np.exp(out, out=out)
        out *= 1.0 / np.sqrt(2.0 * np.pi)
        out *= Z
        out += ndtr(Z)


@dataclass(frozen=True)
class Silu(Activation):
    """phi(z) = z sigmoid(z) (Elfwing et al., 2018)."""

    family = "relu"

    def value(self, Z, out):
        """Write Z sigmoid(Z)."""
        expit(Z, out=out)
        out *= Z

    def slope(self, Z, Y, out):
        """Write s + y (1 - s) with s = sigmoid(z)."""
        expit(Z, out=out)
        out += Y * (1.0 - out)


@dataclass(frozen=True)
class Mish(Activation):
    """phi(z) = z tanh(log(1 + exp(z))) (Misra, 2019)."""

    family = "relu"

    def value(self, Z, out):
        """Write z n / (n + 2) with e = exp(z), n = e (e + 2): one exponential, no logarithm."""
        _mish_gate(Z, out)
        out *= Z

    def slope(self, Z, Y, out):
        """Write n r + 4 z e (e + 1) r^2 with e = exp(z), n = e (e + 2), r = 1 / (n + 2)."""
        z = np.minimum(Z, 20.0)  # as in the gate
        e = np.exp(z)
        n = np.add(e, 2.0, out=out)
        n *= e
        r = 1.0 / (n + 2.0)
        n *= r
        e *= e + 1.0
        e *= 4.0
        e *= z
        e *= r
        e *= r
        out += e


@dataclass(frozen=True)
class Softplus(Activation):
    """phi(z) = log(1 + exp(z))."""

    family = "relu"

    def value(self, Z, out):
        """Write max(z, 0) + log1p(exp(-|z|)), which cannot overflow."""
        np.abs(Z, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out += np.maximum(Z, 0.0)

    def slope(self, Z, Y, out):
        """Write the sigmoid of z."""
        expit(Z, out=out)


def _mish_gate(Z, out):
    # tanh(softplus(20)) is 1 in double precision, and exp(20)^2 does not overflow a float32.
    np.minimum(Z, 20.0, out=out)
    np.exp(out, out=out)
    out *= out + 2.0
    out /= out + 2.0
    return out


ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "elu": Elu,
    "selu": Selu,
    "gelu": Gelu,
    "silu": Silu,
    "mish": Mish,
    "softplus": Softplus,
}
