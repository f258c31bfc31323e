"""feature_scale and parametric_activation: what they compute, how fast they move, what is free."""

import numpy as np
import pytest
import scipy.sparse as sp
from plain import PLAIN

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor, check_gradients
from skregnet.core.activations import ACTIVATIONS
from skregnet.core.feature_scale import FeatureScale
from skregnet.core.initializers import Xavier
from skregnet.core.network import Network
from skregnet.core.noise import NoisyDense
from skregnet.core.parametric import ParametricActivation
from skregnet.layerwise import inspect_layers

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
RATE = 0.01


def rows(n_rows=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def make(cls, **params):
    small = {"hidden_layer_sizes": (8, 5), "max_iter": 3, "random_state": 0, "activation": "tanh"}
    return cls(**PLAIN | small | {"learning_rate_init": RATE} | params)


def numbers(model, name):
    [found] = [getattr(p, name) for p in model.members_[0].vector.layers if hasattr(p, name)]
    return found


def layers_of(model):
    return [type(layer) for layer in model.members_[0].network.layers]


# The scale of the input --------------------------------------------------------------------------


@estimators
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_the_gradient_of_the_scale_is_right(cls, solver):
    X, y = rows()
    rate = {} if solver == "lbfgs" else {"learning_rate_init": RATE}
    model = cls(
        (8,), activation="tanh", feature_scale=True, solver=solver, alpha=0.3, max_iter=5,
        random_state=0, **rate,
    )  # fmt: skip
    assert check_gradients(model, X, y).relative_error < 1e-7
    model.fit(X, y)
    assert np.all(numbers(model, "s") != 1.0)
    report = check_gradients(model, X, y)
    assert report.relative_error < 1e-7
    assert "s" in [block.parameter for block in report.blocks]


def test_the_first_step_of_adam_is_six_times_the_rate():
    X, y = rows()
    model = make(RegularizedMLPRegressor, feature_scale=True, max_iter=1).fit(X, y)
    assert model.batch_size == "auto"  # so this is one step
    np.testing.assert_allclose(np.abs(numbers(model, "s") - 1.0), 6 * RATE, rtol=1e-4)


def test_the_scale_is_neither_penalised_nor_decayed():
    X, y = rows()
    free = make(RegularizedMLPRegressor, feature_scale=True, alpha=0.0, max_iter=1).fit(X, y)
    for held in ({"alpha": 1e4}, {"weight_decay": 10.0}, {"max_norm": 1e-3}):
        params = {"alpha": 0.0, "feature_scale": True, "max_iter": 1} | held
        model = make(RegularizedMLPRegressor, **params).fit(X, y)
        np.testing.assert_allclose(numbers(model, "s"), numbers(free, "s"), rtol=1e-12)
        assert np.linalg.norm(model.coefs_[0]) < np.linalg.norm(free.coefs_[0])


@estimators
def test_a_sparse_input_is_scaled_as_a_dense_one(cls):
    X, y = rows()
    X[X < 1.2] = 0.0  # too few are left for dense rows to be faster
    params = {"feature_scale": True, "scaling": None, "dtype": "float64"}
    dense = make(cls, **params).fit(X, y)
    sparse = make(cls, **params).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(sparse.members_[0].theta, dense.members_[0].theta, rtol=1e-9)
    np.testing.assert_allclose(sparse.predict(sp.csr_array(X)), dense.predict(X), rtol=1e-9)
    assert check_gradients(sparse, sp.csr_array(X), y).relative_error < 1e-7


def test_importances_are_those_of_the_product():
    X, y = rows()
    model = make(RegularizedMLPRegressor, feature_scale=True, max_iter=20).fit(X, y)
    effective = numbers(model, "s")[:, np.newaxis] * model.coefs_[0]
    np.testing.assert_allclose(model.feature_importances_, np.linalg.norm(effective, axis=1))


def test_the_order_is_dropout_scale_matrix():
    X, y = rows()
    model = make(
        RegularizedMLPRegressor, feature_scale=True, input_keep_prob=0.9, weight_noise=0.1
    ).fit(X, y)
    assert [kind.__name__ for kind in layers_of(model)[:3]] == [
        "Dropout", "FeatureScale", NoisyDense.__name__,
    ]  # fmt: skip


def test_a_linear_model_may_have_a_scale():
    X, y = rows()
    model = RegularizedMLPRegressor((), feature_scale=True, max_iter=3, random_state=0).fit(X, y)
    assert layers_of(model)[0] is FeatureScale
    assert np.isfinite(model.predict(X)).all()


@estimators
def test_the_default_scales_where_the_start_is_that_of_the_defaults(cls):
    X, y = rows()
    quick = {"max_iter": 1, "random_state": 0}
    assert FeatureScale in layers_of(cls(**quick).fit(X, y))
    for params in ({"init": "he"}, {"solver": "sgd"}, {"hidden_layer_sizes": ()}):
        assert FeatureScale not in layers_of(cls(**quick, **params).fit(X, y))
        assert FeatureScale in layers_of(cls(**quick, **params, feature_scale=True).fit(X, y))


# The strength of the activation ------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "identity"])
def test_from_the_line_to_the_activation(name):
    activation = ACTIVATIONS[name]()
    network = Network((ParametricActivation(3, activation),))
    theta = network.initialize(np.random.default_rng(0), np.float64)
    Z = np.random.default_rng(1).normal(size=(20, 3))
    theta.layers[0].a[:] = 0.0, 0.25, 1.0
    Y = network.forward(Z, theta, network.workspaces(np.float64))
    A = np.empty_like(Z)
    activation.value(Z, A)
    np.testing.assert_array_equal(Y[:, 0], Z[:, 0])
    np.testing.assert_allclose(Y[:, 1], 0.75 * Z[:, 1] + 0.25 * A[:, 1], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(Y[:, 2], A[:, 2], rtol=1e-13, atol=1e-15)
    slope = np.empty_like(Z)
    activation.slope(Z, A, slope)
    expected = 1.0 + theta.layers[0].a * (slope - 1.0)
    found = network.layers[0].slope(Z, theta.layers[0])
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@estimators
def test_training_starts_at_the_activation_itself(cls):
    X, y = rows()
    plain, parametric = (
        make(cls, parametric_activation=on, learning_rate_init=1e-12, max_iter=1).fit(X, y)
        for on in (False, True)
    )
    np.testing.assert_allclose(parametric.loss_curve_, plain.loss_curve_, rtol=1e-9)


@estimators
@pytest.mark.parametrize("activation", ["selu", "mish", "tanh", ["relu", "identity"]])
def test_the_gradient_of_the_strength_is_right(cls, activation):
    X, y = rows()
    model = make(cls, parametric_activation=True, activation=activation, max_iter=10)
    assert check_gradients(model, X, y).relative_error < 1e-7
    report = check_gradients(model.fit(X, y), X, y)
    assert report.relative_error < 1e-7
    n_learnt = 1 if isinstance(activation, list) else 2  # a linear unit has nothing to learn
    assert [block.parameter for block in report.blocks].count("a") == n_learnt


def test_the_first_step_of_adam_is_a_tenth_of_the_rate():
    X, y = rows()
    model = make(
        RegularizedMLPRegressor, parametric_activation=True, max_iter=1, hidden_layer_sizes=(8,)
    ).fit(X, y)
    np.testing.assert_allclose(np.abs(numbers(model, "a") - 1.0), 0.1 * RATE, rtol=1e-4)


def test_records_of_layers_know_the_strength():
    X, y = rows()
    model = make(RegularizedMLPRegressor, parametric_activation=True, max_iter=30).fit(X, y)
    first = inspect_layers(model, X, y)[0]
    a = model.members_[0].vector.layers[1].a
    np.testing.assert_allclose(first.A, first.Z + a * (np.tanh(first.Z) - first.Z), atol=1e-12)
    np.testing.assert_allclose(first.slope, 1 - a * np.tanh(first.Z) ** 2)
    assert first.activation == "tanh"


def test_layers_have_the_rates_of_their_slots():
    rates = {
        slot.name: slot.rate
        for layer in (FeatureScale(2), ParametricActivation(2, ACTIVATIONS["relu"]()))
        for slot in layer.slots()
    }
    assert rates == {"s": 6.0, "a": 0.1}
    assert {slot.rate for slot in NoisyDense(2, 2, Xavier()).slots()} == {1.0}
