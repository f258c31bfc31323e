"""Penalties on the weights: value, gradient of the smooth part, and prox of the rest.

A penalty acts on the zone "weights" of the vector, a flat array; biases and the scale and shift
of normalization layers lie outside it. `step` is what a proximal step is scaled by: the step
size of the optimizer, a number or one per weight.
"""

from abc import ABC
from dataclasses import dataclass

import numpy as np

from .vector import add_scaled


class Penalty(ABC):
    """Base class: a penalty that is zero everywhere."""

    @property
    def smooth(self):
        """False if the penalty has kinks, where a difference quotient means nothing."""
        return True

    @property
    def has_prox(self):
        """Whether `prox` does anything."""
        return False

    def value(self, W):
        """Return the penalty, a float."""
        return 0.0

    def l1_strengths(self, n_weights):
        """Return the factor of |w| for each weight, of shape (n_weights,)."""
        return np.zeros(n_weights)

    def add_gradient(self, W, g, scale):
        """Add `scale` times the gradient of the smooth part to `g`."""

    def add_subgradient(self, W, g, scale):
        """Add `scale` times a subgradient of the part that `prox` handles to `g`."""

    def prox(self, W, step, scratch):
        """Replace W by argmin_V 1/2 |V - W|^2 + step * (the part that has no gradient)(V).

        An array `step` may be overwritten.
        """


@dataclass(frozen=True)
class ElasticNet(Penalty):
    """sum_l alpha_l ( l1_ratio |W_l|_1 + (1 - l1_ratio)/2 |W_l|_F^2 )

    Parameters
    ----------
    strengths : tuple of (int, int, float)
        Start, stop and alpha of each stretch of the zone with one alpha.
    l1_ratio : float in [0, 1]
        The share of L1 (Zou & Hastie, 2005).
    """

    strengths: tuple[tuple[int, int, float], ...]
    l1_ratio: float

    @property
    def smooth(self):
        """False with an L1 part, which has a kink at 0."""
        return self.l1_ratio == 0.0

    @property
    def has_prox(self):
        """True with an L1 part."""
        return self.l1_ratio > 0.0

    def l1_strengths(self, n_weights):
        """Return alpha * l1_ratio for each weight."""
        strengths = np.zeros(n_weights)
        for start, stop, alpha in self.strengths:
            strengths[start:stop] = alpha * self.l1_ratio
        return strengths

    def value(self, W):
        """Return the penalty."""
        total = 0.0
        for start, stop, alpha in self.strengths:
            part = W[start:stop]
            if self.l1_ratio > 0.0:
                total += alpha * self.l1_ratio * float(np.abs(part).sum())
            if self.l1_ratio < 1.0:
                total += 0.5 * alpha * (1.0 - self.l1_ratio) * float(part @ part)
        return total

    def add_gradient(self, W, g, scale):
        """Add scale * alpha * (1 - l1_ratio) * W."""
        if self.l1_ratio == 1.0:
            return
        for start, stop, alpha in self.strengths:
            strength = scale * alpha * (1.0 - self.l1_ratio)
            add_scaled(strength, W[start:stop], g[start:stop])

    def add_subgradient(self, W, g, scale):
        """Add scale * alpha * l1_ratio * sign(W)."""
        for start, stop, alpha in self.strengths:
            g[start:stop] += scale * alpha * self.l1_ratio * np.sign(W[start:stop])

    def prox(self, W, step, scratch):
        """Soft-threshold: W - clip(W, -t, t) with t = step * alpha * l1_ratio."""
        for start, stop, alpha in self.strengths:
            part, clipped = W[start:stop], scratch[start:stop]
            if isinstance(step, np.ndarray):
                threshold = step[start:stop]
                threshold *= alpha * self.l1_ratio
                np.minimum(part, threshold, out=clipped)
                np.maximum(clipped, np.negative(threshold, out=threshold), out=clipped)
            else:
                threshold = alpha * self.l1_ratio * step
                np.clip(part, -threshold, threshold, out=clipped)
            part -= clipped


@dataclass(frozen=True)
class MaxNorm(Penalty):
    """Constraint |w_j| <= max_norm on the incoming weights w_j of every unit.

    Its prox is the projection: a longer w_j is scaled back to that norm (Srebro et al., 2005).

    Parameters
    ----------
    matrices : tuple of (int, int, tuple of int)
        Start, stop and shape (fan_in, fan_out) of each weight matrix.
    max_norm : float
        The largest norm allowed.
    """

    matrices: tuple[tuple[int, int, tuple[int, int]], ...]
    max_norm: float

    @property
    def has_prox(self):
        """Always True: the constraint has no gradient."""
        return True

    def prox(self, W, step, scratch):
        """Project the columns of every weight matrix onto the ball of radius max_norm."""
        for start, stop, shape in self.matrices:
            matrix = W[start:stop].reshape(shape)
            norms = np.sqrt(np.einsum("ij,ij->j", matrix, matrix))
            matrix *= self.max_norm / np.maximum(norms, self.max_norm)
