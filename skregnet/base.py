"""What both estimators share: check, encode, fit the committee, publish the result."""

import copy
import functools
import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from . import assemble
from ._compat import check_sample_weight, num_samples
from .committee import out_of_bag, raw_outputs
from .core.component import require
from .core.streams import stream
from .encoding import EncodedScale, learn_encoder
from .exceptions import (
    IgnoredParameterWarning,
    OutOfBagWarning,
    SkregnetWarning,
    ValidationSetWarning,
    warn,
)
from .fitting import Rows
from .frames import check_rows, learn_codes
from .member import FittedView
from .params import check_params
from .published import FittedAttributes
from .tables import Scale, Table, weighted_quantile
from .tasks import FitTasks
from .training.validation import Monitor, find_scorer, hold_out, last_split, score


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


class BaseRegularizedMLP(CallbackSupportMixin, FittedAttributes, BaseEstimator, ABC):
    """Base class of the classifier and the regressor."""

    _doc_link_module = "skregnet"

    # What is None unless X has categories, and unless it has these or missing values.
    _codes = _encoder = None

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

    @abstractmethod
    def _pool(self, raw):
        """Return raw outputs (n, m) of one network that predicts as these (k, n, m) together.

        Entries that are NaN throughout a member's row take no part.
        """

    @abstractmethod
    def _publish_out_of_bag(self, view, seen, n_given):
        """Set the attribute that holds the out-of-bag predictions of all rows, NaN where none.

        `view` predicts the rows of the table `seen`; `n_given` is the number of rows given to fit.
        """

    @property
    def _raw_range(self):
        """The least and the greatest raw outputs that predictions are made of, or None."""
        return None

    def _learn_row_weights(self, table, streaming):
        """Learn what `_row_weights` needs from the training rows."""

    def _row_weights(self, table):
        """Return s_i of the rows of a table, or None for all equal."""
        return table.weight

    def _strata(self, y):
        """Return the class of each row for a stratified hold-out, or None."""
        return None

    def _n_smoothed_classes(self):
        """Return K of label smoothing, or None."""
        return None

    def _calibrate(self, raw, table):
        """Learn the temperature from the raw outputs for rows that did not train the members."""

    # Fitting -----------------------------------------------------------------------------------

    @all_or_nothing
    @with_callbacks
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None,
        groups=None,
    ):  # fmt: skip
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows. Missing values (NaN, None, pandas.NA) become the median of the column,
            with a further column that tells where; categories see `categorical_features`. Sparse X
            has neither.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; with ``soft_labels=True`` class probabilities of shape (n_samples, n_classes).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; a weight of k is the same as the row k times, and rows of weight 0
            are dropped. None means 1.
        X_val : {array-like, sparse matrix, DataFrame} of shape (n_val, n_features), default=None
            Validation rows for early stopping; no training rows are then held out. In a
            `Pipeline` they are transformed as X is with ``transform_input=["X_val"]``.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for a splitter given as `validation`.

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
        vars(self).pop("temperature_", None)
        previous = getattr(self, "members_", []) if assemble.continues(self) else []
        if previous:
            self._check_frozen_choices()
        tasks = FitTasks(self, X, y, sample_weight)
        table = self._check_training_rows(X, y, sample_weight, first=not previous)
        given = self._check_validation_rows(X_val, y_val, sample_weight_val)
        check_consistent_length(X, groups)
        stopping = assemble.assemble_stopping(self, len(table), given is not None)
        scoring = assemble.out_of_bag_scoring(self)
        if not previous:
            self._kept_split = None
        else:
            self._check_same_rows(stopping, scoring, given, len(table))
        train, validation = self._split(table, stopping, given, groups)
        if train is validation and not stopping.out_of_bag:
            stopping = replace(stopping, calibrates=False, refits=False)
        if not previous:
            self._learn_scales(train)
        kept = {"stopping": stopping, "keep_state": tasks.restartable}
        plan, rows = self._prepare(train, previous, n_rows=len(table), **kept)
        monitor = self._monitor(plan, stopping, validation) if stopping.enabled else None
        tasks.begin(plan)
        members, notes = tasks.fit(plan, rows, previous, monitor)
        if stopping.calibrates:
            self._calibrate(*self._honest_outputs(plan, members, train, validation, monitor))
        if stopping.refits and not any(m.interrupted for m in members):
            train = table
            self._learn_scales(train)
            with warnings.catch_warnings():  # issued once, for the first fit
                warnings.simplefilter("ignore", SkregnetWarning)
                plan, rows = self._prepare(train, previous, n_rows=len(table), **kept)
            members, notes_again = tasks.refit(plan, rows, members)
            notes += [note for note in notes_again if note not in notes]
        if not previous:
            self._row_choices = assemble.row_choices(self, len(table), stopping)
        self._publish(members, notes, keep_state=assemble.continues(self))
        if scoring is not False:
            self._score_out_of_bag(scoring, plan, train, n_given=num_samples(X))
        tasks.end(plan, members)
        return self

    @all_or_nothing
    def _partial_fit(
        self, X, y, sample_weight, total_weight, X_val, y_val, sample_weight_val, classes=None
    ):
        """Train one epoch on these rows."""
        check_params(self, self._constraints)
        vars(self).pop("temperature_", None)
        if total_weight is not None:
            is_number = isinstance(total_weight, Real) and np.isfinite(total_weight)
            expected = "a positive float or None"
            require(is_number and total_weight > 0, "partial_fit", "total_weight", expected,
                    total_weight)  # fmt: skip
        previous = vars(self).get("members_", [])
        if previous:
            self._check_frozen_choices()
        table = self._check_training_rows(
            X, y, sample_weight, first=not previous, streaming=True, classes=classes
        )
        validation = self._check_validation_rows(X_val, y_val, sample_weight_val)
        stopping = assemble.assemble_stopping(
            self, len(table), validation is not None, streaming=True
        )
        if not previous:
            self._learn_scales(table)
        plan, rows = self._prepare(
            table, previous, stopping=stopping, streaming=True, total_weight=total_weight
        )
        monitor = self._monitor(plan, stopping, validation) if stopping.enabled else None
        tasks = FitTasks(self, X, y, sample_weight)
        self._row_choices = None
        self._publish(*tasks.stream(plan, rows, previous, monitor))
        return self

    def _check_training_rows(
        self, X, y, sample_weight, first, streaming=False, classes=None, training=True
    ):
        """Return the table of the rows with positive weight s_i."""
        if first:
            self._codes = learn_codes(X, assemble.categorical_features(self), self)
            assemble.check_categories(self, self._codes is not None)
        X, y = check_rows(self, self._codes, X, y, first=first)
        table = _table(X, y, sample_weight)
        if first:
            seed = check_random_state(assemble.random_state(self)).randint(np.iinfo(np.int32).max)
            self._seed = int(seed)
        y = self._learn_target(table.y, classes) if first else self._check_target(table.y)
        table = replace(table, y=y)
        if training:
            self._learn_row_weights(table, streaming)
        return table.weighted(self._row_weights(table))

    def _check_validation_rows(self, X_val, y_val, sample_weight_val):
        """Return the table of given validation rows, or None."""
        if X_val is None and y_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val is provided, but X_val was not provided.")
            return None
        if X_val is None or y_val is None:
            missing, given = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} is provided, but {missing} was not provided.")
        X_val, y_val = check_rows(self, self._codes, X_val, y_val)
        table = _table(X_val, self._check_target(y_val), sample_weight_val)
        return table.weighted(self._row_weights(table))

    def _check_same_rows(self, stopping, scoring, given, n_rows):
        """Raise ValueError if rows that trained the model would now validate it."""
        chooses_rows = stopping.enabled and given is None
        uses_bags = scoring is not False or (stopping.calibrates and not stopping.enabled)
        rows = assemble.row_choices(self, n_rows, stopping)
        if (chooses_rows or uses_bags) and rows != self._row_choices:
            raise ValueError(
                "Training cannot go on with other rows held out or drawn than in the first fit: "
                "rows that trained the model would validate it. Keep the number of rows, "
                "early_stopping, validation, n_estimators, bootstrap and max_samples, pass X_val, "
                "or use warm_start=False."
            )

    def _split(self, table, stopping, given, groups):
        """Return the training rows and the validation rows that early stopping watches."""
        splits = stopping.enabled and hasattr(stopping.validation, "split")
        if groups is not None and not splits:
            warn(
                "groups has no effect: validation is not a splitter in use.",
                IgnoredParameterWarning,
            )
        if given is not None or not stopping.enabled:
            return table, given
        if stopping.out_of_bag:
            return table, table
        if splits:
            parts = self._split_by(stopping.validation, table, groups)
        else:
            seed = int(stream(self._seed, "split").integers(2**31))
            parts = hold_out(len(table), stopping.validation, seed, self._strata(table.y))
        if parts is None:
            assemble.check_held_out(self, len(table))
            warn(
                f"The {len(table)} training rows cannot spare a validation set "
                f"(validation={stopping.validation}); early stopping watches the training rows.",
                ValidationSetWarning,
            )
            return table, table
        return tuple(table.take(part) for part in parts)

    def _split_by(self, splitter, table, groups):
        """Return the last split of a splitter; a warm-started fit keeps that of the first."""
        kept = self._kept_split
        if kept is not None and kept[0] == len(table):
            return kept[1]
        if groups is not None:
            groups = np.asarray(groups)[table.index]
        parts = last_split(splitter, table.X, self._decode(table.y), groups)
        # A splitter may draw at random, and rows that trained the model must not validate it.
        self._kept_split = (len(table), parts) if assemble.continues(self) else None
        return parts

    def _learn_scales(self, table):
        scaling = assemble.assemble_scaling(self)
        X, most = table.X, assemble.max_categories(self)
        self._encoder = learn_encoder(X, table.weight, self._codes, most)
        if self._encoder:
            X = self._encoder.transform(X)
        self.input_scale_ = scaling(X, table.weight) if scaling else None
        self._edges = self._learn_edges(X, table.weight)

    def _learn_edges(self, X, weight):
        """Return the quantiles of encoded columns that embeddings need, on scaled X, or None."""
        shares = assemble.embedding_shares(self)
        if shares is None:
            return None
        X = X.toarray() if issparse(X) else X
        # Both the scaling and its clip keep the order of values, so quantiles may be scaled.
        edges = weighted_quantile(X, shares, weight)
        return (self.input_scale_ or Scale()).transform(edges, np.float64)

    @property
    def _scale(self):
        scale = self.input_scale_ or Scale()
        return EncodedScale(self._encoder, scale) if self._encoder else scale

    def _prepare(self, table, previous, *, n_rows=None, dtype=None, streaming=False, **choices):
        """Return the plan of a fit and the rows as the network sees them."""
        n_given = n_rows or len(table)
        if dtype is None:
            dtype = assemble.assemble_dtype(self, n_given, streaming)
        if previous:
            dtype = previous[0].theta.dtype
        else:
            self._choices = assemble.frozen_choices(self)
        Y = self._encode(table.y).astype(dtype, copy=False)
        rows = Rows(table.scaled(self._scale, dtype), Y, table.weight)
        numeric = self._encoder.numeric if self._encoder else None
        network = assemble.assemble_network(self, rows.X.shape[1], Y.shape[1], numeric, self._edges)
        self._fitted_loss = self._loss()
        plan = assemble.assemble_plan(
            self, network, self._fitted_loss, len(table), scale=self._scale, dtype=dtype,
            seed=self._seed, n_classes=self._n_smoothed_classes(), streaming=streaming,
            n_given=n_given, **choices,
        )  # fmt: skip
        _check_continues(previous, plan)
        return plan, rows

    def _check_frozen_choices(self):
        """Raise ValueError if a choice that the fitted numbers rest on has changed."""
        for name, value in assemble.frozen_choices(self).items():
            if value != self._choices[name]:
                raise ValueError(
                    f"The {name!r} parameter cannot change while training goes on: it was "
                    f"{self._choices[name]} and is {value}. Use warm_start=False."
                )

    def _monitor(self, plan, stopping, table):
        """Return what early stopping watches."""
        monitor = Monitor(
            plan.network, plan.loss, table.scaled(self._scale, plan.dtype),
            self._encode(table.y).astype(plan.dtype), table.weight,
            out_of_bag=stopping.out_of_bag, raw_range=self._raw_range,
        )  # fmt: skip
        if stopping.monitor == "loss":
            return monitor
        view = FittedView(self, plan.network)
        return replace(
            monitor, scorer=find_scorer(stopping.monitor, "monitor", view.estimator), view=view,
            X_given=table.X, y_given=self._decode(table.y), scorer_weight=table.sample_weight,
        )  # fmt: skip

    def _publish(self, members, notes, keep_state=True):
        if not keep_state:
            members = [replace(member, state=None) for member in members]
        self.members_ = members
        self.n_outputs_ = members[0].coefs[-1].shape[1]
        self.n_layers_ = len(members[0].coefs) + 1
        self.out_activation_ = self._fitted_loss.output_activation
        for category, message in notes:
            warn(message, category)

    def _honest_outputs(self, plan, members, train, validation, monitor):
        """Return raw outputs for rows by members that did not train on them, and these rows."""
        if monitor and not monitor.out_of_bag:
            # The monitor holds them scaled: no further copy of X.
            return raw_outputs(members, Scale(), monitor.X), validation
        raw, known = self._out_of_bag_outputs("calibration", plan, members, train)
        return raw, train.take(known)

    def _out_of_bag_outputs(self, name, plan, members, table):
        """Return raw outputs, NaN of members that drew the row, and the rows that any left out."""
        left_out = out_of_bag(plan, members, len(table))
        known = np.flatnonzero(left_out.any(axis=0))
        if not len(known):
            raise ValueError(
                f"The {name!r} parameter cannot be used here: every training row was drawn by "
                f"every member (n_samples={len(table)}). Increase n_estimators."
            )
        raw = raw_outputs(members, self._scale, table.X)
        raw[~left_out] = np.nan
        return raw[:, known], known

    def _score_out_of_bag(self, scoring, plan, table, n_given):
        """Predict each training row by the members that did not draw it, and score that."""
        raw, known = self._out_of_bag_outputs("oob_score", plan, self.members_, table)
        if len(known) < len(table):
            warn(
                f"{len(table) - len(known)} of {len(table)} training rows were drawn by every "
                "member and have no out-of-bag prediction. Increase n_estimators.",
                OutOfBagWarning,
            )
        pooled = self._pool(raw)[np.newaxis]
        view = FittedView(self, plan.network).estimator
        view.members_ = self.members_[:1]
        view._raw_outputs = lambda X, n_samples=None: pooled
        scorer = find_scorer(None if scoring is True else scoring, "oob_score", view)
        seen = table.take(known)
        self.oob_score_ = score(
            scorer, "oob_score", view, seen.X, self._decode(seen.y), seen.sample_weight
        )
        self._publish_out_of_bag(view, seen, n_given)

    # Prediction and inspection -----------------------------------------------------------------

    def restore_best(self):
        """Predict with the weights of the best call of `partial_fit` from now on.

        Returns
        -------
        self : estimator
            The estimator. A further `partial_fit` goes on from the running weights.

        Raises
        ------
        ValueError
            If no call of `partial_fit` was given `X_val` and `y_val`.
        """
        check_is_fitted(self)
        if any(member.best is None or member.best.theta is None for member in self.members_):
            raise ValueError("No best weights are kept: pass X_val and y_val to partial_fit.")
        self.members_ = [replace(m, theta=m.best.theta.copy()) for m in self.members_]
        return self

    @staticmethod
    def _spread(predictions):
        """Return the standard deviation over the first axis: members and masks."""
        if len(predictions) == 1:
            raise ValueError(
                "return_std=True needs several predictions of a row: set n_estimators > 1, or pass "
                "n_samples to a model with dropout or noise."
            )
        return np.std(predictions, axis=0)

    def _raw_outputs(self, X, n_samples=None):
        """Return the raw outputs of all members (and masks), of shape (k, n, m)."""
        if "members_" not in vars(self):
            check_is_fitted(self)  # raises; to find that nothing is wrong takes it longer
        X = check_rows(self, self._codes, X)
        if n_samples is not None:
            assemble.check_samples(n_samples, self.members_[0].network)
        return raw_outputs(self.members_, self._scale, X, n_samples, self._seed)

    def _gradient_problem(self, X, y, sample_weight):
        """Return what `check_gradients` needs: a plan, rows, and a member or None."""
        members = vars(self).get("members_", [])
        probe = copy.copy(self)
        check_params(probe, probe._constraints)
        table = probe._check_training_rows(
            X, y, sample_weight, first=not members, training=not members
        )
        if not members:
            probe._learn_scales(table)
        stopping = assemble.assemble_stopping(probe, len(table), X_val_given=False)
        plan, rows = probe._prepare(table, [], dtype=np.dtype(np.float64), stopping=stopping)
        _check_continues(members[:1], plan)
        return plan, rows, members[0] if members else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _table(X, y, sample_weight):
    if sample_weight is None:
        return Table(X, y, None, None)
    weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return Table(X, y, weight, weight).weighted(weight)


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
