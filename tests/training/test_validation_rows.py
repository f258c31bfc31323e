"""Which rows are held out, and how they are scored."""

from dataclasses import replace

import numpy as np
import pytest
from training_examples import make_run, rows

from skregnet.core.objective import CHUNK_ROWS
from skregnet.training.validation import Monitor, hold_out


@pytest.mark.parametrize("labels", [None, np.arange(40) % 3], ids=["plain", "stratified"])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.8])
def test_both_parts_are_sorted_disjoint_and_hold_every_row(fraction, labels):
    train, validation = hold_out(40, fraction, 0, labels)
    assert len(validation) == round(40 * fraction)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(40))
    for part in (train, validation):
        assert np.all(np.diff(part) > 0)


def test_the_seed_determines_the_rows():
    first, again, other = (hold_out(40, 0.3, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_strata_keep_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [10, 30, 60])
    _, validation = hold_out(100, 0.2, 0, labels)
    np.testing.assert_array_equal(np.bincount(labels[validation]), [2, 6, 12])


def test_a_label_that_occurs_once_stays_in_the_training_part():
    labels = np.array([0] * 20 + [1] * 20 + [2, 3])
    for seed in range(10):
        train, validation = hold_out(42, 0.25, seed, labels)
        assert {40, 41} <= set(train)
        assert len(validation) == 10


@pytest.mark.parametrize(
    "n_rows, fraction, labels",
    [
        (1, 0.1, None),
        (4, 0.25, np.array([0, 0, 1, 1])),  # one row cannot hold two classes
        (4, 0.9, np.array([0, 0, 1, 1])),
        (3, 0.5, np.array([0, 1, 2])),  # nothing is left when labels that occur once stay
    ],
)
def test_rows_that_cannot_be_split_are_not(n_rows, fraction, labels):
    assert hold_out(n_rows, fraction, 0, labels) is None


def test_the_order_of_rows_of_a_fit_is_kept_in_both_parts():
    train, validation = hold_out(1000, 0.1, 3)
    assert train.dtype.kind == validation.dtype.kind == "i"
    assert len(train) == 900


# Scores ---------------------------------------------------------------------------------------


def repeated_rows(times):
    X, Y = rows()
    return np.tile(X, (times, 1)), np.tile(Y, (times, 1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("times", [1, 2 + CHUNK_ROWS // 30])  # in one chunk, and in two
def test_the_monitor_gives_the_weighted_mean_and_minus_it(times, weighted):
    run = make_run()
    X, Y = repeated_rows(times)
    weight = np.random.default_rng(0).uniform(0, 2, len(X)) if weighted else None
    loss, score = Monitor(run.objective.network, run.objective.loss, X, Y, weight)(run.theta)
    layer = run.theta.layers[0]
    half_squares = 0.5 * (X @ layer.W + layer.b - Y)[:, 0] ** 2
    expected = np.average(half_squares, weights=weight)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert score == -loss


@pytest.mark.parametrize("weight", [None, np.arange(30.0)], ids=["unweighted", "weighted"])
def test_the_monitor_passes_what_the_user_gave_to_the_scorer(weight):
    run, (X, Y) = make_run(), rows()
    seen = {}

    def scorer(model, X, y, **weights):
        seen.update(model=model, X=X, y=y, weights=weights)
        return np.float32(0.5)

    # The weights of the loss may hold factors of classes, those of the scorer do not.
    by_loss = Monitor(run.objective.network, run.objective.loss, X, Y, 1 + np.arange(30.0))
    monitor = replace(
        by_loss, scorer=scorer, view=lambda theta: ("view of", theta), X_given=X, y_given=Y[:, 0],
        scorer_weight=weight,
    )  # fmt: skip
    loss, score = monitor(run.theta)
    assert loss == by_loss(run.theta)[0]
    assert (score, type(score)) == (0.5, float)
    assert seen["model"] == ("view of", run.theta)
    assert seen["X"] is X
    np.testing.assert_array_equal(seen["y"], Y[:, 0])
    assert list(seen["weights"]) == ([] if weight is None else ["sample_weight"])
    if weight is not None:
        assert seen["weights"]["sample_weight"] is weight
