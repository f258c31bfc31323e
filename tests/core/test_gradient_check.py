"""The checker itself: wrong gradients are caught and named, right ones never."""

from dataclasses import dataclass

import numpy as np
import pytest
from engine_examples import LOSSES, Problem, small_network

from skregnet.core.activations import ACTIVATIONS, Tanh
from skregnet.core.dense import Dense
from skregnet.core.dropout import Dropout
from skregnet.core.gradient_check import (
    TOLERANCE,
    BlockCheck,
    GradientReport,
    gradient_check,
    relative_error,
)
from skregnet.core.initializers import Xavier
from skregnet.core.losses import AbsoluteError, SquaredError
from skregnet.core.network import Network
from skregnet.core.normalization import BatchNorm
from skregnet.core.penalties import ElasticNet

NETWORK = small_network(batchnorm=True, keep_prob=0.8)
BLOCKS = [(f"{b.layer} {type(NETWORK.layers[b.layer]).__name__}", b.name)
          for b in NETWORK.layout.trainable_blocks]  # fmt: skip

every_block = pytest.mark.parametrize(
    "block", range(len(BLOCKS)), ids=[" ".join(block) for block in BLOCKS]
)


def l2(alpha, network=NETWORK):
    return (ElasticNet(((0, network.layout.n_weights, alpha),), 0.0),)


def check(problem, spoil=None, smooth=None):
    """The report on a problem, after `spoil(gradient)` was let loose on its gradient."""

    def evaluate(theta):
        J, gradient = problem.evaluate(theta)  # the next evaluation overwrites the array
        if spoil:
            spoil(gradient)
        return J, gradient

    smooth = problem.objective.smooth if smooth is None else smooth
    return gradient_check(evaluate, problem.theta, problem.layer_names, smooth)


def assert_caught(report, layer, parameter):
    assert not report.passed
    assert (report.worst.layer, report.worst.parameter) == (layer, parameter)
    assert f"FAILED, worst in layer {layer}, parameter {parameter}" in str(report)


def at_the_optimum(alpha=0.5):
    """A linear network with L2, at the solution of the normal equations."""
    network = Network((Dense(3, 2, Xavier()),))
    problem = Problem(network, SquaredError(), l2(alpha, network), weighted=True)
    X1 = np.column_stack([problem.X, np.ones(12)])
    A = X1.T @ (problem.s[:, np.newaxis] * X1) + alpha * np.diag([1.0, 1.0, 1.0, 0.0])
    solution = np.linalg.solve(A, X1.T @ (problem.s[:, np.newaxis] * problem.Y))
    problem.theta.layers[0].W[:], problem.theta.layers[0].b[:] = solution[:3], solution[3]
    return problem


# A wrong gradient ------------------------------------------------------------------------------


def test_the_right_gradient_passes_with_room_to_spare():
    for weighted in (False, True):
        report = check(Problem(NETWORK, penalties=l2(0.5), weighted=weighted))
        assert report.passed and report.relative_error < TOLERANCE / 100
        assert not any(block.at_rounding for block in report.blocks)


@every_block
@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0, 1.01, 1 + 1e-6])
def test_a_wrong_factor_in_one_block_is_caught(block, factor):
    where = NETWORK.layout.trainable_blocks[block]

    def spoil(gradient):
        gradient[where.start : where.stop] *= factor

    report = check(Problem(NETWORK, penalties=l2(0.5)), spoil)
    assert_caught(report, *BLOCKS[block])
    wrong = abs(factor - 1) / (1 + abs(factor))
    assert report.worst.error == pytest.approx(wrong, rel=0.01)


@every_block
def test_one_wrong_sign_in_one_entry_is_caught(block):
    where = NETWORK.layout.trainable_blocks[block]

    def spoil(gradient):
        part = gradient[where.start : where.stop]
        part[np.argsort(np.abs(part))[part.size // 2]] *= -1  # neither the largest nor the least

    assert_caught(check(Problem(NETWORK, penalties=l2(0.5)), spoil), *BLOCKS[block])


def test_two_entries_exchanged_are_caught():
    def spoil(gradient):
        gradient[[0, 5]] = gradient[[5, 0]]

    assert_caught(check(Problem(NETWORK), spoil), "0 Dense", "W")


@pytest.mark.parametrize("alpha", [1.0, 1e-3])
def test_a_missing_penalty_is_caught_even_a_small_one(alpha):
    problem, W = Problem(NETWORK, penalties=l2(alpha)), slice(0, NETWORK.layout.n_weights)

    def spoil(gradient):
        gradient[W] -= alpha / problem.S * problem.theta.weights

    report = check(problem, spoil)
    assert not report.passed and report.worst.parameter == "W"


def test_a_penalty_that_is_not_divided_by_s_is_caught():
    problem, W = Problem(NETWORK, penalties=l2(0.1)), slice(0, NETWORK.layout.n_weights)

    def spoil(gradient):
        gradient[W] += 0.1 * (1 - 1 / problem.S) * problem.theta.weights

    report = check(problem, spoil)
    assert not report.passed and report.worst.parameter == "W"


def test_forgotten_sample_weights_are_caught():
    problem, unweighted = (Problem(NETWORK, weighted=weighted) for weighted in (True, False))

    def evaluate(theta):
        return problem.evaluate(theta)[0], unweighted.evaluate(theta)[1]

    assert not gradient_check(evaluate, problem.theta, problem.layer_names).passed


def test_masks_that_are_not_frozen_are_caught():
    problem = Problem(NETWORK)
    rngs = [np.random.default_rng(i) for i in range(len(NETWORK.layers))]
    for ws, rng in zip(problem.objective.workspaces, rngs, strict=True):
        ws.rng = rng

    def evaluate(theta):
        value = problem.objective.value_and_gradient(theta, problem.X, problem.Y)
        return value, problem.objective.gradient.trainable

    assert not gradient_check(evaluate, problem.theta, problem.layer_names).passed


@dataclass(frozen=True)
class WrongTanh(Tanh):
    def slope(self, Z, Y, out):
        np.subtract(1.0, Y, out=out)


@dataclass(frozen=True)
class ForgetfulBatchNorm(BatchNorm):
    """Forgets that mean and variance depend on X as well."""

    def backward(self, dY, p, g, ws):
        super().backward(dY.copy(), p, g, ws)
        return dY * ws.scale


@dataclass(frozen=True)
class UnscaledDropout(Dropout):
    def backward(self, dY, p, g, ws):
        return super().backward(dY, p, g, ws) * self.keep_prob


@dataclass(frozen=True)
class MeanBias(Dense):
    def backward(self, dY, p, g, ws):
        dX = super().backward(dY, p, g, ws)
        g.b /= len(dY)
        return dX


@dataclass
class UnweightedSquaredError(SquaredError):
    def __call__(self, Y, raw, weight, d_raw):
        value = super().__call__(Y, raw, weight, d_raw)
        np.subtract(raw, Y, out=d_raw)
        d_raw /= len(Y)
        return value


@pytest.mark.parametrize(
    ("position", "wrong", "parameters"),
    [
        (2, WrongTanh(), ["0 Dense W", "1 BatchNorm gamma", "1 BatchNorm beta"]),
        (1, ForgetfulBatchNorm(4), ["0 Dense W"]),
        (3, UnscaledDropout(0.8), ["0 Dense W", "1 BatchNorm gamma", "1 BatchNorm beta"]),
        (4, MeanBias(4, 2, Xavier()), ["4 MeanBias b"]),
    ],
    ids=["activation", "batch norm", "dropout", "dense"],
)
def test_a_layer_with_a_wrong_way_back_is_located(position, wrong, parameters):
    """Exactly the blocks behind the mistake, on the way back, are wrong."""
    layers = list(NETWORK.layers)
    layers[position] = wrong
    report = check(Problem(Network(tuple(layers))))
    assert not report.passed
    bad = [f"{b.layer} {b.parameter}" for b in report.blocks if b.error > TOLERANCE]
    assert sorted(bad) == sorted(parameters)


def test_a_loss_with_a_wrong_gradient_is_caught_in_every_block():
    report = check(Problem(NETWORK, UnweightedSquaredError(), weighted=True))
    assert all(block.error > TOLERANCE for block in report.blocks)


@pytest.mark.parametrize("scale", [1e-2, 1e-6, 1e3])
def test_a_block_of_tiny_or_huge_numbers_is_checked_on_its_own_scale(scale):
    network = small_network()
    where = network.layout.trainable_blocks[1]

    def spoil(gradient):
        gradient[where.start : where.stop] *= 2.0

    def problem():
        made = Problem(network)
        made.theta.layers[2].W[:] *= scale
        return made

    assert check(problem()).passed
    assert_caught(check(problem(), spoil), "2 Dense", "W")


def test_nan_is_a_failure_and_its_block_is_named():
    def spoil(gradient):
        gradient[-1] = np.nan

    assert_caught(check(Problem(NETWORK), spoil), *BLOCKS[-1])


def test_an_objective_that_is_nan_is_a_failure():
    problem = Problem(NETWORK)

    def evaluate(theta):
        return np.nan, problem.evaluate(theta)[1]

    assert not gradient_check(evaluate, problem.theta, problem.layer_names).passed


# Where a checker errs ---------------------------------------------------------------------------


def test_an_optimum_is_no_false_alarm():
    problem = at_the_optimum()
    assert np.abs(problem.evaluate(problem.theta)[1]).max() < 1e-14  # nothing but rounding
    report = check(problem)
    assert report.passed and report.relative_error < TOLERANCE
    assert all(block.at_rounding and block.error == 0.0 for block in report.blocks)
    assert str(report).count("at rounding") == 2


def test_at_an_optimum_a_wrong_gradient_is_still_caught():
    problem = at_the_optimum()

    def without_penalty(gradient):
        gradient[:6] -= 0.5 / problem.S * problem.theta.weights

    assert_caught(check(problem, without_penalty), "0 Dense", "W")


def relu_with_an_all_zero_row():
    problem = Problem(small_network("relu"))
    problem.X[3] = 0.0
    problem.theta.layers[0].b[:] = 0.0
    problem.theta.layers[2].b[:] = 0.0
    return problem


def leaky_relu_with_an_all_zero_row():
    problem = Problem(small_network("leaky_relu"))
    problem.X[3] = 0.0
    problem.theta.layers[0].b[:] = 0.0
    return problem


def l1_with_weights_next_to_zero():
    network = small_network()
    penalty = ElasticNet(((0, network.layout.n_weights, 1.0),), 1.0)
    problem = Problem(network, penalties=(penalty,))
    problem.theta.weights[::3] = 1e-6
    return problem


def absolute_error_next_to_a_perfect_fit():
    problem = Problem(loss=AbsoluteError())
    raw = problem.network.forward(problem.X, problem.theta, problem.network.workspaces(np.float64))
    problem.Y[:6] = raw[:6] + 1e-7
    return problem


@pytest.mark.parametrize(
    "kinked",
    [
        relu_with_an_all_zero_row,
        leaky_relu_with_an_all_zero_row,
        l1_with_weights_next_to_zero,
        absolute_error_next_to_a_perfect_fit,
    ],
    ids=lambda function: function.__name__,
)
def test_a_kink_is_no_false_alarm(kinked):
    assert not check(kinked(), smooth=True).passed  # there is a kink within the step
    report = check(kinked())
    assert report.moved and report.passed
    assert "kinks" in str(report)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if not ACTIVATIONS[n]().smooth])
def test_a_wrong_gradient_is_caught_beside_kinks(name):
    where = small_network(name).layout.trainable_blocks[0]

    def spoil(gradient):
        gradient[where.start : where.stop] *= 1 + 1e-5

    problem = Problem(small_network(name), LOSSES["absolute_error"])
    assert_caught(check(problem, spoil), "0 Dense", "W")


def test_a_block_of_zeros_is_checked_as_sharply_in_a_network_with_kinks():
    """Biases before training: their step is that of numbers near 1, not of the jitter."""
    report = check(relu_with_an_all_zero_row())
    for block in report.blocks:
        assert block.error < TOLERANCE / 10 and not block.at_rounding, block


def test_behind_output_weights_of_zero_a_wrong_gradient_is_caught():
    """They pass no gradient, so nothing behind them would be checked at all."""

    def problem(activation):
        layers = [Dense(3, 4, Xavier()), activation, Dense(4, 2, Xavier())]
        found = Problem(Network(tuple(layers)))
        found.theta.layers[-1].W[:] = 0.0
        return found

    report = check(problem(Tanh()))
    assert report.passed and report.filled and "checked with random ones" in str(report)
    assert not any(block.at_rounding for block in report.blocks)
    assert not check(problem(WrongTanh())).passed
    assert not check(Problem(NETWORK)).filled


def test_a_linear_model_of_zeros_is_checked_where_it_is():
    problem = Problem(Network((Dense(3, 2, Xavier()),)))
    problem.theta.layers[0].W[:] = 0.0
    assert not check(problem).filled
    np.testing.assert_array_equal(problem.theta.layers[0].W, 0.0)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_theta_comes_back_from_the_differences_as_it_was(activation):
    problem = Problem(small_network(activation))
    before = problem.theta.data.copy()
    report = check(problem)
    if report.moved:
        again = Problem(small_network(activation))
        check(again)
        moved_by = np.abs(problem.theta.data - before) / np.sqrt(np.mean(before**2))
        assert 0 < moved_by.max() < 0.01
        np.testing.assert_array_equal(again.theta.data, problem.theta.data)  # the jitter is seeded
    else:
        np.testing.assert_array_equal(problem.theta.data, before)


# The report -------------------------------------------------------------------------------------


def test_the_report_has_a_record_for_every_block():
    report = check(Problem(NETWORK))
    assert [(block.layer, block.parameter) for block in report.blocks] == BLOCKS
    assert report.worst.error == max(block.error for block in report.blocks)


def test_the_report_prints_as_a_table():
    lines = str(check(Problem(NETWORK))).splitlines()
    assert lines[0].startswith("gradient check passed: relative error ")
    assert lines[1].split() == ["layer", "parameter", "error"]
    assert [tuple(line.rsplit(maxsplit=2)[:2]) for line in lines[2:]] == BLOCKS
    assert len(lines) == 2 + len(BLOCKS)


def test_passed_asks_for_the_whole_and_for_each_block():
    def report(total, *errors):
        blocks = [BlockCheck("0 Dense", "W", error, False) for error in errors]
        return GradientReport(total, blocks, moved=False)

    assert report(1e-9, 1e-8, 0.0).passed
    assert not report(1e-6, 1e-8).passed
    assert not report(1e-9, 1e-8, 1e-6).passed  # a small block may hide in the whole
    assert GradientReport(1e-6, [], moved=False, tolerance=1e-5).passed
    assert TOLERANCE == 1e-7


def test_relative_error_is_the_formula():
    a, b = np.array([3.0, 0.0]), np.array([0.0, 4.0])
    assert relative_error(a, b) == pytest.approx(5 / 7)
    assert relative_error(a, a) == 0.0
    assert relative_error(a, -a) == 1.0
    assert relative_error(np.zeros(2), np.zeros(2)) == 0.0
