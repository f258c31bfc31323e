"""Averages along one run, against formulas by hand on the weights of each step."""

from copy import copy

import numpy as np
import pytest
from plain import plain
from sklearn.datasets import make_classification, make_regression

from skregnet import (
    EMA,
    SWA,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    Snapshot,
)
from skregnet.core.objective import Objective
from skregnet.exceptions import IgnoredParameterWarning
from skregnet.training.averaging import AVERAGINGS
from skregnet.training.trainer import Run

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)
OF_WEIGHTS = pytest.mark.parametrize("averaging", [n for n in AVERAGINGS if n != "snapshot"])


def problem(kind, n_rows=80):
    if kind == "classifier":
        return make_classification(n_rows, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_rows, 6, noise=20.0, random_state=0)


def make(kind, **params):
    """Four batches an epoch."""
    cls = ESTIMATORS[kind]
    small = {
        "hidden_layer_sizes": (8,), "max_iter": 12, "learning_rate_init": 0.02, "batch_size": 20,
        "random_state": 0, "early_stopping": False, "dtype": "float64",
    }  # fmt: skip
    return cls(**plain(cls, **small | params))


def thetas(model):
    return [member.theta for member in model.members_]


def same(a, b):
    """Whether two models hold the same members to the bit."""
    return all(np.array_equal(s, t) for s, t in zip(thetas(a), thetas(b), strict=True))


@pytest.fixture
def course(monkeypatch):
    """The weights and offsets after each step and after each epoch of the next fits."""
    seen = {"steps": [], "epochs": []}

    def prox(self, theta, step, original=Objective.prox):  # the last act of a step
        original(self, theta, step)
        seen["steps"].append(theta.trainable.copy())

    def end_epoch(self, *args, original=Run.end_epoch):  # before the callbacks
        seen["epochs"].append(self.theta.trainable.copy())
        return original(self, *args)

    monkeypatch.setattr(Objective, "prox", prox)
    monkeypatch.setattr(Run, "end_epoch", end_epoch)
    return seen


# The formulas ---------------------------------------------------------------------------------


def ema_by_hand(steps, decay):
    """The average after each step."""
    average, averages = steps[0], []
    for t, weights in enumerate(steps):
        d = min(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * weights
        averages.append(average)
    return averages


def trainable(model, member=0):
    member = model.members_[member]
    return member.theta[: member.network.layout.n_trainable]


@BOTH
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("params", [{}, {"solver": "sgd"}, {"l1_ratio": 1.0, "alpha": 1}], ids=str)
def test_ema_is_the_moving_average_of_the_weights_after_each_step(kind, decay, params, course):
    X, y = problem(kind)
    model = make(kind, averaging=EMA(decay), **params).fit(X, y)
    assert len(course["steps"]) == 48
    expected = ema_by_hand(course["steps"], decay)[-1]
    np.testing.assert_allclose(trainable(model), expected, rtol=1e-10, atol=1e-14)
    if decay:
        assert np.linalg.norm(expected - course["steps"][-1]) > 1e-3


def test_ema_of_a_short_run_forgets_the_start(course):
    X, y = problem("regressor")
    model = make("regressor", averaging=EMA(0.9999), max_iter=50).fit(X, y)
    first, last = course["steps"][0], course["steps"][-1]
    # 200 steps are too few for a plain average with decay 0.9999, which would be 98% the start.
    distance = np.linalg.norm(trainable(model) - last)
    assert distance < 0.5 * np.linalg.norm(first - last)


@BOTH
@pytest.mark.parametrize("begin, first", [(0.75, 9), (0.5, 6), (0.0, 1), (0.6, 8), (0.99, 12)])
def test_swa_is_the_mean_of_the_weights_at_the_ends_of_late_epochs(kind, begin, first, course):
    X, y = problem(kind)
    model = make(kind, averaging=SWA(begin)).fit(X, y)
    expected = np.mean(course["epochs"][first - 1 :], axis=0)
    np.testing.assert_allclose(trainable(model), expected, rtol=1e-10, atol=1e-14)


@BOTH
def test_names_stand_for_the_defaults(kind):
    X, y = problem(kind)
    for name, instance in [("ema", EMA(0.999)), ("swa", SWA(0.75)), ("snapshot", Snapshot(5))]:
        assert same(make(kind, averaging=name).fit(X, y), make(kind, averaging=instance).fit(X, y))


@BOTH
@OF_WEIGHTS
def test_members_are_averaged_each_on_its_own(kind, averaging, course):
    X, y = problem(kind)
    model = make(kind, averaging=averaging, n_estimators=3).fit(X, y)
    n_steps, n_epochs = len(course["steps"]) // 3, 12
    for i in range(3):
        if averaging == "ema":
            expected = ema_by_hand(course["steps"][i * n_steps : (i + 1) * n_steps], 0.999)[-1]
        else:
            expected = np.mean(course["epochs"][i * n_epochs + 8 : (i + 1) * n_epochs], axis=0)
        np.testing.assert_allclose(trainable(model, i), expected, rtol=1e-10, atol=1e-14)


@BOTH
@OF_WEIGHTS
@pytest.mark.parametrize("params", [{}, {"batchnorm": True, "keep_prob": 0.8}], ids=str)
def test_averaging_only_watches_the_run(kind, averaging, params):
    X, y = problem(kind)
    averaged = make(kind, averaging=averaging, warm_start=True, **params).fit(X, y)
    bare = make(kind, warm_start=True, **params).fit(X, y)
    assert averaged.loss_curve_ == bare.loss_curve_
    np.testing.assert_array_equal(averaged.members_[0].state.theta, bare.members_[0].state.theta)
    assert not same(averaged, bare)


@BOTH
def test_one_snapshot_is_the_run_itself_to_the_bit(kind):
    X, y = problem(kind)
    once = make(kind, averaging=Snapshot(1), learning_rate="cosine").fit(X, y)
    assert same(once, make(kind, learning_rate="cosine").fit(X, y))


# Batch normalization --------------------------------------------------------------------------


def statistics_by_hand(model, X):
    """Mean and variance of the hidden units before normalization, over all rows."""
    Z = model.input_scale_.transform(X, np.float64) @ model.coefs_[0]
    return Z.mean(axis=0), Z.var(axis=0)


def statistics(model):
    norm = model.members_[0].vector.layers[1]
    return norm.moments


@BOTH
@OF_WEIGHTS
def test_statistics_are_those_of_the_averaged_weights_on_the_training_rows(kind, averaging):
    X, y = problem(kind)
    model = make(kind, averaging=averaging, batchnorm=True, batch_size=80).fit(X, y)
    for found, expected in zip(statistics(model), statistics_by_hand(model, X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    # Those of the run belong to other weights.
    running = make(kind, batchnorm=True, batch_size=80).fit(X, y)
    assert np.abs(statistics(running)[1] / statistics(model)[1] - 1).max() > 0.01


@OF_WEIGHTS
def test_statistics_count_rows_by_their_weights(averaging):
    X, y = problem("regressor")
    weight = np.random.default_rng(0).uniform(0.1, 3.0, 80)
    model = make("regressor", averaging=averaging, batchnorm=True, batch_size=80).fit(X, y, weight)
    Z = model.input_scale_.transform(X, np.float64) @ model.coefs_[0]
    mean = np.average(Z, axis=0, weights=weight)
    variance = np.average((Z - mean) ** 2, axis=0, weights=weight)
    np.testing.assert_allclose(statistics(model)[0], mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(statistics(model)[1], variance, rtol=1e-9)


@OF_WEIGHTS
def test_statistics_are_those_of_all_rows_though_the_table_is_sorted(averaging):
    X, y = problem("regressor", n_rows=800)
    order = np.argsort(X[:, 0])
    X, y = X[order], y[order]
    model = make("regressor", averaging=averaging, batchnorm=True, max_iter=3).fit(X, y)
    mean, variance = statistics_by_hand(model, X)
    # Statistics of 40 batches of 20 rows are not those of 800 rows, but near them.
    np.testing.assert_allclose(statistics(model)[0], mean, atol=0.1 * np.sqrt(variance).max())
    np.testing.assert_allclose(statistics(model)[1], variance, rtol=0.15)


@OF_WEIGHTS
@pytest.mark.parametrize(
    "drawing",
    [{"input_keep_prob": 0.5}, {"weight_noise": 0.5}, {"augmentation": "gaussian_noise"}],
    ids=str,
)
def test_nothing_is_drawn_for_the_statistics(averaging, drawing):
    X, y = problem("regressor")
    model = make(
        "regressor", averaging=averaging, batchnorm="after", batch_size=80, activation="tanh",
        **drawing,
    ).fit(X, y)  # fmt: skip
    hidden = np.tanh(
        model.input_scale_.transform(X, np.float64) @ model.coefs_[0] + model.intercepts_[0]
    )
    (norm,) = [layer for layer in model.members_[0].vector.layers if hasattr(layer, "moments")]
    np.testing.assert_allclose(norm.moments[0], hidden.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(norm.moments[1], hidden.var(axis=0), rtol=1e-9)


# Early stopping -------------------------------------------------------------------------------


@BOTH
@OF_WEIGHTS
@pytest.mark.parametrize("batchnorm", [False, True])
def test_early_stopping_evaluates_the_average(kind, averaging, batchnorm, course):
    X, y = problem(kind)
    seen = []

    def monitor(model, X, y):
        seen.append(copy(model.members_[0]))
        return -abs(len(seen) - 10)  # the tenth epoch is the best

    model = make(
        kind, averaging=averaging, batchnorm=batchnorm, early_stopping=True, monitor=monitor,
    ).fit(X, y)  # fmt: skip
    n_trainable = len(course["steps"][0])
    for epoch, member in enumerate(seen, start=1):
        if averaging == "ema":
            expected = ema_by_hand(course["steps"], 0.999)[epoch * len(course["steps"]) // 12 - 1]
        elif epoch < 9:  # SWA has not begun
            expected = course["epochs"][epoch - 1]
        else:
            expected = np.mean(course["epochs"][8:epoch], axis=0)
        np.testing.assert_allclose(member.theta[:n_trainable], expected, rtol=1e-10, atol=1e-14)
    assert model.best_iteration_ == 10
    np.testing.assert_array_equal(model.members_[0].theta, seen[9].theta)


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_swa_that_never_began_warns(kind, n_estimators):
    X, y = problem(kind)
    params = {
        "early_stopping": True, "n_iter_no_change": 2, "n_estimators": n_estimators,
        "monitor": lambda model, X, y: 0.0,  # never better: stopped after 3 epochs
    }  # fmt: skip
    model = make(kind, averaging="swa", **params)
    with pytest.warns(IgnoredParameterWarning, match="averaging='swa' has no effect") as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert [member.n_iter for member in model.members_] == [3] * n_estimators
    assert same(model, make(kind, **params).fit(X, y))


# Snapshots ------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_snapshots_are_the_networks_at_the_ends_of_cycles(kind, n_estimators, course):
    X, y = problem(kind)
    model = make(kind, averaging=Snapshot(4), n_estimators=n_estimators).fit(X, y)
    ends = [12 * i + epoch for i in range(n_estimators) for epoch in (3, 6, 9, 12)]
    assert len(model.members_) == len(ends)
    for member, end in zip(model.members_, ends, strict=True):
        np.testing.assert_array_equal(member.theta, course["epochs"][end - 1])


def test_snapshots_predict_as_a_committee():
    X, y = problem("regressor")
    model = make("regressor", averaging="snapshot").fit(X, y)
    own = []
    for member in model.members_:
        view = copy(model)
        view.members_ = [member]
        own.append(view.predict(X))
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, np.mean(own, axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, np.std(own, axis=0), rtol=1e-9)
    X, y = problem("classifier")
    model = make("classifier", averaging="snapshot").fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)
    with pytest.raises(AttributeError, match="committee of 5 has no 'coefs_'"):
        _ = model.coefs_


@pytest.mark.parametrize("n_snapshots, max_iter", [(4, 12), (5, 25), (1, 6)])
def test_a_schedule_with_a_horizon_starts_anew_in_each_cycle(n_snapshots, max_iter):
    X, y = problem("regressor")
    model = make(
        "regressor", averaging=Snapshot(n_snapshots), learning_rate="cosine", max_iter=max_iter
    ).fit(X, y)
    length = max_iter // n_snapshots
    # Recorded is the rate of the last of four steps of an epoch.
    progress = ((np.arange(max_iter) % length) * 4 + 3) / (4 * length)
    expected = 0.02 * (1 + np.cos(np.pi * progress)) / 2
    rates = model.members_[0].history["learning_rate"]
    np.testing.assert_allclose(rates, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n_snapshots, max_iter", [(3, 10), (4, 30), (5, 12), (7, 50)])
def test_cycles_of_unequal_length_end_where_their_networks_are_kept(n_snapshots, max_iter, course):
    X, y = problem("regressor")
    model = make(
        "regressor", averaging=Snapshot(n_snapshots), learning_rate="cosine", max_iter=max_iter
    ).fit(X, y)
    assert len(model.members_) == n_snapshots
    epochs = [
        next(i for i, theta in enumerate(course["epochs"]) if np.array_equal(theta, member.theta))
        for member in model.members_
    ]
    assert epochs[-1] == max_iter - 1
    rates = np.array(model.members_[0].history["learning_rate"])
    for end in epochs[:-1]:
        assert rates[end] < rates[end + 1]  # the next cycle has begun
        assert rates[end] <= rates[max(end - 1, 0)]


def test_a_schedule_without_a_horizon_goes_on_through_the_cycles():
    X, y = problem("regressor")
    model = make("regressor", averaging=Snapshot(3), learning_rate="invscaling").fit(X, y)
    rates = model.members_[0].history["learning_rate"]
    np.testing.assert_allclose(rates, 0.02 / np.sqrt(np.arange(1, 13)), rtol=1e-12)


def test_votes_are_those_of_all_snapshots_of_all_members():
    X, y = problem("classifier")
    model = make("classifier", averaging=Snapshot(2), n_estimators=3, voting="hard").fit(X, y)
    shares = model.predict_proba(X) * 6
    np.testing.assert_allclose(shares, np.round(shares), atol=1e-9)
    assert np.any((shares > 0.5) & (shares < 5.5))


def test_one_network_with_snapshots_may_vote():
    X, y = problem("classifier")
    model = make("classifier", averaging=Snapshot(4), voting="hard").fit(X, y)
    shares = model.predict_proba(X) * 4
    np.testing.assert_allclose(shares, np.round(shares), atol=1e-9)


# Warm start and streams -----------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "params", [{}, {"batchnorm": True, "keep_prob": 0.8}, {"n_estimators": 2}], ids=str
)
def test_a_warm_start_of_10_and_10_epochs_is_20_to_the_bit(kind, params):
    X, y = problem(kind)
    params |= {"averaging": EMA(0.95), "warm_start": True}
    twice = make(kind, max_iter=10, **params).fit(X, y).fit(X, y)
    assert same(twice, make(kind, max_iter=20, **params).fit(X, y))


def test_swa_starts_anew_in_each_fit_of_a_warm_start(course):
    X, y = problem("regressor")
    model = make("regressor", averaging="swa", warm_start=True).fit(X, y).fit(X, y)
    assert model.n_iter_ == 24
    # SWA has a horizon, as a cosine rate has: late are the last epochs of the fit at hand.
    np.testing.assert_allclose(trainable(model), np.mean(course["epochs"][20:], axis=0), rtol=1e-10)


def test_a_warm_start_may_change_the_decay(course):
    X, y = problem("regressor")
    model = make("regressor", averaging=EMA(0.9), warm_start=True).fit(X, y)
    model.set_params(averaging=EMA(0.3)).fit(X, y)
    average = ema_by_hand(course["steps"][:48], 0.9)[-1]
    for weights in course["steps"][48:]:
        average = 0.3 * average + 0.7 * weights
    np.testing.assert_allclose(trainable(model), average, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("before, after", [("ema", None), (None, "ema"), ("ema", "swa")])
def test_a_warm_start_may_change_the_averaging(before, after, course):
    X, y = problem("regressor")
    model = make("regressor", averaging=before, warm_start=True).fit(X, y)
    model.set_params(averaging=after).fit(X, y)
    if after is None:
        expected = course["epochs"][-1]
    elif after == "swa":
        expected = np.mean(course["epochs"][20:], axis=0)
    else:
        expected = ema_by_hand(course["steps"][48:], 0.999)[-1]
    np.testing.assert_allclose(trainable(model), expected, rtol=1e-10, atol=1e-14)


@BOTH
def test_a_stream_is_averaged_over_its_steps(kind, course):
    X, y = problem(kind)
    classes = {"classes": [0, 1, 2]} if kind == "classifier" else {}
    model = make(kind, averaging="ema", early_stopping="auto")
    for i in range(0, 80, 20):
        model.partial_fit(X[i : i + 20], y[i : i + 20], **classes)
    assert len(course["steps"]) == 4
    expected = ema_by_hand(course["steps"], 0.999)[-1]
    np.testing.assert_allclose(trainable(model), expected, rtol=1e-10, atol=1e-14)


# What cannot be averaged ----------------------------------------------------------------------


@pytest.mark.parametrize("averaging", AVERAGINGS)
def test_lbfgs_has_no_steps_to_average(averaging):
    X, y = problem("regressor")
    model = RegularizedMLPRegressor(solver="lbfgs", averaging=averaging)
    with pytest.raises(ValueError, match="'averaging' parameter cannot be used here: .*lbfgs"):
        model.fit(X, y)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"early_stopping": True}, "set early_stopping=False"),
        ({"warm_start": True}, "set warm_start=False"),
        ({"max_iter": 4}, "max_iter=4 is less than n_snapshots"),
    ],
    ids=str,
)
def test_snapshots_raise_where_they_cannot_act(params, message):
    X, y = problem("regressor")
    with pytest.raises(ValueError, match=f"'averaging' parameter cannot be used here: .*{message}"):
        make("regressor", averaging="snapshot", **params).fit(X, y)


def test_snapshots_and_given_validation_rows_raise():
    X, y = problem("regressor")
    model = make("regressor", averaging="snapshot", early_stopping="auto")
    with pytest.raises(ValueError, match="'averaging' parameter cannot be used here"):
        model.fit(X, y, X_val=X, y_val=y)


def test_auto_early_stopping_is_off_with_snapshots():
    X, y = problem("regressor", n_rows=1200)
    model = make("regressor", averaging="snapshot", early_stopping="auto", batch_size=400)
    assert model.fit(X, y).members_[0].validation_scores is None
    assert len(model.members_) == 5


@BOTH
@pytest.mark.parametrize("averaging", [n for n, kind in AVERAGINGS.items() if kind.needs_horizon])
def test_a_stream_has_no_horizon(kind, averaging):
    X, y = problem(kind)
    classes = {"classes": [0, 1, 2]} if kind == "classifier" else {}
    with pytest.raises(ValueError, match="'averaging' parameter cannot be used here: partial_fit"):
        make(kind, averaging=averaging).partial_fit(X, y, **classes)


@pytest.mark.parametrize(
    "averaging",
    [EMA(1.0), EMA(-0.1), SWA(1.0), SWA(-0.1), Snapshot(0), "mean", 0.9],
    ids=repr,
)
def test_values_out_of_range_raise(averaging):
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="decay|begin|n_snapshots|averaging"):
        make("regressor", averaging=averaging).fit(X, y)


def test_a_committee_of_one_run_warns_of_nothing_but_what_has_no_effect():
    X, y = problem("regressor")
    model = make("regressor", averaging="snapshot", max_samples=0.5)
    with pytest.warns(IgnoredParameterWarning, match="max_samples=0.5 has no effect") as caught:
        model.fit(X, y)
    assert len(caught) == 1
