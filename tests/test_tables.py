"""Scaling of inputs and targets: weights, constant columns, sparse and single-precision input."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.tables import SCALINGS, Scale

scalings = pytest.mark.parametrize("scaling", SCALINGS.values(), ids=SCALINGS)
containers = pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])

QUICK = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}


def dense(Z):
    return Z.toarray() if sp.issparse(Z) else Z


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
    assert np.all(Z.std(axis=0)[[0, 2, 3]] > 0.5)
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
    assert_allclose(Z.toarray(), X * scale.factor)


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
    for scale in (Scale(), SCALINGS["standard"](given)):
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


@scalings
def test_a_constant_target_comes_back_as_itself(scaling):
    y = np.full((20, 1), 4.2)
    scale = scaling(y)
    assert_array_equal(scale.transform(y, np.float64), 0.0)
    assert_allclose(scale.inverse_transform(np.array([[0.0], [5.0]])), 4.2)


def test_no_scaling_is_the_identity(X):
    scale = Scale()
    assert_array_equal(scale.transform(X, np.float64), X)
    assert_array_equal(scale.inverse_transform(X), X)


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
    outside = cls(**QUICK, scaling=None).fit(Z, y)
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
