"""The training loop of mini-batch steppers, and the state of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter

import numpy as np

from ..core.objective import Objective
from ..core.vector import Vector
from ..exceptions import DivergenceWarning, InterruptedFitWarning
from .batches import Batches
from .optimizers import clip
from .schedules import Schedule


@dataclass
class Run:
    """The state of one training run, as callbacks see it.

    Attributes
    ----------
    objective : Objective
        What is minimised.
    theta : Vector
        The current numbers of the network.
    batches : Batches
        The training rows.
    schedule : Schedule
        Factor of the learning rate.
    rate : float
        The learning rate that the factor multiplies.
    history : dict of str to list of float
        One entry an epoch; a resumed run goes on with the history of the earlier one.
    notes : list of (class, str)
        Warnings for the caller to issue: those issued in a worker process would be lost.
    interrupted, diverged : bool
        Whether Ctrl-C or a loss that is not finite ended the run.
    clip_norm : float or None
        The largest norm of a step's gradient.
    strength : Schedule or None
        Factor of dropout and of decoupled decay; None leaves them as they are.
    epochs_before : int
        Epochs in `history` that belong to earlier fits of a warm-started model.
    as_member : callable or None
        ``as_member()`` returns the network as it would be if the run ended now; whoever starts the
        run provides it, for callbacks.
    """

    objective: Objective
    theta: Vector
    batches: Batches
    schedule: Schedule
    rate: float
    history: dict
    notes: list = field(default_factory=list)
    interrupted: bool = False
    diverged: bool = False
    clip_norm: float | None = None
    strength: Schedule | None = None
    epochs_before: int = 0
    as_member: Callable | None = None

    def __post_init__(self):
        for name in ("loss", "penalty", "learning_rate", "seconds"):
            self.history.setdefault(name, [])
        self._published, self._stale = self.theta, False
        self._clock = perf_counter()
        self._good_theta, self._good_published = np.empty_like(self.theta.data), None
        self._keep()

    @property
    def n_epochs(self):
        """Epochs finished, those of earlier runs of the same model included."""
        return len(self.history["loss"])

    @property
    def n_epochs_of_fit(self):
        """Epochs finished in this fit."""
        return self.n_epochs - self.epochs_before

    @property
    def published(self):
        """What the run would give to predict with: `theta`, or an average of it."""
        if self._stale:
            self.objective.refresh_statistics(self._published, self.batches.plain())
            self._stale = False
        return self._published

    def publish(self, data):
        """Predict with the numbers in `data` from now on, their statistics estimated anew."""
        self._published, self._stale = Vector(self.theta.layout, data), True

    def learning_rate(self, step, n_steps):
        """Return the rate of a step, counted from 0 within this fit, of `n_steps` in all."""
        epochs = self.epochs_before + (step + 1) / len(self.batches)
        return float(self.rate * self.schedule.factor(step / n_steps, epochs, self.history))

    def end_epoch(self, loss, rate, callbacks):
        """Record an epoch and let the callbacks look at it; return whether to stop."""
        penalty = self.objective.penalty_value(self.theta)
        if not np.isfinite(loss + penalty + np.sum(self.theta.data)):
            self.diverge()
            return True
        now = perf_counter()
        self.history["loss"].append(loss)
        self.history["penalty"].append(penalty)
        self.history["learning_rate"].append(rate)
        self.history["seconds"].append(now - self._clock)
        self._clock = now
        stops = [callback.on_epoch_end(self) for callback in callbacks if callback.records]
        self._keep()  # Ctrl-C in a callback that only watches does not undo the epoch
        stops += [callback.on_epoch_end(self) for callback in callbacks if not callback.records]
        return any(stops)

    def diverge(self):
        """End the run because the loss is not finite."""
        self.diverged = True
        self._fall_back(
            DivergenceWarning,
            f"The loss became infinite or NaN in epoch {self.n_epochs + 1}. Likely causes: "
            "learning_rate_init is too large, the initial weights are too large, or X or y are not "
            "scaled.",
        )

    def interrupt(self):
        """End the run on Ctrl-C."""
        self.interrupted = True
        self._fall_back(InterruptedFitWarning, "Training was interrupted by the user.")

    def _keep(self):
        for curve in self.history.values():
            curve.extend([np.nan] * (self.n_epochs - len(curve)))
        np.copyto(self._good_theta, self.theta.data)
        if self._published is not self.theta:
            if self._good_published is None:
                self._good_published = np.empty_like(self.theta.data)
            np.copyto(self._good_published, self._published.data)
        self._n_good = self.n_epochs

    def _fall_back(self, category, reason):
        """Return to the end of the last whole epoch and leave a note why."""
        self.theta.data[:] = self._good_theta
        if self._good_published is not None:
            self._published.data[:] = self._good_published
        for curve in self.history.values():
            del curve[self._n_good :]
        self.notes.append((category, f"{reason} The weights after epoch {self.n_epochs} are kept."))


def train(run, stepper, callbacks, n_epochs, horizon):
    """Minimise J by mini-batch steps until a callback returns True or `n_epochs` are done.

    Epochs that the history already holds of this fit are not repeated.

    Parameters
    ----------
    run : Run
        Its `theta` is moved, its `history` is written.
    stepper : SGDStepper or AdamStepper
        Turns gradients into steps.
    callbacks : list of Callback
        All are called, even when one of them stops the run: those that record first, then those
        that watch, in order.
    n_epochs : int
        Passes over the rows.
    horizon : int
        Passes that the schedule of the learning rate is laid out for.
    """
    objective, theta, batches = run.objective, run.theta, run.batches
    n_steps = horizon * len(batches)
    with np.errstate(all="ignore"):  # a loss that is not finite is dealt with by name
        strength = 1.0
        for epoch in range(run.n_epochs_of_fit, n_epochs):
            for callback in callbacks:
                callback.on_epoch_begin(run)
            total = 0.0
            for i, (X, Y, weight) in enumerate(batches.epoch()):
                if i == 0 or run.schedule.changes_within_epoch:
                    rate = run.learning_rate(epoch * len(batches) + i, n_steps)
                if run.strength is not None:
                    progress = (epoch * len(batches) + i) / n_steps
                    strength = float(run.strength.factor(progress, epoch, run.history))
                    objective.set_strength(strength)
                value = objective.step_gradient(theta, X, Y, weight)
                if not isfinite(value):
                    return run.diverge()
                if run.clip_norm is not None:
                    clip(objective.gradient.trainable, run.clip_norm)
                step = stepper.step(theta, objective.gradient, rate, objective.has_prox, strength)
                objective.prox(theta, step)
                total += value * X.shape[0]
                for callback in callbacks:
                    callback.on_step_end(run)
            if run.end_epoch(total / batches.n_rows, rate, callbacks):
                break
