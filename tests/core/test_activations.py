"""Each activation against its formula, at ordinary and at extreme inputs, in both precisions."""

import numpy as np
import pytest
from engine_examples import GOOD, Probe, concrete_subclasses, relative_error
from scipy.special import erf, expit

from skregnet.core.activations import ACTIVATIONS, Activation
from skregnet.core.initializers import AUTO

# Written from the papers, and kept apart from how the package computes them.
FORMULAS = {
    "identity": lambda z: z,
    "logistic": lambda z: 0.5 * (1 + np.tanh(z / 2)),
    "tanh": lambda z: 2 * expit(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: (
        1.0507009873554804934193349852946
        * np.where(z > 0, z, 1.6732632423543772848170429916717 * np.expm1(z))
    ),
    "gelu": lambda z: z * 0.5 * (1 + erf(z / np.sqrt(2))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "softplus": lambda z: np.log1p(np.exp(z)),
}

GRID = np.linspace(-10.0, 10.0, 401)[:, np.newaxis]  # 0 included
EXTREMES = np.array([[-100.0], [100.0], [-88.8], [88.8], [-20.0], [20.0], [-0.0], [1e-30]])

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def value_of(name, Z):
    Y = np.full_like(Z, np.nan)
    ACTIVATIONS[name]().value(Z, Y)
    return Y


def slope_of(name, Z):
    slope = np.full_like(Z, np.nan)
    ACTIVATIONS[name]().slope(Z, value_of(name, Z), slope)
    return slope


def test_every_activation_is_registered_and_has_a_formula_here():
    assert set(ACTIVATIONS.values()) == concrete_subclasses(Activation)
    assert set(FORMULAS) == set(ACTIVATIONS)


@every_activation
def test_value_is_the_formula(name):
    np.testing.assert_allclose(value_of(name, GRID), FORMULAS[name](GRID), rtol=1e-13, atol=1e-15)


@every_activation
def test_slope_is_the_derivative_of_the_value(name):
    Z = np.delete(GRID, 200, axis=0)  # kinks, where there are any, lie at 0
    h = 1e-5
    numeric = (value_of(name, Z + h) - value_of(name, Z - h)) / (2 * h)
    np.testing.assert_allclose(slope_of(name, Z), numeric, rtol=1e-8, atol=1e-9)


@every_activation
def test_smooth_says_whether_the_slope_jumps(name):
    left, right = slope_of(name, np.array([[-1e-9], [1e-9]]))[:, 0]
    assert ACTIVATIONS[name]().smooth == (abs(right - left) < 1e-6)


@every_activation
def test_family_is_one_that_auto_init_knows(name):
    assert ACTIVATIONS[name].family in AUTO


@every_activation
@pytest.mark.parametrize("Z", [GRID, EXTREMES], ids=["grid", "extremes"])
def test_single_precision_is_finite_and_near_double_precision(name, Z):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for function in (value_of, slope_of):
            single, double = function(name, Z.astype(np.float32)), function(name, Z)
            assert single.dtype == np.float32
            # The absolute part is a few roundings of numbers near 1, which cancel in the tails.
            np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6)


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_overflow_however_large_the_input(name, dtype):
    Z = np.array([[-1e4], [1e4], [-1e15], [1e15]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        Y, slope = value_of(name, Z), slope_of(name, Z)
    assert np.all(np.isfinite(Y)) and np.all(np.isfinite(slope))
    # Far out every activation is a line or a constant.
    np.testing.assert_allclose(slope[2:], slope[:2], rtol=1e-6, atol=1e-6)


@every_activation
def test_nan_stays_nan_so_that_divergence_is_seen(name):
    assert np.isnan(value_of(name, np.array([[np.nan]])))


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if not ACTIVATIONS[n]().smooth])
def test_at_its_kink_an_activation_has_one_of_its_two_slopes(name):
    at, left, right = slope_of(name, np.array([[0.0], [-1e-9], [1e-9]]))[:, 0]
    assert min(abs(at - left), abs(at - right)) < 1e-6


def test_backward_multiplies_in_place():
    probe = Probe(ACTIVATIONS["tanh"]())
    probe.forward()
    dY = probe.C.copy()
    dX = ACTIVATIONS["tanh"]().backward(dY, probe.p, probe.g, probe.ws)
    assert dX is dY
    assert relative_error(dX, probe.C * (1 - np.tanh(probe.X) ** 2)) < GOOD
