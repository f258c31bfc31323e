"""Members and searches on a real Dask cluster of two worker processes."""

import os

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor, Snapshot, committee
from skregnet.exceptions import NotConvergedWarning
from skregnet.fitting import Rows
from skregnet.training.validation import Monitor

if os.environ.get("CI"):  # must not pass by skipping
    import dask.array
    import distributed
else:
    dask = pytest.importorskip("dask")
    pytest.importorskip("dask.array")
    distributed = pytest.importorskip("distributed")

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


@pytest.fixture(scope="module")
def client():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def problem(kind):
    if kind == "regressor":
        return load_diabetes(return_X_y=True)
    X, y = load_digits(return_X_y=True)
    return X[:600], y[:600]


def make(kind, **params):
    params = {
        "hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0, "early_stopping": False,
        "n_estimators": 4,
    } | params  # fmt: skip
    if params["n_estimators"] > 1:
        params = {"bootstrap": True} | params
    return ESTIMATORS[kind](**params)


def assert_same(a, b):
    for s, t in zip(a.members_, b.members_, strict=True):
        np.testing.assert_array_equal(s.theta, t.theta)
        assert s.best_iteration == t.best_iteration
        assert s.validation_scores == t.validation_scores


COMMITTEES = {
    "plain": {},
    "regularized": {"keep_prob": 0.8, "batchnorm": True, "l1_ratio": 0.5, "dtype": "float64"},
    "noisy": {"hidden_noise": 0.1, "weight_noise": 0.05, "augmentation": "mixup"},
    "lbfgs": {"solver": "lbfgs", "tol": 1.0},
    "stopped": {"early_stopping": True, "validation": 0.2, "refit": True},
    "stopped by a scorer": {"early_stopping": True, "monitor": "neg_mean_squared_error"},
    "stopped out of bag": {"early_stopping": True, "validation": "oob"},
    "scored": {"oob_score": True, "n_estimators": 8, "max_samples": 0.3},
    "snapshots": {"averaging": Snapshot(2), "learning_rate": "cosine"},
}


@pytest.mark.parametrize("name", COMMITTEES)
@BOTH
def test_a_committee_is_the_same_to_the_bit_as_in_one_process(kind, name, client):
    X, y = problem(kind)
    model = make(kind, **COMMITTEES[name])
    alone = clone(model).set_params(n_jobs=1).fit(X, y)
    with joblib.parallel_config("dask"):
        spread = clone(model).fit(X, y)
    assert_same(spread, alone)
    if name == "scored":
        assert spread.oob_score_ == alone.oob_score_


def count_fits(dask_worker=None):
    """Count in this process how many members are fitted here."""
    original = committee.fit_member

    def fit_member(*args, **kwargs):
        fit_member.n_calls += 1
        return fit_member.original(*args, **kwargs)

    fit_member.n_calls, fit_member.original = 0, original
    committee.fit_member = fit_member


def stop_counting_fits(dask_worker=None):
    counted = committee.fit_member
    committee.fit_member = counted.original
    return counted.n_calls


def test_members_are_fitted_on_the_workers_and_not_here(client):
    X, y = problem("classifier")
    client.run(count_fits)
    count_fits()
    try:
        with joblib.parallel_config("dask"):
            make("classifier", n_estimators=12, max_iter=40).fit(X, y)
    finally:
        here = stop_counting_fits()
        there = client.run(stop_counting_fits).values()
    assert here == 0
    assert sum(there) == 12  # how they are spread over the workers is the scheduler's choice


# What travels ---------------------------------------------------------------------------------


def count_pickles(dask_worker=None):
    """Count in this process how often rows are made ready to travel."""
    for kind in (Rows, Monitor):
        kind.n_pickles = 0

        def __getstate__(self, original=object.__getstate__):
            type(self).n_pickles += 1
            return original(self)

        kind.__getstate__ = __getstate__


def stop_counting(dask_worker=None):
    counts = Rows.n_pickles, Monitor.n_pickles
    for kind in (Rows, Monitor):
        del kind.n_pickles, kind.__getstate__
    return counts


@pytest.mark.parametrize("validation", [None, 0.2, "oob"])
def test_the_rows_travel_to_each_worker_once_and_not_once_a_member(validation, client):
    X, y = problem("classifier")
    stopping = {}
    if validation is not None:  # a second fit would have other rows, which travel as well
        stopping = {"early_stopping": True, "validation": validation, "refit": False}
    model = make("classifier", n_estimators=10, **stopping)
    client.run(count_pickles)
    count_pickles()
    try:
        with joblib.parallel_config("dask"):
            model.fit(X, y)
    finally:
        rows, monitors = stop_counting()
        counts = [*client.run(stop_counting).values(), (rows, monitors)]
    # From here to one worker, and at most from that one to the other.
    assert rows == 1
    assert sum(n for n, _ in counts) <= 2
    assert monitors == (validation is not None)
    assert sum(n for _, n in counts) <= 2


# Searches, warnings, streams ------------------------------------------------------------------


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_a_search_gives_the_same_scores(n_estimators, client):
    X, y = problem("regressor")
    search = GridSearchCV(
        make("regressor", n_estimators=n_estimators), {"alpha": [0.1, 10.0]}, cv=2,
        error_score="raise",
    )  # fmt: skip
    alone = clone(search).fit(X, y)
    with joblib.parallel_config("dask"):
        spread = clone(search).fit(X, y)
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(spread.cv_results_[name], alone.cv_results_[name])
    assert_same(spread.best_estimator_, alone.best_estimator_)


def test_warnings_of_members_come_home(client):
    X, y = problem("regressor")
    with joblib.parallel_config("dask"), pytest.warns(NotConvergedWarning) as caught:
        make("regressor", solver="lbfgs", max_iter=2).fit(X, y)
    assert len(caught) == len({str(warning.message) for warning in caught})


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_a_stream_of_blocks_is_the_stream_of_their_rows(kind, n_estimators, client):
    X, y = problem(kind)
    blocks = dask.array.from_array(X, chunks=(150, -1)), dask.array.from_array(y, chunks=150)
    arguments = {"total_weight": len(X)}
    if kind == "classifier":
        arguments["classes"] = np.unique(y)
    model = make(kind, n_estimators=n_estimators, early_stopping="auto")
    streamed, looped = clone(model), clone(model)
    for _ in range(2):
        for X_block, y_block in zip(blocks[0].blocks, blocks[1].blocks, strict=True):
            streamed.partial_fit(X_block.compute(), y_block.compute(), **arguments)
        for start in range(0, len(X), 150):
            rows = slice(start, start + 150)
            looped.partial_fit(X[rows], y[rows], **arguments)
    assert streamed.members_[0].n_iter == 2 * -(-len(X) // 150)
    assert_same(streamed, looped)


def test_a_stream_fits_its_members_on_the_cluster(client):
    X, y = problem("regressor")
    model = make("regressor", early_stopping="auto")
    alone, spread = clone(model), clone(model)
    for rows in (slice(0, 200), slice(200, 442)):
        alone.partial_fit(X[rows], y[rows])
        with joblib.parallel_config("dask"):
            spread.partial_fit(X[rows], y[rows])
    assert_same(spread, alone)
