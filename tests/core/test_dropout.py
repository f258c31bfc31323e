"""Dropout: inverted scaling, the weight scaling rule, and nothing at prediction."""

import numpy as np
import pytest

from skregnet.core.dropout import Dropout, draw_kept
from skregnet.core.workspace import Workspace

X = np.random.default_rng(0).normal(size=(200, 20))


def training_workspace(dtype=np.float64, seed=0):
    ws = Workspace(dtype, np.random.default_rng(seed))
    ws.train = ws.masked = True
    return ws


@pytest.mark.parametrize("keep_prob", [0.1, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kept_units_are_divided_by_their_probability_the_others_are_zero(keep_prob, dtype):
    ones = np.ones((500, 40), dtype=dtype)
    Y = Dropout(keep_prob).forward(ones, None, training_workspace(dtype))
    kept = Y != 0
    np.testing.assert_allclose(Y[kept], 1 / keep_prob, rtol=1e-6)
    # Five standard errors of a share of 20 000 draws.
    assert abs(kept.mean() - keep_prob) < 5 * np.sqrt(keep_prob * (1 - keep_prob) / kept.size)


def test_masks_are_drawn_entry_by_entry_and_afresh_each_time():
    ws = training_workspace()
    masks = [Dropout(0.5).forward(np.ones((300, 30)), None, ws) != 0 for _ in range(2)]
    assert np.any(masks[0] != masks[1])
    # Neither rows, nor columns, nor successive masks go together: five standard errors.
    signs = [2.0 * mask - 1 for mask in masks]
    for a, b in [
        (signs[0], signs[1]),
        (signs[0][1:], signs[0][:-1]),
        (signs[0][:, 1:], signs[0][:, :-1]),
    ]:
        assert abs(np.mean(a * b)) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("keep_prob", [0.3, 0.8])
def test_weight_scaling_rule_mean_over_masks_of_a_linear_layer(keep_prob):
    """The mean over masks of X W is X W itself, within sampling error."""
    W = np.random.default_rng(1).normal(size=(20, 5))
    ws, n_masks = training_workspace(), 2000
    outputs = np.array([Dropout(keep_prob).forward(X[:10], None, ws) @ W for _ in range(n_masks)])
    standard_error = outputs.std(axis=0) / np.sqrt(n_masks)
    deviation = (outputs.mean(axis=0) - X[:10] @ W) / standard_error
    assert np.abs(deviation).max() < 4.5  # the largest of 50 normal numbers
    assert abs(np.std(deviation) - 1) < 0.5  # and they are no smaller than chance makes them


def test_prediction_returns_the_input_itself():
    assert Dropout(0.5).forward(X, None, Workspace(np.float64)) is X


def test_keep_prob_one_is_the_identity_to_the_bit():
    np.testing.assert_array_equal(Dropout(1.0).forward(X, None, training_workspace()), X)


def test_backward_applies_the_mask_of_the_last_forward():
    layer, ws = Dropout(0.5), training_workspace()
    layer.forward(X, None, ws)
    Y = layer.forward(X, None, ws).copy()
    dX = layer.backward(np.ones_like(X), None, None, ws)
    np.testing.assert_allclose(dX * X, Y, rtol=1e-14)


def test_the_same_stream_gives_the_same_mask():
    first, second, other = (
        Dropout(0.5).forward(X, None, training_workspace(seed=seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


@pytest.mark.parametrize("keep_prob", [1e-6, 0.1, 0.5, 2 / 3, 0.8, 1 - 1e-6])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (200, 101)])
def test_the_probability_is_exact_though_words_have_sixteen_bits(keep_prob, shape):
    rng, kept = np.random.default_rng(0), np.empty(shape, dtype=bool)
    level = keep_prob * 2**16
    levels = np.array([int(level + rng.random()) for _ in range(4000)])
    assert set(levels) <= {int(level), int(level) + 1}
    assert abs(levels.mean() - level) < 5 * 0.5 / np.sqrt(4000)
    share = []
    for _ in range(50):
        draw_kept(rng, keep_prob, out=kept)
        share.append(kept.mean())
    tolerance = 5 * np.sqrt(keep_prob * (1 - keep_prob) / (50 * kept.size))
    assert abs(np.mean(share) - keep_prob) <= tolerance + 1e-5


def test_all_bits_of_a_word_serve_an_entry_each():
    first, again = np.empty((4, 4), dtype=bool), np.empty((4, 4), dtype=bool)
    draw_kept(np.random.default_rng(3), 0.5, out=first)
    draw_kept(np.random.default_rng(3), 0.5, out=again)
    np.testing.assert_array_equal(first, again)
    words = np.random.default_rng(3)
    level = int(0.5 * 2**16 + words.random())
    bits = words.bit_generator.random_raw(4).view(np.uint16).reshape(4, 4)
    np.testing.assert_array_equal(first, bits < level)
