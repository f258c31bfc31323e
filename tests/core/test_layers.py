"""The contract that every layer keeps: gradients, aliasing, reused memory, prediction mode."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from engine_examples import (
    GOOD,
    LAYERS,
    N_COLUMNS,
    Probe,
    concrete_subclasses,
    numeric_gradient,
    relative_error,
)

from skregnet.core.layers import Layer
from skregnet.core.workspace import Workspace

every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])
train_or_not = pytest.mark.parametrize("train", [False, True])


def row_weights(weighted, n=7):
    return np.linspace(0.5, 2.0, n)[:, np.newaxis] if weighted else None


def test_every_layer_has_an_example_here():
    assert {type(layer) for layer in LAYERS.values()} == concrete_subclasses(Layer)


@every_layer
def test_layers_are_frozen(layer):
    name = fields(layer)[0].name if fields(layer) else "anything"
    with pytest.raises(FrozenInstanceError):
        setattr(layer, name, 1)


@every_layer
@weighted_or_not
def test_gradient_in_the_parameters(layer, weighted):
    probe = Probe(layer, weight=row_weights(weighted))
    probe.backward()
    numeric = numeric_gradient(probe.value, probe.theta.trainable)
    for block in probe.theta.layout.trainable_blocks:
        here = slice(block.start, block.stop)
        error = relative_error(probe.gradient.data[here], numeric[here])
        assert error < GOOD, block.name


@every_layer
@weighted_or_not
def test_gradient_in_the_input(layer, weighted):
    probe = Probe(layer, weight=row_weights(weighted))
    analytic = probe.backward().copy()
    assert relative_error(analytic, numeric_gradient(probe.value, probe.X)) < GOOD


@every_layer
@weighted_or_not
def test_without_input_gradient_the_parameters_get_the_same(layer, weighted):
    weight = row_weights(weighted)
    whole = Probe(layer, weight=weight)
    whole.backward()
    first = Probe(layer, weight=weight, ws=Workspace(np.float64, needs_input_gradient=False))
    first.backward()
    np.testing.assert_array_equal(first.gradient.trainable, whole.gradient.trainable)


@every_layer
@train_or_not
def test_forward_never_writes_into_its_input_or_its_parameters(layer, train):
    probe = Probe(layer, train=train)
    X, trainable = probe.X.copy(), probe.theta.trainable.copy()
    probe.X.flags.writeable = False
    probe.theta.trainable.flags.writeable = False
    probe.forward()
    np.testing.assert_array_equal(probe.X, X)
    np.testing.assert_array_equal(probe.theta.trainable, trainable)


@every_layer
def test_backward_writes_only_into_its_gradients(layer):
    probe = Probe(layer)
    probe.X.flags.writeable = False
    probe.forward()
    numbers = probe.theta.data.copy()
    layer.backward(probe.C.copy(), probe.p, probe.g, probe.ws)
    np.testing.assert_array_equal(probe.theta.data, numbers)


@every_layer
def test_backward_overwrites_the_gradient(layer):
    probe = Probe(layer)
    probe.backward()
    once = probe.gradient.trainable.copy()
    assert np.all(np.isfinite(once))  # it was full of NaN
    probe.backward()
    np.testing.assert_array_equal(probe.gradient.trainable, once)


@every_layer
def test_a_reused_workspace_gives_what_a_fresh_one_gives(layer):
    reused = Workspace(np.float64)
    for n in (5, 9, 3, 9, 5):
        Probe(layer, n + 1, train=False, ws=reused).forward()
        got = Probe(layer, n, weight=row_weights(n == 3, n), ws=reused).outcome()
        expected = Probe(layer, n, weight=row_weights(n == 3, n)).outcome()
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@every_layer
def test_shapes_and_types_of_what_is_returned(layer):
    for dtype in (np.float32, np.float64):
        probe = Probe(layer, dtype=dtype)
        Y, dX = probe.forward(), probe.backward()
        n_out = getattr(layer, "n_out", N_COLUMNS)
        assert (Y.shape, Y.dtype) == ((7, n_out), dtype)
        assert (dX.shape, dX.dtype) == ((7, N_COLUMNS), dtype)


@every_layer
def test_prediction_draws_nothing_and_leaves_the_statistics_alone(layer):
    probe = Probe(layer, train=False)
    statistics = probe.theta.statistics.copy()
    probe.ws.rng = None
    first = layer.forward(probe.X, probe.p, probe.ws).copy()
    np.testing.assert_array_equal(layer.forward(probe.X, probe.p, probe.ws), first)
    np.testing.assert_array_equal(probe.theta.statistics, statistics)


@every_layer
def test_prediction_treats_each_row_by_itself(layer):
    probe = Probe(layer, 1000, train=False)
    whole = probe.forward().copy()
    alone = layer.forward(probe.X[417:418], probe.p, Workspace(np.float64))
    # BLAS may sum a matrix product in another order for another number of rows.
    np.testing.assert_allclose(alone[0], whole[417], rtol=1e-13, atol=1e-15)


# Draws of single and double precision are different numbers.
@pytest.mark.parametrize("name", [name for name, layer in LAYERS.items() if not layer.draws])
@weighted_or_not
def test_single_precision_stays_near_double_precision(name, weighted):
    weight = row_weights(weighted)
    double = Probe(LAYERS[name], weight=weight).outcome()
    if weighted:
        weight = weight.astype(np.float32)
    single = Probe(LAYERS[name], weight=weight, dtype=np.float32).outcome()
    for a, b in zip(single, double, strict=True):
        assert a.dtype == np.float32
        assert relative_error(a, b) < 1e-6
