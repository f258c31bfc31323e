"""Out-of-bag prediction and score, against a computation by hand from members and their draws."""

from copy import copy

import numpy as np
import pytest
from plain import plain
from sklearn.base import is_classifier
from sklearn.datasets import (
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, get_scorer, r2_score
from sklearn.model_selection import KFold, train_test_split

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor, Snapshot
from skregnet.committee import Bootstrap
from skregnet.core.streams import stream
from skregnet.exceptions import OutOfBagWarning

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def labels(n_classes):
    return make_classification(
        80, 6, n_informative=4, n_classes=n_classes, flip_y=0.2, random_state=0
    )


def counts():
    X, y = make_regression(80, 6, noise=10.0, random_state=0)
    return X, np.random.default_rng(0).poisson(np.exp(y / np.abs(y).max()))


def named_labels():
    X, y = labels(3)
    return X, np.array(["low", "mid", "top"])[y]


PROBLEMS = {  # name: (the rows, the hyperparameters)
    "binary": (lambda: labels(2), {}),
    "binary, hard": (lambda: labels(2), {"voting": "hard"}),
    "three classes": (named_labels, {}),
    "three classes, hard": (named_labels, {"voting": "hard"}),
    "multilabel": (lambda: make_multilabel_classification(80, 6, random_state=0), {}),
    "multilabel, hard": (
        lambda: make_multilabel_classification(80, 6, random_state=0), {"voting": "hard"},
    ),
    "one target": (lambda: make_regression(80, 6, noise=10.0, random_state=0), {}),
    "two targets": (lambda: make_regression(80, 6, n_targets=2, noise=9.0, random_state=0), {}),
    "poisson": (counts, {"loss": "poisson"}),
}  # fmt: skip
REGRESSIONS = ("one target", "two targets", "poisson")
EACH_PROBLEM = pytest.mark.parametrize("name", PROBLEMS)


def make(name, **params):
    kind = RegularizedMLPRegressor if name in (*REGRESSIONS, "regressor") else (
        RegularizedMLPClassifier
    )  # fmt: skip
    small = {
        "hidden_layer_sizes": (8,), "max_iter": 10, "learning_rate_init": 0.02, "random_state": 0,
        "n_estimators": 12, "bootstrap": True, "oob_score": True, "early_stopping": False,
    }  # fmt: skip
    return kind(**small | PROBLEMS.get(name, (None, {}))[1] | params)


def fit(name, *args, **params):
    X, y = PROBLEMS[name][0]()
    return make(name, **params).fit(X, y, *args), X, y


def alone(model, member):
    """The model as if it were this member only."""
    view = copy(model)
    view.members_ = [member]
    return view


def left_out(model, n_rows):
    """Which member did not draw which of the training rows, of shape (n_members, n_rows)."""
    draw = Bootstrap(model.bootstrap, model.max_samples)
    members = range(model.n_estimators)
    return np.array([draw(stream(model._seed, "draw", i), n_rows) == 0 for i in members])


def pooled(predictions, hard):
    """One prediction of several members for one row."""
    if not hard:
        return np.mean(predictions, axis=0)
    if hard == "multilabel":
        return np.mean(np.array(predictions) > 0.5, axis=0)
    votes = np.argmax(predictions, axis=1)
    return np.bincount(votes, minlength=len(predictions[0])) / len(votes)


def by_hand(model, name, X, rows=None):
    """Out-of-bag predictions of the training `rows` of X; NaN for all others."""
    rows = np.arange(len(X)) if rows is None else rows
    absent = left_out(model, len(rows))
    hard = name.endswith("hard") and name.split(",")[0]
    views = [alone(model, member) for member in model.members_]
    own = [v.predict_proba(X) if is_classifier(v) else v.predict(X) for v in views]
    prediction = np.full(own[0].shape, np.nan)
    for place, row in enumerate(rows):
        voters = [own[i][row] for i in range(len(own)) if absent[i, place]]
        if voters:
            prediction[row] = pooled(voters, hard)
    return prediction


def published(model):
    name = "oob_decision_function_" if is_classifier(model) else "oob_prediction_"
    return getattr(model, name)


def decided(model, name, prediction):
    """Labels, or numbers, of out-of-bag predictions."""
    if name in REGRESSIONS:
        return prediction
    if name.startswith("multilabel"):
        return (prediction > 0.5).astype(int)
    return model.classes_[np.argmax(prediction, axis=1)]


# The draws that the computation by hand rests on are those that trained the members -----------


@pytest.mark.parametrize("bootstrap, max_samples", [(True, 1.0), (True, 30), (False, 0.6)])
def test_members_are_trained_on_their_draws(bootstrap, max_samples):
    X, y = make_regression(60, 5, noise=10.0, random_state=0)
    model = RegularizedMLPRegressor(
        (), alpha=2.0, solver="lbfgs", scaling=None, target_scaling=None, tol=1e-10,
        n_estimators=4, bootstrap=bootstrap, max_samples=max_samples, random_state=0,
    ).fit(X, y)  # fmt: skip
    draw = Bootstrap(bootstrap, max_samples)
    for i, member in enumerate(model.members_):
        times = draw(stream(model._seed, "draw", i), 60)
        ridge = Ridge(alpha=2.0, solver="cholesky").fit(X, y, times)
        np.testing.assert_allclose(member.coefs[0][:, 0], ridge.coef_, rtol=1e-5)


# The predictions and their score --------------------------------------------------------------


@EACH_PROBLEM
def test_each_row_is_predicted_by_the_members_that_did_not_draw_it(name):
    model, X, y = fit(name)
    assert left_out(model, 80).any(axis=0).all()
    # float64 all along; log-odds and back cost a few roundings
    np.testing.assert_allclose(published(model), by_hand(model, name, X), rtol=1e-9, atol=1e-12)
    assert len(published(model)) == len(y)


@EACH_PROBLEM
def test_true_is_the_score_of_the_estimator(name):
    model, X, y = fit(name)
    score = r2_score if name in REGRESSIONS else accuracy_score
    expected = score(y, decided(model, name, by_hand(model, name, X)))
    assert model.oob_score_ == pytest.approx(expected, rel=1e-9)


@EACH_PROBLEM
@pytest.mark.parametrize("max_samples, bootstrap", [(0.5, True), (0.6, False), (20, True)])
def test_draws_of_another_size(name, max_samples, bootstrap):
    model, X, y = fit(name, max_samples=max_samples, bootstrap=bootstrap, n_estimators=20)
    expected = by_hand(model, name, X)
    assert not np.isnan(expected).any()
    np.testing.assert_allclose(published(model), expected, rtol=1e-9, atol=1e-12)


SCORERS = {
    "binary": ["roc_auc", "neg_log_loss", "f1"],
    "three classes": ["neg_log_loss", "balanced_accuracy"],
    "three classes, hard": ["balanced_accuracy"],
    "multilabel": ["f1_macro"],
    "one target": ["neg_mean_absolute_error", "r2"],
    "two targets": ["neg_root_mean_squared_error"],
    "poisson": ["neg_mean_poisson_deviance"],
}


@pytest.mark.parametrize(
    "name, scoring", [(name, scoring) for name in SCORERS for scoring in SCORERS[name]]
)
def test_the_score_can_be_any_scorer_by_name(name, scoring):
    model, X, y = fit(name, oob_score=scoring)
    prediction, scorer = by_hand(model, name, X), get_scorer(scoring)
    if scorer._response_method == "predict":
        values = decided(model, name, prediction)
    elif scoring == "roc_auc":
        values = prediction[:, 1]
    else:
        values = prediction
    expected = scorer._sign * scorer._score_func(y, values, **scorer._kwargs)
    assert model.oob_score_ == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["three classes", "one target"])
def test_the_score_can_be_a_callable(name):
    seen = {}

    def scorer(model, X, y):
        seen.update(X=X, y=y, prediction=model.predict(X))
        return 0.125

    model, X, y = fit(name, oob_score=scorer)
    assert model.oob_score_ == 0.125
    np.testing.assert_array_equal(seen["X"], X)
    np.testing.assert_array_equal(seen["y"], y)
    expected = decided(model, name, by_hand(model, name, X))
    if name == "one target":
        np.testing.assert_allclose(seen["prediction"], expected, rtol=1e-9)
    else:
        np.testing.assert_array_equal(seen["prediction"], expected)


def test_a_tie_of_votes_goes_to_the_lower_class():
    name = "three classes, hard"
    model, X, y = fit(name, max_samples=0.5, max_iter=2)
    shares = np.sort(published(model), axis=1)
    assert np.any(shares[:, -1] == shares[:, -2])
    expected = accuracy_score(y, decided(model, name, published(model)))  # argmax: the first
    assert model.oob_score_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["three classes", "one target"])
def test_scoring_leaves_the_committee_as_it_was(name):
    scored, X, y = fit(name)
    plain, _, _ = fit(name, oob_score=False)
    assert not hasattr(plain, "oob_score_")
    for a, b in zip(scored.members_, plain.members_, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(scored.predict(X), plain.predict(X))


@pytest.mark.parametrize("name", ["three classes", "one target"])
def test_the_score_is_that_of_the_last_fit(name):
    model, X, y = fit(name)
    first = model.oob_score_
    half = model.fit(X[:40], y[:40])
    assert half.oob_score_ != first
    assert len(published(half)) == 40


@pytest.mark.parametrize("name", ["three classes", "one target"])
def test_a_warm_start_keeps_the_draws(name):
    model, X, y = fit(name, warm_start=True)
    first = published(model)
    model.fit(X, y)
    np.testing.assert_allclose(published(model), by_hand(model, name, X), rtol=1e-9, atol=1e-12)
    assert np.any(published(model) != first)


@pytest.mark.parametrize("name", ["three classes", "one target"])
def test_snapshots_share_the_draw_of_their_member(name):
    model, X, y = fit(name, n_estimators=8, averaging=Snapshot(2), max_samples=0.3)
    assert len(model.members_) == 16
    absent = np.repeat(left_out(model, 80), 2, axis=0)
    views = [alone(model, member) for member in model.members_]
    own = [v.predict_proba(X) if is_classifier(v) else v.predict(X) for v in views]
    expected = np.array(
        [np.mean([own[i][row] for i in range(16) if absent[i, row]], axis=0) for row in range(80)]
    )
    np.testing.assert_allclose(published(model), expected, rtol=1e-9, atol=1e-12)


# Rows without a prediction --------------------------------------------------------------------


@EACH_PROBLEM
def test_rows_that_all_members_drew_are_nan_and_warn(name):
    X, y = PROBLEMS[name][0]()
    model = make(name, n_estimators=3)
    with pytest.warns(OutOfBagWarning, match="of 80 training rows were drawn by every") as caught:
        model.fit(X, y)
    drawn = ~left_out(model, 80).any(axis=0)
    assert 0 < drawn.sum() < 80
    assert str(caught[0].message).startswith(f"{drawn.sum()} of 80")
    assert np.isnan(published(model)[drawn]).all()
    np.testing.assert_allclose(published(model), by_hand(model, name, X), rtol=1e-9, atol=1e-12)
    score = r2_score if name in REGRESSIONS else accuracy_score
    expected = score(y[~drawn], decided(model, name, published(model)[~drawn]))
    assert model.oob_score_ == pytest.approx(expected, rel=1e-9)


def test_no_row_left_out_by_any_member_is_an_error():
    X, y = make_regression(2, 2, random_state=0)
    model = make("regressor", n_estimators=2, batch_size=1)
    for seed in range(20):  # each member draws both of two rows with probability 1/2
        model.set_params(random_state=seed, oob_score=False).fit(X, y)
        if not left_out(model, 2).any():
            break
    with pytest.raises(ValueError, match="every member"):
        model.set_params(oob_score=True).fit(X, y)


@pytest.mark.parametrize("name", ["three classes", "one target", "two targets"])
@pytest.mark.parametrize("refit", [False, True])
def test_held_out_rows_are_nan_unless_refit_trains_on_them(name, refit):
    X, y = PROBLEMS[name][0]()
    model = make(name, early_stopping=True, validation=KFold(4), refit=refit).fit(X, y)
    rows = np.arange(80 if refit else 60)  # the last split of KFold holds the last rows out
    np.testing.assert_array_equal(
        np.isnan(published(model).reshape(80, -1)).any(axis=1), ~np.isin(np.arange(80), rows)
    )
    expected = by_hand(model, name, X, rows)
    np.testing.assert_allclose(published(model), expected, rtol=1e-9, atol=1e-12)
    score = r2_score if name in REGRESSIONS else accuracy_score
    assert model.oob_score_ == pytest.approx(
        score(y[rows], decided(model, name, expected[rows])), rel=1e-9
    )


@pytest.mark.parametrize("name", ["binary", "three classes", "one target", "two targets"])
def test_rows_of_weight_zero_are_nan_and_weights_reach_the_score(name):
    X, y = PROBLEMS[name][0]()
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 80)
    weight[::5] = 0.0
    rows = np.flatnonzero(weight)
    model = make(name).fit(X, y, weight)
    assert published(model).shape[0] == 80
    assert np.isnan(published(model)[::5]).all()
    expected = by_hand(model, name, X, rows)
    np.testing.assert_allclose(published(model), expected, rtol=1e-9, atol=1e-12)
    score = r2_score if name in REGRESSIONS else accuracy_score
    weighted = score(y[rows], decided(model, name, expected[rows]), sample_weight=weight[rows])
    assert model.oob_score_ == pytest.approx(weighted, rel=1e-9)


def test_shapes_are_those_of_the_target():
    X, y = make_regression(80, 6, random_state=0)
    assert make("regressor").fit(X, y).oob_prediction_.shape == (80,)
    _, Y = make_regression(80, 6, n_targets=2, random_state=0)
    assert make("regressor").fit(X, Y).oob_prediction_.shape == (80, 2)
    assert fit("binary")[0].oob_decision_function_.shape == (80, 2)
    assert fit("three classes")[0].oob_decision_function_.shape == (80, 3)
    assert fit("multilabel")[0].oob_decision_function_.shape == (80, 5)


# Where there are no out-of-bag rows -----------------------------------------------------------


@BOTH
@pytest.mark.parametrize("scoring", [True, "r2"])
def test_one_network_has_no_out_of_bag_rows(kind, scoring):
    X, y = labels(2)
    with pytest.raises(ValueError, match="'oob_score' .* set n_estimators > 1"):
        make(kind, n_estimators=1, oob_score=scoring).fit(X, y)


@BOTH
@pytest.mark.parametrize("name", ["oob_score", "validation"])
def test_members_that_draw_every_row_have_none(kind, name):
    X, y = labels(2)
    params = {"oob_score": {}, "validation": {"validation": "oob", "oob_score": False}}[name]
    model = make(kind, bootstrap=False, early_stopping="auto", n_estimators=3, **params)
    if name == "validation":
        model.set_params(early_stopping=True)
    with pytest.raises(ValueError, match=f"'{name}' .* set bootstrap=True or max_samples < 1"):
        model.fit(X, y)


@BOTH
def test_rows_that_chose_when_to_stop_cannot_score(kind):
    X, y = labels(2)
    model = make(kind, early_stopping=True, validation="oob")
    with pytest.raises(ValueError, match="'oob_score' .* would not be honest"):
        model.fit(X, y)


@BOTH
def test_a_stream_has_no_out_of_bag_score(kind):
    X, y = labels(2)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    with pytest.raises(ValueError, match="'oob_score'"):
        make(kind, early_stopping="auto").partial_fit(X, y, **classes)


# Is it honest? --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::skregnet.exceptions.OutOfBagWarning")  # a row or two
@pytest.mark.parametrize("table", ["spambase", "segment", "cpu_act"])
def test_the_score_agrees_with_a_held_out_score_on_real_tables(table, read_table):
    X, y = read_table(table)
    kind, strata = RegularizedMLPClassifier, y
    if table == "cpu_act":
        kind, strata = RegularizedMLPRegressor, None
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=strata)
    model = kind(**plain(
        kind, hidden_layer_sizes=(32,), n_estimators=20, oob_score=True, early_stopping=False,
        max_iter=30, learning_rate_init=0.01, random_state=0,
    )).fit(X, y)  # fmt: skip
    held_out = model.score(X_test, y_test)
    assert held_out > 0.9  # a model worth scoring
    # The held-out score of 900 rows alone has a standard error of up to 0.008.
    assert abs(model.oob_score_ - held_out) < 0.02
