"""NTK parametrization: the same training as with a literal one, rates and units included."""

import numpy as np
import pytest
from plain import PLAIN

from skregnet import (
    NTK,
    SGD,
    Adam,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    check_gradients,
    inspect_layers,
)
from skregnet.core.activations import Selu
from skregnet.core.dense import Dense
from skregnet.core.losses import SquaredError
from skregnet.core.network import Network
from skregnet.core.objective import Objective
from skregnet.core.penalties import ElasticNet

N_STEPS, N_ROWS = 200, 64
WIDTHS = (5, 32, 16, 1)
RATE, DECAY = 0.04, 0.02


def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, WIDTHS[0]))
    return X, np.sin(X[:, :1]) + 0.1 * rng.normal(size=(N_ROWS, 1))


def selu(Z):
    scale, alpha = Selu.scale, Selu.alpha
    low = np.exp(np.minimum(Z, 0.0))
    value = scale * np.where(Z > 0, Z, alpha * (low - 1.0))
    return value, scale * np.where(Z > 0, 1.0, alpha * low)


def literal_gradient(weights, biases, X, Y):
    """Mean of (f - y)^2 / 2 for f with layers h V / sqrt(fan_in) + b."""
    inputs, slopes, h = [], [], X
    for V, b in zip(weights, biases, strict=True):
        inputs.append(h)
        Z = h @ V / np.sqrt(len(V)) + b
        h, slope = selu(Z)
        slopes.append(slope)
    d = (Z - Y) / len(X)
    gradients = []
    for i in reversed(range(len(weights))):
        root = np.sqrt(len(weights[i]))
        gradients = [inputs[i].T @ d / root, d.sum(axis=0), *gradients]
        if i:
            d = d @ weights[i].T / root * slopes[i - 1]
    return gradients


def literal_training(theta, X, Y, solver):
    """Train V and b by the formulas alone; return W = V / sqrt(fan_in) and b of each layer."""
    numbers = [part for p in theta.layers if hasattr(p, "W")
               for part in (p.W * np.sqrt(len(p.W)), p.b.copy())]  # fmt: skip
    first, second = ([np.zeros_like(array) for array in numbers] for _ in range(2))
    for t in range(1, N_STEPS + 1):
        for i, g in enumerate(literal_gradient(numbers[::2], numbers[1::2], X, Y)):
            rate = RATE * (1.0 if i % 2 == 0 else 0.1)
            if i % 2 == 0:
                numbers[i] *= 1.0 - RATE * DECAY
            if isinstance(solver, SGD):
                first[i] = solver.momentum * first[i] + g
                numbers[i] -= rate * (g + solver.momentum * first[i])
            else:
                first[i] += (1 - solver.beta_1) * (g - first[i])
                second[i] += (1 - solver.beta_2) * (g**2 - second[i])
                m, v = first[i] / (1 - solver.beta_1**t), second[i] / (1 - solver.beta_2**t)
                numbers[i] -= rate * m / (np.sqrt(v) + solver.epsilon)
    return [a / np.sqrt(len(a)) if a.ndim == 2 else a for a in numbers]


def our_network():
    layers = []
    for n_in, n_out in zip(WIDTHS[:-2], WIDTHS[1:-1], strict=True):
        layers += [Dense(n_in, n_out, NTK()), Selu()]
    return Network((*layers, Dense(*WIDTHS[-2:], NTK().at_output())))


# An epsilon that matters shows that it is in the right units.
@pytest.mark.parametrize("solver", [Adam(beta_2=0.95), Adam(epsilon=1e-2), SGD()], ids=str)
def test_training_is_that_of_a_literal_ntk_network(solver):
    X, Y = rows()
    network = our_network()
    theta = network.initialize(np.random.default_rng(1), np.float64)
    expected = literal_training(theta, X, Y, solver)
    start = theta.data.copy()
    objective = Objective(network, SquaredError(), (), N_ROWS, np.float64)
    stepper = solver.start(theta, DECAY)
    for _ in range(N_STEPS):
        objective.step_gradient(theta, X, Y)
        stepper.step(theta, objective.gradient, RATE)
    found = [part for p in theta.layers if hasattr(p, "W") for part in (p.W, p.b)]
    assert np.abs(theta.data - start).max() > 0.1
    assert max(np.abs(a - b).max() for a, b in zip(found, expected, strict=True)) < 1e-11


@pytest.mark.parametrize("solver", [Adam(), SGD(0.5)], ids=str)
def test_the_metric_of_the_step_is_in_the_units_of_the_stored_weights(solver):
    """L1 holds a weight at 0 for a gradient below its strength only, whatever the unit."""
    network = our_network()
    theta = network.initialize(np.random.default_rng(1), np.float64)
    theta.data[:] = 0.0
    gradient = type(theta).zeros(network.layout, np.float64)
    n_weights = network.layout.n_weights
    penalty = ElasticNet(((0, n_weights, 2.0),), 1.0)
    g = np.where(np.arange(n_weights) % 2, 1.9, 2.1)
    stepper = solver.start(theta, 0.0)
    for _ in range(300):
        gradient.weights[:] = g
        step = stepper.step(theta, gradient, 0.1)
        penalty.prox(theta.weights, step, np.empty(n_weights))
    np.testing.assert_array_equal(theta.weights == 0.0, g < 2.0)


def test_start_of_ntk():
    network = Network((Dense(400, 300, NTK()), Selu(), Dense(300, 2, NTK().at_output())))
    first, _, last = network.initialize(np.random.default_rng(0), np.float64).layers
    np.testing.assert_allclose(first.W.var(), 1 / 400, rtol=0.02)
    np.testing.assert_allclose(first.b.var(), 1.0, rtol=0.3)
    assert not last.W.any() and not last.b.any()
    assert NTK(zero_output=False).at_output() == NTK(zero_output=False)


def test_data_driven_columns_have_variance_1_and_kinks_among_the_rows():
    rng = np.random.default_rng(0)
    X = 3.0 + rng.normal(size=(500, 8)) * np.arange(1.0, 9.0)
    X[:, 0] = 1.0
    layer = Dense(8, 200, NTK(data_driven=True))
    assert layer.needs_sample and not Dense(8, 200, NTK()).needs_sample
    theta = Network((layer,)).initialize(rng, np.float64, X)
    [p] = theta.layers
    np.testing.assert_allclose(np.std(X @ p.W, axis=0), 1.0, rtol=1e-12)
    Z = X @ p.W + p.b
    # A mean of 5 rows lies among the rows: every unit changes sign on them.
    assert np.all((Z.min(axis=0) < 0) & (Z.max(axis=0) > 0))
    centre = np.mean(-p.b / np.mean(X @ p.W, axis=0))
    assert abs(centre - 1.0) < 0.2
    flat = Network((layer,)).initialize(rng, np.float64, np.ones((50, 8)))
    assert np.all(np.isfinite(flat.data))  # constant columns of X W are left as they are


@pytest.mark.parametrize("init", ["ntk", NTK(data_driven=True, zero_output=False)], ids=str)
@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_estimators_learn_with_ntk(cls, init):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(int)
    params = {"hidden_layer_sizes": (16, 16), "activation": "selu", "init": init, "max_iter": 60}
    model = cls(**PLAIN | params | {"learning_rate_init": 0.04, "random_state": 0})
    assert check_gradients(model, X[:50], y[:50]).relative_error < 1e-7
    assert model.fit(X, y).score(X, y) > 0.8
    assert check_gradients(model, X[:50], y[:50]).relative_error < 1e-7


def test_update_ratios_count_the_unit():
    X, Y = rows()
    ratio = {}
    for init in ("lecun", "ntk"):
        model = RegularizedMLPRegressor((16,), init=init, random_state=0)
        layer = inspect_layers(model, X, Y[:, 0])[0]
        ratio[init] = layer.update_ratio * layer.weight_norm
    assert ratio["ntk"] == pytest.approx(ratio["lecun"] / np.sqrt(WIDTHS[0]))
