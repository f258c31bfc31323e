"""The losses of the classifier beside the log-loss: scores without probabilities, and focus."""

from copy import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, make_multilabel_classification
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import hinge_loss, log_loss
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import scale

from skregnet import Focal, Hinge, LogLoss, RegularizedMLPClassifier

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_CANCER, Y_CANCER = (part[:200] for part in load_breast_cancer(return_X_y=True))
PROBLEMS = {"two classes": (X_CANCER, Y_CANCER), "three classes": (X_IRIS, Y_IRIS)}
each_problem = pytest.mark.parametrize("X, y", PROBLEMS.values(), ids=PROBLEMS)
SMALL = {
    "hidden_layer_sizes": (10,), "max_iter": 40, "learning_rate_init": 0.02, "batch_size": 30,
    "random_state": 0, "dtype": "float64",
}  # fmt: skip


def make(**params):
    params = plain(RegularizedMLPClassifier, **SMALL | {"loss": "hinge"} | params)
    if params["hidden_layer_sizes"] == ():
        del params["activation"]  # it would warn that it has no effect
    return RegularizedMLPClassifier(**params)


def by_member(model, X):
    """What each member predicts alone, one raw output a column."""
    views = []
    for member in model.members_:
        view = copy(model)
        view.members_ = [member]
        views.append(view.decision_function(X))
    return np.array(views)


# Hinge: scores without probabilities --------------------------------------------------------


@each_problem
def test_hinge_has_scores_and_no_probabilities(X, y):
    model = make().fit(X, y)
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method) and not hasattr(make(loss=Hinge()), method)
        assert hasattr(make(loss="focal"), method) and hasattr(make(loss="log_loss"), method)
        with pytest.raises(AttributeError, match=method):
            getattr(model, method)(X)
    score = model.decision_function(X)
    assert score.shape == ((len(X),) if len(model.classes_) == 2 else (len(X), 3))
    expected = (score > 0).astype(int) if score.ndim == 1 else score.argmax(axis=1)
    assert_array_equal(model.predict(X), expected)
    assert model.score(X, y) > 0.9
    assert model.out_activation_ == "identity"


@each_problem
def test_the_loss_of_a_fit_is_scikit_learns_hinge_loss(X, y):
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    model = make(n_iter_no_change=None, max_iter=5)
    model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)
    best = make(max_iter=model.best_iteration_).fit(X, y)
    expected = hinge_loss(y, best.decision_function(X), sample_weight=weight)
    assert -model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_without_a_hidden_layer_the_objective_is_that_of_a_linear_support_vector_machine():
    """LinearSVC with loss="hinge" penalises its intercept as well; SVC with a linear kernel does
    not: 1/2 |w|^2 + C sum hinge, so alpha = 1/C."""
    from sklearn.svm import SVC

    X, y = scale(X_CANCER[:, :5]), Y_CANCER
    alpha = 4.0
    reference = SVC(kernel="linear", C=1 / alpha, tol=1e-8).fit(X, y)
    ours = make(
        hidden_layer_sizes=(), alpha=alpha, scaling=None, learning_rate="cosine", max_iter=2000,
        batch_size=len(y), learning_rate_init=0.02,
    ).fit(X, y)  # fmt: skip

    def objective(model, w):
        return len(y) * hinge_loss(y, model.decision_function(X)) + alpha / 2 * np.sum(w**2)

    best = objective(reference, reference.coef_)
    assert best * (1 - 1e-6) <= objective(ours, ours.coefs_[0]) < 1.001 * best
    assert_allclose(ours.coefs_[0][:, 0], reference.coef_[0], atol=0.02)


def test_labels_have_a_hinge_each():
    X, Y = make_multilabel_classification(100, 8, n_classes=4, random_state=0)
    model = make().fit(X, Y)
    score = model.decision_function(X)
    assert score.shape == Y.shape and not hasattr(model, "predict_proba")
    assert_array_equal(model.predict(X), (score > 0).astype(int))


@each_problem
def test_a_committee_of_hinges_averages_scores(X, y):
    model = make(n_estimators=3, max_iter=5).fit(X, y)
    assert_allclose(model.decision_function(X), by_member(model, X).mean(axis=0), rtol=1e-12)
    assert not hasattr(model, "predict_proba")


@each_problem
def test_a_committee_of_hinges_can_vote(X, y):
    model = make(n_estimators=5, max_iter=2, voting="hard").fit(X, y)
    alone = by_member(model, X)
    if len(model.classes_) == 2:
        expected = np.mean(alone > 0, axis=0) - np.mean(alone <= 0, axis=0)
    else:
        expected = np.mean(alone.argmax(axis=2)[..., np.newaxis] == np.arange(3), axis=0)
    assert_allclose(model.decision_function(X), expected, atol=1e-12)


@each_problem
@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_out_of_bag_rows_have_scores(X, y, voting):
    model = make(n_estimators=20, oob_score=True, voting=voting, max_iter=10).fit(X, y)
    score = model.oob_decision_function_
    assert score.shape == model.decision_function(X).shape
    predicted = (score > 0).astype(int) if score.ndim == 1 else score.argmax(axis=1)
    assert model.oob_score_ == np.mean(predicted == y) > 0.8
    if voting == "hard" and score.ndim == 2:
        assert_allclose(score.sum(axis=1), 1.0, rtol=1e-12)  # shares of the votes
    elif voting == "hard":
        assert np.abs(score).max() == 1.0 and np.any(np.abs(score) < 1)
    else:
        assert np.abs(score).max() > 1.5  # margins


@each_problem
def test_scikit_learn_calibrates_hinges(X, y):
    model = CalibratedClassifierCV(make(), cv=3).fit(X, y)
    probability = model.predict_proba(X)
    assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    uniform = np.full_like(probability, 1 / probability.shape[1])
    assert log_loss(y, probability) < 0.5 * log_loss(y, uniform)


@each_problem
def test_scorers_and_ensembles_that_need_no_probabilities(X, y):
    assert cross_val_score(make(), X, y, cv=3).mean() > 0.85
    if len(np.unique(y)) == 2:
        assert cross_val_score(make(), X, y, cv=3, scoring="roc_auc").mean() > 0.95
    voting = VotingClassifier([("a", make()), ("b", make(random_state=1))], voting="hard")
    assert voting.fit(X, y).score(X, y) > 0.9


@each_problem
def test_early_stopping_watches_hinges(X, y):
    model = make(early_stopping=True, max_iter=100).fit(X, y)
    assert len(model.validation_loss_curve_) == model.n_iter_
    by_score = make(early_stopping=True, monitor="accuracy").fit(X, y)
    assert 0.8 < by_score.best_validation_score_ <= 1.0
    with pytest.raises(AttributeError, match="predict_proba"):
        make(early_stopping=True, monitor="neg_log_loss").fit(X, y)


def test_a_loss_cannot_change_while_training_goes_on():
    model = make(warm_start=True, max_iter=2).fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="'loss' parameter cannot change"):
        model.set_params(loss="log_loss").fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("loss", ["hinge", "focal"])
def test_labels_are_smoothed_automatically_for_the_log_loss_alone(loss):
    def fitted(loss, eps):
        model = make(loss=loss, init="auto", label_smoothing=eps, max_iter=3)
        return model.fit(X_IRIS, Y_IRIS).members_[0].theta

    assert_array_equal(fitted(loss, "auto"), fitted(loss, 0.0))
    assert np.any(fitted("log_loss", "auto") != fitted("log_loss", 0.0))


# Focal loss ------------------------------------------------------------------------------------


@each_problem
def test_focal_with_gamma_zero_is_the_log_loss(X, y):
    focal, log = (make(loss=loss).fit(X, y) for loss in (Focal(gamma=0.0), LogLoss()))
    assert_allclose(focal.predict_proba(X), log.predict_proba(X), rtol=1e-8, atol=1e-12)
    assert_allclose(focal.loss_curve_, log.loss_curve_, rtol=1e-9)


@each_problem
def test_focal_is_less_sure_of_easy_rows(X, y):
    """The loss is not proper: its probabilities are less extreme than the frequencies."""
    sure = {}
    for gamma in (0.0, 2.0, 5.0):
        model = make(loss=Focal(gamma), hidden_layer_sizes=()).fit(X, y)
        assert model.score(X, y) > 0.9
        sure[gamma] = model.predict_proba(X).max(axis=1).mean()
    assert sure[0.0] > sure[2.0] > sure[5.0]


def test_focal_weighs_the_gradient_of_easy_rows_down():
    """Of a row with p = 0.9 it keeps (1 - p)^gamma and a bit, of one with p = 0.1 nearly all."""
    from skregnet.core.classification_losses import SigmoidFocal, SigmoidLogLoss

    raw, Y = np.log([[9.0], [1 / 9]]), np.ones((2, 1))
    kept = []
    for loss in (SigmoidFocal(2.0), SigmoidLogLoss()):
        d_raw = np.empty_like(raw)
        loss(Y, raw, 1.0, d_raw)
        kept.append(d_raw[:, 0])
    easy, hard = kept[0] / kept[1]
    assert easy < 0.05 and hard > 0.8


def test_a_committee_of_focal_losses_averages_probabilities():
    model = make(loss="focal", n_estimators=3).fit(X_IRIS, Y_IRIS)
    single = [
        np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True) for raw in by_member(model, X_IRIS)
    ]
    assert_allclose(model.predict_proba(X_IRIS), np.mean(single, axis=0), rtol=1e-9, atol=1e-15)


def test_prediction_follows_the_fitted_loss():
    X, y = load_iris(return_X_y=True)
    model = RegularizedMLPClassifier(loss="hinge", max_iter=5, random_state=0).fit(X, y)
    score = model.decision_function(X)
    model.set_params(loss="log_loss")
    assert not hasattr(model, "predict_proba")
    np.testing.assert_array_equal(model.decision_function(X), score)
