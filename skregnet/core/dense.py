"""The fully connected layer."""

from dataclasses import dataclass

import numpy as np

from .initializers import Initializer
from .layers import Layer
from .vector import Slot


@dataclass(frozen=True)
class Dense(Layer):
    """Y = X W + b        X (n, d)   W (d, m)   b (m,)

    X may be a sparse array: the product and its gradient then cost what its non-zeros cost.
    """

    n_in: int
    n_out: int
    init: Initializer
    bias: bool = True

    def slots(self):
        """Return W and, with a bias, b."""
        W = Slot("W", (self.n_in, self.n_out), "weights", unit=self.init.unit(self.n_in))
        b = Slot("b", (self.n_out,), "offsets", rate=self.init.bias_rate)
        return [W, b] if self.bias else [W]

    @property
    def needs_sample(self):
        """Whether the initializer looks at the data."""
        return self.init.needs_sample

    def initialize(self, p, rng, X):
        """Draw W; b starts at 0, unless the initializer says otherwise."""
        self.init.fill(p.W, rng, X)
        if self.bias:
            self.init.fill_bias(p.b, p.W, rng, X)

    def forward(self, X, p, ws):
        """Return X W + b."""
        ws.X = X
        Y = ws.array("Y", X.shape[0], self.n_out)
        if isinstance(X, np.ndarray):
            np.matmul(X, p.W, out=Y)
        else:
            Y[...] = X @ p.W
        if self.bias:
            Y += p.b
        return Y

    def backward(self, dY, p, g, ws):
        """Write dW = X' dY and db = 1' dY; return dY W'."""
        if isinstance(ws.X, np.ndarray):
            np.matmul(ws.X.T, dY, out=g.W)
        else:
            g.W[...] = ws.X.T @ dY
        if self.bias:
            ws.column_sums(dY, out=g.b)
        if not ws.needs_input_gradient:
            return None
        return np.matmul(dY, p.W.T, out=ws.array("dX", *ws.X.shape))
