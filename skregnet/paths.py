"""Scores and weights along a path: one hyperparameter through its values, the others fixed."""

import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, indexable
from sklearn.utils.parallel import Parallel, delayed

from .base import BaseRegularizedMLP
from .core.component import require
from .exceptions import SkregnetWarning
from .training.validation import find_scorer, score

N_ALPHAS, L1_SPAN = 20, 1e-3
SMOOTH_AND_CONVEX = ("log_loss", "squared_error", "huber", "poisson", "gamma")
ENTRIES = ("train_scores", "test_scores", "weight_norms", "sparsities", "n_nonzeros", "n_iters")


def regularization_path(
    estimator, X, y, *, param="alpha", values=None, cv=None, scoring=None, sample_weight=None,
    n_jobs=None,
):  # fmt: skip
    r"""Fit and score an estimator along the values of one hyperparameter.

    Parameters
    ----------
    estimator : RegularizedMLPClassifier, RegularizedMLPRegressor or Pipeline
        Cloned, not changed. A pipeline must end in one of the two.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    param : str, default="alpha"
        Any hyperparameter that takes numbers, as `set_params` knows it: "alpha", "keep_prob",
        "solver__beta_2" (with an instance as `solver`), "regularizedmlpclassifier__alpha".
    values : array-like of shape (k,), default=None
        Its values, each used in the type that it is given in. None is for `alpha` alone and runs
        down a logarithmic grid: from 1e4 to 1e-4, or with L1 in a linear model from the least alpha
        that makes all weights zero (on all rows) to a thousandth of it.
    cv : int, splitter or iterable, default=None
        The folds, as in scikit-learn: None means 5, stratified by class.
    scoring : str or callable, default=None
        The name of a scikit-learn scorer or a callable ``scorer(estimator, X, y)``. None is the
        estimator's own score.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, in fits and scores.
    n_jobs : int, default=None
        Fits at the same time, by joblib.

    Returns
    -------
    path : :class:`~sklearn.utils.Bunch`
        With

        param : str
            The hyperparameter.
        param_values : ndarray of shape (k,)
            Its values, in the order given.
        train_scores, test_scores : ndarray of shape (k, n_folds)
            Scores on the rows that were fitted and on those that were left out.
        weight_norms : ndarray of shape (k, n_folds)
            Euclidean norm of all weight matrices, over all members; no offsets.
        sparsities, n_nonzeros : ndarray of shape (k, n_folds)
            Share of the weights that are exactly zero, and number of those that are not.
        n_iters : ndarray of shape (k, n_folds)
            Epochs (lbfgs: iterations) of each fit, summed over members.
        scorer_name : str
            The name of the score.
        best_index, best_value : int, float or int
            The value with the highest mean test score, in the type given; among equals the first.

    Raises
    ------
    ValueError
        If `param` is unknown, or `values` are no 1-d array of numbers.
    TypeError
        If the estimator is not one of this package.

    Notes
    -----
    Where the minimum of J is unique (``hidden_layer_sizes=()``, "lbfgs" without early stopping, a
    smooth convex loss given by name, positive `alpha`) and `param` is `alpha` or `l1_ratio`, each
    fold goes from strong to weak regularization and every fit starts where the last one stopped:
    the results are the same up to `tol`, and the iterations fewer [1]_. Elsewhere the minimum that
    is found depends on the start, so all fits start anew.

    References
    ----------
    .. [1] J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear
       models via coordinate descent", Journal of Statistical Software 33, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skregnet import RegularizedMLPRegressor, regularization_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> lasso = RegularizedMLPRegressor((), solver="lbfgs", l1_ratio=1.0)
    >>> path = regularization_path(lasso, X, y)
    >>> path.n_nonzeros.max(axis=1)[[0, -1]]
    array([ 0, 10])
    """
    network = _network(estimator)
    scorer = _find_scorer(scoring, estimator)
    if param not in estimator.get_params():
        raise ValueError(
            f"Invalid parameter {param!r} for estimator {estimator}. Valid parameters are: "
            f"{sorted(estimator.get_params())!r}."
        )
    X, y, sample_weight = indexable(X, y, sample_weight)
    if values is None:
        values = _default_alphas(estimator, network, param, X, y, sample_weight)
    given, values = values, np.asarray(values)
    ok = values.ndim == 1 and values.size and np.issubdtype(values.dtype, np.number)
    expected = "a non-empty 1-d array-like of numbers"
    require(ok, "regularization_path", "values", expected, values)
    # An array of 10 and 0.5 holds 10.0, which is another number of rows than 10.
    exact = [value.item() if isinstance(value, np.generic) else value for value in given]
    folds = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    order = np.argsort(-values, kind="stable")  # from strong to weak regularization
    one_after_the_other = _has_unique_minimum(estimator, network, param, values)
    chunks = [order] if one_after_the_other else order[:, np.newaxis]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_fit_fold)(
            estimator, X, y, sample_weight, fold, scorer, param, [exact[i] for i in chunk]
        )
        for chunk in chunks
        for fold in folds
    )
    # From tasks (chunk, fold, value of the chunk, entry) to (entry, value, fold).
    table = np.reshape(found, (len(chunks), len(folds), -1, len(ENTRIES)))
    table = table.transpose(3, 0, 2, 1).reshape(len(ENTRIES), len(values), len(folds))
    table = dict(zip(ENTRIES, table[:, np.argsort(order)], strict=True))
    table["n_nonzeros"], table["n_iters"] = (
        table[name].astype(int) for name in ("n_nonzeros", "n_iters")
    )
    mean = np.mean(table["test_scores"], axis=1)
    best = int(np.argmax(np.where(np.isnan(mean), -np.inf, mean)))
    return Bunch(
        param=param, param_values=values, **table, scorer_name=_scorer_name(scoring, estimator),
        best_index=best, best_value=exact[best],
    )  # fmt: skip


def _network(estimator):
    """Return the estimator itself, or the last step of a pipeline."""
    network = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(network, BaseRegularizedMLP):
        raise TypeError(
            "estimator must be a RegularizedMLPClassifier, a RegularizedMLPRegressor or a Pipeline "
            f"that ends in one. Got {estimator!r} instead."
        )
    return network


def _prefix(estimator):
    """Return what the names of the network's hyperparameters begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def _find_scorer(scoring, estimator):
    ok = scoring is None or isinstance(scoring, str) or callable(scoring)
    require(ok, "regularization_path", "scoring", "a str, a callable or None", scoring)
    return find_scorer(scoring, "scoring", estimator)


def _scorer_name(scoring, estimator):
    if scoring is None:
        return "accuracy" if is_classifier(estimator) else "r2"
    return scoring if isinstance(scoring, str) else getattr(scoring, "__name__", repr(scoring))


def _is_linear(params):
    return np.size(params["hidden_layer_sizes"]) == 0


def _has_unique_minimum(estimator, network, param, values):
    """Whether every start leads to the same weights, so that fits may go on from each other."""
    params = network.get_params()
    name = param.removeprefix(_prefix(estimator))
    alphas = values if name == "alpha" else params["alpha"]
    solver, stopping = params["solver"], params["early_stopping"]
    return (
        name in ("alpha", "l1_ratio")
        and _is_linear(params)
        and (solver == "lbfgs" or type(solver).__name__ == "LBFGS")
        and isinstance(params["loss"], str)
        and params["loss"] in SMOOTH_AND_CONVEX
        and stopping in (False, "auto")
        and bool(np.all(np.asarray(alphas) > 0))
        and params.get("calibration") in (None, "auto")  # it may hold rows out
        and params["feature_scale"] in (False, "auto")
        and params["numeric_embedding"] in (None, "auto")
    )


def _fit_fold(estimator, X, y, sample_weight, fold, scorer, param, values):
    """Return an array (value, entry) of fits to one fold, each from where the last stopped."""
    (train, test), prefix = fold, _prefix(estimator)
    parts = [[_take(data, rows) for data in (X, y, sample_weight)] for rows in (train, test)]
    X_train, y_train, weight = parts[0]
    given = {} if weight is None else {f"{prefix}sample_weight": weight}
    model = clone(estimator)
    if len(values) > 1:
        model.set_params(**{f"{prefix}warm_start": True})
    found, n_iter_before = [], 0
    for value in values:
        model.set_params(**{param: value}).fit(X_train, y_train, **given)
        network = _network(model)
        n_iter = sum(member.n_iter for member in network.members_)
        scores = [score(scorer, "scoring", model, *part) for part in parts]
        norm = np.linalg.norm(np.concatenate([member.weights for member in network.members_]))
        entries = norm, network.sparsity_, network.n_nonzero_, n_iter - n_iter_before
        found.append([*scores, *entries])
        n_iter_before = n_iter
    return np.array(found, dtype=np.float64)


def _take(data, rows):
    if data is None or hasattr(data, "iloc"):
        return None if data is None else data.iloc[rows]
    return (data if hasattr(data, "shape") else np.asarray(data))[rows]


# The grid of alpha -----------------------------------------------------------------------------


def _default_alphas(estimator, network, param, X, y, sample_weight):
    is_alpha = param == f"{_prefix(estimator)}alpha"
    expected = f"given for param={param!r}, as only 'alpha' has a grid of its own"
    require(is_alpha, "regularization_path", "values", expected, None)
    params = network.get_params()
    if params["l1_ratio"] > 0 and _is_linear(params):
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            X = clone(estimator[:-1]).fit_transform(X, y)
        most = _least_alpha_without_weights(network, X, y, sample_weight)
        if most > np.finfo(np.float64).eps:
            return np.geomspace(most, L1_SPAN * most, N_ALPHAS)
    return np.logspace(4, -4, 9)


def _least_alpha_without_weights(network, X, y, sample_weight):
    """Return max |G| / l1_ratio with the gradient G of the loss at W = 0 and the best offsets.

    W = 0 is a minimum of J if alpha * l1_ratio is at least as large as any entry of G.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkregnetWarning)  # the fits warn, too
        problem = clone(network).set_params(alpha=1.0)
        plan, rows, _ = problem._gradient_problem(X, y, sample_weight)
    weight = 1.0 if rows.weight is None else rows.weight[:, np.newaxis]
    d_raw = np.empty(rows.Y.shape)

    def evaluate(b):
        raw = np.broadcast_to(b, rows.Y.shape).copy()
        value = plan.loss(rows.Y, raw, weight, d_raw)
        return value, d_raw.sum(axis=0)

    evaluate(minimize(evaluate, np.zeros(rows.Y.shape[1]), jac=True, method="L-BFGS-B").x)
    return np.max(np.abs(rows.X.T @ d_raw)) / network.get_params()["l1_ratio"]
