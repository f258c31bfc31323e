"""The loop and L-BFGS: what is called when, what is recorded, and how a run ends."""

import numpy as np
import pytest
from training_examples import Recorder, make_run, rows

from skregnet import LBFGS, SGD, Adam, Cosine
from skregnet.core.losses import Poisson, SquaredError
from skregnet.core.penalties import ElasticNet
from skregnet.exceptions import DivergenceWarning, InterruptedFitWarning, NotConvergedWarning
from skregnet.training.lbfgs import minimize_lbfgs
from skregnet.training.schedules import ConstantRate, InverseScaling
from skregnet.training.trainer import train

L1 = ElasticNet(((0, 4, 6.0),), 1.0)
L2 = ElasticNet(((0, 4, 6.0),), 0.0)


def go(run, n_epochs, callbacks=(), recipe=None, horizon=None, weight_decay=0.0):
    stepper = (recipe or SGD(momentum=0.0)).start(run.theta, weight_decay)
    train(run, stepper, list(callbacks), n_epochs, horizon or n_epochs)
    return run


# The loop -------------------------------------------------------------------------------------


def test_plain_gradient_descent_by_hand():
    run = make_run(penalties=[L2], batch_size=10, rate=0.2)
    W, b = run.theta.layers[0].W.copy(), run.theta.layers[0].b.copy()
    X, Y = rows()
    losses = []
    for _ in range(3):
        total = 0.0
        for part in np.split(np.arange(30), 3):
            residual = X[part] @ W + b - Y[part]
            total += 0.5 * np.sum(residual**2)
            W, b = (
                W - 0.2 * (X[part].T @ residual / 10 + 6.0 / 30 * W),
                b - 0.2 * residual.mean(axis=0),
            )
        losses.append(total / 30)
    go(run, 3)
    np.testing.assert_allclose(run.theta.layers[0].W, W, rtol=1e-12)
    np.testing.assert_allclose(run.theta.layers[0].b, b, rtol=1e-12)
    # The loss is the mean of the batches as they were trained on, without a second pass.
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-12)
    assert run.history["penalty"][-1] == pytest.approx(3.0 / 30 * np.sum(W**2), rel=1e-12)


def test_batches_of_unequal_size_count_by_their_rows():
    run = make_run(batch_size=20, rate=1e-300)
    X, Y = rows()
    residual = X @ run.theta.layers[0].W + run.theta.layers[0].b - Y
    go(run, 1)
    assert run.history["loss"] == pytest.approx([0.5 * np.mean(residual**2)], rel=1e-12)


def test_callbacks_are_called_in_order_around_epochs_and_after_steps():
    recorder = Recorder()
    go(make_run(batch_size=15), 2, [recorder])
    assert recorder.events == [
        ("begin", 0), ("step", 0), ("step", 0), ("end", 1),
        ("begin", 1), ("step", 1), ("step", 1), ("end", 2),
    ]  # fmt: skip


def test_a_callback_stops_by_returning_true_and_all_are_called_even_so():
    first, stopping, last = Recorder(), Recorder(stop_after=2), Recorder()
    run = go(make_run(), 10, [first, stopping, last])
    assert run.n_epochs == 2
    assert first.events == stopping.events == last.events
    assert last.events[-1] == ("end", 2)
    assert run.notes == []


def test_the_history_has_one_entry_an_epoch():
    run = go(make_run(penalties=[L1]), 5)
    assert set(run.history) == {"loss", "penalty", "learning_rate", "seconds"}
    assert {len(curve) for curve in run.history.values()} == {5}
    assert all(isinstance(x, float) for curve in run.history.values() for x in curve)
    assert min(run.history["seconds"]) >= 0
    assert run.history["learning_rate"] == [0.1] * 5


@pytest.mark.parametrize(
    "earlier_fit, schedule",
    [(True, InverseScaling()), (False, InverseScaling()), (False, Cosine())],
    ids=["warm start", "checkpoint", "checkpoint with a horizon"],
)
def test_a_resumed_run_goes_on_with_its_history(earlier_fit, schedule):
    """Epochs of an earlier fit do not count towards `n_epochs`; those of this fit do."""
    first = go(make_run(schedule=schedule), 3, horizon=5)
    again = make_run(schedule=schedule, history=first.history)
    again.theta.data[:] = first.theta.data
    again.epochs_before = 3 if earlier_fit else 0
    go(again, 2 if earlier_fit else 5)
    whole = go(make_run(schedule=schedule), 5)
    assert again.n_epochs == 5
    assert again.n_epochs_of_fit == (2 if earlier_fit else 5)
    for name in ("loss", "penalty", "learning_rate"):
        assert again.history[name] == whole.history[name]


@pytest.mark.parametrize("recipe", [Adam(), SGD(momentum=0.9)], ids=str)
@pytest.mark.parametrize("penalties", [[], [L1], [L2]], ids=["no penalty", "L1", "L2"])
def test_the_rate_of_the_network_is_a_factor_of_the_learning_rate(recipe, penalties):
    params = {"hidden": 5, "penalties": penalties, "schedule": Cosine()}

    def trained(rate, network_rate):
        run = make_run(**params, rate=rate, network_rate=network_rate)
        return go(run, 20, recipe=recipe, weight_decay=0.1).theta.data

    once = trained(0.002 * 16, 1.0)
    np.testing.assert_allclose(trained(0.002, 16.0), once, rtol=1e-9, atol=1e-12)
    assert np.abs(trained(0.002, 1.0) - once).max() > 0.01


def test_a_schedule_with_a_horizon_changes_the_rate_step_by_step():
    rates = []

    class NoteRates(Cosine):
        def factor(self, progress, epochs, history):
            rates.append(progress)
            return super().factor(progress, epochs, history)

    go(make_run(schedule=NoteRates(), batch_size=10), 4)
    np.testing.assert_allclose(rates, np.arange(12) / 12, rtol=1e-14)


def test_a_schedule_without_a_horizon_is_asked_once_an_epoch():
    calls = []

    class NoteCalls(ConstantRate):
        def factor(self, progress, epochs, history):
            calls.append(len(history["loss"]))
            return 1.0

    go(make_run(schedule=NoteCalls(), batch_size=10), 4)
    assert calls == [0, 1, 2, 3]


@pytest.mark.parametrize("recipe", [SGD(0.0), SGD(0.9), Adam()], ids=str)
def test_the_prox_of_a_penalty_follows_each_step(recipe):
    run = make_run(penalties=[ElasticNet(((0, 4, 1e6),), 1.0)], rate=0.01)
    go(run, 1, recipe=recipe)
    np.testing.assert_array_equal(run.theta.layers[0].W, 0.0)
    assert np.all(run.theta.layers[0].b != 0)  # offsets are free


# Ends that nobody wished for ------------------------------------------------------------------


class MadRate(ConstantRate):
    """A rate that turns to `value` in the fourth epoch."""

    value = np.inf

    def factor(self, progress, epochs, history):
        return self.value if len(history["loss"]) == 3 else 1.0


class HugeRate(MadRate):
    """Weights stay finite, their loss does not."""

    value = 1e200


@pytest.mark.parametrize("schedule", [MadRate(), HugeRate()], ids=["weights", "loss"])
@pytest.mark.parametrize("batch_size", [30, 10])
@pytest.mark.parametrize("recipe", [SGD(0.9), Adam()], ids=str)
def test_divergence_ends_the_run_and_returns_to_the_last_whole_epoch(recipe, batch_size, schedule):
    run = make_run(schedule=schedule, batch_size=batch_size, hidden=3, rate=0.01)
    whole = go(make_run(batch_size=batch_size, hidden=3, rate=0.01), 3, recipe=recipe)
    seen = Recorder()
    go(run, 10, [seen], recipe=recipe)
    [(category, message)] = run.notes
    assert category is DivergenceWarning
    n_good = run.n_epochs
    assert f"infinite or NaN in epoch {n_good + 1}." in message
    assert message.endswith(f"The weights after epoch {n_good} are kept.")
    assert "learning_rate_init" in message
    assert {len(curve) for curve in run.history.values()} == {n_good}
    assert np.all(np.isfinite(run.history["loss"]))
    assert np.all(np.isfinite(run.theta.data))
    assert seen.events[-1][0] != "end"
    # A whole batch may end the fourth epoch with huge weights whose loss is seen in the fifth.
    assert n_good == 3 or (n_good == 4 and batch_size == 30 and isinstance(schedule, HugeRate))
    if n_good == 3:
        np.testing.assert_array_equal(run.theta.data, whole.theta.data)


def test_an_interrupted_run_returns_to_the_last_whole_epoch():
    run, steps = make_run(batch_size=10), []

    class CtrlC(Recorder):
        def on_step_end(self, run):
            steps.append(run.theta.data.copy())
            if len(steps) == 8:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(run, 10, [CtrlC()])
    run.interrupt()
    assert run.interrupted
    assert run.n_epochs == 2
    np.testing.assert_array_equal(run.theta.data, steps[5])
    [(category, message)] = run.notes
    assert category is InterruptedFitWarning
    assert message == ("Training was interrupted by the user. The weights after epoch 2 are kept.")


# L-BFGS ---------------------------------------------------------------------------------------


def lbfgs(run, max_epochs=200, tol=1e-9, callbacks=(), recipe=None):
    minimize_lbfgs(run, recipe or LBFGS(), list(callbacks), max_epochs, tol)
    return run


def gradient_of_smooth_part(run):
    [(X, Y, weight)] = run.batches.epoch()
    run.objective.step_gradient(run.theta, X, Y, weight)
    return run.objective.gradient.trainable.copy()


@pytest.mark.parametrize("hidden", [None, 3])
def test_lbfgs_stops_where_no_gradient_is_left(hidden):
    n_weights = 4 if hidden is None else 15
    run = lbfgs(
        make_run(batch_size=30, hidden=hidden, penalties=[ElasticNet(((0, n_weights, 1.0),), 0.0)]),
        tol=1e-7,
    )
    assert run.notes == []
    # SciPy may stop one digit earlier, where the objective falls by rounding alone.
    assert np.abs(gradient_of_smooth_part(run)).max() < 1e-6
    assert run.history["loss"][-1] < run.history["loss"][0]


def test_lbfgs_with_l1_ends_where_the_subgradient_holds_zero():
    run = lbfgs(make_run(batch_size=30, penalties=[L1]))
    W, g = run.theta.weights, gradient_of_smooth_part(run)
    zero = W == 0
    assert 0 < zero.sum() < len(W)
    assert np.all(np.abs(g[:4][zero]) <= 6.0 / 30)
    np.testing.assert_allclose(g[:4][~zero], -6.0 / 30 * np.sign(W[~zero]), rtol=1e-5)
    np.testing.assert_allclose(g[4:], 0.0, atol=1e-6)
    penalty = 6.0 / 30 * np.abs(W).sum()
    assert run.history["penalty"][-1] == pytest.approx(penalty, rel=1e-12)


def test_the_objective_of_lbfgs_never_rises():
    for penalty in (L1, L2):
        run = lbfgs(make_run(batch_size=30, penalties=[penalty]))
        objective = np.add(run.history["loss"], run.history["penalty"])
        assert np.all(np.diff(objective) <= 1e-14)
        assert len(objective) > 2


def test_an_iteration_of_lbfgs_is_an_epoch_for_callbacks():
    recorder = Recorder()
    run = lbfgs(make_run(batch_size=30, penalties=[L2]), callbacks=[recorder])
    expected = [event for k in range(run.n_epochs) for event in (("begin", k), ("end", k + 1))]
    assert recorder.events == expected
    assert np.all(np.isnan(run.history["learning_rate"]))
    assert {len(curve) for curve in run.history.values()} == {run.n_epochs}


@pytest.mark.parametrize("penalty", [L1, L2], ids=["L1", "L2"])
def test_callbacks_see_the_weights_of_the_iteration_whose_loss_is_recorded(penalty):
    X, Y = rows()
    deviations = []

    class Check(Recorder):
        def on_epoch_end(self, run):
            layer = run.theta.layers[0]
            loss = 0.5 * np.mean((X @ layer.W + layer.b - Y) ** 2)
            deviations.append(abs(loss / run.history["loss"][-1] - 1))
            deviations.append(
                abs(run.objective.penalty_value(run.theta) / run.history["penalty"][-1] - 1)
            )

    lbfgs(make_run(batch_size=30, penalties=[penalty]), callbacks=[Check()])
    assert len(deviations) > 4
    assert max(deviations) < 1e-12


@pytest.mark.parametrize("penalty", [L1, L2], ids=["L1", "L2"])
def test_a_callback_stops_lbfgs_without_a_complaint(penalty):
    thetas = []

    class Stop(Recorder):
        def on_epoch_end(self, run):
            thetas.append(run.theta.data.copy())
            return super().on_epoch_end(run)

    run = lbfgs(make_run(batch_size=30, penalties=[penalty]), callbacks=[Stop(stop_after=2)])
    assert run.n_epochs == 2
    assert run.notes == []
    np.testing.assert_array_equal(run.theta.data, thetas[-1])


def test_lbfgs_notes_that_it_has_not_converged():
    run = lbfgs(make_run(batch_size=30), max_epochs=2, tol=1e-12)
    [(category, message)] = run.notes
    assert category is NotConvergedWarning
    assert message.startswith("L-BFGS stopped after 2 iterations before the gradient fell below")
    assert "tol=1e-12" in message
    assert run.n_epochs == 2


def test_lbfgs_at_the_optimum_records_one_epoch_and_stays():
    run = lbfgs(make_run(batch_size=30, penalties=[L2]))
    again = make_run(batch_size=30, penalties=[L2])
    again.theta.data[:] = run.theta.data
    lbfgs(again, tol=1e-5, callbacks=[recorder := Recorder(stop_after=1)])
    assert again.n_epochs == 1
    assert recorder.events == [("begin", 0), ("end", 1)]
    np.testing.assert_array_equal(again.theta.data, run.theta.data)
    assert again.notes == []


class Breaks(SquaredError):
    """A loss that turns to NaN after some evaluations, and stays so."""

    def __init__(self, n_good):
        self.left = n_good

    def __call__(self, Y, raw, weight, d_raw):
        self.left -= 1
        value = super().__call__(Y, raw, weight, d_raw)
        return value if self.left >= 0 else np.nan


@pytest.mark.parametrize("n_good", [0, 1, 4])
def test_lbfgs_falls_back_to_the_last_good_iteration_when_the_loss_breaks(n_good):
    run = make_run(batch_size=30, loss=Breaks(n_good), hidden=3)
    start = run.theta.data.copy()
    lbfgs(run)
    [(category, message)] = run.notes
    assert category is DivergenceWarning
    assert np.all(np.isfinite(run.theta.data))
    assert np.all(np.isfinite(run.history["loss"]))
    assert {len(curve) for curve in run.history.values()} == {run.n_epochs}
    if run.n_epochs == 0:
        np.testing.assert_array_equal(run.theta.data, start)


def test_lbfgs_from_weights_without_a_finite_loss_says_so():
    run = make_run(batch_size=30, loss=Poisson())
    run.theta.layers[0].b[:] = 1e4  # exp(1e4) overflows
    lbfgs(run)
    assert [category for category, _ in run.notes] == [DivergenceWarning]
    assert run.n_epochs == 0
