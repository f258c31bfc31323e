"""Augmentation in whole fits: what it gains, and that it acts on training batches alone."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris

from skregnet import (
    GaussianNoise,
    Mixup,
    RandomChoice,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    Rotate,
    Shift,
    Zoom,
)
from skregnet.training.augmentation import AUGMENTATIONS

EACH = pytest.mark.parametrize("name", AUGMENTATIONS)
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}


def digits(n_rows=200):
    X, y = load_digits(return_X_y=True)
    return X[:n_rows], y[:n_rows]


@pytest.mark.parametrize("seed", range(3))
def test_automatic_choice_gains_a_point_of_accuracy_on_a_thousand_images(read_images, seed):
    X, y = read_images()
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = order[:1000], order[1000:4000]
    automatic = RandomChoice([Shift(2), Rotate(15.0), Zoom(0.15)])
    accuracy = {}
    for name, augmentation in (("none", None), ("automatic", automatic)):
        model = RegularizedMLPClassifier(
            (128,), augmentation=augmentation, learning_rate_init=2e-3, max_iter=40,
            early_stopping=False, random_state=seed,
        ).fit(X[train], y[train])  # fmt: skip
        accuracy[name] = model.score(X[test], y[test])
    assert accuracy["automatic"] >= accuracy["none"] + 0.01


@EACH
def test_prediction_knows_nothing_of_augmentation(name):
    X, y = digits()
    model = RegularizedMLPClassifier(augmentation=name, **QUICK).fit(X, y)
    before = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    np.testing.assert_allclose(model.predict_proba(X[:1]), before[:1], rtol=1e-12)
    np.testing.assert_array_equal(model.set_params(augmentation=None).predict_proba(X), before)


@EACH
def test_each_epoch_augments_afresh(name):
    X, y = digits(100)
    params = QUICK | {"solver": "sgd", "learning_rate_init": 1e-15, "batch_size": 100}
    model = RegularizedMLPClassifier(augmentation=name, **params).fit(X, y)
    assert len(set(np.round(model.history_["loss"], 8))) == QUICK["max_iter"]


@EACH
def test_validation_rows_are_left_as_they_are(name):
    X, y = digits(300)
    X, X_val, y, y_val = X[:200], X[200:], y[:200], y[200:]
    model = RegularizedMLPClassifier(augmentation=name, early_stopping=True, **QUICK)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    probability = model.predict_proba(X_val)[np.arange(100), y_val]
    best = model.validation_loss_curve_[model.best_iteration_ - 1]
    assert best == pytest.approx(-np.log(probability).mean(), rel=1e-5)


@pytest.mark.parametrize("augmentation", ["mixup", "gaussian_noise", "random_choice"])
@pytest.mark.parametrize("scaling", ["standard", "robust", None])
def test_sparse_rows_train_as_their_dense_selves(augmentation, scaling):
    X, y = load_iris(return_X_y=True)
    X = np.where(X > 2, X, 0.0)
    params = QUICK | {"scaling": None} | {"augmentation": augmentation}
    dense = RegularizedMLPClassifier(**params).fit(X, y)
    sparse = RegularizedMLPClassifier(**params).fit(csr_array(X), y)
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X), rtol=1e-9)
    scaled = RegularizedMLPClassifier(**params | {"scaling": scaling}).fit(csr_array(X), y)
    assert np.isfinite(scaled.predict_proba(csr_array(X))).all()


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_images_move_in_the_users_units_whatever_the_scaling(scaling):
    X, y = digits(100)
    seen = []

    class Spy(Shift):
        def __call__(self, X, Y, rng):
            seen.append(X.copy())
            return super().__call__(X, Y, rng)

    RegularizedMLPClassifier(augmentation=Spy(1), scaling=scaling, **QUICK).fit(X, y)
    pixels = np.concatenate(seen)
    assert pixels.shape == (100 * QUICK["max_iter"], 64)
    np.testing.assert_allclose(np.unique(np.round(pixels, 4) % 1), 0.0, atol=1e-3)
    assert pixels.min() > -1e-3 and pixels.max() < 16 + 1e-3


def test_a_list_is_applied_in_order():
    X, y = load_iris(return_X_y=True)
    calls = []

    def note(name):
        def transform(X, Y, rng):
            calls.append(name)
            return X, Y

        return transform

    augmentation = [note("a"), Mixup(), note("b")]
    RegularizedMLPClassifier(augmentation=augmentation, batch_size=150, **QUICK).fit(X, y)
    assert calls == ["a", "b"] * QUICK["max_iter"]


def test_a_function_that_writes_into_its_rows_leaves_the_training_rows_alone():
    X, y = load_iris(return_X_y=True)

    def spoil(X, Y, rng):
        X[:] = 0.0
        return X, Y

    given = X.copy()
    params = QUICK | {"shuffle": False, "scaling": None}
    model = RegularizedMLPClassifier(augmentation=spoil, **params).fit(X, y)
    np.testing.assert_array_equal(X, given)
    # With all inputs at 0 the first layer gets no gradient but that of the penalty.
    assert np.isfinite(model.predict_proba(X)).all()


def test_mixing_mixes_real_targets_too():
    X = np.linspace(-1, 1, 40)[:, np.newaxis]
    targets = []

    def note(X, Y, rng):
        targets.append(Y.copy())
        return X, Y

    RegularizedMLPRegressor(augmentation=["mixup", note], **QUICK).fit(X, np.sign(X[:, 0]))
    mixed = np.concatenate(targets)
    assert np.any(np.abs(mixed) < 0.9) and np.abs(mixed).max() <= 1 + 1e-6


def test_strength_can_be_searched():
    model = RegularizedMLPRegressor(augmentation=GaussianNoise())
    assert model.set_params(augmentation__std=0.3).augmentation.std == 0.3


@pytest.mark.parametrize("augmentation", ["swap_noise", "mixup", "cutmix", [Shift(), Mixup()]])
def test_a_transform_that_needs_a_partner_refuses_batches_of_one_row(augmentation):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="'augmentation' parameter cannot be used here: a batch"):
        RegularizedMLPClassifier(augmentation=augmentation, batch_size=1, **QUICK).fit(X, y)


def test_a_class_in_place_of_an_instance_is_named():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="'augmentation' parameter of RegularizedMLPClassifier"):
        RegularizedMLPClassifier(augmentation=Mixup).fit(X, y)


def test_a_function_that_returns_nan_is_blamed_itself():
    X, y = load_iris(return_X_y=True)
    model = RegularizedMLPClassifier(augmentation=lambda X, Y, rng: (X * np.nan, Y), **QUICK)
    with pytest.raises(ValueError, match="given as 'augmentation' must return X without NaN"):
        model.fit(X, y)


@pytest.mark.parametrize("augmentation", ["mixup", "cutmix"])
def test_mixing_respects_the_weights_of_rare_rows(augmentation):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0.0, 1.0, (950, 1)), rng.normal(2.0, 1.0, (50, 1))])
    y = np.repeat([0, 1], [950, 50])
    params = {"class_weight": "balanced", "learning_rate_init": 0.02, "max_iter": 60}
    plain, mixed = (
        RegularizedMLPClassifier(
            (), augmentation=choice, early_stopping=False, random_state=0, **params
        ).fit(X, y)
        for choice in (None, augmentation)
    )
    assert np.mean(mixed.predict(X)[y == 1]) > np.mean(plain.predict(X)[y == 1]) - 0.08
