"""Noise on activations and on weights: its formula, its stream, its absence at prediction."""

import numpy as np
import pytest
from engine_examples import GOOD, N_COLUMNS, Probe, numeric_gradient, relative_error
from scipy.sparse import csr_array

from skregnet.core.activations import ACTIVATIONS
from skregnet.core.dense import Dense
from skregnet.core.dropout import Dropout
from skregnet.core.initializers import Xavier
from skregnet.core.layers import DRAWS
from skregnet.core.network import Network
from skregnet.core.noise import Noise, NoisyDense, gaussian
from skregnet.core.vector import Vector
from skregnet.core.workspace import Workspace

X = np.random.default_rng(0).normal(size=(50, N_COLUMNS))
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def training_workspace(dtype=np.float64, seed=0):
    ws = Workspace(dtype, np.random.default_rng(seed))
    ws.train = ws.masked = True
    return ws


def noisy_dense(std=0.5, bias=True):
    """The layer, numbers for it, and the plain layer with the same numbers."""
    layer = NoisyDense(N_COLUMNS, 3, Xavier(), bias=bias, std=std)
    probe = Probe(layer)
    return layer, probe.p, Dense(N_COLUMNS, 3, Xavier(), bias=bias)


# The formula ----------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("std", [0.01, 2.0])
def test_what_is_drawn_is_normal_with_the_standard_deviation(std, dtype):
    E = gaussian(training_workspace(dtype), std, (400, 50)).copy()
    assert E.dtype == dtype
    # Five standard errors of 20 000 draws.
    assert abs(E.mean()) < 5 * std / np.sqrt(E.size)
    assert abs(E.std() / std - 1) < 5 / np.sqrt(2 * E.size)
    assert 0.6 < np.mean(np.abs(E) < std) < 0.75  # 0.683 of a normal distribution


def test_noise_is_added_to_each_entry_and_drawn_afresh_each_time():
    ws, layer = training_workspace(), Noise(0.3)
    E = [layer.forward(X, None, ws) - X for _ in range(2)]
    expected = 0.3 * np.random.default_rng(0).standard_normal((2, *X.shape))
    np.testing.assert_allclose(E, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("bias", [True, False])
def test_weight_noise_is_added_to_the_weights_and_not_to_the_bias(bias):
    layer, p, _ = noisy_dense(bias=bias)
    E = 0.5 * np.random.default_rng(0).standard_normal(p.W.shape)
    Y = layer.forward(X, p, training_workspace())
    np.testing.assert_allclose(Y, X @ (p.W + E) + (p.b if bias else 0.0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("bias", [True, False])
def test_the_gradient_is_taken_at_the_noisy_weights(bias):
    layer, p, _ = noisy_dense(bias=bias)
    gradient = Vector.zeros(Network((layer,)).layout, np.float64)
    g, ws = gradient.layers[0], training_workspace()
    E = 0.5 * np.random.default_rng(0).standard_normal(p.W.shape)
    dY = np.random.default_rng(1).normal(size=(len(X), 3))
    layer.forward(X, p, ws)
    dX = layer.backward(dY.copy(), p, g, ws)
    np.testing.assert_allclose(dX, dY @ (p.W + E).T, rtol=1e-13)
    np.testing.assert_allclose(g.W, X.T @ dY, rtol=1e-13)
    if bias:
        np.testing.assert_allclose(g.b, dY.sum(axis=0), rtol=1e-13)


def test_the_noise_is_removed_after_the_step():
    layer, p, _ = noisy_dense()
    before, ws = p.W.copy(), training_workspace()
    g = Vector.zeros(Network((layer,)).layout, np.float64).layers[0]
    for _ in range(3):
        Y = layer.forward(X, p, ws)
        layer.backward(Y.copy(), p, g, ws)
        np.testing.assert_array_equal(p.W, before)


def test_sparse_input_meets_the_same_noise():
    layer, p, _ = noisy_dense()
    dense = layer.forward(X, p, training_workspace()).copy()
    sparse = layer.forward(csr_array(X), p, training_workspace())
    np.testing.assert_allclose(sparse, dense, rtol=1e-12)


def test_the_mean_over_draws_of_a_linear_layer_is_its_output_without_noise():
    layer, p, plain = noisy_dense()
    without = plain.forward(X, p, Workspace(np.float64)).copy()
    for noisy in (
        lambda ws: layer.forward(X, p, ws),
        lambda ws: plain.forward(Noise(0.5).forward(X, None, ws), p, Workspace(np.float64)),
    ):
        ws, n_draws = training_workspace(), 2000
        outputs = np.array([noisy(ws).copy() for _ in range(n_draws)])
        z = (outputs.mean(axis=0) - without) / (outputs.std(axis=0) / np.sqrt(n_draws))
        assert np.abs(z).max() < 5  # the largest of 150 normal numbers
        assert 0.5 < np.std(z) < 1.5  # and they are no smaller than chance makes them


# Off ------------------------------------------------------------------------------------------


def test_prediction_returns_the_input_itself():
    assert Noise(0.5).forward(X, None, Workspace(np.float64)) is X


def test_prediction_uses_the_weights_as_they_are():
    layer, p, plain = noisy_dense()
    np.testing.assert_array_equal(
        layer.forward(X, p, Workspace(np.float64)), plain.forward(X, p, Workspace(np.float64))
    )


@both_dtypes
def test_a_standard_deviation_of_zero_is_the_plain_layer_to_the_bit(dtype):
    rows = X.astype(dtype)
    np.testing.assert_array_equal(Noise(0.0).forward(rows, None, training_workspace(dtype)), rows)
    probes = [Probe(layer, dtype=dtype) for layer in (noisy_dense(std=0.0)[0], noisy_dense()[2])]
    for a, b in zip(*(probe.outcome() for probe in probes), strict=True):
        np.testing.assert_array_equal(a, b)


# Gradients and streams of a network -----------------------------------------------------------


def network(*, hidden_noise=0.3, weight_noise=0.2, keep_prob=0.7):
    """Two hidden layers with all that draws, each piece absent if it is off."""

    def dense(n_in, n_out):
        if weight_noise:
            return NoisyDense(n_in, n_out, Xavier(), std=weight_noise)
        return Dense(n_in, n_out, Xavier())

    layers = []
    for n_in in (N_COLUMNS, 5):
        layers += [dense(n_in, 5), ACTIVATIONS["tanh"]()]
        layers += [Noise(hidden_noise)] if hidden_noise else []
        layers += [Dropout(keep_prob)] if keep_prob < 1 else []
    return Network((*layers, dense(5, 2)))


def test_gradient_through_frozen_noise():
    recipe = network()
    theta = recipe.initialize(np.random.default_rng(0), np.float64)
    gradient = Vector.zeros(recipe.layout, np.float64)
    C = np.random.default_rng(1).normal(size=(len(X), 2))

    def forward():
        workspaces = recipe.workspaces(np.float64, recipe.mask_streams(7))
        return workspaces, recipe.forward(X, theta, workspaces, train=True)

    workspaces, _ = forward()
    recipe.backward(C.copy(), theta, gradient, workspaces)
    numeric = numeric_gradient(lambda: np.sum(C * forward()[1]), theta.trainable)
    assert relative_error(gradient.trainable, numeric) < GOOD


def draws_by_place(recipe):
    """{(what is drawn, weight matrices before it): first number}"""
    streams = recipe.mask_streams(7)
    found, place = {}, 0
    for layer, rng in zip(recipe.layers, streams, strict=True):
        assert (rng is None) == (layer.draws is None)
        if layer.draws:
            found[layer.draws, place] = rng.standard_normal()
        place += isinstance(layer, Dense)
    return found


def test_layers_that_draw_at_one_place_draw_different_numbers():
    found = draws_by_place(network())
    assert {what for what, _ in found} == set(DRAWS)
    assert ("mask", 1) in found and ("hidden noise", 1) in found and ("weight noise", 1) in found
    assert len(set(found.values())) == len(found) == 7


@pytest.mark.parametrize(
    "off", [{"hidden_noise": 0.0}, {"weight_noise": 0.0}, {"keep_prob": 1.0}], ids=str
)
def test_switching_one_off_leaves_the_draws_of_the_others(off):
    everything, fewer = draws_by_place(network()), draws_by_place(network(**off))
    assert 0 < len(fewer) < len(everything)
    assert fewer.items() < everything.items()
