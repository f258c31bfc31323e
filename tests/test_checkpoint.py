"""Checkpoints: a fit that died goes on where it was and gives the same model to the bit.

Run as a program, this file is the process that dies: see `die_or_finish`.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, KFold

from skregnet import (
    SWA,
    Checkpoint,
    Mixup,
    Quantile,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    Snapshot,
)
from skregnet.exceptions import InterruptedFitWarning
from skregnet.training import checkpoint
from skregnet.training.checkpoint import CheckpointWriter

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def problem(kind):
    if kind == "classifier":
        return make_classification(160, 8, n_informative=4, n_classes=3, flip_y=0.2, random_state=0)
    return make_regression(160, 8, noise=60.0, random_state=0)


def accuracy(model, X, y):
    return balanced_accuracy_score(y, model.predict(X))


def make(kind="classifier", **params):
    params = {
        "hidden_layer_sizes": (10,), "max_iter": 12, "learning_rate_init": 0.02, "batch_size": 40,
        "learning_rate": "constant", "random_state": 0, "early_stopping": False,
    } | params  # fmt: skip
    return ESTIMATORS[kind](**params)


WHOLE = {
    "solver": "adam", "keep_prob": 0.8, "input_keep_prob": 0.9, "batchnorm": True,
    "early_stopping": True, "validation": 0.25, "n_iter_no_change": 6, "n_estimators": 3,
    "max_iter": 80,
}  # fmt: skip


def outcome(model):
    """All that a fit found, but for the seconds that it took."""
    return [
        {
            "theta": member.theta,
            "best": (member.best_iteration, member.best_validation_score),
            "history": {k: v for k, v in member.history.items() if k != "seconds"},
        }
        for member in model.members_
    ]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a["theta"], b["theta"])
        assert a["best"] == b["best"]
        assert a["history"] == b["history"]


# A process that is killed ---------------------------------------------------------------------


def kill_this_process(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


class KillAfter:
    """A callback of scikit-learn's protocol that counts epochs and dies after one of a member."""

    def __init__(self, member=None, epoch=None):
        self.member, self.epoch = member, epoch
        self.n_epochs = 0

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.n_epochs += 1
            if (context.parent.task_id, context.task_id + 1) == (self.member, self.epoch):
                kill_this_process()


def lose_half_and_die(descriptor):
    """Die when half of the bytes have reached the file."""
    os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
    kill_this_process()


DEATHS_IN_A_WRITE = {  # name: (the function of os that never returns, what happens instead)
    "half written": ("fsync", lose_half_and_die),
    "written": ("fsync", kill_this_process),
    "not yet renamed": ("replace", kill_this_process),
}


def die_in_a_write(where, n):
    """Make this process die inside the n-th write."""
    name, death = DEATHS_IN_A_WRITE[where]
    original, n_calls = getattr(os, name), 0

    def patched(*args, **kwargs):
        nonlocal n_calls
        n_calls += 1
        return (death if n_calls == n else original)(*args, **kwargs)

    setattr(os, name, patched)


def die_or_finish(kind, params, file, every, result, member=None, epoch=None, write=None):
    """Fit with a checkpoint in `file`; die where told, else pickle the outcome into `result`."""
    if params.get("monitor") == "accuracy of this module":
        params["monitor"] = accuracy
    if write:
        die_in_a_write(*write)
    counter = KillAfter(member, epoch)
    model = make(kind, **params).set_callbacks(Checkpoint(file, every), counter)
    model.fit(*problem(kind))
    Path(result).write_bytes(pickle.dumps((outcome(model), counter.n_epochs)))


def run(folder, kind, params, every=1, **death):
    """Run `die_or_finish` in a process of its own; return the outcome, or None if it died."""
    result = folder / "result"
    file = folder / "fits" / "checkpoint"
    file.parent.mkdir(exist_ok=True)
    arguments = {
        "kind": kind, "params": params, "file": str(file), "every": every, "result": str(result),
    } | death  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(arguments)], capture_output=True, text=True
    )
    if death:
        assert done.returncode == -signal.SIGKILL, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    return pickle.loads(result.read_bytes())


@pytest.mark.parametrize("member, epoch", [(0, 2), (1, 8), (2, 5)])
def test_killed_and_resumed_is_uninterrupted_to_the_bit(member, epoch, tmp_path):
    every = 3
    run(tmp_path, "classifier", WHOLE, every=every, member=member, epoch=epoch)
    found, n_epochs = run(tmp_path, "classifier", WHOLE, every=every)
    uninterrupted = make(**WHOLE).fit(*problem("classifier"))
    assert_same(found, outcome(uninterrupted))
    lengths = [m.n_iter for m in uninterrupted.members_]
    assert max(lengths) < WHOLE["max_iter"]  # early stopping is part of what is resumed
    # Nothing that a checkpoint held was trained again.
    kept = [*lengths[:member], epoch]
    assert n_epochs == sum(lengths) - sum(n // every * every for n in kept)
    assert list((tmp_path / "fits").iterdir()) == []


def test_a_fit_may_die_again_and_again(tmp_path):
    for member, epoch in [(0, 3), (0, 4), (2, 1)]:  # epochs are counted from the restart
        run(tmp_path, "regressor", WHOLE, member=member, epoch=epoch)
    found, _ = run(tmp_path, "regressor", WHOLE)
    assert_same(found, outcome(make("regressor", **WHOLE).fit(*problem("regressor"))))


@pytest.mark.parametrize("where", DEATHS_IN_A_WRITE)
def test_death_in_the_middle_of_a_write_leaves_the_checkpoint_before(where, tmp_path):
    params = {"keep_prob": 0.8}
    run(tmp_path, "regressor", params, write=(where, 5))
    file = tmp_path / "fits" / "checkpoint"
    _, member = pickle.loads(file.read_bytes())
    four = make("regressor", **params | {"max_iter": 4}).fit(*problem("regressor"))
    assert_same(outcome(four), [{
        "theta": member.theta, "best": (None, None),
        "history": {k: v for k, v in member.history.items() if k != "seconds"},
    }])  # fmt: skip
    found, n_epochs = run(tmp_path, "regressor", params)
    assert n_epochs == 8
    assert_same(found, outcome(make("regressor", **params).fit(*problem("regressor"))))
    assert list((tmp_path / "fits").iterdir()) == []  # half a file is not left behind for ever


def test_death_in_the_first_write_leaves_no_checkpoint(tmp_path):
    run(tmp_path, "regressor", {}, write=("half written", 1))
    assert not (tmp_path / "fits" / "checkpoint").exists()
    found, n_epochs = run(tmp_path, "regressor", {})
    assert n_epochs == 12
    assert_same(found, outcome(make("regressor").fit(*problem("regressor"))))


def test_a_function_of_the_user_is_the_same_function_in_a_new_process(tmp_path):
    params = {
        "early_stopping": True, "validation": 0.25, "monitor": "accuracy of this module",
        "n_estimators": 2,
    }  # fmt: skip
    run(tmp_path, "classifier", params, member=1, epoch=5)
    found, _ = run(tmp_path, "classifier", params)
    expected = make(**params | {"monitor": accuracy}).fit(*problem("classifier"))
    assert_same(found, outcome(expected))


# A fit that raises ----------------------------------------------------------------------------


class PowerCut(Exception):
    """What ends a fit in this process."""


@pytest.fixture
def cut(monkeypatch):
    """``cut(n)`` raises after the n-th epoch of the fits to come, ``cut(None)`` never again."""
    original = CheckpointWriter.on_epoch_end

    def after(n):
        n_epochs = 0

        def on_epoch_end(self, run):
            nonlocal n_epochs
            n_epochs += 1
            original(self, run)
            if n_epochs == n:
                raise PowerCut

        monkeypatch.setattr(CheckpointWriter, "on_epoch_end", on_epoch_end)
        return lambda: n_epochs

    return after


def files(folder):
    return sorted(path.name for path in folder.iterdir())


STOPPED = {"early_stopping": True, "validation": 0.25, "n_iter_no_change": None}
CONFIGURATIONS = {
    "constant rate": {},
    "stopped at the defaults": STOPPED | {"learning_rate": "auto"},
    "adam": {"solver": "adam", "batchnorm": "after", "keep_prob": 0.7, "l1_ratio": 0.5},
    "sgd": {"solver": "sgd", "weight_decay": 0.01, "max_norm": 2.0},
    "noise": {"hidden_noise": 0.1, "weight_noise": 0.05, "group_norm": 2},
    "augmentation": {"augmentation": ["random_choice", Mixup()]},
    "warm-up": {"learning_rate": "onecycle", "warmup": 5.5, "clip_norm": 0.5},
    "robust": {"scaling": "robust", "loss": Quantile(0.3)},
    "committee": {"n_estimators": 2},
    "cosine": {"learning_rate": "cosine"},
    "adaptive": {"learning_rate": "adaptive"},
    "early stopping": STOPPED | {"monitor": "neg_mean_squared_error"},
    "splitter": STOPPED | {"validation": KFold(3)},
    "out-of-bag": STOPPED | {"validation": "oob", "n_estimators": 2},
    "refit": STOPPED | {"refit": True, "batchnorm": True},
    "refit of a committee": STOPPED | {"refit": True, "n_estimators": 2, "bootstrap": True},
    "ema": {"averaging": "ema", "batchnorm": True},
    "ema, stopped": STOPPED | {"averaging": "ema"},
    "swa": {"averaging": SWA(0.3)},
    "snapshot": {"averaging": Snapshot(3), "learning_rate": "cosine"},
    "scored": {"n_estimators": 8, "oob_score": True, "max_samples": 0.3, "max_iter": 3},
}


def total_epochs(cut, model, X, y, path):
    count = cut(None)
    model.set_callbacks(Checkpoint(path)).fit(X, y)
    return count()


@pytest.mark.parametrize(
    "name, every",
    [(name, 1) for name in CONFIGURATIONS] + [(name, 4) for name in ("committee", "ema", "refit")],
)
def test_every_configuration_goes_on_to_the_bit(name, every, cut, tmp_path):
    X, y = problem("regressor")
    model = make("regressor", **CONFIGURATIONS[name])
    expected = outcome(clone(model).fit(X, y))
    total = total_epochs(cut, clone(model), X, y, tmp_path / "whole")
    for n in (1, total // 2 + 1, total):
        cut(n)
        died = clone(model).set_callbacks(Checkpoint(tmp_path / "file", every))
        with pytest.raises(PowerCut):
            died.fit(X, y)
        assert not hasattr(died, "members_")
        count = cut(None)
        resumed = clone(model).set_callbacks(Checkpoint(tmp_path / "file", every)).fit(X, y)
        assert_same(outcome(resumed), expected)
        assert count() <= total - n // every * every + model.n_estimators * (every - 1)
        assert files(tmp_path) == []


@BOTH
def test_a_checkpoint_changes_nothing(kind, tmp_path):
    X, y = problem(kind)
    with_one = make(kind, keep_prob=0.7).set_callbacks(Checkpoint(tmp_path / "file")).fit(X, y)
    assert_same(outcome(with_one), outcome(make(kind, keep_prob=0.7).fit(X, y)))
    assert with_one.members_[0].state is None


def test_a_warm_start_goes_on_within_its_second_fit(cut, tmp_path):
    X, y = problem("regressor")
    expected = make("regressor", max_iter=24).fit(X, y)
    cut(None)
    model = make("regressor", warm_start=True).set_callbacks(Checkpoint(tmp_path / "file"))
    model.fit(X, y)
    cut(5)
    with pytest.raises(PowerCut):
        model.fit(X, y)
    assert model.n_iter_ == 12  # as it was
    count = cut(None)
    model.fit(X, y)
    assert count() == 7
    assert_same(outcome(model), outcome(expected))


def test_members_may_go_on_in_other_processes(cut, tmp_path):
    X, y = problem("regressor")
    model = make("regressor", n_estimators=3)
    expected = outcome(clone(model).fit(X, y))
    cut(20)
    died = clone(model).set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(PowerCut):
        died.fit(X, y)
    assert files(tmp_path) == ["file-member0", "file-member1"]
    cut(None)
    resumed = clone(model).set_params(n_jobs=2).set_callbacks(Checkpoint(tmp_path / "file"))
    assert_same(outcome(resumed.fit(X, y)), expected)
    assert files(tmp_path) == []


@pytest.mark.parametrize("every, n_writes", [(1, 12), (5, 2), (12, 1), (13, 0)])
def test_every_so_many_epochs_one_file_is_written(every, n_writes, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoint, "write_atomically", lambda file, _: written.append(file.name))
    make("regressor").set_callbacks(Checkpoint(tmp_path / "file", every)).fit(*problem("regressor"))
    assert written == ["file"] * n_writes


def test_each_member_has_its_file_and_all_are_removed_in_the_end(cut, tmp_path):
    X, y = problem("regressor")
    model = make("regressor", n_estimators=3).set_callbacks(Checkpoint(tmp_path / "file"))
    cut(30)
    with pytest.raises(PowerCut):
        model.fit(X, y)
    assert files(tmp_path) == ["file-member0", "file-member1", "file-member2"]
    cut(None)
    model.fit(X, y)
    assert files(tmp_path) == []


class CtrlC(KillAfter):
    """Ctrl-C instead of death."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.n_epochs += 1
            if self.n_epochs == self.epoch:
                raise KeyboardInterrupt


@pytest.mark.parametrize("params, epoch", [({}, 5), ({"n_estimators": 3}, 17)], ids=str)
def test_ctrl_c_keeps_the_checkpoint_to_go_on_from(params, epoch, cut, tmp_path):
    X, y = problem("regressor")
    count = cut(None)
    model = make("regressor", **params)
    stopped = clone(model).set_callbacks(Checkpoint(tmp_path / "file"), CtrlC(epoch=epoch))
    with pytest.warns(InterruptedFitWarning):
        stopped.fit(X, y)
    assert sum(member.n_iter for member in stopped.members_) == epoch
    assert files(tmp_path) != []
    resumed = clone(model).set_callbacks(Checkpoint(tmp_path / "file")).fit(X, y)
    assert count() == 12 * model.n_estimators
    assert_same(outcome(resumed), outcome(clone(model).fit(X, y)))
    assert files(tmp_path) == []


# What survives --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dumps", "fsync", "replace"])
def test_the_old_file_survives_an_exception_in_a_write(name, tmp_path, monkeypatch):
    X, y = problem("regressor")
    expected = outcome(make("regressor").fit(X, y))
    where = os
    if name == "dumps":  # of this one module, for others pickle as well
        where = SimpleNamespace(dumps=pickle.dumps, loads=pickle.loads)
        monkeypatch.setattr(checkpoint, "pickle", where)
    original, n_calls = getattr(where, name), 0

    def failing(*args, **kwargs):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 4:
            raise OSError("no space left on device")
        return original(*args, **kwargs)

    model = make("regressor").set_callbacks(Checkpoint(tmp_path / "file"))
    with monkeypatch.context() as patch:
        patch.setattr(where, name, failing)
        with pytest.raises(OSError, match="no space left"):
            model.fit(X, y)
    assert files(tmp_path) == ["file"]
    _, member = pickle.loads((tmp_path / "file").read_bytes())
    assert member.n_iter == 3
    assert_same(outcome(model.fit(X, y)), expected)


# What is not the same fit ---------------------------------------------------------------------


def refused(tmp_path, cut, first, second, fit=None, fit_again=None):
    """Whether a checkpoint of the first fit is refused by the second one."""
    X, y = problem("regressor")
    fit = {"X": X, "y": y} if fit is None else fit
    cut(3)
    with pytest.raises(PowerCut):
        first.set_callbacks(Checkpoint(tmp_path / "file")).fit(**fit)
    cut(None)
    before = (tmp_path / "file").read_bytes()
    second.set_callbacks(Checkpoint(tmp_path / "file"))
    try:
        second.fit(**fit | (fit_again or {}))
    except ValueError as error:
        assert "belongs to a fit with other data or hyperparameters" in str(error)
        assert (tmp_path / "file").read_bytes() == before
        return True
    return False


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.7},
        {"keep_prob": 0.9},
        {"max_iter": 13},
        {"learning_rate_init": 0.03},
        {"random_state": 1},
        {"averaging": "ema"},
        {"solver": "sgd"},
        {"n_estimators": 2, "bootstrap": True},
    ],
    ids=str,
)
def test_other_hyperparameters_raise(params, cut, tmp_path):
    if "n_estimators" in params:
        first, second = make("regressor", n_estimators=3), make("regressor", **params)
        cut(3)
        with pytest.raises(PowerCut):
            first.set_callbacks(Checkpoint(tmp_path / "file")).fit(*problem("regressor"))
        cut(None)
        with pytest.raises(ValueError, match="other data or hyperparameters"):
            second.set_callbacks(Checkpoint(tmp_path / "file")).fit(*problem("regressor"))
    else:
        assert refused(tmp_path, cut, make("regressor"), make("regressor", **params))


def test_other_arrays_among_the_hyperparameters_raise(cut, tmp_path):
    init = [np.random.default_rng(0).normal(0, 0.1, shape) for shape in [(8, 400), (400, 1)]]
    other = deepcopy(init)
    other[0][4, 200] += 1.0
    first, second = (make("regressor", hidden_layer_sizes=(400,), init=i) for i in (init, other))
    assert refused(tmp_path, cut, first, second)


@pytest.mark.parametrize("params", [{"n_jobs": 1}, {"verbose": 1}], ids=str)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.IgnoredParameterWarning")
def test_what_does_not_change_the_model_may_change(params, cut, tmp_path, capsys):
    assert not refused(tmp_path, cut, make("regressor"), make("regressor", **params))


X, Y = problem("regressor")
OTHER_DATA = {
    "X": {"X": np.where(np.arange(160)[:, np.newaxis] == 7, X + 1, X)},
    "y": {"y": np.where(np.arange(160) == 7, Y + 1, Y)},
    "fewer rows": {"X": X[1:], "y": Y[1:]},
    "sample_weight": {"sample_weight": np.arange(1.0, 161.0)},
    "X_val": {"X_val": X[:20] + 1},
    "y_val": {"y_val": Y[:20] + 1},
    "sample_weight_val": {"sample_weight_val": np.arange(1.0, 21.0)},
}


@pytest.mark.parametrize("name", OTHER_DATA)
def test_other_data_raise(name, cut, tmp_path):
    fit = {"X": X, "y": Y}
    params = {}
    if name.endswith("_val"):
        fit |= {"X_val": X[:20], "y_val": Y[:20]}
        params = {"early_stopping": True}
    first, second = make("regressor", **params), make("regressor", **params)
    assert refused(tmp_path, cut, first, second, fit, OTHER_DATA[name])


# Where it cannot act --------------------------------------------------------------------------


def test_lbfgs_raises(tmp_path):
    model = RegularizedMLPRegressor(solver="lbfgs", random_state=0)
    with pytest.raises(ValueError, match="Checkpoint cannot be used with solver='lbfgs'"):
        model.set_callbacks(Checkpoint(tmp_path / "file")).fit(X, Y)


@pytest.mark.parametrize("state", [None, np.random.RandomState(0)], ids=["None", "RandomState"])
def test_a_fit_that_cannot_be_repeated_raises(state, tmp_path):
    model = make("regressor", random_state=state).set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match="Checkpoint needs an int random_state"):
        model.fit(X, Y)
    assert files(tmp_path) == []


def test_a_numpy_int_is_an_int(tmp_path):
    model = make("regressor", random_state=np.int64(0))
    model.set_callbacks(Checkpoint(tmp_path / "file", every=np.int64(2))).fit(X, Y)
    assert_same(outcome(model), outcome(make("regressor").fit(X, Y)))


@pytest.mark.parametrize("every", [0, -1, 2.5, "often", None])
def test_every_is_a_positive_int(every):
    with pytest.raises(ValueError, match="'every' parameter of Checkpoint must be a positive int"):
        Checkpoint("file", every)


# Searches -------------------------------------------------------------------------------------


def search(folder, **params):
    model = make("regressor", max_iter=5).set_callbacks(Checkpoint(folder / "file"))
    return GridSearchCV(model, {"alpha": [0.1, 1.0, 10.0]}, cv=2, error_score="raise", **params)


def test_the_fits_of_a_search_do_not_share_a_file(tmp_path, monkeypatch):
    written = []

    def note(file, content, original=checkpoint.write_atomically):
        written.append(file.name)
        original(file, content)

    monkeypatch.setattr(checkpoint, "write_atomically", note)
    search(tmp_path).fit(X, Y)
    fits = list(dict.fromkeys(written))
    assert len(fits) == 3 * 2 + 1  # candidates, folds, and the last fit on all rows
    assert written == [name for name in fits for _ in range(5)]
    assert files(tmp_path) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_goes_on_with_the_fit_that_died(n_jobs, cut, tmp_path):
    plain = GridSearchCV(make("regressor", max_iter=5), {"alpha": [0.1, 1.0, 10.0]}, cv=2)
    plain.fit(X, Y)
    cut(18)  # in the third epoch of the fourth of the seven fits
    with pytest.raises(PowerCut):
        search(tmp_path).fit(X, Y)
    assert len(files(tmp_path)) == 1
    cut(None)
    found = search(tmp_path, n_jobs=n_jobs).fit(X, Y)
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], plain.cv_results_[name])
    assert_same(outcome(found.best_estimator_), outcome(plain.best_estimator_))
    assert files(tmp_path) == []


if __name__ == "__main__":
    die_or_finish(**json.loads(sys.argv[1]))
