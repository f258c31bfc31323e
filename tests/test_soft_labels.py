"""Probabilities as labels: the limits that tie them to hard labels, weights and label smoothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from skregnet import Focal, RegularizedMLPClassifier
from skregnet.labels import MultiLabels, SingleLabels, SoftLabels, learn_labels

K = pytest.mark.parametrize("n_classes", [2, 3, 5])
SMALL = {
    "hidden_layer_sizes": (8,), "max_iter": 8, "batch_size": 16, "learning_rate_init": 0.02,
    "random_state": 0, "dtype": "float64",
}  # fmt: skip
LINEAR = {
    "hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 2.0, "tol": 1e-10, "max_iter": 10_000,
    "scaling": None, "random_state": 0,
}  # fmt: skip


def problem(n_classes, n_rows=70):
    return make_classification(
        n_rows, 6, n_informative=5, n_redundant=0, n_classes=n_classes, flip_y=0.2, random_state=1
    )


def soft_problem(n_classes, n_rows=70):
    """Rows whose probabilities are away from 0 and 1, one of them certain."""
    X, y = problem(n_classes, n_rows)
    P = np.random.default_rng(2).dirichlet(np.ones(n_classes), n_rows)
    P = 0.5 * P + 0.5 * np.eye(n_classes)[y]
    P[0] = np.eye(n_classes)[y[0]]
    return X, P, y


def soft(**params):
    params = SMALL | {"soft_labels": True} | params
    return RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **params))


def same_to_the_bit(a, b):
    return all(
        np.array_equal(s.theta, t.theta) for s, t in zip(a.members_, b.members_, strict=True)
    )


def repeated(X, P, weight=None):
    """The hard rows that soft rows stand for: K copies each, weighted by their probabilities."""
    n, k = P.shape
    weight = np.ones(n) if weight is None else weight
    return np.repeat(X, k, axis=0), np.tile(np.arange(k), n), (P * weight[:, np.newaxis]).ravel()


# Certain labels are ordinary labels ---------------------------------------------------------


@K
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"keep_prob": 0.7, "batchnorm": True},
        {"early_stopping": True, "validation": 0.2},
        {"n_estimators": 3},
        {"loss": "hinge"},
        {"loss": Focal(gamma=1.0)},
        {"augmentation": "mixup"},
        {"class_weight": {0: 2.0, 1: 0.5}},
        {"label_smoothing": 0.1},
        {"solver": "lbfgs", "batch_size": "auto", "max_iter": 400, "alpha": 1.0},
        {"init": "auto", "numeric_embedding": "auto", "label_smoothing": 0.1},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_certain_labels_are_the_ordinary_fit_to_the_bit(n_classes, params):
    X, y = problem(n_classes)
    if "class_weight" in params:
        params = {"class_weight": dict.fromkeys(range(2, n_classes), 1.0) | params["class_weight"]}
    hard = soft(soft_labels=False, **params).fit(X, y)
    certain = soft(**params).fit(X, np.eye(n_classes)[y])
    assert same_to_the_bit(hard, certain)
    assert_array_equal(certain.classes_, np.arange(n_classes))
    assert_array_equal(certain.predict(X), hard.predict(X))
    assert_array_equal(certain.decision_function(X), hard.decision_function(X))


@pytest.mark.parametrize("n_classes, n_outputs", [(2, 1), (3, 3), (5, 5)])
def test_two_classes_have_one_logit(n_classes, n_outputs):
    X, P, _ = soft_problem(n_classes)
    model = soft().fit(X, P)
    assert model.n_outputs_ == n_outputs
    assert model.predict_proba(X).shape == (len(X), n_classes)
    assert model.predict(X).shape == (len(X),)


@K
@pytest.mark.parametrize("eps", [0.05, 0.4])
def test_label_smoothing_is_the_corresponding_soft_labels(n_classes, eps):
    X, y = problem(n_classes)
    smoothed = soft(soft_labels=False, label_smoothing=eps).fit(X, y)
    Y = np.eye(n_classes)[y]
    P = (1 - eps) * Y + eps / (n_classes - 1) * (1 - Y)
    assert_allclose(soft().fit(X, P).members_[0].theta, smoothed.members_[0].theta, rtol=1e-9)


def test_automatic_smoothing_leaves_given_probabilities_as_they_are():
    X, P, y = soft_problem(3)
    auto, off = (soft(init="auto", label_smoothing=eps).fit(X, P) for eps in ("auto", 0.0))
    assert same_to_the_bit(auto, off)
    auto.set_params(soft_labels=False).fit(X, y)
    assert not same_to_the_bit(auto, off.set_params(soft_labels=False).fit(X, y))


# Uncertain labels are weighted rows -------------------------------------------------------


@K
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("loss", ["log_loss", Focal(gamma=0.5)], ids=str)
def test_a_soft_row_is_as_many_hard_rows_as_classes(n_classes, weighted, loss):
    X, P, _ = soft_problem(n_classes)
    weight = np.random.default_rng(3).uniform(0.2, 3.0, len(X)) if weighted else None
    model = RegularizedMLPClassifier(**LINEAR, loss=loss, soft_labels=True).fit(X, P, weight)
    X_hard, y_hard, w_hard = repeated(X, P, weight)
    hard = clone(model).set_params(soft_labels=False).fit(X_hard, y_hard, w_hard)
    assert_allclose(model.predict_proba(X), hard.predict_proba(X), rtol=0, atol=1e-6)
    assert_allclose(model.coefs_[0], hard.coefs_[0], rtol=0, atol=1e-5)
    most_probable = clone(hard).fit(X, P.argmax(axis=1), weight)
    assert np.abs(most_probable.predict_proba(X) - model.predict_proba(X)).max() > 0.01


@K
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_class_weights_are_expected_over_the_classes(n_classes, weighted):
    """A row's factor is the mean factor of the class that it may have."""
    X, P, _ = soft_problem(n_classes)
    weight = np.random.default_rng(3).uniform(0.2, 3.0, len(X)) if weighted else None
    s = np.ones(len(X)) if weight is None else weight
    model = RegularizedMLPClassifier(**LINEAR, soft_labels=True)

    factors = np.linspace(0.5, 3.0, n_classes)
    by_dict = clone(model).set_params(class_weight=dict(enumerate(factors))).fit(X, P, weight)
    by_row = clone(model).fit(X, P, s * (P @ factors))
    assert_allclose(by_dict.coefs_[0], by_row.coefs_[0], rtol=0, atol=1e-7)

    frequency = (s[:, np.newaxis] * P).sum(axis=0)
    balance = frequency.sum() / n_classes / frequency
    balanced = clone(model).set_params(class_weight="balanced").fit(X, P, weight)
    by_row = clone(model).fit(X, P, s * (P @ balance))
    assert_allclose(balanced.coefs_[0], by_row.coefs_[0], rtol=0, atol=1e-7)


def test_balanced_certain_labels_are_balanced_labels():
    X, y = problem(3)
    hard = soft(soft_labels=False, class_weight="balanced").fit(X, y)
    certain = soft(class_weight="balanced").fit(X, np.eye(3)[y])
    assert_allclose(certain.members_[0].theta, hard.members_[0].theta, rtol=1e-9)


def test_a_weight_of_zero_is_absence():
    X, P, _ = soft_problem(3)
    weight = (np.arange(len(X)) >= 20).astype(float)
    theta = soft().fit(X[20:], P[20:]).members_[0].theta
    assert_allclose(soft().fit(X, P, weight).members_[0].theta, theta, rtol=1e-9)


# What is taken as probabilities -----------------------------------------------------------


def test_rows_that_sum_to_one_but_for_rounding_are_normalised():
    X, P, _ = soft_problem(3)
    exact, rounded = soft().fit(X, P), soft().fit(X, np.round(P, 5))
    single = soft().fit(X, P.astype(np.float32))
    assert_allclose(rounded.predict_proba(X), exact.predict_proba(X), atol=1e-3)
    assert_allclose(single.predict_proba(X), exact.predict_proba(X), atol=1e-5)
    assert_allclose(SoftLabels(np.arange(3)).check(0.9995 * P).sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("total", [0.99, 1.01, 0.0])
def test_rows_that_do_not_sum_to_one_raise(total):
    X, P, _ = soft_problem(3)
    P[5] *= total
    with pytest.raises(ValueError, match="rows of y must be probabilities"):
        soft().fit(X, P)


def test_the_kind_of_labels():
    y = np.array([0, 1, 1])
    assert isinstance(learn_labels(y), SingleLabels)
    assert isinstance(learn_labels(np.eye(3, dtype=int)), MultiLabels)
    assert isinstance(learn_labels(np.eye(3), soft=True), SoftLabels)
    assert learn_labels(np.eye(3), soft=True).link == "softmax"
    assert learn_labels(np.eye(2), soft=True).link == "sigmoid"
    assert learn_labels(np.eye(3, dtype=int)).link == "sigmoid"


def test_lists_and_frames_of_probabilities():
    pandas = pytest.importorskip("pandas")
    X, P, _ = soft_problem(3)
    expected = soft().fit(X, P)
    assert same_to_the_bit(expected, soft().fit(X, P.tolist()))
    assert same_to_the_bit(expected, soft().fit(X, pandas.DataFrame(P, columns=list("abc"))))


# Validation and scores --------------------------------------------------------------------


@K
def test_the_validation_loss_is_the_cross_entropy(n_classes):
    X, P, _ = soft_problem(n_classes)
    model = soft(n_iter_no_change=None, label_smoothing=0.2)
    model.fit(X[:50], P[:50], X_val=X[50:], y_val=P[50:])
    last = soft(label_smoothing=0.2, max_iter=model.best_iteration_).fit(X[:50], P[:50])
    expected = -np.mean(np.sum(P[50:] * last.predict_log_proba(X[50:]), axis=1))
    assert model.validation_loss_curve_[model.best_iteration_ - 1] == pytest.approx(expected)


def test_the_hold_out_is_stratified_by_the_most_probable_class():
    X, P, y = soft_problem(3)
    seen = []

    def scorer(model, X, y):
        seen.append((X, y))
        return 0.0

    soft(early_stopping=True, validation=0.3, monitor=scorer, max_iter=1).fit(X, P)
    held_out, labels = seen[0]
    rows = [int(np.flatnonzero((X == row).all(axis=1))[0]) for row in held_out]
    assert_array_equal(labels, P[rows].argmax(axis=1))  # scorers take labels
    shares = np.bincount(labels) / len(labels)
    assert_allclose(shares, np.bincount(P.argmax(axis=1)) / len(P), atol=0.05)


def test_a_scorer_as_monitor_meets_the_most_probable_labels():
    X, P, _ = soft_problem(3)
    model = soft(monitor="accuracy", n_iter_no_change=None)
    model.fit(X[:50], P[:50], X_val=X[50:], y_val=P[50:])
    last = soft(max_iter=model.best_iteration_).fit(X[:50], P[:50])
    expected = accuracy_score(P[50:].argmax(axis=1), last.predict(X[50:]))
    assert model.best_validation_score_ == expected
    assert_array_equal(last.predict(X), model.predict(X))


def test_score_takes_labels_and_probabilities():
    X, P, _ = soft_problem(3)
    model = soft().fit(X, P)
    weight = np.linspace(0.1, 1.0, len(X))
    expected = accuracy_score(P.argmax(axis=1), model.predict(X), sample_weight=weight)
    assert model.score(X, P, weight) == model.score(X, P.argmax(axis=1), weight) == expected
    with pytest.raises(ValueError, match="rows of y must be probabilities"):
        model.score(X, 2 * P)
    with pytest.raises(ValueError, match=r"\(n_samples, 3\)"):
        model.score(X, P[:, :2])


def test_searches_and_cross_validation_take_probabilities():
    X, P, _ = soft_problem(3)
    assert cross_val_score(soft(), X, P, cv=KFold(3)).shape == (3,)
    search = GridSearchCV(soft(), {"label_smoothing": [0.0, 0.3], "max_iter": [1, 8]}, cv=KFold(3))
    search.fit(X, P)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and len(set(scores)) > 1
    assert search.score(X, P) == search.best_estimator_.score(X, P)


def test_the_score_on_out_of_bag_rows_is_the_accuracy():
    X, P, _ = soft_problem(3)
    model = soft(n_estimators=25, oob_score=True).fit(X, P)
    assert model.oob_decision_function_.shape == P.shape
    predicted = model.oob_decision_function_.argmax(axis=1)
    assert model.oob_score_ == accuracy_score(P.argmax(axis=1), predicted)


# Streams ----------------------------------------------------------------------------------


@K
def test_calls_of_partial_fit_need_no_classes_and_are_epochs(n_classes):
    X, P, _ = soft_problem(n_classes)
    stream = soft(dtype="float32")
    for _ in range(3):
        stream.partial_fit(X, P)
    assert_array_equal(stream.classes_, np.arange(n_classes))
    assert same_to_the_bit(soft(dtype="float32", max_iter=3).fit(X, P), stream)
    again = soft(dtype="float32").partial_fit(X, P, classes=np.arange(n_classes))
    again.partial_fit(X, P, classes=np.arange(n_classes)).partial_fit(X, P)
    assert same_to_the_bit(again, stream)


def test_a_warm_start_goes_on():
    X, P, _ = soft_problem(3)
    parts = soft(max_iter=4, warm_start=True).fit(X, P).fit(X, P)
    assert same_to_the_bit(soft(max_iter=8).fit(X, P), parts)
    parts.set_params(soft_labels=False)
    with pytest.raises(ValueError, match="'soft_labels' parameter cannot change"):
        parts.fit(X, P)


def test_a_class_without_mass_does_not_spoil_balanced_weights():
    X, y = load_iris(return_X_y=True)
    Y = np.hstack([np.eye(3)[y], np.zeros((150, 1))])
    params = {"class_weight": "balanced", "max_iter": 5, "random_state": 0}
    model = RegularizedMLPClassifier(soft_labels=True, **params).fit(X, Y)
    assert np.isfinite(model.predict_proba(X)).all()
    np.testing.assert_array_equal(model._class_factors, np.ones(4))  # 50 rows each, and none


@pytest.mark.parametrize(
    "spoil", [lambda Y: np.where(Y > 0.5, np.nan, Y), lambda Y: Y[np.newaxis], lambda Y: -Y]
)
def test_score_refuses_what_are_no_probabilities(spoil):
    X, y = load_iris(return_X_y=True)
    Y = 0.7 * np.eye(3)[y] + 0.1
    model = RegularizedMLPClassifier(soft_labels=True, max_iter=3, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="With soft_labels=True"):
        model.score(X, spoil(Y))


def test_score_takes_sparse_probabilities_as_fit_does():
    X, y = load_iris(return_X_y=True)
    Y = np.eye(3)[y]
    model = RegularizedMLPClassifier(soft_labels=True, max_iter=3, random_state=0)
    model.fit(X, csr_array(Y))
    assert model.score(X, csr_array(Y)) == model.score(X, y)
