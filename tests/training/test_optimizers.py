"""Optimizers: their formulas, the step size that they report, and recipes that stay recipes."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.datasets import make_regression

from skregnet import LBFGS, SGD, Adam, RegularizedMLPRegressor
from skregnet.core.penalties import ElasticNet
from skregnet.core.vector import Layout, Slot, Vector
from skregnet.exceptions import DivergenceWarning
from skregnet.training.optimizers import SOLVERS, AdamStepper, SGDStepper, clip

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


RATED = Layout([[
    Slot("W", (2, 2), "weights", rate=0.5), Slot("V", (2, 1), "weights", unit=0.25),
    Slot("b", (3,), "offsets", rate=6.0),
]])  # fmt: skip
FACTORS = np.repeat([0.5, 1.0, 6.0], [4, 2, 3])
UNITS = np.repeat([1.0, 0.25, 1.0], [4, 2, 3])


def walk_with_rates(recipe, layout, gradients, weight_decay=0.0, strength=1.0):
    theta = Vector(layout, np.random.default_rng(0).normal(size=layout.size))
    stepper = recipe.start(theta, weight_decay)
    steps = []
    for g in gradients:
        gradient = Vector.zeros(layout, float)
        gradient.trainable[:] = g
        step = stepper.step(theta, gradient, 0.1, strength=strength)
        steps.append(np.broadcast_to(step, layout.n_weights).copy())
    return theta.data, steps


@pytest.mark.parametrize("recipe", [SGD(), SGD(0.5, False), Adam(), Adam(epsilon=0.1)], ids=str)
def test_rates_and_units_are_those_of_a_change_of_variables(recipe):
    """theta = unit u: u moves by its own gradient unit g, at the rate times its factor."""
    gs = [np.random.default_rng(i).normal(size=RATED.size) for i in range(5)]
    found, steps = walk_with_rates(recipe, RATED, gs)
    plain = Layout([[Slot("W", (2, 2), "weights"), Slot("V", (2, 1), "weights"),
                     Slot("b", (3,), "offsets")]])  # fmt: skip
    start = np.random.default_rng(0).normal(size=RATED.size)
    # Without a prox the path in u does not depend on where it starts.
    path, plain_steps = walk_with_rates(recipe, plain, [UNITS * g for g in gs])
    np.testing.assert_allclose(found, start + UNITS * FACTORS * (path - start), rtol=1e-12)
    for step, plain_step in zip(steps, plain_steps, strict=True):
        expected = (UNITS**2 * FACTORS)[: RATED.n_weights] * plain_step
        np.testing.assert_allclose(step, expected, rtol=1e-12)


@EACH_STEPPING
@pytest.mark.parametrize("strength", [1.0, 0.25, 0.0])
def test_decay_follows_the_rate_and_the_strength_but_not_the_unit(recipe, strength):
    zero = [np.zeros(RATED.size)]
    start = np.random.default_rng(0).normal(size=RATED.size)
    found, _ = walk_with_rates(recipe(), RATED, zero, weight_decay=0.3, strength=strength)
    shrinks = 1.0 - 0.1 * 0.3 * strength * FACTORS
    shrinks[RATED.n_weights :] = 1.0
    np.testing.assert_allclose(found, shrinks * start, rtol=1e-13)


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


# Clipping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm", [1e-3, 0.5, 3.0])
def test_a_clipped_gradient_keeps_its_direction(norm, dtype):
    g = (10.0 * np.random.default_rng(0).normal(size=50)).astype(dtype)
    clipped = g.copy()
    clip(clipped, norm)
    assert clipped.dtype == dtype
    rounding = 20 * float(np.finfo(dtype).eps)
    assert np.linalg.norm(clipped) == pytest.approx(norm, rel=rounding)
    cosine = clipped @ g / np.linalg.norm(clipped) / np.linalg.norm(g)
    assert cosine == pytest.approx(1.0, rel=rounding)


def test_a_gradient_within_the_norm_is_left_as_it_is():
    for g in (np.array([3.0, 4.0]), np.zeros(2)):
        clipped = g.copy()
        clip(clipped, 5.0)
        np.testing.assert_array_equal(clipped, g)


def regression():
    X, y = make_regression(60, 4, noise=5.0, random_state=0)
    return X, y


def clipping(**params):
    small = {
        "hidden_layer_sizes": (6,), "max_iter": 5, "batch_size": 20, "random_state": 0,
        "dtype": "float64", "solver": "sgd", "learning_rate_init": 0.01,
    }  # fmt: skip
    return RegularizedMLPRegressor(**small | params)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("clip_norm", [0.05, 0.3])
def test_the_gradient_of_every_step_is_clipped_as_a_whole(solver, clip_norm, monkeypatch):
    seen = []
    stepper = {"sgd": SGDStepper, "adam": AdamStepper}[solver]
    step = stepper.step

    def spy(self, theta, gradient, *args):
        seen.append(np.linalg.norm(gradient.trainable))
        return step(self, theta, gradient, *args)

    monkeypatch.setattr(stepper, "step", spy)
    clipping(solver=solver, learning_rate_init=1e-300).fit(*regression())
    free, seen[:] = np.array(seen), []
    clipping(solver=solver, learning_rate_init=1e-300, clip_norm=clip_norm).fit(*regression())
    assert np.any(free > clip_norm)
    # At weights that practically stand still both runs meet the same gradients.
    np.testing.assert_allclose(seen, np.minimum(free, clip_norm), rtol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_norm_that_is_never_reached_changes_no_bit(solver, dtype):
    free = clipping(solver=solver, dtype=dtype).fit(*regression())
    clipped = clipping(solver=solver, dtype=dtype, clip_norm=1e6).fit(*regression())
    np.testing.assert_array_equal(free.members_[0].theta, clipped.members_[0].theta)


def test_clipping_tames_a_fit_that_diverges():
    X, y = regression()
    wild = {"scaling": None, "target_scaling": None, "learning_rate_init": 0.05, "max_iter": 50}
    with pytest.warns(DivergenceWarning):
        clipping(**wild).fit(X, 100 * y)
    tamed = clipping(**wild, clip_norm=1.0).fit(X, 100 * y)
    assert tamed.n_iter_ == 50
    assert tamed.loss_curve_[-1] < tamed.loss_curve_[0]


def test_l2_counts_towards_the_norm_and_weight_decay_does_not():
    """L2 is part of the gradient that is clipped; decoupled decay acts on the weights alone."""
    X, y = np.zeros((30, 4)), np.zeros(30)
    start = [np.full((4, 1), 3.0)]
    params = {
        "hidden_layer_sizes": (), "init": start, "scaling": None, "target_scaling": None,
        "max_iter": 1, "batch_size": 30, "solver": SGD(momentum=0.0), "clip_norm": 0.5,
        "learning_rate": "constant", "learning_rate_init": 0.1,
    }  # fmt: skip
    l2 = clipping(**params, alpha=300.0).fit(X, y)
    assert np.linalg.norm(l2.coefs_[0] - start[0]) == pytest.approx(0.1 * 0.5, rel=1e-12)
    decayed = clipping(**params, alpha=0.0, weight_decay=1.0).fit(X, y)
    np.testing.assert_allclose(decayed.coefs_[0], 0.9 * start[0], rtol=1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", LBFGS()])
def test_lbfgs_has_no_steps_to_clip(solver):
    model = RegularizedMLPRegressor(solver=solver, clip_norm=1.0)
    with pytest.raises(ValueError, match="'clip_norm' parameter cannot be used here"):
        model.fit(*regression())


@pytest.mark.parametrize("size", [1e-10, 1.0, 1e25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_keeps_the_direction_also_where_squares_overflow(size, dtype):
    given = (size * np.array([3.0, -4.0])).astype(dtype)
    gradient = given.copy()
    with np.errstate(over="ignore"):
        clip(gradient, 0.5 * size)
    np.testing.assert_allclose(gradient, 0.1 * given, rtol=1e-6)
