"""Averages along one run: of weights (EMA, SWA) or of predictions (snapshots).

A recipe's `start` gives the callback that keeps the average; the run then publishes its vector
instead of the running weights. Statistics of normalization layers belong to the weights that they
were measured with, so an average has its own estimated anew (Izmailov et al., 2018).
"""

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from ..core.component import Component
from ..core.vector import add_scaled
from .callbacks import Callback


@dataclass
class EMA(Component):
    """Exponential moving average of the weights over steps (Polyak & Juditsky, 1992).

    After step t (from 0) ``average += (1 - d) (weights - average)`` with
    ``d = min(decay, (1 + t) / (10 + t))``, so that a short run does not remember its start.

    Parameters
    ----------
    decay : float in [0, 1), default=0.999
        Close to 1 averages over about 1 / (1 - decay) steps.
    """

    decay: float = 0.999
    needs_horizon = False

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("decay", "[0, 1)")

    def start(self, max_epochs):
        """Return the callback of one run."""
        return RunningAverage(self)

    def share(self, n, on_step, epoch, max_epochs):
        """Return how far the average moves towards the weights; 0 leaves it."""
        return max(1.0 - self.decay, 9.0 / (10.0 + n)) if on_step else 0.0


@dataclass
class SWA(Component):
    """Stochastic weight averaging: the plain mean of the weights at the ends of late epochs.

    Parameters
    ----------
    begin : float in [0, 1), default=0.75
        Share of the epochs after which averaging begins (Izmailov et al., 2018).
    """

    begin: float = 0.75
    needs_horizon = True

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("begin", "[0, 1)")

    def start(self, max_epochs):
        """Return the callback of one run."""
        return RunningAverage(self, max_epochs)

    def share(self, n, on_step, epoch, max_epochs):
        """Return 1/(n + 1) at the end of a late epoch, else 0."""
        late = epoch >= self.begin * max_epochs
        return 1.0 / (n + 1.0) if late and not on_step else 0.0


@dataclass
class RunningAverage(Callback):
    """Keeps one average of the trainable zone.

    Attributes
    ----------
    recipe : EMA or SWA
        Says when and how far the average moves.
    max_epochs : int or None
        Length of the run, where the recipe needs it.
    data : ndarray or None
        The vector of the average; None before it has begun.
    n : int
        How often it has moved.
    """

    recipe: EMA | SWA
    max_epochs: int | None = None
    data: np.ndarray | None = field(default=None, repr=False)
    n: int = 0
    records = True

    def take(self, recipe):
        """Go on with other hyperparameters."""
        self.recipe = recipe

    def on_step_end(self, run):
        """Move by the step's share."""
        self._move(run, on_step=True)

    def on_epoch_end(self, run):
        """Move by the epoch's share, and publish."""
        self._move(run, on_step=False)
        if self.data is not None:
            run.publish(self.data)

    def _move(self, run, on_step):
        share = self.recipe.share(self.n, on_step, run.n_epochs_of_fit, self.max_epochs)
        if share == 0.0:
            return
        if self.data is None:
            self.data = run.theta.data.copy()
        average = self.data[: len(run.theta.trainable)]
        average *= 1.0 - share
        add_scaled(share, run.theta.trainable, average)
        self.n += 1


@dataclass
class Snapshot(Component):
    """Snapshot ensemble: the run is cut into cycles, and each cycle's last network is kept.

    A schedule with a horizon ("cosine") starts anew in each cycle (Huang et al., 2017). The kept
    networks predict as a committee.

    Parameters
    ----------
    n_snapshots : int, default=5
        Cycles.
    """

    n_snapshots: int = 5
    needs_horizon = True

    def check(self):
        """Raise ValueError for values out of range."""
        self._require_number("n_snapshots", "[1, inf)", Integral)

    def start(self, max_epochs):
        """Return the callback of one run."""
        return Snapshots(self.ends(max_epochs))

    def ends(self, max_epochs):
        """Return the last epochs of the cycles, counted from 1."""
        return [round(end) for end in np.linspace(0, max_epochs, self.n_snapshots + 1)[1:]]


@dataclass
class Snapshots(Callback):
    """Keeps the networks at the ends of given epochs.

    Attributes
    ----------
    epochs : list of int
        Which, counted from 1.
    kept : list of ndarray
        Their vectors.
    """

    epochs: list
    kept: list = field(default_factory=list, repr=False)
    records = True

    def on_epoch_end(self, run):
        """Keep a copy if this epoch ends a cycle."""
        if run.n_epochs_of_fit in self.epochs:
            self.kept.append(run.theta.data.copy())


AVERAGINGS = {"ema": EMA, "swa": SWA, "snapshot": Snapshot}
