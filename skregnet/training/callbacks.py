"""What happens between epochs: hooks that watch a run and may stop it."""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np


class Callback:
    """Base class of callbacks; every hook is optional.

    A callback stops the run by returning True from `on_epoch_end`, never by raising.
    """

    records = False
    """True if the callback adds to what an epoch leaves behind, False if it only watches."""

    def on_epoch_begin(self, run):
        """Run before an epoch."""

    def on_step_end(self, run):
        """Run after each update of the weights."""

    def on_epoch_end(self, run):
        """Run after an epoch; return True to stop."""


@dataclass
class BestSoFar:
    """What early stopping remembers.

    Attributes
    ----------
    score : float
        The best score, greater being better.
    epoch : int
        Its epoch, counted from 1; 0 if there is none yet.
    theta : ndarray or None
        The numbers of the network at that epoch.
    waited : int
        Epochs since the best score was last beaten by more than the tolerance.
    """

    score: float = -np.inf
    epoch: int = 0
    theta: np.ndarray | None = field(default=None, repr=False)
    waited: int = 0


class EarlyStopping(Callback):
    """Record the validation curves, keep the best epoch, and stop when patience runs out.

    The best epoch is the last of those with the highest score. Patience starts anew when the best
    score so far is beaten by more than `tol`.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(theta)`` returns (validation loss, score), the score greater being better.
    patience : int or None
        Epochs to wait; None runs to the end.
    tol : float
        The least improvement that counts.
    best : BestSoFar or None
        Where an earlier run of the same model left off.
    """

    records = True

    def __init__(self, evaluate, patience, tol, best=None):
        self.evaluate = evaluate
        self.patience = patience
        self.tol = tol
        self.best = best or BestSoFar()

    @property
    def out_of_patience(self):
        """Whether the run has to stop."""
        return self.patience is not None and self.best.waited >= self.patience

    def renew_patience(self):
        """Let a model that was stopped train on."""
        if self.out_of_patience:
            self.best.waited = 0

    def on_epoch_end(self, run):
        """Evaluate the weights that the run publishes."""
        loss, score = self.evaluate(run.published)
        for name, value in (("validation_loss", loss), ("validation_score", score)):
            run.history.setdefault(name, [np.nan] * (run.n_epochs - 1)).append(value)
        best = self.best
        best.waited = 0 if score > best.score + self.tol else best.waited + 1
        if score >= best.score:
            best.score, best.epoch, best.theta = score, run.n_epochs, run.published.data.copy()
        return self.out_of_patience


class TimeLimit(Callback):
    """Stop after the first epoch that ends later than `seconds` after the start.

    Parameters
    ----------
    seconds : float
        The budget.
    """

    def __init__(self, seconds):
        self.end = perf_counter() + seconds

    def on_epoch_end(self, run):
        """Compare the clock."""
        return perf_counter() >= self.end


class PrintProgress(Callback):
    """Print one line an epoch.

    Parameters
    ----------
    label : str
        What to print before the number of the epoch.
    """

    def __init__(self, label):
        self.label = label

    def on_epoch_end(self, run):
        """Print the newest entries of the history."""
        newest = {name: values[-1] for name, values in run.history.items()}
        line = ", ".join(f"{name} {value:.5g}" for name, value in newest.items())
        print(f"{self.label}epoch {run.n_epochs}: {line}", flush=True)


class SklearnCallbacks(Callback):
    """The bridge to scikit-learn's callback protocol: an epoch is a subtask of the fit.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted.
    context : sklearn.callback.CallbackContext
        The task whose subtasks are the epochs.
    arguments : dict
        X, y and metadata as the user passed them.
    """

    def __init__(self, estimator, context, arguments):
        self.estimator = estimator
        self.context = context
        self.arguments = arguments

    def on_epoch_begin(self, run):
        """Open the subtask."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)

    def on_epoch_end(self, run):
        """Close the subtask; True if one of the user's callbacks asks to stop."""
        return self.task.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=lambda: {"members_": [run.as_member()]},
            **self.arguments,
        )
