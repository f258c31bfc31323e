"""A stack of layers: composition, initial numbers, and the way back."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from engine_examples import GOOD, N_COLUMNS, numeric_gradient, relative_error, small_network

from skregnet.core.activations import ACTIVATIONS
from skregnet.core.dense import Dense
from skregnet.core.dropout import Dropout
from skregnet.core.feature_scale import FeatureScale
from skregnet.core.initializers import NTK, DataDriven, He, Initializer, Xavier
from skregnet.core.network import Network
from skregnet.core.normalization import BatchNorm
from skregnet.core.vector import Vector


def everything(init=None, keep_prob=0.7):
    """A network with every kind of layer, dropout on its input included."""
    init = init or Xavier()
    return Network(
        (
            Dropout(keep_prob),
            Dense(N_COLUMNS, 5, init, bias=False),
            BatchNorm(5),
            ACTIVATIONS["tanh"](),
            Dropout(keep_prob),
            Dense(5, 3, init),
            ACTIVATIONS["softplus"](),
            BatchNorm(3),
            Dense(3, 2, init),
        )
    )


def data(n=10, seed=0):
    return np.random.default_rng(seed).normal(size=(n, N_COLUMNS))


def initialized(network, dtype=np.float64):
    return network.initialize(np.random.default_rng(0), dtype)


def with_fresh_streams(workspaces):
    for i, ws in enumerate(workspaces):
        ws.rng = np.random.default_rng(i)
    return workspaces


def test_forward_is_the_composition_of_the_layers():
    network = small_network("logistic", n_in=N_COLUMNS)
    theta, X = initialized(network), data()
    first, _, last = theta.layers
    hidden = 1 / (1 + np.exp(-(X @ first.W + first.b)))
    raw = network.forward(X, theta, network.workspaces(np.float64))
    np.testing.assert_allclose(raw, hidden @ last.W + last.b, rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_through_every_kind_of_layer(weighted):
    network, X = everything(), data()
    theta, gradient = initialized(network), Vector.zeros(network.layout, np.float64)
    gradient.data[:] = np.nan
    weight = np.linspace(0.5, 2.0, 10)[:, np.newaxis] if weighted else None
    workspaces = network.workspaces(np.float64)
    C = np.random.default_rng(1).normal(size=(10, 2))

    def value():
        with_fresh_streams(workspaces)
        return np.sum(C * network.forward(X, theta, workspaces, train=True, weight=weight))

    value()
    network.backward(C.copy(), theta, gradient, workspaces)
    assert relative_error(gradient.trainable, numeric_gradient(value, theta.trainable)) < GOOD


def test_the_input_gradient_is_formed_only_where_somebody_asks_for_it():
    workspaces = everything().workspaces(np.float64)
    assert [ws.needs_input_gradient for ws in workspaces] == [False] * 2 + [True] * 7


def test_each_layer_gets_its_own_stream():
    streams = [np.random.default_rng(i) for i in range(9)]
    assert [ws.rng for ws in everything().workspaces(np.float64, streams)] == streams
    assert [ws.rng for ws in everything().workspaces(np.float64)] == [None] * 9


def first_draws(network, member=0):
    """The first number of each dropout layer's stream."""
    streams = network.mask_streams(7, member)
    pairs = zip(network.layers, streams, strict=True)
    return [rng.random() for layer, rng in pairs if isinstance(layer, Dropout)]


def test_each_dropout_layer_has_a_stream_of_its_own_and_so_has_each_member():
    numbers = first_draws(everything()) + first_draws(everything(), member=1)
    assert len(set(numbers)) == 4
    assert first_draws(everything()) == numbers[:2]


@pytest.mark.parametrize("kind", [BatchNorm, ACTIVATIONS["tanh"]])
def test_other_layers_leave_the_masks_as_they_were(kind):
    fewer = Network(tuple(layer for layer in everything().layers if not isinstance(layer, kind)))
    assert len(fewer.layers) < len(everything().layers)
    assert first_draws(fewer) == first_draws(everything())


def test_dropout_elsewhere_leaves_the_masks_as_they_were():
    without_input_dropout = Network(everything().layers[1:])
    assert first_draws(without_input_dropout) == first_draws(everything())[1:]


def test_prediction_is_deterministic_and_changes_no_number():
    network, X = everything(), data()
    theta = initialized(network)
    network.forward(X, theta, with_fresh_streams(network.workspaces(np.float64)), train=True)
    numbers = theta.data.copy()
    first = network.forward(X, theta, network.workspaces(np.float64))
    again = network.forward(X, theta, network.workspaces(np.float64))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(theta.data, numbers)


def test_training_writes_the_statistics_and_nothing_else():
    network = everything()
    theta = initialized(network)
    trainable, statistics = theta.trainable.copy(), theta.statistics.copy()
    network.forward(data(), theta, with_fresh_streams(network.workspaces(np.float64)), train=True)
    np.testing.assert_array_equal(theta.trainable, trainable)
    assert np.all(theta.statistics != statistics)


def test_one_row_is_predicted_as_among_a_thousand():
    network, X = everything(), data(1000)
    theta = initialized(network)
    workspaces = with_fresh_streams(network.workspaces(np.float64))
    network.forward(X, theta, workspaces, train=True)
    whole = network.forward(X, theta, workspaces).copy()
    for i in (0, 500, 999):
        # BLAS may sum a matrix product in another order for another number of rows.
        np.testing.assert_allclose(
            network.forward(X[[i]], theta, workspaces)[0], whole[i], rtol=1e-12, atol=1e-13
        )


def test_keep_prob_one_is_the_network_without_dropout_to_the_bit():
    with_dropout, X = everything(keep_prob=1.0), data()
    layers = [layer for layer in with_dropout.layers if not isinstance(layer, Dropout)]
    without = Network(tuple(layers))
    outputs = []
    for network in (with_dropout, without):
        theta = initialized(network)
        workspaces = with_fresh_streams(network.workspaces(np.float64))
        outputs.append(network.forward(X, theta, workspaces, train=True).copy())
    np.testing.assert_array_equal(*outputs)


def test_initialize_asks_the_layers_in_order_with_what_reaches_them():
    class Recorder(He):
        needs_sample = True

        def fill(self, W, rng, X=None):
            seen.append(None if X is None else X.copy())
            Initializer.fill(self, W, rng, X)

    seen, X = [], data()
    network = everything(Recorder())
    theta = network.initialize(np.random.default_rng(0), np.float64, X)
    np.testing.assert_array_equal(seen[0], X)  # nothing is dropped from a sample
    assert [sample.shape for sample in seen] == [(10, N_COLUMNS), (10, 5), (10, 3)]
    hidden = np.tanh(X @ theta.layers[1].W / np.sqrt(1 + 1e-5))
    np.testing.assert_allclose(seen[1], hidden, rtol=1e-12)
    seen.clear()
    network.initialize(np.random.default_rng(0), np.float64)
    assert seen == [None] * 3


def test_initialize_with_a_sample_leaves_the_statistics_at_their_start():
    network = everything(DataDriven())
    theta = network.initialize(np.random.default_rng(0), np.float64, data())
    np.testing.assert_array_equal(theta.statistics, initialized(everything()).statistics)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_vector_and_the_outputs_have_the_dtype(dtype):
    network = everything()
    theta = initialized(network, dtype)
    raw = network.forward(data().astype(dtype), theta, network.workspaces(dtype))
    assert theta.data.dtype == raw.dtype == dtype


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_smooth_if_every_layer_is(name):
    assert small_network(name).smooth == ACTIVATIONS[name]().smooth


def test_a_network_is_a_recipe():
    network = small_network()
    assert network == small_network() and network != small_network("relu")
    with pytest.raises(FrozenInstanceError):
        network.layers = ()


def test_the_rate_of_a_network_multiplies_those_of_all_stretches():
    scale = FeatureScale(N_COLUMNS)
    layers = (scale, Dense(N_COLUMNS, 4, NTK()), ACTIVATIONS["mish"](), Dense(4, 2, Xavier()))
    own, fast = Network(layers).layout, Network(layers, rate=16.0).layout
    assert len({part.rate for part in own.stretches}) > 1
    for a, b in zip(own.stretches, fast.stretches, strict=True):
        assert (b.start, b.stop, b.rate, b.unit) == (a.start, a.stop, 16.0 * a.rate, a.unit)
    assert Network(layers) != Network(layers, rate=16.0)
