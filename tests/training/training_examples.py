"""A small regression put together from parts of the engine, and callbacks that take notes."""

import numpy as np

from skregnet.core.activations import ACTIVATIONS
from skregnet.core.dense import Dense
from skregnet.core.initializers import Xavier
from skregnet.core.losses import SquaredError
from skregnet.core.network import Network
from skregnet.core.objective import Objective
from skregnet.training.batches import Batches
from skregnet.training.callbacks import Callback
from skregnet.training.schedules import ConstantRate
from skregnet.training.trainer import Run

N_ROWS, N_COLUMNS = 30, 4


def rows(n_rows=N_ROWS):
    """X of shape (n, 4) and Y of shape (n, 1), linear but for noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, N_COLUMNS))
    return X, X @ [[1.0], [-0.5], [0.0], [0.3]] + 0.1 * rng.normal(size=(n_rows, 1))


def make_batches(X, Y, weight=None, *, batch_size=10, shuffle=False, seed=0, **params):
    params = {"min_rows": 1, "transforms": (), "dense": False} | params
    return Batches(
        X, Y, weight, batch_size=batch_size, shuffle=shuffle,
        shuffle_rng=np.random.default_rng(seed), transform_rng=np.random.default_rng(seed + 1),
        **params,
    )  # fmt: skip


def make_run(
    *, hidden=None, penalties=(), schedule=None, rate=0.1, network_rate=1.0, history=None,
    loss=None, **of_batches,
):  # fmt: skip
    """A run over `rows`: linear, or with one hidden layer of tanh units."""
    X, Y = rows()
    layers = [Dense(N_COLUMNS, hidden or 1, Xavier())]
    if hidden:
        layers += [ACTIVATIONS["tanh"](), Dense(hidden, 1, Xavier())]
    network = Network(tuple(layers), network_rate)
    objective = Objective(network, loss or SquaredError(), penalties, len(X), np.float64)
    theta = network.initialize(np.random.default_rng(3), np.float64)
    history = {} if history is None else history
    batches = make_batches(X, Y, **of_batches)
    return Run(objective, theta, batches, schedule or ConstantRate(), rate, history)


class Recorder(Callback):
    """Notes which hook was called after how many epochs; stops after `stop_after` epochs."""

    def __init__(self, stop_after=None):
        self.events = []
        self.stop_after = stop_after

    def on_epoch_begin(self, run):
        self.events.append(("begin", run.n_epochs))

    def on_step_end(self, run):
        self.events.append(("step", run.n_epochs))

    def on_epoch_end(self, run):
        self.events.append(("end", run.n_epochs))
        return run.n_epochs == self.stop_after
