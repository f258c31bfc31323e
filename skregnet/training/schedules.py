"""Learning rate schedules: the factor by which `learning_rate_init` is multiplied."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from ..core.component import Component


class Schedule(Component, ABC):
    """Base class of schedules."""

    has_horizon = False
    """True if the factor depends on `progress`: it changes within an epoch, and each `fit` starts
    anew."""

    @abstractmethod
    def factor(self, progress, history):
        """Return the factor for one step.

        Parameters
        ----------
        progress : float in [0, 1)
            Share of the steps of this fit that lie behind.
        history : dict of str to list of float
            One entry for each epoch behind, those of earlier warm-started fits included.
        """


@dataclass
class ConstantRate(Schedule):
    """factor = 1."""

    def factor(self, progress, history):
        """Return 1."""
        return 1.0


@dataclass
class InverseScaling(Schedule):
    """factor = 1 / (1 + epoch)^power.

    Parameters
    ----------
    power : float, default=0.5
        How fast the rate falls. Time is counted in epochs, so the rate does not depend on the
        batch size (scikit-learn's MLP counts rows).
    """

    power: float = 0.5

    def check(self):
        """Raise ValueError unless power is positive."""
        self._require_number("power", "(0, inf)")

    def factor(self, progress, history):
        """Return 1 / (1 + epoch)^power."""
        return (1.0 + len(history["loss"])) ** -self.power


@dataclass
class Adaptive(Schedule):
    """Divide the rate by `divisor` whenever the training objective stops falling.

    Parameters
    ----------
    divisor : float, default=5.0
        What the rate is divided by.
    patience : int, default=2
        So many epochs in a row must fail to lower the best objective by more than `tol`.
    tol : float, default=1e-4
        The least progress that counts.
    """

    divisor: float = 5.0
    patience: int = 2
    tol: float = 1e-4

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("divisor", "(1, inf)")
        self._require_number("patience", "[1, inf)", Integral)
        self._require_number("tol", "[0, inf)")

    def factor(self, progress, history):
        """Replay the objective so far: no state but the history, so a resumed fit agrees."""
        best, waited, cuts = np.inf, 0, 0
        for loss, penalty in zip(history["loss"], history["penalty"], strict=True):
            value = loss + penalty
            waited = 0 if value < best - self.tol else waited + 1
            best = min(best, value)
            if waited == self.patience:
                cuts, waited = cuts + 1, 0
        return self.divisor**-cuts


@dataclass
class Cosine(Schedule):
    """factor = (1 + cos(pi progress)) / 2, from 1 down to 0 (Loshchilov & Hutter, 2017)."""

    has_horizon = True

    def factor(self, progress, history):
        """Return (1 + cos(pi progress)) / 2."""
        return 0.5 * (1.0 + np.cos(np.pi * progress))


@dataclass
class Cycles(Schedule):
    """Run another schedule several times in one fit, each time from its start.

    Parameters
    ----------
    schedule : Schedule, default=ConstantRate()
        The other schedule.
    ends : sequence of float, default=(1.0,)
        The progress at which each cycle ends.
    """

    schedule: Schedule = field(default_factory=ConstantRate)
    ends: Sequence[float] = (1.0,)

    @property
    def has_horizon(self):
        """As the schedule's own."""
        return self.schedule.has_horizon

    def factor(self, progress, history):
        """Return the schedule's factor at the progress within the cycle."""
        bounds = [0.0, *self.ends]
        cycle = min(np.searchsorted(bounds, progress, side="right"), len(self.ends))
        start, end = bounds[cycle - 1], bounds[cycle]
        return self.schedule.factor((progress - start) / (end - start), history)


SCHEDULES = {
    "constant": ConstantRate,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
}
