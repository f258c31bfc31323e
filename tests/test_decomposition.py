"""The error of a committee, in terms of its members' variance and covariance."""

from copy import copy

import numpy as np
import pytest
from plain import PLAIN
from sklearn.base import is_classifier
from sklearn.datasets import (
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import brier_score_loss, mean_squared_error
from sklearn.pipeline import make_pipeline

from skregnet import (
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    Snapshot,
    ensemble_error_decomposition,
)


def labels(n_classes, names=None):
    X, y = make_classification(
        90, 6, n_informative=4, n_classes=n_classes, flip_y=0.2, random_state=0
    )
    return X, y if names is None else np.array(names)[y]


PROBLEMS = {
    "one target": lambda: make_regression(90, 6, noise=30.0, random_state=0),
    "three targets": lambda: make_regression(90, 6, n_targets=3, noise=30.0, random_state=0),
    "two classes": lambda: labels(2, ["no", "yes"]),
    "four classes": lambda: labels(4, list("badc")),
    "multilabel": lambda: make_multilabel_classification(90, 6, random_state=0),
}
EACH_PROBLEM = pytest.mark.parametrize("name", PROBLEMS)


def fit(name, n_estimators=5, **params):
    """A committee fitted on the first 60 rows, and the 30 others."""
    X, y = PROBLEMS[name]()
    kind = RegularizedMLPRegressor if name.endswith(("target", "targets")) else (
        RegularizedMLPClassifier
    )  # fmt: skip
    model = kind(
        (8,), n_estimators=n_estimators, max_iter=20, learning_rate_init=0.02, random_state=0,
        **params,
    )  # fmt: skip
    return model.fit(X[:60], y[:60]), X[60:], y[60:]


def of_members(model, members):
    view = copy(model)
    view.members_ = list(members)
    return view


def errors(model, X, y):
    """The errors of probabilities or predictions, of shape (rows, columns)."""
    if not is_classifier(model):
        return (model.predict(X) - y).reshape(len(X), -1)
    target = y if np.ndim(y) == 2 else (np.asarray(y)[:, None] == model.classes_).astype(float)
    return model.predict_proba(X) - target


def weights(weighted):
    return np.random.default_rng(0).uniform(0.1, 3.0, 30) if weighted else None


@EACH_PROBLEM
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("n_estimators", [2, 5])
def test_the_identity_holds_on_the_same_members_and_rows(name, weighted, n_estimators):
    model, X, y = fit(name, n_estimators)
    weight = weights(weighted)
    parts = ensemble_error_decomposition(model, X, y, weight)
    error = np.average((errors(model, X, y) ** 2).sum(axis=1), weights=weight)
    assert parts.n_members == n_estimators
    assert parts.error == pytest.approx(error, rel=1e-10)
    k = n_estimators
    assert parts.v / k + (k - 1) / k * parts.c == pytest.approx(error, rel=1e-10)
    assert parts.predict_error(k) == pytest.approx(error, rel=1e-10)


@EACH_PROBLEM
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_v_and_c_are_the_mean_products_of_errors(name, weighted):
    model, X, y = fit(name, 3)
    weight = weights(weighted)
    own = [errors(of_members(model, [member]), X, y) for member in model.members_]

    def mean_product(i, j):
        return np.average((own[i] * own[j]).sum(axis=1), weights=weight)

    parts = ensemble_error_decomposition(model, X, y, weight)
    assert parts.v == pytest.approx(np.mean([mean_product(i, i) for i in range(3)]), rel=1e-10)
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert parts.c == pytest.approx(np.mean([mean_product(*pair) for pair in pairs]), rel=1e-10)


def test_the_error_is_the_mean_squared_error_or_the_brier_score():
    model, X, y = fit("one target")
    parts = ensemble_error_decomposition(model, X, y)
    assert parts.error == pytest.approx(mean_squared_error(y, model.predict(X)), rel=1e-10)
    model, X, y = fit("four classes")
    parts = ensemble_error_decomposition(model, X, y)
    brier = brier_score_loss(y, model.predict_proba(X), labels=model.classes_)
    assert parts.error == pytest.approx(brier, rel=1e-10)


@EACH_PROBLEM
def test_one_error_is_v_and_the_error_of_many_tends_to_c(name):
    model, X, y = fit(name)
    parts = ensemble_error_decomposition(model, X, y)
    assert parts.predict_error(1) == parts.v
    assert parts.predict_error(10**9) == pytest.approx(parts.c, rel=1e-6)
    assert parts.c < parts.error < parts.v


def test_equal_members_gain_nothing():
    model, X, y = fit("one target")
    same = of_members(model, [model.members_[0]] * 4)
    parts = ensemble_error_decomposition(same, X, y)
    assert parts.c == pytest.approx(parts.v, rel=1e-10)
    assert parts.predict_error(100) == pytest.approx(parts.v, rel=1e-10)


def test_members_vote_by_their_own_probabilities_where_the_committee_votes_hard():
    soft, X, y = fit("four classes")
    hard, _, _ = fit("four classes", voting="hard")
    a, b = (ensemble_error_decomposition(model, X, y) for model in (soft, hard))
    assert (a.v, a.c) == (b.v, b.c)


def test_snapshots_of_one_run_are_members():
    model, X, y = fit("one target", n_estimators=1, averaging=Snapshot(4))
    parts = ensemble_error_decomposition(model, X, y)
    assert parts.n_members == 4
    error = mean_squared_error(y, model.predict(X))
    assert parts.predict_error(4) == pytest.approx(error, rel=1e-10)


@pytest.mark.parametrize("name", ["one target", "two classes"])
def test_one_member_has_no_covariance(name):
    model, X, y = fit(name, n_estimators=1)
    with pytest.raises(ValueError, match="at least two members. Got 1 instead"):
        ensemble_error_decomposition(model, X, y)


def test_a_committee_without_probabilities_is_named():
    model, X, y = fit("two classes", loss="hinge")
    with pytest.raises(ValueError, match="needs a committee that predicts probabilities. Got a"):
        ensemble_error_decomposition(model, X, y)


def test_other_estimators_are_refused():
    model, X, y = fit("one target")
    with pytest.raises(TypeError, match="estimator must be a RegularizedMLPClassifier or"):
        ensemble_error_decomposition(make_pipeline(model), X, y)


def test_the_committee_must_be_fitted():
    with pytest.raises(NotFittedError):
        ensemble_error_decomposition(RegularizedMLPRegressor(n_estimators=3), [[0.0]], [0.0])


def test_a_target_of_another_kind_raises():
    model, X, y = fit("two classes")
    with pytest.raises(ValueError, match="labels that the estimator was not fitted on"):
        ensemble_error_decomposition(model, X, np.where(y == "no", "perhaps", y))
    model, X, Y = fit("three targets")
    for wrong in (Y[:, 0], Y[:, :2], Y[:-1]):
        with pytest.raises(ValueError):
            ensemble_error_decomposition(model, X, wrong)
    model, X, Y = fit("multilabel")
    with pytest.raises(ValueError):
        ensemble_error_decomposition(model, X, Y[:, :3])


def test_the_law_predicts_the_error_of_other_committees():
    """v and c of ten problems drawn alike tell the errors on ten others, for any number."""
    sizes = (1, 2, 5, 10, 20)
    grid = np.random.default_rng(99).uniform(-2, 2, (1000, 4))

    def truth(X):
        return np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]

    params = PLAIN | {"hidden_layer_sizes": (50,), "max_iter": 60, "learning_rate_init": 0.02}
    v, c, measured = [], [], {k: [] for k in sizes}
    for repetition in range(20):
        rng = np.random.default_rng(repetition)
        X = rng.uniform(-2, 2, (200, 4))
        model = RegularizedMLPRegressor(**params, n_estimators=20, random_state=repetition)
        model.fit(X, truth(X) + 0.3 * rng.normal(size=200))
        if repetition < 10:
            parts = ensemble_error_decomposition(model, grid, truth(grid))
            v.append(parts.v)
            c.append(parts.c)
            continue
        for k in sizes:
            committee = of_members(model, model.members_[:k])
            measured[k].append(mean_squared_error(truth(grid), committee.predict(grid)))
    for k in sizes:
        predicted = np.mean(v) / k + (k - 1) / k * np.mean(c)
        assert np.mean(measured[k]) == pytest.approx(predicted, rel=0.15)
    assert np.mean(measured[20]) < 0.9 * np.mean(measured[1])  # members that differ
