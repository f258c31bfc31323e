"""The encoder: medians and indicators, one-hot columns, and what weights make of them."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skregnet.encoding import EncodedScale, learn_encoder
from skregnet.frames import Codes
from skregnet.tables import Scale, standard_scale

NAN = np.nan
COLOURS = Codes({1: {"blue": 0, "green": 1, "red": 2}})


def encoder_of(column, n_codes, weight=None, max_categories=None):
    """Return the encoder of one column of codes, named a, b, c, ..."""
    codes = Codes({0: {chr(ord("a") + i): i for i in range(n_codes)}})
    X = np.array(column, dtype=float)[:, np.newaxis]
    weight = None if weight is None else np.array(weight, dtype=float)
    return learn_encoder(X, weight, codes, max_categories)


def encoded(encoder, *column):
    return encoder.transform(np.array(column, dtype=float)[:, np.newaxis])


# Formulas --------------------------------------------------------------------------------------


def test_numbers_get_the_median_and_an_indicator():
    X = np.array([[1.0, 5.0], [NAN, 6.0], [3.0, 7.0], [10.0, 8.0]])
    encoder = learn_encoder(X, None, None, None)
    assert encoder.names(["age", "size"]) == ["age", "age_missing", "size"]
    expected = [[1.0, 0.0, 5.0], [3.0, 1.0, 6.0], [3.0, 0.0, 7.0], [10.0, 0.0, 8.0]]
    assert_array_equal(encoder.transform(X), expected)


def test_three_categories_are_one_hot_and_missing_ones_zero():
    encoder = encoder_of([2, 0, 1, NAN], 3)
    assert encoder.names(["x0"]) == ["x0_a", "x0_b", "x0_c"]
    expected = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert_array_equal(encoded(encoder, 2, 0, 1, NAN), expected)


def test_two_categories_are_one_column_of_minus_and_plus_one():
    encoder = encoder_of([0, 2, 0], 3)  # the second category has no training row
    assert encoder.names(["x0"]) == ["x0_c"]
    assert_array_equal(encoded(encoder, 0, 2, 1, NAN), [[-1], [1], [0], [0]])


def test_one_category_is_one_column():
    encoder = encoder_of([1, NAN, 1], 3)
    assert encoder.names(["x0"]) == ["x0_b"]
    assert_array_equal(encoded(encoder, 0, 1, 2, NAN), [[0], [1], [0], [0]])


def test_an_empty_column_of_categories_is_one_of_zeros():
    encoder = encoder_of([NAN, NAN], 2)
    assert encoder.names(["x0"]) == ["x0"]
    assert_array_equal(encoded(encoder, 0, 1, NAN), [[0], [0], [0]])


def test_an_empty_column_of_numbers_is_zero_and_its_scale_keeps_it_so():
    X = np.array([[NAN, 1.0], [NAN, 2.0]])
    encoder = learn_encoder(X, None, None, None)
    Z = encoder.transform(X)
    assert_array_equal(Z, [[0.0, 1.0, 1.0], [0.0, 1.0, 2.0]])
    new = encoder.transform(np.array([[1e9, 1.5]]))
    assert_array_equal(standard_scale(Z).transform(new, np.float64), [[0.0, 0.0, 0.0]])


def test_columns_keep_their_order_and_their_sums():
    X = np.array([[1.0, 0, NAN], [2.0, 1, 3.0], [3.0, 2, 4.0]])
    encoder = learn_encoder(X, None, COLOURS, None)
    names = ["a", "b_blue", "b_green", "b_red", "c", "c_missing"]
    assert encoder.names("abc") == names
    assert encoder.n_columns == 6
    assert_array_equal(encoder.summed(np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])), [1, 14, 48])
    expected = [[1, 1, 0, 0, 3.5, 1], [2, 0, 1, 0, 3, 0], [3, 0, 0, 1, 4, 0]]
    assert_array_equal(encoder.transform(X), expected)


def test_nothing_is_learnt_where_there_is_nothing_to_encode(rng):
    X = rng.normal(size=(20, 3))
    assert learn_encoder(X, None, None, None) is None
    assert learn_encoder(sp.csr_array(X), None, None, None) is None


def test_a_gap_that_training_did_not_have_stays_for_the_scale(rng):
    X = np.column_stack([rng.normal(size=20), np.r_[NAN, rng.normal(size=19)]])
    encoder = learn_encoder(X, None, None, None)
    new = encoder.transform(np.array([[NAN, 1.0]]))
    assert np.isnan(new[0, 0]) and np.isfinite(new[0, 1:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clip", [None, 3.0])
def test_the_scale_puts_the_centre_in_place_of_nan(dtype, clip):
    scale = Scale(np.array([5.0, 6.0]), np.array([2.0, 3.0]), clip)
    Z = scale.transform(np.array([[NAN, 7.0]]), dtype)
    assert Z.dtype == dtype
    assert Z[0, 0] == 0.0 and Z[0, 1] != 0.0
    given = np.array([[NAN, 7.0]], dtype=dtype)
    assert_array_equal(Scale().transform(given, dtype), [[0.0, 7.0]])
    assert np.isnan(given[0, 0])  # the user's array is left as it is


def test_encoder_and_scale_in_one_step_are_the_two_in_turn(rng, monkeypatch):
    monkeypatch.setattr("skregnet.tables.CHUNK_NUMBERS", 64)  # many chunks
    X = np.column_stack([rng.normal(size=100), rng.integers(0, 3, size=100)])
    X[::7] = NAN
    encoder = learn_encoder(X, None, COLOURS, None)
    Z = encoder.transform(X)
    scale = standard_scale(Z)
    both = EncodedScale(encoder, scale)
    assert_array_equal(both.transform(X, np.float32), scale.transform(Z, np.float32))
    assert_array_equal(both.transform(sp.csr_array(X), np.float32), both.transform(X, np.float32))


# Rare categories -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "most, names",
    [
        (None, ["x0_a", "x0_b", "x0_c", "x0_d"]),
        (4, ["x0_a", "x0_b", "x0_c", "x0_d"]),
        (3, ["x0_b", "x0_c", "x0_infrequent"]),
        (2, ["x0_infrequent"]),
        (1, ["x0_infrequent"]),
    ],
)
def test_the_heaviest_categories_keep_a_column_of_their_own(most, names):
    encoder = encoder_of([0, 1, 1, 2, 2, 2, 3], 4, max_categories=most)
    assert encoder.names(["x0"]) == names


def test_rare_categories_share_a_column_and_unknown_ones_do_not():
    encoder = encoder_of([0, 1, 1, 2, 2, 2, 3], 5, max_categories=3)
    expected = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert_array_equal(encoded(encoder, 0, 1, 2, 3, 4, NAN), expected)


def test_one_category_against_the_rest_is_a_column_of_minus_and_plus_one():
    encoder = encoder_of([0, 1, 1, 2, 2, 2, 3], 5, max_categories=2)
    assert_array_equal(encoded(encoder, 2, 0, 1, 3, 4)[:, 0], [-1, 1, 1, 1, 0])


def test_among_equals_the_first_keep_their_column_whatever_the_order_of_rows(rng):
    codes = np.repeat(np.arange(6), 2)
    for weight in (None, np.full(12, 0.1), np.full(12, 1 / 3)):
        rng.shuffle(codes)
        encoder = encoder_of(codes, 6, weight, max_categories=3)
        assert encoder.names(["x"]) == ["x_a", "x_b", "x_infrequent"]


def test_sums_of_weights_are_equal_up_to_their_rounding():
    weight = [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert sum(weight[1:4]) > weight[0]
    encoder = encoder_of([0, 1, 1, 1, 2, 2, 2, 3], 4, weight, max_categories=3)
    assert encoder.names(["x"]) == ["x_a", "x_b", "x_infrequent"]


def test_weights_decide_what_is_rare():
    encoder = encoder_of([0, 0, 0, 1, 2], 3, [1, 1, 1, 9, 5], max_categories=2)
    assert_array_equal(encoded(encoder, 1, 0, 2)[:, 0], [-1, 1, 1])


# Weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1.0, 0.1, 1000.0])
@pytest.mark.parametrize("most", [None, 3])
def test_a_weight_is_a_repetition(rng, unit, most):
    n = 200
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 3, size=n), rng.normal(size=n)])
    X[rng.random(X.shape) < 0.2] = NAN
    X = np.column_stack([X, rng.integers(0, 30, size=n)])
    codes = Codes(COLOURS.columns | {3: {f"c{i:02}": i for i in range(30)}})
    weight = rng.integers(1, 5, size=n)
    weighted = learn_encoder(X, unit * weight, codes, most)
    repeated = learn_encoder(X.repeat(weight, axis=0), None, codes, most)
    names = ["a", "b", "c", "d"]
    assert weighted.names(names) == repeated.names(names)
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-12)


def test_the_median_is_that_of_the_weights():
    X = np.array([[1.0], [2.0], [10.0], [NAN]])
    for weight, median in [((1, 1, 1, 1), 2.0), ((5, 1, 1, 1), 1.0), ((1, 1, 2, 9), 6.0)]:
        encoder = learn_encoder(X, np.array(weight, dtype=float), None, None)
        assert encoder.transform(X)[3, 0] == median
