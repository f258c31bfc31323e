"""What both estimators share: check, encode, fit the committee, publish the result."""

import copy
import functools
from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import assemble
from ._compat import check_sample_weight
from .committee import fit_committee, raw_outputs
from .core.streams import stream
from .exceptions import ValidationSetWarning, warn
from .member import FittedView, Rows
from .params import check_params
from .tables import Scale
from .training.callbacks import PrintProgress, SklearnCallbacks
from .training.validation import LossMonitor, ScorerMonitor, hold_out

FLOATS = (np.float64, np.float32)


def all_or_nothing(method):
    """Leave the estimator as it was if `method` raises."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return guarded


def _of_the_only_member(name, doc):
    def read(self):
        members = self._fitted(name)
        if len(members) > 1:
            raise AttributeError(
                f"A committee of {len(members)} has no {name!r} of its own: "
                f"see members_[i].{name[:-1]}"
            )
        return getattr(members[0], name[:-1])

    return property(read, doc=doc)


class BaseRegularizedMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """Base class of the classifier and the regressor."""

    coefs_ = _of_the_only_member("coefs_", "Weight matrices of shape (fan_in, fan_out).")
    intercepts_ = _of_the_only_member("intercepts_", "Biases of shape (fan_out,).")
    history_ = _of_the_only_member("history_", "Lists with one entry an epoch, by name.")
    n_iter_ = _of_the_only_member("n_iter_", "Epochs (L-BFGS: iterations) trained.")
    loss_curve_ = _of_the_only_member("loss_curve_", "Loss plus penalty by epoch.")
    validation_loss_curve_ = _of_the_only_member(
        "validation_loss_curve_", "Data term on the validation rows by epoch, or None."
    )
    validation_scores_ = _of_the_only_member(
        "validation_scores_", "What early stopping compared, by epoch, or None."
    )
    best_iteration_ = _of_the_only_member(
        "best_iteration_", "The epoch, from 1, whose weights were kept, or None."
    )
    best_validation_score_ = _of_the_only_member(
        "best_validation_score_", "The validation score of that epoch, or None."
    )

    # What is particular to labels and to reals -------------------------------------------------

    _constraints: dict
    """What each hyperparameter may be."""

    @abstractmethod
    def _learn_target(self, y, classes=None):
        """Learn what a target looks like, and return y as `_check_target` does."""

    @abstractmethod
    def _check_target(self, y):
        """Return y as the array that the methods below take; raise ValueError if it cannot be."""

    @abstractmethod
    def _encode(self, y):
        """Return the targets of the network, of shape (n, m)."""

    @abstractmethod
    def _decode(self, y):
        """Return y in the user's units."""

    @abstractmethod
    def _loss(self):
        """Return the loss."""

    def _row_weights(self, y, weight, streaming=False):
        """Return s_i from y and the sample weights, or None for all equal."""
        return weight

    def _strata(self, y):
        """Return the class of each row for a stratified hold-out, or None."""
        return None

    def _n_smoothed_classes(self):
        """Return K of label smoothing, or None."""
        return None

    # Fitting -----------------------------------------------------------------------------------

    @all_or_nothing
    @with_callbacks
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; a weight of k is the same as the row k times, and rows of weight 0
            are dropped. None means 1.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation rows for early stopping; no training rows are then held out. In a
            `Pipeline` they are transformed as X is with ``transform_input=["X_val"]``.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a hyperparameter or the data is of a wrong kind, or if a technique is switched on
            that cannot act in this configuration. The estimator is then left as it was.
        """
        check_params(self, self._constraints)
        previous = getattr(self, "members_", []) if assemble.continues(self) else []
        arguments = {
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }
        X, y, weight = self._check_training_rows(X, y, sample_weight, first=not previous)
        given = self._check_validation_rows(X_val, y_val, sample_weight_val)
        stopping = assemble.assemble_stopping(self, len(y), given is not None)
        dtype = previous[0].theta.dtype if previous else assemble.assemble_dtype(self, len(y))
        X, y, weight, given = self._split(X, y, weight, stopping, given)
        if not previous:
            self._learn_scales(X, y, weight)
        rows = Rows(self._scaled(X, dtype), self._encode(y).astype(dtype), weight)
        plan = self._plan(rows, dtype, stopping=stopping)
        _check_continues(previous, plan)
        evaluate = self._monitor(plan, given, stopping) if stopping.enabled else None
        self._fit_members(plan, rows, previous, evaluate, arguments)
        return self

    @all_or_nothing
    def _partial_fit(self, X, y, sample_weight, total_weight, classes=None):
        """Train one epoch on these rows."""
        check_params(self, self._constraints)
        previous = vars(self).get("members_", [])
        first = not previous
        X, y, weight = self._check_training_rows(
            X, y, sample_weight, first, streaming=True, classes=classes
        )
        stopping = assemble.assemble_stopping(self, len(y), X_val_given=False, streaming=True)
        if first:
            self._learn_scales(X, y, weight)
        dtype = previous[0].theta.dtype if previous else assemble.assemble_dtype(self, len(y), True)
        rows = Rows(self._scaled(X, dtype), self._encode(y).astype(dtype), weight)
        plan = self._plan(
            rows, dtype, stopping=stopping, streaming=True, total_weight=total_weight
        )
        _check_continues(previous, plan)
        self._publish(*fit_committee(plan, rows, previous=previous))
        return self

    def _check_training_rows(self, X, y, sample_weight, first, streaming=False, classes=None):
        """Return X, y and s_i (or None) of the rows with positive weight."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS, multi_output=True, reset=first,
            y_numeric=is_regressor(self),
        )  # fmt: skip
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            X, y, weight = _drop_weightless(X, y, weight)
        if first:
            seed = check_random_state(assemble.random_state(self)).randint(np.iinfo(np.int32).max)
            self._seed = int(seed)
        y = self._learn_target(y, classes) if first else self._check_target(y)
        weight = self._row_weights(y, weight, streaming)
        return (X, y, None) if weight is None else _drop_weightless(X, y, weight)

    def _check_validation_rows(self, X_val, y_val, sample_weight_val):
        """Return the validation rows in the user's units, or None."""
        if X_val is None and y_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val is provided, but X_val was not provided.")
            return None
        if X_val is None or y_val is None:
            missing, given = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} is provided, but {missing} was not provided.")
        X_val, y_val = validate_data(
            self, X_val, y_val, accept_sparse="csr", dtype=FLOATS, multi_output=True, reset=False
        )
        y_val = self._check_target(y_val)
        if sample_weight_val is None:
            return X_val, y_val, None
        weight = check_sample_weight(
            sample_weight_val, X_val, dtype=np.float64, ensure_non_negative=True
        )
        return _drop_weightless(X_val, y_val, weight)

    def _split(self, X, y, weight, stopping, given):
        """Return the training rows and the validation rows that early stopping watches."""
        if given is not None or not stopping.enabled:
            return X, y, weight, given
        seed = int(stream(self._seed, "split").integers(2**31))
        parts = hold_out(len(y), stopping.fraction, seed, self._strata(y))
        if parts is None:
            warn(
                f"The {len(y)} training rows cannot spare a validation set "
                f"(validation={stopping.fraction}); early stopping watches the training rows.",
                ValidationSetWarning,
            )
            return X, y, weight, (X, y, weight)
        train, held_out = (
            (X[part], y[part], None if weight is None else weight[part]) for part in parts
        )
        return *train, held_out

    def _learn_scales(self, X, y, weight):
        scaling = assemble.assemble_scaling(self)
        self.input_scale_ = scaling(X, weight) if scaling else None

    def _scaled(self, X, dtype):
        return (self.input_scale_ or Scale()).transform(X, dtype)

    def _plan(self, rows, dtype, **choices):
        loss = self._loss()
        network = assemble.assemble_network(self, rows.X.shape[1], rows.Y.shape[1])
        return assemble.assemble_plan(
            self, network, loss, len(rows.Y), dtype=dtype, seed=self._seed,
            n_classes=self._n_smoothed_classes(), **choices,
        )  # fmt: skip

    def _monitor(self, plan, given, stopping):
        X_val, y_val, weight = given
        column = None if weight is None else weight[:, np.newaxis]
        Z, Y = self._scaled(X_val, plan.dtype), self._encode(y_val).astype(plan.dtype)
        by_loss = LossMonitor(plan.network, plan.loss, Z, Y, column)
        if stopping.monitor == "loss":
            return by_loss
        view = FittedView(self, plan.network)
        scorer = check_scoring(view.estimator, stopping.monitor)
        return ScorerMonitor(by_loss, scorer, view, X_val, self._decode(y_val), weight)

    def _fit_members(self, plan, rows, previous, evaluate, arguments):
        """Fit the committee as a tree of scikit-learn's callback tasks, and publish it."""
        alone = plan.n_members == 1
        root = self._init_callback_context(
            max_subtasks=plan.max_epochs if alone else plan.n_members, sequential_subtasks=alone
        )
        view = FittedView(self, plan.network)
        root.call_on_fit_task_begin(estimator=self, **arguments)
        tasks = []

        def callbacks_of(index):
            callbacks = []
            if assemble.is_verbose(self):
                callbacks.append(PrintProgress("" if alone else f"member {index}, "))
            if hasattr(self, "_skl_callbacks"):
                task = root
                if not alone:
                    task = root.subcontext("member", task_id=index, max_subtasks=plan.max_epochs)
                    task.call_on_fit_task_begin(estimator=self, **arguments)
                    tasks.append(task)
                callbacks.append(SklearnCallbacks(self, task, arguments, view.attributes))
            return callbacks

        members, notes = fit_committee(
            plan, rows, previous=previous, evaluate=evaluate, callbacks_of=callbacks_of
        )
        self._publish(members, notes)
        done = [*zip(tasks, ([member] for member in members), strict=False), (root, members)]
        for task, fitted in done:
            attributes = {"members_": fitted}
            task.call_on_fit_task_end(
                estimator=self, reconstruction_attributes=attributes, **arguments
            )

    def _publish(self, members, notes):
        self.members_ = members
        self.n_outputs_ = members[0].coefs[-1].shape[1]
        self.n_layers_ = len(members[0].coefs) + 1
        self.out_activation_ = self._loss().output_activation
        for category, message in notes:
            warn(message, category)

    # Prediction and inspection -----------------------------------------------------------------

    def _raw_outputs(self, X):
        """Return the raw outputs of all members, of shape (n_members, n, m)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return raw_outputs(self.members_, self.input_scale_ or Scale(), X)

    def _gradient_problem(self, X, y, sample_weight):
        """Return what `check_gradients` needs: a plan, rows, and a member or None."""
        members = vars(self).get("members_", [])
        probe = copy.copy(self)
        check_params(probe, probe._constraints)
        X, y, weight = probe._check_training_rows(X, y, sample_weight, first=not members)
        if not members:
            probe._learn_scales(X, y, weight)
        rows = Rows(probe._scaled(X, np.float64), probe._encode(y).astype(np.float64), weight)
        stopping = assemble.assemble_stopping(probe, len(y), X_val_given=False)
        plan = probe._plan(rows, np.dtype(np.float64), stopping=stopping)
        return plan, rows, members[0] if members else None

    @property
    def n_nonzero_(self):
        """Number of weights that are not exactly zero, over all members; biases do not count."""
        return int(sum(np.count_nonzero(member.weights) for member in self._fitted("n_nonzero_")))

    @property
    def sparsity_(self):
        """Share of the weights that are exactly zero, over all members."""
        n_weights = sum(member.weights.size for member in self._fitted("sparsity_"))
        return 1.0 - self.n_nonzero_ / n_weights

    def _fitted(self, name):
        if "members_" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.members_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _drop_weightless(X, y, weight):
    kept = weight > 0
    if kept.all():
        return X, y, weight
    if not kept.any():
        raise ValueError("Sample weights must contain at least one non-zero number: all are zero.")
    return X[kept], y[kept], weight[kept]


def _check_continues(previous, plan):
    """Raise ValueError unless the members can go on as planned."""
    if not previous:
        return
    if len(previous) > plan.n_members:
        raise ValueError(
            f"n_estimators={plan.n_members} must be larger or equal to the {len(previous)} members "
            "that are there when training goes on."
        )
    old, network = previous[0].network, plan.network
    same_layers = [type(layer) for layer in old.layers] == [type(a) for a in network.layers]
    if not same_layers or old.layout.blocks != network.layout.blocks:
        raise ValueError(
            "Training cannot go on: the hyperparameters now describe a network of other layers or "
            "shapes. Use warm_start=False or a clone of the estimator."
        )
