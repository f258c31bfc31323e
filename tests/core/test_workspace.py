"""Scratch memory is reused, and never for two names at once."""

import numpy as np

from skregnet.core.workspace import Workspace


def test_a_smaller_batch_uses_the_same_memory():
    ws = Workspace(np.float64)
    large = ws.array("Y", 10, 3)
    small = ws.array("Y", 4, 3)
    assert large.shape == (10, 3) and small.shape == (4, 3)
    assert np.shares_memory(large, small)
    assert small.flags.c_contiguous
    assert np.shares_memory(ws.array("Y", 10, 3), large)


def test_a_larger_batch_or_another_shape_gets_new_memory():
    ws = Workspace(np.float64)
    first = ws.array("Y", 4, 3)
    assert ws.array("Y", 5, 3).shape == (5, 3)
    assert ws.array("Y", 4, 2).shape == (4, 2)
    assert ws.array("Y", 4).shape == (4,)
    assert first.shape == (4, 3)


def test_names_do_not_share_memory():
    ws = Workspace(np.float64)
    assert not np.shares_memory(ws.array("Y", 4, 3), ws.array("dX", 4, 3))


def test_arrays_have_the_dtype_of_the_run():
    assert Workspace(np.float32).array("Y", 2, 2).dtype == np.float32


def test_starts_in_prediction_mode_without_weights_or_a_stream():
    ws = Workspace(np.float64)
    assert (ws.train, ws.weight, ws.rng, ws.needs_input_gradient) == (False, None, None, True)


def test_column_sums_are_those_of_numpy():
    X = np.random.default_rng(0).normal(size=(7, 3))
    ws, out = Workspace(np.float64), np.empty(3)
    assert ws.column_sums(X, out=out) is out
    np.testing.assert_allclose(out, X.sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(ws.column_sums(X[:4], out=out), X[:4].sum(axis=0), rtol=1e-14)


def test_constants_are_made_once():
    ws = Workspace(np.float32)
    first = ws.constant(0.25, 4)
    assert ws.constant(0.25, 4) is first and first.dtype == np.float32
    np.testing.assert_array_equal(first, [0.25] * 4)
    assert len(ws.constant(0.25, 5)) == 5 and ws.constant(1.0, 4)[0] == 1.0


def test_an_array_may_have_a_dtype_of_its_own():
    assert Workspace(np.float32).array("kept", 2, 2, dtype=bool).dtype == bool
