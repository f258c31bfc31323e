"""What "auto" and ``max_iter=None`` stand for, by the number of rows."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.assemble import automatic

SMALL = {"hidden_layer_sizes": (4,), "random_state": 0}


def rows(kind, n_rows):
    make = make_classification if kind is RegularizedMLPClassifier else make_regression
    return make(n_rows, 5, n_informative=3, random_state=0)


def same_weights(a, b):
    pairs = zip(a.coefs_, b.coefs_, strict=True)
    return all(np.array_equal(W, V) for W, V in pairs)


@pytest.mark.parametrize(
    "n_rows, expected",
    [(1, 128), (499, 128), (500, 32), (1448, 32), (1449, 64), (2896, 64), (2897, 128), (9999, 128)],
)
def test_small_tables_have_smaller_batches_from_500_rows_on(n_rows, expected):
    assert automatic.batch_size(n_rows, streaming=False) == expected
    assert automatic.batch_size(n_rows, streaming=True) == 128


@pytest.mark.parametrize("n_rows, batch_size", [(520, 32), (1500, 64)])
@pytest.mark.parametrize("kind", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_search_and_refit_have_the_same_batches(kind, n_rows, batch_size):
    """Rows that are held out count: else the best epoch would be one of other steps."""
    X, y = rows(kind, n_rows)
    auto = kind(**SMALL, max_iter=3).fit(X, y)
    assert auto.best_iteration_ is not None
    assert same_weights(auto, kind(**SMALL, max_iter=3, batch_size=batch_size).fit(X, y))
    other = kind(**SMALL, max_iter=3, batch_size=2 * batch_size).fit(X, y)
    assert not same_weights(auto, other)


@pytest.mark.parametrize(
    "kind, n_rows, expected",
    [
        (RegularizedMLPClassifier, 499, 64),
        (RegularizedMLPClassifier, 500, 64),
        (RegularizedMLPRegressor, 499, 64),
        (RegularizedMLPRegressor, 500, 40),
    ],
)
def test_epochs(kind, n_rows, expected):
    assert kind(**SMALL).fit(*rows(kind, n_rows)).n_iter_ == expected


@pytest.mark.parametrize("sizes, expected", [((), 1000), ((4,), 200)])
def test_iterations_of_lbfgs(sizes, expected):
    model = RegularizedMLPRegressor(sizes, solver="lbfgs")
    assert automatic.n_epochs(model, 100) == automatic.n_epochs(model, 10_000) == expected
