"""J: its value, its gradient, mini-batches, and what is divided by S."""

import numpy as np
import pytest
from engine_examples import (
    GOOD,
    LOSSES,
    Problem,
    numeric_gradient,
    relative_error,
    small_network,
)

from skregnet.core.losses import SquaredError
from skregnet.core.objective import CHUNK_ROWS, Objective, mean_loss
from skregnet.core.penalties import ElasticNet, MaxNorm

N_IN, N_HIDDEN, N_OUT = 3, 4, 2
N_WEIGHTS = N_IN * N_HIDDEN + N_HIDDEN * N_OUT

PENALTIES = {
    "none": (),
    "L1": (ElasticNet(((0, N_WEIGHTS, 0.7),), 1.0),),
    "L2": (ElasticNet(((0, N_WEIGHTS, 0.7),), 0.0),),
    "by layer, max-norm": (
        ElasticNet(((0, 12, 2.0), (12, N_WEIGHTS, 0.3)), 0.4),
        MaxNorm(((0, 12, (3, 4)),), 1.0),
    ),
}

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
every_penalty = pytest.mark.parametrize("penalties", PENALTIES.values(), ids=PENALTIES)
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])


def data_term(problem):
    """(1/S) sum_i s_i loss_i in plain NumPy, from the loss of one row at a time."""
    theta = problem.theta
    hidden = np.tanh(problem.X @ theta.layers[0].W + theta.layers[0].b)
    raw = hidden @ theta.layers[2].W + theta.layers[2].b
    rows = [
        problem.loss(problem.Y[[i]], raw[[i]], 1.0, np.empty_like(raw[[i]]))
        for i in range(len(raw))
    ]
    return problem.s @ rows / problem.S


@every_loss
@every_penalty
@weighted_or_not
def test_value_is_the_formula(loss, penalties, weighted):
    problem = Problem(loss=loss, penalties=penalties, weighted=weighted)
    J, _ = problem.evaluate(problem.theta)
    penalty = sum(p.value(problem.theta.weights) for p in penalties)
    assert J == pytest.approx(data_term(problem) + penalty / problem.S, rel=1e-13)
    assert problem.objective.penalty_value(problem.theta) == pytest.approx(penalty / problem.S)


@every_loss
@every_penalty
@weighted_or_not
def test_gradient(loss, penalties, weighted):
    network = small_network(batchnorm=True, keep_prob=0.8)
    problem = Problem(network, loss, penalties, weighted=weighted)
    analytic = problem.evaluate(problem.theta)[1].copy()
    numeric = numeric_gradient(lambda: problem.evaluate(problem.theta)[0], problem.theta.trainable)
    assert relative_error(analytic, numeric) < GOOD


@weighted_or_not
def test_a_weight_is_a_repetition_of_the_row(weighted):
    problem = Problem(small_network(batchnorm=True), penalties=PENALTIES["L2"])
    counts = np.arange(1, 13) % 3 + 1
    S, theta = float(counts.sum()), problem.theta
    found = []
    for X, Y, weight in [
        (problem.X, problem.Y, (12 * counts / S)[:, np.newaxis]),
        (*(np.repeat(A, counts, axis=0) for A in (problem.X, problem.Y)), None),
    ]:
        objective = Objective(problem.network, problem.loss, problem.penalties, S, np.float64)
        value = objective.value_and_gradient(theta, X, Y, weight)
        found.append((value, objective.gradient.trainable))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-13)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-11, atol=1e-14)


@every_penalty
@weighted_or_not
@pytest.mark.parametrize("batch_size", [3, 5, 12])
def test_mini_batches_are_unbiased(penalties, weighted, batch_size):
    """Each batch by its share of the rows adds up to the whole, whatever its own weight is."""
    problem = Problem(penalties=penalties, weighted=weighted)
    objective, theta = problem.objective, problem.theta
    whole = objective.step_gradient(theta, problem.X, problem.Y, problem.weight)
    gradient = objective.gradient.trainable.copy()
    value, total = 0.0, np.zeros_like(gradient)
    for start in range(0, 12, batch_size):
        rows = slice(start, start + batch_size)
        share = len(problem.X[rows]) / 12
        weight = None if problem.weight is None else problem.weight[rows]
        value += share * objective.step_gradient(theta, problem.X[rows], problem.Y[rows], weight)
        total += share * objective.gradient.trainable
    assert value == pytest.approx(whole, rel=1e-13)
    np.testing.assert_allclose(total, gradient, rtol=1e-12, atol=1e-15)


@every_penalty
def test_a_step_sees_l2_but_leaves_l1_to_the_prox(penalties):
    problem = Problem(penalties=penalties)
    theta, objective = problem.theta, problem.objective
    value = objective.step_gradient(theta, problem.X, problem.Y)
    of_step = objective.gradient.trainable.copy()
    whole = problem.evaluate(theta)[1].copy()
    expected = np.zeros_like(whole)
    expected[:N_WEIGHTS] = objective.l1_strengths() * np.sign(theta.weights)
    np.testing.assert_allclose(whole - of_step, expected, atol=1e-14)
    assert value == pytest.approx(data_term(problem), rel=1e-13)


def test_l1_strengths_and_prox_are_divided_by_the_weight_of_the_training_set():
    problem = Problem(penalties=PENALTIES["L1"], weighted=True)
    np.testing.assert_allclose(problem.objective.l1_strengths(), 0.7 / problem.S, rtol=1e-15)
    assert Problem().objective.l1_strengths().tolist() == [0.0] * N_WEIGHTS

    before = problem.theta.data.copy()
    step = np.linspace(0.1, 10.0, N_WEIGHTS)
    problem.objective.prox(problem.theta, step.copy())
    W, threshold = before[:N_WEIGHTS], step * 0.7 / problem.S
    expected = np.sign(W) * np.maximum(np.abs(W) - threshold, 0.0)
    np.testing.assert_allclose(problem.theta.weights, expected, rtol=1e-13, atol=1e-16)
    assert 0 < np.count_nonzero(expected) < N_WEIGHTS  # else nothing was shown
    np.testing.assert_array_equal(problem.theta.data[N_WEIGHTS:], before[N_WEIGHTS:])


def test_prox_projects_after_the_threshold():
    problem = Problem(penalties=PENALTIES["by layer, max-norm"])
    problem.theta.weights[:] *= 3.0
    problem.objective.prox(problem.theta, 0.1)
    norms = np.linalg.norm(problem.theta.layers[0].W, axis=0)
    assert norms.max() == pytest.approx(1.0, rel=1e-14)


def test_without_penalties_prox_does_nothing():
    problem = Problem()
    before = problem.theta.data.copy()
    problem.objective.prox(problem.theta, 0.5)
    np.testing.assert_array_equal(problem.theta.data, before)


def test_penalties_act_on_weights_only():
    problem = Problem(small_network(batchnorm=True), penalties=PENALTIES["L2"])
    free = Problem(small_network(batchnorm=True))
    difference = problem.evaluate(problem.theta)[1] - free.evaluate(free.theta)[1]
    np.testing.assert_array_equal(difference[N_WEIGHTS:], 0.0)
    assert np.all(difference[:N_WEIGHTS] != 0)


def test_a_second_evaluation_gives_the_same_to_the_bit():
    problem = Problem(small_network(batchnorm=True, keep_prob=0.5), penalties=PENALTIES["L1"])
    J, gradient = problem.evaluate(problem.theta)
    gradient = gradient.copy()
    problem.objective.value_and_gradient(problem.theta, problem.X[:5], problem.Y[:5])
    again, gradient_again = problem.evaluate(problem.theta)
    assert again == J
    np.testing.assert_array_equal(gradient_again, gradient)


@weighted_or_not
def test_single_precision_stays_near_double_precision(weighted):
    problem = Problem(penalties=PENALTIES["L2"], weighted=weighted)
    J, gradient = problem.evaluate(problem.theta)
    objective = Objective(problem.network, problem.loss, problem.penalties, problem.S, np.float32)
    theta = problem.network.initialize(np.random.default_rng(0), np.float32)
    theta.data[:] = problem.theta.data
    arrays = [problem.X, problem.Y] + ([problem.weight] if weighted else [])
    value = objective.value_and_gradient(theta, *[a.astype(np.float32) for a in arrays])
    assert value == pytest.approx(J, rel=1e-6)
    assert objective.gradient.data.dtype == np.float32
    assert relative_error(objective.gradient.trainable, gradient) < 1e-6


@pytest.mark.parametrize(
    ("activation", "loss", "penalties", "smooth"),
    [
        ("tanh", "squared_error", "L2", True),
        ("relu", "squared_error", "L2", False),
        ("tanh", "absolute_error", "L2", False),
        ("tanh", "squared_error", "L1", False),
    ],
)
def test_smooth_if_network_loss_and_penalties_are(activation, loss, penalties, smooth):
    problem = Problem(small_network(activation), LOSSES[loss], PENALTIES[penalties])
    assert problem.objective.smooth is smooth


def test_refresh_statistics_sets_those_of_all_rows():
    problem = Problem(small_network(batchnorm=True), weighted=True)
    for _ in range(3):  # whatever was there before is forgotten
        problem.evaluate(problem.theta)
        problem.theta.data[:N_WEIGHTS] *= 1.5
    batches = [(problem.X, problem.Y, problem.weight)]
    problem.objective.refresh_statistics(problem.theta, batches)
    Z = problem.X @ problem.theta.layers[0].W
    mean = np.average(Z, axis=0, weights=problem.s)
    norm = problem.theta.layers[1]
    np.testing.assert_allclose(norm.moments[0], mean, rtol=1e-12)
    np.testing.assert_allclose(
        norm.moments[1], np.average((Z - mean) ** 2, axis=0, weights=problem.s), rtol=1e-12
    )


# The data term at prediction -------------------------------------------------------------------


@every_loss
@weighted_or_not
def test_mean_loss_is_the_data_term(loss, weighted):
    problem = Problem(loss=loss, weighted=weighted)
    weight = problem.s[:, np.newaxis] if weighted else None
    value = mean_loss(problem.network, loss, problem.theta, problem.X, problem.Y, weight)
    assert value == pytest.approx(data_term(problem), rel=1e-13)


def test_mean_loss_predicts_without_masks_and_by_running_statistics():
    problem = Problem(small_network(batchnorm=True, keep_prob=0.5))
    problem.evaluate(problem.theta)
    before = problem.theta.data.copy()
    value = mean_loss(problem.network, problem.loss, problem.theta, problem.X, problem.Y)
    raw = problem.network.forward(
        problem.X, problem.theta, problem.network.workspaces(np.float64), train=False
    )
    assert value == pytest.approx(0.5 * np.sum((raw - problem.Y) ** 2) / 12, rel=1e-13)
    np.testing.assert_array_equal(problem.theta.data, before)


@weighted_or_not
@pytest.mark.parametrize("extra", [0, 1, 17])
def test_mean_loss_goes_over_many_rows_in_chunks(weighted, extra):
    problem = Problem(weighted=weighted, n_rows=2 * CHUNK_ROWS + extra)
    weight = problem.s[:, np.newaxis] if weighted else None
    raw = problem.network.forward(problem.X, problem.theta, problem.network.workspaces(np.float64))
    rows = 0.5 * np.sum((raw - problem.Y) ** 2, axis=1)
    value = mean_loss(problem.network, SquaredError(), problem.theta, problem.X, problem.Y, weight)
    assert value == pytest.approx(np.average(rows, weights=problem.s), rel=1e-12)
