"""Monte-Carlo dropout, and how far the members' predictions spread."""

from copy import copy

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.core.dropout import draw_kept
from skregnet.core.layers import DRAWS
from skregnet.core.objective import CHUNK_ROWS
from skregnet.core.streams import stream

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def problem(kind):
    if kind == "classifier":
        return make_classification(60, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(60, 6, noise=20.0, random_state=0)


def make(kind, **params):
    return ESTIMATORS[kind](**{
        "hidden_layer_sizes": (8,), "max_iter": 10, "learning_rate_init": 0.02, "random_state": 0,
        "keep_prob": 0.7,
    } | params)  # fmt: skip


def fit(kind, **params):
    X, y = problem(kind)
    return make(kind, **params).fit(X, y), X


def predict(model, X, **arguments):
    """What takes n_samples and return_std: predictions of reals, probabilities of labels."""
    method = "predict_proba" if hasattr(model, "classes_") else "predict"
    return getattr(model, method)(X, **arguments)


def each(model, X):
    """The predictions of the members, each alone."""
    views = []
    for member in model.members_:
        view = copy(model)
        view.members_ = [member]
        views.append(view)
    return np.array([predict(view, X) for view in views])


# Masks ----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_calls_repeat(kind, n_estimators):
    model, X = fit(kind, n_estimators=n_estimators)
    first = predict(model, X, n_samples=5)
    np.testing.assert_array_equal(predict(model, X, n_samples=5), first)
    np.testing.assert_array_equal(predict(fit(kind, n_estimators=n_estimators)[0], X, n_samples=5),
                                  first)  # fmt: skip
    assert np.all(np.isfinite(first))
    assert np.any(first != predict(model, X))
    other, _ = fit(kind, n_estimators=n_estimators)
    other._seed += 1
    assert np.any(predict(other, X, n_samples=5) != first)


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_members_and_masks_are_pooled(kind, n_estimators):
    model, X = fit(
        kind, hidden_layer_sizes=(), keep_prob=1.0, input_keep_prob=0.7, n_estimators=n_estimators
    )
    Z = model.input_scale_.transform(X, np.float64)
    predictions = []
    for i, member in enumerate(model.members_):
        rng = stream(model._seed, "prediction", i, 0, 0)
        for _ in range(4):
            mask = np.empty(Z.shape, bool)
            draw_kept(rng, 0.7, out=mask)
            raw = (Z * mask / 0.7) @ member.coefs[0] + member.intercepts[0]
            if kind == "regressor":
                predictions.append(model.target_scale_.inverse_transform(raw)[:, 0])
            else:
                predictions.append(softmax(raw, axis=1))
    assert len(predictions) == 4 * n_estimators
    mean, std = predict(model, X, return_std=True, n_samples=4)
    np.testing.assert_allclose(mean, np.mean(predictions, axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(std, np.std(predictions, axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(predict(model, X, n_samples=4), mean)


@pytest.mark.parametrize("hidden, params", [
    ((), {"keep_prob": 1.0, "input_keep_prob": 0.6}),
    ((8,), {"keep_prob": 0.5, "activation": "identity"}),
    ((8, 5), {"keep_prob": [0.6, 0.8], "input_keep_prob": 0.9, "activation": "identity"}),
], ids=str)  # fmt: skip
def test_the_mean_over_masks_of_a_linear_network_approaches_the_prediction_without(hidden, params):
    model, X = fit("regressor", hidden_layer_sizes=hidden, numeric_embedding=None, **params)
    mean, std = model.predict(X, return_std=True, n_samples=4000)
    z = (mean - model.predict(X)) / (std / np.sqrt(4000))
    assert np.all(std > 0)
    assert np.abs(z).max() < 5  # 60 rows: beyond 5 standard errors once in 30,000 runs
    few = model.predict(X, n_samples=10)
    assert np.abs(few - model.predict(X)).mean() > np.abs(mean - model.predict(X)).mean()


@BOTH
@pytest.mark.parametrize("noise", [{"hidden_noise": 0.5}, {"weight_noise": 0.3}], ids=str)
def test_noise_is_drawn_as_masks_are(kind, noise):
    model, X = fit(kind, keep_prob=1.0, **noise)
    mean, std = predict(model, X, return_std=True, n_samples=20)
    np.testing.assert_array_equal(predict(model, X, n_samples=20), mean)
    assert np.all(std > 0)
    np.testing.assert_array_equal(predict(model, X), predict(model, X))
    assert np.any(predict(model, X) != mean)


@pytest.mark.parametrize("noise", [{"hidden_noise": 0.5}, {"weight_noise": 0.1}], ids=str)
def test_the_mean_over_noise_of_a_linear_network_approaches_the_prediction_without(noise):
    model, X = fit("regressor", keep_prob=1.0, activation="identity", **noise)
    mean, std = model.predict(X, return_std=True, n_samples=4000)
    z = (mean - model.predict(X)) / (std / np.sqrt(4000))
    assert np.abs(z).max() < 5


def test_a_sample_of_weight_noise_is_one_network_for_all_rows():
    model, X = fit("regressor", hidden_layer_sizes=(), keep_prob=1.0, weight_noise=0.3)
    Z = model.input_scale_.transform(X, np.float64)
    rng = stream(model._seed, "prediction", 0, 0, DRAWS.index("weight noise"))
    W = model.coefs_[0] + 0.3 * rng.standard_normal(model.coefs_[0].shape)
    expected = model.target_scale_.inverse_transform(Z @ W + model.intercepts_[0])[:, 0]
    np.testing.assert_allclose(model.predict(X, n_samples=1), expected, rtol=1e-10)


def test_predictions_without_samples_draw_no_masks():
    model, X = fit("regressor")
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-12)


def test_normalization_uses_its_running_statistics_under_masks():
    model, X = fit("regressor", batchnorm="after", activation="identity")
    before = model.members_[0].theta.copy()
    mean, std = model.predict(X, return_std=True, n_samples=4000)
    z = (mean - model.predict(X)) / (std / np.sqrt(4000))
    assert np.abs(z).max() < 5  # statistics of the masked batch would shift and scale the mean
    np.testing.assert_array_equal(model.members_[0].theta, before)


@BOTH
def test_sparse_rows_are_masked_as_dense_ones(kind):
    X, y = problem(kind)
    model = make(kind, input_keep_prob=0.8, scaling=None).fit(X, y)
    np.testing.assert_allclose(
        predict(model, csr_array(X), n_samples=3), predict(model, X, n_samples=3), rtol=1e-9
    )


def test_many_rows_are_predicted_in_pieces():
    model, X = fit("regressor", input_keep_prob=0.8)
    many = np.tile(X, (CHUNK_ROWS // len(X) + 2, 1))
    assert len(many) > CHUNK_ROWS
    mean, std = model.predict(many, return_std=True, n_samples=3)
    assert mean.shape == std.shape == (len(many),)
    assert np.mean(std[-100:] > 0) > 0.5  # also behind the first piece masks are drawn
    np.testing.assert_array_equal(mean, model.predict(many, n_samples=3))


@BOTH
def test_without_dropout_there_are_no_masks_to_draw(kind):
    model, X = fit(kind, keep_prob=1.0, batchnorm=True)
    with pytest.raises(ValueError, match="'n_samples' parameter cannot be used here: .*dropout"):
        predict(model, X, n_samples=5)


@BOTH
@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "many"])
def test_the_number_of_samples_is_a_positive_int(kind, n_samples):
    model, X = fit(kind)
    with pytest.raises(ValueError, match="'n_samples' parameter of .* must be a positive int"):
        predict(model, X, n_samples=n_samples)


# The spread -----------------------------------------------------------------------------------


@BOTH
def test_the_spread_of_a_committee_is_that_of_its_members(kind):
    model, X = fit(kind, n_estimators=4)
    mean, std = predict(model, X, return_std=True)
    np.testing.assert_allclose(mean, each(model, X).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(std, each(model, X).std(axis=0), rtol=1e-7)  # differences of like
    np.testing.assert_array_equal(mean, predict(model, X))


def test_the_spread_of_a_vote_is_that_of_the_votes():
    model, X = fit("classifier", n_estimators=5, voting="hard")
    share, std = model.predict_proba(X, return_std=True)
    np.testing.assert_allclose(std, np.sqrt(share * (1 - share)), atol=1e-9)
    assert np.any(std > 0)


def test_the_spread_has_the_shape_and_the_units_of_the_target():
    X, Y = make_regression(60, 6, n_targets=2, noise=20.0, random_state=0)
    model = make("regressor", n_estimators=3).fit(X, Y)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (60, 2)
    larger = make("regressor", n_estimators=3).fit(X, 7 + 1000 * Y)
    np.testing.assert_allclose(larger.predict(X, return_std=True)[1], 1000 * std, rtol=1e-6)
    assert fit("regressor", n_estimators=3)[0].predict(X, return_std=True)[1].shape == (60,)


def test_labels_have_a_spread_each():
    X, Y = make_multilabel_classification(60, 6, random_state=0)
    model = make("classifier", n_estimators=3).fit(X, Y)
    probability, std = model.predict_proba(X, return_std=True)
    assert probability.shape == std.shape == (60, 5)
    np.testing.assert_allclose(std, each(model, X).std(axis=0), rtol=1e-7)


def test_two_classes_spread_alike():
    X, y = problem("classifier")
    model = make("classifier", n_estimators=3).fit(X, y > 0)
    _, std = model.predict_proba(X, return_std=True, n_samples=4)
    np.testing.assert_allclose(std[:, 0], std[:, 1], rtol=1e-9)


def test_masks_add_to_the_spread_of_members():
    model, X = fit("regressor", n_estimators=4)
    _, members = model.predict(X, return_std=True)
    _, both = model.predict(X, return_std=True, n_samples=50)
    assert np.mean(both) > np.mean(members) > 0


@BOTH
@pytest.mark.parametrize("n_samples", [None, 1])
def test_one_prediction_has_no_spread(kind, n_samples):
    model, X = fit(kind)
    with pytest.raises(ValueError, match="return_std=True needs several predictions"):
        predict(model, X, return_std=True, n_samples=n_samples)
