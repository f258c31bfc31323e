"""`init` and `activation` of whole estimators: deep networks, and a rule for each layer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_regression

from skregnet import Constant, Normal, RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.core.dense import Dense
from skregnet.exceptions import SymmetryWarning

UNMOVED = {"learning_rate_init": 1e-300, "max_iter": 1, "alpha": 0.0, "random_state": 0}
DEPTH, WIDTH = 20, 64


def digits(n_rows=400):
    X, y = load_digits(return_X_y=True)
    return X[:n_rows], y[:n_rows]


def pre_activations(model, X):
    """What each Dense layer returns on these rows, at the weights of the model."""
    member = model.members_[0]
    A, found = model.input_scale_.transform(X, member.theta.dtype), []
    workspaces = member.network.workspaces(member.theta.dtype)
    for layer, p, ws in zip(member.network.layers, member.vector.layers, workspaces, strict=True):
        A = layer.forward(A, p, ws)
        if isinstance(layer, Dense):
            found.append(A.astype(float))
    return found


@pytest.mark.parametrize("activation", ["relu", "tanh", "selu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["classifier", "regressor"])
def test_data_gives_every_layer_of_a_deep_network_unit_variance(activation, dtype, loss):
    X, y = digits()
    cls = RegularizedMLPClassifier if loss == "classifier" else RegularizedMLPRegressor
    model = cls(
        (WIDTH,) * DEPTH, activation=activation, init="data", dtype=dtype, **UNMOVED
    ).fit(X, y)  # fmt: skip
    variances = np.array([Z.var() for Z in pre_activations(model, X)])
    assert len(variances) == DEPTH + 1
    assert np.abs(variances - 1).max() < 0.1
    others = cls((WIDTH,) * DEPTH, activation=activation, init=Normal(0.05), **UNMOVED).fit(X, y)
    assert pre_activations(others, X)[-1].var() < 0.1


def test_data_looks_at_training_rows_alone():
    X, y = digits(300)
    model = RegularizedMLPClassifier(
        (WIDTH,) * 3, init="data", early_stopping=True, scaling=None, dtype="float64", **UNMOVED
    )
    model.fit(X, y, X_val=1000 * X, y_val=y)
    alone = RegularizedMLPClassifier(
        (WIDTH,) * 3, init="data", scaling=None, dtype="float64", **UNMOVED
    ).fit(X, y)
    for a, b in zip(model.coefs_, alone.coefs_, strict=True):
        assert_array_equal(a, b)


def test_a_deep_relu_network_trains_from_he_and_not_from_weights_that_are_too_small():
    X, y = digits()
    params = {"activation": "relu", "max_iter": 15, "random_state": 0, "batch_size": 50}
    he = RegularizedMLPClassifier((WIDTH,) * 10, init="he", **params).fit(X, y)
    small = RegularizedMLPClassifier((WIDTH,) * 10, init="normal", **params).fit(X, y)
    assert he.score(X, y) > 0.9
    assert small.loss_curve_[-1] > 2.0 > he.loss_curve_[-1] > 0  # log(10) = 2.3: by chance


# One for each layer ---------------------------------------------------------------------------


def test_activations_by_layer_are_those_layers():
    X, y = make_regression(50, 4, random_state=0)
    names = ["tanh", "relu", "gelu", "identity"]
    model = RegularizedMLPRegressor(
        (6, 5, 4, 3), activation=names, init="he", dtype="float64", max_iter=3, random_state=0
    ).fit(X, y)
    kinds = [type(layer).__name__ for layer in model.members_[0].network.layers]
    # The identity is no layer at all.
    expected = ["Dense", "Tanh", "Dense", "Relu", "Dense", "Gelu", "Dense", "Dense"]
    assert kinds == expected


def test_auto_looks_at_the_activation_of_each_layer():
    """He, Xavier and LeCun for relu, tanh and selu, Xavier for the output, by their variances."""
    X, y = make_regression(50, 300, random_state=0)
    model = RegularizedMLPRegressor(
        (200, 300, 250), activation=["relu", "tanh", "selu"], solver="sgd", **UNMOVED
    ).fit(X, y)
    rules = [2 / 300, 2 / (200 + 300), 1 / 300, 2 / (250 + 1)]
    assert_allclose([W.var() for W in model.coefs_[:3]], rules[:3], rtol=0.03)
    assert model.coefs_[3].var() == pytest.approx(rules[3], rel=0.5)  # 250 numbers


def test_auto_is_ntk_for_adam_whatever_the_activations():
    X, y = make_regression(50, 300, random_state=0)
    params = {"hidden_layer_sizes": (200, 300, 250), "activation": ["relu", "tanh", "selu"]}
    auto, ntk = (
        RegularizedMLPRegressor(**params, init=init, feature_scale=True, **UNMOVED).fit(X, y)
        for init in ("auto", "ntk")
    )
    assert_allclose([W.var() for W in auto.coefs_], [1 / 300, 1 / 200, 1 / 300, 0], rtol=0.03)
    assert_allclose([b.var() for b in auto.intercepts_], [1, 1, 1, 0], rtol=0.3)
    assert np.abs(auto.coefs_[-1]).max() < 1e-290
    for a, b in zip(auto.coefs_[:-1], ntk.coefs_[:-1], strict=True):
        assert_array_equal(a, b)


def test_inits_by_layer_of_every_kind():
    X, y = make_regression(50, 4, random_state=0)
    array = np.arange(24.0).reshape(4, 6) - 10.5

    def rule(rng, fan_in, fan_out):
        return rng.uniform(7.0, 8.0, (fan_in, fan_out))

    model = RegularizedMLPRegressor(
        (6, 5, 4), init=[array, "orthogonal", rule, Normal(scale=1e-3)], **UNMOVED
    ).fit(X, y)
    first, second, third, last = model.coefs_
    assert_array_equal(first, array)
    assert_allclose(np.linalg.svd(second, compute_uv=False), 1.0, rtol=1e-6)
    assert np.all((third > 7) & (third < 8))
    assert 0 < np.abs(last).max() < 5e-3
    assert all(np.all(np.abs(b) < 1e-290) for b in model.intercepts_)


def test_units_that_start_equal_stay_equal_for_ever():
    X, y = make_regression(50, 4, random_state=0)
    model = RegularizedMLPRegressor(
        (6,), init=[Constant(0.1), "he"], max_iter=20, learning_rate_init=0.01, random_state=0
    )
    with pytest.warns(SymmetryWarning, match="stay identical for ever"):
        model.fit(X, y)
    assert np.any(model.coefs_[0] != 0.1)
    same = RegularizedMLPRegressor(
        (6,), init=Constant(0.1), max_iter=20, learning_rate_init=0.01, random_state=0
    )
    with pytest.warns(SymmetryWarning):
        same.fit(X, y)
    assert np.any(same.coefs_[0] != np.float32(0.1))
    for W in (same.coefs_[0], same.coefs_[1].T):
        # How a product is rounded depends on where in the matrix a column stands.
        assert_allclose(W, np.repeat(W[:, :1], 6, axis=1), rtol=1e-12)
