"""Each warning is issued once, by its own class, and names what to do."""

import pickle
import warnings

import numpy as np
import pytest
from plain import PLAIN
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from skregnet import LBFGS, RegularizedMLPClassifier, RegularizedMLPRegressor, check_gradients
from skregnet import exceptions as ours
from skregnet.exceptions import (
    BatchSizeWarning,
    DivergenceWarning,
    IgnoredParameterWarning,
    InterruptedFitWarning,
    NotConvergedWarning,
    OutOfBagWarning,
    SkregnetWarning,
    SymmetryWarning,
    ValidationSetWarning,
)

QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
N_ROWS = 40

# What is ignored, and a configuration in which it is.
IGNORED = [
    ("monitor", "accuracy", {"early_stopping": False}),
    ("monitor", "accuracy", {"early_stopping": "auto"}),
    ("validation", 0.3, {"early_stopping": False}),
    ("n_iter_no_change", 3, {"early_stopping": False}),
    ("tol", 0.1, {"early_stopping": False}),
    ("refit", True, {"early_stopping": False}),
    ("l1_ratio", 0.5, {"alpha": 0.0}),
    ("l1_ratio", 0.5, {"alpha": [0.0, 0.0]}),
    ("activation", "tanh", {"hidden_layer_sizes": ()}),
    ("bootstrap", False, {}),
    ("max_samples", 0.5, {}),
    ("n_jobs", 2, {}),
    ("voting", "hard", {}),
    ("batch_size", 5, {"solver": "lbfgs", "tol": 1e6}),
    ("shuffle", False, {"solver": LBFGS(), "tol": 1e6}),
    ("learning_rate_init", 0.1, {"solver": "lbfgs", "tol": 1e6}),
]


def data(n_rows=N_ROWS, n_columns=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns))
    return X, (X[:, 0] > 0).astype(int)


def fit_recording(estimator, *args, method="fit", **kwargs):
    """Return what was warned about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(estimator, method)(*args, **kwargs)
    return caught


def ctrl_c_after(n_epochs):
    """Return a scorer that stands for a user who loses patience."""
    calls = []

    def scorer(estimator, X, y):
        calls.append(1)
        if len(calls) > n_epochs:
            raise KeyboardInterrupt
        return len(calls)

    return scorer


def test_every_warning_of_the_package_derives_from_one_class():
    for name in ours.__all__:
        assert issubclass(getattr(ours, name), SkregnetWarning)
    assert issubclass(SkregnetWarning, UserWarning)
    # So that a filter on scikit-learn's class catches it, too.
    assert issubclass(NotConvergedWarning, ConvergenceWarning)


def test_every_warning_class_is_listed_and_tested_here():
    defined = {
        name
        for name, value in vars(ours).items()
        if isinstance(value, type) and value.__module__ == ours.__name__
    }
    tested = {name for name in globals() if name.endswith("Warning")} - {"ConvergenceWarning"}
    assert defined == set(ours.__all__) == tested


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("early_stopping", ["auto", True, False])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_defaults_are_silent(cls, early_stopping, n_estimators):
    model = cls(early_stopping=early_stopping, n_estimators=n_estimators, max_iter=2)
    assert fit_recording(model, *data()) == []


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("name, value, configuration", IGNORED)
def test_a_tuning_value_without_effect_warns_once_by_name(cls, name, value, configuration):
    if name not in cls().get_params():
        pytest.skip(f"{cls.__name__} has no {name}")
    model = cls(**QUICK | configuration | {name: value})
    [warning] = fit_recording(model, *data())
    assert warning.category is IgnoredParameterWarning
    assert str(warning.message).startswith(f"{name}={value!r} has no effect: ")


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("name, value, configuration", IGNORED)
def test_a_tuning_value_that_has_no_effect_indeed_has_none(cls, name, value, configuration):
    if name not in cls().get_params():
        pytest.skip(f"{cls.__name__} has no {name}")
    X, y = data()
    without = cls(**QUICK | configuration)
    with_it = cls(**QUICK | configuration | {name: value})
    fit_recording(without, X, y)
    fit_recording(with_it, X, y)
    np.testing.assert_array_equal(with_it.predict(X), without.predict(X))
    for a, b in zip(with_it.coefs_, without.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "params",
    [{"tol": 0.1}, {"solver": "lbfgs"}, {"init": "zeros"}, {"batch_size": 99}],
    ids=str,
)
def test_a_warning_points_at_the_line_of_the_caller(cls, params):
    [warning] = fit_recording(cls(**QUICK | params), *data())
    assert warning.filename == __file__


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_share_to_hold_out_warns_where_validation_rows_are_given(cls):
    X, y = data()
    [warning] = fit_recording(cls(**QUICK, validation=0.3), X, y, X_val=X, y_val=y)
    assert warning.category is IgnoredParameterWarning
    assert str(warning.message).startswith("validation=0.3 has no effect: ")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_groups_without_a_splitter_warn(cls):
    X, y = data()
    [warning] = fit_recording(cls(**QUICK), X, y, groups=y)
    assert warning.category is IgnoredParameterWarning
    assert str(warning.message).startswith("groups has no effect: ")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_rows_that_every_member_drew_warn_with_their_number(cls):
    model = cls(**QUICK, n_estimators=2, oob_score=True)
    with pytest.warns(OutOfBagWarning, match=rf"of {N_ROWS} training rows .* n_estimators"):
        model.fit(*data())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_committee_warns_once_not_once_a_member(cls):
    model = cls(**QUICK, n_estimators=3, tol=0.1)
    [warning] = fit_recording(model, *data())
    assert warning.category is IgnoredParameterWarning


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "name, value, configuration",
    [
        ("early_stopping", True, {}),
        ("max_samples", 0.5, {"n_estimators": 2}),
        ("refit", True, {}),
        ("max_time", 60.0, {}),
    ],
)
def test_partial_fit_warns_of_what_a_stream_cannot_use(cls, name, value, configuration):
    X, y = data()
    classes = {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}
    model = cls(**QUICK | configuration | {name: value})
    [warning] = fit_recording(model, X, y, method="partial_fit", **classes)
    assert warning.category is IgnoredParameterWarning
    assert str(warning.message).startswith(f"{name}={value!r} has no effect: ")


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("init", ["zeros", ["he", "zeros"]])
def test_weights_that_start_equal_warn_only_where_units_stay_identical(cls, init):
    model = cls(**QUICK | {"init": init})
    if init == "zeros":
        with pytest.warns(SymmetryWarning, match=r"init=Zeros\(\) .* identical"):
            model.fit(*data())
    else:  # The output layer may start at zero: its units have different targets.
        assert fit_recording(model, *data()) == []


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_zero_weights_without_a_hidden_layer_are_silent(cls):
    model = cls(**QUICK | {"init": "zeros", "hidden_layer_sizes": ()})
    assert fit_recording(model, *data()) == []


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_batch_larger_than_the_data_is_clipped_with_a_warning(cls):
    X, y = data()
    whole = cls(**QUICK, batch_size=N_ROWS).fit(X, y)
    clipped = cls(**QUICK, batch_size=N_ROWS + 1)
    with pytest.warns(BatchSizeWarning, match=f"batch_size={N_ROWS + 1} .* {N_ROWS} training"):
        clipped.fit(X, y)
    np.testing.assert_array_equal(clipped.coefs_[0], whole.coefs_[0])


@pytest.mark.parametrize(
    "model, n_rows",
    [
        (RegularizedMLPClassifier(**QUICK, early_stopping=True), 5),
        (RegularizedMLPRegressor(**QUICK, early_stopping=True, validation=0.99), 3),
        (RegularizedMLPRegressor(**QUICK, early_stopping=True), 1),
    ],
)
def test_early_stopping_on_tiny_data_warns_and_watches_the_training_rows(model, n_rows):
    X, y = data()
    with pytest.warns(ValidationSetWarning, match=f"{n_rows} training rows cannot spare"):
        model.fit(X[:n_rows], y[:n_rows])
    assert len(model.validation_scores_) == model.n_iter_


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver, rate", [("sgd", 1e200), ("adam", 1e300)])
def test_divergence_warns_with_epoch_and_cause_and_keeps_finite_weights(cls, solver, rate):
    X, y = data()
    model = cls(**QUICK | {"max_iter": 50}, solver=solver, learning_rate_init=rate)
    with pytest.warns(DivergenceWarning, match=r"in epoch \d+\. .*learning_rate_init.* are kept"):
        model.fit(X, y)
    assert all(np.isfinite(W).all() for W in model.coefs_)
    assert np.isfinite(model.predict(X)).all()
    assert model.n_iter_ < 50


def test_divergence_of_one_member_of_a_committee_is_reported_once_by_each_cause():
    X, y = data()
    model = RegularizedMLPRegressor(
        **QUICK | {"max_iter": 50}, n_estimators=3, n_jobs=2, solver="sgd", learning_rate_init=1e200
    )
    caught = fit_recording(model, X, y)
    messages = {str(warning.message) for warning in caught}
    assert {warning.category for warning in caught} == {DivergenceWarning}
    assert len(messages) == len(caught)  # worker processes do not swallow it, nor repeat it


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_lbfgs_that_runs_out_of_iterations_warns(cls):
    model = cls(**QUICK, solver="lbfgs", tol=1e-12)
    with pytest.warns(NotConvergedWarning, match=r"stopped after 2 iterations .* max_iter or tol"):
        model.fit(*data())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_ctrl_c_warns_and_keeps_the_best_weights_so_far(cls):
    X, y = data()
    quiet = PLAIN | QUICK | {"max_iter": 50, "early_stopping": True, "validation": 0.2}
    model = cls(**quiet, monitor=ctrl_c_after(3))
    with pytest.warns(InterruptedFitWarning, match="interrupted by the user"):
        model.fit(X, y)
    assert model.n_iter_ >= 3
    assert model.best_iteration_ == 3
    same = cls(**quiet | {"max_iter": 3}, monitor=ctrl_c_after(99))
    same.fit(X, y)
    np.testing.assert_array_equal(model.predict(X), same.predict(X))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_ctrl_c_in_a_committee_keeps_the_members_that_there_are(cls):
    X, y = data()
    model = cls(
        **QUICK, n_estimators=3, early_stopping=True, validation=0.2, monitor=ctrl_c_after(3)
    )
    with pytest.warns(InterruptedFitWarning):
        model.fit(X, y)
    assert len(model.members_) == 2  # the second member was interrupted in its second epoch
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_gradient_check_is_silent_about_the_configuration(cls):
    X, y = data()
    model = cls(**QUICK | {"init": "zeros", "batch_size": 1000, "tol": 0.1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gradients(model, X, y)


def test_a_warning_survives_pickling_as_its_class():
    warning = pickle.loads(pickle.dumps(DivergenceWarning("the loss is not finite")))
    assert type(warning) is DivergenceWarning
    assert warning.args == ("the loss is not finite",)


def test_equal_weights_with_weight_noise_do_not_stay_equal():
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RegularizedMLPClassifier(
            (4,), init="zeros", weight_noise=0.1, batch_size=20, max_iter=10, random_state=0
        ).fit(X, y)
    assert len(np.unique(model.coefs_[0][0])) == 4


def test_a_warm_up_that_is_over_with_the_first_step_is_named():
    X, y = load_iris(return_X_y=True)
    model = RegularizedMLPClassifier(warmup=1, max_iter=3, batch_size=150)
    with pytest.warns(IgnoredParameterWarning, match="warmup=1 has no effect"):
        model.fit(X, y)
