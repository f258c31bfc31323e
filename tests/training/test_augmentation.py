"""Transforms of a batch: label smoothing."""

import numpy as np
import pytest

from skregnet.training.augmentation import BatchTransform, LabelSmoothing

X = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize("n_classes", [3, 4, 10])
@pytest.mark.parametrize("eps", [0.0, 0.1, 0.3, 0.9])
def test_the_true_class_gives_eps_to_the_others_in_equal_shares(eps, n_classes):
    labels = np.arange(6) % n_classes
    _, Y = LabelSmoothing(eps, n_classes)(X, np.eye(n_classes)[labels], None)
    true = np.eye(n_classes, dtype=bool)[labels]
    np.testing.assert_allclose(Y[true], 1 - eps, rtol=1e-14)
    np.testing.assert_allclose(Y[~true], eps / (n_classes - 1), rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(Y.sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_logit_an_output_smooths_between_two_classes(n_outputs):
    Y = np.random.default_rng(0).integers(0, 2, (6, n_outputs)).astype(float)
    _, smooth = LabelSmoothing(0.2, 2)(X, Y, None)
    np.testing.assert_allclose(smooth, np.where(Y == 1, 0.8, 0.2), rtol=1e-14)


@pytest.mark.parametrize("n_classes", [3, 4, 10])
def test_the_rule_of_szegedy_is_ours_with_another_eps(n_classes):
    """eps'/K to every class, with eps' = eps K / (K - 1)."""
    eps, one_hot = 0.1, np.eye(n_classes)
    theirs = eps * n_classes / (n_classes - 1)
    _, Y = LabelSmoothing(eps, n_classes)(np.zeros((n_classes, 1)), one_hot, None)
    np.testing.assert_allclose(Y, (1 - theirs) * one_hot + theirs / n_classes, rtol=1e-13)


def test_a_transform_writes_into_nothing_that_it_is_given_and_keeps_the_dtype():
    for dtype in (np.float32, np.float64):
        rows, Y = X.copy(), np.eye(3, dtype=dtype)[np.arange(6) % 3]
        before = Y.copy()
        same, smooth = LabelSmoothing(0.1, 3)(rows, Y, None)
        assert same is rows
        np.testing.assert_array_equal(rows, X)
        np.testing.assert_array_equal(Y, before)
        assert smooth.dtype == dtype


def test_a_transform_is_a_component_that_needs_no_dense_rows_unless_it_says_so():
    smoothing = LabelSmoothing(0.1, 3)
    assert isinstance(smoothing, BatchTransform)
    assert smoothing.get_params() == {"epsilon": 0.1, "n_classes": 3}
    assert not smoothing.needs_dense
