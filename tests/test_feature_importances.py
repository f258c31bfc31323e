"""The importance of an input is the norm of its weights in the first layer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import PLAIN
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import scale

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

SMALL = PLAIN | {"hidden_layer_sizes": (8, 4), "max_iter": 10, "random_state": 0}
DATA = {
    "classifier": (RegularizedMLPClassifier, *load_iris(return_X_y=True)),
    "labels": (RegularizedMLPClassifier, *make_multilabel_classification(random_state=0)),
    "regressor": (RegularizedMLPRegressor, *load_diabetes(return_X_y=True)),
}
EACH = pytest.mark.parametrize("cls, X, y", DATA.values(), ids=DATA)


def five_of_twenty(seed):
    """Only the first five columns have a say, the first four of them not linearly."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(600, 20))
    signal = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) + X[:, 4]
    return X, signal + 0.1 * rng.normal(size=600)


@EACH
def test_importances_are_the_norms_of_the_rows_of_the_first_matrix(cls, X, y):
    model = cls(**SMALL).fit(X, y)
    assert model.feature_importances_.shape == (model.n_features_in_,)
    expected = np.sqrt((model.coefs_[0] ** 2).sum(axis=1))
    assert_allclose(model.feature_importances_, expected, rtol=1e-6)


@EACH
def test_importances_of_a_committee_are_the_mean_over_its_members(cls, X, y):
    model = cls(**SMALL, n_estimators=3).fit(X, y)
    each = [np.linalg.norm(member.coefs[0], axis=1) for member in model.members_]
    assert_allclose(model.feature_importances_, np.mean(each, axis=0), rtol=1e-6)
    assert np.std(each, axis=0).min() > 0


@EACH
def test_a_model_that_is_not_fitted_has_no_importances(cls, X, y):
    assert not hasattr(cls(), "feature_importances_")
    with pytest.raises(AttributeError, match="feature_importances_"):
        cls().feature_importances_  # noqa: B018


def test_l1_without_a_hidden_layer_gives_exactly_zero_importances():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    model = RegularizedMLPRegressor(
        (), alpha=60.0, l1_ratio=1.0, solver="lbfgs", scaling=None, target_scaling=None, tol=1e-9,
        max_iter=1000,
    ).fit(X, y)  # fmt: skip
    lasso = Lasso(60.0 / len(y), tol=1e-10).fit(X, y)
    assert_array_equal(model.feature_importances_ == 0, lasso.coef_ == 0)
    assert 0 < np.sum(lasso.coef_ == 0) < 10
    assert_allclose(model.feature_importances_, np.abs(lasso.coef_), atol=1e-5)


def test_columns_without_a_say_matter_least():
    X, y = five_of_twenty(0)
    model = RegularizedMLPRegressor(
        (32,), alpha=5.0, learning_rate_init=0.01, max_iter=100, random_state=0
    ).fit(X, y)
    importances = model.feature_importances_
    assert importances[:5].min() > importances[5:].max()


@pytest.mark.parametrize("seed", range(3))
def test_select_from_model_finds_the_informative_columns_at_its_default_threshold(seed):
    X, y = five_of_twenty(seed)
    params = {"hidden_layer_sizes": (32,), "activation": "tanh", "alpha": 1.0, "l1_ratio": 1.0}
    params |= {"learning_rate_init": 0.01, "random_state": 0}
    model = RegularizedMLPRegressor(**PLAIN | params)
    selector = SelectFromModel(model).fit(X, y)
    assert_array_equal(np.flatnonzero(selector.get_support()), np.arange(5))
    assert selector.transform(X).shape == (600, 5)


def test_selection_in_a_pipeline_and_recursive_elimination():
    X, y = five_of_twenty(1)
    sparse = RegularizedMLPRegressor(
        (16,), alpha=2.0, l1_ratio=1.0, learning_rate_init=0.02, max_iter=60, random_state=0
    )
    final = RegularizedMLPRegressor((16,), learning_rate_init=0.02, max_iter=60, random_state=0)
    pipeline = make_pipeline(SelectFromModel(sparse, max_features=5), final).fit(X, y)
    assert pipeline[-1].n_features_in_ <= 5 and pipeline.score(X, y) > 0.8
    eliminated = RFE(sparse, n_features_to_select=5, step=5).fit(X, y)
    assert_array_equal(np.flatnonzero(eliminated.support_), np.arange(5))
