"""Callbacks of a run: printing, and the bridge to scikit-learn's callbacks."""

from types import SimpleNamespace

import pytest
from sklearn.datasets import make_regression
from training_examples import make_run

from skregnet import SGD, RegularizedMLPRegressor
from skregnet.training.callbacks import Callback, PrintProgress, SklearnCallbacks
from skregnet.training.optimizers import SOLVERS
from skregnet.training.trainer import train


def test_the_base_class_does_nothing_and_stops_nothing():
    run = make_run()
    train(run, SGD().start(run.theta, 0.0), [Callback()], 3, horizon=3)
    assert run.n_epochs == 3


def test_print_progress_prints_the_newest_entries_of_the_history(capsys):
    history = {"loss": [3.0, 0.25], "penalty": [0.0, 1e-7], "validation_score": [1.0, -2.5]}
    run = SimpleNamespace(history=history, n_epochs=2)
    assert not PrintProgress("member 1, ").on_epoch_end(run)
    out = capsys.readouterr().out
    assert out == "member 1, epoch 2: loss 0.25, penalty 1e-07, validation_score -2.5\n"


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_prints_one_line_an_epoch(solver, capsys):
    X, y = make_regression(30, 3, noise=5.0, random_state=0)
    params = {"solver": solver, "hidden_layer_sizes": (), "random_state": 0}
    model = RegularizedMLPRegressor(**params, max_iter=30, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[0].startswith(f"epoch 1: loss {model.history_['loss'][0]:.5g}, penalty ")
    RegularizedMLPRegressor(**params, max_iter=30, verbose=0).fit(X, y)
    assert capsys.readouterr().out == ""


def test_verbose_names_the_members_of_a_committee(capsys):
    X, y = make_regression(30, 3, random_state=0)
    RegularizedMLPRegressor((3,), max_iter=2, n_estimators=2, verbose=1).fit(X, y)
    starts = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert starts == [f"member {j}, epoch {epoch}" for j in (0, 1) for epoch in (1, 2)]


class FakeTask:
    """A task of scikit-learn's callback tree that notes what it is told."""

    def __init__(self, notes, stop_at=None):
        self.notes, self.stop_at = notes, stop_at

    def subcontext(self, task_name):
        self.notes.append(("subcontext", task_name))
        return FakeTask(self.notes, self.stop_at)

    def call_on_fit_task_begin(self, *, estimator, **arguments):
        self.notes.append(("begin", estimator, arguments))

    def call_on_fit_task_end(self, *, estimator, reconstruction_attributes, **arguments):
        self.notes.append(("end", estimator, arguments, reconstruction_attributes))
        return sum(note[0] == "end" for note in self.notes) == self.stop_at


def test_the_bridge_opens_and_closes_a_task_an_epoch_and_hands_the_stop_on():
    notes, run = [], make_run()
    arguments = {"X": "rows", "y": "targets", "metadata": None}
    bridge = SklearnCallbacks("the estimator", FakeTask(notes, stop_at=3), arguments)
    run.as_member = lambda: ("a member after epoch", run.n_epochs)
    train(run, SGD().start(run.theta, 0.0), [bridge], 10, horizon=10)
    assert run.n_epochs == 3
    assert [note[0] for note in notes] == ["subcontext", "begin", "end"] * 3
    assert {note[1] for note in notes} == {"epoch", "the estimator"}
    assert all(note[2] == arguments for note in notes if note[0] != "subcontext")
    # The fitted attributes are made on demand, from the run of the moment.
    assert notes[-1][3]() == {"members_": [("a member after epoch", 3)]}
