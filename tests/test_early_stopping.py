"""Early stopping: what is held out, what is watched, when it stops, and which epoch is kept."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from plain import plain
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import get_scorer, log_loss, make_scorer, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregnet import SGD, RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.exceptions import IgnoredParameterWarning, ValidationSetWarning
from skregnet.training.callbacks import BestSoFar, EarlyStopping
from skregnet.training.optimizers import SOLVERS

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)
EACH_SOLVER = pytest.mark.parametrize("solver", SOLVERS)
SCORER = {"classifier": "balanced_accuracy", "regressor": "r2"}


def problem(kind, n_rows=80):
    """Noisy, with more columns than the rows can bear: a network overfits soon."""
    if kind == "classifier":
        return make_classification(
            n_rows, 12, n_informative=3, n_classes=3, n_clusters_per_class=1, flip_y=0.2,
            random_state=0,
        )  # fmt: skip
    X, y = make_regression(n_rows, 12, n_informative=3, noise=80.0, random_state=0)
    return X, y


def make(kind, **params):
    """A network that overfits within its 30 epochs; it runs to the end unless told otherwise."""
    fast = {
        "hidden_layer_sizes": (16,), "max_iter": 30, "learning_rate_init": 0.02, "batch_size": 16,
        "random_state": 0, "early_stopping": True, "alpha": 0.0, "dtype": "float64",
    } | params  # fmt: skip
    if fast.get("solver") == "lbfgs":
        fast |= {"batch_size": "auto", "tol": 0.0}
    return ESTIMATORS[kind](**plain(ESTIMATORS[kind], **fast))


def split(kind):
    X, y = problem(kind)
    return (X[:60], y[:60]), {"X_val": X[60:], "y_val": y[60:]}


class Spy:
    """A scorer that notes the rows it is given and plays back planted scores."""

    def __init__(self, scores=()):
        self.scores = list(scores)
        self.rows, self.targets, self.weights, self.thetas = [], [], [], []

    def __call__(self, model, X, y, sample_weight=None):
        self.rows.append(X)
        self.targets.append(y)
        self.weights.append(sample_weight)
        self.thetas.append(model.members_[0].theta)
        return self.scores[len(self.rows) - 1] if self.scores else 0.0


def last_argmax(scores):
    """The epoch, counted from 1, of the last of the best scores."""
    return len(scores) - int(np.argmax(scores[::-1]))


# The rule, on planted scores ------------------------------------------------------------------


def play(scores, patience, tol=0.0, best=None):
    """Run the callback over planted scores; return it and the epoch at which it stopped."""
    run = SimpleNamespace(history={}, n_epochs=0, published=SimpleNamespace(data=np.zeros(1)))
    planted = iter(scores)

    def evaluate(theta):
        score = next(planted)
        return -score, score

    callback = EarlyStopping(evaluate, patience, tol, best)
    callback.renew_patience()
    for epoch in range(1, len(scores) + 1):
        run.n_epochs = epoch
        run.published.data[:] = epoch
        if callback.on_epoch_end(run):
            break
    np.testing.assert_array_equal(run.history["validation_score"], scores[:epoch])
    np.testing.assert_array_equal(run.history["validation_loss"], np.negative(scores[:epoch]))
    return callback, run.n_epochs


@pytest.mark.parametrize(
    "scores, best_epoch",
    [
        ([1, 2, 3, 2, 1], 3),
        ([3, 2, 1], 1),
        ([1, 2, 3], 3),
        ([1, 3, 2, 3, 1], 4),  # a tie goes to the later epoch
        ([2, 2, 2], 3),
        ([-np.inf, -np.inf, -5], 3),
        ([np.nan, 1, np.nan, 2, np.nan], 4),
    ],
)
def test_the_best_epoch_is_the_last_of_those_with_the_highest_score(scores, best_epoch):
    callback, _ = play(scores, patience=None)
    assert callback.best.epoch == best_epoch
    assert callback.best.score == scores[best_epoch - 1]
    np.testing.assert_array_equal(callback.best.theta, [best_epoch])  # a copy of that epoch


@pytest.mark.parametrize(
    "scores, patience, tol, stop",
    [
        ([1, 0, 0, 0, 0, 0], 1, 0.0, 2),
        ([1, 0, 0, 0, 0, 0], 3, 0.0, 4),
        ([1, 0, 2, 0, 0, 0], 3, 0.0, 6),  # patience starts anew with the improvement
        ([1, 1, 1, 1, 1, 1], 2, 0.0, 3),  # a tie is no improvement
        ([1, 1.5, 2, 2.5, 3, 3.5], 2, 0.5, 3),  # an improvement by tol is not more than tol
        ([1, 1.6, 2.2, 2.8, 3.4, 4], 2, 0.5, 6),
        # Small steps up add nothing to patience though each is the best so far ...
        ([0, 0.4, 0.8, 1.2, 1.6, 2.0], 2, 0.5, 3),
        # ... for it is the best so far that has to be beaten, not the score patience began with.
        ([0, 0.4, 1.0, 1.1, 1.2, 1.3], 3, 0.5, 6),
        ([5, 4, 3, 2, 1, 0], 6, 0.0, 6),  # not exhausted: five epochs without improvement
        ([np.nan, np.nan, np.nan, 1, 1, 1], 3, 0.0, 3),
    ],
)
def test_patience_counts_epochs_since_the_best_was_beaten_by_more_than_tol(
    scores, patience, tol, stop
):
    callback, stopped = play(scores, patience, tol)
    assert stopped == stop


def test_without_patience_it_runs_to_the_end():
    callback, stopped = play([5, 4, 3, 2, 1, 0, -1, -2], patience=None)
    assert stopped == 8
    assert callback.best.epoch == 1


def test_a_resumed_run_goes_on_with_its_memory():
    first, _ = play([1, 3, 2, 2], patience=5)
    again, stopped = play([2, 2, 2, 9], patience=5, best=first.best)
    assert stopped == 3  # two epochs waited before and three now
    assert again.best.epoch == 2


def test_a_run_resumed_after_patience_ran_out_has_patience_again():
    exhausted, stopped = play([1, 0, 0], patience=2)
    assert stopped == 3
    again, stopped = play([0, 0, 0, 0], patience=2, best=exhausted.best)
    assert stopped == 2


def test_the_memory_starts_empty():
    assert BestSoFar() == BestSoFar(score=-np.inf, epoch=0, theta=None, waited=0)


# The rule, in a fit ---------------------------------------------------------------------------


@BOTH
def test_planted_scores_stop_the_fit_and_choose_its_weights(kind):
    (X, y), given = split(kind)
    spy = Spy([1, 2, 5, 4, 5, 3, 3, 3, 9, 9])
    model = make(kind, monitor=spy, n_iter_no_change=4, tol=0.0).fit(X, y, **given)
    assert model.n_iter_ == 7
    assert model.best_iteration_ == 5
    assert model.best_validation_score_ == 5
    assert model.validation_scores_ == [1, 2, 5, 4, 5, 3, 3]
    np.testing.assert_array_equal(model.members_[0].theta, spy.thetas[4])
    for other in (0, 2, 3, 5, 6):
        assert np.any(spy.thetas[other] != spy.thetas[4])


@BOTH
@EACH_SOLVER
@pytest.mark.parametrize("monitor", ["loss", "scorer"])
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_the_best_epoch_of_the_recorded_curve_is_restored(kind, solver, monitor):
    (X, y), given = split(kind)
    name = SCORER[kind] if monitor == "scorer" else "loss"
    model = make(kind, solver=solver, monitor=name).fit(X, y, **given)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ == 30
    assert model.best_iteration_ == last_argmax(scores) < 30  # it overfits
    assert model.best_validation_score_ == max(scores)
    # The weights are those of a fit that ended there ...
    ended = make(kind, solver=solver, monitor=name, max_iter=model.best_iteration_)
    np.testing.assert_array_equal(
        model.members_[0].theta, ended.fit(X, y, **given).members_[0].theta
    )
    # ... and the score of the model is the best of the curve.
    if monitor == "scorer" and kind == "regressor":
        assert model.score(given["X_val"], given["y_val"]) == pytest.approx(max(scores), rel=1e-12)


@BOTH
@EACH_SOLVER
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_both_curves_are_kept(kind, solver):
    (X, y), given = split(kind)
    model = make(kind, solver=solver, alpha=1.0, monitor=SCORER[kind]).fit(X, y, **given)
    names = {
        "loss", "penalty", "validation_loss", "validation_score", "learning_rate", "seconds",
    }  # fmt: skip
    assert set(model.history_) == names
    assert {len(curve) for curve in model.history_.values()} == {30}
    assert model.validation_loss_curve_ == model.history_["validation_loss"]
    assert model.validation_scores_ == model.history_["validation_score"]
    np.testing.assert_allclose(
        model.loss_curve_, np.add(model.history_["loss"], model.history_["penalty"]), rtol=1e-15
    )
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    last = model.best_iteration_ - 1
    if kind == "classifier":
        expected = log_loss(given["y_val"], model.predict_proba(given["X_val"]))
    else:
        spread = 1 / model.target_scale_.factor[0]
        error = mean_squared_error(given["y_val"], model.predict(given["X_val"]))
        expected = 0.5 * error / spread**2
    assert model.validation_loss_curve_[last] == pytest.approx(expected, rel=1e-9)


@BOTH
@EACH_SOLVER
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_patience_ends_the_fit_of_every_solver(kind, solver):
    (X, y), given = split(kind)
    params = {"solver": solver, "max_iter": 200, "n_iter_no_change": 5}
    model = make(kind, **params).fit(X, y, **given)
    assert model.n_iter_ < 200
    assert model.best_iteration_ == last_argmax(model.validation_scores_)
    # The last five scores do not beat the best before them by more than tol, all earlier do.
    _, stopped = play([*model.validation_scores_, np.nan], patience=5, tol=model.tol)
    assert stopped == model.n_iter_


@BOTH
def test_norm_of_weights_grows_with_epochs_so_stopping_acts_like_l2(kind):
    X, y = problem(kind)
    norms = []
    for epochs in (1, 10, 40):
        model = make(kind, early_stopping=False, max_iter=epochs)
        model.set_params(batch_size=80).fit(X, y)
        norms.append(sum(np.sum(W**2) for W in model.coefs_))
    assert norms[0] < norms[1] < norms[2]


def test_without_early_stopping_exactly_max_iter_epochs_and_no_validation_curve():
    X, y = problem("regressor")
    model = make("regressor", early_stopping=False).fit(X, y)
    assert model.n_iter_ == 30
    assert "validation_loss" not in model.history_
    for name in (
        "validation_loss_curve_", "validation_scores_", "best_iteration_", "best_validation_score_",
    ):  # fmt: skip
        assert getattr(model, name) is None


@pytest.mark.parametrize(
    "params",
    [{"monitor": "r2"}, {"validation": 0.1}, {"n_iter_no_change": 3}, {"tol": 0.1}],
    ids=str,
)
def test_a_tuning_value_of_early_stopping_warns_where_it_has_no_effect(params):
    X, y = problem("regressor")
    model = RegularizedMLPRegressor((4,), max_iter=1, early_stopping=False, **params)
    with pytest.warns(IgnoredParameterWarning, match=f"{next(iter(params))}=.* has no effect"):
        model.fit(X, y)


@pytest.mark.parametrize("n_rows, enabled", [(499, False), (500, True)])
def test_auto_is_on_from_five_hundred_rows(n_rows, enabled):
    X, y = problem("regressor", n_rows)
    model = RegularizedMLPRegressor((4,), max_iter=2, random_state=0).fit(X, y)
    assert (model.validation_scores_ is not None) == enabled


def test_auto_is_on_when_validation_rows_are_given():
    (X, y), given = split("regressor")
    model = RegularizedMLPRegressor((4,), max_iter=2, random_state=0).fit(X, y, **given)
    assert len(model.validation_scores_) == 2


# The rows -------------------------------------------------------------------------------------


def row_ids(X, rows):
    """The places in X of rows, each of which must be there exactly once."""
    same = (X[:, np.newaxis] == rows).all(axis=2)
    assert np.all(same.sum(axis=0) == 1)
    return np.flatnonzero(same.any(axis=1))


def held_out_rows(kind, X, y, validation=0.25, **params):
    """The places of the rows that are held out, as a scorer sees them."""
    spy = Spy()
    make(kind, monitor=spy, max_iter=1, validation=validation, **params).fit(X, y)
    held = row_ids(X, spy.rows[0])
    np.testing.assert_array_equal(spy.targets[0], y[held])
    return held


@BOTH
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_the_fraction_of_rows_is_held_out(kind, fraction):
    X, y = problem(kind)
    held = held_out_rows(kind, X, y, validation=fraction)
    assert len(held) == round(fraction * len(y))
    assert np.any(held != held_out_rows(kind, X, y, validation=fraction, random_state=1))


def test_the_hold_out_is_stratified_for_a_classifier():
    X, y = problem("classifier", 200)
    y = np.where(np.arange(200) < 20, "rare", np.where(np.arange(200) < 80, "some", "many"))
    held = held_out_rows("classifier", X, y, validation=0.2)
    assert dict(zip(*np.unique(y[held], return_counts=True), strict=True)) == {
        "rare": 4, "some": 12, "many": 24,
    }  # fmt: skip


def test_a_class_of_one_row_stays_in_the_training_part():
    X, y = problem("classifier")
    y = np.append(y[1:], 9)
    held = held_out_rows("classifier", X, y, validation=0.25)
    assert 9 not in y[held]
    model = make("classifier", max_iter=2).fit(X, y)
    assert model.predict_proba(X).shape == (80, 4)


def test_rows_of_labels_are_held_out_without_strata():
    X, y = problem("classifier")
    Y = np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
    spy = Spy()
    make("classifier", monitor=spy, max_iter=1, validation=0.25).fit(X, Y)
    held = row_ids(X, spy.rows[0])
    assert len(held) == 20
    np.testing.assert_array_equal(spy.targets[0], Y[held])


@BOTH
@EACH_SOLVER
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_held_out_rows_enter_neither_scaling_nor_training(kind, solver):
    """However wild they are: the weights after one epoch, and the scales, stay to the bit."""
    X, y = problem(kind)
    held = held_out_rows(kind, X, y)
    params = {"solver": solver, "max_iter": 1, "batchnorm": True, "validation": 0.25}
    model = make(kind, **params).fit(X, y)
    X, y = X.copy(), y.copy()
    X[held] = 1e6 * np.random.default_rng(0).normal(size=X[held].shape)
    if kind == "regressor":
        y[held] *= -1e3
    wild = make(kind, **params).fit(X, y)
    assert wild.validation_loss_curve_ != model.validation_loss_curve_
    np.testing.assert_array_equal(wild.members_[0].theta, model.members_[0].theta)
    for scale in ("input_scale_", "target_scale_")[: 1 + (kind == "regressor")]:
        np.testing.assert_array_equal(getattr(wild, scale).center, getattr(model, scale).center)
        np.testing.assert_array_equal(getattr(wild, scale).factor, getattr(model, scale).factor)
    # The same change to a training row does not stay without effect.
    X[np.setdiff1d(np.arange(len(y)), held)[0]] += 1.0
    changed = make(kind, **params).fit(X, y)
    assert np.any(changed.members_[0].theta != model.members_[0].theta)


@BOTH
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_held_out_rows_passed_by_hand_give_the_same_model_to_the_bit(kind, weighted):
    X, y = problem(kind)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y)) if weighted else None
    held = held_out_rows(kind, X, y)
    rest = np.setdiff1d(np.arange(len(y)), held)
    own = make(kind, monitor=SCORER[kind], validation=0.25).fit(X, y, weight)
    given = {"X_val": X[held], "y_val": y[held]}
    if weighted:
        given["sample_weight_val"] = weight[held]
    passed = make(kind, monitor=SCORER[kind]).fit(
        X[rest], y[rest], weight[rest] if weighted else None, **given
    )
    np.testing.assert_array_equal(own.members_[0].theta, passed.members_[0].theta)
    assert own.validation_loss_curve_ == passed.validation_loss_curve_
    assert own.validation_scores_ == passed.validation_scores_


def test_class_weights_act_on_the_validation_loss_however_its_rows_are_named():
    X, y = problem("classifier")
    params = {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}, "max_iter": 4}
    held = held_out_rows("classifier", X, y, **{"class_weight": params["class_weight"]})
    rest = np.setdiff1d(np.arange(len(y)), held)
    own = make("classifier", validation=0.25, **params).fit(X, y)
    passed = make("classifier", **params).fit(X[rest], y[rest], X_val=X[held], y_val=y[held])
    assert own.validation_loss_curve_ == passed.validation_loss_curve_
    log_p = np.log(own.predict_proba(X[held]))[np.arange(len(held)), y[held]]
    weight = np.array([1.0, 3.0, 0.5])[y[held]]
    last = own.validation_loss_curve_[own.best_iteration_ - 1]
    assert last == pytest.approx(-np.average(log_p, weights=weight), rel=1e-9)
    # A scorer is the user's own measure: it gets the weights of rows alone.
    spy = Spy()
    make("classifier", monitor=spy, **params).fit(X, y, np.full(len(y), 2.0))
    np.testing.assert_array_equal(spy.weights[0], 2.0)


@BOTH
def test_rows_of_weight_zero_are_never_held_out(kind):
    X, y = problem(kind)
    weight = (np.arange(len(y)) % 2).astype(float)
    spy = Spy()
    make(kind, monitor=spy, max_iter=1, validation=0.25).fit(X, y, weight)
    held = row_ids(X, spy.rows[0])
    assert len(held) == 10
    assert np.all(weight[held] == 1)


@BOTH
def test_the_weights_of_validation_rows_reach_loss_and_scorer(kind):
    (X, y), given = split(kind)
    weight = np.random.default_rng(0).integers(0, 3, 20).astype(float)
    spy = Spy()
    make(kind, monitor=spy, max_iter=1).fit(X, y, **given, sample_weight_val=weight)
    np.testing.assert_array_equal(spy.weights[0], weight[weight > 0])
    np.testing.assert_array_equal(spy.rows[0], given["X_val"][weight > 0])
    model = make(kind, monitor=SCORER[kind]).fit(X, y, **given, sample_weight_val=weight)
    kept = {"X_val": given["X_val"][weight > 0], "y_val": given["y_val"][weight > 0]}
    unweighted = make(kind, monitor=SCORER[kind]).fit(X, y, **kept)
    assert model.validation_loss_curve_ != unweighted.validation_loss_curve_
    assert model.validation_scores_ != unweighted.validation_scores_


def test_all_members_watch_the_same_rows_which_no_bootstrap_draws():
    X, y = problem("regressor")
    spy = Spy()
    params = {"max_iter": 2, "n_estimators": 3, "bootstrap": True}
    model = make("regressor", monitor=spy, **params).fit(X, y)
    assert len(spy.rows) == 6
    held = row_ids(X, spy.rows[0])
    for rows in spy.rows[1:]:
        np.testing.assert_array_equal(rows, spy.rows[0])
    wild = X.copy()
    wild[held] = 1e6
    again = make("regressor", monitor=Spy(), **params).fit(wild, y)
    for a, b in zip(model.members_, again.members_, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)


@BOTH
def test_members_stop_each_at_their_own_epoch(kind):
    X, y = problem(kind)
    model = make(kind, n_estimators=4, n_iter_no_change=4, max_iter=100).fit(X, y)
    assert len({member.n_iter for member in model.members_}) > 1
    for member in model.members_:
        assert member.best_iteration == last_argmax(member.validation_scores)
        assert member.n_iter < 100


@pytest.mark.parametrize("n_of_class", [[1, 1], [2, 2, 2], [3, 2, 2]])
def test_tiny_data_falls_back_to_the_training_rows_with_a_warning(n_of_class):
    X, y = problem("classifier")
    rows = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate(n_of_class)])
    spy = Spy()
    model = make("classifier", max_iter=2, batch_size="auto", monitor=spy)
    with pytest.warns(ValidationSetWarning, match=f"The {len(rows)} training rows cannot spare"):
        model.fit(X[rows], y[rows])
    np.testing.assert_array_equal(spy.rows[0], X[rows])
    assert model.n_iter_ == 2


def test_one_row_of_a_regression_falls_back_too():
    model = make("regressor", batch_size="auto", max_iter=2)
    with pytest.warns(ValidationSetWarning, match="early stopping watches the training rows"):
        model.fit([[1.0, 2.0]], [3.0])
    assert len(model.validation_loss_curve_) == 2
    assert model.predict([[1.0, 2.0]]) == pytest.approx([3.0])  # a constant target is known


# What is watched ------------------------------------------------------------------------------


@BOTH
def test_a_scorer_name_and_its_callable_are_the_same(kind):
    (X, y), given = split(kind)

    def own(model, X, y, sample_weight=None):
        return model.score(X, y, sample_weight)

    name = {"classifier": "accuracy", "regressor": "r2"}[kind]
    by_name = make(kind, monitor=name).fit(X, y, **given)
    by_callable = make(kind, monitor=own).fit(X, y, **given)
    assert by_name.validation_scores_ == by_callable.validation_scores_
    np.testing.assert_array_equal(by_name.members_[0].theta, by_callable.members_[0].theta)


def test_a_scorer_of_a_loss_is_greater_where_the_loss_is_smaller():
    (X, y), given = split("regressor")
    by_error = make("regressor", monitor="neg_mean_squared_error").fit(X, y, **given)
    by_loss = make("regressor", monitor="loss").fit(X, y, **given)
    own = make_scorer(mean_squared_error, greater_is_better=False)
    by_own = make("regressor", monitor=own).fit(X, y, **given)
    assert by_error.best_iteration_ == by_loss.best_iteration_ == by_own.best_iteration_
    np.testing.assert_allclose(by_error.validation_scores_, by_own.validation_scores_, rtol=1e-15)
    np.testing.assert_allclose(
        by_loss.validation_scores_, np.negative(by_loss.validation_loss_curve_), rtol=1e-15
    )


def test_the_loss_and_a_scorer_can_choose_different_epochs():
    (X, y), given = split("classifier")
    by_loss = make("classifier").fit(X, y, **given)
    by_score = make("classifier", monitor="accuracy").fit(X, y, **given)
    assert by_loss.validation_loss_curve_ == by_score.validation_loss_curve_
    assert by_loss.best_iteration_ != by_score.best_iteration_


@pytest.mark.parametrize("scorer", ["roc_auc", "neg_log_loss", "accuracy", "f1_macro"])
def test_scorers_see_labels_as_the_user_gave_them(scorer):
    (X, y), given = split("classifier")
    names = np.array(["none", "some", "many"])
    model = make("classifier", monitor=scorer, max_iter=3)
    if scorer == "roc_auc":  # two classes
        names = np.array(["none", "some", "some"])
    model.fit(X, names[y], X_val=given["X_val"], y_val=names[given["y_val"]])
    expected = get_scorer(scorer)(model, given["X_val"], names[given["y_val"]])
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_a_scorer_sees_the_units_of_the_user():
    X, y = problem("regressor")
    spy = Spy()
    make("regressor", monitor=spy, max_iter=1, scaling="standard").fit(X + 100, y + 1e3)
    held = row_ids(X + 100, spy.rows[0])
    np.testing.assert_array_equal(spy.targets[0], y[held] + 1e3)


def test_validation_keeps_hard_labels_under_label_smoothing():
    (X, y), given = split("classifier")
    model = make("classifier", label_smoothing=0.3, max_iter=1).fit(X, y, **given)
    expected = log_loss(given["y_val"], model.predict_proba(given["X_val"]))
    assert model.validation_loss_curve_[0] == pytest.approx(expected, rel=1e-9)


def test_validation_draws_no_dropout_masks():
    (X, y), given = split("regressor")
    model = make("regressor", keep_prob=0.5, monitor="r2", max_iter=1).fit(X, y, **given)
    assert model.validation_scores_[0] == pytest.approx(model.score(*given.values()), rel=1e-12)


def test_an_unknown_scorer_is_an_error_by_name():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="no_such_score"):
        make("regressor", monitor="no_such_score").fit(X, y)


# X_val, y_val ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, message",
    [
        ({"X_val": "X"}, "X_val is provided, but y_val was not provided"),
        ({"y_val": "y"}, "y_val is provided, but X_val was not provided"),
        ({"sample_weight_val": "w"}, "sample_weight_val is provided, but X_val was not provided"),
    ],
)
def test_validation_rows_come_with_their_targets(given, message):
    X, y = problem("regressor")
    values = {"X": X[:5], "y": y[:5], "w": np.ones(5)}
    with pytest.raises(ValueError, match=message):
        make("regressor").fit(X, y, **{name: values[key] for name, key in given.items()})


def test_validation_rows_are_refused_when_early_stopping_is_off():
    (X, y), given = split("regressor")
    with pytest.raises(ValueError, match="early_stopping is False"):
        make("regressor", early_stopping=False).fit(X, y, **given)


def test_validation_rows_are_checked_like_training_rows():
    (X, y), given = split("classifier")
    with pytest.raises(ValueError, match="has 11 features, but .* is expecting 12"):
        make("classifier").fit(X, y, X_val=given["X_val"][:, 1:], y_val=given["y_val"])
    with pytest.raises(ValueError, match="previously unseen labels"):
        make("classifier").fit(X, y, X_val=given["X_val"], y_val=given["y_val"] + 7)
    with pytest.raises(ValueError, match="contains infinity"):
        make("classifier").fit(X, y, X_val=given["X_val"] + np.inf, y_val=given["y_val"])
    with pytest.raises(ValueError, match="Negative values in data"):
        make("classifier").fit(X, y, **given, sample_weight_val=-np.ones(20))
    with pytest.raises(ValueError, match="at least one non-zero"):
        make("classifier").fit(X, y, **given, sample_weight_val=np.zeros(20))


@BOTH
def test_validation_rows_may_be_a_data_frame(kind):
    (X, y), given = split(kind)
    names = [f"column {j}" for j in range(X.shape[1])]
    plain = make(kind, monitor=SCORER[kind]).fit(X, y, **given)
    frame = make(kind, monitor=SCORER[kind]).fit(
        pd.DataFrame(X, columns=names), pd.Series(y),
        X_val=pd.DataFrame(given["X_val"], columns=names), y_val=pd.Series(given["y_val"]),
    )  # fmt: skip
    # A frame holds its columns side by side, so sums over rows are rounded otherwise.
    np.testing.assert_allclose(plain.validation_scores_, frame.validation_scores_, rtol=1e-9)


@BOTH
def test_a_pipeline_transforms_the_validation_rows(kind):
    (X, y), given = split(kind)
    X, given["X_val"] = 7 + 3 * X, 7 + 3 * given["X_val"]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 20)
    with config_context(enable_metadata_routing=True):
        model = make(kind, scaling=None).set_fit_request(
            X_val=True, y_val=True, sample_weight_val=True
        )
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X, y, **given, sample_weight_val=weight)
    scaler = StandardScaler().fit(X)
    by_hand = make(kind, scaling=None).fit(
        scaler.transform(X), y, X_val=scaler.transform(given["X_val"]), y_val=given["y_val"],
        sample_weight_val=weight,
    )  # fmt: skip
    assert pipeline[-1].validation_loss_curve_ == by_hand.validation_loss_curve_
    np.testing.assert_array_equal(pipeline[-1].members_[0].theta, by_hand.members_[0].theta)


# Together with other ways to train ------------------------------------------------------------


@BOTH
def test_a_warm_start_keeps_the_running_weights_beside_the_best(kind):
    (X, y), given = split(kind)
    model = make(kind, warm_start=True, max_iter=20, learning_rate_init=0.05).fit(X, y, **given)
    best, running = model.members_[0].theta, model.members_[0].state.theta
    assert model.best_iteration_ < 20
    assert np.any(best != running)
    curve = list(model.validation_loss_curve_)
    model.fit(X, y, **given)
    assert model.validation_loss_curve_[:20] == curve
    assert model.n_iter_ == len(model.validation_loss_curve_) == 40
    assert model.best_iteration_ == last_argmax(model.validation_scores_)


@BOTH
def test_a_warm_start_holds_out_the_same_rows(kind):
    X, y = problem(kind)
    spy = Spy()
    make(kind, monitor=spy, warm_start=True, max_iter=1).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(spy.rows[0], spy.rows[1])


@BOTH
def test_partial_fit_holds_nothing_out_and_says_so(kind):
    X, y = problem(kind)
    classes = {"classes": [0, 1, 2]} if kind == "classifier" else {}
    model = make(kind)
    with pytest.warns(IgnoredParameterWarning, match="partial_fit holds no rows out"):
        model.partial_fit(X, y, **classes)
    assert model.validation_scores_ is None
    clone(model).set_params(early_stopping="auto").partial_fit(X, y, **classes)


def test_a_frozen_rate_leaves_early_stopping_nothing_to_choose_but_the_last_epoch():
    (X, y), given = split("regressor")
    model = make(
        "regressor", solver=SGD(momentum=0.0), learning_rate_init=1e-300, n_iter_no_change=5
    ).fit(X, y, **given)
    assert model.n_iter_ == 6
    assert model.best_iteration_ == 6
