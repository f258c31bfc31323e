"""Dropout: switch units off at random while training."""

from dataclasses import dataclass

import numpy as np

from .layers import Layer


@dataclass(frozen=True)
class Dropout(Layer):
    """Y = X M / p        M ~ Bernoulli(p) per entry while training;  Y = X at prediction

    Inverted dropout (Srivastava et al., 2014): dividing by p keeps the expectation, so nothing
    is left to do at prediction. Monte-Carlo prediction draws masks as training does.
    """

    keep_prob: float
    draws = "mask"

    def forward(self, X, p, ws):
        """Return X with a fresh mask applied, or X itself at prediction."""
        if not ws.masked:
            return X
        draws = ws.array("draws", *X.shape)
        ws.mask = ws.array("mask", *X.shape)
        ws.rng.random(out=draws, dtype=draws.dtype)
        np.less(draws, self.keep_prob, out=ws.mask, casting="unsafe")
        ws.mask *= 1.0 / self.keep_prob
        return np.multiply(X, ws.mask, out=ws.array("Y", *X.shape))

    def backward(self, dY, p, g, ws):
        """Return dY M / p."""
        if ws.masked and ws.needs_input_gradient:
            dY *= ws.mask
        return dY
