"""Committees: what members see, how they are joined, and fits that end in another way."""

import numpy as np
import pytest
from plain import plain
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from skregnet import SGD, ConstantRate, RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.committee import Bootstrap, PoissonDraw
from skregnet.core.objective import Objective
from skregnet.core.streams import stream
from skregnet.exceptions import (
    DivergenceWarning,
    IgnoredParameterWarning,
    InterruptedFitWarning,
    NotConvergedWarning,
)
from skregnet.training.optimizers import SOLVERS

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)
OF_THE_ONLY_MEMBER = [
    "coefs_", "intercepts_", "history_", "n_iter_", "loss_curve_", "validation_loss_curve_",
    "validation_scores_", "best_iteration_", "best_validation_score_",
]  # fmt: skip


def problem(kind, n_classes=3):
    if kind == "classifier":
        return make_classification(
            120, 6, n_informative=4, n_classes=n_classes, flip_y=0.2, random_state=0
        )
    return make_regression(120, 6, noise=20.0, random_state=0)


def make(kind, **params):
    params = {
        "hidden_layer_sizes": (8,), "max_iter": 10, "batch_size": 30, "random_state": 0,
        "learning_rate_init": 0.01, "n_estimators": 4,
    } | params  # fmt: skip
    if params["n_estimators"] > 1:
        params = {"bootstrap": True} | params
    return ESTIMATORS[kind](**plain(ESTIMATORS[kind], **params))


def alone(model, j):
    """An estimator that predicts with member j only."""
    single = clone(model).set_params(n_estimators=1)
    vars(single).update({k: v for k, v in vars(model).items() if k.endswith("_") or k[0] == "_"})
    single.members_ = model.members_[j : j + 1]
    return single


# What members see -----------------------------------------------------------------------------


def drawn_counts(sample_weight=None, **params):
    """How often each member sees each of 40 rows, read off the weights of a network.

    Row i is the i-th unit vector with target 1, and W starts at 0: after one step of plain SGD
    W_i = rate s_i / S, whatever the drawing.
    """
    n = 40
    model = RegularizedMLPRegressor(
        (), scaling=None, target_scaling=None, init="zeros", alpha=0.0, dtype="float64",
        solver=SGD(momentum=0.0), learning_rate="constant", learning_rate_init=1.0, batch_size=n,
        max_iter=1, random_state=0, **params,
    )  # fmt: skip
    model.fit(np.eye(n), np.ones(n), sample_weight)
    shares = np.array([member.coefs[0][:, 0] for member in model.members_])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    return shares


@pytest.mark.parametrize(
    "max_samples, size", [(1.0, 40), (0.5, 20), (0.26, 10), (1e-9, 1), (25, 25), (1, 1), (40, 40)]
)
def test_bootstrap_draws_with_replacement_as_weights(max_samples, size):
    counts = drawn_counts(n_estimators=5, max_samples=max_samples, bootstrap=True) * size
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    assert np.all(counts.round().sum(axis=1) == size)
    if size > 1:
        assert len(np.unique(counts.round(), axis=0)) == 5
        assert counts.round().max() > 1


@pytest.mark.parametrize("max_samples, size", [(0.5, 20), (0.26, 10), (25, 25), (1, 1)])
def test_without_bootstrap_the_rows_are_drawn_without_replacement(max_samples, size):
    counts = drawn_counts(n_estimators=5, max_samples=max_samples, bootstrap=False) * size
    assert set(counts.round(9).ravel()) == {0.0, 1.0}
    assert np.all(counts.sum(axis=1).round(9) == size)
    assert len(np.unique(counts.round(), axis=0)) > 1


@pytest.mark.parametrize("bootstrap", [False, "auto"])
def test_without_bootstrap_every_member_sees_all_rows_alike(bootstrap):
    shares = drawn_counts(n_estimators=3, bootstrap=bootstrap)
    np.testing.assert_allclose(shares, 1 / 40, rtol=1e-12)


@pytest.mark.parametrize(
    "asking, same",
    [
        ({"oob_score": True}, True),
        ({"early_stopping": True, "validation": "oob"}, True),
        ({"max_samples": 0.5}, False),
        ({"max_samples": 0.5, "oob_score": True}, False),  # half of the rows are left out anyway
    ],
    ids=str,
)
def test_an_automatic_bootstrap_is_one_where_all_rows_are_drawn_and_some_are_asked_for(
    asking, same
):
    params = asking | {"n_estimators": 12}
    found = drawn_counts(**params)
    np.testing.assert_array_equal(found, drawn_counts(**params, bootstrap=same))
    counts = (found * 40 * params.get("max_samples", 1.0)).round()
    assert (counts.max() > 1) == same


def test_a_single_network_draws_nothing():
    np.testing.assert_allclose(drawn_counts(), 1 / 40, rtol=1e-12)


def test_drawn_counts_multiply_sample_weights():
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 40)
    counts = drawn_counts(n_estimators=3, bootstrap=True) * 40
    shares = drawn_counts(weight, n_estimators=3, bootstrap=True)
    expected = counts * weight
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("replace", [True, False])
def test_a_warm_started_member_sees_the_rows_that_it_drew(replace):
    draw = Bootstrap(replace, 0.5)
    assert not draw.each_call
    first, again = (draw(stream(3, "draw", 1), 50) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != draw(stream(3, "draw", 2), 50))


def test_max_samples_beyond_the_rows_is_an_error():
    with pytest.raises(ValueError, match="at most the number of training rows \\(40\\). Got 41"):
        drawn_counts(n_estimators=2, max_samples=41)


@pytest.mark.parametrize(
    "params",
    [{"bootstrap": False}, {"max_samples": 0.5}, {"n_jobs": 2}, {"voting": "hard"}],
    ids=str,
)
def test_a_choice_for_committees_warns_for_a_single_network(params):
    X, y = problem("classifier")
    with pytest.warns(IgnoredParameterWarning, match="has no effect: n_estimators is 1"):
        make("classifier", n_estimators=1, **params).fit(X, y)


def test_poisson_draws_have_mean_and_variance_one_and_are_never_all_zero():
    counts = np.array([PoissonDraw()(stream(0, "draw", 0, call), 1000) for call in range(20)])
    # Five standard errors of 20 000 draws; the variance of (x - 1)^2 is 3.
    assert counts.mean() == pytest.approx(1.0, abs=5 / np.sqrt(20_000))
    assert counts.var() == pytest.approx(1.0, abs=5 * np.sqrt(3 / 20_000))
    single = [PoissonDraw()(stream(0, "draw", 0, call), 1) for call in range(50)]
    assert min(single) >= 1


def test_partial_fit_weighs_rows_by_poisson_draws_afresh_in_each_call():
    """As in `drawn_counts`; in the second call the residuals of the first are what W moves by."""
    n, rate = 60, 0.5
    model = RegularizedMLPRegressor(
        (), scaling=None, target_scaling=None, init="zeros", alpha=0.0, dtype="float64",
        solver=SGD(momentum=0.0), learning_rate_init=rate, batch_size=n, random_state=0,
        n_estimators=4,
    )  # fmt: skip
    previous, residual, draws = np.zeros((4, n)), np.ones((4, n)), []
    for _ in range(2):
        model.partial_fit(np.eye(n), np.ones(n))
        W = np.array([member.coefs[0][:, 0] for member in model.members_])
        shares = (W - previous) / (rate * residual)  # s_i / S
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-9)
        counts = shares / np.where(shares > 1e-12, shares, np.inf).min(axis=1, keepdims=True)
        np.testing.assert_allclose(counts, counts.round(), atol=1e-6)
        assert counts.round().max() > 1
        assert len(set(counts.round().sum(axis=1))) > 1  # unlike a bootstrap of n rows
        draws.append(counts.round())
        previous = W
        residual = 1.0 - W - np.array([member.intercepts[0] for member in model.members_])
    assert len(np.unique(np.vstack(draws), axis=0)) == 8


def test_partial_fit_without_bootstrap_weighs_all_rows_alike():
    X, y = problem("regressor")
    model = make("regressor", bootstrap=False, n_estimators=2, dtype="float64").partial_fit(X, y)
    single = make("regressor", n_estimators=1, dtype="float64").partial_fit(X, y)
    np.testing.assert_array_equal(model.members_[0].theta, single.members_[0].theta)


# Members and attributes -----------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_members_are_single_networks_that_differ(kind, solver):
    X, y = problem(kind)
    own = {"solver": solver, "tol": 1e-9} if solver == "lbfgs" else {"solver": solver}
    if solver == "lbfgs":
        own["batch_size"] = "auto"
    model = make(kind, **own).fit(X, y)
    assert len(model.members_) == 4
    for a, b in zip(model.members_, model.members_[1:], strict=False):
        assert a.network == b.network
        assert np.all(np.abs(a.coefs[0] - b.coefs[0]).max(axis=0) > 0)
        assert len(a.loss_curve) == a.n_iter == 10
        assert not np.shares_memory(a.theta, b.theta)


@BOTH
@pytest.mark.parametrize("name", OF_THE_ONLY_MEMBER)
def test_a_committee_has_no_attribute_of_a_single_network(kind, name):
    X, y = problem(kind)
    model = make(kind, n_estimators=2, max_iter=1).fit(X, y)
    message = rf"A committee of 2 has no '{name}' of its own: see members_\[i\]\.{name[:-1]}"
    with pytest.raises(AttributeError, match=message):
        getattr(model, name)
    assert not hasattr(model, name)
    for member in model.members_:
        assert hasattr(member, name[:-1])
    single = make(kind, n_estimators=1, max_iter=1).fit(X, y)
    value, of_member = getattr(single, name), getattr(single.members_[0], name[:-1])
    np.testing.assert_equal(value, of_member)


@BOTH
@pytest.mark.parametrize("name", [*OF_THE_ONLY_MEMBER, "members_", "n_nonzero_", "sparsity_"])
def test_fitted_attributes_are_absent_before_fit(kind, name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(make(kind), name)


@BOTH
def test_zeros_are_counted_over_all_members(kind):
    X, y = problem(kind)
    model = make(kind, alpha=5.0, l1_ratio=1.0, max_iter=30).fit(X, y)
    n_zeros = sum(np.sum(W == 0) for member in model.members_ for W in member.coefs)
    n_weights = sum(W.size for member in model.members_ for W in member.coefs)
    assert 0 < n_zeros < n_weights
    assert model.n_nonzero_ == n_weights - n_zeros
    assert model.sparsity_ == pytest.approx(n_zeros / n_weights, rel=1e-12)


# How members are joined -----------------------------------------------------------------------


def raw_outputs(model, X):
    """The raw outputs of all members, from their numbers alone."""
    Z = (X - model.input_scale_.center) * model.input_scale_.factor
    return np.array([
        np.maximum(Z @ m.coefs[0] + m.intercepts[0], 0) @ m.coefs[1] + m.intercepts[1]
        for m in model.members_
    ])  # fmt: skip


def targets(shape):
    X, y = problem("classifier", n_classes=2 if shape == "binary" else 3)
    if shape == "multilabel":
        y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
    return X, y


SHAPES = pytest.mark.parametrize("shape", ["binary", "multiclass", "multilabel"])


@SHAPES
def test_soft_voting_averages_the_probabilities_of_the_members(shape):
    X, y = targets(shape)
    model = make("classifier", dtype="float64").fit(X, y)
    raw = raw_outputs(model, X)
    mean = (softmax(raw, axis=2) if shape == "multiclass" else expit(raw)).mean(axis=0)
    expected = np.hstack([1 - mean, mean]) if shape == "binary" else mean
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-9)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(expected), rtol=1e-9)
    members = np.mean([alone(model, j).predict_proba(X) for j in range(4)], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), members, rtol=1e-12)
    # The mean of the raw outputs would be something else.
    assert np.abs(expected - alone(model, 0).predict_proba(X)).max() > 0.01


@SHAPES
def test_soft_decision_function_is_the_log_odds_or_log_of_the_mean(shape):
    X, y = targets(shape)
    model = make("classifier", dtype="float64").fit(X, y)
    p = model.predict_proba(X)
    expected = {
        "binary": lambda: np.log(p[:, 1] / p[:, 0]),
        "multiclass": lambda: np.log(p),
        "multilabel": lambda: np.log(p / (1 - p)),
    }[shape]()
    np.testing.assert_allclose(model.decision_function(X), expected, rtol=1e-7, atol=1e-9)


@SHAPES
@pytest.mark.parametrize(
    "voting, n_estimators", [("soft", 1), ("soft", 2), ("soft", 5), ("hard", 2), ("hard", 5)]
)
def test_decision_function_and_probabilities_agree_with_predict(shape, voting, n_estimators):
    X, y = targets(shape)
    model = make("classifier", n_estimators=n_estimators, voting=voting).fit(X, y)
    score, p = model.decision_function(X), model.predict_proba(X)
    expected = {
        "binary": lambda: model.classes_[(score > 0).astype(int)],
        "multiclass": lambda: model.classes_[score.argmax(axis=1)],
        "multilabel": lambda: (score > 0).astype(int),
    }[shape]()
    np.testing.assert_array_equal(model.predict(X), expected)
    by_probability = (p > 0.5).astype(int) if shape == "multilabel" else model.classes_[p.argmax(1)]
    np.testing.assert_array_equal(model.predict(X), by_probability)
    if shape != "multilabel":
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)


@SHAPES
def test_hard_voting_gives_the_shares_of_the_members_votes(shape):
    X, y = targets(shape)
    model = make("classifier", voting="hard").fit(X, y)
    votes = np.array([alone(model.set_params(voting="soft"), j).predict(X) for j in range(4)])
    model.set_params(voting="hard")
    if shape == "multilabel":
        expected = votes.mean(axis=0)
    else:
        expected = np.mean(votes[..., np.newaxis] == model.classes_, axis=0)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-15)
    score = model.decision_function(X)
    if shape == "binary":
        np.testing.assert_allclose(score, expected[:, 1] - expected[:, 0], rtol=1e-15)
    elif shape == "multilabel":
        np.testing.assert_allclose(score, 2 * expected - 1, rtol=1e-15)
    else:
        np.testing.assert_allclose(score, expected, rtol=1e-15)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(model.predict_log_proba(X), np.log(model.predict_proba(X)))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_tie_of_hard_votes_goes_to_the_lower_class(n_classes):
    X, y = problem("classifier", n_classes)
    names = np.array(["a", "b", "c"])
    model = make("classifier", voting="hard", n_estimators=2).fit(X, names[y])
    shares = model.predict_proba(X)
    tied = shares.max(axis=1) == 0.5
    assert tied.any()
    lower = [model.classes_[np.flatnonzero(row == 0.5)[0]] for row in shares[tied]]
    np.testing.assert_array_equal(model.predict(X)[tied], lower)


def test_a_tie_of_hard_votes_for_a_label_is_no_label():
    X, y = targets("multilabel")
    model = make("classifier", voting="hard", n_estimators=2).fit(X, y)
    tied = model.predict_proba(X) == 0.5
    assert tied.any()
    assert not model.predict(X)[tied].any()


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_regressor_predicts_the_mean_of_its_members(loss, n_outputs):
    X, y = problem("regressor")
    y = np.abs(y) / 50 if loss == "poisson" else y
    y = y if n_outputs == 1 else np.column_stack([y, y[::-1]])
    model = make("regressor", loss=loss, dtype="float64").fit(X, y)
    predictions = [alone(model, j).predict(X) for j in range(4)]
    np.testing.assert_allclose(model.predict(X), np.mean(predictions, axis=0), rtol=1e-12)
    assert np.std(predictions, axis=0).min() > 0
    raw = raw_outputs(model, X)
    if loss == "poisson":
        expected = np.exp(raw).mean(axis=0)
    else:
        scale = model.target_scale_
        expected = raw.mean(axis=0) / scale.factor + scale.center
    np.testing.assert_allclose(model.predict(X).reshape(expected.shape), expected, rtol=1e-9)


@BOTH
def test_a_committee_takes_sparse_rows(kind):
    X, y = problem(kind)
    X = np.where(np.abs(X) > 1.8, X, 0.0)
    dense = make(kind, scaling=None, dtype="float64").fit(X, y)
    for container in (sparse.csr_matrix, sparse.csr_array):
        model = make(kind, scaling=None, dtype="float64").fit(container(X), y)
        for a, b in zip(dense.members_, model.members_, strict=True):
            np.testing.assert_allclose(a.theta, b.theta, rtol=1e-9, atol=1e-12)


@BOTH
def test_averaging_members_lowers_the_error(kind):
    """Of the mean squared error of members, that of their mean is never more, by convexity."""
    X, y = problem(kind)
    model = make(kind, n_estimators=8, max_iter=30).fit(X, y)
    if kind == "classifier":
        Y = np.eye(3)[y]
        errors = [np.mean((alone(model, j).predict_proba(X) - Y) ** 2) for j in range(8)]
        error = np.mean((model.predict_proba(X) - Y) ** 2)
    else:
        errors = [np.mean((alone(model, j).predict(X) - y) ** 2) for j in range(8)]
        error = np.mean((model.predict(X) - y) ** 2)
    assert error < 0.99 * np.mean(errors)


# Fits that end in another way -----------------------------------------------------------------


class Interrupts:
    """A scorer in whose n-th call the user presses Ctrl-C."""

    def __init__(self, n):
        self.n = n
        self.thetas = []

    def __call__(self, model, X, y, sample_weight=None):
        self.thetas.append(model.members_[0].theta)
        if len(self.thetas) == self.n:
            raise KeyboardInterrupt
        return -abs(len(self.thetas) - 2.0)  # the second epoch is the best


@BOTH
@pytest.mark.parametrize(
    "solver, averaging", [*((solver, None) for solver in SOLVERS), ("adam", "ema")]
)
def test_an_interrupted_fit_keeps_the_best_weights_and_warns(kind, solver, averaging):
    X, y = problem(kind)
    spy = Interrupts(5)
    own = {"batch_size": "auto"} if solver == "lbfgs" else {}
    own["averaging"] = averaging
    model = make(kind, n_estimators=1, monitor=spy, early_stopping=True, solver=solver, **own)
    with pytest.warns(InterruptedFitWarning, match="interrupted by the user") as caught:
        model.fit(X, y)
    assert len(caught) == 1
    np.testing.assert_array_equal(model.members_[0].theta, spy.thetas[1])
    assert model.best_iteration_ == 2
    assert model.predict(X).shape == y.shape
    # The history is that of whole epochs: as many entries of each curve.
    assert len({len(curve) for curve in model.history_.values()}) == 1


class CtrlC:
    """A callback of scikit-learn's protocol during whose third epoch the user presses Ctrl-C."""

    def __init__(self):
        self.epochs = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.epochs += context.task_name == "epoch"
        if self.epochs == 3:
            self.epochs += 1
            raise KeyboardInterrupt


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_in_a_callback_of_the_user_ends_the_fit_like_any_other(kind, early_stopping):
    X, y = problem(kind)
    params = {"n_estimators": 1, "early_stopping": early_stopping}
    model = make(kind, **params).set_callbacks(CtrlC())
    with pytest.warns(InterruptedFitWarning, match="The weights after epoch [23] are kept"):
        model.fit(X, y)
    # The third epoch was trained, but its end was not reached: it may count or not, as a whole.
    assert model.n_iter_ in (2, 3)
    whole = make(kind, **params, max_iter=model.n_iter_).fit(X, y)
    np.testing.assert_array_equal(model.members_[0].theta, whole.members_[0].theta)
    assert model.best_iteration_ == whole.best_iteration_
    assert model.validation_scores_ == whole.validation_scores_


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_epoch_is_undone(kind, solver, monkeypatch):
    """Without early stopping the weights after the last whole epoch are kept."""
    X, y = problem(kind)
    own = {"batch_size": "auto"} if solver == "lbfgs" else {}
    params = {"n_estimators": 1, "solver": solver, **own}
    calls, step_gradient = [], Objective.step_gradient

    def interrupted(self, theta, *batch):
        calls.append(theta.data.copy())
        if len(calls) == 11:  # in the middle of the third epoch of four batches
            raise KeyboardInterrupt
        return step_gradient(self, theta, *batch)

    monkeypatch.setattr(Objective, "step_gradient", interrupted)
    with pytest.warns(InterruptedFitWarning, match="The weights after epoch . are kept"):
        model = make(kind, **params).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_
    assert 0 < model.n_iter_ < 10
    kept = model.members_[0].theta
    monkeypatch.setattr(Objective, "step_gradient", step_gradient)
    if solver != "lbfgs":
        assert model.n_iter_ == 2
        whole = make(kind, **params | {"max_iter": 2}).fit(X, y)
        np.testing.assert_array_equal(kept, whole.members_[0].theta)
    else:
        with pytest.warns(NotConvergedWarning):
            whole = make(kind, **params | {"max_iter": model.n_iter_}).fit(X, y)
        np.testing.assert_allclose(kept, whole.members_[0].theta, rtol=1e-9)


def test_an_interrupted_committee_keeps_the_members_that_were_begun():
    X, y = problem("regressor")
    spy = Interrupts(10 + 4)
    model = make("regressor", monitor=spy, early_stopping=True, n_iter_no_change=None)
    with pytest.warns(InterruptedFitWarning):
        model.fit(X, y)
    assert [len(member.validation_scores) for member in model.members_] == [10, 3]
    assert [member.interrupted for member in model.members_] == [False, True]
    assert np.all(np.isfinite(model.predict(X)))


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_a_diverging_fit_stops_by_name_and_keeps_the_last_good_weights(kind, solver, n_estimators):
    X, y = problem(kind)
    model = make(
        kind, n_estimators=n_estimators, solver=solver, learning_rate_init=1e200,
        activation="identity", hidden_layer_sizes=(8, 8), scaling=None, dtype="float64",
    )  # fmt: skip
    with pytest.warns(DivergenceWarning, match=r"infinite or NaN in epoch \d+.*learning_rate_init"):
        model.fit(X, y)
    for member in model.members_:
        assert np.all(np.isfinite(member.theta))
        assert np.all(np.isfinite(member.loss_curve))
        assert member.n_iter < 10


@BOTH
def test_the_epoch_of_divergence_is_named_and_undone(kind, monkeypatch):
    """A rate that turns mad in the fourth epoch: the weights of the third are kept."""

    def factor(self, progress, epochs, history):
        return 1e300 if len(history["loss"]) == 3 else 1.0

    X, y = problem(kind)
    params = {"n_estimators": 1, "solver": "sgd", "dtype": "float64"}
    good = make(kind, **params, max_iter=3).fit(X, y)
    monkeypatch.setattr(ConstantRate, "factor", factor)
    with pytest.warns(DivergenceWarning, match="in epoch 4.*The weights after epoch 3 are kept"):
        model = make(kind, **params).fit(X, y)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.members_[0].theta, good.members_[0].theta)
    assert model.loss_curve_ == good.loss_curve_


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_warm_start_after_divergence_recovers_at_a_smaller_rate(kind, solver):
    """The moments of the diverged steps, infinite or huge, are no place to go on from."""
    X, y = problem(kind)
    model = make(
        kind, n_estimators=1, solver=solver, learning_rate_init=1e200, activation="identity",
        hidden_layer_sizes=(8, 8), dtype="float64", warm_start=True,
    )  # fmt: skip
    with pytest.warns(DivergenceWarning):
        model.fit(X, y)
    model.set_params(learning_rate_init=1e-3).fit(X, y)
    assert model.n_iter_ >= 10
    assert model.loss_curve_[-1] < model.loss_curve_[-10]


def test_members_that_diverge_alike_warn_once():
    X, y = problem("regressor")
    model = make("regressor", solver="sgd", learning_rate_init=1e200, dtype="float64")
    with pytest.warns(DivergenceWarning) as caught:
        model.fit(X, y)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == len(set(messages))


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_lbfgs_warns_where_it_has_not_converged(kind, n_estimators):
    X, y = problem(kind)
    model = make(kind, n_estimators=n_estimators, solver="lbfgs", max_iter=3, batch_size="auto")
    with pytest.warns(NotConvergedWarning, match=r"after 3 iterations .* tol=0\.0001") as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert issubclass(NotConvergedWarning, ConvergenceWarning)
    # A loose tolerance, or enough iterations on a convex objective, converges: no warning.
    model.set_params(tol=10.0).fit(X, y)
    model.set_params(activation=ESTIMATORS[kind]().activation)  # there is none to choose
    model.set_params(tol=1e-4, hidden_layer_sizes=(), max_iter=500, alpha=1.0).fit(X, y)


@BOTH
def test_ctrl_c_in_a_committee_with_callbacks_keeps_the_members_that_were_fitted(kind):
    X, y = problem(kind)
    model = make(kind, n_estimators=3, max_iter=5).set_callbacks(CtrlC())
    with pytest.warns(InterruptedFitWarning):
        model.fit(X, y)
    assert [member.index for member in model.members_] == [0]
    assert np.isfinite(model.predict(X) if kind == "regressor" else model.predict_proba(X)).all()
