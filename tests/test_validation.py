"""Validation rows: where they come from, what is watched on them, and what is done with it.

How patience counts, what is held out by a fraction, and how `X_val` is checked is tested in
test_early_stopping.py.
"""

from copy import copy
from itertools import product

import numpy as np
import pytest
from plain import plain
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import get_scorer, log_loss, max_error, mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.exceptions import (
    DivergenceWarning,
    IgnoredParameterWarning,
    InterruptedFitWarning,
    ValidationSetWarning,
)
from skregnet.training.optimizers import SOLVERS
from skregnet.training.schedules import SCHEDULES
from skregnet.training.trainer import Run

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)
EACH_SOLVER = pytest.mark.parametrize("solver", SOLVERS)
NOT_CONVERGED = pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")


def problem(kind, n_rows=96, n_columns=8):
    """Noisy, so that a network overfits soon; the classes are two, for roc_auc."""
    if kind == "classifier":
        return make_classification(
            n_rows, n_columns, n_informative=3, flip_y=0.3, random_state=0, shuffle=False
        )
    return make_regression(n_rows, n_columns, n_informative=3, noise=200.0, random_state=0)


def make(kind, **params):
    """A network that overfits within its 12 epochs and runs to the end unless told otherwise."""
    params = {
        "hidden_layer_sizes": (12,), "max_iter": 12, "learning_rate_init": 0.06, "batch_size": 24,
        "random_state": 0, "early_stopping": True, "dtype": "float64",
    } | params  # fmt: skip
    if params.get("solver") == "lbfgs":
        params["batch_size"] = "auto"
    return ESTIMATORS[kind](**plain(ESTIMATORS[kind], **params))


def last_argmax(scores):
    """The epoch, counted from 1, of the last of the best scores."""
    return len(scores) - int(np.argmax(scores[::-1]))


def alone(model, member):
    """The model as if it were this member only."""
    view = copy(model)
    view.members_ = [member]
    return view


def same(a, b):
    """Whether two models hold the same members to the bit."""
    pairs = zip(a.members_, b.members_, strict=True)
    return all(np.array_equal(s.theta, t.theta) for s, t in pairs)


class Spy:
    """A scorer that notes the rows and the weights of the network that it is given."""

    def __init__(self):
        self.seen = []

    def __call__(self, model, X, y, sample_weight=None):
        (member,) = model.members_
        self.seen.append((X, y, member.theta))
        return 0.0


def watched(model, X, y, **given):
    """The validation rows and targets of each member, as a scorer sees them."""
    spy = Spy()
    clone(model).set_params(monitor=spy, max_iter=1).fit(X, y, **given)
    assert len(spy.seen) == model.n_estimators
    return [(X, y) for X, y, theta in spy.seen]


# The table: every way to validate, with every solver ------------------------------------------


def worst_case(model, X, y):
    """A callable that is no scorer of scikit-learn: the largest error, for labels of 0 and 1."""
    prediction = model.predict_proba(X)[:, 1] if is_classifier(model) else model.predict(X)
    return -max_error(y, prediction)


def by_hand(model, monitor, X, y):
    """What `monitor` is to say of a fitted model, from public predictions."""
    if callable(monitor):
        return monitor(model, X, y)
    if monitor != "loss":
        return get_scorer(monitor)(model, X, y)
    if is_classifier(model):
        return -log_loss(y, model.predict_proba(X))
    squared = mean_squared_error(y, model.predict(X)) * model.target_scale_.factor[0] ** 2
    return -squared / 2


SOURCES = {
    "fraction": {"validation": 0.25},
    "splitter": {"validation": KFold(4)},
    "X_val": {},
    "oob": {"validation": "oob"},
}
MONITORS = {
    "classifier": ["loss", "roc_auc", "neg_log_loss", worst_case],
    "regressor": ["loss", "r2", "neg_mean_absolute_error", worst_case],
}


def table():
    for kind, source, solver, n in product(ESTIMATORS, SOURCES, SOLVERS, (1, 3)):
        for monitor in MONITORS[kind]:
            name = getattr(monitor, "__name__", monitor)
            values = kind, source, monitor, solver, n
            yield pytest.param(*values, id=f"{kind}-{source}-{name}-{solver}-{n}")


@pytest.mark.parametrize("kind, source, monitor, solver, n_estimators", list(table()))
@NOT_CONVERGED
def test_the_last_best_epoch_of_the_curve_is_restored(kind, source, monitor, solver, n_estimators):
    X, y = problem(kind)
    given = {}
    if source == "X_val":
        X, y, given = X[24:], y[24:], {"X_val": X[:24], "y_val": y[:24]}
    model = make(kind, monitor=monitor, solver=solver, n_estimators=n_estimators, **SOURCES[source])
    if source == "oob" and n_estimators == 1:
        with pytest.raises(ValueError, match="'validation'.* out-of-bag .* n_estimators > 1"):
            model.fit(X, y, **given)
        return
    model.fit(X, y, **given)
    assert len(model.members_) == n_estimators
    for member, rows in zip(model.members_, watched(model, X, y, **given), strict=True):
        scores = member.validation_scores
        assert len(scores) == len(member.validation_loss_curve) == member.n_iter == 12
        assert member.best_iteration == last_argmax(scores)
        assert member.best_validation_score == max(scores)
        # The weights are those of that epoch: they score what was recorded for it. (Rounding: a
        # scorer is given the same numbers, but sums of a loss are ordered differently.)
        assert by_hand(alone(model, member), monitor, *rows) == pytest.approx(max(scores), rel=1e-9)


@BOTH
@EACH_SOLVER
@NOT_CONVERGED
def test_without_patience_the_fit_runs_to_the_end_and_keeps_an_earlier_epoch(kind, solver):
    X, y = problem(kind)
    model = make(kind, solver=solver, validation=0.25, max_iter=40).fit(X, y)
    assert model.n_iter_ == 40
    assert model.best_iteration_ < 40


# Splitters ------------------------------------------------------------------------------------

SPLITTERS = {
    "KFold": KFold(4),
    "shuffled": KFold(3, shuffle=True, random_state=1),
    "StratifiedKFold": StratifiedKFold(3),
    "ShuffleSplit": ShuffleSplit(2, test_size=0.3, random_state=2),
    "TimeSeriesSplit": TimeSeriesSplit(4),
    "gap": TimeSeriesSplit(3, gap=5, max_train_size=40),
}


@BOTH
@EACH_SOLVER
@pytest.mark.parametrize("splitter", list(SPLITTERS.values()), ids=list(SPLITTERS))
@NOT_CONVERGED
def test_a_splitter_is_its_last_split_passed_by_hand(kind, solver, splitter):
    X, y = problem(kind)
    if kind == "regressor" and isinstance(splitter, StratifiedKFold):
        y = np.sign(y)
    (*_, (train, held)) = splitter.split(X, y)
    model = make(kind, solver=solver, validation=splitter).fit(X, y)
    expected = make(kind, solver=solver).fit(X[train], y[train], X_val=X[held], y_val=y[held])
    assert model.validation_scores_ == expected.validation_scores_
    assert same(model, expected)
    np.testing.assert_array_equal(model.input_scale_.center, X[train].mean(axis=0))


@BOTH
def test_no_later_row_takes_part_in_training_on_a_time_series(kind):
    X, y = problem(kind)
    (*_, (train, held)) = TimeSeriesSplit(4).split(X)
    assert train.max() < held.min()
    other_X, other_y = X.copy(), y.copy()
    other_X[held] = 1e3 * X[held] + 7
    other_y[held] = y[held][::-1] if kind == "classifier" else 1e3 * y[held]
    fits = [
        make(kind, validation=TimeSeriesSplit(4), warm_start=True).fit(A, b)
        for A, b in [(X, y), (other_X, other_y)]
    ]
    first, second = fits
    assert first.validation_scores_ != second.validation_scores_
    # What was trained is the same; only which epoch is best may differ.
    np.testing.assert_array_equal(first.members_[0].state.theta, second.members_[0].state.theta)
    np.testing.assert_array_equal(first.input_scale_.center, second.input_scale_.center)
    np.testing.assert_array_equal(first.input_scale_.factor, second.input_scale_.factor)
    if kind == "regressor":
        np.testing.assert_array_equal(first.target_scale_.factor, second.target_scale_.factor)


def test_a_splitter_sees_labels_and_rows_as_the_user_gave_them():
    X, y = problem("classifier")
    names = np.array(["no", "yes"])[y]
    seen = []

    class Watching(KFold):
        def split(self, X, y=None, groups=None):
            seen.append((X, y, groups))
            return super().split(X, y, groups)

    make("classifier", validation=Watching(3), max_iter=1).fit(X, names)
    ((seen_X, seen_y, groups),) = seen
    np.testing.assert_array_equal(seen_X, X)
    np.testing.assert_array_equal(seen_y, names)
    assert groups is None


@BOTH
def test_all_members_watch_the_rows_of_the_splitter(kind):
    X, y = problem(kind)
    (*_, (train, held)) = KFold(4).split(X)
    rows = watched(make(kind, validation=KFold(4), n_estimators=3), X, y)
    for X_seen, y_seen in rows:
        np.testing.assert_array_equal(X_seen, X[held])
        np.testing.assert_array_equal(y_seen, y[held])


@BOTH
def test_each_member_watches_the_rows_that_it_did_not_draw(kind):
    X, y = problem(kind)
    model = make(kind, validation="oob", n_estimators=3, scaling=None)
    for i, (X_seen, y_seen) in enumerate(watched(model, X, y)):
        held = np.flatnonzero((X[:, np.newaxis] == X_seen).all(axis=2).any(axis=1))
        np.testing.assert_array_equal(y[held], y_seen)
        assert 0.2 < len(held) / len(X) < 0.55  # 1/e of the rows on average
        # They do not train it: other values there leave its running weights as they were.
        other = X.copy()
        other[held] = np.random.default_rng(i).normal(size=(len(held), X.shape[1]))
        kept = model.set_params(warm_start=True)
        a, b = (clone(kept).fit(rows, y).members_[i] for rows in (X, other))
        np.testing.assert_array_equal(a.state.theta, b.state.theta)
        assert a.validation_scores != b.validation_scores


# Groups ---------------------------------------------------------------------------------------


def groups_of(y):
    return np.random.default_rng(5).permutation(np.arange(len(y)) % 8)


@BOTH
@pytest.mark.parametrize("as_strings", [False, True])
def test_no_group_is_on_both_sides(kind, as_strings):
    X, y = problem(kind)
    groups = groups_of(y)
    if as_strings:
        groups = np.array(list("abcdefgh"))[groups]
    (*_, (train, held)) = GroupKFold(4).split(X, y, groups)
    assert not set(groups[train]) & set(groups[held])
    model = make(kind, validation=GroupKFold(4)).fit(X, y, groups=groups)
    expected = make(kind).fit(X[train], y[train], X_val=X[held], y_val=y[held])
    assert model.validation_scores_ == expected.validation_scores_
    assert same(model, expected)


@BOTH
def test_rows_of_weight_zero_have_no_group(kind):
    X, y = problem(kind)
    groups, kept = groups_of(y), np.arange(len(y)) % 5 > 0
    model = make(kind, validation=GroupKFold(4))
    dropped = clone(model).fit(X[kept], y[kept], np.ones(kept.sum()), groups=groups[kept])
    weighted = clone(model).fit(X, y, kept.astype(float), groups=groups)
    assert same(weighted, dropped)


@BOTH
def test_groups_are_routed_through_a_pipeline_and_a_search(kind):
    X, y = problem(kind)
    X, groups = 5 + 2 * X, groups_of(y)
    grid = {f"regularizedmlp{kind}__alpha": [0.1, 10.0]}
    outer = GroupKFold(3)
    with config_context(enable_metadata_routing=True):
        model = make(kind, validation=GroupKFold(4), scaling=None).set_fit_request(groups=True)
        pipeline = make_pipeline(StandardScaler(), model)
        search = GridSearchCV(pipeline, grid, cv=outer, error_score="raise")
        search.fit(X, y, groups=groups)

    def fitted(alpha, rows):
        Z = StandardScaler().fit_transform(X[rows])
        expected = make(kind, validation=GroupKFold(4), scaling=None, alpha=alpha)
        return expected.fit(Z, y[rows], groups=groups[rows])

    best = search.best_params_[f"regularizedmlp{kind}__alpha"]
    assert same(search.best_estimator_[-1], fitted(best, np.arange(len(y))))
    for i, (train, test) in enumerate(outer.split(X, y, groups)):
        Z_test = StandardScaler().fit(X[train]).transform(X[test])
        scores = [fitted(alpha, train).score(Z_test, y[test]) for alpha in (0.1, 10.0)]
        np.testing.assert_array_equal(search.cv_results_[f"split{i}_test_score"], scores)


def test_a_splitter_of_groups_needs_groups():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        make("regressor", validation=GroupKFold(4)).fit(X, y)


@pytest.mark.parametrize("n_groups", [95, 97])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_groups_have_one_entry_a_row(n_groups, weighted):
    X, y = problem("regressor")
    weight = np.where(np.arange(96) < 50, 1.0, 0.0) if weighted else None
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make("regressor", validation=GroupKFold(4)).fit(
            X, y, weight, groups=np.arange(n_groups) % 8
        )


@pytest.mark.parametrize(
    "params, given",
    [
        ({"validation": 0.2}, False),
        ({"early_stopping": False}, False),
        ({}, True),
    ],
    ids=["fraction", "off", "X_val"],
)
def test_groups_without_a_splitter_warn(params, given):
    X, y = problem("regressor")
    rows = {"X_val": X[:9], "y_val": y[:9]} if given else {}
    with pytest.warns(IgnoredParameterWarning, match="groups has no effect") as caught:
        make("regressor", max_iter=1, **params).fit(X, y, groups=groups_of(y), **rows)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@BOTH
def test_a_warm_start_keeps_the_split_of_a_splitter_that_draws(kind):
    X, y = problem(kind)
    spy = Spy()
    splitter = ShuffleSplit(1, test_size=0.3, random_state=np.random.RandomState(0))
    model = make(kind, validation=splitter, monitor=spy, max_iter=1, warm_start=True)
    model.fit(X, y).fit(X, y)
    (first, _, _), (second, _, _) = spy.seen
    np.testing.assert_array_equal(first, second)
    model.set_params(warm_start=False).fit(X, y)
    assert np.any(spy.seen[2][0] != first)


def test_a_splitter_that_is_not_in_use_warns():
    X, y = problem("regressor")
    model = make("regressor", early_stopping=False, validation=KFold(3))
    with pytest.warns(IgnoredParameterWarning, match="validation=KFold.* has no effect"):
        model.fit(X, y)
    given = make("regressor", validation=KFold(3), max_iter=1)
    with pytest.warns(IgnoredParameterWarning, match="validation=KFold.* has no effect: X_val"):
        given.fit(X, y, X_val=X, y_val=y)


# Refit ----------------------------------------------------------------------------------------


class Peak:
    """A monitor that plants the best of 12 epochs of each member, fitted one after the other."""

    def __init__(self, *best):
        self.best = best
        self.n_calls = 0

    def __call__(self, model, X, y):
        member, epoch = divmod(self.n_calls, 12)
        self.n_calls += 1
        return -abs(epoch + 1 - self.best[member])


class StopAfter:
    """A callback of scikit-learn's protocol that ends each member after so many epochs."""

    def __init__(self, epochs):
        self.epochs = epochs

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            member = context.parent.task_id if len(self.epochs) > 1 else 0
            return context.task_id + 1 == self.epochs[member]


REFITS = {
    "fraction": {"validation": 0.25},
    "splitter": {"validation": KFold(4)},
    "batchnorm and dropout": {"batchnorm": True, "keep_prob": 0.7},
    "ema": {"averaging": "ema"},
    "committee": {"n_estimators": 3},
    "bagged committee": {"n_estimators": 3, "bootstrap": True},
    **{f"{name} rate": {"learning_rate": name} for name in SCHEDULES},
    "sgd": {"solver": "sgd"},
}


@BOTH
@pytest.mark.parametrize("params", list(REFITS.values()), ids=list(REFITS))
def test_refit_is_a_fresh_fit_on_all_rows_for_the_best_number_of_epochs(kind, params):
    X, y = problem(kind)
    best = (5, 2, 8) if "n_estimators" in params else (5,)
    model = make(kind, monitor=Peak(*best), refit=True, **params).fit(X, y)
    searched = make(kind, monitor=Peak(*best), **params).fit(X, y)
    assert tuple(member.best_iteration for member in searched.members_) == best
    off = {"early_stopping": False, "validation": 0.2}
    fresh = make(kind, **params | off)  # max_iter stays, for it is the horizon of the schedule
    fresh.set_callbacks(StopAfter(best)).fit(X, y)
    assert tuple(member.n_iter for member in fresh.members_) == best
    assert same(model, fresh)
    assert not same(model, searched)
    np.testing.assert_array_equal(model.input_scale_.center, fresh.input_scale_.center)
    for member, found in zip(model.members_, searched.members_, strict=True):
        assert member.best_iteration == found.best_iteration
        assert member.best_validation_score == found.best_validation_score
        assert member.validation_scores == found.validation_scores


@BOTH
@NOT_CONVERGED
def test_refit_with_lbfgs_is_a_fit_of_so_many_iterations(kind):
    X, y = problem(kind)
    model = make(kind, solver="lbfgs", monitor=Peak(5), refit=True).fit(X, y)
    ended = make(kind, solver="lbfgs", max_iter=5, early_stopping=False)
    assert same(model, ended.fit(X, y))


def as_it_comes(kind, **params):
    """A small network, several batches an epoch, with everything else at its default."""
    small = {"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 0}
    if params.get("solver") != "lbfgs":
        small["batch_size"] = 20
    return ESTIMATORS[kind](**small | params)


AUTO_REFITS = {  # name: (rows, hyperparameters)
    "enough rows": (500, {}),
    "fraction": (96, {"early_stopping": True}),
    "splitter": (96, {"early_stopping": True, "validation": KFold(4)}),
    "committee": (96, {"early_stopping": True, "n_estimators": 2}),
    "another start": (96, {"early_stopping": True, "init": "he", "averaging": None}),
    "sgd": (96, {"early_stopping": True, "solver": "sgd"}),
}
AUTO_DOES_NOT = {
    "warm start": {"warm_start": True},
    "X_val": {},
    "oob": {"validation": "oob", "n_estimators": 2},
    "lbfgs": {"solver": "lbfgs"},
}


@BOTH
@pytest.mark.parametrize("name", AUTO_REFITS)
def test_auto_refits_where_rows_are_held_out(kind, name):
    n_rows, params = AUTO_REFITS[name]
    X, y = problem(kind, n_rows)
    model = as_it_comes(kind, **params).fit(X, y)
    assert same(model, as_it_comes(kind, **params, refit=True).fit(X, y))
    searched = as_it_comes(kind, **params, refit=False).fit(X, y)
    assert not same(model, searched)
    for member, found in zip(model.members_, searched.members_, strict=True):
        assert member.validation_scores == found.validation_scores


@pytest.fixture
def n_trained(monkeypatch):
    """Return a function that says how many epochs were trained until now.

    A refit on the rows of the search is the best of its epochs again, so that only its cost shows.
    """
    ended = []

    def end_epoch(self, *args, original=Run.end_epoch):
        ended.append(self)
        return original(self, *args)

    monkeypatch.setattr(Run, "end_epoch", end_epoch)
    return lambda: len(ended)


@BOTH
@pytest.mark.parametrize("name", AUTO_DOES_NOT)
@NOT_CONVERGED
def test_auto_does_not_refit_where_it_would_raise_nor_with_lbfgs(kind, name, n_trained):
    X, y = problem(kind)
    params = {"early_stopping": True} | AUTO_DOES_NOT[name]
    given = {"X_val": X[:24], "y_val": y[:24]} if name == "X_val" else {}
    model = as_it_comes(kind, **params).fit(X, y, **given)
    assert n_trained() == sum(member.n_iter for member in model.members_)
    assert same(model, as_it_comes(kind, **params, refit=False).fit(X, y, **given))
    # With L-BFGS a refit is possible, and another model; elsewhere it is an error.
    told = as_it_comes(kind, **params, refit=True)
    if name == "lbfgs":
        assert not same(model, told.fit(X, y))
    else:
        with pytest.raises(ValueError, match="'refit' parameter cannot be used here"):
            told.fit(X, y, **given)


@BOTH
def test_auto_does_not_refit_where_the_training_rows_were_watched(kind, n_trained):
    X, y = np.arange(2.0)[:, np.newaxis], np.arange(2)
    params = {"early_stopping": True, "monitor": Peak(2), "max_iter": 12, "batch_size": "auto"}
    if kind == "regressor":
        X, y = X[:1], y[:1]
    with pytest.warns(ValidationSetWarning, match="cannot spare"):
        model = as_it_comes(kind, **params).fit(X, y)
    assert model.best_iteration_ == 2
    assert n_trained() == 12


def test_refit_raises_with_given_validation_rows():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="'refit' parameter cannot be used here: .*X_val"):
        make("regressor", refit=True).fit(X, y, X_val=X[:9], y_val=y[:9])


def test_refit_raises_with_out_of_bag_validation():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="'refit' parameter cannot be used here: .*oob"):
        make("regressor", refit=True, validation="oob", n_estimators=3).fit(X, y)


def test_refit_raises_with_a_warm_start():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="'refit' parameter cannot be used here: warm_start"):
        make("regressor", refit=True, warm_start=True).fit(X, y)


def test_refit_without_early_stopping_warns():
    X, y = problem("regressor")
    model = make("regressor", early_stopping=False, refit=True)
    with pytest.warns(IgnoredParameterWarning, match="refit=True has no effect"):
        model.fit(X, y)


class CtrlC(StopAfter):
    """Ctrl-C at the end of the n-th epoch of the whole fit."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.epochs -= 1
            if self.epochs == 0:
                raise KeyboardInterrupt


@BOTH
@pytest.mark.parametrize("n_epochs, n_members", [(5, 1), (12 + 4, 2), (24 + 2, 3)])
def test_ctrl_c_in_the_search_of_a_committee_keeps_its_members_and_skips_refit(
    kind, n_epochs, n_members
):
    X, y = problem(kind)
    model = make(kind, n_estimators=3, refit=True).set_callbacks(CtrlC(n_epochs))
    with pytest.warns(InterruptedFitWarning):
        model.fit(X, y)
    searched = make(kind, n_estimators=3).fit(X, y)
    assert len(model.members_) == n_members
    for a, b in zip(model.members_[:-1], searched.members_, strict=False):
        np.testing.assert_array_equal(a.theta, b.theta)  # whole members are as the search left them
    assert model.members_[-1].n_iter == n_epochs - 12 * (n_members - 1)
    assert np.all(np.isfinite(model.predict(X)))


# Warm starts: rows that trained the model do not judge it -------------------------------------

OTHER_ROWS = {  # name: (the first fit, what changes before the second)
    "held out only now": ({"early_stopping": False}, {"early_stopping": True}),
    "another share": ({"validation": 0.2}, {"validation": 0.3}),
    "another splitter": ({"validation": KFold(3)}, {"validation": KFold(4)}),
    "a splitter only now": ({"validation": 0.2}, {"validation": GroupKFold(4)}),
    "left out only now": (
        {"n_estimators": 3, "validation": 0.2}, {"validation": "oob"},
    ),
    "another draw": (
        {"n_estimators": 3, "validation": "oob"}, {"max_samples": 0.5},
    ),
    "scored only after all rows were seen": (
        {"early_stopping": False}, {"n_estimators": 3, "oob_score": True},
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("name", OTHER_ROWS)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.SkregnetWarning")
def test_rows_that_trained_the_model_cannot_validate_it_later(kind, name):
    X, y = problem(kind)
    before, after = OTHER_ROWS[name]
    model = make(kind, warm_start=True, max_iter=2, **before).fit(X, y)
    theta = model.members_[0].theta.copy()
    groups = {"groups": groups_of(y)} if name == "a splitter only now" else {}
    with pytest.raises(ValueError, match="rows that trained the model would validate it"):
        model.set_params(**after).fit(X, y, **groups)
    np.testing.assert_array_equal(model.members_[0].theta, theta)
    # Rows of the user's own are the user's promise, and a new start is always possible.
    if "oob_score" not in after:
        model.fit(X, y, X_val=X[:9], y_val=y[:9])
    model.set_params(warm_start=False).fit(X, y, **groups)


@BOTH
def test_other_rows_cannot_be_split_as_the_first_ones_were(kind):
    X, y = problem(kind)
    model = make(kind, warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="rows that trained the model would validate it"):
        model.fit(X[:90], y[:90])


@BOTH
def test_scores_of_another_monitor_are_not_compared(kind):
    X, y = problem(kind)
    model = make(kind, warm_start=True, monitor=lambda model, X, y: 1e6).fit(X, y)
    assert model.best_validation_score_ == 1e6
    model.set_params(monitor="loss").fit(X, y)
    assert model.best_iteration_ > 12
    assert model.best_validation_score_ == max(model.validation_scores_[12:])


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("loss", "squared_error", "poisson"),
        ("scaling", "standard", None),
        ("target_scaling", "auto", None),
        ("dtype", "float64", "float32"),
    ],
)
def test_what_was_fixed_by_the_first_fit_cannot_change(name, before, after):
    X, y = problem("regressor")
    params = {"early_stopping": False, "warm_start": True, name: before}
    model = make("regressor", **params).fit(X, np.abs(y))
    prediction = model.predict(X)
    model.set_params(**{name: after})
    np.testing.assert_array_equal(model.predict(X), prediction)  # set, but not fitted
    with pytest.raises(ValueError, match=f"'{name}' parameter cannot change while training goes"):
        model.fit(X, np.abs(y))
    np.testing.assert_array_equal(model.predict(X), prediction)
    model.set_params(warm_start=False).fit(X, np.abs(y))


# Tiny data ------------------------------------------------------------------------------------


@EACH_SOLVER
@NOT_CONVERGED
@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("refit", [False, True])
def test_one_row_a_class_falls_back_to_all_rows_with_a_warning(solver, n_estimators, refit):
    X = np.random.default_rng(0).normal(size=(5, 3))
    model = make(
        "classifier", solver=solver, n_estimators=n_estimators, refit=refit, max_iter=3,
        batch_size=5,
    )  # fmt: skip
    with pytest.warns(ValidationSetWarning, match="5 training rows cannot spare a validation set"):
        model.fit(X, list("abcde"))
    for member in model.members_:
        assert len(member.validation_scores) == 3
    assert model.predict_proba(X).shape == (5, 5)


@EACH_SOLVER
@NOT_CONVERGED
@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_a_regression_on_a_few_rows_falls_back_to_all_rows_with_a_warning(solver, n_rows):
    X, y = problem("regressor")
    model = make("regressor", solver=solver, max_iter=3, batch_size=1, validation=0.5)
    if n_rows == 1:
        with pytest.warns(ValidationSetWarning, match="1 training rows cannot spare"):
            model.fit(X[:1], y[:1])
    else:
        model.fit(X[:n_rows], y[:n_rows])  # two rows can spare one
    assert len(model.validation_scores_) == model.n_iter_


def test_a_member_that_drew_every_row_trains_to_the_end_with_a_warning():
    X, y = problem("regressor")
    model = make("regressor", validation="oob", n_estimators=8, batch_size=2, max_samples=1.0)
    with pytest.warns(ValidationSetWarning, match="drew every training row") as caught:
        model.fit(X[:2], y[:2])
    assert len(caught) == 1  # once, not once a member
    unwatched = [member for member in model.members_ if member.validation_scores is None]
    assert 0 < len(unwatched) < 8  # each draws both of two rows with probability 1/2
    for member in unwatched:
        assert member.n_iter == 12
        assert member.best_iteration is None
    assert model.predict(X).shape == (96,)


# Why stop early -------------------------------------------------------------------------------


@BOTH
def test_stopping_early_regularizes(kind):
    X, y = problem(kind, n_rows=400, n_columns=20)
    train, held, test = slice(0, 400, 4), slice(1, 400, 4), [i for i in range(400) if i % 4 > 1]
    norms = []

    def score_and_note_the_norm(model, X, y):
        norms.append(np.linalg.norm(model.members_[0].weights))
        return by_hand(model, "loss", X, y)

    def test_loss(model):
        return -by_hand(model, "loss", X[test], y[test])

    model = make(
        kind, monitor=score_and_note_the_norm, max_iter=60, alpha=0.0, warm_start=True,
        learning_rate_init={"classifier": 0.01, "regressor": 0.03}[kind],
    )  # fmt: skip
    model.fit(X[train], y[train], X_val=X[held], y_val=y[held])
    (member,) = model.members_
    last = copy(member)
    last.theta = member.state.theta
    assert np.all(np.diff(norms[::5]) > 0)
    assert 1 < model.best_iteration_ < 30
    assert norms[model.best_iteration_ - 1] == np.linalg.norm(member.weights)
    assert norms[-1] == np.linalg.norm(last.weights)
    assert norms[-1] > 1.2 * norms[model.best_iteration_ - 1]
    assert test_loss(model) < 0.8 * test_loss(alone(model, last))


# partial_fit ----------------------------------------------------------------------------------


def stream(kind, n_calls=14, monitor="loss", given=True, n_estimators=1, **params):
    """The model after each call of partial_fit on the same rows, with or without X_val."""
    X, y = problem(kind)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    rows = {"X_val": X[:24], "y_val": y[:24]} if given else {}
    params |= {"early_stopping": "auto", "n_estimators": n_estimators}
    if given:
        params["monitor"] = monitor
    model = make(kind, **params)
    for _ in range(n_calls):
        yield copy(model.partial_fit(X[24:], y[24:], **classes, **rows))


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("monitor", ["loss", worst_case], ids=["loss", "callable"])
def test_a_stream_records_curves_and_keeps_the_best_beside(kind, n_estimators, monitor):
    X, y = problem(kind)
    calls = list(stream(kind, monitor=monitor, n_estimators=n_estimators))
    for i, member in enumerate(calls[-1].members_):
        after_each_call = [alone(model, model.members_[i]) for model in calls]
        expected = [by_hand(model, monitor, X[:24], y[:24]) for model in after_each_call]
        assert member.n_iter == 14
        np.testing.assert_allclose(member.validation_scores, expected, rtol=1e-9)
        assert len(member.validation_loss_curve) == 14
        best = last_argmax(member.validation_scores)
        assert member.best_iteration == best
        np.testing.assert_array_equal(
            member.best.theta, after_each_call[best - 1].members_[0].theta
        )
    assert any(member.best_iteration < 14 for member in calls[-1].members_)


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_validation_rows_leave_the_running_weights_of_a_stream_alone(kind, n_estimators):
    watching = list(stream(kind, n_estimators=n_estimators))
    plain = list(stream(kind, n_estimators=n_estimators, given=False))
    for a, b in zip(watching, plain, strict=True):
        assert same(a, b)


@BOTH
def test_a_stream_never_loses_patience(kind):
    *_, model = stream(kind, n_iter_no_change=1)
    assert model.n_iter_ == 14


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_restore_best_predicts_with_the_best_call_and_streams_on_from_the_running_one(
    kind, n_estimators
):
    X, y = problem(kind)
    *calls, model = stream(kind, n_estimators=n_estimators)
    running, best = copy(model), [member.best_iteration for member in model.members_]
    assert model.restore_best() is model
    for i, member in enumerate(model.members_):
        np.testing.assert_array_equal(member.theta, calls[best[i] - 1].members_[i].theta)
    assert not same(model, running)
    assert model.restore_best().members_[0].best_iteration == best[0]  # again: nothing changes
    assert same(model.partial_fit(X[24:], y[24:]), running.partial_fit(X[24:], y[24:]))


@BOTH
def test_a_call_without_validation_rows_does_not_forget_the_best(kind):
    X, y = problem(kind)
    *calls, model = stream(kind)
    best = model.best_iteration_
    model.partial_fit(X[24:], y[24:])
    assert model.best_iteration_ == best
    np.testing.assert_array_equal(
        model.restore_best().members_[0].theta, calls[best - 1].members_[0].theta
    )


@BOTH
def test_curves_have_one_entry_a_call_with_validation_rows_or_without(kind):
    X, y = problem(kind)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    given = {"X_val": X[:24], "y_val": y[:24]}
    model = make(kind, early_stopping="auto")
    for rows in ({}, {}, given, {}, given, given):
        model.partial_fit(X[24:], y[24:], **classes, **rows)
    scores = np.array(model.validation_scores_)
    assert len(scores) == len(model.validation_loss_curve_) == len(model.loss_curve_) == 6
    np.testing.assert_array_equal(np.isnan(scores), [True, True, False, True, False, False])
    assert scores[model.best_iteration_ - 1] == model.best_validation_score_ == np.nanmax(scores)


@BOTH
def test_a_fit_without_validation_leaves_a_gap_in_the_curves(kind):
    X, y = problem(kind)
    model = make(kind, warm_start=True, max_iter=3, early_stopping=False).fit(X, y)
    given = {"X_val": X[:9], "y_val": y[:9]}
    model.set_params(early_stopping=True).fit(X, y, **given)
    scores = np.array(model.validation_scores_)
    np.testing.assert_array_equal(np.isnan(scores), [True] * 3 + [False] * 3)
    assert scores[model.best_iteration_ - 1] == model.best_validation_score_


@BOTH
def test_each_call_of_a_stream_has_curves_of_its_own(kind):
    lengths = [model.n_iter_ for model in stream(kind, n_calls=5)]
    kept = [model.n_iter_ for model in list(stream(kind, n_calls=5))]
    assert lengths == kept == [1, 2, 3, 4, 5]


@BOTH
def test_callbacks_have_no_effect_in_a_stream_and_warn(kind):
    X, y = problem(kind)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    model = make(kind, early_stopping="auto").set_callbacks(StopAfter((1,)))
    with pytest.warns(IgnoredParameterWarning, match="set_callbacks have no effect"):
        model.partial_fit(X, y, **classes)


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_verbose_prints_a_line_for_each_call_and_member(kind, n_estimators, capsys):
    for _ in stream(kind, n_calls=3, n_estimators=n_estimators, verbose=1):
        pass
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * n_estimators
    assert all("validation_loss" in line for line in lines)
    assert [("member" in line) for line in lines] == [n_estimators > 1] * len(lines)


@BOTH
def test_a_stream_recovers_from_a_call_that_diverged(kind):
    X, y = problem(kind)
    classes = {"classes": [0, 1]} if kind == "classifier" else {}
    params = {"early_stopping": "auto", "solver": "sgd", "learning_rate_init": 1e-3}
    model = make(kind, **params).partial_fit(X, y, **classes)
    broken = X.copy()
    broken[0] = 1e308
    with pytest.warns(DivergenceWarning):
        model.partial_fit(broken, y)
    losses = [model.partial_fit(X, y).loss_curve_[-1] for _ in range(20)]
    assert model.n_iter_ == 21
    assert losses[-1] < losses[0]


@BOTH
def test_restore_best_needs_a_stream_with_validation_rows(kind):
    X, y = problem(kind)
    *_, plain = stream(kind, n_calls=2, given=False)
    for model in (plain, make(kind).fit(X, y)):
        with pytest.raises(ValueError, match="pass X_val and y_val to partial_fit"):
            model.restore_best()
