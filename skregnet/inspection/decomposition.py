"""Why averaging members helps: their variance and covariance of errors."""

from copy import copy

import numpy as np
from sklearn.base import is_classifier
from sklearn.preprocessing import label_binarize
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from ..layerwise import check_network


def ensemble_error_decomposition(estimator, X, y, sample_weight=None):
    r"""Decompose the squared error of a committee into its members' variance and covariance.

    With the error :math:`e_i` of member i, :math:`v = E[e_i^2]` and :math:`c = E[e_i e_j]` for
    different members, the mean of k members has the squared error [1]_

    .. math:: E\left[\left(\tfrac{1}{k} \sum_i e_i\right)^2\right]
        = \frac{v}{k} + \frac{(k - 1) \, c}{k}

    so members with independent errors divide it by k, and identical members gain nothing.

    Parameters
    ----------
    estimator : RegularizedMLPClassifier or RegularizedMLPRegressor
        A fitted committee of at least two members.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows that the members were not trained on; on training rows all errors are too small.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets or labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        With

        v : float
            Mean squared error of a member. For a classifier the error is that of the probabilities,
            summed over classes or labels: its square is the Brier score.
        c : float
            Mean product of the errors of two different members.
        n_members : int
            k.
        error : float
            Squared error of the mean of the members (of their probabilities, also with
            ``voting="hard"``), measured: equal to ``predict_error(k)``.
        predict_error : callable
            ``predict_error(k)`` returns v/k + (k - 1) c/k, the error of k such members.

    Raises
    ------
    ValueError
        If the committee has fewer than two members, or no probabilities (``loss="hinge"``).
    TypeError
        If the estimator is not one of this package.

    References
    ----------
    .. [1] I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", section 7.11, 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skregnet import RegularizedMLPRegressor, ensemble_error_decomposition
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RegularizedMLPRegressor(n_estimators=5, random_state=0).fit(X[:300], y[:300])
    >>> parts = ensemble_error_decomposition(model, X[300:], y[300:])
    >>> parts.c < parts.error < parts.v
    True
    """
    check_network(estimator)
    check_is_fitted(estimator)
    if is_classifier(estimator) and not hasattr(estimator, "predict_proba"):
        raise ValueError(
            "ensemble_error_decomposition needs a committee that predicts probabilities. Got a "
            "classifier without predict_proba instead: loss='hinge' makes none."
        )
    k = len(estimator.members_)
    if k < 2:
        raise ValueError(
            "ensemble_error_decomposition needs a committee of at least two members. Got "
            f"{k} instead: set n_estimators > 1."
        )
    target = _target(estimator, y)
    predictions = np.stack([_prediction(estimator, [m], X) for m in estimator.members_])
    if predictions.shape[1:] != target.shape:
        raise ValueError("y must have the shape and kind of the y that was fitted.")
    errors = predictions - target
    summed = errors.sum(axis=0)
    v = _mean(np.sum(errors**2, axis=0), sample_weight) / k
    # The sum over pairs i != j of e_i e_j is (sum e)^2 - sum e^2.
    c = _mean(summed**2 - np.sum(errors**2, axis=0), sample_weight) / (k * (k - 1))
    return Bunch(
        v=v,
        c=c,
        n_members=k,
        error=_mean((summed / k) ** 2, sample_weight),
        predict_error=lambda n: v / n + (n - 1) * c / n,
    )


def _prediction(estimator, members, X):
    view = copy(estimator)
    vars(view).pop("temperature_", None)  # that of all members together
    view.members_ = members
    values = view.predict_proba(X) if is_classifier(view) else view.predict(X)
    return values.reshape(len(values), -1)


def _target(estimator, y):
    y = np.asarray(y)
    if not is_classifier(estimator):
        return y.reshape(len(y), -1).astype(np.float64)
    if y.ndim == 2 and y.shape[1] > 1:
        return y.astype(np.float64)
    unknown = np.setdiff1d(y, estimator.classes_)
    if len(unknown):
        raise ValueError(f"y contains labels that the estimator was not fitted on: {unknown}")
    columns = label_binarize(y.ravel(), classes=estimator.classes_)
    return np.hstack([1 - columns, columns]) if columns.shape[1] == 1 else columns


def _mean(values, sample_weight):
    """Return the weighted mean over rows of the sum over columns."""
    return float(np.average(values.sum(axis=1), weights=sample_weight))
