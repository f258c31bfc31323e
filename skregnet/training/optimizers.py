"""Optimizers: recipes (`SGD`, `Adam`, `LBFGS`) and the steppers that hold a run's state.

A stepper's `step` moves the trainable zone against the gradient and returns the step size that
it used per weight, which is the metric in which the L1 prox has the stationary points of J.

Each stretch of the vector has its own rate lr r, and its own unit c: the stepper walks along
u = theta / c, whose gradient is c g. For SGD that is a rate of lr r c^2, for Adam one of lr r c
with epsilon / c; decoupled decay multiplies by 1 - lr r decay whatever the unit.
"""

from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Integral

import numpy as np

from ..core.component import Component
from ..core.vector import add_scaled

CHUNK = 2**14  # numbers: what the passes of one step work on stays in the cache


@dataclass
class SGD(Component):
    """Stochastic gradient descent with momentum.

    ``v = momentum v + g``; ``theta -= lr v``, or with Nesterov ``theta -= lr (g + momentum v)``
    (Sutskever et al., 2013). The velocity holds gradients, not steps, so a change of the rate acts
    at once.

    Parameters
    ----------
    momentum : float in [0, 1), default=0.9
        How much of the velocity is kept.
    nesterov : bool, default=True
        Look ahead by one velocity.
    """

    momentum: float = 0.9
    nesterov: bool = True

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("momentum", "[0, 1)")
        self._require(isinstance(self.nesterov, bool), "nesterov", "a bool")

    def start(self, theta, weight_decay):
        """Return a stepper for `theta`."""
        return SGDStepper(self, weight_decay, np.zeros_like(theta.trainable))


@dataclass
class SGDStepper:
    """The velocity of one run of SGD."""

    recipe: SGD
    weight_decay: float
    velocity: np.ndarray

    def take(self, recipe):
        """Go on with other hyperparameters."""
        self.recipe = recipe

    def step(self, theta, gradient, rate, needs_metric=True, strength=1.0):
        """Move theta; return lr / (1 - momentum), the step that a lasting gradient causes."""
        momentum, g = self.recipe.momentum, gradient.trainable
        decay(theta, rate * self.weight_decay * strength)
        self.velocity *= momentum
        self.velocity += g
        if self.recipe.nesterov and momentum:
            add_scaled(momentum, self.velocity, g)
        else:
            g = self.velocity
        for part in theta.layout.stretches:
            here = slice(part.start, part.stop)
            add_scaled(-rate * part.rate * part.unit**2, g[here], theta.trainable[here])
        return self._metric(theta, rate / (1.0 - momentum)) if needs_metric else None

    @staticmethod
    def _metric(theta, step):
        sizes = [step * part.rate * part.unit**2 for part in theta.layout.stretches]
        if len(set(sizes)) == 1:
            return sizes[0]
        metric = np.empty_like(theta.weights)
        for part, size in zip(theta.layout.stretches, sizes, strict=True):
            metric[part.start : part.stop] = size
        return metric


@dataclass
class Adam(Component):
    """Adaptive moment estimation (Kingma & Ba, 2015).

    ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``, both corrected for their
    start at zero; ``theta -= lr m_hat / (sqrt(v_hat) + epsilon)``.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay of the mean of gradients.
    beta_2 : float in [0, 1), default=0.95
        Decay of the mean of their squares.
    epsilon : float, default=1e-7
        Keeps the division finite, and gradients that are mere rounding from making steps.
    """

    beta_1: float = 0.9
    beta_2: float = 0.95
    epsilon: float = 1e-7

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("beta_1", "[0, 1)")
        self._require_number("beta_2", "[0, 1)")
        self._require_number("epsilon", "(0, inf)")

    def start(self, theta, weight_decay):
        """Return a stepper for `theta`."""
        return AdamStepper(
            self, weight_decay, np.zeros_like(theta.trainable), np.zeros_like(theta.trainable)
        )


@dataclass
class AdamStepper:
    """The moments of one run of Adam: sums m / (1 - beta_1) and v / (1 - beta_2)."""

    recipe: Adam
    weight_decay: float
    mean: np.ndarray
    square: np.ndarray
    n_steps: int = 0

    def take(self, recipe):
        """Go on with other hyperparameters; the moments themselves stay as they are."""
        self.mean *= (1.0 - self.recipe.beta_1) / (1.0 - recipe.beta_1)
        self.square *= (1.0 - self.recipe.beta_2) / (1.0 - recipe.beta_2)
        self.recipe = recipe

    def step(self, theta, gradient, rate, needs_metric=True, strength=1.0):
        """Move theta; return lr / (sqrt(v_hat) + epsilon) of the weights."""
        recipe, g = self.recipe, gradient.trainable
        self.n_steps += 1
        decay(theta, rate * self.weight_decay * strength)
        # The moments are kept as sums, without the factors (1 - beta) / (1 - beta^t): a step is
        # then ten passes over memory, and the factors are numbers.
        mean_factor = (1.0 - recipe.beta_1) / (1.0 - recipe.beta_1**self.n_steps)
        root_factor = sqrt((1.0 - recipe.beta_2) / (1.0 - recipe.beta_2**self.n_steps))
        epsilon, length = recipe.epsilon / root_factor, rate * mean_factor / root_factor
        metric = rate / root_factor
        arrays = theta.trainable, g, self.mean, self.square
        for part in theta.layout.stretches:
            size = part.rate * part.unit
            sizes = epsilon / part.unit, length * size, metric * size if needs_metric else None
            if part.stop - part.start == len(g) <= CHUNK:
                self._move(*arrays, *sizes)
                continue
            for start in range(part.start, part.stop, CHUNK):
                here = slice(start, min(start + CHUNK, part.stop))
                self._move(*(array[here] for array in arrays), *sizes)
        return g[: len(theta.weights)] if needs_metric else None

    def _move(self, theta, g, mean, square, epsilon, length, metric):
        """Move a part of theta; `g` becomes scratch memory, or the metric."""
        mean *= self.recipe.beta_1
        mean += g
        square *= self.recipe.beta_2
        np.multiply(g, g, out=g)
        square += g
        root = np.sqrt(square, out=g)
        root += epsilon
        step = np.divide(mean, root, out=g if metric is None else None)
        step *= length
        theta -= step
        if metric is not None:
            np.divide(metric, root, out=root)


@dataclass
class LBFGS(Component):
    """Limited-memory BFGS of SciPy: full batch, for small data and smooth networks.

    Parameters
    ----------
    memory : int, default=10
        Pairs of steps and gradients that stand for the Hessian.
    max_line_search : int, default=50
        Evaluations a line search may use.
    """

    memory: int = 10
    max_line_search: int = 50

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("memory", "[1, inf)", Integral)
        self._require_number("max_line_search", "[1, inf)", Integral)


def decay(theta, amount):
    """Multiply the weights by 1 - amount, in which the rate of each stretch is still missing."""
    if amount:
        for part in theta.layout.stretches:
            theta.weights[part.start : part.stop] *= 1.0 - part.rate * amount


def clip(gradient, norm):
    """Scale a gradient in place so that its Euclidean norm is at most `norm`."""
    length = float(np.sqrt(np.dot(gradient, gradient)))
    if not isfinite(length):  # the square overflows long before the length does
        largest = float(np.abs(gradient).max())
        length = largest * float(np.linalg.norm(gradient / largest))
    if length > norm:
        gradient *= norm / length


SOLVERS = {"sgd": SGD, "adam": Adam, "lbfgs": LBFGS}
