"""Regularization paths: what one fit at each value gives, in order, and no less exact when warm."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import make_scorer, max_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skregnet import Adam, RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet import paths as module
from skregnet.paths import regularization_path

NET = {"hidden_layer_sizes": (5,), "max_iter": 8, "learning_rate_init": 0.01, "random_state": 0}
LINEAR = {
    "hidden_layer_sizes": (), "solver": "lbfgs", "scaling": "standard", "max_iter": 2000,
    "random_state": 0,
}  # fmt: skip
PER_FIT = ("train_scores", "test_scores", "weight_norms", "sparsities", "n_nonzeros", "n_iters")


@pytest.fixture
def reals():
    X, y = load_diabetes(return_X_y=True)
    return X[:120], y[:120]


@pytest.fixture
def labels():
    return make_classification(
        120, 8, n_informative=4, n_classes=3, flip_y=0.1, weights=[0.5, 0.3], random_state=0
    )


def cold(monkeypatch):
    monkeypatch.setattr(module, "_has_unique_minimum", lambda *args: False)


# What is returned --------------------------------------------------------------------------------


def test_entries_are_those_of_single_fits(labels):
    X, y = labels
    network = RegularizedMLPClassifier(**NET, alpha=0.1, l1_ratio=1.0)
    values = [30.0, 1.0, 60.0]
    path = regularization_path(network, X, y, values=values, cv=3)
    for i, value in enumerate(values):
        for j, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
            model = clone(network).set_params(alpha=value).fit(X[train], y[train])
            weights = np.concatenate([W.ravel() for W in model.coefs_])
            assert path.train_scores[i, j] == model.score(X[train], y[train])
            assert path.test_scores[i, j] == model.score(X[test], y[test])
            assert path.weight_norms[i, j] == pytest.approx(np.sqrt(np.sum(weights**2)))
            assert path.n_nonzeros[i, j] == np.count_nonzero(weights)
            assert path.sparsities[i, j] == pytest.approx(np.mean(weights == 0))
            assert path.n_iters[i, j] == model.n_iter_
    assert len(np.unique(path.n_nonzeros)) > 3
    assert_array_equal(path.param_values, values)
    assert path.param == "alpha"
    assert not hasattr(network, "members_")


def test_the_best_value_is_that_of_a_grid_search(reals):
    network = RegularizedMLPRegressor(**NET)
    values = [0.5, 0.7, 0.9, 1.0]
    path = regularization_path(network, *reals, param="keep_prob", values=values, cv=4)
    search = GridSearchCV(network, {"keep_prob": values}, cv=4).fit(*reals)
    assert_allclose(path.test_scores.mean(axis=1), search.cv_results_["mean_test_score"])
    assert path.best_value == search.best_params_["keep_prob"]
    assert path.best_index == search.best_index_


@pytest.mark.parametrize(
    "param, values",
    [
        ("l1_ratio", [0.0, 0.5, 1.0]),
        ("input_keep_prob", [0.5, 1.0]),
        ("weight_decay", [0.0, 1.0]),
        ("max_norm", [0.1, 1.0]),
        ("learning_rate_init", [1e-3, 1e-1]),
        ("batch_size", [10, 40]),
        ("hidden_layer_sizes", [2, 6]),
        ("n_estimators", [2, 3]),
        ("solver__beta_2", [0.5, 0.95]),
    ],
)
def test_any_number_is_a_path(reals, param, values):
    network = RegularizedMLPRegressor(**NET, alpha=10.0, solver=Adam())
    path = regularization_path(network, *reals, param=param, values=values, cv=2)
    expected = [
        cross_validate(clone(network).set_params(**{param: value}), *reals, cv=2)["test_score"]
        for value in values
    ]
    assert_allclose(path.test_scores, expected)
    assert len({tuple(scores) for scores in expected}) == len(values)
    assert network.solver == Adam()


def test_values_keep_their_own_types(reals):
    network = RegularizedMLPRegressor(**NET, n_estimators=2)
    values = [10, 0.5, np.int64(40)]
    path = regularization_path(network, *reals, param="max_samples", values=values, cv=2)
    for scores, value in zip(path.test_scores, values, strict=True):
        model = clone(network).set_params(max_samples=value)
        assert_allclose(scores, cross_validate(model, *reals, cv=2)["test_score"])
    assert_array_equal(path.param_values, [10.0, 0.5, 40.0])
    few = regularization_path(network, *reals, param="max_samples", values=[2, 0.01], cv=2)
    assert few.best_value == [2, 0.01][few.best_index]
    assert type(few.best_value) is type([2, 0.01][few.best_index])


def test_label_smoothing_is_a_path_of_a_classifier(labels):
    network = RegularizedMLPClassifier(**NET)
    values = [0.0, 0.3, 0.6]
    path = regularization_path(network, *labels, param="label_smoothing", values=values)
    assert path.test_scores.shape == (3, 5)
    assert np.all(np.diff(path.weight_norms, axis=0) != 0)


def test_committees_count_the_weights_of_all_members(reals):
    X, y = reals
    network = RegularizedMLPRegressor(**NET, n_estimators=3, numeric_embedding=None)
    path = regularization_path(network, X, y, values=[1.0], cv=2)
    train, _ = next(KFold(2).split(X))
    model = clone(network).set_params(alpha=1.0).fit(X[train], y[train])
    norms = [np.linalg.norm(member.weights) for member in model.members_]
    assert len(set(norms)) == 3
    assert path.weight_norms[0, 0] == pytest.approx(np.linalg.norm(norms))
    assert path.n_nonzeros[0, 0] == 3 * (10 * 5 + 5)
    assert_array_equal(path.n_iters, 3 * NET["max_iter"])


@pytest.mark.parametrize(
    "scoring, name",
    [
        (None, "r2"),
        ("neg_mean_absolute_error", "neg_mean_absolute_error"),
        (make_scorer(max_error, greater_is_better=False), "make_scorer(max_error, "),
    ],
)
def test_scores_are_those_asked_for(reals, scoring, name):
    network = RegularizedMLPRegressor(**NET)
    path = regularization_path(network, *reals, values=[network.alpha], cv=3, scoring=scoring)
    expected = cross_validate(network, *reals, cv=3, scoring=scoring, return_train_score=True)
    assert path.scorer_name.startswith(name)
    assert_allclose(path.test_scores[0], expected["test_score"])
    assert_allclose(path.train_scores[0], expected["train_score"])


def test_the_name_of_a_function_and_of_the_classifiers_score(labels):
    def always_one(estimator, X, y):
        return 1.0

    network = RegularizedMLPClassifier(**NET)
    path = regularization_path(network, *labels, values=[1.0, 2.0], cv=2, scoring=always_one)
    assert path.scorer_name == "always_one"
    assert path.best_value == 1.0  # the first of equals
    assert regularization_path(network, *labels, values=[1.0]).scorer_name == "accuracy"


def test_weights_enter_fits_and_scores(reals, rng):
    X, y = reals
    weight = rng.integers(1, 4, size=len(y))
    network = RegularizedMLPRegressor(**LINEAR, tol=1e-8)
    path = regularization_path(network, X, y, values=[2.0], cv=2, sample_weight=weight)
    train, test = next(KFold(2).split(X))
    model = clone(network).set_params(alpha=2.0)
    model.fit(X[train].repeat(weight[train], axis=0), y[train].repeat(weight[train]))
    assert_allclose(path.test_scores[0, 0], model.score(X[test], y[test], weight[test]), rtol=1e-6)
    plain = regularization_path(network, X, y, values=[2.0], cv=2)
    assert not np.allclose(plain.test_scores, path.test_scores, rtol=1e-3)


@pytest.mark.parametrize("kind", ["frame", "lists", "csr"])
def test_tables_of_every_kind(labels, kind):
    X, y = labels
    if kind == "frame":
        pandas = pytest.importorskip("pandas")
        given = pandas.DataFrame(X, columns=list("abcdefgh")), pandas.Series(y)
    else:
        given = (X.tolist(), y.tolist()) if kind == "lists" else (sp.coo_matrix(X), y)
    network = RegularizedMLPClassifier(**NET, scaling=None)
    path = regularization_path(network, *given, values=[1.0, 0.1], cv=2)
    expected = regularization_path(network, X, y, values=[1.0, 0.1], cv=2)
    assert_allclose(path.weight_norms, expected.weight_norms, rtol=1e-9)
    assert_array_equal(path.test_scores, expected.test_scores)


def test_a_random_splitter_gives_all_values_the_same_folds(reals):
    network = RegularizedMLPRegressor(**LINEAR, tol=1e-8)
    path = regularization_path(network, *reals, values=[1.0, 1.0], cv=ShuffleSplit(3))
    assert_allclose(path.test_scores[0], path.test_scores[1], rtol=1e-6)
    assert len(np.unique(path.test_scores[0])) == 3


@pytest.mark.parametrize("params", [NET, LINEAR], ids=["cold", "warm"])
def test_jobs_change_nothing(labels, params):
    network = RegularizedMLPClassifier(**params)
    paths = [
        regularization_path(network, *labels, values=[1.0, 10.0], cv=2, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    for name in PER_FIT:
        assert_array_equal(paths[0][name], paths[1][name])


# Warm starts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("param", ["alpha", "l1_ratio"])
@pytest.mark.parametrize("given", ["regression", "poisson", "classification", "committee"])
def test_warm_starts_agree_with_cold_ones_and_take_fewer_iterations(
    reals, labels, param, given, monkeypatch
):
    X, y = labels if given == "classification" else reals
    kinds = {"classification": RegularizedMLPClassifier}
    extra = {"poisson": {"loss": "poisson", "alpha": 1000.0}, "committee": {"n_estimators": 2}}
    params = LINEAR | {"tol": 1e-7, "alpha": 20.0, "l1_ratio": 0.5} | extra.get(given, {})
    network = kinds.get(given, RegularizedMLPRegressor)(**params)
    # The order of the values is the user's; inside it goes from strong to weak.
    values = np.geomspace(100, 1, 8) if param == "alpha" else np.linspace(1, 0, 8)
    values = values[[3, 0, 7, 1, 6, 2, 5, 4]]
    warm = regularization_path(network, X, y, param=param, values=values, cv=3)
    cold(monkeypatch)
    anew = regularization_path(network, X, y, param=param, values=values, cv=3)
    assert_array_equal(warm.param_values, anew.param_values)
    assert_allclose(warm.weight_norms, anew.weight_norms, rtol=1e-4, atol=1e-7)
    assert_allclose(warm.train_scores, anew.train_scores, rtol=1e-4, atol=1e-4)
    assert_array_equal(warm.n_nonzeros, anew.n_nonzeros)
    assert len(np.unique(warm.n_nonzeros)) > 2
    first = np.argmax(values)
    assert_array_equal(warm.n_iters[first], anew.n_iters[first])
    assert np.all(warm.n_iters >= 1)
    assert warm.n_iters.sum() < 0.9 * anew.n_iters.sum()


ACTS_WARM = {"alpha": 1.0, "loss": "squared_error", **LINEAR}


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_layer_sizes": (3,)},
        {"solver": "adam"},
        {"loss": "absolute_error"},
        {"early_stopping": True},
        {"alpha": 0.0},
    ],
    ids=str,
)
def test_only_a_unique_minimum_is_approached_warm(change):
    def is_warm(**params):
        network = RegularizedMLPRegressor(**params)
        return module._has_unique_minimum(network, network, "l1_ratio", np.array([0.5]))

    assert is_warm(**ACTS_WARM)
    assert not is_warm(**ACTS_WARM | change)


@pytest.mark.parametrize(
    "param, values, expected",
    [
        ("alpha", [1.0, 2.0], True),
        ("alpha", [1.0, 0.0], False),
        ("tol", [1.0, 2.0], False),
    ],
)
def test_values_decide_on_warm_starts_too(param, values, expected):
    network = RegularizedMLPRegressor(**ACTS_WARM)
    values = np.array(values)
    assert module._has_unique_minimum(network, network, param, values) is expected


# The grid of alpha -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_grid_of_the_lasso_is_scikit_learns(reals, solver):
    X, y = reals
    network = RegularizedMLPRegressor(
        **LINEAR | {"solver": solver, "max_iter": 2000 if solver == "lbfgs" else 1},
        l1_ratio=1.0,
    )
    path = regularization_path(network, X, y, cv=2)
    Z, z = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    greatest = np.max(np.abs(Z.T @ z))
    assert_allclose(path.param_values, np.geomspace(greatest, 1e-3 * greatest, 20), rtol=1e-6)
    # Just there the Lasso loses its last weight.
    for factor, n_nonzero in [(1.001, 0), (0.99, 1)]:
        lasso = Lasso(alpha=factor * greatest / len(y), tol=1e-10).fit(Z, z)
        assert np.count_nonzero(lasso.coef_) == n_nonzero


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_grid_of_a_classifier_begins_where_the_first_weight_enters(labels, n_classes, rng):
    X, y = labels
    keep = y < n_classes
    X, y = X[keep], y[keep]
    weight = rng.uniform(0.5, 2.0, size=len(y))
    network = RegularizedMLPClassifier(**LINEAR, l1_ratio=0.5, class_weight="balanced")
    path = regularization_path(network, X, y, cv=2, sample_weight=weight)
    for factor, n_nonzero in [(1.001, 0), (0.99, 1)]:
        model = clone(network).set_params(alpha=factor * path.param_values[0])
        assert (model.fit(X, y, weight).n_nonzero_ > 0) == n_nonzero


def test_a_lasso_path_ends_dense(reals):
    path = regularization_path(RegularizedMLPRegressor(**LINEAR, l1_ratio=1.0), *reals)
    assert np.all(path.n_nonzeros[0] <= 1)
    assert np.all(path.n_nonzeros[-1] >= 8)
    assert_array_equal(path.sparsities, 1.0 - path.n_nonzeros / 10)
    assert np.all(np.diff(path.weight_norms.mean(axis=1)) > 0)
    assert np.all(np.diff(path.train_scores.mean(axis=1)) > 0)


@pytest.mark.parametrize("params", [{}, {"l1_ratio": 1.0}, {"hidden_layer_sizes": ()}], ids=str)
def test_elsewhere_the_grid_is_fixed(reals, params):
    network = RegularizedMLPRegressor(**NET | {"max_iter": 1} | params)
    path = regularization_path(network, *reals, cv=2)
    assert_allclose(path.param_values, [1e4, 1e3, 1e2, 1e1, 1, 1e-1, 1e-2, 1e-3, 1e-4])


def test_a_constant_target_has_the_fixed_grid(reals):
    X, _ = reals
    network = RegularizedMLPRegressor(**LINEAR, l1_ratio=1.0)
    scoring = "neg_mean_squared_error"
    path = regularization_path(network, X, np.full(len(X), 3.0), cv=2, scoring=scoring)
    assert len(path.param_values) == 9


# Pipelines ---------------------------------------------------------------------------------------


def test_a_pipeline_that_ends_in_a_network(reals):
    X, y = reals
    X = X[:, :3]
    network = RegularizedMLPRegressor(**LINEAR, tol=1e-8, l1_ratio=1.0)
    pipeline = make_pipeline(PolynomialFeatures(include_bias=False), network)
    name = "regularizedmlpregressor__alpha"
    path = regularization_path(pipeline, X, y, param=name, cv=3, sample_weight=np.ones(len(y)))
    Z = PolynomialFeatures(include_bias=False).fit_transform(X)
    expected = regularization_path(network, Z, y, cv=3)
    assert_allclose(path.param_values, expected.param_values)
    for entry in ("test_scores", "weight_norms", "n_nonzeros"):
        assert_allclose(path[entry], expected[entry], rtol=1e-6, atol=1e-9)


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [None, [1.0]])
@pytest.mark.parametrize("param", ["gamma", "solver__beta_2", "x__alpha"])
def test_an_unknown_parameter_is_named(reals, param, values):
    with pytest.raises(ValueError, match=rf"Invalid parameter '{param}' for estimator Regular"):
        regularization_path(RegularizedMLPRegressor(), *reals, param=param, values=values)


@pytest.mark.parametrize("values", [[], 1.0, [[1.0, 2.0]], ["a"], [True], [None]], ids=str)
def test_values_are_a_row_of_numbers(reals, values):
    match = "The 'values' parameter of regularization_path must be a non-empty 1-d array-like"
    with pytest.raises(ValueError, match=match):
        regularization_path(RegularizedMLPRegressor(), *reals, values=values)


def test_only_alpha_has_values_of_its_own(reals):
    with pytest.raises(ValueError, match="must be given for param='keep_prob', as only 'alpha'"):
        regularization_path(RegularizedMLPRegressor(), *reals, param="keep_prob")


def test_a_value_out_of_range_is_the_estimators_error(reals):
    with pytest.raises(ValueError, match="The 'alpha' parameter of RegularizedMLPRegressor must"):
        regularization_path(RegularizedMLPRegressor(**NET), *reals, values=[-1.0])


@pytest.mark.parametrize("other", [LogisticRegression(), make_pipeline(LogisticRegression())])
def test_other_estimators_are_refused(labels, other):
    with pytest.raises(TypeError, match="estimator must be a RegularizedMLPClassifier, "):
        regularization_path(other, *labels, param="C", values=[1.0])


@pytest.mark.parametrize("scoring", [3, ["r2"], {"a": "r2"}, "no such score"])
def test_scoring_is_one_score(reals, scoring):
    with pytest.raises(ValueError, match="The 'scoring' parameter"):
        regularization_path(RegularizedMLPRegressor(**NET), *reals, scoring=scoring)


def test_rows_that_do_not_match_are_refused(reals):
    X, y = reals
    with pytest.raises(ValueError, match="Found input variables with inconsistent numbers"):
        regularization_path(RegularizedMLPRegressor(**NET), X, y[1:])
