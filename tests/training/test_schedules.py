"""Learning rate schedules: a factor that the history and the progress alone determine."""

import numpy as np
import pytest
from sklearn.datasets import make_regression

from skregnet import Adaptive, Cosine, InverseScaling, RegularizedMLPRegressor
from skregnet.training.schedules import SCHEDULES

EACH = pytest.mark.parametrize("name", SCHEDULES)


def history(values, penalties=None):
    return {"loss": list(values), "penalty": list(penalties or np.zeros(len(values)))}


@EACH
def test_the_factor_starts_at_one(name):
    assert SCHEDULES[name]().factor(0.0, history([])) == 1.0


@EACH
def test_the_factor_is_positive_and_never_above_one(name):
    schedule = SCHEDULES[name]()
    values = np.random.default_rng(0).uniform(1.0, 2.0, 50)
    for n_epochs in (0, 1, 10, 50):
        for progress in np.linspace(0, 1, 11, endpoint=False):
            assert 0 < schedule.factor(progress, history(values[:n_epochs])) <= 1


@EACH
def test_only_a_schedule_with_a_horizon_looks_at_progress(name):
    schedule = SCHEDULES[name]()
    early, late = (schedule.factor(progress, history([1.0, 0.9])) for progress in (0.1, 0.9))
    assert (early != late) == schedule.has_horizon


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n_epochs", [0, 1, 8])
def test_inverse_scaling_counts_epochs(power, n_epochs):
    factor = InverseScaling(power).factor(0.5, history(np.ones(n_epochs)))
    assert factor == pytest.approx((1 + n_epochs) ** -power, rel=1e-14)


@pytest.mark.parametrize("progress, factor", [(0, 1), (1 / 3, 0.75), (0.5, 0.5), (2 / 3, 0.25)])
def test_cosine_falls_from_one_to_zero(progress, factor):
    assert Cosine().factor(progress, history([])) == pytest.approx(factor, rel=1e-12)
    assert Cosine().factor(1 - 1e-9, history([])) < 1e-15


@pytest.mark.parametrize(
    "values, cuts",
    [
        ([], 0),
        ([5, 4, 3, 2, 1], 0),
        ([5, 5], 0),
        ([5, 5, 5], 1),
        ([5, 6, 7], 1),
        ([5, 5, 4, 4], 0),  # progress in between: patience starts anew
        ([5, 5, 5, 5], 1),  # ... as it does after a cut
        ([5, 5, 5, 5, 5], 2),
        ([5, 4.95, 4.9], 1),  # progress of tol or less is none
        ([5, 4.8, 4.6], 0),
        ([5, 1, 4, 3, 2, 1.5], 2),  # falling, but not below the best so far
    ],
)
def test_adaptive_divides_after_epochs_without_progress(values, cuts):
    schedule = Adaptive(divisor=4.0, patience=2, tol=0.1)
    assert schedule.factor(0.0, history(values)) == pytest.approx(4.0**-cuts, rel=1e-14)


def test_adaptive_watches_the_whole_objective():
    assert Adaptive(patience=2).factor(0.0, history([3, 2, 1], [0, 0, 0])) == 1.0
    assert Adaptive(patience=2).factor(0.0, history([3, 2, 1], [0, 1, 2])) < 1.0


@pytest.mark.parametrize(
    "schedule, name",
    [
        (InverseScaling(power=0.0), "power"),
        (Adaptive(divisor=1.0), "divisor"),
        (Adaptive(patience=0), "patience"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_an_error_by_name_when_fitting(schedule, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(schedule).__name__}"):
        RegularizedMLPRegressor(learning_rate=schedule).fit([[0.0], [1.0]], [0.0, 1.0])


@EACH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_history_records_the_rate_of_each_epoch(name, solver):
    X, y = make_regression(40, 3, noise=5.0, random_state=0)
    model = RegularizedMLPRegressor(
        (4,), learning_rate=name, learning_rate_init=0.02, solver=solver, max_iter=12,
        batch_size=10, random_state=0,
    ).fit(X, y)  # fmt: skip
    schedule, recorded = SCHEDULES[name](), model.history_
    for epoch, rate in enumerate(recorded["learning_rate"]):
        so_far = {key: recorded[key][:epoch] for key in ("loss", "penalty")}
        progress = (4 * epoch + 3) / (4 * 12)  # of the last of the four steps
        assert rate == pytest.approx(0.02 * schedule.factor(progress, so_far), rel=1e-12)


@EACH
def test_a_name_means_the_instance_with_its_defaults(name):
    X, y = make_regression(40, 3, noise=5.0, random_state=0)
    params = {"learning_rate_init": 0.3, "solver": "sgd", "max_iter": 20, "random_state": 0}
    by_name = RegularizedMLPRegressor((4,), learning_rate=name, **params).fit(X, y)
    by_instance = RegularizedMLPRegressor((4,), learning_rate=SCHEDULES[name](), **params).fit(X, y)
    np.testing.assert_array_equal(by_name.members_[0].theta, by_instance.members_[0].theta)
