"""`max_time`: a budget of seconds, looked at after each epoch and shared out among members."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.exceptions import IgnoredParameterWarning
from skregnet.training import callbacks
from skregnet.training.optimizers import SOLVERS

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def problem(kind):
    if kind == "classifier":
        return make_classification(100, 6, n_informative=4, flip_y=0.2, random_state=0)
    return make_regression(100, 6, noise=50.0, random_state=0)


def make(kind, **params):
    params = {
        "hidden_layer_sizes": (8,), "max_iter": 40, "random_state": 0, "early_stopping": False,
    } | params  # fmt: skip
    return ESTIMATORS[kind](**params)


@pytest.fixture
def clock(monkeypatch):
    """A clock on which each look at it by a time limit takes one second."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(callbacks, "perf_counter", lambda: float(next(seconds)))


def epochs(model):
    return [member.n_iter for member in model.members_]


# On the real clock ----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "lbfgs"])  # it converges
def test_a_fit_ends_long_before_its_last_epoch(kind, solver):
    X, y = problem(kind)
    model = make(kind, solver=solver, max_time=0.05, max_iter=10**7).fit(X, y)
    assert 1 <= model.n_iter_ < 10**7
    assert np.all(np.isfinite(model.predict(X)))


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_at_least_one_epoch_is_trained(kind, solver, n_estimators):
    X, y = problem(kind)
    model = make(kind, solver=solver, max_time=1e-9, n_estimators=n_estimators).fit(X, y)
    assert epochs(model) == [1] * n_estimators


@BOTH
def test_ending_by_time_is_ending_at_that_epoch(kind):
    X, y = problem(kind)
    model = make(kind, max_time=1e-9, keep_prob=0.8).fit(X, y)
    once = make(kind, max_iter=1, keep_prob=0.8).fit(X, y)
    np.testing.assert_array_equal(model.members_[0].theta, once.members_[0].theta)


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_time_enough_changes_nothing(kind, n_estimators):
    X, y = problem(kind)
    model = make(kind, max_time=1e6, n_estimators=n_estimators).fit(X, y)
    free = make(kind, n_estimators=n_estimators).fit(X, y)
    for a, b in zip(model.members_, free.members_, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)


# On a clock by hand ---------------------------------------------------------------------------


def test_the_epoch_that_ends_after_the_budget_is_the_last(clock):
    X, y = problem("regressor")
    assert epochs(make("regressor", max_time=5.5).fit(X, y)) == [6]
    assert epochs(make("regressor", max_time=100.0).fit(X, y)) == [40]


@pytest.mark.parametrize("n_estimators, each", [(2, 6), (3, 4), (6, 2)])
def test_members_share_the_budget(clock, n_estimators, each):
    X, y = problem("regressor")
    model = make("regressor", max_time=11.5, n_estimators=n_estimators).fit(X, y)
    assert epochs(model) == [each] * n_estimators


@pytest.mark.parametrize("n_estimators, n_jobs, share", [(4, 2, 2), (5, 2, 3), (3, 8, 1)])
def test_members_at_the_same_time_share_less(n_estimators, n_jobs, share, monkeypatch):
    limits = []

    class Noted(callbacks.TimeLimit):
        def __init__(self, seconds):
            limits.append(seconds)
            super().__init__(seconds)

    monkeypatch.setattr("skregnet.fitting.TimeLimit", Noted)
    X, y = problem("regressor")
    model = make("regressor", max_time=600.0, n_estimators=n_estimators, max_iter=1)
    with parallel_config("threading"):
        model.set_params(n_jobs=n_jobs).fit(X, y)
    assert limits == [600.0 / share] * n_estimators


@pytest.mark.parametrize("refit", [True, "auto"])
def test_refit_has_half_of_the_budget(refit, clock):
    X, y = problem("regressor")
    model = make("regressor", max_time=8.5, early_stopping=True, refit=refit).fit(X, y)
    assert epochs(model) == [5]  # the search: 8.5 / 2 seconds


def test_a_warm_start_has_its_budget_again(clock):
    X, y = problem("regressor")
    model = make("regressor", max_time=5.5, warm_start=True).fit(X, y)
    assert epochs(model.fit(X, y)) == [12]


def test_early_stopping_keeps_the_best_epoch_until_then(clock):
    X, y = problem("regressor")
    model = make(
        "regressor", max_time=7.5, early_stopping=True, refit=False, learning_rate_init=0.05,
    ).fit(X, y)  # fmt: skip
    scores = model.validation_scores_
    assert len(scores) == 8
    assert model.best_iteration_ == len(scores) - int(np.argmax(scores[::-1]))


# Values ---------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("max_time", [0, -1.0, "long"])
def test_the_budget_is_a_positive_number(kind, max_time):
    with pytest.raises(ValueError, match="'max_time' parameter of .* must be a float in"):
        make(kind, max_time=max_time).fit(*problem(kind))


@BOTH
def test_a_stream_has_no_budget(kind):
    X, y = problem(kind)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    model = clone(make(kind, max_time=1.0)).set_params(early_stopping="auto")
    with pytest.warns(IgnoredParameterWarning, match="max_time=1.0 has no effect"):
        model.partial_fit(X, y, **classes)
