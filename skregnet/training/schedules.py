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
    """True if the factor depends on `progress`: each `fit` starts anew."""

    @property
    def changes_within_epoch(self):
        """Whether the factor differs from step to step."""
        return self.has_horizon

    @abstractmethod
    def factor(self, progress, epochs, history):
        """Return the factor for one step.

        Parameters
        ----------
        progress : float in [0, 1)
            Share of the steps of this fit that lie behind.
        epochs : float
            Epochs that lie behind once the step is made, those of earlier warm-started fits
            included.
        history : dict of str to list of float
            One entry for each epoch behind, those of earlier warm-started fits included.
        """


@dataclass
class ConstantRate(Schedule):
    """factor = 1."""

    def factor(self, progress, epochs, history):
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

    def factor(self, progress, epochs, history):
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

    def factor(self, progress, epochs, history):
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

    def factor(self, progress, epochs, history):
        """Return (1 + cos(pi progress)) / 2."""
        return 0.5 * (1.0 + np.cos(np.pi * progress))


@dataclass
class CosLog4(Schedule):
    """factor = (1 - cos(2 pi log2(1 + 15 progress))) / 2 (Holzmueller et al., 2024).

    Four cycles from 0 to 1 and back, each about twice as long as the one before.
    """

    has_horizon = True

    def factor(self, progress, epochs, history):
        """Return (1 - cos(2 pi log2(1 + 15 progress))) / 2."""
        return 0.5 * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + 15.0 * progress)))


@dataclass
class FlatCosine(Schedule):
    """factor = 1 up to the middle, then (1 + cos(pi (2 progress - 1))) / 2 down to 0."""

    has_horizon = True

    def factor(self, progress, epochs, history):
        """Return 1, from the middle on (1 + cos(pi (2 progress - 1))) / 2."""
        return 0.5 * (1.0 + np.cos(np.pi * max(0.0, 2.0 * progress - 1.0)))


@dataclass
class OneCycle(Schedule):
    """Up to 1 and down again, each along half a cosine (Smith & Topin, 2019).

    Parameters
    ----------
    rise : float in (0, 1), default=0.3
        Share of the steps on the way up.
    start : float in (0, 1], default=0.04
        The first factor.
    end : float in [0, 1], default=1e-5
        The last factor.
    """

    rise: float = 0.3
    start: float = 0.04
    end: float = 1e-5
    has_horizon = True

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("rise", "(0, 1)")
        self._require_number("start", "(0, 1]")
        self._require_number("end", "[0, 1]")

    def factor(self, progress, epochs, history):
        """Return 1 - (1 - low) (1 + cos(pi share)) / 2 on the way up, backwards on the way down."""
        if progress < self.rise:
            low, share = self.start, progress / self.rise
        else:
            low, share = self.end, (1.0 - progress) / (1.0 - self.rise)
        return 1.0 - (1.0 - low) * 0.5 * (1.0 + np.cos(np.pi * share))


@dataclass
class WarmUp(Schedule):
    """Multiply another schedule by min(1, epochs / length): a linear way up from 0.

    Parameters
    ----------
    schedule : Schedule, default=ConstantRate()
        The other schedule.
    length : float, default=1.0
        Epochs until the other schedule holds alone.
    """

    schedule: Schedule = field(default_factory=ConstantRate)
    length: float = 1.0

    @property
    def has_horizon(self):
        """As the schedule's own."""
        return self.schedule.has_horizon

    @property
    def changes_within_epoch(self):
        """Always True: the way up is made in steps."""
        return True

    def factor(self, progress, epochs, history):
        """Return the product."""
        return min(1.0, epochs / self.length) * self.schedule.factor(progress, epochs, history)


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

    @property
    def changes_within_epoch(self):
        """As the schedule's own."""
        return self.schedule.changes_within_epoch

    def factor(self, progress, epochs, history):
        """Return the schedule's factor at the progress within the cycle."""
        bounds = [0.0, *self.ends]
        cycle = min(np.searchsorted(bounds, progress, side="right"), len(self.ends))
        start, end = bounds[cycle - 1], bounds[cycle]
        return self.schedule.factor((progress - start) / (end - start), epochs, history)


SCHEDULES = {
    "constant": ConstantRate,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
    "coslog4": CosLog4,
    "onecycle": OneCycle,
}

REGULARIZATION_SCHEDULES = {"constant": ConstantRate, "flat_cos": FlatCosine}
"""Factor of the probability of a unit to be dropped and of decoupled decay."""
