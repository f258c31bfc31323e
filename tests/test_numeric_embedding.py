"""numeric_embedding: the formulas, the columns that it takes, and training with it."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from plain import PLAIN

from skregnet import PBLD, PLE, RegularizedMLPClassifier, RegularizedMLPRegressor, check_gradients
from skregnet.core.embeddings import PeriodicEmbedding, PiecewiseLinearEmbedding
from skregnet.core.feature_scale import FeatureScale
from skregnet.core.network import Network

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
SMALL = PBLD(n_frequencies=5, n_outputs=2, sigma=0.5)
each_embedding = pytest.mark.parametrize("embedding", [SMALL, PLE(n_bins=4)], ids=str)


def rows(n_rows=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    return X, (np.sin(4.0 * X[:, 0]) > 0).astype(int)


def make(cls, **params):
    small = {"hidden_layer_sizes": (8,), "activation": "tanh", "max_iter": 5, "random_state": 0}
    return cls(**PLAIN | small | {"numeric_embedding": SMALL} | params)


def embed(layer, X):
    network = Network((layer,))
    theta = network.initialize(np.random.default_rng(0), np.float64)
    return network.forward(X, theta, network.workspaces(np.float64)), theta.layers[0]


def test_pbld_is_its_formula_and_the_other_columns_pass_through():
    X, _ = rows(20)
    layer = PeriodicEmbedding(4, (2, 0), 5, 3, 0.5)
    Y, p = embed(layer, X)
    expected = []
    for j, column in enumerate(layer.columns):
        x = X[:, [column]]
        expected.append(np.cos(2.0 * np.pi * x * p.w[j] + p.b[j]) @ p.M[j] + p.c[j])
        expected.append(x)
    expected = np.hstack([*expected, X[:, [1, 3]]])
    assert layer.n_out == expected.shape[1] == 10
    np.testing.assert_allclose(Y, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(layer.sources, [2, 2, 2, 2, 0, 0, 0, 0, 1, 3])


def test_initial_numbers_have_their_distributions():
    _, p = embed(PeriodicEmbedding(300, tuple(range(300)), 16, 3, 0.1), np.zeros((1, 300)))
    np.testing.assert_allclose(p.w.std(), 0.1, rtol=0.05)
    for array, limit in ((p.b, np.pi), (p.M, 0.25), (p.c, 0.25)):
        assert 0.99 * limit < np.abs(array).max() <= limit
        np.testing.assert_allclose(array.std(), limit / np.sqrt(3), rtol=0.05)
        assert abs(array.mean()) < 0.1 * limit


@estimators
@pytest.mark.parametrize("embedding", ["pbld", SMALL, "ple"], ids=str)
def test_the_gradient_is_right(cls, embedding):
    X, y = rows()
    model = make(cls, numeric_embedding=embedding, alpha=0.5)
    assert check_gradients(model, X, y).relative_error < 1e-7
    report = check_gradients(model.fit(X, y), X, y)
    assert report.relative_error < 1e-7
    learnt = {block.parameter for block in report.blocks} & {"w", "M", "c"}
    assert bool(learnt) == (embedding != "ple")


def test_it_moves_at_a_tenth_of_the_rate_and_is_not_penalised():
    X, y = rows()
    start, end = (
        make(RegularizedMLPRegressor, max_iter=1, learning_rate_init=rate, alpha=1e4).fit(X, y)
        for rate in (1e-14, 0.01)
    )
    for name in ("w", "b", "M", "c"):
        before, after = (getattr(m.members_[0].vector.layers[0], name) for m in (start, end))
        np.testing.assert_allclose(np.abs(after - before), 1e-3, rtol=1e-2)


@pytest.mark.parametrize("embedding", [PBLD(sigma=2.0), PLE(n_bins=32)], ids=str)
def test_it_fits_waves_that_a_network_without_it_misses(embedding):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2.0, 2.0, (600, 3))
    y = np.sin(8.0 * X[:, 0])
    common = {"max_iter": 60, "learning_rate_init": 0.01, "early_stopping": False}
    plain = make(RegularizedMLPRegressor, numeric_embedding=None, **common)
    waves = make(RegularizedMLPRegressor, numeric_embedding=embedding, **common)
    assert plain.fit(X[:300], y[:300]).score(X[300:], y[300:]) < 0.3
    assert waves.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.7


@each_embedding
def test_only_numeric_columns_are_embedded(embedding):
    X, y = rows()
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["b"] = np.where(X[:, 1] > 0, "yes", "no")
    frame["d"] = pd.cut(X[:, 3], 3, labels=["low", "middle", "high"]).astype(str)
    frame.loc[::7, "c"] = np.nan
    params = {"feature_scale": True, "numeric_embedding": embedding}
    model = make(RegularizedMLPClassifier, **params).fit(frame, y)
    names = list(model.encoded_feature_names_)
    layer, scale = model.members_[0].network.layers[:2]
    assert [names[column] for column in layer.columns] == ["a", "c"]
    assert isinstance(scale, FeatureScale)
    assert scale.n_columns == layer.n_out > len(names)
    assert len(model.feature_importances_) == 4
    with pytest.raises(ValueError, match="'numeric_embedding' parameter cannot be used here: no"):
        make(RegularizedMLPClassifier, numeric_embedding=embedding).fit(frame[["b", "d"]], y)


@each_embedding
def test_importances_gather_all_that_is_made_of_a_column(embedding):
    X, y = rows()
    model = make(RegularizedMLPClassifier, numeric_embedding=embedding).fit(X, y)
    W = model.coefs_[0].reshape(4, -1, 8)
    assert W.shape[1] == (3 if embedding == SMALL else 4)
    np.testing.assert_allclose(model.feature_importances_, np.linalg.norm(W, axis=(1, 2)))


@estimators
@pytest.mark.parametrize("dropout", [{}, {"input_keep_prob": 0.8}])
@each_embedding
def test_sparse_rows_are_embedded_as_dense_ones(cls, dropout, embedding):
    X, y = rows()
    X[np.abs(X) < 0.5] = 0.0
    params = {"scaling": None, "numeric_embedding": embedding} | dropout
    dense = make(cls, **params).fit(X, y)
    sparse = make(cls, **params).fit(sp.csr_array(X), y)
    np.testing.assert_array_equal(sparse.members_[0].theta, dense.members_[0].theta)
    np.testing.assert_array_equal(sparse.predict(sp.csr_array(X)), dense.predict(X))


@estimators
@each_embedding
def test_warm_starts_and_streams_keep_the_embedding(cls, embedding):
    X, y = rows()
    on = {"numeric_embedding": embedding}
    twice = make(cls, warm_start=True, **on).fit(X, y).fit(X, y)
    once = make(cls, max_iter=10, **on).fit(X, y)
    np.testing.assert_array_equal(twice.members_[0].theta, once.members_[0].theta)
    moved = make(cls, warm_start=True, **on).fit(X, y)
    first = moved.members_[0].network
    assert moved.fit(X + 1.0, y).members_[0].network == first
    with pytest.raises(ValueError, match="'numeric_embedding' parameter cannot change"):
        moved.set_params(numeric_embedding=PLE(n_bins=3)).fit(X, y)
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    stream = make(cls, **on).partial_fit(X, y, **classes).partial_fit(X, y)
    assert np.isfinite(stream.predict(X)).all()


def test_the_default_embeds_few_columns_from_the_default_start():
    X, y = rows()

    def is_embedded(X=X, cls=RegularizedMLPClassifier, **params):
        model = cls(max_iter=1, random_state=0, **params).fit(X, y)
        layers = model.members_[0].network.layers
        return any(isinstance(layer, PeriodicEmbedding) for layer in layers)

    assert is_embedded() and is_embedded(cls=RegularizedMLPRegressor)
    assert not is_embedded(init="he") and not is_embedded(numeric_embedding=None)
    assert is_embedded(np.tile(X, 25)) and not is_embedded(np.tile(X, 26))
    assert not is_embedded(pd.DataFrame({"sign": np.where(X[:, 0] > 0, "yes", "no")}))


# Piecewise-linear encoding -----------------------------------------------------------------------


def test_ple_is_its_formula_and_the_other_columns_pass_through():
    edges = ((-1.0, 0.0, 2.0), (0.5,), (0.0, 1.0))
    X = np.array([[-2.0, 3.0, 5.0, 0.25], [0.5, 0.5, 6.0, 2.0], [5.0, 0.0, 7.0, -1.0]])
    Y, _ = embed(PiecewiseLinearEmbedding(4, (0, 1, 3), edges), X)
    expected = [
        [-1.0 / 1.5, 0.0, 0.0, 0.25, 5.0],  # beyond a narrow bin the slope is that of equal bins
        [1.0, 0.25, 0.0, 2.0, 6.0],
        [1.0, 2.5, 0.0, -1.0, 7.0],
    ]
    np.testing.assert_allclose(Y, expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles_that_nearly_tie_do_not_throw_values_far_out(dtype):
    x = np.tile([0.1, 0.2, 0.3, 0.1 + 0.2], 40)[:, np.newaxis]  # the last is 0.3 and a rounding
    rng = np.random.default_rng(0)
    spikes = np.concatenate([np.zeros(350), np.full(25, 1e-12), rng.uniform(size=25)])
    for X, new in ((x, [[-0.1], [0.31], [0.5]]), (spikes[:, np.newaxis], [[-1.0], [2.0]])):
        model = RegularizedMLPRegressor(
            (5,), numeric_embedding="ple", dtype=dtype, max_iter=30, random_state=0
        ).fit(X, X[:, 0])
        assert np.abs(model.predict(new)).max() < 10


@pytest.mark.parametrize("scaling", [None, "standard", "robust"])
def test_edges_are_quantiles_of_the_scaled_training_rows(scaling):
    X, y = rows(101)
    X[:, 1] = X[:, 1] > 0.0
    X[:, 2] = 7.0
    params = {"numeric_embedding": PLE(n_bins=4), "scaling": scaling, "dtype": "float64"}
    model = make(RegularizedMLPClassifier, **params).fit(X, y)
    Z = X if scaling is None else model.input_scale_.transform(X, float)
    edges = model.members_[0].network.layers[0].edges
    expected = np.quantile(Z[:, 0], [0, 0.25, 0.5, 0.75, 1], method="averaged_inverted_cdf")
    np.testing.assert_allclose(edges[0], expected, rtol=1e-12)
    np.testing.assert_allclose(edges[1], np.unique(Z[:, 1]), rtol=1e-12)
    assert len(edges[2]) == 1
    X_val = np.vstack([X, 100.0 + X])
    held = make(RegularizedMLPClassifier, early_stopping=True, **params)
    held.fit(X, y, X_val=X_val, y_val=np.append(y, y))
    assert held.members_[0].network.layers[0].edges == edges


def test_weights_of_rows_are_repetitions_for_the_edges():
    X, y = rows(40)
    weight = np.random.default_rng(1).integers(1, 4, len(X))
    params = {"numeric_embedding": "ple", "dtype": "float64"}
    weighted = make(RegularizedMLPRegressor, **params).fit(X, y, sample_weight=weight)
    repeated = make(RegularizedMLPRegressor, **params).fit(
        np.repeat(X, weight, axis=0), np.repeat(y, weight)
    )
    edges = [np.concatenate(m.members_[0].network.layers[0].edges) for m in (weighted, repeated)]
    np.testing.assert_allclose(*edges, rtol=1e-12)


@pytest.mark.parametrize(
    "params", [{"n_frequencies": 0}, {"n_outputs": 1.5}, {"sigma": 0.0}, {"sigma": np.nan}], ids=str
)
def test_bad_details_raise_by_name(params):
    [name] = params
    with pytest.raises(ValueError, match=f"'{name}' parameter of PBLD"):
        make(RegularizedMLPRegressor, numeric_embedding=PBLD(**params)).fit(*rows())
    with pytest.raises(ValueError, match="'n_bins' parameter of PLE"):
        make(RegularizedMLPRegressor, numeric_embedding=PLE(n_bins=0)).fit(*rows())
