"""Suggested search spaces: what they hold, and that everything they draw fits together."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import HalvingRandomSearchCV, ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregnet import PLE, SGD, He, RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.search import OnOff, suggest_search_space

KINDS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
kinds = pytest.mark.parametrize("cls", KINDS)
levels = pytest.mark.parametrize("level", ["small", "full"])
N_DRAWS = 60


def data(cls):
    if cls is RegularizedMLPClassifier:
        return make_classification(60, 6, n_informative=4, n_classes=3, random_state=0)
    return make_regression(60, 6, noise=10.0, random_state=0)


def draws(model, level, n_draws=N_DRAWS):
    return list(ParameterSampler(suggest_search_space(model, level), n_draws, random_state=0))


def values(draws, name):
    return [draw[name] for draw in draws if name in draw]


# Warnings are errors here, so an ignored parameter fails the fit, too.
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
@kinds
@levels
@pytest.mark.parametrize(
    "params",
    [
        {"max_iter": 5},
        {"max_iter": 2},
        {"max_iter": 5, "early_stopping": True},
        {"max_iter": 2, "warm_start": True, "scaling": None},
        {"max_iter": 2, "solver": "lbfgs"},
    ],
    ids=str,
)
def test_every_draw_can_be_fitted(cls, level, params):
    X, y = data(cls)
    model = cls(random_state=0, **params)
    # L-BFGS is slow with L1, but has few combinations.
    for draw in draws(model, level, 15 if model.solver == "lbfgs" else N_DRAWS):
        fitted = clone(model).set_params(**draw).fit(X, y)
        assert np.isfinite(fitted.predict(X)).all()


@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
@pytest.mark.parametrize(
    "params",
    [
        {"group_norm": 3, "hidden_layer_sizes": (9,)},
        {"group_norm": 64, "hidden_layer_sizes": 128},
        {"activation": ["relu", "tanh"], "hidden_layer_sizes": (8, 8)},
        {"activation": ("relu", "tanh", "elu"), "hidden_layer_sizes": (8, 8, 8)},
        {"init": ["he", "he"], "hidden_layer_sizes": (8,)},
        {"init": [np.eye(6), "he"], "hidden_layer_sizes": (6,), "keep_prob": [0.5]},
        {"init": ["lecun"], "hidden_layer_sizes": ()},
        {"init": ["he", He(), "he"], "hidden_layer_sizes": (4, 4), "solver": "lbfgs"},
    ],
)
def test_draws_fit_to_layers_that_the_user_has_described(params):
    X, y = data(RegularizedMLPRegressor)
    model = RegularizedMLPRegressor(max_iter=2, random_state=0, **params)
    for draw in draws(model, "small", 25) + draws(model, "full", 10):
        fitted = clone(model).set_params(**draw).fit(X, y)
        assert np.isfinite(fitted.predict(X)).all()


@pytest.mark.parametrize(
    "params, expected",
    [
        ({"group_norm": 3, "hidden_layer_sizes": (9,)}, set()),
        ({"group_norm": 64}, {(width,) * depth for width in (128, 256) for depth in (2, 3, 4)}),
        ({"activation": ["relu"], "hidden_layer_sizes": (8,)}, {(64,), (128,), (256,)}),
        (
            {"init": ["he"] * 4, "hidden_layer_sizes": (8, 8, 8)},
            {(64, 64, 64), (128, 128, 128), (256, 256, 256)},
        ),
        ({"init": [np.eye(6), "he"], "hidden_layer_sizes": (6,)}, set()),
    ],
)
def test_sizes_have_the_layers_and_groups_of_the_estimator(params, expected):
    space = suggest_search_space(RegularizedMLPRegressor(**params))
    assert set(space.get("hidden_layer_sizes", ())) == expected
    assert ("hidden_layer_sizes" in space) == bool(expected)
    assert "keep_prob" in space


def test_draws_can_be_fitted_with_validation_rows_as_documented():
    X, y = data(RegularizedMLPRegressor)
    model = RegularizedMLPRegressor(max_iter=5, early_stopping=True, random_state=0)
    assert "``early_stopping=True``" in suggest_search_space.__doc__
    for draw in draws(model, "full"):
        clone(model).set_params(**draw).fit(X[:50], y[:50], X_val=X[50:], y_val=y[50:])


# Some of the rates may be too large: that is what a search is to find out.
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.DivergenceWarning")
@pytest.mark.parametrize(
    "model, y",
    [
        (RegularizedMLPClassifier(soft_labels=True), "shares"),
        (RegularizedMLPClassifier(loss="hinge"), "labels"),
        (RegularizedMLPClassifier(class_weight={0: 2.0}), "labels"),
        (RegularizedMLPClassifier(), "multilabel"),
        (RegularizedMLPRegressor(loss="poisson"), "counts"),
        (RegularizedMLPRegressor(loss="absolute_error", target_scaling=None), "reals"),
    ],
    ids=str,
)
def test_draws_fit_to_targets_of_every_kind(model, y, rng):
    X = rng.normal(size=(60, 5))
    score = X[:, :3] + 0.5 * rng.normal(size=(60, 3))
    y = {
        "shares": np.exp(score) / np.exp(score).sum(axis=1, keepdims=True),
        "labels": np.argmax(score, axis=1),
        "multilabel": (score > 0).astype(int),
        "counts": rng.poisson(np.exp(score[:, 0])),
        "reals": score[:, 0],
    }[y]
    model.set_params(max_iter=5, random_state=0)
    for draw in draws(model, "full", 30):
        clone(model).set_params(**draw).fit(X, y)


# What the spaces hold ----------------------------------------------------------------------------


@kinds
def test_small_is_a_handful(cls):
    space = suggest_search_space(cls())
    assert set(space) == {"hidden_layer_sizes", "learning_rate_init", "alpha", "keep_prob"}
    found = draws(cls(), "small", 300)
    for name, low, high in [
        ("learning_rate_init", 5e-4, 2e-2),
        ("alpha", 1e-2, 1e2),
        ("keep_prob", 0.7, 1.0),
    ]:
        drawn = values(found, name)
        assert low <= min(drawn) < max(drawn) <= high
    # Rates and penalties are drawn evenly by order of magnitude, around the defaults.
    for name in ("alpha", "learning_rate_init"):
        middle = np.median(np.log10(values(found, name)))
        assert middle == pytest.approx(np.log10(getattr(cls(), name)), abs=0.3)
    assert set(values(found, "hidden_layer_sizes")) == set(space["hidden_layer_sizes"])
    assert cls().hidden_layer_sizes in space["hidden_layer_sizes"]


COCKTAIL = {
    "hidden_layer_sizes", "activation", "parametric_activation", "feature_scale",
    "numeric_embedding", "init", "alpha", "l1_ratio", "weight_decay", "max_norm", "keep_prob",
    "input_keep_prob", "batchnorm", "group_norm", "hidden_noise", "weight_noise",
    "augmentation", "scaling", "solver", "learning_rate", "learning_rate_init", "warmup",
    "clip_norm", "batch_size", "averaging",
}  # fmt: skip


@pytest.mark.parametrize(
    "cls, own",
    [
        (RegularizedMLPClassifier, {"label_smoothing", "class_weight"}),
        (RegularizedMLPRegressor, {"loss"}),
    ],
)
def test_full_is_the_whole_cocktail(cls, own):
    found = draws(cls(), "full", 300)
    assert all(set(draw) == COCKTAIL | own for draw in found)
    for name in COCKTAIL | own:
        assert len({str(value) for value in values(found, name)}) > 1, name


@kinds
def test_every_technique_is_off_in_a_good_part_of_the_draws(cls):
    found = draws(cls(), "full", 300)
    off = {
        "l1_ratio": 0.0, "weight_decay": 0.0, "max_norm": None, "keep_prob": 1.0,
        "input_keep_prob": 1.0, "batchnorm": False, "group_norm": None, "hidden_noise": 0.0,
        "weight_noise": 0.0, "augmentation": None, "warmup": 0, "clip_norm": None,
        "averaging": None, "parametric_activation": False, "feature_scale": False,
        "numeric_embedding": None,
    }  # fmt: skip
    for name, value in off.items():
        share = np.mean([drawn == value for drawn in values(found, name)])
        assert 0.2 < share < 0.8, name


@kinds
def test_units_are_normalized_once(cls):
    found = draws(cls(), "full", 300)
    twice = [d for d in found if d["batchnorm"] and d["group_norm"] is not None]
    assert not twice
    assert {bool(d["batchnorm"]) for d in found} == {True, False}
    assert {d["group_norm"] for d in found} == {None, 1, 2, 4, 8}


@kinds
def test_all_values_are_hyperparameters_of_the_estimator(cls):
    for level in ("small", "full"):
        for draw in draws(cls(), level, 10):
            assert set(draw) <= set(cls().get_params())


def drawn_of(model, name):
    return {str(value) for value in values(draws(model, "full", 200), name)}


@pytest.mark.parametrize(
    "params, expected",
    [
        ({}, True),
        ({"early_stopping": False}, True),
        ({"early_stopping": True}, False),
        ({"warm_start": True}, False),
        ({"max_iter": 4}, False),
    ],
    ids=str,
)
def test_snapshots_need_a_run_of_their_own(params, expected):
    drawn = drawn_of(RegularizedMLPRegressor(**params), "averaging")
    assert ("snapshot" in drawn) == expected
    assert {"None", "auto", "swa"} <= drawn


@pytest.mark.parametrize(
    "model, name",
    [
        (RegularizedMLPRegressor(scaling=None), "scaling"),
        (RegularizedMLPRegressor(scaling="standard"), "scaling"),
        (RegularizedMLPRegressor(numeric_embedding="ple"), "numeric_embedding"),
        (RegularizedMLPClassifier(numeric_embedding=PLE(n_bins=4)), "numeric_embedding"),
        (RegularizedMLPRegressor(loss="poisson"), "loss"),
        (RegularizedMLPClassifier(class_weight={0: 2.0}), "class_weight"),
        (RegularizedMLPClassifier(soft_labels=True), "class_weight"),
        (RegularizedMLPClassifier(), "loss"),
        (RegularizedMLPRegressor(solver="lbfgs"), "solver"),
        (RegularizedMLPRegressor(solver="lbfgs"), "keep_prob"),
    ],
    ids=str,
)
def test_what_the_user_has_chosen_is_left_alone(model, name):
    assert all(name not in space for space in suggest_search_space(model, "full"))


@pytest.mark.parametrize("solver", ["sgd", SGD(momentum=0.5)])
def test_rates_of_sgd_are_larger_than_those_of_adam(solver):
    rates = values(
        draws(RegularizedMLPRegressor(solver=solver), "small", 100), "learning_rate_init"
    )
    assert max(rates) > 3e-2
    full = draws(RegularizedMLPRegressor(), "full", 300)
    of_sgd = [draw["learning_rate_init"] for draw in full if isinstance(draw["solver"], SGD)]
    others = [draw["learning_rate_init"] for draw in full if not isinstance(draw["solver"], SGD)]
    assert np.median(of_sgd) > np.median(others)
    assert 0.2 < len(of_sgd) / 300 < 0.5


def test_a_prefix_stands_before_every_name():
    prefix = "regularizedmlpclassifier__"
    space = suggest_search_space(RegularizedMLPClassifier(), prefix=prefix)
    assert set(space) == {
        prefix + name for name in suggest_search_space(RegularizedMLPClassifier())
    }
    for full in suggest_search_space(RegularizedMLPClassifier(), "full", prefix=prefix):
        assert all(name.startswith(prefix) for name in full)


# In scikit-learn's searches ----------------------------------------------------------------------


@kinds
@levels
def test_a_randomized_search_repeats(cls, level):
    X, y = data(cls)
    model = cls(max_iter=5, random_state=0)
    space = suggest_search_space(model, level)
    searches = [
        RandomizedSearchCV(model, space, n_iter=4, cv=3, random_state=0, error_score="raise")
        for space in (space, pickle.loads(pickle.dumps(space)))
    ]
    first, second = (search.fit(X, y).cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(first, second)
    assert len(set(first)) > 1


@levels
def test_a_halving_search_in_a_pipeline(level):
    X, y = data(RegularizedMLPClassifier)
    model = RegularizedMLPClassifier(max_iter=5, random_state=0, scaling=None)
    pipeline = make_pipeline(StandardScaler(), model)
    space = suggest_search_space(model, level, prefix="regularizedmlpclassifier__")
    search = HalvingRandomSearchCV(
        pipeline, space, n_candidates=4, resource="regularizedmlpclassifier__n_estimators",
        max_resources=4, min_resources=1, factor=2, cv=3, random_state=0, error_score="raise",
    )  # fmt: skip
    assert search.fit(X, y).n_candidates_ == [4, 2, 1]


def test_on_off_is_off_in_half_of_the_draws():
    class Three:
        def rvs(self, random_state):
            return 3

    drawn = [OnOff(Three(), off=None).rvs(np.random.RandomState(seed)) for seed in range(400)]
    assert set(drawn) == {3.0, None}
    assert 150 < drawn.count(None) < 250


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["large", None, 1])
def test_an_unknown_level_is_refused(level):
    with pytest.raises(ValueError, match="The 'level' parameter of suggest_search_space must be"):
        suggest_search_space(RegularizedMLPRegressor(), level)


@pytest.mark.parametrize("other", [LogisticRegression(), RegularizedMLPRegressor, None])
def test_other_estimators_are_refused(other):
    with pytest.raises(TypeError, match="estimator must be a RegularizedMLPClassifier or"):
        suggest_search_space(other)
