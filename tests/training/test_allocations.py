"""After the first epoch training allocates next to nothing: all large arrays are reused."""

import tracemalloc

import numpy as np
import pytest
from plain import plain

from skregnet import SGD, RegularizedMLPClassifier
from skregnet.training.batches import Batches
from skregnet.training.callbacks import Callback
from skregnet.training.trainer import train

WIDTH, BATCH, N_ROWS = 128, 128, 1280
ONE_BATCH_OF_ACTIVATIONS = 2 * BATCH * WIDTH * 4  # two layers in single precision


class Memory(Callback):
    """Traced bytes at the begin of each epoch, and their peak within it."""

    def __init__(self):
        self.at_begin, self.peaks = [], []

    def on_epoch_begin(self, run):
        if self.at_begin:
            self.peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        self.at_begin.append(tracemalloc.get_traced_memory()[0])


def traced(monkeypatch, **params):
    memory = Memory()
    original = train

    def train_watched(run, stepper, callbacks, *args):
        return original(run, stepper, [*callbacks, memory], *args)

    monkeypatch.setattr("skregnet.fitting.train", train_watched)
    X = np.random.default_rng(0).normal(size=(N_ROWS, 30)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    common = {
        "hidden_layer_sizes": (WIDTH, WIDTH), "batch_size": BATCH, "max_iter": 8,
        "early_stopping": False, "random_state": 0,
    }  # fmt: skip
    model = RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **common | params))
    tracemalloc.start()
    try:
        model.fit(X, y)
    finally:
        tracemalloc.stop()
    return memory


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": SGD()},
        {"keep_prob": 0.8, "input_keep_prob": 0.9},
        {"batchnorm": True},
        {"group_norm": 4},
        {"l1_ratio": 1.0, "alpha": 1.0},
        {"hidden_noise": 0.1, "weight_noise": 0.01},
        {"activation": "tanh"},
        {"averaging": "ema"},
    ],
    ids=str,
)
def test_an_epoch_allocates_less_than_one_batch_of_activations(params, monkeypatch):
    memory = traced(monkeypatch, **params)
    growth = np.diff(memory.at_begin[2:])
    assert len(growth) == 5
    assert np.mean(growth) < 64_000
    above_begin = np.subtract(memory.peaks[2:], memory.at_begin[2:-1])
    assert np.max(above_begin) < ONE_BATCH_OF_ACTIVATIONS


def test_the_order_of_the_rows_is_renewed_in_place():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    batches = Batches(
        X, X, None, batch_size=20, shuffle=True, min_rows=1, transforms=(), dense=False,
        shuffle_rng=np.random.default_rng(1), transform_rng=rng,
    )  # fmt: skip
    order, expected = batches.order, np.random.default_rng(1)
    for _ in range(3):
        rows = np.concatenate([X_batch.copy() for X_batch, _, _ in batches.epoch()])
        assert batches.order is order
        # Each epoch shuffles 0, 1, 2, ... anew: a resumed fit needs the generator alone.
        permuted = np.arange(50)
        expected.shuffle(permuted)
        np.testing.assert_array_equal(rows, X[permuted])
