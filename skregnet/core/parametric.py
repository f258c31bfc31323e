"""Activations with a learnt strength for each unit."""

from dataclasses import dataclass

import numpy as np

from .activations import Activation
from .layers import Layer
from .vector import Slot


@dataclass(frozen=True)
class ParametricActivation(Layer):
    """Y = X + a (phi(X) - X)        X (n, m)   a (m,), which starts at 1

    With a = 1 a unit is phi, with a = 0 it is linear; each unit learns its own, at `rate`
    times the learning rate (Holzmueller et al., 2024).
    """

    n_units: int
    activation: Activation
    rate: float = 0.1

    @property
    def smooth(self):  # type: ignore[override]  # a constant of all other layers
        """As the activation's own."""
        return self.activation.smooth

    def slots(self):
        """Return a."""
        return [Slot("a", (self.n_units,), "offsets", rate=self.rate)]

    def initialize(self, p, rng, X):
        """Start as the activation itself."""
        p.a[...] = 1.0

    def forward(self, X, p, ws):
        """Return X + a (phi(X) - X)."""
        ws.Z = X
        ws.A = ws.array("A", *X.shape)
        self.activation.value(X, ws.A)
        Y = np.subtract(ws.A, X, out=ws.array("Y", *X.shape))
        Y *= p.a
        Y += X
        return Y

    def backward(self, dY, p, g, ws):
        """Write da = sum_i dY_i (phi(X) - X)_i; return dY (1 + a (phi'(X) - 1))."""
        along = np.subtract(ws.A, ws.Z, out=ws.array("along", *dY.shape))
        along *= dY
        ws.column_sums(along, out=g.a)
        slope = ws.array("slope", *dY.shape)
        self._slope(ws.Z, ws.A, p, slope)
        dY *= slope
        return dY

    def slope(self, Z, p):
        """Return the derivative of Y in X, at X = Z."""
        A, slope = np.empty_like(Z), np.empty_like(Z)
        self.activation.value(Z, A)
        self._slope(Z, A, p, slope)
        return slope

    def _slope(self, Z, A, p, out):
        self.activation.slope(Z, A, out)
        out -= 1.0
        out *= p.a
        out += 1.0
