"""The layers of `batchnorm` (formula, row weights, running statistics) and of `group_norm`."""

import numpy as np
import pytest
from engine_examples import GOOD, numeric_gradient, relative_error

from skregnet.core.normalization import BatchNorm, GroupNorm
from skregnet.core.vector import Layout, Vector
from skregnet.core.workspace import Workspace

EPSILON, MOMENTUM = 1e-5, 0.1
M = 3


class Norm:
    """A batch norm with numbers and a workspace."""

    def __init__(self, dtype=np.float64, randomize=True):
        self.layer = BatchNorm(M)
        layout = Layout([self.layer.slots()])
        self.theta, self.gradient = Vector.zeros(layout, dtype), Vector.zeros(layout, dtype)
        self.p, self.g = self.theta.layers[0], self.gradient.layers[0]
        self.layer.initialize(self.p, None, None)
        if randomize:
            rng = np.random.default_rng(0)
            self.p.gamma[:] = rng.uniform(0.5, 2.0, M)
            self.p.beta[:] = rng.normal(size=M)
        self.ws = Workspace(dtype)

    def train(self, X, weight=None):
        self.ws.train = True
        self.ws.weight = None if weight is None else np.asarray(weight, float)[:, np.newaxis]
        return self.layer.forward(X, self.p, self.ws).copy()

    def predict(self, X):
        self.ws.train, self.ws.weight = False, None
        return self.layer.forward(X, self.p, self.ws).copy()

    def backward(self, dY):
        return self.layer.backward(dY.copy(), self.p, self.g, self.ws).copy()


def rows(n, seed=0, location=5.0):
    return np.random.default_rng(seed).normal(location, [0.1, 1.0, 30.0], (n, M))


@pytest.mark.parametrize("weight", [None, np.linspace(0.2, 3.0, 11)], ids=["equal", "weighted"])
def test_training_output_is_the_formula(weight):
    X, norm = rows(11), Norm()
    mean = np.average(X, axis=0, weights=weight)
    variance = np.average((X - mean) ** 2, axis=0, weights=weight)
    expected = norm.p.gamma * (X - mean) / np.sqrt(variance + EPSILON) + norm.p.beta
    np.testing.assert_allclose(norm.train(X, weight), expected, rtol=0, atol=1e-12)


def test_output_is_standardised_at_the_start():
    Y = Norm(randomize=False).train(rows(500))
    np.testing.assert_allclose(Y.mean(axis=0), 0.0, atol=1e-12)
    # epsilon is 1e-3 of the smallest variance, 0.01
    np.testing.assert_allclose(Y.var(axis=0), [1 - 1e-3, 1, 1], atol=2e-4)


def test_a_weight_is_a_repetition_of_the_row():
    X, counts = rows(6), np.array([1, 3, 2, 1, 4, 1])
    weighted, repeated = Norm(), Norm()
    Y = weighted.train(X, counts)
    np.testing.assert_allclose(
        repeated.train(np.repeat(X, counts, axis=0)), np.repeat(Y, counts, axis=0), atol=1e-12
    )
    np.testing.assert_allclose(weighted.theta.statistics, repeated.theta.statistics, rtol=1e-12)
    # A loss gives a row of weight k the gradient of its k copies together.
    dY = np.random.default_rng(1).normal(size=X.shape)
    dX = weighted.backward(counts[:, np.newaxis] * dY)
    dX_repeated = repeated.backward(np.repeat(dY, counts, axis=0))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    np.testing.assert_allclose(dX, np.add.reduceat(dX_repeated, starts), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weighted.gradient.data, repeated.gradient.data, rtol=1e-10)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_common_factor_in_the_weights_changes_nothing(factor):
    weight = np.linspace(0.2, 3.0, 11)
    np.testing.assert_allclose(
        Norm().train(rows(11), factor * weight), Norm().train(rows(11), weight), atol=1e-12
    )


def test_shift_and_scale_of_the_input_are_cancelled():
    X = rows(30)
    norm = Norm()
    Y = norm.train(1e3 * X)
    # Up to epsilon, which only the large input makes negligible; hence 1e6 X and not X itself.
    np.testing.assert_allclose(norm.train(1e6 * X - 7.0), Y, rtol=1e-6, atol=1e-6)


def test_running_statistics_are_a_mean_first_and_exponential_later():
    norm, batches = Norm(), [rows(20, seed) for seed in range(25)]
    means, variances = np.zeros((25, M)), np.zeros((25, M))
    for k, X in enumerate(batches):
        norm.train(X)
        means[k], variances[k] = X.mean(axis=0), X.var(axis=0)
        if k < 10:
            expected = means[: k + 1].mean(axis=0), variances[: k + 1].mean(axis=0)
        else:
            expected = tuple(
                (1 - MOMENTUM) * old + MOMENTUM * new
                for old, new in zip(expected, (means[k], variances[k]), strict=True)
            )
        np.testing.assert_allclose(norm.p.moments[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(norm.p.moments[1], expected[1], rtol=1e-12)
        assert norm.p.n_batches[0] == k + 1


def test_prediction_uses_the_running_statistics():
    norm = Norm()
    for seed in range(3):
        norm.train(rows(20, seed))
    X = rows(4, seed=9)
    mean, variance = norm.p.moments
    expected = norm.p.gamma * (X - mean) / np.sqrt(variance + EPSILON) + norm.p.beta
    np.testing.assert_allclose(norm.predict(X), expected, rtol=0, atol=1e-12)


def test_one_row_is_predicted_as_among_a_thousand_to_the_bit():
    norm, X = Norm(), rows(1000)
    norm.train(X)
    np.testing.assert_array_equal(norm.predict(X)[[123]], norm.predict(X[[123]]))


def test_after_one_batch_prediction_is_training():
    norm, X = Norm(), rows(40)
    np.testing.assert_allclose(norm.train(X), norm.predict(X), atol=1e-12)


def test_before_training_prediction_is_the_identity_up_to_epsilon():
    X = rows(5)
    np.testing.assert_allclose(
        Norm(randomize=False).predict(X), X / np.sqrt(1 + EPSILON), rtol=1e-14
    )


def test_a_constant_column_becomes_beta_with_a_finite_gradient():
    norm, X = Norm(), rows(8)
    X[:, 1] = 3.0
    np.testing.assert_allclose(norm.train(X)[:, 1], norm.p.beta[1], atol=1e-12)
    assert np.all(np.isfinite(norm.backward(np.ones_like(X))))


def test_gradient_is_zero_along_what_is_cancelled():
    """The output does not change when a constant is added to a column."""
    norm = Norm()
    Y = norm.train(rows(12), np.linspace(1, 2, 12))
    dX = norm.backward(np.random.default_rng(0).normal(size=Y.shape))
    np.testing.assert_allclose(dX.sum(axis=0) / np.abs(dX).sum(axis=0), 0.0, atol=1e-12)


def test_single_precision_survives_a_large_mean():
    Y = Norm(np.float32, randomize=False).train(rows(2000, location=1e4).astype(np.float32))
    # A number near 1e4 has an absolute precision of 1e-3; column 0, with a spread of 0.1, feels it.
    np.testing.assert_allclose(Y.std(axis=0), 1.0, atol=1e-2)


def test_epsilon_momentum_and_zones():
    layer = BatchNorm(M)
    assert (layer.epsilon, layer.momentum) == (EPSILON, MOMENTUM)
    zones = {slot.name: slot.zone for slot in layer.slots()}
    assert zones == {
        "gamma": "offsets",
        "beta": "offsets",
        "moments": "statistics",
        "n_batches": "statistics",
    }


# Groups of units, row by row --------------------------------------------------------------------

WIDTH = 12
divisors = pytest.mark.parametrize("n_groups", [1, 2, 3, 4, 6])


class Groups:
    """A group norm with numbers and a workspace."""

    def __init__(self, n_groups, dtype=np.float64):
        self.layer = GroupNorm(WIDTH, n_groups)
        layout = Layout([self.layer.slots()])
        self.theta, self.gradient = Vector.zeros(layout, dtype), Vector.zeros(layout, dtype)
        self.p, self.g = self.theta.layers[0], self.gradient.layers[0]
        self.layer.initialize(self.p, None, None)
        rng = np.random.default_rng(0)
        self.p.gamma[:], self.p.beta[:] = rng.uniform(0.5, 2.0, WIDTH), rng.normal(size=WIDTH)
        self.ws = Workspace(dtype)

    def forward(self, X, train=True):
        self.ws.train = train
        return self.layer.forward(X, self.p, self.ws).copy()


def units(n, seed=0):
    scale = np.geomspace(0.1, 30.0, WIDTH)
    return np.random.default_rng(seed).normal(3.0, scale, (n, WIDTH))


def by_hand(X, p, n_groups):
    """Row by row and group by group."""
    Y = np.empty_like(X)
    for i, row in enumerate(X):
        for group in np.split(np.arange(WIDTH), n_groups):
            x = row[group]
            normalized = (x - np.mean(x)) / np.sqrt(np.mean((x - np.mean(x)) ** 2) + EPSILON)
            Y[i, group] = p.gamma[group] * normalized + p.beta[group]
    return Y


@divisors
def test_groups_are_the_formula(n_groups):
    norm, X = Groups(n_groups), units(9)
    expected = by_hand(X, norm.p, n_groups)
    np.testing.assert_allclose(norm.forward(X), expected, rtol=0, atol=1e-12)


def test_one_group_is_layer_normalization():
    norm, X = Groups(1), units(9)
    mean, variance = X.mean(axis=1, keepdims=True), X.var(axis=1, keepdims=True)
    expected = norm.p.gamma * (X - mean) / np.sqrt(variance + EPSILON) + norm.p.beta
    np.testing.assert_allclose(norm.forward(X), expected, rtol=0, atol=1e-12)


@divisors
def test_a_row_is_normalized_by_itself_in_training_as_at_prediction_to_the_bit(n_groups):
    norm, X = Groups(n_groups), units(1000)
    whole = norm.forward(X)
    np.testing.assert_array_equal(norm.forward(X, train=False), whole)
    np.testing.assert_array_equal(norm.forward(X[[417]]), whole[[417]])
    norm.ws.weight = np.linspace(1.0, 2.0, 1000)[:, np.newaxis]
    np.testing.assert_array_equal(norm.forward(X), whole)  # weights of other rows have no say


@pytest.mark.parametrize("n_groups", [1, 2, 3, 4])
def test_groups_have_a_good_gradient(n_groups):
    norm, X = Groups(n_groups), np.random.default_rng(2).normal(size=(5, WIDTH))
    C = np.random.default_rng(1).normal(size=X.shape)

    def value():
        return np.sum(C * norm.forward(X))

    value()
    dX = norm.layer.backward(C.copy(), norm.p, norm.g, norm.ws).copy()
    assert relative_error(dX, numeric_gradient(value, X)) < GOOD
    numeric = numeric_gradient(value, norm.theta.trainable)
    assert relative_error(norm.gradient.data, numeric) < GOOD
    # Nothing changes when a constant is added to a row's group.
    of_group = dX.reshape(5, n_groups, -1)
    np.testing.assert_allclose(of_group.sum(axis=2) / np.abs(of_group).sum(axis=2), 0, atol=1e-11)


def test_groups_are_neighbours():
    X = units(4)
    moved = X.copy()
    moved[:, 0] += 1.0
    changed = np.any(Groups(3).forward(X) != Groups(3).forward(moved), axis=0)
    np.testing.assert_array_equal(changed, np.arange(WIDTH) < WIDTH // 3)


def test_equal_units_become_beta_with_a_finite_gradient():
    norm = Groups(2)
    X = np.full((3, WIDTH), 7.0)
    np.testing.assert_allclose(norm.forward(X), np.tile(norm.p.beta, (3, 1)), atol=1e-12)
    assert np.all(np.isfinite(norm.layer.backward(np.ones_like(X), norm.p, norm.g, norm.ws)))


def test_groups_have_no_statistics():
    layer = GroupNorm(WIDTH, 2)
    assert layer.epsilon == EPSILON
    assert {slot.name: slot.zone for slot in layer.slots()} == {
        "gamma": "offsets", "beta": "offsets",
    }  # fmt: skip
    norm = Vector.zeros(Layout([layer.slots()]), np.float64).layers[0]
    layer.initialize(norm, None, None)
    assert np.all(norm.gamma == 1) and np.all(norm.beta == 0)
