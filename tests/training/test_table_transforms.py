"""Noise on, and mixtures of, the rows of a table: the formula and the distribution of each."""

import numpy as np
import pytest

from skregnet.training.augmentation import CutMix, FeatureDropout, GaussianNoise, Mixup, SwapNoise

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def batch(n, m, dtype, d=16):
    """Scaled rows of which no two entries agree, and targets whose rows sum to 1 if m > 1."""
    rng = np.random.default_rng(n + 10 * m)
    Y = np.eye(m)[rng.integers(m, size=n)] if m > 1 else rng.normal(size=(n, 1))
    return rng.normal(size=(n, d)).astype(dtype), Y.astype(dtype)


# Noise -----------------------------------------------------------------------------------------


def test_gaussian_noise_adds_std_times_a_standard_normal():
    rows, targets = batch(50, 1, np.float64)
    new, same = GaussianNoise(0.3)(rows, targets, np.random.default_rng(5))
    noise = np.random.default_rng(5).standard_normal(rows.shape)
    np.testing.assert_allclose(new, rows + 0.3 * noise, rtol=0, atol=1e-12)
    assert same is targets


@every_dtype
def test_gaussian_noise_has_the_std_that_it_is_given(dtype):
    rows = np.zeros((2000, 50), dtype)
    new, _ = GaussianNoise(0.3)(rows, rows[:, :1], np.random.default_rng(0))
    assert new.std() == pytest.approx(0.3, rel=0.01)  # 5 standard errors
    assert abs(new.mean()) < 5 * 0.3 / np.sqrt(new.size)


def test_gaussian_noise_is_an_l2_penalty_in_the_mean():
    """Least squares on many noisy copies is Ridge with alpha = n std^2."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 3))
    y = rows @ [1.0, -2.0, 3.0] + rng.normal(size=40)
    noise = GaussianNoise(0.7)
    copies = np.concatenate([noise(rows, None, rng)[0] for _ in range(5000)])
    w = np.linalg.lstsq(copies, np.tile(y, 5000))[0]
    gram, moments = rows.T @ rows, rows.T @ y
    ridge = np.linalg.solve(gram + 40 * 0.7**2 * np.eye(3), moments)
    np.testing.assert_allclose(w, ridge, rtol=0.01)
    assert np.abs(np.linalg.solve(gram, moments) / ridge - 1).min() > 0.1


def test_swap_noise_takes_the_value_of_another_row_of_the_same_column():
    rows, targets = batch(50, 1, np.float64)
    new, same = SwapNoise(0.4)(rows, targets, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    i, j = np.nonzero(rng.random(rows.shape) < 0.4)
    wanted = rows.copy()
    wanted[i, j] = rows[(i + rng.integers(1, 50, size=len(i))) % 50, j]
    np.testing.assert_array_equal(new, wanted)
    assert same is targets
    assert np.isin(new[:, 3], rows[:, 3]).all()


def test_swap_noise_never_swaps_a_row_with_itself_and_draws_the_others_alike():
    rows = np.tile(np.arange(5.0)[:, np.newaxis], (1, 20_000))
    new, _ = SwapNoise(1.0)(rows, rows[:, :1], np.random.default_rng(0))
    for i in range(5):
        values, counts = np.unique(new[i], return_counts=True)
        np.testing.assert_array_equal(values, np.delete(np.arange(5.0), i))
        np.testing.assert_allclose(counts, 5000, atol=5 * np.sqrt(20_000 * 0.25 * 0.75))


def test_swap_noise_keeps_the_distribution_of_every_column():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(3.0, 2.0, 200), rng.exponential(size=200)])
    new = np.stack([SwapNoise(0.5)(rows, None, rng)[0] for _ in range(300)])
    error = rows.std(axis=0) / np.sqrt(200 * 300 * 0.5)
    assert (np.abs(new.mean(axis=(0, 1)) - rows.mean(axis=0)) < 6 * error).all()
    np.testing.assert_allclose(new.std(axis=(0, 1)), rows.std(axis=0), rtol=0.02)
    assert np.mean(new != rows) == pytest.approx(0.5, abs=0.01)
    # ... but not the relation between columns, nor what identifies a row.
    tied = np.column_stack([rows[:, 0], rows[:, 0]])
    swapped = SwapNoise(0.5)(tied, None, rng)[0]
    assert np.corrcoef(swapped.T)[0, 1] < 0.6


def test_feature_dropout_zeroes_entries_and_leaves_the_others_as_they_are():
    rows, targets = batch(50, 1, np.float64)
    new, same = FeatureDropout(0.4)(rows, targets, np.random.default_rng(5))
    kept = np.random.default_rng(5).random(rows.shape) >= 0.4
    np.testing.assert_array_equal(new, np.where(kept, rows, 0.0))
    assert same is targets
    assert np.mean(kept) == pytest.approx(0.6, abs=0.1)


# Mixtures --------------------------------------------------------------------------------------


def test_mixup_mixes_rows_and_targets_with_the_same_share():
    rows, targets = batch(50, 3, np.float64)
    new, new_targets = Mixup(0.7)(rows, targets, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    lam = rng.beta(0.7, 0.7, size=(50, 1))
    lam = np.maximum(lam, 1 - lam)
    partner = rng.permutation(50)
    wanted = lam * rows + (1 - lam) * rows[partner]
    np.testing.assert_allclose(new, wanted, rtol=0, atol=1e-12)
    wanted = lam * targets + (1 - lam) * targets[partner]
    np.testing.assert_allclose(new_targets, wanted, rtol=0, atol=1e-12)
    assert len(np.unique(lam)) == 50


def test_mixup_leaves_each_row_its_own_label_as_the_largest():
    rows, targets = batch(500, 3, np.float64)
    _, mixed = Mixup(1.0)(rows, targets, np.random.default_rng(0))
    own = mixed[targets == 1]
    assert own.min() >= 0.5
    assert 0.6 < own.mean() < 0.95


def test_mixup_grows_with_alpha():
    rows, targets = batch(500, 3, np.float64)
    moved = [
        np.abs(Mixup(alpha)(rows, targets, np.random.default_rng(0))[0] - rows).mean()
        for alpha in (1e-3, 0.1, 1.0, 10.0)
    ]
    assert moved == sorted(moved)
    assert moved[0] < 0.01 < 0.4 < moved[-1]


@pytest.mark.parametrize("transform", [Mixup(), CutMix(1.0)], ids=repr)
def test_mixing_a_row_with_itself_changes_nothing(transform):
    rows, targets = batch(1, 3, np.float32)
    new, new_targets = transform(rows, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(new, rows)
    np.testing.assert_array_equal(new_targets, targets)


def test_cutmix_replaces_columns_and_mixes_the_targets_by_those_kept():
    rows, targets = batch(400, 3, np.float64)
    new, new_targets = CutMix(0.6)(rows, targets, np.random.default_rng(5))
    partner = np.random.default_rng(5).permutation(400)
    kept = new == rows
    np.testing.assert_array_equal(new, np.where(kept, rows, rows[partner]))
    share = kept.mean(axis=1, keepdims=True)
    wanted = share * targets + (1 - share) * targets[partner]
    np.testing.assert_allclose(new_targets, wanted, rtol=0, atol=1e-12)
    assert np.mean(share < 1) == pytest.approx(0.6, abs=0.12)  # 5 standard errors
    # The kept share of 16 columns is about U(1/2, 1), not only near the middle.
    assert share.min() == 0.5
    assert np.mean(share[share < 1]) == pytest.approx(0.75, abs=0.05)
    assert share[share < 1].std() == pytest.approx(np.sqrt(1 / 48), abs=0.03)


@pytest.mark.parametrize("d", [1, 2, 3, 16])
def test_cutmix_leaves_the_larger_part_to_the_row_whose_weight_it_has(d):
    rows, targets = batch(1000, 1, np.float64, d)
    new, _ = CutMix(1.0)(rows, targets, np.random.default_rng(0))
    replaced = new != rows
    assert replaced.sum(axis=1).max() == d // 2
    # No column is replaced more often than another.
    by_column = replaced.mean(axis=0)
    np.testing.assert_allclose(by_column, by_column.mean(), atol=0.1)
