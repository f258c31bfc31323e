"""scikit-learn's callback protocol on both estimators, and the lines that verbose prints."""

import re
import sys
from collections import Counter

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
N_EPOCHS = 4
QUICK = {
    "hidden_layer_sizes": (4,), "max_iter": N_EPOCHS, "learning_rate": "constant",
    "random_state": 0,
}  # fmt: skip
LBFGS = {"solver": "lbfgs", "tol": 0.0}  # never there, so it takes all its iterations

ONE_NETWORK = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": LBFGS,
    "dropout and batchnorm": {"keep_prob": 0.8, "batchnorm": True},
    "early stopping": {"early_stopping": True, "validation": 0.3, "n_iter_no_change": None},
    "monitored": {"early_stopping": True, "validation": 0.3, "monitor": "r2"},
}
one_network = pytest.mark.parametrize("params", ONE_NETWORK.values(), ids=ONE_NETWORK)
quiet_lbfgs = pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")


def data(n_rows=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def scoring(cls):
    return "accuracy" if issubclass(cls, RegularizedMLPClassifier) else "r2"


class Recorder:
    """Notes every call; stops or raises at the epochs told to."""

    def __init__(self, stop_at=None, raise_at=None):
        self.stop_at, self.raise_at = stop_at, raise_at
        self.calls = []
        self.epochs = []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append(("begin", context.task_name))
        self.given = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name))
        if context.task_name != "epoch":
            return None
        if context.task_id == self.raise_at:
            raise RuntimeError("the callback failed")
        self.epochs.append((context.task_id, fitted_estimator.predict(X)))
        return context.task_id == self.stop_at


# The tree of tasks -----------------------------------------------------------------------------


@quiet_lbfgs
@estimators
@one_network
def test_a_fit_is_a_task_whose_subtasks_are_the_epochs(cls, params):
    recorder = Recorder()
    cls(**QUICK | params).set_callbacks(recorder).fit(*data())
    epoch = [("begin", "epoch"), ("end", "epoch")]
    inside = [("begin", "fit"), *N_EPOCHS * epoch, ("end", "fit")]
    assert recorder.calls == [("setup", "fit"), *inside, ("teardown", "fit")]
    assert [task_id for task_id, _ in recorder.epochs] == list(range(N_EPOCHS))


@estimators
def test_the_fit_of_a_committee_is_a_task_of_members_of_epochs(cls):
    recorder = Recorder()
    cls(**QUICK, n_estimators=3).set_callbacks(recorder).fit(*data())
    for hook in ("begin", "end"):
        counts = Counter(name for call, name in recorder.calls if call == hook)
        assert counts == {"fit": 1, "member": 3, "epoch": 3 * N_EPOCHS}


@quiet_lbfgs
@estimators
@pytest.mark.parametrize("params", [*ONE_NETWORK.values(), {"n_estimators": 3}], ids=str)
def test_watching_changes_nothing(cls, params):
    X, y = data()
    alone = cls(**QUICK | params).fit(X, y)
    watched = cls(**QUICK | params).set_callbacks(Recorder()).fit(X, y)
    assert_array_equal(watched.predict(X), alone.predict(X))
    assert set(vars(watched)) == set(vars(alone)) | {"_skl_callbacks"}


@quiet_lbfgs
@estimators
@pytest.mark.parametrize("name", ["adam", "sgd", "lbfgs", "dropout and batchnorm"])
def test_the_last_epoch_shows_the_fitted_model_and_the_first_does_not(cls, name):
    X, y = data()
    recorder = Recorder()
    params = {} if name == "lbfgs" else {"learning_rate_init": 0.1}
    model = cls(**QUICK | ONE_NETWORK[name] | params).set_callbacks(recorder).fit(X, y)
    _, first = recorder.epochs[0]
    _, last = recorder.epochs[-1]
    assert_array_equal(last, model.predict(X))
    assert np.any(first != last)


@estimators
def test_callbacks_get_the_data_as_the_user_gave_it(cls):
    X, y = data()
    weight = np.ones(len(y))
    recorder = Recorder()
    model = cls(**QUICK).set_callbacks(recorder)
    model.fit(X, y, sample_weight=weight)
    assert recorder.given[0] is X
    assert recorder.given[1] is y
    assert recorder.given[2]["sample_weight"] is weight
    model.fit(X, y)
    assert recorder.given[2] is None


# Stopping and failing --------------------------------------------------------------------------


@quiet_lbfgs
@estimators
@one_network
def test_a_callback_that_returns_true_stops_the_fit_after_that_epoch(cls, params):
    X, y = data()
    recorder = Recorder(stop_at=1)
    model = cls(**QUICK | params).set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 2
    assert recorder.calls[-2:] == [("end", "fit"), ("teardown", "fit")]
    as_short = cls(**QUICK | params | {"max_iter": 2}).fit(X, y)
    assert_array_equal(model.predict(X), as_short.predict(X))


@estimators
def test_a_callback_stops_each_member_of_a_committee(cls):
    model = cls(**QUICK, n_estimators=3).set_callbacks(Recorder(stop_at=1)).fit(*data())
    assert [member.n_iter for member in model.members_] == [2, 2, 2]


@estimators
def test_all_callbacks_are_called_in_the_epoch_in_which_one_stops(cls):
    first, second = Recorder(stop_at=0), Recorder()
    cls(**QUICK).set_callbacks(first, second).fit(*data())
    assert first.calls == second.calls


@estimators
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_teardown_is_called_when_the_fit_fails_and_nothing_is_left(cls, n_estimators):
    X, y = data()
    failing = Recorder(raise_at=1)
    model = cls(**QUICK, n_estimators=n_estimators).fit(X, y).set_callbacks(failing)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="the callback failed"):
        model.fit(X + 1.0, y)
    assert failing.calls[-1] == ("teardown", "fit")
    assert vars(model) == before


@estimators
def test_teardown_is_called_when_the_scorer_fails(cls):
    def scorer(estimator, X, y):
        raise ValueError("no score")

    recorder = Recorder()
    model = cls(**QUICK, early_stopping=True, monitor=scorer).set_callbacks(recorder)
    with pytest.raises(ValueError, match="no score"):
        model.fit(*data())
    assert recorder.calls[-1] == ("teardown", "fit")
    assert not hasattr(model, "members_")


@estimators
def test_callbacks_are_not_set_up_for_a_fit_that_cannot_begin(cls):
    recorder = Recorder()
    with pytest.raises(ValueError, match="alpha"):
        cls(alpha=-1).set_callbacks(recorder).fit(*data())
    assert recorder.calls == []


# scikit-learn's own callbacks ------------------------------------------------------------------

SETTINGS = {
    "one network": {},
    "committee": {"n_estimators": 3},
    "two jobs": {"n_estimators": 3, "n_jobs": 2},
    "lbfgs": LBFGS,
    "early stopping": {"early_stopping": True, "validation": 0.3, "n_iter_no_change": 2},
}
settings = pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)


@quiet_lbfgs
@estimators
@settings
def test_progress_bar_draws_and_changes_nothing(cls, params, capsys):
    pytest.importorskip("rich")
    X, y = data()
    model = cls(**QUICK | params)
    alone = clone(model).fit(X, y)
    model.set_callbacks(ProgressBar()).fit(X, y)
    assert "100%" in capsys.readouterr().out or "early_stopping" in params
    assert_array_equal(model.predict(X), alone.predict(X))


@quiet_lbfgs
@estimators
@settings
def test_scoring_monitor_scores_every_epoch_of_every_member(cls, params):
    X, y = data()
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK | params).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs()
    assert log.estimator_name == cls.__name__
    epochs = [row for row in log.data if row["task_name"] == "epoch"]
    assert len(epochs) == sum(member.n_iter for member in model.members_)
    [whole] = [row for row in log.data if row["task_name"] == "fit"]
    assert whole[scoring(cls)] == model.score(X, y)


@quiet_lbfgs
@estimators
@pytest.mark.parametrize("params", [{}, LBFGS, {"keep_prob": 0.8}, {"batchnorm": True}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_score_of_the_last_epoch_is_that_of_the_fitted_model(cls, params, weighted):
    X, y = data()
    weight = {"sample_weight": np.arange(len(y)) % 3} if weighted else {}
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK | params).set_callbacks(monitor).fit(X, y, **weight)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert epochs[-1]["task_id"] == N_EPOCHS - 1
    assert epochs[-1][scoring(cls)] == model.score(X, y, **weight)


@estimators
def test_the_score_of_a_member_is_that_of_its_last_epoch(cls):
    X, y = data()
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK, n_estimators=2).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    for i in range(2):
        [member] = [row for row in rows if row["task_name"] == "member" and row["task_id"] == i]
        epochs = [row for row in rows if row["parent_task_id_path"] == member["task_id_path"]]
        assert len(epochs) == N_EPOCHS
        assert member[scoring(cls)] == epochs[-1][scoring(cls)]
    assert len(model.members_) == 2


@estimators
def test_the_monitor_sees_a_data_frame_with_its_names(cls):
    pandas = pytest.importorskip("pandas")
    X, y = data()
    X = pandas.DataFrame(X, columns=["a", "b", "c"])
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK).set_callbacks(monitor).fit(X, y)  # a mismatch of names would warn
    assert monitor.get_logs().data[-1][scoring(cls)] == model.score(X, y)


@quiet_lbfgs
@estimators
@settings
def test_callbacks_inside_a_pipeline(cls, params, capsys):
    pytest.importorskip("rich")
    X, y = data()
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK | params).set_callbacks(monitor)
    pipeline = make_pipeline(StandardScaler(), model)
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == sum(member.n_iter for member in model.members_)


@estimators
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}], ids=str)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_callbacks_inside_a_grid_search(cls, params, n_jobs, capsys):
    pytest.importorskip("rich")
    X, y = data()
    monitor = ScoringMonitor(scoring=scoring(cls))
    model = cls(**QUICK | params).set_callbacks(monitor)
    search = GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=3, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    n_fits = 2 * 3 + 1  # candidates times splits, and the refit
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == n_fits * N_EPOCHS * params.get("n_estimators", 1)
    assert search.best_estimator_.score(X, y) == search.score(X, y)


@estimators
def test_user_callbacks_work_in_threads(cls):
    recorder = Recorder(stop_at=1)
    model = cls(**QUICK, n_estimators=3, n_jobs=2).set_callbacks(recorder)
    with joblib.parallel_config("threading"):
        model.fit(*data())
    assert len(recorder.epochs) == 3 * 2
    assert [member.n_iter for member in model.members_] == [2, 2, 2]


@estimators
def test_user_callbacks_stop_members_in_other_processes(cls):
    model = cls(**QUICK, n_estimators=3, n_jobs=2).set_callbacks(Recorder(stop_at=1)).fit(*data())
    assert [member.n_iter for member in model.members_] == [2, 2, 2]


@estimators
def test_a_warm_start_is_a_new_fit_for_callbacks(cls):
    recorder = Recorder()
    model = cls(**QUICK, warm_start=True).set_callbacks(recorder)
    model.fit(*data()).fit(*data())
    assert model.n_iter_ == 2 * N_EPOCHS
    assert [task_id for task_id, _ in recorder.epochs] == 2 * list(range(N_EPOCHS))


@estimators
def test_a_clone_keeps_its_callbacks(cls):
    recorder = Recorder()
    clone(cls(**QUICK).set_callbacks(recorder)).fit(*data())
    assert recorder.calls[-1] == ("teardown", "fit")


@estimators
def test_what_a_callback_keeps_of_an_epoch_stays_as_it_was(cls):
    class Keep(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                self.epochs.append((fitted_estimator, fitted_estimator.coefs_[0].copy()))

    keeper = Keep()
    cls(**QUICK).set_callbacks(keeper).fit(*data())
    assert len(keeper.epochs) == N_EPOCHS
    for fitted, W in keeper.epochs:
        assert_array_equal(fitted.coefs_[0], W)


# verbose ---------------------------------------------------------------------------------------


@quiet_lbfgs
@estimators
@one_network
def test_verbose_prints_one_line_an_epoch_without_extra_packages(cls, params, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    cls(**QUICK | params, verbose=1).fit(*data())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == N_EPOCHS
    for i, line in enumerate(lines, start=1):
        assert line.startswith(f"epoch {i}: loss ")
        assert ("validation_loss" in line) == ("early_stopping" in params)


@estimators
def test_verbose_prints_the_numbers_of_the_history(cls, capsys):
    model = cls(**QUICK, verbose=1).fit(*data())
    printed = re.findall(r"\bloss (\S+),", capsys.readouterr().out)
    assert [float(number) for number in printed] == pytest.approx(model.history_["loss"], rel=1e-4)


@estimators
def test_verbose_names_the_member_of_a_committee(cls, capsys):
    cls(**QUICK, n_estimators=2, verbose=True).fit(*data())
    lines = capsys.readouterr().out.splitlines()
    starts = [f"member {i}, epoch {j}: " for i in range(2) for j in range(1, N_EPOCHS + 1)]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


@estimators
def test_without_verbose_nothing_is_printed(cls, capsys):
    cls(**QUICK).fit(*data())
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
