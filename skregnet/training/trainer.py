"""The training loop, for mini-batch steppers and for L-BFGS."""

from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from scipy.optimize import minimize

from ..core.objective import Objective
from ..core.vector import Vector
from ..exceptions import DivergenceWarning, InterruptedFitWarning, NotConvergedWarning
from .batches import Batches
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

    def __post_init__(self):
        for name in ("loss", "penalty", "learning_rate", "seconds"):
            self.history.setdefault(name, [])
        self._clock = perf_counter()
        self._keep()

    @property
    def n_epochs(self):
        """Epochs finished, those of earlier runs of the same model included."""
        return len(self.history["loss"])

    def learning_rate(self, progress):
        """Return the rate at a share `progress` of this run."""
        return float(self.rate * self.schedule.factor(progress, self.history))

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
        stops = [callback.on_epoch_end(self) for callback in callbacks]
        self._keep()
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
        self._last_good = self.theta.data.copy()
        self._n_good = self.n_epochs

    def _fall_back(self, category, reason):
        """Return to the end of the last whole epoch and leave a note why."""
        self.theta.data[:] = self._last_good
        for curve in self.history.values():
            del curve[self._n_good :]
        self.notes.append((category, f"{reason} The weights after epoch {self.n_epochs} are kept."))


def train(run, stepper, callbacks, max_epochs):
    """Minimise J by mini-batch steps until a callback returns True or `max_epochs` are done.

    Parameters
    ----------
    run : Run
        Its `theta` is moved, its `history` is written.
    stepper : SGDStepper or AdamStepper
        Turns gradients into steps.
    callbacks : list of Callback
        All are called, in order, even when one of them stops the run.
    max_epochs : int
        Passes over the rows.
    """
    objective, theta, batches = run.objective, run.theta, run.batches
    n_steps = max_epochs * len(batches)
    with np.errstate(all="ignore"):  # a loss that is not finite is dealt with by name
        for epoch in range(max_epochs):
            for callback in callbacks:
                callback.on_epoch_begin(run)
            total = 0.0
            for i, (X, Y, weight) in enumerate(batches.epoch()):
                if i == 0 or run.schedule.has_horizon:
                    rate = run.learning_rate((epoch * len(batches) + i) / n_steps)
                value = objective.step_gradient(theta, X, Y, weight)
                if not np.isfinite(value):
                    return run.diverge()
                step = stepper.step(theta, objective.gradient, rate)
                objective.prox(theta, step)
                total += value * X.shape[0]
                for callback in callbacks:
                    callback.on_step_end(run)
            if run.end_epoch(total / batches.n_rows, rate, callbacks):
                break


def minimize_lbfgs(run, solver, callbacks, max_epochs, tol):
    """Minimise J with SciPy's L-BFGS-B; an iteration counts as an epoch.

    L1 has no gradient at 0, so W is split into W+ - W- with W+, W- >= 0, where |W|_1 is the sum of
    both and linear: the bounds make the zeros exact.

    Parameters
    ----------
    run : Run
        Its batches must hold all rows in one.
    solver : LBFGS
        The recipe.
    callbacks : list of Callback
        As for `train`, but `on_step_end` is not called.
    max_epochs : int
        Iterations.
    tol : float
        The largest entry of the (projected) gradient of J at which to stop.
    """
    objective, theta = run.objective, run.theta
    [(X, Y, weight)] = run.batches.epoch()
    split = _Split(objective.l1_strengths())
    last = {}

    def evaluate(x):
        split.unpack(x, theta.trainable)
        theta.statistics[...] = 0.0  # the next forward pass sets them to those of all rows
        last["x"] = x.copy()
        last["loss"] = objective.step_gradient(theta, X, Y, weight)
        J = last["loss"] + objective.penalty_value(theta) + split.excess(x)
        return J, split.pack_gradient(objective.gradient.trainable)

    def after_iteration(x):
        if not np.array_equal(x, last["x"]):
            evaluate(x)
        for callback in callbacks:
            callback.on_epoch_begin(run)
        if run.end_epoch(last["loss"], np.nan, callbacks):
            last["stopped"] = True
            raise StopIteration

    options = {
        "maxiter": max_epochs,
        "maxfun": max_epochs * solver.max_line_search,
        "gtol": tol,
        "ftol": 64 * np.finfo(float).eps,
        "maxcor": solver.memory,
        "maxls": solver.max_line_search,
    }
    with np.errstate(all="ignore"):
        start = split.pack(theta.trainable)
        result = minimize(
            evaluate, start, jac=True, method="L-BFGS-B", bounds=split.bounds(start.size),
            callback=after_iteration, options=options,
        )  # fmt: skip
        if run.diverged:
            return
        evaluate(result.x)
        if result.nit == 0:  # already at the optimum: one epoch for the record
            with suppress(StopIteration):
                after_iteration(result.x)
    if not np.isfinite(last["loss"]) and not run.diverged:
        run.diverge()
    elif not result.success and "stopped" not in last:
        message = result.message.decode() if isinstance(result.message, bytes) else result.message
        run.notes.append(
            (
                NotConvergedWarning,
                f"L-BFGS stopped after {result.nit} iterations before the gradient fell below "
                f"tol={tol:g} ({message}). Increase max_iter or tol.",
            )
        )


class _Split:
    """x = [W+ | W- | offsets] with L1, and x = [W | offsets] without."""

    def __init__(self, l1_strengths):
        self.active = bool(np.any(l1_strengths))
        self.l1 = l1_strengths
        self.n = len(l1_strengths)

    def pack(self, trainable):
        x = trainable.astype(np.float64)
        if self.active:
            W = x[: self.n]
            x = np.concatenate([np.maximum(W, 0.0), np.maximum(-W, 0.0), x[self.n :]])
        return x

    def unpack(self, x, trainable):
        if self.active:
            trainable[: self.n] = x[: self.n] - x[self.n : 2 * self.n]
            trainable[self.n :] = x[2 * self.n :]
        else:
            trainable[:] = x

    def pack_gradient(self, g):
        g = g.astype(np.float64)
        if not self.active:
            return g
        return np.concatenate([g[: self.n] + self.l1, self.l1 - g[: self.n], g[self.n :]])

    def excess(self, x):
        """Return what |W+| + |W-| counts beyond |W+ - W-|."""
        if not self.active:
            return 0.0
        return 2.0 * float(self.l1 @ np.minimum(x[: self.n], x[self.n : 2 * self.n]))

    def bounds(self, size):
        if not self.active:
            return None
        return [(0.0, None)] * (2 * self.n) + [(None, None)] * (size - 2 * self.n)
