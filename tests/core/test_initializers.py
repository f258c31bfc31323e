"""Initial weights: the variance of every rule, and what each rule is for."""

import inspect

import numpy as np
import pytest
from engine_examples import concrete_subclasses, small_network
from scipy.stats import kurtosis

from skregnet.core.activations import ACTIVATIONS
from skregnet.core.dense import Dense
from skregnet.core.initializers import (
    AUTO,
    DISTRIBUTIONS,
    INITIALIZERS,
    NTK,
    Constant,
    DataDriven,
    FromArray,
    FromFunction,
    He,
    Initializer,
    LeCun,
    Normal,
    NTKOutput,
    Orthogonal,
    Uniform,
    VarianceScaling,
    Xavier,
    Zeros,
)
from skregnet.core.network import Network
from skregnet.core.normalization import BatchNorm

FAN_IN, FAN_OUT = 400, 200

VARIANCES = {
    Constant: 0.0,
    Zeros: 0.0,
    Normal: 0.01**2,
    Uniform: 0.01**2 / 3,
    LeCun: 1 / FAN_IN,
    Xavier: 2 / (FAN_IN + FAN_OUT),
    He: 2 / FAN_IN,
    Orthogonal: 1 / FAN_IN,  # columns of length 1
    DataDriven: 1 / FAN_IN,  # before it looks at data
    NTK: 1 / FAN_IN,
    NTKOutput: 0.0,
}

SCALED = [cls for cls in VARIANCES if issubclass(cls, VarianceScaling)]


def draw(init, fan_in=FAN_IN, fan_out=FAN_OUT, seed=0):
    return init(np.random.default_rng(seed), fan_in, fan_out)


def stack(width, depth, init, activation):
    """Layers of equal width with an activation after each."""
    pairs = [(Dense(width, width, init), ACTIVATIONS[activation]()) for _ in range(depth)]
    return Network(tuple(layer for pair in pairs for layer in pair))


def outputs(network, theta, X):
    """The output of every layer at prediction."""
    found = []
    for layer, p, ws in zip(
        network.layers, theta.layers, network.workspaces(theta.data.dtype), strict=True
    ):
        X = layer.forward(X, p, ws)
        found.append(X)
    return found


def test_every_rule_is_tested_here():
    given_by_the_user = {FromArray, FromFunction}
    assert concrete_subclasses(Initializer) == set(VARIANCES) | given_by_the_user
    assert set(INITIALIZERS.values()) == set(VARIANCES) - {Constant, NTKOutput}


@pytest.mark.parametrize("cls", VARIANCES)
def test_mean_and_variance_of_the_rule(cls):
    W = draw(cls())
    assert W.shape == (FAN_IN, FAN_OUT)
    variance = VARIANCES[cls]
    # Five standard errors for 80 000 numbers.
    assert abs(W.mean()) <= 5 * np.sqrt(variance / W.size)
    np.testing.assert_allclose(W.var(), variance, rtol=5 * np.sqrt(2 / W.size))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("cls", SCALED)
def test_both_distributions_have_the_variance_of_the_rule(cls, distribution):
    W = draw(cls(distribution=distribution))
    np.testing.assert_allclose(W.var(), VARIANCES[cls], rtol=5 * np.sqrt(2 / W.size))
    excess = {"normal": 0.0, "uniform": -1.2}[distribution]
    assert abs(kurtosis(W, axis=None) - excess) < 0.1
    if distribution == "uniform":
        assert np.abs(W).max() <= np.sqrt(3 * VARIANCES[cls])


@pytest.mark.parametrize("fans", [(30, 300), (300, 30)])
@pytest.mark.parametrize(
    ("cls", "variance"),
    [
        (LeCun, lambda fan_in, fan_out: 1 / fan_in),
        (Xavier, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        (He, lambda fan_in, fan_out: 2 / fan_in),
    ],
)
def test_variance_depends_on_the_right_side_of_the_matrix(cls, variance, fans):
    np.testing.assert_allclose(draw(cls(), *fans).var(), variance(*fans), rtol=0.1)


@pytest.mark.parametrize(("cls", "std"), [(Normal, 1.0), (Uniform, 1 / np.sqrt(3))])
def test_scale_scales_whatever_the_width(cls, std):
    for fans in [(20, 2000), (2000, 20)]:
        np.testing.assert_allclose(draw(cls(scale=3.0), *fans).std(), 3.0 * std, rtol=0.02)
    assert np.abs(draw(Uniform(scale=3.0))).max() <= 3.0


@pytest.mark.parametrize("c", [0.0, -0.3])
def test_constant_is_constant(c):
    assert np.all(draw(Constant(c)) == c)


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (5, 1), (1, 5)])
@pytest.mark.parametrize("gain", [1.0, np.sqrt(2)])
def test_orthogonal_singular_values_all_equal_the_gain(shape, gain):
    W = draw(Orthogonal(gain), *shape)
    assert W.shape == shape
    singular_values = np.linalg.svd(W, compute_uv=False)
    np.testing.assert_allclose(singular_values, gain, rtol=1e-13)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)])
def test_orthogonal_prefers_no_direction(shape):
    """A bare QR decomposition always gives the first entry the same sign."""
    signs = [np.sign(draw(Orthogonal(), *shape, seed=seed)[0, 0]) for seed in range(200)]
    assert abs(np.mean(signs)) < 5 / np.sqrt(200)


@pytest.mark.parametrize("cls", VARIANCES)
def test_breaks_symmetry_says_whether_the_units_of_a_layer_differ(cls):
    W = draw(cls(), 5, 4)
    assert cls.breaks_symmetry == bool(np.any(W != W[:, [0]]))


@pytest.mark.parametrize("cls", VARIANCES)
def test_the_stream_decides_and_nothing_else(cls):
    np.testing.assert_array_equal(draw(cls(), 5, 4, seed=1), draw(cls(), 5, 4, seed=1))
    if cls.breaks_symmetry:
        assert np.all(draw(cls(), 5, 4, seed=1) != draw(cls(), 5, 4, seed=2))


@pytest.mark.parametrize("cls", [cls for cls in VARIANCES if not cls.needs_sample])
def test_single_precision_starts_at_the_same_draw_rounded(cls):
    network = Network((Dense(5, 4, cls()), Dense(4, 2, cls())))
    double = network.initialize(np.random.default_rng(0), np.float64).data
    single = network.initialize(np.random.default_rng(0), np.float32).data
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize(
    ("init", "name"),
    [(Normal(-1.0), "scale"), (Uniform(-1.0), "scale"), (He("cauchy"), "distribution")],
)
def test_values_out_of_range_are_named(init, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(init).__name__} must be"):
        init.check()


# What the rules are for ------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_data_driven_gives_pre_activations_of_unit_variance(activation, dtype):
    rng = np.random.default_rng(0)
    sizes = [20, 60, 40, 3]
    X = rng.exponential(3.0, (200, 20)).astype(dtype)  # neither centred nor scaled
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [Dense(n_in, n_out, DataDriven()), ACTIVATIONS[activation]()]
    network = Network(tuple(layers[:-1]))
    theta = network.initialize(rng, dtype, X)
    for layer, Z in zip(network.layers, outputs(network, theta, X), strict=True):
        if isinstance(layer, Dense):
            assert abs(Z.var() - 1) < 0.1
            np.testing.assert_allclose(Z.var(), 1.0, rtol=1e-4)  # it is in fact exact


def test_data_driven_looks_through_batch_norm_and_takes_both_distributions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5))
    layers = (Dense(5, 30, DataDriven("uniform"), bias=False), BatchNorm(30), ACTIVATIONS["relu"]())
    network = Network((*layers, Dense(30, 10, DataDriven())))
    found = outputs(network, network.initialize(rng, np.float64, X), X)
    np.testing.assert_allclose([found[0].var(), found[-1].var()], 1.0, rtol=1e-10)


def test_data_driven_survives_a_sample_without_variance():
    W = np.full((4, 3), np.nan)
    DataDriven().fill(W, np.random.default_rng(0), np.zeros((10, 4)))
    assert np.all(np.isfinite(W)) and np.any(W != 0)


def test_only_data_driven_asks_for_a_sample():
    asks = {name for name, cls in INITIALIZERS.items() if cls().needs_sample}
    assert asks == {"data"}
    assert small_network().needs_sample is False
    assert Network((Dense(3, 2, DataDriven()),)).needs_sample is True


def test_he_keeps_the_second_moment_through_50_relu_layers_of_width_512():
    """Within 2x in the geometric mean of 20 seeds; one seed alone wanders."""
    width, depth = 512, 50
    log_ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = first = rng.normal(size=(30, width))
        for _ in range(depth):
            X = np.maximum(X @ He()(rng, width, width), 0.0)
        log_ratios.append(np.log(np.mean(X**2) / np.mean(first**2)))
    assert 0.5 < np.exp(np.mean(log_ratios)) < 2.0


def test_lecun_keeps_mean_and_variance_through_50_selu_layers_of_width_512():
    """SELU pulls mean and variance towards 0 and 1 (Klambauer et al., 2017)."""
    means, variances = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = stack(512, 50, LeCun(), "selu")
        X = rng.normal(size=(100, 512)).astype(np.float32)
        theta = network.initialize(rng, np.float32)
        Y = network.forward(X, theta, network.workspaces(np.float32))
        means.append(Y.mean())
        variances.append(Y.var())
    assert abs(np.mean(means)) < 0.1
    assert 0.7 < np.exp(np.mean(np.log(variances))) < 1.3


def test_he_and_selu_or_lecun_and_relu_do_not_keep_the_second_moment():
    """The rule belongs to the activation: the other pairs explode, or halve with each layer."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 200))
    for init, activation, low, high in [
        (LeCun(), "relu", 0.0, 1e-4),
        (He(), "selu", 10.0, np.inf),
        (He(), "relu", 0.1, 10.0),
    ]:
        network = stack(200, 20, init, activation)
        theta = network.initialize(rng, np.float64)
        Y = network.forward(X, theta, network.workspaces(np.float64))
        assert low <= np.mean(Y**2) / np.mean(X**2) <= high, (init, activation)


def test_lecun_keeps_the_variance_through_linear_layers():
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        network = stack(100, 10, LeCun(), "identity")
        X = rng.normal(size=(50, 100))
        Y = network.forward(X, network.initialize(rng, np.float64), network.workspaces(np.float64))
        ratios.append(Y.var() / X.var())
    assert 0.7 < np.exp(np.mean(np.log(ratios))) < 1.4


def test_orthogonal_keeps_the_length_of_every_row_through_linear_layers():
    rng = np.random.default_rng(0)
    network, X = stack(40, 20, Orthogonal(), "identity"), rng.normal(size=(10, 40))
    Y = network.forward(X, network.initialize(rng, np.float64), network.workspaces(np.float64))
    np.testing.assert_allclose(np.linalg.norm(Y, axis=1), np.linalg.norm(X, axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("scale", "share_saturated", "last_std"),
    [(0.01, (0.0, 0.0), (0.0, 1e-8)), (1.0, (0.5, 1.0), (0.7, 1.0))],
    ids=["too small collapses", "too large saturates"],
)
def test_a_fixed_scale_fails_deep_tanh_layers(scale, share_saturated, last_std):
    rng = np.random.default_rng(0)
    network = stack(100, 10, Normal(scale), "tanh")
    X = rng.normal(size=(50, 100))
    last = outputs(network, network.initialize(rng, np.float64), X)[-1]
    assert share_saturated[0] <= np.mean(np.abs(last) > 0.99) <= share_saturated[1]
    assert last_std[0] <= last.std() <= last_std[1]


def test_auto_means_he_lecun_or_xavier_by_family():
    expected = {"selu": LeCun, "logistic": Xavier, "tanh": Xavier, "identity": Xavier}
    for name, activation in ACTIVATIONS.items():
        assert AUTO[activation.family] is expected.get(name, He)


# Rules and arrays of the user's own ------------------------------------------------------------


def test_a_function_is_called_with_the_stream_and_both_widths():
    seen = []

    def rule(rng, fan_in, fan_out):
        seen.append((type(rng), fan_in, fan_out))
        return rng.uniform(7.0, 8.0, (fan_in, fan_out))

    W = draw(FromFunction(rule), 3, 2)
    assert seen == [(np.random.Generator, 3, 2)]
    assert np.all((W > 7) & (W < 8))


@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist])
def test_an_array_is_taken_as_it_is(convert):
    array = np.array([[1.0, 0.0], [0.0, -2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(draw(FromArray(convert(array)), 3, 2), array)


def test_an_array_is_copied_into_the_vector():
    array = np.ones((3, 2))
    network = Network((Dense(3, 2, FromArray(array)),))
    theta = network.initialize(np.random.default_rng(0), np.float64)
    theta.data[:] = 5.0
    assert np.all(array == 1.0)


@pytest.mark.parametrize(
    "init",
    [
        FromFunction(lambda rng, fan_in, fan_out: np.ones((fan_out, fan_in))),
        FromFunction(lambda rng, fan_in, fan_out: 1.0),
        FromArray(np.ones((2, 3))),
        FromArray(np.ones(6)),
    ],
    ids=["transposed", "scalar", "transposed array", "flat array"],
)
def test_a_wrong_shape_raises_and_says_which_is_right(init):
    with pytest.raises(ValueError, match=r"'init'.*shape \(3, 2\)"):
        draw(init, 3, 2)


def test_all_rules_are_plain_components():
    for cls in VARIANCES:
        assert list(cls().get_params()) == list(inspect.signature(cls).parameters)
