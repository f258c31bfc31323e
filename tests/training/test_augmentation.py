"""Transforms of a batch: label smoothing, what holds for all, automatic choice, callables."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from skregnet.tables import Scale, standard_scale
from skregnet.training.augmentation import (
    AUGMENTATIONS,
    BatchTransform,
    CutMix,
    FeatureDropout,
    FromCallable,
    GaussianNoise,
    LabelSmoothing,
    Mixup,
    RandomChoice,
    Rotate,
    Shift,
    SwapNoise,
)

X = np.arange(12.0).reshape(6, 2)


# Label smoothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [3, 4, 10])
@pytest.mark.parametrize("eps", [0.0, 0.1, 0.3, 0.9])
def test_the_true_class_gives_eps_to_the_others_in_equal_shares(eps, n_classes):
    labels = np.arange(6) % n_classes
    _, Y = LabelSmoothing(eps, n_classes)(X, np.eye(n_classes)[labels], None)
    true = np.eye(n_classes, dtype=bool)[labels]
    np.testing.assert_allclose(Y[true], 1 - eps, rtol=1e-14)
    np.testing.assert_allclose(Y[~true], eps / (n_classes - 1), rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(Y.sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_logit_an_output_smooths_between_two_classes(n_outputs):
    Y = np.random.default_rng(0).integers(0, 2, (6, n_outputs)).astype(float)
    _, smooth = LabelSmoothing(0.2, 2)(X, Y, None)
    np.testing.assert_allclose(smooth, np.where(Y == 1, 0.8, 0.2), rtol=1e-14)


@pytest.mark.parametrize("n_classes", [3, 4, 10])
def test_the_rule_of_szegedy_is_ours_with_another_eps(n_classes):
    """eps'/K to every class, with eps' = eps K / (K - 1)."""
    eps, one_hot = 0.1, np.eye(n_classes)
    theirs = eps * n_classes / (n_classes - 1)
    _, Y = LabelSmoothing(eps, n_classes)(np.zeros((n_classes, 1)), one_hot, None)
    np.testing.assert_allclose(Y, (1 - theirs) * one_hot + theirs / n_classes, rtol=1e-13)


def test_a_transform_writes_into_nothing_that_it_is_given_and_keeps_the_dtype():
    for dtype in (np.float32, np.float64):
        rows, Y = X.copy(), np.eye(3, dtype=dtype)[np.arange(6) % 3]
        before = Y.copy()
        same, smooth = LabelSmoothing(0.1, 3)(rows, Y, None)
        assert same is rows
        np.testing.assert_array_equal(rows, X)
        np.testing.assert_array_equal(Y, before)
        assert smooth.dtype == dtype


def test_a_transform_is_a_component_that_needs_no_dense_rows_unless_it_says_so():
    smoothing = LabelSmoothing(0.1, 3)
    assert isinstance(smoothing, BatchTransform)
    assert smoothing.get_params() == {"epsilon": 0.1, "n_classes": 3}
    assert not smoothing.needs_dense


# All members -----------------------------------------------------------------------------------


def batch(n, m, dtype, d=16):
    """Scaled rows of which no two entries agree, and targets whose rows sum to 1 if m > 1."""
    rng = np.random.default_rng(n + 10 * m)
    Y = np.eye(m)[rng.integers(m, size=n)] if m > 1 else rng.normal(size=(n, 1))
    return rng.normal(size=(n, d)).astype(dtype), Y.astype(dtype)


every_name = pytest.mark.parametrize("name", AUGMENTATIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@every_name
@every_dtype
@pytest.mark.parametrize("n", [1, 2, 50])
@pytest.mark.parametrize("m", [1, 3])
def test_shapes_and_dtypes_stay_and_nothing_is_written_into(name, dtype, n, m):
    transform = AUGMENTATIONS[name]()
    rows, targets = batch(n, m, dtype)
    before = rows.copy(), targets.copy(), deepcopy(transform)
    for seed in range(8):
        new, new_targets = transform(rows, targets, np.random.default_rng(seed))
        assert new.shape == rows.shape and new.dtype == dtype and np.isfinite(new).all()
        assert new_targets.shape == targets.shape and new_targets.dtype == dtype
        if m > 1:
            np.testing.assert_allclose(new_targets.sum(axis=1), 1.0, rtol=1e-6)
            assert new_targets.min() >= 0.0
    np.testing.assert_array_equal(rows, before[0])
    np.testing.assert_array_equal(targets, before[1])
    assert transform == before[2]


@every_name
@every_dtype
def test_rows_that_may_not_be_written_to_and_lie_apart_are_no_obstacle(name, dtype):
    transform = AUGMENTATIONS[name]()
    rows, targets = batch(20, 3, dtype)
    apart = np.asfortranarray(rows)
    apart.flags.writeable = targets.flags.writeable = False
    new = transform(apart, targets, np.random.default_rng(0))
    wanted = transform(rows, targets, np.random.default_rng(0))
    for a, b in zip(new, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@every_name
def test_a_seed_decides_and_the_rows_do_change(name):
    transform = AUGMENTATIONS[name]()
    rows, targets = batch(50, 3, np.float64)
    (a, _), (b, _), (other, _) = (
        transform(rows, targets, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, other)
    assert not np.array_equal(a, rows)


@every_name
def test_every_member_is_a_checked_component_for_dense_rows(name):
    transform = AUGMENTATIONS[name]()
    transform.check()
    assert isinstance(transform, BatchTransform) and transform.needs_dense


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "random_choice"])
def test_a_weakened_copy_has_its_strength_times_the_factor(name):
    transform = AUGMENTATIONS[name]()
    before = deepcopy(transform)
    weak = transform.weakened(0.25)
    strength = transform.strength
    assert getattr(weak, strength) == 0.25 * getattr(transform, strength)
    assert replace(weak, **{strength: getattr(transform, strength)}) == before == transform
    weak.check()


@pytest.mark.parametrize(
    "transform", [GaussianNoise(0.0), SwapNoise(0.0), FeatureDropout(0.0), CutMix(0.0)], ids=repr
)
@every_dtype
def test_no_strength_is_no_change_to_the_bit(transform, dtype):
    rows, targets = batch(20, 3, dtype)
    new, new_targets = transform(rows, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(new, rows)
    np.testing.assert_array_equal(new_targets, targets)


@pytest.mark.parametrize(
    "transform",
    [GaussianNoise(), SwapNoise(), FeatureDropout(), Mixup(), CutMix(), LabelSmoothing(0.1, 3)],
    ids=repr,
)
def test_what_acts_on_scaled_columns_is_bound_as_it_is(transform):
    assert transform.bind(standard_scale(X)) is transform


@pytest.mark.parametrize(
    "transform, name",
    [
        (GaussianNoise(-0.1), "std"),
        (GaussianNoise(np.inf), "std"),
        (GaussianNoise("0.1"), "std"),
        (SwapNoise(1.1), "p"),
        (SwapNoise(True), "p"),
        (FeatureDropout(-0.1), "p"),
        (FeatureDropout(None), "p"),
        (Mixup(0.0), "alpha"),
        (Mixup(np.nan), "alpha"),
        (CutMix(2), "p"),
        (RandomChoice([]), "transforms"),
        (RandomChoice("mixup"), "transforms"),
        (RandomChoice(["mixup"]), "transforms"),
        (RandomChoice([Mixup]), "transforms"),
        (FromCallable("mixup"), "function"),
        (FromCallable(Mixup), "function"),
    ],
    ids=repr,
)
def test_a_value_out_of_range_raises_by_name(transform, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(transform).__name__}"):
        transform.check()


def test_a_choice_checks_its_members():
    with pytest.raises(ValueError, match="'std' parameter of GaussianNoise"):
        RandomChoice([Mixup(), GaussianNoise(-1.0)]).check()


# Choice ----------------------------------------------------------------------------------------


def add_one(X, Y, rng):
    return X + 1.0, Y


def test_a_choice_uses_all_members_each_at_a_strength_of_its_own(monkeypatch):
    used = []

    def spy(self, X, Y, rng):
        default = getattr(type(self)(), self.strength)
        used.append((type(self), getattr(self, self.strength) / default))
        return X, Y

    tables = (GaussianNoise, SwapNoise, FeatureDropout, Mixup, CutMix)
    for cls in tables:
        monkeypatch.setattr(cls, "__call__", spy)
    rng = np.random.default_rng(0)
    for _ in range(1000):
        RandomChoice()(X, X, rng)
    for cls in tables:
        factors = [factor for kind, factor in used if kind is cls]
        assert len(factors) == pytest.approx(200, abs=5 * np.sqrt(1000 * 0.2 * 0.8))
        assert 0 < min(factors) < 0.1 < 0.9 < max(factors) <= 1
        assert np.mean(factors) == pytest.approx(0.5, abs=5 * np.sqrt(1 / 12 / 150))


def test_a_choice_takes_instances_and_callables():
    choice = RandomChoice([GaussianNoise(1e-9), add_one])
    choice.check()
    rng = np.random.default_rng(0)
    moves = [(choice(X, X, rng)[0] - X).mean() for _ in range(100)]
    np.testing.assert_allclose(np.unique(np.round(moves, 6)), [0.0, 1.0])
    assert choice.transforms[1] is add_one


def test_a_choice_of_one_is_that_transform_weakened():
    rng = np.random.default_rng(3)
    assert rng.integers(1) == 0
    factor = 1.0 - rng.random()
    wanted, _ = GaussianNoise(0.5 * factor)(X, X, rng)
    new, _ = RandomChoice([GaussianNoise(0.5)])(X, X, np.random.default_rng(3))
    np.testing.assert_array_equal(new, wanted)


def test_a_choice_weakens_and_binds_its_members():
    choice = RandomChoice([GaussianNoise(0.4), Rotate(10.0), add_one, RandomChoice([Mixup(0.2)])])
    noise, rotate, function, nested = choice.weakened(0.5).transforms
    assert (noise, rotate) == (GaussianNoise(0.2), Rotate(5.0))
    assert function == FromCallable(add_one) and nested.transforms == [Mixup(0.1)]
    scale = standard_scale(X)
    noise, rotate, function, nested = choice.bind(scale).transforms
    assert (noise, nested.transforms) == (GaussianNoise(0.4), [Mixup(0.2)])
    assert rotate.transform == Rotate(10.0) and rotate.scale is scale
    assert choice.transforms[1] == Rotate(10.0)
    assert RandomChoice([Shift()]).bind(Scale()).transforms == [Shift()]


# The user's own --------------------------------------------------------------------------------


@every_dtype
def test_a_callable_may_write_into_what_it_is_given(dtype):
    def spoil(X, Y, rng):
        X += rng.normal()
        Y[:] = 0.0
        return X, Y

    rows, targets = batch(5, 3, dtype)
    before = rows.copy(), targets.copy()
    new, new_targets = FromCallable(spoil)(rows, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(rows, before[0])
    np.testing.assert_array_equal(targets, before[1])
    assert new.dtype == new_targets.dtype == dtype
    moved = np.random.default_rng(0).normal()
    np.testing.assert_allclose(new, rows + moved, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(new_targets, 0.0)


@pytest.mark.parametrize("cast", [np.float64, np.float32, int, bool, list])
@every_dtype
def test_what_a_callable_returns_is_cast_to_the_dtype_of_the_batch(cast, dtype):
    def own(X, Y, rng):
        return X.tolist() if cast is list else X.astype(cast), Y

    rows = np.eye(3, dtype=dtype)
    new, _ = FromCallable(own)(rows, rows, None)
    assert new.dtype == dtype
    np.testing.assert_array_equal(new, rows)


@pytest.mark.parametrize(
    "function, error, message",
    [
        (lambda X, Y, rng: None, TypeError, r"tuple \(X, Y\)\. Got <class 'NoneType'>"),
        (lambda X, Y, rng: [X, Y], TypeError, r"Got <class 'list'>"),
        (lambda X, Y, rng: X, TypeError, r"Got <class 'numpy.ndarray'>"),
        (lambda X, Y, rng: (X, Y, Y), TypeError, "Got a tuple of 3"),
        (lambda X, Y, rng: (X[:2], Y), ValueError, r"X in the shape .*\(6, 2\)\. Got \(2, 2\)"),
        (lambda X, Y, rng: (X, Y[:, 0]), ValueError, r"Y in the shape .*\(6, 2\)\. Got \(6,\)"),
        (lambda X, Y, rng: (X, None), TypeError, "Y as real numbers. Got dtype object"),
        (lambda X, Y, rng: (X.astype(str), Y), TypeError, "X as real numbers. Got dtype <U"),
        (lambda X, Y, rng: (X + 1j, Y), TypeError, "X as real numbers. Got dtype complex128"),
    ],
)
def test_what_a_callable_returns_is_checked(function, error, message):
    with pytest.raises(error, match=f"'augmentation'.*{message}"):
        FromCallable(function)(X, X, None)


def test_a_callable_has_no_strength():
    own = FromCallable(add_one)
    own.check()
    assert own.weakened(0.1) is own
