"""Dropout: switch units off at random while training."""

from dataclasses import dataclass

import numpy as np

from .layers import Layer


@dataclass(frozen=True)
class Dropout(Layer):
    """Y = X M / p        M ~ Bernoulli(p) per entry while training;  Y = X at prediction

    Inverted dropout (Srivastava et al., 2014): dividing by p keeps the expectation, so nothing
    is left to do at prediction. Monte-Carlo prediction draws masks as training does. A schedule
    multiplies 1 - p by the strength in the workspace.
    """

    keep_prob: float
    draws = "mask"

    def forward(self, X, p, ws):
        """Return X with a fresh mask applied, or X itself at prediction."""
        if not ws.masked:
            return X
        p = self.keep_prob
        if ws.strength != 1.0:
            p = 1.0 - ws.strength * (1.0 - p)
        kept = ws.array("kept", *X.shape, dtype=bool)
        draw_kept(ws.rng, p, out=kept)
        ws.mask = ws.array("mask", *X.shape)
        np.multiply(kept, 1.0 / p, out=ws.mask, dtype=ws.dtype)
        return np.multiply(X, ws.mask, out=ws.array("Y", *X.shape))

    def backward(self, dY, p, g, ws):
        """Return dY M / p."""
        if ws.masked and ws.needs_input_gradient:
            dY *= ws.mask
        return dY


def draw_kept(rng, keep_prob, out):
    """Fill a bool array with True where a unit is kept.

    A 64-bit word of the generator serves four entries, at a fifth of the cost of a random float for
    each. Their 16 bits are compared with a level that is rounded at random, so that the probability
    is `keep_prob` exactly.
    """
    level = int(keep_prob * 2**16 + rng.random())
    words = rng.bit_generator.random_raw(-(-out.size // 4)).view(np.uint16)
    if level == 0:
        out.fill(False)
    else:
        np.less_equal(words[: out.size].reshape(out.shape), np.uint16(level - 1), out=out)
