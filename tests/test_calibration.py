"""Calibration: one number, fitted on honest rows, that moves probabilities alone; and what "auto"
makes of it and of label smoothing.
"""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold

from skregnet import RegularizedMLPClassifier, ensemble_error_decomposition
from skregnet.calibration import LARGEST, SMALLEST, fit_temperature
from skregnet.exceptions import OutOfBagWarning, ValidationSetWarning

OOB = {"n_estimators": 5, "validation": "oob", "early_stopping": True}
BAGGED = {"n_estimators": 5, "bootstrap": True, "early_stopping": False}
HONEST = {  # where the rows come from that the network has not trained on
    "held out": {"early_stopping": True, "validation": 0.3},
    "auto": {"validation": 0.3},
    "splitter": {"early_stopping": True, "validation": KFold(3)},
    "held-out committee": {"n_estimators": 3, "early_stopping": True, "validation": 0.3},
    "oob": OOB,
    "bagged": BAGGED,
}
NOT_CONVERGED = pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
each_source = pytest.mark.parametrize("source", HONEST)


def rows(n_classes=2, n_rows=400, seed=0):
    return make_classification(
        n_rows, 6, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=0.05,
        random_state=seed,
    )  # fmt: skip


def multilabel(n_rows=400):
    return make_multilabel_classification(n_rows, 6, n_classes=3, random_state=0)


def soft(n_rows=400):
    X, y = rows(3, n_rows)
    return X, np.eye(3)[y] * 0.7 + 0.1


KINDS = {
    "binary": (rows, {}),
    "three classes": (lambda: rows(3), {}),
    "multilabel": (multilabel, {}),
    "soft labels": (soft, {"soft_labels": True}),
    "focal": (rows, {"loss": "focal"}),
    "lbfgs": (
        rows,
        {"solver": "lbfgs", "max_iter": 300, "tol": 0.01},
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def make(**params):
    small = {
        "hidden_layer_sizes": (16,), "max_iter": 15, "learning_rate_init": 0.01, "random_state": 0,
        "dtype": "float64", "calibration": "temperature",
    }  # fmt: skip
    return RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **small | params))


def held_out_rows(model, n_rows, y, fraction=0.3):
    """Which rows early stopping held out, found as fit finds them."""
    from skregnet.core.streams import stream
    from skregnet.training.validation import hold_out

    seed = int(stream(model._seed, "split").integers(2**31))
    return hold_out(n_rows, fraction, seed, y)[1]


# One number -------------------------------------------------------------------------------------


@pytest.mark.parametrize("planted", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("link", ["sigmoid", "softmax"])
def test_a_planted_scale_is_recovered(link, planted):
    rng = np.random.default_rng(0)
    honest = rng.normal(scale=2.0, size=(40_000, 1 if link == "sigmoid" else 4))
    if link == "sigmoid":
        Y = (rng.random(honest.shape) < expit(honest)).astype(float)
    else:
        u = rng.random((len(honest), 1))
        Y = np.eye(4)[(softmax(honest, axis=1).cumsum(axis=1) < u).sum(axis=1)]
    assert_allclose(fit_temperature(link, Y, honest * planted), planted, rtol=0.03)


def test_the_temperature_is_the_best_of_a_grid():
    rng = np.random.default_rng(1)
    raw, Y = rng.normal(size=(50, 3)), np.eye(3)[rng.integers(3, size=50)]
    raw += 0.5 * Y
    weight = rng.integers(1, 4, size=50).astype(float)

    def value(T):
        return 2 * np.log(T) ** 2 - np.sum(weight[:, None] * Y * np.log(softmax(raw / T, axis=1)))

    found = fit_temperature("softmax", Y, raw, weight)
    grid = np.exp(np.linspace(np.log(SMALLEST), np.log(LARGEST), 2001))
    assert value(found) <= min(map(value, grid))


def test_weights_are_repetitions():
    rng = np.random.default_rng(2)
    raw, Y = rng.normal(size=(60, 1)), rng.integers(2, size=(60, 1)).astype(float)
    raw += 0.5 * Y
    times = rng.integers(0, 4, size=60)
    repeated = fit_temperature("sigmoid", np.repeat(Y, times, 0), np.repeat(raw, times, 0))
    weighted = fit_temperature("sigmoid", Y, raw, times.astype(float))
    assert_allclose(weighted, repeated, rtol=1e-6)
    assert abs(fit_temperature("sigmoid", Y, raw) - weighted) > 1e-3


@pytest.mark.parametrize("right", [True, False])
def test_rows_that_are_all_right_or_wrong_make_it_sure_only_as_they_are_many(right):
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    raw = 2 * y - 1 if right else 1 - 2 * y
    few, more, many = (fit_temperature("sigmoid", y, raw, np.full(4, s)) for s in (1, 10, 1e9))
    if right:
        assert 1.0 > few > more > many and many < 2 * SMALLEST
    else:
        assert 1.0 < few < more < many and many > 0.9 * LARGEST


def test_it_is_one_where_the_rows_say_nothing():
    y = np.array([[0.0], [1.0], [1.0]])
    assert_allclose(fit_temperature("sigmoid", y, np.zeros_like(y)), 1.0, atol=1e-6)
    some = np.array([[1.0], [2.0], [-1.0]])
    assert_allclose(fit_temperature("sigmoid", y, some, np.full(3, 1e-9)), 1.0, atol=1e-6)


# What it does to predictions --------------------------------------------------------------------


@each_kind
def test_labels_stay_and_logits_are_divided(kind):
    data, params = KINDS[kind]
    X, y = data()
    held_out = {"early_stopping": True, "validation": 0.3} | params
    plain, model = (make(**held_out, calibration=c).fit(X, y) for c in (None, "temperature"))
    assert not hasattr(plain, "temperature_")
    assert isinstance(model.temperature_, float) and model.temperature_ != 1.0
    assert_array_equal(plain.coefs_[0], model.coefs_[0])
    assert_array_equal(plain.predict(X), model.predict(X))
    before = plain.decision_function(X) / model.temperature_
    if before.ndim == 1 or kind == "multilabel":
        p = expit(before)
        expected = p if kind == "multilabel" else np.column_stack([1 - p, p])
        assert_allclose(model.decision_function(X), before, rtol=1e-9)
    else:
        expected = softmax(before, axis=1)
        assert_allclose(model.decision_function(X), np.log(expected), rtol=1e-9)
    assert_allclose(model.predict_proba(X), expected, rtol=1e-9, atol=1e-14)
    assert_allclose(model.predict_log_proba(X), np.log(expected), rtol=1e-7, atol=1e-12)


@each_source
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_the_pooled_prediction_that_is_calibrated(source, n_classes):
    X, y = rows(n_classes)
    plain, model = (make(**HONEST[source], calibration=c) for c in (None, "temperature"))
    if source == "auto":
        plain.set_params(early_stopping=True)
    plain.fit(X, y), model.fit(X, y)
    assert_array_equal(plain.predict(X), model.predict(X))
    log_p = np.log(plain.predict_proba(X)) / model.temperature_
    assert_allclose(model.predict_proba(X), softmax(log_p, axis=1), rtol=1e-7)


@pytest.mark.parametrize("smoothing", [0.1, 0.2])
@pytest.mark.parametrize("params", [{"early_stopping": True, "validation": 0.2}, BAGGED, OOB])
def test_label_smoothing_no_longer_costs_log_loss(smoothing, params):
    X, y = make_classification(
        3000, 10, n_informative=8, n_classes=3, class_sep=1.5, flip_y=0.0, random_state=0
    )
    params = params | {"hidden_layer_sizes": (32,), "max_iter": 40, "dtype": "float32"}

    def loss_of(**further):
        model = make(**params | further).fit(X[:1500], y[:1500])
        return log_loss(y[1500:], model.predict_proba(X[1500:]))

    hard, smooth = (loss_of(label_smoothing=s, calibration=None) for s in (0.0, smoothing))
    assert smooth > 1.6 * hard
    assert loss_of(label_smoothing=smoothing) < 1.1 * hard


def test_the_spread_of_members_and_masks_is_that_of_calibrated_probabilities():
    X, y = rows()
    model = make(**BAGGED, keep_prob=0.8).fit(X, y)
    p, std = model.predict_proba(X, return_std=True, n_samples=4)
    raw = model._raw_outputs(X, 4)[:, :, 0]
    assert_allclose(std[:, 1], np.std(expit(raw / model.temperature_), axis=0), rtol=1e-7)
    assert_allclose(p, model.predict_proba(X, n_samples=4))


# Honest rows ------------------------------------------------------------------------------------


def test_the_temperature_is_that_of_the_rows_held_out():
    X, y = rows()
    weight = np.random.default_rng(0).integers(1, 4, size=len(y)).astype(float)
    params = {"early_stopping": True, "validation": 0.3, "class_weight": {0: 1.0, 1: 3.0}}
    plain = make(**params, calibration=None).fit(X, y, weight)
    model = make(**params).fit(X, y, weight)
    held = held_out_rows(model, len(y), y)
    s = weight * np.where(y == 1, 3.0, 1.0)
    raw = plain.decision_function(X)[:, None]
    by_hand = fit_temperature("sigmoid", y[held, None], raw[held], s[held])
    assert_allclose(model.temperature_, by_hand, rtol=1e-6)
    everything = fit_temperature("sigmoid", y[:, None], raw, s)
    assert abs(everything - by_hand) > 1e-3  # else the line above shows nothing


def test_the_temperature_is_that_of_the_rows_given():
    X, y = rows(3, 300)
    X_val, y_val = rows(3, 200, seed=1)
    given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": np.arange(200.0)}
    plain = make(calibration=None).fit(X, y, **given)
    model = make().fit(X, y, **given)
    raw = plain.decision_function(X_val)
    by_hand = fit_temperature("softmax", np.eye(3)[y_val], raw, np.arange(200.0))
    assert_allclose(model.temperature_, by_hand, rtol=1e-6)


@pytest.mark.parametrize("params", [BAGGED, OOB])
@pytest.mark.parametrize("bag", [{}, {"bootstrap": False, "max_samples": 0.5}])
def test_the_temperature_is_that_of_out_of_bag_rows(params, bag):
    from skregnet.committee import Bootstrap
    from skregnet.core.streams import stream

    X, y = rows()
    model = make(**params | bag).fit(X, y)
    draw = Bootstrap(model.bootstrap, model.max_samples)
    drawn = np.array([draw(stream(model._seed, "draw", i), len(y)) for i in range(5)])
    p = expit(model._raw_outputs(X)[:, :, 0])
    known = (drawn == 0).any(axis=0)
    assert known.sum() < len(y)
    p = np.array([p[drawn[:, i] == 0, i].mean() for i in np.flatnonzero(known)])
    raw = np.log(p / (1 - p))[:, None]
    by_hand = fit_temperature("sigmoid", y[known][:, None], raw)
    assert_allclose(model.temperature_, by_hand, rtol=1e-6)


def test_a_refit_keeps_the_temperature_of_the_first_fit():
    X, y = rows()
    params = {"early_stopping": True, "validation": 0.3}
    first, again = make(**params).fit(X, y), make(**params, refit=True).fit(X, y)
    assert again.temperature_ == first.temperature_
    assert not np.array_equal(first.coefs_[0], again.coefs_[0])


def test_early_stopping_auto_holds_rows_out_where_calibration_needs_them():
    X, y = rows(n_rows=200)
    plain = make(calibration=None).fit(X, y)
    assert plain.best_iteration_ is None
    assert make().fit(X, y).best_iteration_ is not None
    # A bag leaves rows out, so every member trains to the end.
    bagged = make(n_estimators=5, bootstrap=True).fit(X, y)
    assert all(member.best_iteration is None for member in bagged.members_)


def test_out_of_bag_figures_are_calibrated():
    X, y = rows()
    plain, model = (
        make(**BAGGED, oob_score="neg_log_loss", calibration=c) for c in (None, "temperature")
    )
    with pytest.warns(OutOfBagWarning):
        plain.fit(X, y)
    with pytest.warns(OutOfBagWarning):
        model.fit(X, y)
    known = ~np.isnan(plain.oob_decision_function_[:, 0])
    log_p = np.log(plain.oob_decision_function_[known]) / model.temperature_
    expected = softmax(log_p, axis=1)
    assert_allclose(model.oob_decision_function_[known], expected, rtol=1e-7)
    assert_allclose(model.oob_score_, -log_loss(y[known], expected))
    assert model.oob_score_ > plain.oob_score_


def test_a_scorer_watches_the_network_as_it_is():
    # A temperature of the last fit says nothing about the weights of this one.
    X, y = rows()
    params = {"early_stopping": True, "validation": 0.3, "warm_start": True, "max_iter": 5}
    plain, model = (
        make(**params, monitor="neg_log_loss", calibration=c) for c in (None, "temperature")
    )
    for _ in range(2):
        plain.fit(X, y)
        model.fit(X, y)
    assert plain.validation_scores_ == model.validation_scores_


# Switched on where it cannot act ----------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": False},
        {"averaging": "swa"},
        {"averaging": "snapshot"},
        {"early_stopping": False, "n_estimators": 5, "bootstrap": False},
        {"loss": "hinge"},
        {"voting": "hard", "n_estimators": 3},
        {"loss": "hinge", "voting": "hard", "n_estimators": 3},
    ],
)
def test_it_raises_by_name(params):
    with pytest.raises(ValueError, match="'calibration' parameter cannot be used here"):
        make(**params).fit(*rows())


def test_it_raises_where_rows_cannot_be_spared():
    X, y = rows(n_rows=4)
    with pytest.raises(ValueError, match="'calibration'.*4 training rows cannot spare"):
        make(validation=0.1).fit(X, y)


def test_it_raises_where_every_member_drew_every_row():
    X, y = rows(n_rows=2, seed=3)
    with pytest.raises(ValueError, match="'calibration'.*drawn by every member"):
        make(n_estimators=2, bootstrap=False, max_samples=2, early_stopping=False).fit(X, y)


def test_partial_fit_raises_and_forgets():
    X, y = rows()
    with pytest.raises(ValueError, match="'calibration'.*partial_fit"):
        make().partial_fit(X, y, classes=[0, 1])
    model = make().fit(X, y)
    with pytest.raises(ValueError, match="'calibration'.*partial_fit"):
        model.partial_fit(X, y)
    assert model.temperature_ > 0  # left as it was
    model.set_params(calibration=None).partial_fit(X, y)
    assert not hasattr(model, "temperature_")


def test_going_on_with_other_rows_held_out_raises():
    X, y = rows()
    model = make(**BAGGED, warm_start=True, calibration=None).fit(X, y)
    model.set_params(calibration="temperature", n_estimators=6)
    model.fit(X, y)  # each member keeps its draw, and the sixth has one of its own
    other = make(warm_start=True, calibration=None, early_stopping=False).fit(X, y)
    other.set_params(calibration="temperature", early_stopping="auto")
    with pytest.raises(ValueError, match="other rows held out"):
        other.fit(X, y)


# "auto" -----------------------------------------------------------------------------------------


def as_it_comes(**params):
    """A small network with everything else at its default."""
    small = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
    return RegularizedMLPClassifier(**small | params)


def same(a, b):
    """Whether two models hold the same members, and the same temperature if any, to the bit."""
    pairs = zip(a.members_, b.members_, strict=True)
    temperatures = [vars(model).get("temperature_") for model in (a, b)]
    return temperatures[0] == temperatures[1] and all(
        np.array_equal(s.theta, t.theta) for s, t in pairs
    )


AUTO_CALIBRATES = {  # name: (rows, hyperparameters)
    "enough rows": (500, {}),
    "splitter, three classes": (500, {"early_stopping": True, "validation": KFold(3)}),
    "out-of-bag": (500, OOB),
    "committee": (500, {"n_estimators": 2}),
    "lbfgs": (500, {"solver": "lbfgs"}),
    "another start": (500, {"init": "he"}),
}
AUTO_DOES_NOT = {
    "too few rows": (499, {}),
    "too few rows to say much": (499, {"early_stopping": True}),
    "none held out": (500, {"early_stopping": False}),
    "none held out of bags": (500, BAGGED),
    "snapshots": (500, {"averaging": "snapshot", "max_iter": 5}),
    "hinge": (500, {"loss": "hinge"}),
    "votes": (500, {"voting": "hard", "n_estimators": 2}),
}


@pytest.mark.parametrize("name", AUTO_CALIBRATES)
@NOT_CONVERGED
def test_auto_is_a_temperature_where_enough_rows_are_held_out(name):
    n_rows, params = AUTO_CALIBRATES[name]
    X, y = rows(3 if "three" in name else 2, n_rows)
    model = as_it_comes(**params).fit(X, y)
    assert model.temperature_ != 1.0
    assert same(model, as_it_comes(**params, calibration="temperature").fit(X, y))


@pytest.mark.parametrize("name", AUTO_DOES_NOT)
def test_auto_is_none_where_a_temperature_cannot_be_trusted_or_cannot_act(name):
    n_rows, params = AUTO_DOES_NOT[name]
    X, y = rows(2, n_rows)
    model = as_it_comes(**params).fit(X, y)
    assert not hasattr(model, "temperature_")
    assert same(model, as_it_comes(**params, calibration=None).fit(X, y))


@pytest.mark.parametrize("n_rows, on", [(500, True), (499, False)])
def test_auto_counts_training_rows_also_where_others_validate(n_rows, on):
    X, y = rows(n_rows=n_rows + 100)
    model = as_it_comes().fit(X[100:], y[100:], X_val=X[:100], y_val=y[:100])
    assert hasattr(model, "temperature_") == on


def test_auto_is_none_in_a_stream():
    X, y = rows(n_rows=600)
    streams = [as_it_comes(), as_it_comes(label_smoothing=0.1)]
    for model in streams:
        model.partial_fit(X, y, classes=[0, 1], X_val=X[:100], y_val=y[:100])
        assert not hasattr(model, "temperature_")
    assert same(*streams)
    # A temperature of the last fit belongs to other weights.
    model = as_it_comes(warm_start=True).fit(X, y)
    assert hasattr(model, "temperature_")
    assert not hasattr(model.partial_fit(X, y), "temperature_")


def test_auto_is_none_where_rows_cannot_be_spared():
    X, y = rows(3, 600)
    model = as_it_comes(validation=1e-3)  # one row cannot stand for three classes
    with pytest.warns(ValidationSetWarning, match="cannot spare"):
        model.fit(X, y)
    assert not hasattr(model, "temperature_")
    smoothed = as_it_comes(validation=1e-3, label_smoothing=0.1, refit=False)
    with pytest.warns(ValidationSetWarning, match="cannot spare"):
        smoothed.fit(X, y)
    assert same(model, smoothed)


SMOOTHED = {  # name: (what "auto" is, rows, hyperparameters)
    "calibrated": (0.05, 500, {}),
    "calibrated, binary": (0.05, 500, {}),
    "calibrated because told to": (0.05, 200, {"calibration": "temperature"}),
    "calibrated out of bags": (0.05, 200, BAGGED | {"calibration": "temperature"}),
    "held out, not calibrated": (0.1, 500, {"calibration": None}),
    "few rows": (0.1, 499, {}),
    "none held out": (0.1, 500, {"early_stopping": False}),
    "another start": (0.0, 500, {"init": "he"}),
    "another start, few rows": (0.0, 100, {"init": "lecun"}),
    "sgd": (0.0, 500, {"solver": "sgd"}),
    "lbfgs": (0.0, 500, {"solver": "lbfgs"}),
    "no hidden layer": (0.0, 500, {"hidden_layer_sizes": ()}),
}


@pytest.mark.parametrize("name", SMOOTHED)
@NOT_CONVERGED
def test_auto_smooths_labels_less_where_a_temperature_takes_it_back(name):
    eps, n_rows, params = SMOOTHED[name]
    X, y = rows(2 if "binary" in name else 3, n_rows)
    model = as_it_comes(**params).fit(X, y)
    for value in (0.0, 0.05, 0.1):
        other = as_it_comes(**params, label_smoothing=value).fit(X, y)
        assert same(model, other) == (value == eps)


# A good citizen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["held out", "bagged"])
def test_copies_predict_the_same(source):
    X, y = rows(3)
    model = make(**HONEST[source]).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    fresh = clone(model)
    assert not hasattr(fresh, "temperature_")
    assert fresh.fit(X, y).temperature_ == model.temperature_


def test_a_fit_without_it_forgets_the_temperature():
    X, y = rows()
    model = make(early_stopping=True).fit(X, y).set_params(calibration=None).fit(X, y)
    plain = make(early_stopping=True, calibration=None).fit(X, y)
    assert not hasattr(model, "temperature_")
    assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_the_decomposition_of_a_committee_is_that_of_its_members():
    X, y = rows()
    plain, model = (make(**BAGGED, calibration=c).fit(X, y) for c in (None, "temperature"))
    a, b = (ensemble_error_decomposition(m, X, y) for m in (plain, model))
    assert (a.v, a.c, a.error) == (b.v, b.c, b.error)
