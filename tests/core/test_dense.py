"""The fully connected layer."""

import numpy as np
import pytest
from engine_examples import LAYERS, N_COLUMNS, Probe
from scipy.sparse import csr_array, csr_matrix

from skregnet.core.dense import Dense
from skregnet.core.initializers import DataDriven, He
from skregnet.core.workspace import Workspace

both = pytest.mark.parametrize("name", ["Dense", "Dense without bias"])


def bias(probe):
    return getattr(probe.p, "b", 0.0)


@both
def test_forward_and_backward_are_the_formulas(name):
    probe = Probe(LAYERS[name])
    Y, _, dX = probe.outcome()
    np.testing.assert_allclose(Y, probe.X @ probe.p.W + bias(probe), rtol=1e-14)
    np.testing.assert_allclose(dX, probe.C @ probe.p.W.T, rtol=1e-14)
    np.testing.assert_allclose(probe.g.W, probe.X.T @ probe.C, rtol=1e-14)
    if LAYERS[name].bias:
        np.testing.assert_allclose(probe.g.b, probe.C.sum(axis=0), rtol=1e-14)


@both
@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_sparse_input_gives_what_the_same_dense_input_gives(name, container):
    layer = LAYERS[name]
    dense = Probe(layer)
    dense.X[np.abs(dense.X) < 1.0] = 0.0
    sparse = Probe(layer, ws=Workspace(np.float64, needs_input_gradient=False))
    sparse.X = container(dense.X)
    np.testing.assert_allclose(sparse.forward(), dense.forward(), rtol=1e-13)
    dense.backward()
    assert sparse.backward() is None
    np.testing.assert_allclose(sparse.gradient.data, dense.gradient.data, rtol=1e-13)


def test_slots_are_the_weights_and_the_bias():
    def zones(layer):
        return [(slot.name, slot.shape, slot.zone) for slot in layer.slots()]

    assert zones(Dense(2, 3, He())) == [("W", (2, 3), "weights"), ("b", (3,), "offsets")]
    assert zones(Dense(2, 3, He(), bias=False)) == [("W", (2, 3), "weights")]


def test_biases_start_at_zero():
    probe = Probe(Dense(N_COLUMNS, 3, He()))
    probe.theta.data[:] = 0.0
    probe.layer.initialize(probe.p, np.random.default_rng(0), None)
    assert np.all(probe.p.W != 0) and np.all(probe.p.b == 0)


def test_needs_a_sample_if_its_initializer_does():
    assert Dense(2, 3, DataDriven()).needs_sample
    assert not Dense(2, 3, He()).needs_sample
