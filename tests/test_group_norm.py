"""Group normalization in whole estimators: where it stands, what it refuses, what it changes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain
from sklearn.datasets import make_classification, make_regression

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.core.normalization import GroupNorm

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def problem(kind, n_rows=80):
    if kind == "classifier":
        return make_classification(n_rows, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(n_rows, 6, noise=10.0, random_state=0)


def make(kind, **params):
    small = {
        "hidden_layer_sizes": (12, 6), "max_iter": 30, "learning_rate_init": 0.02,
        "random_state": 0, "group_norm": 1,
    }  # fmt: skip
    return ESTIMATORS[kind](**plain(ESTIMATORS[kind], **small | params))


def output(model, X):
    return getattr(model, "predict_proba" if hasattr(model, "classes_") else "predict")(X)


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_the_network_by_hand(n_groups):
    X, y = problem("regressor")
    model = make("regressor", group_norm=n_groups, activation="tanh", dtype="float64").fit(X, y)
    member = model.members_[0]
    A, hidden = model.input_scale_.transform(X, np.float64), 0
    for W, b, layer in zip(
        model.coefs_[:-1], model.intercepts_, member.vector.layers[1::3], strict=False
    ):
        Z = (A @ W + b).reshape(len(X), n_groups, -1)
        Z = (Z - Z.mean(axis=2, keepdims=True)) / np.sqrt(Z.var(axis=2, keepdims=True) + 1e-5)
        A = np.tanh(layer.gamma * Z.reshape(len(X), -1) + layer.beta)
        hidden += 1
    assert hidden == 2
    raw = A @ model.coefs_[-1] + model.intercepts_[-1]
    expected = model.target_scale_.inverse_transform(raw)[:, 0]
    assert_allclose(model.predict(X), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@BOTH
@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_every_hidden_layer_is_normalized_before_its_activation(kind, n_groups):
    model = make(kind, group_norm=n_groups).fit(*problem(kind))
    names = [type(layer).__name__ for layer in model.members_[0].network.layers]
    assert names == ["Dense", "GroupNorm", "Relu"] * 2 + ["Dense"]
    groups = [g for g in model.members_[0].network.layers if isinstance(g, GroupNorm)]
    assert [(g.n_units, g.n_groups) for g in groups] == [(12, n_groups), (6, n_groups)]


@BOTH
@pytest.mark.parametrize("n_groups", [1, 3])
def test_one_row_is_predicted_as_among_a_thousand(kind, n_groups):
    X, y = problem(kind, 1000)
    model = make(kind, group_norm=n_groups, early_stopping=False, max_iter=3, dtype="float64")
    whole = output(model.fit(X, y), X)
    for i in (0, 417, 999):
        # BLAS may sum a matrix product in another order for another number of rows.
        assert_allclose(output(model, X[[i]])[0], whole[i], rtol=1e-10)


@BOTH
def test_the_loss_of_training_rows_is_that_of_prediction(kind):
    """With one batch an epoch and a rate of nearly 0: training and prediction are the same."""
    X, y = problem(kind)
    model = make(kind, max_iter=2, learning_rate_init=1e-300, dtype="float64")
    model.set_params(early_stopping=True, n_iter_no_change=None).fit(X, y, X_val=X, y_val=y)
    assert_allclose(model.history_["loss"], model.validation_loss_curve_, rtol=1e-12)
    batch = make(kind, group_norm=None, batchnorm=True, max_iter=1, learning_rate_init=1e-300)
    batch.set_params(early_stopping=True).fit(X[:7], y[:7], X_val=X, y_val=y)
    assert not np.allclose(batch.history_["loss"], batch.validation_loss_curve_, rtol=1e-3)


@BOTH
def test_rows_of_a_batch_do_not_feel_each_other(kind):
    X, y = problem(kind)
    model = make(kind, batch_size=1, max_iter=2).fit(X, y)  # batchnorm raises for one row
    assert np.isfinite(output(model, X)).all()


@BOTH
def test_it_works_with_lbfgs(kind):
    X, y = problem(kind)
    # An L2 penalty would shrink weights whose size is cancelled, and never arrive at 0.
    params = {"alpha": 0.0, "activation": "tanh", "tol": 1e-3}
    model = make(kind, solver="lbfgs", max_iter=5000, **params).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


@BOTH
@pytest.mark.parametrize(
    "sizes, n_groups",
    [((12, 6), 4), ((12, 6), 5), ((12, 6), 6), ((12, 6), 12), ((12, 6), 13), ((1,), 1)],
    ids=str,
)
def test_groups_that_do_not_fit_raise_and_say_why(kind, sizes, n_groups):
    model = make(kind, hidden_layer_sizes=sizes, group_norm=n_groups)
    match = (
        r"'group_norm' parameter of .* must be an int that divides the width .*is smaller, as a "
        rf"group of one unit has no variance\. Got {n_groups} instead"
    )
    with pytest.raises(ValueError, match=match):
        model.fit(*problem(kind))


@BOTH
@pytest.mark.parametrize("place", [True, "before", "after"])
def test_two_normalizations_of_the_same_units_raise(kind, place):
    with pytest.raises(ValueError, match="'group_norm' parameter cannot be used here: batchnorm"):
        make(kind, batchnorm=place).fit(*problem(kind))


@BOTH
def test_a_factor_of_all_inputs_of_a_layer_is_cancelled(kind):
    """What a row's units have in common, as a dim and a bright image have, does not matter."""
    X, y = problem(kind)
    model = make(kind, hidden_layer_sizes=(12,), scaling=None, init="he").fit(X, y)
    for layer in model.members_[0].vector.layers:
        if hasattr(layer, "b") and layer.W.shape[1] == 12:
            layer.b[:] = 0.0
    # Up to epsilon, which only large inputs make negligible.
    assert_allclose(output(model, 1e4 * X), output(model, 1e6 * X), rtol=1e-4)


@BOTH
def test_scale_and_shift_start_at_the_identity_and_are_trained(kind):
    X, y = problem(kind)
    start = make(kind, learning_rate_init=1e-300, max_iter=1).fit(X, y).members_[0].vector.layers
    moved = make(kind).fit(X, y).members_[0].vector.layers
    for before, after in zip(start, moved, strict=True):
        if hasattr(before, "gamma"):
            assert_array_equal(before.gamma, 1.0)
            assert_allclose(before.beta, 0.0, atol=1e-290)
            assert np.all(after.gamma != 1.0) and np.all(after.beta != 0.0)
