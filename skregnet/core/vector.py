"""All numbers of one network in one array: [ weights | offsets | statistics ]."""

from dataclasses import dataclass
from math import prod
from types import SimpleNamespace

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

ZONES = ("weights", "offsets", "statistics")


@dataclass(frozen=True)
class Slot:
    """One array that a layer needs.

    `zone` says who may touch it: the penalty sees "weights"; optimizers and the gradient check
    see "weights" and "offsets"; "statistics" are written by the forward pass alone.

    An optimizer multiplies its rate by `rate`, and moves the numbers as if they were stored in
    units of `unit`: theta = unit u, and u is what it steps along.
    """

    name: str
    shape: tuple[int, ...]
    zone: str
    rate: float = 1.0
    unit: float = 1.0


@dataclass(frozen=True)
class Block:
    """Where a slot lies in the vector: ``vector.data[start:stop].reshape(shape)``."""

    layer: int
    name: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Stretch:
    """Neighbouring trainable numbers that an optimizer treats alike; see `Slot`."""

    start: int
    stop: int
    rate: float
    unit: float


class Layout:
    """The map from layers' slots to places in the vector.

    Parameters
    ----------
    slots_of_layers : list of lists of Slot
        For each layer the arrays that it needs.
    rate : float, default=1.0
        What the rates of all slots are multiplied by.

    Attributes
    ----------
    blocks : list of Block
        All slots, zone by zone and within a zone in the order of the layers.
    n_weights, n_trainable, size : int
        Ends of the zones "weights", "offsets" and "statistics".
    stretches : list of Stretch
        The trainable numbers, cut only where the rate or the unit changes.
    """

    def __init__(self, slots_of_layers, rate=1.0):
        self.rate = rate
        self.n_layers = len(slots_of_layers)
        self.blocks = []
        self.stretches = []
        ends = []
        position = 0
        for zone in ZONES:
            for index, slots in enumerate(slots_of_layers):
                for slot in slots:
                    if slot.zone == zone:
                        start, position = position, position + prod(slot.shape)
                        self.blocks.append(Block(index, slot.name, slot.shape, start, position))
                        if zone != "statistics":
                            self._stretch(start, position, slot)
            ends.append(position)
        self.n_weights, self.n_trainable, self.size = ends

    def _stretch(self, start, stop, slot):
        rate = self.rate * slot.rate
        last = self.stretches[-1] if self.stretches else None
        if last and (last.rate, last.unit) == (rate, slot.unit):
            start = self.stretches.pop().start
        self.stretches.append(Stretch(start, stop, rate, slot.unit))

    @property
    def weight_blocks(self):
        """The blocks of the zone "weights": one weight matrix each."""
        return [block for block in self.blocks if block.stop <= self.n_weights]

    @property
    def trainable_blocks(self):
        """The blocks that an optimizer moves."""
        return [block for block in self.blocks if block.stop <= self.n_trainable]


class Vector:
    """One flat array and the views on it that layers, penalties and optimizers use.

    Attributes
    ----------
    data : ndarray of shape (layout.size,)
        The numbers themselves; every other attribute is a view.
    weights, trainable, statistics : ndarray
        The zones: penalised, trained (weights included), and written by the forward pass.
    layers : list of SimpleNamespace
        For each layer its arrays by name, in their own shapes.
    """

    def __init__(self, layout, data):
        self.layout = layout
        self.data = data
        self.weights = data[: layout.n_weights]
        self.trainable = data[: layout.n_trainable]
        self.statistics = data[layout.n_trainable :]
        self.layers = [SimpleNamespace() for _ in range(layout.n_layers)]
        for block in layout.blocks:
            view = data[block.start : block.stop].reshape(block.shape)
            setattr(self.layers[block.layer], block.name, view)

    @classmethod
    def zeros(cls, layout, dtype):
        """Return a vector of zeros."""
        return cls(layout, np.zeros(layout.size, dtype=dtype))


def add_scaled(a, x, y):
    """Do y += a x in one pass over memory, for contiguous arrays of one dtype."""
    axpy = saxpy if x.dtype == np.float32 else daxpy
    axpy(x, y, a=a)
