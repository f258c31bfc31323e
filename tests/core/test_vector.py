"""The vector: three zones in one array, and views that share its memory."""

import numpy as np
import pytest
from engine_examples import small_network

from skregnet.core.vector import ZONES, Layout, Slot, Vector

SLOTS = [
    [Slot("W", (2, 3), "weights"), Slot("b", (3,), "offsets")],
    [],
    [Slot("gamma", (3,), "offsets"), Slot("mean", (3,), "statistics")],
    [Slot("W", (3, 1), "weights"), Slot("b", (1,), "offsets")],
]


@pytest.fixture
def vector():
    layout = Layout(SLOTS)
    return Vector(layout, np.arange(float(layout.size)))


def test_blocks_lie_zone_by_zone_and_within_a_zone_layer_by_layer():
    blocks = [(block.layer, block.name, block.start, block.stop) for block in Layout(SLOTS).blocks]
    assert blocks == [
        (0, "W", 0, 6),
        (3, "W", 6, 9),
        (0, "b", 9, 12),
        (2, "gamma", 12, 15),
        (3, "b", 15, 16),
        (2, "mean", 16, 19),
    ]


def test_zones_end_where_the_layout_says(vector):
    layout = vector.layout
    assert (layout.n_weights, layout.n_trainable, layout.size) == (9, 16, 19)
    np.testing.assert_array_equal(vector.weights, np.arange(9))
    np.testing.assert_array_equal(vector.trainable, np.arange(16))
    np.testing.assert_array_equal(vector.statistics, np.arange(16, 19))


def test_weight_and_trainable_blocks_are_those_of_their_zones():
    layout = Layout(SLOTS)
    assert [block.layer for block in layout.weight_blocks] == [0, 3]
    assert [block.name for block in layout.trainable_blocks] == ["W", "W", "b", "gamma", "b"]


def test_layers_see_their_arrays_in_their_own_shapes(vector):
    first, without, norm, last = vector.layers
    np.testing.assert_array_equal(first.W, np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(last.b, [15])
    np.testing.assert_array_equal(norm.mean, [16, 17, 18])
    assert vars(without) == {}


def test_everything_is_a_view_of_one_array(vector):
    for layer in vector.layers:
        for array in vars(layer).values():
            array += 100.0
    np.testing.assert_array_equal(vector.data, 100 + np.arange(19.0))
    vector.weights[:] = 0.0
    assert np.all(vector.layers[0].W == 0) and np.all(vector.layers[3].W == 0)
    assert np.all(vector.layers[0].b != 0)


def test_a_vector_without_slots_is_empty():
    layout = Layout([[], []])
    assert layout.size == 0 and layout.blocks == []
    assert Vector.zeros(layout, np.float32).data.shape == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_has_the_dtype(dtype):
    vector = Vector.zeros(Layout(SLOTS), dtype)
    assert vector.data.dtype == vector.layers[0].W.dtype == dtype
    assert not vector.data.any()


def test_the_layers_of_a_network_use_known_zones_and_fill_the_vector_exactly():
    layout = small_network(batchnorm=True, keep_prob=0.5).layout
    ends = [block.stop for block in layout.blocks]
    assert [block.start for block in layout.blocks] == [0, *ends[:-1]]
    assert ends[-1] == layout.size
    assert {slot.zone for slots in SLOTS for slot in slots} == set(ZONES)


def test_stretches_are_cut_only_where_the_rate_or_the_unit_changes():
    slots = [
        [Slot("W", (2, 3), "weights"), Slot("b", (3,), "offsets", rate=0.1)],
        [Slot("W", (3, 3), "weights", unit=0.5), Slot("b", (3,), "offsets", rate=0.1)],
        [Slot("W", (3, 1), "weights", unit=0.5), Slot("mean", (2,), "statistics", rate=9.0)],
    ]
    stretches = [(s.start, s.stop, s.rate, s.unit) for s in Layout(slots).stretches]
    assert stretches == [(0, 6, 1.0, 1.0), (6, 18, 1.0, 0.5), (18, 24, 0.1, 1.0)]
    [whole] = Layout(SLOTS).stretches
    assert (whole.start, whole.stop) == (0, 16)
    assert Layout([[], []]).stretches == []


def test_the_rate_of_a_layout_multiplies_those_of_its_slots_and_nothing_else():
    slots = [
        [Slot("W", (2, 3), "weights", rate=0.5, unit=0.2), Slot("b", (3,), "offsets")],
        [Slot("W", (3, 1), "weights"), Slot("mean", (2,), "statistics")],
    ]
    fast = Layout(slots, rate=16.0)
    stretches = [(s.start, s.stop, s.rate, s.unit) for s in fast.stretches]
    assert stretches == [(0, 6, 8.0, 0.2), (6, 12, 16.0, 1.0)]
    assert fast.blocks == Layout(slots).blocks
    assert [s.rate for s in Layout(slots).stretches] == [0.5, 1.0]
