"""Gaussian noise inside the network while training: on activations, and on weights."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .dense import Dense
from .layers import Layer


@dataclass(frozen=True)
class Noise(Layer):
    """Y = X + E        E ~ N(0, std^2) per entry while training;  Y = X at prediction"""

    std: float
    draws = "hidden noise"

    def forward(self, X, p, ws):
        """Return X with fresh noise added, or X itself at prediction."""
        if not ws.masked:
            return X
        return np.add(X, gaussian(ws, self.std, X.shape), out=ws.array("Y", *X.shape))

    def backward(self, dY, p, g, ws):
        """Return dY: noise that is added has no say in the gradient."""
        return dY


@dataclass(frozen=True)
class NoisyDense(Dense):
    """Y = X (W + E) + b        E ~ N(0, std^2) per entry while training;  E = 0 at prediction

    The step takes the gradient at W + E and moves W, which prefers minima so flat that the noise
    does little harm (Murray & Edwards, 1994).
    """

    std: float = 0.0
    draws = "weight noise"

    def forward(self, X, p, ws):
        """Return X (W + E) + b."""
        ws.noisy = p
        if ws.masked:
            W = np.add(p.W, gaussian(ws, self.std, p.W.shape), out=ws.array("W + E", *p.W.shape))
            ws.noisy = SimpleNamespace(W=W, b=p.b if self.bias else None)
        return super().forward(X, ws.noisy, ws)

    def backward(self, dY, p, g, ws):
        """Write dW = X' dY and db = 1' dY; return dY (W + E)'."""
        return super().backward(dY, ws.noisy, g, ws)


def gaussian(ws, std, shape):
    """Return fresh numbers from N(0, std^2) in a block of the workspace."""
    E = ws.array("noise", *shape)
    ws.rng.standard_normal(out=E, dtype=E.dtype)
    E *= std
    return E
