"""Scaling of inputs and targets: weights, constant columns, sparse and single-precision input."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from plain import PLAIN
from sklearn.preprocessing import RobustScaler, StandardScaler

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.tables import SCALINGS, TARGET_SCALINGS, Scale, weighted_quantile

scalings = pytest.mark.parametrize("scaling", SCALINGS.values(), ids=SCALINGS)
containers = pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])

QUICK = PLAIN | {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}


def dense(Z):
    return Z.toarray() if sp.issparse(Z) else Z


def clipped(Z, clip):
    return Z if clip is None else Z / np.sqrt(1.0 + (Z / clip) ** 2)


@pytest.fixture
def X(rng):
    """Columns of different places and widths."""
    return rng.normal(size=(60, 4)) * [1.0, 1e-3, 50.0, 2.0] + [0.0, 5.0, -300.0, 1.0]


@pytest.fixture
def weight(rng):
    weight = rng.integers(0, 4, size=60)
    assert set(weight) == {0, 1, 2, 3}
    return weight


@scalings
@containers
def test_a_weight_is_a_repetition(scaling, container, X, weight):
    weighted = scaling(container(X), weight.astype(float))
    repeated = scaling(container(X.repeat(weight, axis=0)))
    assert_allclose(weighted.factor, repeated.factor, rtol=1e-12)
    if weighted.center is None:
        assert repeated.center is None
    else:
        assert_allclose(weighted.center, repeated.center, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_sparse_rows_are_predicted_as_the_same_rows_dense(cls, X):
    y = (X[:, 0] > 0).astype(int)
    for container in (np.asarray, sp.csr_array):
        model = cls(**QUICK).fit(container(X), y)
        assert_allclose(model.predict(sp.csr_array(X)), model.predict(X), rtol=1e-9)


@scalings
def test_a_common_factor_in_the_weights_changes_nothing(scaling, X, weight):
    once, many = (scaling(X, factor * weight) for factor in (1.0, 1000.0))
    assert_allclose(many.center, once.center, rtol=1e-12, atol=1e-12)
    assert_allclose(many.factor, once.factor, rtol=1e-12)


def test_standard_scaling_gives_mean_0_and_biased_variance_1(X):
    Z = SCALINGS["standard"](X).transform(X, np.float64)
    assert_allclose(Z.mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(Z.var(axis=0), 1.0, rtol=1e-12)


def test_standard_scaling_agrees_with_scikit_learn(X, weight):
    theirs = StandardScaler().fit(X, sample_weight=weight)
    ours = SCALINGS["standard"](X, weight.astype(float))
    assert_allclose(ours.transform(X, np.float64), theirs.transform(X), rtol=1e-10, atol=1e-10)


@scalings
@containers
@pytest.mark.parametrize("constant", [0.0, 1.0, -7.5, 0.1, 1e9, 1e-30])
def test_a_constant_column_becomes_zero_even_for_another_value(scaling, container, X, constant):
    X[:, 1] = constant
    scale = scaling(container(X))
    Z = dense(scale.transform(container(X), np.float64))
    assert_array_equal(Z[:, 1], 0.0)
    # Not centred and far from zero, a column comes close to the clip, but still varies.
    assert np.all(Z.std(axis=0)[[0, 2, 3]] > (0.5 if scale.clip is None else 0.05))
    elsewhere = X.copy()
    elsewhere[:, 1] = constant + 123.0
    assert_array_equal(dense(scale.transform(container(elsewhere), np.float64)), Z)


@scalings
def test_a_column_that_is_constant_where_the_weight_is_counts_as_constant(scaling, X):
    weight = np.ones(60)
    weight[:5] = 0.0
    X[5:, 2] = 0.3
    Z = scaling(X[weight > 0], weight[weight > 0]).transform(X, np.float64)
    assert_array_equal(Z[:, 2], 0.0)


@scalings
def test_sparse_input_is_not_centred_and_stays_sparse(scaling, X):
    X[X < 0] = 0.0
    scale = scaling(sp.csr_array(X))
    Z = scale.transform(sp.csr_array(X), np.float64)
    assert scale.center is None
    assert sp.issparse(Z)
    assert Z.nnz == np.count_nonzero(X)
    assert_allclose(Z.toarray(), clipped(X * scale.factor, scale.clip))


@scalings
@pytest.mark.parametrize("distance", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("given", [np.float64, np.float32])
def test_columns_far_from_zero_keep_single_precision(scaling, distance, given, rng):
    X = (distance + rng.normal(size=(500, 3))).astype(given)
    exact = scaling(X.astype(np.float64)).transform(X.astype(np.float64), np.float64)
    Z = scaling(X).transform(X, np.float32)
    assert Z.dtype == np.float32
    # A few roundings of a number of size 1. Subtracting in single precision would leave an error
    # of eps * distance, up to 0.1 here.
    assert_allclose(Z, exact, atol=8 * np.finfo(np.float32).eps)


@containers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transform_returns_the_dtype_asked_for_and_leaves_its_input(container, dtype, X):
    given = container(X.copy())
    for scale in (Scale(), *(scaling(given) for scaling in SCALINGS.values())):
        Z = scale.transform(given, dtype)
        assert Z.dtype == dtype
        assert sp.issparse(Z) == sp.issparse(given)
        assert_array_equal(dense(given), X)


@scalings
@pytest.mark.parametrize("n_columns", [1, 3])
def test_inverse_transform_undoes_transform(scaling, n_columns, rng):
    y = 1000.0 + 3.0 * rng.normal(size=(50, n_columns))
    scale = scaling(y)
    assert_allclose(scale.inverse_transform(scale.transform(y, np.float64)), y, rtol=1e-13)


@pytest.mark.parametrize("scaling", TARGET_SCALINGS.values(), ids=TARGET_SCALINGS)
def test_a_constant_target_comes_back_as_itself(scaling):
    y = np.full((20, 1), 4.2)
    scale = scaling(y)
    assert_array_equal(scale.transform(y, np.float64), 0.0)
    assert_allclose(scale.inverse_transform(np.array([[0.0], [5.0]])), 4.2)


def test_no_scaling_is_the_identity(X):
    scale = Scale()
    assert_array_equal(scale.transform(X, np.float64), X)
    assert_array_equal(scale.inverse_transform(X), X)


# Robust scaling -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5, 8, 21, 60])
def test_quantiles_without_weights_are_numpys_averaged_inverted_cdf(n_rows, rng):
    X = rng.integers(0, 9, size=(n_rows, 5)).astype(float)
    q = [0.1, 0.25, 0.5, 0.75, 0.9]
    expected = np.quantile(X, q, axis=0, method="averaged_inverted_cdf")
    assert_array_equal(weighted_quantile(X, q), expected)


@pytest.mark.parametrize("seed", range(20))
def test_quantiles_take_a_weight_as_a_repetition_exactly(seed):
    rng = np.random.default_rng(seed)
    X, weight = rng.normal(size=(12, 3)).round(1), rng.integers(1, 5, size=12)
    q = [0.25, 0.5, 0.75]
    expected = weighted_quantile(X.repeat(weight, axis=0), q)
    assert_array_equal(weighted_quantile(X, q, weight.astype(float)), expected)
    # 0.1 is not a binary fraction, so that sums of it are not exactly quarters of the total.
    assert_array_equal(weighted_quantile(X, q, 0.1 * weight), expected)


@containers
def test_robust_scaling_takes_a_weight_as_a_repetition_exactly(container, X, rng):
    weight = rng.integers(1, 5, size=60)
    X[X < 0] = 0.0
    weighted = SCALINGS["robust"](container(X), weight.astype(float))
    repeated = SCALINGS["robust"](container(X.repeat(weight, axis=0)))
    assert_array_equal(weighted.factor, repeated.factor)
    assert_array_equal(weighted.center, repeated.center)
    plain = SCALINGS["robust"](container(X))
    assert not np.array_equal(weighted.factor, plain.factor)
    ones = SCALINGS["robust"](container(X), np.ones(60))
    assert_array_equal(ones.factor, plain.factor)


def test_robust_scaling_is_scikit_learns_with_a_smooth_clip(rng):
    # With 4 k + 1 rows the quartiles are rows by every definition.
    X = rng.standard_t(2, size=(61, 4)) * [1.0, 1e-3, 50.0, 2.0] + [0.0, 5.0, -300.0, 1.0]
    expected = clipped(RobustScaler().fit_transform(X), 3.0)
    Z = SCALINGS["robust"](X).transform(X, np.float64)
    assert_allclose(Z, expected, rtol=1e-12, atol=1e-12)
    assert np.abs(Z).max() < 3.0


@pytest.mark.parametrize(
    "n_ones, z_of_0, z_of_1",
    [(3, 0.0, 1.664), (8, 0.0, 0.949), (10, -0.493, 0.493), (12, -0.949, 0.0), (17, -1.664, 0.0)],
)
def test_binary_columns_under_robust_scaling(n_ones, z_of_0, z_of_1):
    x = np.repeat([0.0, 1.0], [20 - n_ones, n_ones])[:, np.newaxis]
    Z = SCALINGS["robust"](x).transform(np.array([[0.0], [1.0]]), np.float64)
    assert_allclose(Z[:, 0], [z_of_0, z_of_1], atol=5e-4)


def test_robust_scaling_of_sparse_input_counts_its_zeros(rng):
    X = rng.normal(size=(40, 3)) + 2.0
    X[rng.random(X.shape) < [0.1, 0.5, 0.9]] = 0.0
    scale = SCALINGS["robust"](sp.csr_array(X))
    assert_array_equal(scale.factor, SCALINGS["robust"](X).factor)
    # Entries may be stored as zeros, or in parts that are to be added.
    columns = np.tile(np.arange(X.shape[1]), len(X))
    starts = np.arange(0, 2 * X.size + 1, 2 * X.shape[1])
    in_parts = sp.csr_array((0.5 * X.ravel().repeat(2), columns.repeat(2), starts), shape=X.shape)
    assert in_parts.nnz == 2 * X.size
    assert_array_equal(SCALINGS["robust"](in_parts).factor, scale.factor)
    expected = scale.transform(sp.csr_array(X), np.float64).toarray()
    assert_array_equal(scale.transform(in_parts, np.float64).toarray(), expected)


def test_outliers_do_not_move_the_robust_scale(X):
    spoilt = X.copy()
    spoilt[X == X.max(axis=0)] = 1e30
    spoilt[X == X.min(axis=0)] = -1e30
    robust, spoilt_robust = SCALINGS["robust"](X), SCALINGS["robust"](spoilt)
    assert_array_equal(spoilt_robust.center, robust.center)
    assert_array_equal(spoilt_robust.factor, robust.factor)
    Z = spoilt_robust.transform(spoilt, np.float32)
    assert_allclose(np.abs(Z).max(axis=0), 3.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_rounded_to_the_clip_comes_back_finite_and_far(dtype, X):
    scale = SCALINGS["robust"](X)
    far = np.array([[1e30], [-1e30]]) + X[0]
    Z = scale.transform(far, dtype)
    assert_array_equal(np.abs(Z), 3.0)
    back = (scale.inverse_transform(Z) - scale.center) * scale.factor
    assert np.all(np.sign(back) == np.sign(far))
    assert np.all((np.abs(back) > 1e3) & np.isfinite(back))


@pytest.mark.parametrize("scale_of_x", [1e-300, 1e-30, 1e300])
def test_the_unit_does_not_matter_to_robust_scaling(scale_of_x, rng):
    X = rng.normal(size=(30, 2))
    expected = SCALINGS["robust"](X).transform(X, np.float64)
    Z = SCALINGS["robust"](scale_of_x * X).transform(scale_of_x * X, np.float64)
    assert_allclose(Z, expected, rtol=1e-10, atol=1e-12)


def test_values_too_large_for_the_dtype_once_scaled_raise(X):
    scale = SCALINGS["standard"](X)
    X[0, 0] = 1e300
    assert np.isfinite(scale.transform(X, np.float64)).all()
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\) once scaled"):
        scale.transform(X, np.float32)


def test_a_target_is_never_clipped():
    y = np.arange(20.0)[:, np.newaxis]
    assert set(TARGET_SCALINGS) < set(SCALINGS)
    assert all(scaling(y).clip is None for scaling in TARGET_SCALINGS.values())


# In the estimators ----------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_statistics_come_from_the_training_rows_alone(cls, X):
    y = np.arange(60) % 2
    held_out = X + 1000.0
    model = cls(**QUICK, early_stopping=True).fit(X, y, X_val=held_out, y_val=y)
    assert_allclose(model.input_scale_.center, X.mean(axis=0))
    assert_allclose(1.0 / model.input_scale_.factor, X.std(axis=0))


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_rows_held_out_do_not_enter_the_statistics(cls, X):
    y = np.arange(60) % 2
    model = cls(**QUICK, early_stopping=True, validation=0.5).fit(X, y)
    assert not np.allclose(model.input_scale_.center, X.mean(axis=0))


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_scaling_inside_equals_scaling_outside(cls, X):
    y = np.arange(60) % 2
    Z = StandardScaler().fit_transform(X)
    inside = cls(**QUICK).fit(X, y)
    outside = cls(**QUICK | {"scaling": None}).fit(Z, y)
    assert outside.input_scale_ is None
    assert_allclose(inside.coefs_[0], outside.coefs_[0], rtol=1e-9)


def test_target_scaling_inside_equals_scaling_outside(X):
    y = 50.0 + 7.0 * X[:, 0]
    z = (y - y.mean()) / y.std()
    inside = RegularizedMLPRegressor(**QUICK).fit(X, y)
    outside = RegularizedMLPRegressor(**QUICK, target_scaling=None).fit(X, z)
    assert_allclose(inside.predict(X), y.mean() + y.std() * outside.predict(X), rtol=1e-9)


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_the_unit_of_a_column_does_not_matter(cls, X):
    y = np.arange(60) % 2
    model = cls(**QUICK).fit(X, y)
    in_other_units = cls(**QUICK).fit(1000.0 * X + 17.0, y)
    assert_allclose(in_other_units.predict(1000.0 * X + 17.0), model.predict(X), rtol=1e-7)


def test_the_unit_of_the_target_does_not_matter(X):
    y = X[:, 0]
    model = RegularizedMLPRegressor(**QUICK).fit(X, y)
    in_other_units = RegularizedMLPRegressor(**QUICK).fit(X, 1000.0 * y - 5.0)
    assert_allclose(in_other_units.predict(X), 1000.0 * model.predict(X) - 5.0, rtol=1e-8)


def test_a_column_that_varies_at_prediction_only_does_not_matter(X):
    X[:, 1] = 3.0
    model = RegularizedMLPRegressor(**QUICK).fit(X, X[:, 0])
    elsewhere = X.copy()
    elsewhere[:, 1] = np.arange(60)
    assert_array_equal(model.predict(elsewhere), model.predict(X))


def test_a_constant_target_is_predicted(X):
    model = RegularizedMLPRegressor(**QUICK).fit(X, np.full(60, 4.2))
    assert_allclose(model.predict(X), 4.2)


def test_robust_scaling_clips_what_overflows_in_single_precision():
    scale = Scale(np.zeros(1), np.full(1, 1e9), 3.0)
    Z = scale.transform(np.array([[1e32], [-1e32]]), np.float32)
    np.testing.assert_allclose(Z, [[3.0], [-3.0]])


def test_sparse_values_that_overflow_are_an_error():
    scale = Scale(None, np.full(2, 1e9))
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\)"):
        scale.transform(sp.csr_array([[1e35, 0.0]]), np.float32)
