"""Random streams: reproducible, and independent of each other by seed, role and member."""

from itertools import combinations

import numpy as np
import pytest
from plain import plain

from skregnet import SGD, RegularizedMLPClassifier
from skregnet.core.streams import ROLES, stream

KEYS = [
    (seed, role, member, index)
    for seed in (0, 1)
    for role in ROLES
    for member in (0, 1)
    for index in (0, 1)
]

X = np.random.default_rng(0).normal(size=(60, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)

ALMOST_ONE = 1 - 1e-12
"""A `keep_prob` that draws masks like any other and practically never drops a unit."""


def draws(key, n=1000):
    seed, role, member, index = key
    return stream(seed, role, member, index).normal(size=n)


def fitted(**params):
    defaults = {
        "hidden_layer_sizes": (6,),
        "activation": "tanh",
        "solver": SGD(),
        "learning_rate_init": 0.1,
        "batch_size": 16,
        "max_iter": 5,
        "early_stopping": False,
        "dtype": "float64",
        "random_state": 0,
    }
    params = plain(RegularizedMLPClassifier, **defaults | params)
    return RegularizedMLPClassifier(**params).fit(X, y)


@pytest.mark.parametrize("key", KEYS)
def test_the_same_key_gives_the_same_numbers(key):
    np.testing.assert_array_equal(draws(key), draws(key))


def test_member_and_index_are_zero_by_default():
    np.testing.assert_array_equal(stream(3, "mask").normal(size=5), draws((3, "mask", 0, 0), 5))


def test_different_keys_give_unrelated_numbers():
    numbers = {key: draws(key) for key in KEYS}
    n_pairs = len(KEYS) * (len(KEYS) - 1) / 2
    largest = np.sqrt(2 * np.log(n_pairs) / 1000)  # of that many correlations by chance
    for a, b in combinations(KEYS, 2):
        assert abs(np.corrcoef(numbers[a], numbers[b])[0, 1]) < 1.5 * largest, (a, b)


def test_streams_do_not_depend_on_the_global_state():
    state = np.random.get_state()  # noqa: NPY002
    stream(0, "init").normal(size=10)
    for a, b in zip(state, np.random.get_state(), strict=True):  # noqa: NPY002
        np.testing.assert_array_equal(a, b)


def test_an_unknown_role_raises():
    with pytest.raises(ValueError, match="not in"):
        stream(0, "weather")


@pytest.mark.parametrize(
    "dropout",
    [{"keep_prob": 0.5}, {"input_keep_prob": 0.5}, {"keep_prob": 0.5, "input_keep_prob": 0.5}],
    ids=str,
)
def test_switching_dropout_on_leaves_the_initial_weights_as_they_were(dropout):
    # After steps of this size the weights are still those of the start.
    start = fitted(learning_rate_init=1e-300)
    same = fitted(learning_rate_init=1e-300, **dropout)
    for a, b in zip(start.coefs_, same.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_switching_dropout_on_leaves_the_shuffling_as_it_was():
    paired = fitted(keep_prob=ALMOST_ONE, input_keep_prob=ALMOST_ONE)
    assert len(paired.members_[0].network.layers) == len(fitted().members_[0].network.layers) + 2
    for a, b in zip(paired.coefs_, fitted().coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    other_order = fitted(shuffle=False)
    assert not np.allclose(other_order.coefs_[0], fitted().coefs_[0], rtol=1e-6)


def test_switching_label_smoothing_or_penalties_on_leaves_the_masks_as_they_were():
    plain = fitted(keep_prob=0.5)
    paired = fitted(keep_prob=0.5, label_smoothing=1e-13, alpha=1e-4 + 1e-13, max_norm=1e6)
    for a, b in zip(plain.coefs_, paired.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_masks_differ_from_layer_to_layer_and_from_epoch_to_epoch():
    masks = [stream(0, "mask", 0, layer).random((2, 50)) < 0.5 for layer in range(3)]
    for a, b in combinations([row for mask in masks for row in mask], 2):
        assert np.any(a != b)


def test_a_further_member_leaves_the_first_ones_as_they_were():
    committees = [fitted(n_estimators=k, bootstrap=True) for k in (2, 3)]
    for i in range(2):
        np.testing.assert_array_equal(
            committees[0].members_[i].theta, committees[1].members_[i].theta
        )
    thetas = [member.theta for member in committees[1].members_]
    for a, b in combinations(thetas, 2):
        assert np.all(a != b)


def test_the_first_member_on_all_rows_is_the_single_network():
    committee = fitted(n_estimators=2, bootstrap=False, keep_prob=0.8)
    np.testing.assert_allclose(
        committee.members_[0].theta, fitted(keep_prob=0.8).members_[0].theta, rtol=1e-12
    )
