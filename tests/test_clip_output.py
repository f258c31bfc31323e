"""clip_output: predictions within the range of the training targets, also when watched."""

import numpy as np
import pytest
from plain import PLAIN

from skregnet import RegularizedMLPRegressor

EXTREME = PLAIN | {
    "hidden_layer_sizes": (8,), "learning_rate_init": 0.1, "max_iter": 20, "random_state": 0,
}  # fmt: skip
TWO = {"n_estimators": 2}


def rows(n_rows=200, n_targets=1):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    Y = np.abs(X @ rng.normal(size=(3, n_targets)) + rng.normal(size=(n_rows, n_targets))) + 0.1
    return X, Y[:, 0] if n_targets == 1 else Y


CASES = {
    "squared": {},
    "not scaled": {"target_scaling": None},
    "poisson": {"loss": "poisson"},
    "gamma": {"loss": "gamma"},
    "huber": {"loss": "huber"},
}


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("params", CASES.values(), ids=CASES)
def test_predictions_are_those_without_cut_to_the_range(params, n_targets):
    X, Y = rows(n_targets=n_targets)
    free, clipped = (
        RegularizedMLPRegressor(clip_output=on, **EXTREME, **params).fit(X, Y)
        for on in (False, True)
    )
    far = 5.0 * X
    raw = free.predict(far)
    assert np.any(raw > Y.max(axis=0))
    low, high = Y.min(axis=0), Y.max(axis=0)
    np.testing.assert_array_equal(clipped.predict(far), np.clip(raw, low, high))


def test_members_are_cut_one_by_one():
    X, y = rows()
    model = RegularizedMLPRegressor(clip_output=True, **EXTREME, **TWO).fit(X, y)
    mean, std = model.predict(5.0 * X, return_std=True)
    assert mean.max() <= y.max() and np.all(std <= y.max() - y.min())


def test_the_range_is_that_of_the_training_rows_alone():
    X, y = rows()
    X_val, y_val = X[:50], y[:50] + 100.0
    model = RegularizedMLPRegressor(clip_output=True, early_stopping=True, **EXTREME)
    model.fit(X[50:], y[50:], X_val=X_val, y_val=y_val)
    assert model.predict(5.0 * X).max() <= y[50:].max()


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_validation_loss_is_that_of_cut_predictions(loss):
    X, y = rows()
    X_val, y_val = 5.0 * X[:50], y[:50]
    fits = {}
    for on in (False, True):
        model = RegularizedMLPRegressor(
            clip_output=on, early_stopping=True, loss=loss, target_scaling=None, **EXTREME
        )
        fits[on] = model.fit(X[50:], y[50:], X_val=X_val, y_val=y_val)
        best = model.validation_loss_curve_[model.best_iteration_ - 1]
        f = model.predict(X_val)
        poisson = loss == "poisson"
        values = f - y_val * np.log(f) if poisson else 0.5 * (y_val - f) ** 2
        assert np.mean(values) == pytest.approx(best, rel=1e-6)
    assert fits[True].validation_loss_curve_ != fits[False].validation_loss_curve_


def test_out_of_bag_predictions_are_cut_too():
    X, y = rows()
    params = EXTREME | {"n_estimators": 30, "oob_score": True}
    model = RegularizedMLPRegressor(clip_output=True, **params).fit(X, y)
    free = RegularizedMLPRegressor(**params).fit(X, y)
    assert np.nanmax(model.oob_prediction_) <= y.max()
    assert np.nanmin(model.oob_prediction_) >= y.min()
    assert model.oob_score_ != free.oob_score_


def test_counts_may_be_zero():
    X, y = rows()
    y = np.round(y)
    assert y.min() == 0
    model = RegularizedMLPRegressor(
        loss="poisson", clip_output=True, early_stopping=True, **EXTREME
    ).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_a_stream_has_no_range():
    with pytest.raises(ValueError, match="'clip_output' parameter cannot be used here"):
        RegularizedMLPRegressor(clip_output=True).partial_fit(*rows())
