"""The regressor: what is particular to real targets."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from . import assemble
from .base import BaseRegularizedMLP
from .params import REGRESSOR_CONSTRAINTS, RegressorParams
from .tables import Scale


@dataclass(eq=False, repr=False)
class RegularizedMLPRegressor(RegressorMixin, RegressorParams, BaseRegularizedMLP):
    r"""Regularized neural network for regression.

    A multilayer perceptron in which initialization, L1 and L2, dropout, normalization, noise,
    augmentation, early stopping and bagging are hyperparameters. Switched off, each is absent to
    the bit.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128, 128)
        Units of each hidden layer; ``()`` is a linear model.
    activation : str or sequence of str, default="mish"
        Of the hidden layers, one for all or one for each: "identity", "logistic", "tanh",
        "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus".
    loss : str or instance, default="squared_error"
        The data term, summed over outputs: "squared_error", ``1/2 (y - f)^2``;
        "absolute_error", ``|y - f|``; "huber" or ``Huber(delta=)``; "quantile" or
        ``Quantile(q=)``, ``q (y - f)`` above the prediction and ``(1 - q) (f - y)`` below;
        "poisson", ``exp(f) - y f``, for counts and rates, and "gamma", ``f + y exp(-f)``, for
        positive amounts, both with prediction ``exp(f)`` and an output bias that starts at the
        logarithm of the mean target. It acts on the target as
        `target_scaling` leaves it, so `delta` is in standard deviations of y by default.
    init : str, Initializer, callable or list, default="auto"
        Where the weights start; biases start at 0 but for "ntk". "zeros", "normal", "uniform",
        "lecun", "xavier", "he", "orthogonal", "data" (unit variance on a sample of training rows),
        "ntk" (LeCun's variance, random biases, an output layer of zeros, and a rate for each layer
        in units of its fan-in), an instance such as ``Normal(scale=0.1)``, a callable
        ``(rng, fan_in, fan_out) -> array``, or a list with one of these or an array for each weight
        matrix. "auto" is "ntk" for a network with hidden layers, with Adam and without L1, and then
        all rates are those of "ntk" times 16, so that `learning_rate_init` is an ordinary rate
        where 256 units come in; else it is He for the relu family, LeCun for selu, Xavier otherwise
        and for the output.
    alpha : float or sequence of float, default=0.5
        Strength of the penalty on the weights, one for all or one for each weight matrix; see
        Notes.
    l1_ratio : float in [0, 1], default=0.0
        Share of L1 in the penalty: 0 is L2, 1 is L1. L1 makes exact zeros.
    weight_decay : float, default=0.0
        Decoupled decay: each step first multiplies W by ``1 - learning rate * weight_decay``;
        where ``init="auto"`` is "ntk" that rate is 16 times `learning_rate_init`.
    max_norm : float or None, default=None
        Largest Euclidean norm of the incoming weights of a unit, restored after each step.
    numeric_embedding : {"auto", "pbld", "ple"}, instance or None, default="auto"
        Make several columns of each numeric one: "pbld" or
        ``PBLD(n_frequencies=, n_outputs=, sigma=)``, a learnt linear map of cosines of learnt
        frequencies, and the column itself; "ple" or ``PLE(n_bins=)``, piecewise-linear steps
        between quantiles of the training rows. "auto" is "pbld" where ``init="auto"`` is "ntk" and
        X has at most 100 numeric columns.
    feature_scale : bool or "auto", default="auto"
        Multiply each column that enters the first matrix by a learnt factor, which starts at 1,
        moves at 6 times the rate of "ntk" and is not penalised. "auto" does so where
        ``init="auto"`` is "ntk".
    parametric_activation : bool, default=False
        Let each hidden unit learn how far it is curved, ``x + a (phi(x) - x)`` with its own a,
        which starts at 1 and moves at a tenth of the learning rate.
    keep_prob : float in (0, 1] or sequence of float, default=1.0
        Dropout: the probability with which a hidden unit is kept while training, one for all
        hidden layers or one for each. 1 switches dropout off.
    input_keep_prob : float in (0, 1], default=1.0
        The same for the columns of X.
    batchnorm : bool or {"before", "after"}, default=False
        Batch normalization before (True) or after the activation of each hidden layer.
    group_norm : int or None, default=None
        Normalize each row over so many groups of neighbouring units before the activation of
        each hidden layer; 1 is layer normalization. It must divide the width of every hidden
        layer and be smaller.
    hidden_noise : float, default=0.0
        Standard deviation of Gaussian noise added to hidden activations while training.
    weight_noise : float, default=0.0
        Standard deviation of Gaussian noise added to W for the gradient of a step and then
        removed.
    regularization_schedule : {"constant", "flat_cos"}, default="constant"
        Factor, over the epochs, of the probability to drop a unit and of `weight_decay`:
        "flat_cos" is 1 up to the middle and falls along half a cosine to 0 at `max_iter`.
    augmentation : str, instance, callable or list, default=None
        Change each mini-batch afresh while training; a list is applied in order. For tables, on
        scaled columns: "gaussian_noise", "swap_noise", "feature_dropout", "mixup", "cutmix". For
        rows that are images, in the units of X: "shift", "rotate", "flip", "zoom". One of those
        for tables at random strength each batch: "random_choice", or ``RandomChoice([...])`` to
        say of which. An instance sets details, such as ``Mixup(alpha=0.4)`` or
        ``Shift(pixels=2, image_shape=(28, 28))``; a callable is called as
        ``(X, Y, rng) -> X, Y``. That the meaning of a row stays is yours to know.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns of X are categories, to be encoded as columns of 0 and 1 (two categories: one
        column of -1 and 1), with zeros for what is missing or was not seen in training.
        "from_dtype": of a DataFrame those of type category, enum, string or bool, and objects that
        are not all numbers; None: no column; or names, indices or a mask of columns, also of an
        array.
    max_categories : int or None, default=100
        Most columns that one column of categories is encoded as. Where it has more categories,
        those with the least weight share one. None sets no limit.
    scaling : {"standard", "robust"} or None, default="robust"
        Scale the columns of X by the training rows alone: to mean 0 and variance 1, or by median
        and quartiles with a smooth clip, ``z / sqrt(1 + (z / 3)^2)``. Constant columns become 0;
        sparse X is not centred. Encoded columns are scaled, too.
    target_scaling : {"auto", "standard"} or None, default="auto"
        Scale y to mean 0 and variance 1 for training and back for prediction, by the training
        rows alone. "auto" does so unless `loss` is "poisson" or "gamma". The L1 part of `alpha` and
        `delta` of Huber's loss then act in standardised units.
    clip_output : bool, default=False
        Clip predictions to the range of the training targets, for validation, too.
    solver : {"adam", "sgd", "lbfgs"} or instance, default="adam"
        The optimizer; ``Adam(beta_1=, beta_2=, epsilon=)``, ``SGD(momentum=, nesterov=)`` or
        ``LBFGS(memory=, max_line_search=)`` to set its details. "lbfgs" uses all rows at once.
    learning_rate : str or Schedule, default="auto"
        "constant", "invscaling" (1 / sqrt(epoch)), "adaptive" (a fifth when the training
        objective stalls), "cosine" (down to 0 at `max_iter`), "coslog4" (four cycles, each about
        twice as long as the one before), "onecycle" (up to 1 and down), or an instance to set
        details. "auto" is "coslog4", but where training may go on, for `partial_fit` and with
        `warm_start`, it is "constant", at a tenth of the rate where ``init="auto"`` is "ntk"; with
        snapshots it is "cosine".
    learning_rate_init : float, default=4.5e-3
        The rate that the schedule multiplies: the largest one. For its units see `init`.
    warmup : float, default=0
        Epochs in which the rate also rises linearly from 0, whatever the schedule.
    clip_norm : float or None, default=None
        Largest Euclidean norm of the gradient of a step; a longer one is scaled back to it.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch. "auto" is min(128, n_samples), but from 500 rows on the power of two
        next to n_samples / 32, from 32 to 128, so that small tables have enough steps. It does not
        change the regularization.
    shuffle : bool, default=True
        Draw a new order of the rows each epoch.
    max_iter : int or None, default=None
        Epochs (lbfgs: iterations) to train at most. None is 64 epochs, 40 from 500 rows on
        (lbfgs: 200 iterations, 1000 for a linear model).
    max_time : float or None, default=None
        Budget of `fit` in seconds, shared out among members and, with `refit`, among the two
        fits. Looked at after each epoch, and at least one is trained.
    early_stopping : bool or "auto", default="auto"
        Watch a validation set, keep the weights of its best epoch, and stop when it no longer
        improves. "auto" does so from 500 training rows on (not for a linear model with lbfgs, which
        is solved to its end), or when `X_val` is given. False trains exactly `max_iter` epochs: the
        training loss stops nothing.
    validation : float in (0, 1), splitter or "oob", default=0.2
        What early stopping watches if no `X_val` is given: a share of the training rows to hold
        out; a scikit-learn splitter, whose last split is used (`GroupKFold` with `groups`,
        `TimeSeriesSplit`); or "oob", for each member of a committee the rows that it did not
        draw.
    monitor : str or callable, default="loss"
        What is watched: "loss" (the data term on the validation rows), the name of a
        scikit-learn scorer, or a callable ``scorer(estimator, X, y)``.
    n_iter_no_change : int or None, default=None
        Patience: epochs to wait for the best score to be beaten by more than `tol`. None runs
        to the end and keeps the best epoch; among equals the last.
    tol : float, default=1e-4
        The least improvement that renews the patience of `n_iter_no_change`; for lbfgs the largest
        entry of the gradient of J at which to stop.
    refit : bool or "auto", default="auto"
        After early stopping, train again on all rows, validation rows included, for the best
        number of epochs. "auto" does so where rows were held out for it, but not with `warm_start`
        or lbfgs.
    averaging : {"auto", "ema", "swa", "snapshot"}, instance or None, default="auto"
        Average along one run: of the weights over steps (``EMA(decay=)``) or late epochs
        (``SWA(begin=)``), or of the predictions of networks kept at the ends of cycles
        (``Snapshot(n_snapshots=)``), which become `members_`. Averaged weights have no exact
        zeros. "auto" is ``EMA(decay=0.99)`` where ``init="auto"`` is "ntk", but None with
        `batchnorm` and in `partial_fit`.
    n_estimators : int, default=1
        Networks in the committee, fitted on different draws of the rows from different initial
        weights; their predictions are averaged. 1 is a single network on all rows.
    bootstrap : bool or "auto", default="auto"
        Draw each member's rows with replacement, else without. "auto" draws with replacement only
        where `max_samples` is 1.0 and something asks for rows that are left out (`oob_score`,
        ``validation="oob"``):
        networks differ enough by where they start, and do better on all rows. In `partial_fit`,
        "auto" weights rows as a bootstrap does.
    max_samples : float in (0, 1] or int, default=1.0
        Rows to draw for each member, as a share or a number.
    oob_score : bool, str or callable, default=False
        Score a committee on out-of-bag rows, with the estimator's own score (True), the name of
        a scikit-learn scorer, or a callable ``scorer(estimator, X, y)``.
    n_jobs : int or None, default=None
        Members fitted at the same time, by joblib. The result does not depend on it.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Of training and prediction. "auto" is float64 for lbfgs and below 500 rows, else
        float32.
    warm_start : bool, default=False
        Let `fit` go on from where the last call stopped, by up to `max_iter` further epochs;
        the scaling and the state of the optimizer are kept.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights, masks, draws and shuffling; an int makes `fit` repeatable.
    verbose : int, default=0
        Whether to print one line an epoch.

    Attributes
    ----------
    members_ : list of Member
        The networks, with ``coefs``, ``intercepts``, ``history`` and so on.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weight matrices, first layer first, on encoded and scaled X. This and what follows up to
        `best_validation_score_` exists for ``n_estimators=1`` only.
    intercepts_ : list of ndarray of shape (fan_out,)
        Biases; 0 where batch normalization shifts instead.
    history_ : dict of str to list of float
        One entry an epoch: "loss" (data term as trained), "penalty", "learning_rate" (NaN for
        lbfgs), "seconds", and with early stopping "validation_loss" and "validation_score".
    loss_curve_ : list of float
        Loss plus penalty by epoch.
    validation_loss_curve_ : list of float or None
        Data term on the validation rows by epoch.
    validation_scores_ : list of float or None
        What early stopping compared by epoch, greater being better; minus the loss for "loss".
    n_iter_ : int
        Epochs (lbfgs: iterations) trained.
    best_iteration_ : int or None
        The best epoch, counted from 1, whose weights early stopping kept (with `refit`: the
        number of epochs trained again).
    best_validation_score_ : float or None
        Its validation score.
    n_nonzero_ : int
        Weights that are not exactly zero, over all members; biases do not count.
    sparsity_ : float
        Share of the weights that are exactly zero.
    feature_importances_ : ndarray of shape (`n_features_in_`,)
        Euclidean norm of each input's weights in the first layer, the mean over all members; on
        scaled X, so that inputs can be compared. Of a column that is encoded as several, the sum.
    encoded_feature_names_ : ndarray of shape (n_encoded_features,)
        Names of the columns that the network sees: those of X, with an ending where a column is
        encoded, as in "colour_red" and "age_missing".
    input_scale_ : Scale or None
        The scaling of the encoded columns: ``center``, ``factor``, ``clip``.
    target_scale_ : Scale
        The scaling of y: ``center``, ``factor``.
    oob_score_ : float
        Score on out-of-bag rows; only with `oob_score`.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Predictions of the rows given to `fit` by the members that did not draw them; NaN for
        rows that are held out, have weight 0, or were drawn by all.
    n_layers_ : int
        Layers of units, input and output included.
    n_outputs_ : int
        Outputs of the network.
    out_activation_ : str
        What turns raw outputs into predictions.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X had string names.

    See Also
    --------
    RegularizedMLPClassifier : The same for labels.
    check_gradients : Compare the gradient of J with differences.

    Notes
    -----
    The objective is

    .. math::
        J = \frac{1}{S} \sum_i s_i \, \mathrm{loss}_i + \frac{1}{S} \sum_l \alpha_l \left[
            \rho \|W_l\|_1 + \frac{1 - \rho}{2} \|W_l\|_F^2 \right]

    with weights :math:`s_i` of the rows, S their sum over the training rows, and :math:`\rho` the
    `l1_ratio`. A mini-batch estimates the first term without bias and takes the second whole, so
    `batch_size` does not change the regularization. Without hidden layers and scaling, lbfgs gives
    ``Ridge(alpha)``, and ElasticNet, Lasso and PoissonRegressor with their alpha = ours / S.
    With mini-batches the zeros of L1 are those of a noisy iterate.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout", JMLR 15, 2014.
    .. [2] S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
    .. [3] H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", 2005.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from skregnet import RegularizedMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = RegularizedMLPRegressor(alpha=10, random_state=0).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.3
    True
    """

    _constraints = REGRESSOR_CONSTRAINTS

    @available_if(assemble.streams_rows)
    def partial_fit(
        self, X, y, sample_weight=None, *, total_weight=None, X_val=None, y_val=None,
        sample_weight_val=None,
    ):  # fmt: skip
        """Train one epoch on a batch of a stream.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows of this call. The first call fixes the encoding of X and the scaling of X and y.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        total_weight : float, default=None
            The weight S of the whole stream, by which penalties are divided. None means the weight
            of this call.
        X_val : {array-like, sparse matrix, DataFrame} of shape (n_val, n_features), default=None
            Validation rows, the same in every call: each call adds to the validation curves, and
            the weights of the best call are kept beside the running ones (see `restore_best`).
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : RegularizedMLPRegressor
            The estimator.

        Raises
        ------
        ValueError
            If a hyperparameter or the data is of a wrong kind.
        """
        return self._partial_fit(
            X, y, sample_weight, total_weight, X_val, y_val, sample_weight_val
        )

    def predict(self, X, *, return_std=False, n_samples=None):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.
        return_std : bool, default=False
            Also return the standard deviation over the members and masks.
        n_samples : int, default=None
            Monte-Carlo dropout: predict with so many random masks (and draws of hidden and weight
            noise) for each member (Gal & Ghahramani, 2016). They depend on `random_state` alone,
            so calls repeat. None predicts without.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The mean of the members' predictions, in the units of the target.
        std : ndarray of the same shape
            Their standard deviation; only if `return_std`.

        Raises
        ------
        ValueError
            If `n_samples` is given but there is neither dropout nor noise, or `return_std` is
            asked of a single network without masks.
        """
        raw = self._raw_outputs(X, n_samples)
        predictions = self.target_scale_.inverse_transform(self._fitted_loss.inverse_link(raw))
        if assemble.clips_output(self):
            predictions = np.clip(predictions, *self._target_range)
        if self._one_output:
            predictions = predictions[..., 0]
        mean = predictions.mean(axis=0)
        return (mean, self._spread(predictions)) if return_std else mean

    def _pool(self, raw):
        loss = self._fitted_loss
        if self._raw_range is not None:
            raw = np.clip(raw, *self._raw_range)
        return loss.link(np.nanmean(loss.inverse_link(raw), axis=0))

    @property
    def _raw_range(self):
        if not assemble.clips_output(self):
            return None
        with np.errstate(divide="ignore"):  # the logarithm of 0
            return tuple(self._fitted_loss.link(self._encode(y)) for y in self._target_range)

    def _publish_out_of_bag(self, view, seen, n_given):
        prediction = view.predict(seen.X)
        self.oob_prediction_ = np.full((n_given, *prediction.shape[1:]), np.nan)
        self.oob_prediction_[seen.index] = prediction

    def _learn_target(self, y, classes=None):
        if issparse(y):
            raise ValueError(
                "Sparse data was passed for y, which regression does not support: pass y.toarray()."
            )
        self._one_output = y.ndim == 1 or y.shape[1] == 1
        self._n_targets = 1 if y.ndim == 1 else y.shape[1]
        return self._check_target(y)

    def _check_target(self, y):
        if self._one_output:
            y = column_or_1d(y, warn=True)[:, np.newaxis]
        elif y.ndim != 2 or y.shape[1] != self._n_targets:
            raise ValueError(f"y must have {self._n_targets} columns, as in the first fit.")
        self._loss().check_target(y)
        return y.astype(np.float64, copy=False)

    def _learn_scales(self, table):
        super()._learn_scales(table)
        scaling = assemble.assemble_target_scaling(self, self._loss())
        self.target_scale_ = scaling(table.y, table.weight) if scaling else Scale()
        self._target_range = table.y.min(axis=0), table.y.max(axis=0)

    def _encode(self, y):
        return self.target_scale_.transform(y, np.float64)

    def _decode(self, y):
        return y[:, 0] if self._one_output else y

    def _loss(self):
        return assemble.assemble_regression_loss(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = not assemble.accepts_negative_targets(self)
        return tags
