"""A network layer by layer: activations, gradients, and the yardsticks of its loss."""

import dataclasses
import sys
from copy import deepcopy

import numpy as np
import pytest
from plain import plain
from scipy.sparse import csr_array, issparse
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from skregnet import (
    SGD,
    LayerRecord,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    check_gradients,
    diagnose,
    inspect_layers,
)
from skregnet.core.activations import ACTIVATIONS
from skregnet.layerwise import look, start_probe

X, Y3 = make_classification(80, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
TARGET = X[:, 0] + np.sin(X[:, 1])
WEIGHT = np.random.default_rng(0).integers(1, 4, 80).astype(float)


SMALL = {"hidden_layer_sizes": (7, 6), "max_iter": 3, "dtype": "float64", "random_state": 0}


def classifier(**params):
    return RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **SMALL | params))


def regressor(**params):
    return RegularizedMLPRegressor(**plain(RegularizedMLPRegressor, **SMALL | params))


TECHNIQUES = [
    {},
    {"batchnorm": True},
    {"batchnorm": "after"},
    {"group_norm": 1},
    {"keep_prob": 0.5, "input_keep_prob": 0.7},
    {"hidden_noise": 0.5, "weight_noise": 0.5},
    {"activation": "identity", "batchnorm": True},
    {"alpha": 5.0, "l1_ratio": 0.5},
]


@pytest.mark.parametrize("params", TECHNIQUES)
@pytest.mark.parametrize("fitted", [False, True], ids=["initial", "fitted"])
def test_shapes_and_names(params, fitted):
    model = classifier(**params)
    layers = inspect_layers(model.fit(X, Y3) if fitted else model, X, Y3)
    assert [layer.name for layer in layers] == ["hidden 1", "hidden 2", "output"]
    hidden = params.get("activation", "relu")
    assert [layer.activation for layer in layers] == [hidden, hidden, "identity"]
    widths = [5, 7, 6, 3]
    for i, layer in enumerate(layers):
        assert layer.layer == i
        assert layer.inputs.shape == (80, widths[i])
        assert layer.W.shape == layer.dW.shape == (widths[i], widths[i + 1])
        for array in (layer.Z, layer.A, layer.slope, layer.dZ):
            assert array.shape == (80, widths[i + 1])
        assert layer.weight_norm == pytest.approx(np.sqrt((layer.W**2).sum()))
        assert layer.gradient_norm == pytest.approx(np.sqrt((layer.dW**2).sum()))
        assert layer.gradient_ratio == pytest.approx(layer.gradient_norm / layer.weight_norm)
        with pytest.raises(dataclasses.FrozenInstanceError):
            layer.W = None


@pytest.mark.parametrize("params", TECHNIQUES)
def test_the_raw_outputs_are_those_of_prediction(params):
    model = classifier(**params).fit(X, Y3)
    raw = inspect_layers(model, X, Y3)[-1].Z
    raw = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(raw, model.predict_log_proba(X), atol=1e-12)


def test_a_committee_shows_its_first_member():
    model = classifier(n_estimators=3).fit(X, Y3)
    for layer, W in zip(inspect_layers(model, X, Y3), model.members_[0].coefs, strict=True):
        np.testing.assert_array_equal(layer.W, W)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"identity"}))
def test_the_activation_and_its_slope_belong_to_Z(activation):
    layer = inspect_layers(classifier(activation=activation), X, Y3)[0]
    phi = ACTIVATIONS[activation]()
    above, below = np.empty_like(layer.Z), np.empty_like(layer.Z)
    phi.value(layer.Z, above)
    np.testing.assert_array_equal(layer.A, above)
    phi.value(layer.Z + 1e-6, above)
    phi.value(layer.Z - 1e-6, below)
    away_from_kinks = np.abs(layer.Z) > 1e-5
    difference = (above - below) / 2e-6
    np.testing.assert_allclose(layer.slope[away_from_kinks], difference[away_from_kinks], atol=1e-7)


@pytest.mark.parametrize("params", [{}, {"l1_ratio": 0.5}, {"batchnorm": True}, {"group_norm": 1}])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_dW_is_the_gradient_that_the_gradient_check_sees(params, weight):
    model = classifier(activation="tanh", alpha=3.0, **params).fit(X, Y3, weight)
    _, run, _ = start_probe(model, X, Y3, weight)
    [(X_batch, Y_batch, relative)] = run.batches.epoch()
    run.objective.value_and_gradient(run.theta, X_batch, Y_batch, relative)
    expected = [p.W for p in run.objective.gradient.layers if hasattr(p, "W")]
    for layer, dW in zip(inspect_layers(model, X, Y3, weight), expected, strict=True):
        np.testing.assert_allclose(layer.dW, dW, atol=1e-14)


def test_dZ_makes_dW():
    for layer in inspect_layers(classifier(alpha=0.0, activation="tanh"), X, Y3):
        np.testing.assert_allclose(layer.inputs.T @ layer.dZ, layer.dW, atol=1e-14)


@pytest.mark.parametrize(
    "drawn",
    [
        {"keep_prob": 0.5},
        {"input_keep_prob": 0.5},
        {"hidden_noise": 1.0},
        {"weight_noise": 1.0},
        {"label_smoothing": 0.3},
    ],
)
def test_what_is_drawn_while_training_is_left_out(drawn):
    plain = inspect_layers(classifier(), X, Y3)
    for layer, other in zip(plain, inspect_layers(classifier(**drawn), X, Y3), strict=True):
        for name in ("Z", "A", "dW", "dZ"):
            np.testing.assert_array_equal(getattr(layer, name), getattr(other, name))


def test_before_training_batch_normalization_uses_the_rows():
    layer = inspect_layers(classifier(batchnorm=True), X, Y3)[0]
    np.testing.assert_allclose(layer.Z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(layer.Z.std(axis=0), 1.0, rtol=1e-3)


def test_after_training_batch_normalization_uses_running_statistics():
    model = classifier(batchnorm=True).fit(X, Y3)
    one = inspect_layers(model, X[:1], Y3[:1])
    np.testing.assert_allclose(one[-1].Z, inspect_layers(model, X, Y3)[-1].Z[:1], rtol=1e-12)


def test_a_weight_is_a_number_of_repetitions():
    model = regressor().fit(X, TARGET, WEIGHT)
    rows = np.repeat(np.arange(80), WEIGHT.astype(int))
    weighted, repeated = look(model, X, TARGET, WEIGHT), look(model, X[rows], TARGET[rows])
    for name in ("loss", "constant_loss"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-6)
    for a, b in zip(weighted.layers, repeated.layers, strict=True):
        np.testing.assert_allclose(a.dW, b.dW, atol=1e-13)


def test_sparse_rows_are_the_same_as_dense_ones():
    model = classifier(scaling=None)
    few = np.where(np.abs(X) > np.quantile(np.abs(X), 0.9), X, 0.0)
    for rows, stay_sparse in ((X, False), (few, True)):  # dense ones are faster if most are not 0
        dense, sparse = inspect_layers(model, rows, Y3), inspect_layers(model, csr_array(rows), Y3)
        for a, b in zip(dense, sparse, strict=True):
            np.testing.assert_allclose(a.dW, b.dW, atol=1e-13)
        inputs = sparse[0].inputs
        assert issparse(inputs) == stay_sparse
        np.testing.assert_array_equal(inputs.toarray() if stay_sparse else inputs, rows)


@pytest.mark.parametrize("fitted", [False, True], ids=["initial", "fitted"])
def test_the_estimator_is_left_as_it_is(fitted):
    model = classifier(batchnorm=True, keep_prob=0.5)
    if fitted:
        model.fit(X, Y3)
    before = deepcopy(vars(model))
    look(model, X, Y3)
    look(model, X, Y3, initial=True)
    assert vars(model).keys() == before.keys()
    if fitted:
        np.testing.assert_array_equal(model.members_[0].theta, before["members_"][0].theta)


def test_initial_weights_of_a_fitted_network_are_those_of_its_fit():
    model = classifier()
    initial = look(model, X, Y3)
    again = look(model.fit(X, Y3), X, Y3, initial=True)
    assert not again.fitted and look(model, X, Y3).fitted
    for a, b in zip(initial.layers, again.layers, strict=True):
        np.testing.assert_array_equal(a.W, b.W)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": SGD(momentum=0.0), "learning_rate_init": 0.1},
        {"solver": SGD(momentum=0.0), "learning_rate_init": 0.1, "clip_norm": 0.01},
        {"solver": SGD(momentum=0.0), "learning_rate_init": 0.1, "clip_norm": 100.0},
        {"solver": "adam", "learning_rate_init": 1e-3},
    ],
)
def test_the_update_ratio_is_that_of_the_first_step(params):
    model = classifier(activation="tanh", batch_size=80, alpha=0.0, **params)
    before = inspect_layers(model, X, Y3)
    after = inspect_layers(model.set_params(max_iter=1).fit(X, Y3), X, Y3)
    for a, b in zip(before, after, strict=True):
        moved = np.linalg.norm(b.W - a.W) / a.weight_norm
        assert a.update_ratio == pytest.approx(moved, rel=1e-3)


def test_the_update_ratio_counts_the_rate_of_the_whole_network():
    """With the default start, whose rates are in units of a layer of one input."""
    model = classifier(init="auto", batch_size=80, alpha=1.0)
    before = inspect_layers(model, X, Y3)
    after = inspect_layers(model.set_params(max_iter=1).fit(X, Y3), X, Y3)
    for a, b in zip(before[:-1], after[:-1], strict=True):
        moved = np.linalg.norm(b.W - a.W) / a.weight_norm
        assert a.update_ratio == pytest.approx(moved, rel=1e-3)
        assert a.update_ratio == pytest.approx(16 * model.learning_rate_init, rel=0.3)
    assert np.isnan(before[-1].update_ratio)  # the output layer starts at 0


def test_the_first_layer_gets_what_is_made_of_the_columns():
    model = RegularizedMLPClassifier(**SMALL).fit(X, Y3)
    embedding, scale = model.members_[0].network.layers[:2]
    first = inspect_layers(model, X, Y3)[0]
    assert first.inputs.shape == (80, embedding.n_out) == (80, scale.n_columns)
    assert embedding.n_out > 5 and first.W.shape == (embedding.n_out, 7)
    assert [layer.activation for layer in inspect_layers(model, X, Y3)] == [
        "selu", "selu", "identity",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "params", [{"warmup": 3}, {"learning_rate": "coslog4"}, {"learning_rate": "onecycle"}], ids=str
)
def test_the_update_ratio_is_that_of_the_rate_without_schedule_as_documented(params):
    ratios = [
        [layer.update_ratio for layer in inspect_layers(classifier(**given), X, Y3)]
        for given in ({}, params)
    ]
    assert ratios[0] == ratios[1]
    assert "without schedule and warm-up" in " ".join(LayerRecord.__doc__.split())


def test_lbfgs_and_zero_weights_have_no_update_ratio():
    assert np.isnan(inspect_layers(classifier(solver="lbfgs"), X, Y3)[0].update_ratio)
    layers = inspect_layers(classifier(init=["auto", "auto", "zeros"]), X, Y3)
    assert np.isnan(layers[2].update_ratio) and np.isnan(layers[2].gradient_ratio)


def test_the_loss_of_the_best_constant():
    view = look(classifier().fit(X, Y3), X, Y3)
    prior = np.bincount(Y3) / len(Y3)
    assert view.constant_loss == pytest.approx(log_loss(Y3, np.tile(prior, (80, 1))), rel=1e-6)
    view = look(regressor(loss="absolute_error"), X, TARGET)
    y = (TARGET - TARGET.mean()) / TARGET.std()
    assert view.constant_loss == pytest.approx(np.mean(np.abs(y - np.median(y))), rel=1e-3)
    assert view.perfect_loss == 0.0


@pytest.mark.parametrize("counts", [np.arange(80) % 4, 1 + np.arange(80) % 4])
def test_the_loss_of_perfect_counts(counts):
    view = look(regressor(loss="poisson"), X, counts.astype(float))
    positive = counts[counts > 0]
    expected = (positive - positive * np.log(positive)).sum() / 80
    assert view.perfect_loss == pytest.approx(expected, rel=1e-9)
    assert view.constant_loss == pytest.approx(counts.mean() * (1 - np.log(counts.mean())))


def test_the_loss_is_that_of_the_fitted_network():
    model = classifier().fit(X, Y3)
    assert look(model, X, Y3).loss == pytest.approx(log_loss(Y3, model.predict_proba(X)))


def test_bad_data_is_refused_as_in_fit():
    with pytest.raises(ValueError, match="infinity"):
        inspect_layers(classifier(), np.full_like(X, np.inf), Y3)


@pytest.mark.parametrize("function", [inspect_layers, check_gradients, diagnose])
@pytest.mark.parametrize(
    "other",
    [make_pipeline(classifier()), LogisticRegression(), RegularizedMLPClassifier, None],
    ids=["pipeline", "other", "class", "None"],
)
def test_other_estimators_are_refused(function, other):
    expected = "estimator must be a RegularizedMLPClassifier or a RegularizedMLPRegressor. Got "
    with pytest.raises(TypeError, match=expected):
        function(other, X, Y3)


# The gradient check as a table -------------------------------------------------------------------


def test_a_gradient_report_as_a_frame():
    pandas = pytest.importorskip("pandas")
    report = check_gradients(classifier(activation="tanh"), X, Y3)
    frame = report.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["layer", "parameter", "error", "at_rounding"]
    assert list(frame["layer"]) == [block.layer for block in report.blocks]
    assert list(frame["error"]) == [block.error for block in report.blocks]
    assert frame["at_rounding"].dtype == bool


def test_a_frame_needs_pandas(monkeypatch):
    report = check_gradients(classifier(activation="tanh"), X, Y3)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame requires pandas"):
        report.to_frame()


def test_class_weights_are_those_of_the_fit_also_on_rows_without_a_class():
    X, y = load_breast_cancer(return_X_y=True)
    params = {"class_weight": "balanced", "max_iter": 10, "random_state": 0}
    model = RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **params)).fit(X, y)
    rows = np.r_[np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:50]]
    weight = model._class_factors[y[rows]]
    loss = -np.log(model.predict_proba(X[rows])[np.arange(55), y[rows]])
    assert look(model, X[rows], y[rows]).loss == pytest.approx(np.average(loss, weights=weight))
    assert len(inspect_layers(model, X[y == 1], y[y == 1])) == 2
    assert check_gradients(model, X[y == 1][:20], y[y == 1][:20]).relative_error < 1e-6
