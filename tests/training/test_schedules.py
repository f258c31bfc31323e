"""Learning rate schedules: a factor that the history and the progress alone determine."""

import numpy as np
import pytest
from plain import plain
from sklearn.datasets import make_regression

from skregnet import (
    Adaptive,
    ConstantRate,
    Cosine,
    CosLog4,
    InverseScaling,
    OneCycle,
    RegularizedMLPRegressor,
    Snapshot,
)
from skregnet.training.schedules import SCHEDULES, Cycles, WarmUp

EACH = pytest.mark.parametrize("name", SCHEDULES)
STARTS_AT = {"coslog4": 0.0, "onecycle": 0.04}


def history(values, penalties=None):
    return {"loss": list(values), "penalty": list(penalties or np.zeros(len(values)))}


def factor(schedule, progress=0.0, values=(), penalties=None, epochs=None):
    """The factor after epochs with these values of the loss."""
    epochs = len(values) + 1.0 if epochs is None else epochs
    return schedule.factor(progress, epochs, history(values, penalties))


@EACH
def test_where_the_factor_starts(name):
    assert factor(SCHEDULES[name]()) == pytest.approx(STARTS_AT.get(name, 1.0), abs=1e-15)


@EACH
def test_the_factor_is_never_negative_and_never_above_one(name):
    schedule = SCHEDULES[name]()
    values = np.random.default_rng(0).uniform(1.0, 2.0, 50)
    for n_epochs in (0, 1, 10, 50):
        for progress in np.linspace(0, 1, 11, endpoint=False):
            found = factor(schedule, progress, values[:n_epochs])
            assert 0 <= found <= 1
            assert found > 0 or name == "coslog4"


@EACH
def test_only_a_schedule_with_a_horizon_looks_at_progress(name):
    schedule = SCHEDULES[name]()
    early, late = (factor(schedule, progress, [1.0, 0.9]) for progress in (0.1, 0.9))
    assert (early != late) == schedule.has_horizon == schedule.changes_within_epoch


@EACH
def test_only_a_warm_up_looks_at_epochs(name):
    schedule = SCHEDULES[name]()
    early, late = (factor(schedule, 0.3, [1.0, 0.9], epochs=epochs) for epochs in (2.1, 2.9))
    assert early == late
    early, late = (factor(WarmUp(schedule, 5), 0.3, [1.0], epochs=epochs) for epochs in (2.1, 2.9))
    assert early < late


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n_epochs", [0, 1, 8])
def test_inverse_scaling_counts_epochs(power, n_epochs):
    found = factor(InverseScaling(power), 0.5, np.ones(n_epochs))
    assert found == pytest.approx((1 + n_epochs) ** -power, rel=1e-14)


@pytest.mark.parametrize("progress, expected", [(0, 1), (1 / 3, 0.75), (0.5, 0.5), (2 / 3, 0.25)])
def test_cosine_falls_from_one_to_zero(progress, expected):
    assert factor(Cosine(), progress) == pytest.approx(expected, rel=1e-12)
    assert factor(Cosine(), 1 - 1e-9) < 1e-15


def test_four_cycles_of_coslog4_each_about_twice_as_long():
    """Valleys at (2^k - 1) / 15, peaks where log2(1 + 15 t) is half way between two of them."""
    valleys = np.array([0, 1, 3, 7]) / 15
    peaks = (2 ** (np.arange(4) + 0.5) - 1) / 15
    np.testing.assert_allclose([factor(CosLog4(), t) for t in valleys], 0.0, atol=1e-15)
    np.testing.assert_allclose([factor(CosLog4(), t) for t in peaks], 1.0, atol=1e-15)
    assert factor(CosLog4(), 1 - 1e-9) < 1e-15
    for start, top, end in zip(valleys, peaks, [*valleys[1:], 1.0], strict=True):
        up = [factor(CosLog4(), t) for t in np.linspace(start + 1e-6, top, 20)]
        down = [factor(CosLog4(), t) for t in np.linspace(top, end - 1e-6, 20)]
        assert np.all(np.diff(up) > 0) and np.all(np.diff(down) < 0)


def test_one_cycle_rises_to_one_and_falls():
    schedule = OneCycle(rise=0.25, start=0.1, end=0.01)
    assert factor(schedule, 0.0) == pytest.approx(0.1, rel=1e-12)
    assert factor(schedule, 0.25) == pytest.approx(1.0, rel=1e-12)
    assert factor(schedule, 1.0) == pytest.approx(0.01, rel=1e-12)
    # Half way along each half cosine lies the mean of its ends.
    assert factor(schedule, 0.125) == pytest.approx(0.55, rel=1e-12)
    assert factor(schedule, 0.625) == pytest.approx(0.505, rel=1e-12)
    up = [factor(schedule, t) for t in np.linspace(0.0, 0.25, 20)]
    down = [factor(schedule, t) for t in np.linspace(0.25, 1.0, 20)]
    assert np.all(np.diff(up) > 0) and np.all(np.diff(down) < 0)


# A warm-up ------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("length", [0.5, 3.0])
def test_a_warm_up_multiplies_a_schedule_by_a_line(name, length):
    schedule = SCHEDULES[name]()
    warm = WarmUp(schedule, length)
    assert warm.has_horizon == schedule.has_horizon and warm.changes_within_epoch
    for epochs in (0.1, 0.4, 0.5, 1.5, 3.0, 3.1, 50.0):
        alone = factor(schedule, 0.37, [2.0, 1.0], epochs=epochs)
        expected = min(1.0, epochs / length) * alone
        assert factor(warm, 0.37, [2.0, 1.0], epochs=epochs) == pytest.approx(expected, rel=1e-14)


def test_cycles_of_a_warm_up_change_within_epochs():
    assert Cycles(WarmUp(), (0.5, 1.0)).changes_within_epoch
    assert not Cycles(ConstantRate(), (0.5, 1.0)).changes_within_epoch


def fitted(**params):
    X, y = make_regression(40, 3, noise=5.0, random_state=0)
    small = {"hidden_layer_sizes": (4,), "batch_size": 10, "max_iter": 6, "random_state": 0}
    return RegularizedMLPRegressor(**plain(RegularizedMLPRegressor, **small | params)).fit(X, y)


@EACH
@pytest.mark.parametrize("warmup", [0.75, 2, 100])
def test_the_warm_up_of_a_fit_rises_step_by_step(name, warmup):
    """The recorded rate is that of an epoch's last step, after which the epoch is over."""
    rates = fitted(learning_rate=name, warmup=warmup).history_["learning_rate"]
    schedule, recorded = SCHEDULES[name](), fitted(learning_rate=name, warmup=warmup).history_
    for epoch, rate in enumerate(rates):
        so_far = {key: recorded[key][:epoch] for key in ("loss", "penalty")}
        expected = schedule.factor((4 * epoch + 3) / 24, epoch + 1, so_far)
        expected *= 1e-3 * min(1.0, (epoch + 1) / warmup)
        assert rate == pytest.approx(expected, rel=1e-12)


def test_the_first_step_of_a_warm_up_is_the_smallest():
    seen = []

    class Spy(WarmUp):
        def factor(self, progress, epochs, history):
            seen.append(super().factor(progress, epochs, history))
            return seen[-1]

    fitted(learning_rate=Spy(ConstantRate(), 2.0), max_iter=3)
    np.testing.assert_allclose(seen, [*np.arange(1, 9) / 8, 1, 1, 1, 1], rtol=1e-14)


@EACH
def test_no_warm_up_is_absence_to_the_bit(name):
    without = fitted(learning_rate=name).members_[0].theta
    for warmup in (0, 0.0):
        model = fitted(learning_rate=name, warmup=warmup)
        np.testing.assert_array_equal(model.members_[0].theta, without)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if not SCHEDULES[name].has_horizon])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_warm_up_goes_on_over_fits_and_calls(name, solver):
    params = {"learning_rate": name, "solver": solver, "warmup": 13.5, "dtype": "float32"}
    whole = fitted(**params, max_iter=20)
    X, y = make_regression(40, 3, noise=5.0, random_state=0)
    halves = fitted(**params, max_iter=10, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(whole.members_[0].theta, halves.members_[0].theta)
    params |= {"hidden_layer_sizes": (4,), "batch_size": 10, "random_state": 0}
    stream = RegularizedMLPRegressor(**plain(RegularizedMLPRegressor, **params))
    for _ in range(20):
        stream.partial_fit(X, y)
    np.testing.assert_array_equal(whole.members_[0].theta, stream.members_[0].theta)
    assert whole.history_["learning_rate"] == stream.history_["learning_rate"]
    assert stream.history_["learning_rate"][0] < stream.history_["learning_rate"][5]


def test_the_warm_up_of_snapshots_is_that_of_the_fit():
    model = fitted(averaging=Snapshot(2), learning_rate="cosine", warmup=2, max_iter=8)
    rates = np.array(model.members_[0].history["learning_rate"]) / 1e-3
    alone = fitted(averaging=Snapshot(2), learning_rate="cosine", max_iter=8)
    without = np.array(alone.members_[0].history["learning_rate"]) / 1e-3
    np.testing.assert_allclose(rates, without * np.minimum(1, np.arange(1, 9) / 2), rtol=1e-12)


# A factor that the history decides --------------------------------------------------------------


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
    assert factor(schedule, values=values) == pytest.approx(4.0**-cuts, rel=1e-14)


def test_adaptive_watches_the_whole_objective():
    assert factor(Adaptive(patience=2), 0.0, [3, 2, 1], [0, 0, 0]) == 1.0
    assert factor(Adaptive(patience=2), 0.0, [3, 2, 1], [0, 1, 2]) < 1.0


@pytest.mark.parametrize(
    "schedule, name",
    [
        (InverseScaling(power=0.0), "power"),
        (Adaptive(divisor=1.0), "divisor"),
        (Adaptive(patience=0), "patience"),
        (OneCycle(rise=0.0), "rise"),
        (OneCycle(rise=1.0), "rise"),
        (OneCycle(start=0.0), "start"),
        (OneCycle(end=-0.1), "end"),
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
        assert rate == pytest.approx(0.02 * schedule.factor(progress, epoch + 1, so_far), rel=1e-12)


@EACH
def test_a_name_means_the_instance_with_its_defaults(name):
    X, y = make_regression(40, 3, noise=5.0, random_state=0)
    params = {"learning_rate_init": 0.3, "solver": "sgd", "max_iter": 20, "random_state": 0}
    by_name = RegularizedMLPRegressor((4,), learning_rate=name, **params).fit(X, y)
    by_instance = RegularizedMLPRegressor((4,), learning_rate=SCHEDULES[name](), **params).fit(X, y)
    np.testing.assert_array_equal(by_name.members_[0].theta, by_instance.members_[0].theta)
