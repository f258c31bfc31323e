"""What is kept of a fit: predictions survive, training data does not."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skregnet import (
    SGD,
    Adam,
    Checkpoint,
    Huber,
    InverseScaling,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
)

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)

QUICK = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}

CONFIGURATIONS = {
    "defaults": {},
    "batchnorm and dropout": {"batchnorm": True, "keep_prob": 0.8},
    "noise": {"hidden_noise": 0.1, "weight_noise": 0.1, "group_norm": 2, "augmentation": "mixup"},
    "schedule": {"learning_rate": InverseScaling(), "warmup": 2, "clip_norm": 1.0},
    "early stopping": {"early_stopping": True},
    "monitored": {"early_stopping": True, "monitor": "neg_mean_squared_error"},
    "committee": {"n_estimators": 3},
    "lbfgs": {"solver": "lbfgs", "tol": 1e3},
    "instances": {"solver": SGD(momentum=0.5), "init": "data"},
    "warm": {"warm_start": True, "early_stopping": True, "n_estimators": 2},
    "single precision": {"dtype": "float32"},
}

WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "oldest protocol": lambda model: pickle.loads(pickle.dumps(model, protocol=2)),
    "joblib": lambda model: _through_joblib(model),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def _through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def data(n_rows=80, n_columns=5):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def arrays_in(thing):
    """Yield every array that can be reached from `thing`, views by what they are views of."""
    seen, todo = set(), [thing]
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            yield item if item.base is None else item.base
        elif isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            todo += item
        elif hasattr(item, "__dict__"):
            todo += vars(item).values()


@estimators
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("params", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_copy_predicts_the_same(cls, way, params):
    X, y = data()
    model = cls(**QUICK | params).fit(X, y)
    again = way(model)
    assert again is not model
    assert repr(again) == repr(model)
    assert_array_equal(again.predict(X), model.predict(X))
    if hasattr(model, "predict_proba"):
        assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.n_nonzero_ == model.n_nonzero_


@estimators
def test_what_early_stopping_recorded_survives(cls):
    X, y = data()
    model = cls(**QUICK, early_stopping=True).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.history_ == model.history_
    assert again.best_iteration_ == model.best_iteration_
    assert again.best_validation_score_ == model.best_validation_score_


@pytest.mark.parametrize("loss", ["squared_error", Huber(0.5)])
def test_an_unfitted_estimator_survives(loss):
    model = RegularizedMLPRegressor(loss=loss, solver=Adam(beta_2=0.9))
    again = pickle.loads(pickle.dumps(model))
    assert repr(again) == repr(model)
    assert not hasattr(again, "members_")


@estimators
@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_a_copy_is_independent(cls, way):
    X, y = data()
    model = cls(**QUICK).fit(X, y)
    before = model.predict(X)
    again = WAYS[way](model)
    again.coefs_[0][...] = 0.0
    again.set_params(alpha=7.0)
    assert_array_equal(model.predict(X), before)
    assert model.alpha == cls().alpha


@estimators
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True},
        {"early_stopping": True, "monitor": "neg_mean_squared_error"},
        {"batchnorm": True, "keep_prob": 0.8, "hidden_layer_sizes": (100, 100)},
        {"solver": "sgd"},
        {"solver": "lbfgs", "tol": 1e3},
        {"n_estimators": 3},
        {"n_estimators": 3, "n_jobs": 2, "early_stopping": True},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_a_pickle_holds_the_weights_and_little_else(cls, params):
    X, y = data(2000, 20)
    model = cls(**QUICK | {"hidden_layer_sizes": (100,)} | params).fit(X, y)
    weights = sum(member.theta.nbytes for member in model.members_)
    history = sum(len(pickle.dumps(member.history)) for member in model.members_)
    assert len(pickle.dumps(model)) <= 1.2 * weights + 10_000 + history


@estimators
@pytest.mark.parametrize("params", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_no_array_of_a_fitted_model_is_as_long_as_the_data(cls, params):
    n_rows = 2003  # a prime that is the size of nothing else
    X, y = data(n_rows)
    model = cls(**QUICK | params).fit(X, y, sample_weight=np.ones(n_rows))
    if hasattr(model, "partial_fit"):
        model.set_params(early_stopping="auto").partial_fit(X, y)
    sizes = {array.size for array in arrays_in(model)}
    assert len(sizes) > 1  # the search does find arrays
    assert max(sizes) < 0.5 * n_rows


def test_the_search_for_arrays_finds_training_data():
    X, y = data(1009)
    model = RegularizedMLPClassifier(**QUICK).fit(X, y)
    model.members_[0].hidden_away = {"deep": [y]}
    assert max(array.size for array in arrays_in(model)) == 1009


@estimators
def test_the_bytes_of_a_pickle_hold_no_row_of_the_data(cls):
    X, y = data()
    X[7] = [1.2345678, 2.3456789, 3.4567891, 4.5678912, 5.6789123]
    model = cls(**QUICK, dtype="float64", scaling=None).fit(X, y)
    assert X[7].tobytes() in pickle.dumps(X)
    assert X[7].tobytes() not in pickle.dumps(model)


# The state of the optimizer --------------------------------------------------------------------


@estimators
def test_optimizer_state_is_kept_only_where_it_will_be_used_again(cls):
    X, y = data()
    assert cls(**QUICK).fit(X, y).members_[0].state is None
    assert cls(**QUICK, warm_start=True).fit(X, y).members_[0].state is not None
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    assert cls(**QUICK).partial_fit(X, y, **classes).members_[0].state is not None


@estimators
def test_a_fit_with_checkpoints_keeps_its_state_on_disk_alone(cls, tmp_path):
    X, y = data()
    model = cls(**QUICK).set_callbacks(Checkpoint(tmp_path / "file")).fit(X, y)
    assert model.members_[0].state is None


@estimators
@pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd", "learning_rate": "adaptive"},
        {"keep_prob": 0.7, "input_keep_prob": 0.9},
        {"batchnorm": True, "alpha": 0.1, "l1_ratio": 1.0},
        {"hidden_noise": 0.1, "weight_noise": 0.1, "augmentation": "swap_noise", "warmup": 4},
        {"early_stopping": True, "n_iter_no_change": None},
        {"n_estimators": 2},
    ],
    ids=str,
)
def test_a_warm_start_goes_on_from_a_pickle_to_the_bit(cls, way, params):
    X, y = data()
    params = QUICK | {"warm_start": True, "batch_size": 16} | params
    straight = cls(**params | {"max_iter": 6}).fit(X, y)
    interrupted = WAYS[way](cls(**params).fit(X, y)).fit(X, y)
    for a, b in zip(straight.members_, interrupted.members_, strict=True):
        assert_array_equal(a.theta, b.theta)
        assert a.history["loss"] == b.history["loss"]


@estimators
def test_a_stream_goes_on_from_a_pickle_to_the_bit(cls):
    X, y = data()
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    straight = cls(**QUICK, keep_prob=0.8)
    interrupted = cls(**QUICK, keep_prob=0.8)
    for _ in range(3):
        straight.partial_fit(X, y, **classes)
        interrupted = pickle.loads(pickle.dumps(interrupted.partial_fit(X, y, **classes)))
    assert_array_equal(straight.predict(X), interrupted.predict(X))
    assert_array_equal(straight.coefs_[0], interrupted.coefs_[0])


@estimators
def test_a_clone_holds_nothing_fitted(cls):
    X, y = data()
    fitted = cls(**QUICK, warm_start=True).fit(X, y)
    assert set(vars(clone(fitted))) == set(cls().get_params())
