"""regularization_schedule: the factor of dropout and of decoupled decay over a run."""

import numpy as np
import pytest
from plain import PLAIN

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor, check_gradients
from skregnet.core.dropout import Dropout
from skregnet.core.workspace import Workspace
from skregnet.exceptions import IgnoredParameterWarning
from skregnet.training.schedules import FlatCosine

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)


def rows(n_rows=40):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    return X, (X[:, 0] > 0).astype(int)


def make(cls, **params):
    small = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0, "activation": "tanh"}
    return cls(**PLAIN | small | {"regularization_schedule": "flat_cos"} | params)


def test_flat_cosine_is_its_formula():
    progress = np.linspace(0.0, 1.0, 101)
    factors = np.array([FlatCosine().factor(t, 0.0, {}) for t in progress])
    np.testing.assert_array_equal(factors[progress <= 0.5], 1.0)
    late = progress > 0.5
    np.testing.assert_allclose(
        factors[late], 0.5 * (1.0 + np.cos(np.pi * (2.0 * progress[late] - 1.0))), atol=1e-15
    )
    assert factors[-1] == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("strength", [1.0, 0.5, 0.1, 0.0])
def test_dropout_drops_with_the_strength_times_its_probability(strength):
    ws = Workspace(np.float64, np.random.default_rng(0))
    ws.train = ws.masked = True
    ws.strength = strength
    Y = Dropout(0.6).forward(np.ones((500, 400)), None, ws)
    p = 1.0 - 0.4 * strength
    np.testing.assert_allclose(np.mean(Y != 0), p, atol=5 * np.sqrt(0.25 / Y.size))
    np.testing.assert_allclose(np.unique(Y[Y != 0]), 1.0 / p)


def test_decay_is_multiplied_by_the_factor_of_each_step():
    """With a rate so small that nothing but decay moves the weights."""
    X, y = rows()
    rate, decay, n_epochs, n_batches = 1e-12, 1e10, 8, 2
    model = make(
        RegularizedMLPRegressor, weight_decay=decay, learning_rate_init=rate, batch_size=20, alpha=0
    )
    start = make(
        RegularizedMLPRegressor, learning_rate_init=rate, batch_size=20, max_iter=1, alpha=0,
        regularization_schedule="constant",
    ).fit(X, y)  # fmt: skip
    n_steps = n_epochs * n_batches
    factors = [FlatCosine().factor(i / n_steps, 0.0, {}) for i in range(n_steps)]
    expected = np.prod([1.0 - rate * decay * factor for factor in factors])
    shrunk = model.fit(X, y).coefs_[0] / start.coefs_[0]
    np.testing.assert_allclose(shrunk, expected, rtol=1e-7)


@estimators
def test_the_first_half_is_that_of_a_constant_strength(cls):
    X, y = rows()
    on = {"keep_prob": 0.6, "input_keep_prob": 0.9, "weight_decay": 0.1}
    flat, constant = (
        make(cls, regularization_schedule=name, **on).fit(X, y).loss_curve_
        for name in ("flat_cos", "constant")
    )
    assert flat[:4] == constant[:4]
    assert all(a != b for a, b in zip(flat[5:], constant[5:], strict=True))


@estimators
def test_at_the_end_nothing_is_dropped(cls):
    X, y = rows(400)
    model = make(cls, keep_prob=0.5, max_iter=200, learning_rate_init=1e-12, batch_size=400)
    losses = model.fit(X, y).loss_curve_
    plain = make(
        cls, max_iter=1, learning_rate_init=1e-12, batch_size=400,
        regularization_schedule="constant",
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(losses[-1], plain.loss_curve_[0], rtol=1e-2)
    assert np.std(losses[:100]) > 10 * np.std(losses[-10:])


@estimators
def test_each_fit_of_a_warm_start_begins_anew(cls):
    X, y = rows()
    on = {"weight_decay": 1e10, "learning_rate_init": 1e-12, "alpha": 0, "batch_size": 40}
    first = make(cls, warm_start=True, **on).fit(X, y)
    once = first.coefs_[0].copy()
    twice = first.fit(X, y).coefs_[0]
    start = make(
        cls, max_iter=1, learning_rate_init=1e-12, alpha=0, batch_size=40,
        regularization_schedule="constant",
    ).fit(X, y).coefs_[0]  # fmt: skip
    np.testing.assert_allclose(twice / once, once / start, rtol=1e-6)


def test_what_is_left_of_a_run_stays_whole():
    """The check of the gradient and Monte-Carlo masks see the probability as given."""
    X, y = rows()
    scheduled = make(RegularizedMLPRegressor, keep_prob=0.5).fit(X, y)
    assert check_gradients(scheduled, X, y).passed
    _, spread = scheduled.predict(X, return_std=True, n_samples=50)
    assert np.all(spread > 0)


@estimators
def test_it_needs_a_horizon_and_something_to_act_on(cls):
    X, y = rows()
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    with pytest.raises(ValueError, match="'regularization_schedule' parameter cannot be used"):
        make(cls, keep_prob=0.5).partial_fit(X, y, **classes)
    with pytest.warns(IgnoredParameterWarning, match="neither dropout nor weight decay"):
        make(cls).fit(X, y)
