"""Threads: a member of a committee computes on one BLAS thread, whoever fits it."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_regression
from threadpoolctl import threadpool_info, threadpool_limits

from skregnet import RegularizedMLPRegressor, committee


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    """Two BLAS threads, as a user's process may have them."""
    with threadpool_limits(2, user_api="blas"):
        if set(blas_threads()) != {2}:
            pytest.skip("this BLAS cannot be given two threads")
        yield


@pytest.fixture
def seen(monkeypatch):
    """The numbers of BLAS threads at the begin and the end of each member's fit."""
    numbers = []

    def fit_member(*args, original=committee.fit_member, **kwargs):
        numbers.append(blas_threads())
        result = original(*args, **kwargs)
        numbers.append(blas_threads())
        return result

    monkeypatch.setattr(committee, "fit_member", fit_member)
    return numbers


def make(**params):
    return RegularizedMLPRegressor(
        (32,), max_iter=3, random_state=0, early_stopping=False, **params
    )


X, y = make_regression(600, 10, random_state=0)


@pytest.mark.parametrize("n_estimators", [2, 6])
def test_members_fit_on_one_thread_and_give_the_others_back(n_estimators, two_threads, seen):
    make(n_estimators=n_estimators).fit(X, y)
    assert len(seen) == 2 * n_estimators
    assert {number for numbers in seen for number in numbers} == {1}
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("repetition", range(3))  # a race shows now and then only
def test_members_in_threads_share_the_limit_and_the_last_takes_it_back(
    repetition, two_threads, seen
):
    model = make(n_estimators=7, n_jobs=2)
    with joblib.parallel_config("threading"):
        model.fit(X, y)
    assert len(seen) == 14
    assert {number for numbers in seen for number in numbers} == {1}
    assert set(blas_threads()) == {2}
    alone = make(n_estimators=7).fit(X, y)
    for a, b in zip(model.members_, alone.members_, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)


PROCESS = """
import sys
import joblib
from test_threads import X, blas_threads, make, y
if set(blas_threads()) != {2}:
    sys.exit("skip")
with joblib.parallel_config("threading"):
    for seed in range(8):  # a race shows now and then only
        make(n_estimators=5, n_jobs=2, max_samples=0.2 + 0.1 * seed).fit(X, y)
        assert set(blas_threads()) == {2}, blas_threads()
"""


def test_members_in_threads_leave_a_process_as_it_was():
    """In a process whose main thread has never limited anything, as most are."""
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        env=os.environ | threads | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    if done.stderr.strip() == "skip":
        pytest.skip("this BLAS cannot be given two threads")
    assert done.returncode == 0, done.stderr


def test_a_failing_member_gives_the_threads_back(two_threads, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(committee, "fit_member", fail)
    with pytest.raises(RuntimeError, match="no"):
        make(n_estimators=2).fit(X, y)
    assert set(blas_threads()) == {2}


def test_a_small_network_alone_uses_one_thread_and_a_large_one_what_there_is(two_threads, seen):
    make().fit(X, y)
    assert seen == [[1] * len(seen[0])] * 2
    seen.clear()
    rows = committee.THREADED_PRODUCT // (512 * 512) + 1
    wide = make_regression(rows, 512, random_state=0)
    make(batch_size=rows).set_params(max_iter=1, hidden_layer_sizes=(512,)).fit(*wide)
    assert seen == [[2] * len(seen[0])] * 2
