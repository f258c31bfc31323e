"""Mini-batches: every row once an epoch, with its own target and weight."""

import numpy as np
import pytest
from scipy import sparse
from training_examples import make_batches, make_run, rows

from skregnet.core.objective import Objective
from skregnet.training.batches import MIN_ROWS_TO_NORMALIZE, SPARSE_BELOW


def numbered(n_rows=23):
    """Rows whose entries, targets and weights all tell the number of the row."""
    number = np.arange(n_rows, dtype=float)
    return np.column_stack([number, -number]), number[:, np.newaxis], 1 + number[:, np.newaxis]


def epoch_of(batches):
    return [(np.array(X), np.array(Y), np.array(weight)) for X, Y, weight in batches.epoch()]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5, 10, 22, 23])
def test_an_epoch_holds_every_row_once_with_its_target_and_weight(batch_size, shuffle):
    batches = make_batches(*numbered(), batch_size=batch_size, shuffle=shuffle)
    for _ in range(2):
        parts = epoch_of(batches)
        assert len(parts) == len(batches) == -(-23 // batch_size)
        assert [len(Y) for _, Y, _ in parts[:-1]] == [batch_size] * (len(parts) - 1)
        X, Y, weight = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        np.testing.assert_array_equal(np.sort(Y[:, 0]), np.arange(23))
        np.testing.assert_array_equal(X, np.hstack([Y, -Y]))
        np.testing.assert_array_equal(weight, 1 + Y)


def test_the_order_is_drawn_afresh_each_epoch_from_its_own_stream():
    def orders(seed, shuffle=True):
        batches = make_batches(*numbered(), shuffle=shuffle, seed=seed)
        return [np.concatenate([Y[:, 0] for _, Y, _ in epoch_of(batches)]) for _ in range(3)]

    first, second, third = orders(0)
    assert np.any(first != second) and np.any(second != third)
    np.testing.assert_array_equal(orders(0), [first, second, third])
    assert np.any(orders(1)[0] != first)
    np.testing.assert_array_equal(orders(0, shuffle=False), [np.arange(23)] * 3)


def test_the_order_of_a_single_batch_is_not_drawn():
    batches = make_batches(*numbered(), batch_size=23, shuffle=True)
    before = batches.shuffle_rng.bit_generator.state
    [(_, Y, _)] = epoch_of(batches)
    np.testing.assert_array_equal(Y[:, 0], np.arange(23))
    assert batches.shuffle_rng.bit_generator.state == before


@pytest.mark.parametrize(
    "n_rows, min_rows, sizes",
    [
        (23, 1, [10, 10, 3]),
        (23, 3, [10, 10, 3]),
        (23, 4, [10, 13]),  # a short tail joins the batch before it
        (20, 10, [10, 10]),
        (5, 8, [5]),  # there is no batch before it
        (11, 8, [11]),
    ],
)
def test_a_tail_of_too_few_rows_joins_the_batch_before_it(n_rows, min_rows, sizes):
    batches = make_batches(*numbered(n_rows), min_rows=min_rows)
    assert [len(Y) for _, Y, _ in epoch_of(batches)] == sizes
    assert MIN_ROWS_TO_NORMALIZE > 1


def test_without_weights_there_are_none():
    X, Y, _ = numbered()
    assert [weight for _, _, weight in make_batches(X, Y).epoch()] == [None] * 3


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_sparse_rows_are_made_dense_batch_by_batch_if_asked_for(container, dense, shuffle):
    X, Y, weight = numbered()
    X = np.hstack([X, np.zeros((len(X), 20))])
    batches = make_batches(container(X), Y, weight, dense=dense, shuffle=shuffle)
    for X_batch, Y_batch, _ in batches.epoch():
        assert isinstance(X_batch, np.ndarray) == dense
        X_batch = X_batch if dense else X_batch.toarray()
        np.testing.assert_array_equal(X_batch[:, :2], np.hstack([Y_batch, -Y_batch]))


@pytest.mark.parametrize("share", [0.5, 0.99, 1.0, 2.0])
def test_sparse_rows_with_many_values_are_made_dense(share):
    n_values = int(share * SPARSE_BELOW * 40 * 50)
    X = sparse.coo_array((np.ones(n_values), np.divmod(np.arange(n_values), 50)), (40, 50)).tocsr()
    batches = make_batches(X, np.zeros((40, 1)), None)
    assert batches.dense == (share >= 1)
    for X_batch, _, _ in batches.epoch():
        assert isinstance(X_batch, np.ndarray) == batches.dense


def test_transforms_act_in_order_on_each_batch_and_draw_from_one_stream():
    draws = []

    def double(X, Y, rng):
        draws.append(rng.random())
        return 2 * X, Y

    def add_first_column(X, Y, rng):
        return X, Y + X[:, :1]

    X, Y, weight = numbered()
    batches = make_batches(X, Y, weight, transforms=[double, add_first_column], seed=5)
    parts = epoch_of(batches)
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), 2 * X)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), 3 * Y)
    np.testing.assert_array_equal(np.concatenate([part[2] for part in parts]), weight)
    np.testing.assert_array_equal(draws, np.random.default_rng(6).random(3))
    np.testing.assert_array_equal(X, numbered()[0])  # the rows themselves stay as they are


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_estimate_the_objective_and_its_gradient_without_bias(weighted):
    """The mean over batches of one size of J_B and of its gradient is J and its gradient."""
    X, Y = rows()
    s = np.random.default_rng(0).uniform(0.1, 3.0, (len(X), 1)) if weighted else None
    relative = None if s is None else len(X) * s / s.sum()
    run = make_run(hidden=3)
    total = len(X) if s is None else s.sum()
    objective = Objective(run.objective.network, run.objective.loss, (), total, np.float64)

    def mean_over_batches(batch_size):
        parts = []
        for X_batch, Y_batch, weight in make_batches(X, Y, relative, batch_size=batch_size).epoch():
            value = objective.value_and_gradient(run.theta, X_batch, Y_batch, weight)
            parts.append(np.append(objective.gradient.trainable, value))
        return np.mean(parts, axis=0)

    whole = mean_over_batches(30)
    for batch_size in (1, 5, 10, 15):
        np.testing.assert_allclose(mean_over_batches(batch_size), whole, rtol=1e-10, atol=1e-14)
    raw = np.tanh(X @ run.theta.layers[0].W + run.theta.layers[0].b) @ run.theta.layers[2].W
    residual = raw + run.theta.layers[2].b - Y
    expected = np.average(0.5 * residual[:, 0] ** 2, weights=None if s is None else s[:, 0])
    assert whole[-1] == pytest.approx(expected, rel=1e-12)
