"""The fit of a committee as scikit-learn's callback tasks, with checkpoints."""

from dataclasses import replace
from numbers import Integral

import joblib

from . import assemble
from .committee import fit_committee
from .exceptions import IgnoredParameterWarning, warn
from .training.callbacks import PrintProgress, SklearnCallbacks
from .training.checkpoint import Checkpoint
from .training.optimizers import LBFGS


class FitTasks:
    """What surrounds the fit of one estimator: the task tree, progress and checkpoints.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted, with the user's callbacks.
    X, y, sample_weight
        As the user passed them.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator = estimator
        self.arguments = {
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }
        callbacks = getattr(estimator, "_skl_callbacks", [])
        self.checkpoints = [c for c in callbacks if isinstance(c, Checkpoint)]

    @property
    def restartable(self):
        """Whether members must keep what they need to go on."""
        return bool(self.checkpoints)

    def begin(self, plan):
        """Open the task of the whole fit."""
        self._check_restartable(plan)
        alone = plan.n_members == 1
        self.root = self.estimator._init_callback_context(
            max_subtasks=plan.max_epochs if alone else plan.n_members, sequential_subtasks=alone
        )
        self.root.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)
        self.member_tasks = {}

    def fit(self, plan, rows, previous, monitor):
        """Fit the committee, going on from checkpoints if there are any.

        Parameters
        ----------
        plan : Plan
            The choices.
        rows : Rows
            The training rows.
        previous : list of Member
            Members of an earlier fit to go on from.
        monitor : Monitor or None
            What early stopping watches.

        Returns
        -------
        members, notes
            See `fit_committee`.
        """

        def callbacks_of(index):
            callbacks = self._printers(plan, index)
            callbacks += self._writers(plan, index, identity)
            if hasattr(self.estimator, "_skl_callbacks"):
                task = self._task(plan, index)
                callbacks.append(SklearnCallbacks(self.estimator, task, self.arguments))
            return callbacks

        previous = dict(enumerate(previous))
        identity = self._identity(plan, rows, previous, monitor)
        found = self._load(plan, identity)
        return fit_committee(
            plan, rows, previous=previous | found, resumed=set(found), monitor=monitor,
            callbacks_of=callbacks_of,
        )  # fmt: skip

    def stream(self, plan, rows, previous, monitor):
        """Fit one call of partial_fit: no task tree, but progress is printed."""
        if hasattr(self.estimator, "_skl_callbacks"):
            warn(
                "Callbacks set with set_callbacks have no effect: partial_fit is not a fit.",
                IgnoredParameterWarning,
            )
        return fit_committee(
            plan, rows, previous=dict(enumerate(previous)), monitor=monitor,
            callbacks_of=lambda index: self._printers(plan, index),
        )  # fmt: skip

    def refit(self, plan, rows, searched):
        """Fit again on all rows, each member for the number of epochs that was best.

        Parameters
        ----------
        plan, rows
            As for `fit`, on all rows.
        searched : list of Member
            The members whose best epochs are known.

        Returns
        -------
        members, notes
            See `fit_committee`. The members keep the history of the search.
        """

        def callbacks_of(index):
            return self._writers(plan, index, identity, "-refit")

        identity = self._identity(plan, rows, {}, None)
        found = self._load(plan, identity, "-refit")
        members, notes = fit_committee(
            plan, rows, previous=found, resumed=set(found), callbacks_of=callbacks_of,
            n_epochs=[member.best_iteration for member in searched],
        )  # fmt: skip
        kept = [
            replace(member, history=old.history, best=old.best)
            for member, old in zip(members, searched, strict=False)
        ]
        return kept, notes

    def end(self, plan, members):
        """Close all tasks and, unless the fit was interrupted, remove the checkpoints."""
        ended = [
            (task, [member for member in members if member.index == index])
            for index, task in self.member_tasks.items()
        ]
        for task, fitted in [*ended, (self.root, members)]:
            # A task without members was opened, but the fit was interrupted before its turn.
            attributes = {"members_": fitted} if fitted else None
            task.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.arguments
            )
        if any(member.interrupted for member in members):
            return
        for checkpoint in self.checkpoints:
            for index in range(plan.n_members):
                checkpoint.discard(self._key(plan, index))
                checkpoint.discard(self._key(plan, index, "-refit"))

    def _printers(self, plan, index):
        label = "" if plan.n_members == 1 else f"member {index}, "
        return [PrintProgress(label)] if assemble.is_verbose(self.estimator) else []

    def _task(self, plan, index):
        if plan.n_members == 1:
            return self.root
        task = self.root.subcontext("member", task_id=index, max_subtasks=plan.max_epochs)
        task.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)
        self.member_tasks[index] = task
        return task

    # Checkpoints -------------------------------------------------------------------------------

    def _check_restartable(self, plan):
        if not self.checkpoints:
            return
        if isinstance(plan.solver, LBFGS):
            raise ValueError(
                "Checkpoint cannot be used with solver='lbfgs', whose memory of curvature cannot "
                "be kept."
            )
        if not isinstance(assemble.random_state(self.estimator), Integral):
            raise ValueError(
                "Checkpoint needs an int random_state: only a fit that can be repeated can go on."
            )

    def _identity(self, plan, rows, previous, monitor):
        """Return a hash of all that decides how the fit goes."""
        if not self.checkpoints:
            return None
        epochs = [member.n_iter for member in previous.values()]
        watched = (monitor.X, monitor.Y, monitor.weight) if monitor else None
        data = (rows.X, rows.Y, rows.weight, watched)
        return joblib.hash((assemble.identity(self.estimator), plan.seed, epochs, data))

    def _key(self, plan, index, phase=""):
        """Return the suffix of a member's file: where the fit stands in a search, and which."""
        key, task = phase, self.root
        while task.parent is not None:
            key = f"-{task.task_id}{key}"
            task = task.parent
        return key if plan.n_members == 1 else f"{key}-member{index}"

    def _writers(self, plan, index, identity, phase=""):
        key = self._key(plan, index, phase)
        return [checkpoint.writer(key, identity) for checkpoint in self.checkpoints]

    def _load(self, plan, identity, phase=""):
        """Return the members that a checkpoint holds, by index."""
        found = {}
        for index in range(plan.n_members):
            for checkpoint in self.checkpoints:
                member = checkpoint.load(self._key(plan, index, phase), identity)
                if member is not None:
                    found[index] = member
        return found
