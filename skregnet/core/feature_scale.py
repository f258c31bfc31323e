"""A learnt scale for each column of the input."""

from dataclasses import dataclass

import numpy as np

from .layers import Layer
from .vector import Slot


@dataclass(frozen=True)
class FeatureScale(Layer):
    """Y = X s        X (n, d)   s (d,), which starts at 1

    Each column has its own factor, a soft selection of columns, and it moves at `rate` times the
    learning rate (Holzmueller et al., 2024). X may be a sparse array, and Y then is one.
    """

    n_columns: int
    rate: float = 6.0

    def slots(self):
        """Return s."""
        return [Slot("s", (self.n_columns,), "offsets", rate=self.rate)]

    def initialize(self, p, rng, X):
        """Start at the identity."""
        p.s[...] = 1.0

    def forward(self, X, p, ws):
        """Return X s."""
        ws.X = X
        if isinstance(X, np.ndarray):
            return np.multiply(X, p.s, out=ws.array("Y", *X.shape))
        return X.multiply(p.s).tocsr()

    def backward(self, dY, p, g, ws):
        """Write ds = sum_i dY_i X_i; return dY s."""
        if isinstance(ws.X, np.ndarray):
            ws.column_sums(np.multiply(ws.X, dY, out=ws.array("along", *dY.shape)), out=g.s)
        else:
            g.s[...] = ws.X.multiply(dY).sum(axis=0)
        dY *= p.s
        return dY

    def input_norms(self, norms, p):
        """Return the norms of what each column leads to, given those for each column of Y."""
        return norms * np.abs(p.s)
