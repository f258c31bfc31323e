"""Optimizers: their formulas, the step size that they report, and recipes that stay recipes."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.datasets import make_regression

from skregnet import LBFGS, SGD, Adam, RegularizedMLPRegressor
from skregnet.core.penalties import ElasticNet
from skregnet.core.vector import Layout, Slot, Vector
from skregnet.training.optimizers import SOLVERS

N_WEIGHTS, N_OFFSETS = 4, 3
LAYOUT = Layout([[
    Slot("W", (2, 2), "weights"), Slot("b", (3,), "offsets"), Slot("mean", (2,), "statistics"),
]])  # fmt: skip
STEPPING = {name: recipe for name, recipe in SOLVERS.items() if hasattr(recipe, "start")}
EACH_STEPPING = pytest.mark.parametrize("recipe", STEPPING.values(), ids=STEPPING)


def random_vector(seed):
    return Vector(LAYOUT, np.random.default_rng(seed).normal(size=LAYOUT.size))


def gradients(n):
    return [random_vector(100 + i).trainable.copy() for i in range(n)]


def walk(recipe, gradients, rates, weight_decay=0.0):
    """Step along the gradients; return theta after each step and the reported step sizes."""
    theta = random_vector(0)
    stepper = recipe.start(theta, weight_decay)
    thetas, steps = [theta.data.copy()], []
    for g, rate in zip(gradients, rates, strict=True):
        gradient = Vector.zeros(LAYOUT, float)
        gradient.trainable[:] = g
        steps.append(np.copy(stepper.step(theta, gradient, rate)))
        thetas.append(theta.data.copy())
    return thetas, steps


RATES = [0.1, 0.1, 0.02, 0.3, 0.05]  # a change of the rate acts at once, on the whole velocity


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_its_formula(momentum, nesterov):
    gs = gradients(len(RATES))
    thetas, steps = walk(SGD(momentum, nesterov), gs, RATES)
    expected, v = thetas[0].copy(), np.zeros(N_WEIGHTS + N_OFFSETS)
    for g, rate, theta, step in zip(gs, RATES, thetas[1:], steps, strict=True):
        v = momentum * v + g
        expected[: len(v)] -= rate * (g + momentum * v if nesterov else v)
        np.testing.assert_allclose(theta, expected, rtol=1e-13)
        # A gradient that lasts moves theta by this much a step in the end.
        assert step == pytest.approx(rate / (1 - momentum), rel=1e-14)


@pytest.mark.parametrize("recipe", [Adam(), Adam(beta_1=0.5, beta_2=0.8, epsilon=0.1)], ids=str)
def test_adam_follows_its_formula(recipe):
    gs = gradients(len(RATES))
    thetas, steps = walk(recipe, gs, RATES)
    expected, m, v = thetas[0].copy(), 0.0, 0.0
    for t, (g, rate, theta, step) in enumerate(zip(gs, RATES, thetas[1:], steps, strict=True), 1):
        m = recipe.beta_1 * m + (1 - recipe.beta_1) * g
        v = recipe.beta_2 * v + (1 - recipe.beta_2) * g**2
        m_hat, v_hat = m / (1 - recipe.beta_1**t), v / (1 - recipe.beta_2**t)
        expected[: len(g)] -= rate * m_hat / (np.sqrt(v_hat) + recipe.epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)
        size = rate / (np.sqrt(v_hat) + recipe.epsilon)
        np.testing.assert_allclose(step, size[:N_WEIGHTS], rtol=1e-12)


def test_the_first_step_of_adam_is_the_rate_whatever_the_size_of_the_gradient():
    g = np.array([1e-3, -1.0, 1e3, -1e6, 0.0, 1e-1, 10.0])
    thetas, _ = walk(Adam(), [g], [0.01])
    moved = thetas[1][: len(g)] - thetas[0][: len(g)]
    np.testing.assert_allclose(moved, -0.01 * np.sign(g), rtol=1e-4)  # epsilon against 1e-3


@EACH_STEPPING
def test_weight_decay_shrinks_weights_alone_before_the_step(recipe):
    gs, decay = gradients(1), 0.3
    plain, _ = walk(recipe(), gs, [0.1])
    decayed, _ = walk(recipe(), gs, [0.1], weight_decay=decay)
    shrunk = 0.1 * decay * plain[0][:N_WEIGHTS]
    np.testing.assert_allclose(decayed[1][:N_WEIGHTS], plain[1][:N_WEIGHTS] - shrunk, rtol=1e-12)
    np.testing.assert_array_equal(decayed[1][N_WEIGHTS:], plain[1][N_WEIGHTS:])


@EACH_STEPPING
def test_statistics_are_no_business_of_an_optimizer(recipe):
    thetas, _ = walk(recipe(), gradients(3), [0.1] * 3, weight_decay=0.1)
    for theta in thetas:
        np.testing.assert_array_equal(theta[N_WEIGHTS + N_OFFSETS :], thetas[0][-2:])


@pytest.mark.parametrize(
    "recipe", [SGD(0.0), SGD(0.9, nesterov=False), SGD(0.9, nesterov=True), Adam()], ids=str
)
@pytest.mark.parametrize("rate", [1e-3, 0.1])
def test_l1_in_the_metric_of_the_step_holds_a_weight_at_zero_below_its_strength_only(recipe, rate):
    """Zero is the optimum of g w + alpha |w| for |g| <= alpha, whatever the optimizer's metric."""
    penalty = ElasticNet(((0, N_WEIGHTS, 2.0),), l1_ratio=1.0)
    g = np.array([1.9, -1.9, 2.1, -2.1])
    theta = Vector.zeros(LAYOUT, float)
    stepper = recipe.start(theta, 0.0)
    for _ in range(300):
        gradient = Vector.zeros(LAYOUT, float)
        gradient.weights[:] = g
        penalty.prox(theta.weights, stepper.step(theta, gradient, rate), np.empty(N_WEIGHTS))
    np.testing.assert_array_equal(theta.weights[:2], 0.0)
    assert theta.weights[2] < 0 < theta.weights[3]


@EACH_STEPPING
def test_a_stepper_keeps_the_dtype_of_the_network(recipe):
    theta = Vector(LAYOUT, random_vector(0).data.astype(np.float32))
    stepper = recipe().start(theta, 0.1)
    state = [value for value in vars(stepper).values() if isinstance(value, np.ndarray)]
    assert state
    for _ in range(2):
        gradient = Vector(LAYOUT, random_vector(1).data.astype(np.float32))
        step = stepper.step(theta, gradient, 0.1)
        assert np.isscalar(step) or step.dtype == np.float32
    assert {array.dtype for array in state} == {np.dtype(np.float32)}


@EACH_STEPPING
def test_steppers_of_one_recipe_share_nothing(recipe):
    recipe = recipe()
    theta = random_vector(0)
    used, fresh = recipe.start(theta, 0.0), recipe.start(theta, 0.0)
    used.step(random_vector(0), random_vector(1), 0.1)
    for value in vars(fresh).values():
        if isinstance(value, np.ndarray):
            assert not value.any()


# Recipes in an estimator ----------------------------------------------------------------------


def fit(solver, **params):
    X, y = make_regression(40, 4, noise=5.0, random_state=0)
    model = RegularizedMLPRegressor(
        (5,), solver=solver, max_iter=400 if "lbfgs" in str(solver).lower() else 5, random_state=0,
        **params,
    )  # fmt: skip
    return model.fit(X, y)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_name_means_the_instance_with_its_defaults(name):
    by_name, by_instance = fit(name, alpha=1.0), fit(SOLVERS[name](), alpha=1.0)
    np.testing.assert_array_equal(by_name.members_[0].theta, by_instance.members_[0].theta)


@pytest.mark.parametrize("name", SOLVERS)
def test_fitting_never_writes_to_a_recipe(name):
    recipe = SOLVERS[name]()
    before = deepcopy(recipe)
    fit(recipe, alpha=1.0)
    assert recipe == before
    assert vars(recipe) == vars(before)


@pytest.mark.parametrize(
    "recipe, name",
    [
        (SGD(momentum=1.0), "momentum"),
        (SGD(momentum=-0.1), "momentum"),
        (Adam(beta_1=1.0), "beta_1"),
        (Adam(beta_1=-0.1), "beta_1"),
        (Adam(beta_2=1.0), "beta_2"),
        (Adam(beta_2=-0.1), "beta_2"),
        (Adam(epsilon=0.0), "epsilon"),
        (LBFGS(memory=0), "memory"),
        (LBFGS(max_line_search=0), "max_line_search"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_an_error_by_name_when_fitting(recipe, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(recipe).__name__} must"):
        fit(recipe)


@pytest.mark.parametrize(
    "solver, params",
    [
        (SGD(), {"momentum": 0.2, "nesterov": False}),
        (Adam(), {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    ],
    ids=str,
)
def test_every_detail_of_a_recipe_acts(solver, params):
    default = fit(solver)
    for name, value in params.items():
        changed = fit(deepcopy(solver).set_params(**{name: value}))
        assert np.abs(changed.coefs_[0] - default.coefs_[0]).max() > 1e-5, name


def test_the_memory_of_lbfgs_acts():
    short, long = fit(LBFGS(memory=1), alpha=1.0), fit(LBFGS(memory=20), alpha=1.0)
    assert short.n_iter_ > long.n_iter_
