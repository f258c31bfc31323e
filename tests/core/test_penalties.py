"""Penalties: value, gradient, and prox against a search over a grid."""

import numpy as np
import pytest
from engine_examples import (
    GOOD,
    N_WEIGHTS,
    PENALTIES,
    away_from_zero,
    concrete_subclasses,
    numeric_gradient,
    relative_error,
)

from skregnet.core.penalties import ElasticNet, MaxNorm, Penalty

every_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
ELASTIC = {name: p for name, p in PENALTIES.items() if isinstance(p, ElasticNet)}
every_elastic_net = pytest.mark.parametrize("penalty", ELASTIC.values(), ids=ELASTIC)


def weights(seed=0):
    return away_from_zero(np.random.default_rng(seed), N_WEIGHTS)


def gradient(penalty, W, scale=1.0, smooth_part_only=False):
    g = np.zeros_like(W)
    penalty.add_gradient(W, g, scale)
    if not smooth_part_only:
        penalty.add_subgradient(W, g, scale)
    return g


def prox(penalty, W, step):
    moved = W.copy()
    penalty.prox(moved, step if np.isscalar(step) else step.copy(), np.full_like(W, np.nan))
    return moved


def test_every_penalty_has_an_example():
    assert {type(penalty) for penalty in PENALTIES.values()} == concrete_subclasses(Penalty)


@every_penalty
@pytest.mark.parametrize("scale", [1.0, 0.02])
def test_gradient_of_the_value(penalty, scale):
    W = weights()
    numeric = numeric_gradient(lambda: scale * penalty.value(W), W)
    assert relative_error(gradient(penalty, W, scale), numeric) < GOOD


@every_penalty
def test_gradients_are_added_to_what_is_there(penalty):
    W = weights()
    g = np.ones(N_WEIGHTS)
    penalty.add_gradient(W, g, 1.0)
    penalty.add_subgradient(W, g, 1.0)
    np.testing.assert_allclose(g, 1.0 + gradient(penalty, W), rtol=1e-14)


@every_penalty
def test_gradients_leave_the_weights_alone(penalty):
    W = weights()
    W.flags.writeable = False
    gradient(penalty, W)
    penalty.value(W)


@every_penalty
def test_has_prox_says_whether_prox_moves_anything(penalty):
    W = weights()
    assert penalty.has_prox == bool(np.any(prox(penalty, W, 0.1) != W))


@every_penalty
def test_smooth_says_whether_the_gradient_jumps_at_zero(penalty):
    tiny = np.full(N_WEIGHTS, 1e-9)
    jump = np.abs(gradient(penalty, tiny) - gradient(penalty, -tiny)).max()
    assert penalty.smooth == (jump < 1e-6)


@every_penalty
def test_single_precision_stays_single(penalty):
    W, step = weights().astype(np.float32), np.full(N_WEIGHTS, 0.1, dtype=np.float32)
    assert gradient(penalty, W).dtype == prox(penalty, W, step).dtype == np.float32
    np.testing.assert_allclose(penalty.value(W), penalty.value(W.astype(float)), rtol=1e-6)


def test_the_base_class_is_the_absence_of_a_penalty():
    class Absent(Penalty):
        pass

    W = weights()
    assert Absent().value(W) == 0.0
    assert Absent().smooth and not Absent().has_prox
    np.testing.assert_array_equal(gradient(Absent(), W), 0.0)
    np.testing.assert_array_equal(prox(Absent(), W, 1.0), W)
    np.testing.assert_array_equal(Absent().l1_strengths(N_WEIGHTS), np.zeros(N_WEIGHTS))


# Elastic net -----------------------------------------------------------------------------------


@every_elastic_net
def test_elastic_net_is_the_formula(penalty):
    W, r = weights(), penalty.l1_ratio
    expected = sum(
        alpha * (r * np.abs(W[a:b]).sum() + (1 - r) / 2 * (W[a:b] ** 2).sum())
        for a, b, alpha in penalty.strengths
    )
    assert penalty.value(W) == pytest.approx(expected, rel=1e-14)


@every_elastic_net
def test_elastic_net_gradient_is_the_formula_in_its_two_parts(penalty):
    W, r = weights(), penalty.l1_ratio
    alpha = np.zeros(N_WEIGHTS)
    for a, b, value in penalty.strengths:
        alpha[a:b] = value
    smooth_part = gradient(penalty, W, 0.5, smooth_part_only=True)
    np.testing.assert_allclose(smooth_part, 0.5 * alpha * (1 - r) * W, rtol=1e-14)
    rest = gradient(penalty, W, 0.5) - smooth_part
    np.testing.assert_allclose(rest, 0.5 * alpha * r * np.sign(W), rtol=1e-13)
    np.testing.assert_allclose(penalty.l1_strengths(N_WEIGHTS), alpha * r, rtol=1e-15)


@every_elastic_net
@pytest.mark.parametrize("step", [0.3, np.linspace(0.01, 2.0, N_WEIGHTS)], ids=["scalar", "each"])
def test_elastic_net_prox_is_the_minimum_on_a_grid(penalty, step):
    """argmin_v 1/2 (v - w)^2 + step alpha l1_ratio |v|, one weight at a time."""
    W = np.concatenate([weights()[:10], [0.0, 0.05]])
    moved = prox(penalty, W, step)
    spacing = 1e-4
    grid = np.arange(-25_000, 25_001) * spacing  # 0 is one of its points
    strengths = np.broadcast_to(step, N_WEIGHTS) * penalty.l1_strengths(N_WEIGHTS)
    for w, v, strength in zip(W, moved, strengths, strict=True):
        best = grid[np.argmin(0.5 * (grid - w) ** 2 + strength * np.abs(grid))]
        assert v == pytest.approx(best, abs=spacing)
        assert (v == 0) == (best == 0)  # zeros are exact


@every_elastic_net
def test_weights_without_a_strength_are_free(penalty):
    free = np.ones(N_WEIGHTS, dtype=bool)
    for a, b, _ in penalty.strengths:
        free[a:b] = False
    W = weights()
    np.testing.assert_array_equal(prox(penalty, W, 5.0)[free], W[free])
    assert np.all(gradient(penalty, W)[free] == 0)


@every_elastic_net
def test_a_large_step_removes_every_weight_that_l1_acts_on(penalty):
    W = weights()
    acted_on = penalty.l1_strengths(N_WEIGHTS) > 0
    assert np.all((prox(penalty, W, 1e3) == 0) == acted_on)


# Max-norm --------------------------------------------------------------------------------------


def test_max_norm_prox_is_the_nearest_point_within_the_norm():
    """Against a search over directions, for the two columns of a 2 x 2 matrix."""
    limit = 0.9
    penalty = MaxNorm(((0, 4, (2, 2)),), limit)
    W = np.array([[2.0, 0.3], [-1.0, 0.2]])
    moved = prox(penalty, W.ravel(), 1.0).reshape(2, 2)
    angles, radii = np.linspace(-np.pi, np.pi, 5001), np.linspace(0.0, limit, 901)
    circle = np.array([np.cos(angles), np.sin(angles)])
    for w, v in zip(W.T, moved.T, strict=True):
        # The distance is least where the direction agrees, so radius and angle part.
        direction = circle[:, np.argmax(w @ circle)]
        radius = radii[np.argmin(np.sum((radii[:, np.newaxis] * direction - w) ** 2, axis=1))]
        np.testing.assert_allclose(v, radius * direction, atol=2e-3)


def test_max_norm_holds_the_incoming_weights_of_every_unit():
    penalty, W = PENALTIES["max-norm"], weights()
    moved = prox(penalty, W, 0.1)
    for start, stop, shape in penalty.matrices:
        before, after = (V[start:stop].reshape(shape) for V in (W, moved))
        norms = np.linalg.norm(before, axis=0)
        expected = before * np.minimum(1.0, penalty.max_norm / norms)
        np.testing.assert_allclose(after, expected, rtol=1e-14)
        assert np.any(norms > penalty.max_norm)  # else nothing was shown
    np.testing.assert_allclose(prox(penalty, moved, 0.1), moved, rtol=1e-15)


def test_max_norm_leaves_short_columns_to_the_bit_and_zero_columns_zero():
    penalty = MaxNorm(((0, 6, (3, 2)),), 1.0)
    W = np.array([0.3, 0.0, -0.1, 0.0, 0.77, 0.0])
    np.testing.assert_array_equal(prox(penalty, W, 1.0), W)


def test_max_norm_does_not_depend_on_the_step_and_costs_nothing_in_j():
    penalty, W = PENALTIES["max-norm"], weights()
    np.testing.assert_array_equal(prox(penalty, W, 1e-6), prox(penalty, W, 1e6))
    assert penalty.value(W) == 0.0 and penalty.smooth


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_is_added_in_place(dtype):
    rng = np.random.default_rng(0)
    theta, gradient = (rng.normal(size=20).astype(dtype) for _ in range(2))
    W, g, before = theta[3:15], gradient[3:15], gradient.copy()
    ElasticNet(((0, 12, 0.7),), 0.0).add_gradient(W, g, 0.5)
    np.testing.assert_allclose(g, before[3:15] + 0.35 * W, rtol=1e-6)
    np.testing.assert_array_equal(gradient[:3], before[:3])
    np.testing.assert_array_equal(gradient[15:], before[15:])
