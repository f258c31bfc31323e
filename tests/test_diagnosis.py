"""`diagnose` names the fault of broken set-ups and is silent on healthy ones."""

import itertools
import re
import warnings

import numpy as np
import pytest
from plain import plain
from scipy.sparse import csr_array, random_array
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_classification,
    make_friedman1,
)
from sklearn.model_selection import train_test_split

from skregnet import (
    Diagnosis,
    Finding,
    Normal,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    diagnose,
    inspect_layers,
)
from skregnet.exceptions import SkregnetWarning

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
Classifier, Regressor = RegularizedMLPClassifier, RegularizedMLPRegressor
SEEDS = pytest.mark.parametrize("seed", range(3))


def defaults(kind, **params):
    return params


FROM_BOTH_STARTS = pytest.mark.parametrize(
    "settings, seed", [(plain, 0), (plain, 1), (plain, 2), (defaults, 0)]
)


def unscaled():
    X = (CANCER[0] - CANCER[0].mean(axis=0)) / CANCER[0].std(axis=0)
    X[:, 3] *= 1000.0
    return X, CANCER[1]


def between_zero_and_one():
    X, y = CANCER
    return (X - X.min(axis=0)) / np.ptp(X, axis=0), y


def negative_weights(rng, fan_in, fan_out):
    return -np.abs(rng.normal(size=(fan_in, fan_out)))


def few_positive():
    X = np.vstack([CANCER[0]] * 3)
    return X, (np.arange(len(X)) % 400 == 0).astype(int)


def many_columns_of_noise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 100))
    return X, (X[:, 0] + rng.normal(size=120) > 0).astype(int)


BROKEN = {
    "an unscaled column": (
        Classifier, dict(scaling=None), unscaled, {"unscaled_column"}, True,
    ),
    "a high learning rate": (
        Regressor, dict(learning_rate_init=1.0), lambda: DIABETES,
        {"unstable_loss", "large_updates"}, False,
    ),
    "a low learning rate": (
        Classifier, dict(learning_rate_init=5e-6), lambda: CANCER,
        {"loss_still_falling", "small_updates"}, False,
    ),
    "dead units": (
        Classifier,
        dict(hidden_layer_sizes=(100,), activation="relu", scaling=None,
             init=[negative_weights, "auto"]),
        between_zero_and_one, {"dead_units"}, True,
    ),
    "saturated units": (
        Classifier, dict(activation="logistic", init=Normal(scale=10.0)), lambda: CANCER,
        {"saturated_units"}, True,
    ),
    "exploding initial weights": (
        Classifier, dict(hidden_layer_sizes=(100, 100, 100), init=Normal(scale=1.0)),
        lambda: CANCER, {"exploding_activations"}, True,
    ),
    "constant labels": (Classifier, {}, few_positive, {"constant_target"}, True),
    "a constant target": (
        Regressor, {}, lambda: (DIABETES[0], np.full(442, 3.0)), {"constant_target"}, True,
    ),
    "an overfit network": (
        Classifier, dict(hidden_layer_sizes=(200,), alpha=0.0), many_columns_of_noise,
        {"generalization_gap"}, False,
    ),
}  # fmt: skip

HEALTHY = {
    "classifier": (Classifier, dict(alpha=1.0), CANCER),
    "regressor": (Regressor, dict(alpha=10.0), DIABETES),
    "dropout": (
        Classifier, dict(hidden_layer_sizes=(64,), keep_prob=0.7), load_digits(return_X_y=True),
    ),
    "dropout, few rows": (
        Regressor, dict(keep_prob=0.5), (DIABETES[0][:150], DIABETES[1][:150]),
    ),
    "batch normalization": (Classifier, dict(batchnorm=True), CANCER),
    "sigmoids": (Classifier, dict(activation="logistic"), CANCER),
}  # fmt: skip

CLASSES = make_classification(900, 20, n_informative=8, flip_y=0.05, random_state=0)
REALS = make_friedman1(900, noise=1.0, random_state=0)
DIGITS = tuple(part[:900] for part in load_digits(return_X_y=True))
HEALTHY_DEFAULTS = {
    "classifier": (Classifier, {}, CLASSES),
    "many columns": (Classifier, {}, DIGITS),
    "regressor": (Regressor, {}, REALS),
    "another activation": (Regressor, dict(activation="relu"), REALS),
    "dropout": (Classifier, dict(keep_prob=0.7), CLASSES),
    "batch normalization": (Regressor, dict(batchnorm=True), REALS),
}


def fitted(kind, params, X, y, seed):
    """The estimator, fitted on two thirds of the rows, and the arguments of `diagnose`."""
    parts = train_test_split(X, y, test_size=1 / 3, random_state=seed)
    X_train, X_val, y_train, y_val = parts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkregnetWarning)
        model = kind(**params, random_state=seed).fit(X_train, y_train)
    return model, (X_train, y_train), dict(X_val=X_val, y_val=y_val)


@FROM_BOTH_STARTS
@pytest.mark.parametrize("name", BROKEN)
def test_the_planted_fault_is_named(name, settings, seed):
    kind, params, data, faults, seen_before_training = BROKEN[name]
    params = settings(kind, **params)
    model, rows, validation = fitted(kind, params, *data(), seed)
    assert faults <= diagnose(model, *rows, **validation).names
    before = diagnose(kind(**params, random_state=seed), *data()).names
    assert not seen_before_training or faults <= before


@SEEDS
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_alarming_in_a_healthy_network(name, seed):
    kind, params, data = HEALTHY[name]
    params = plain(kind, **params)
    model, rows, validation = fitted(kind, params, *data, seed)
    report = diagnose(model, *rows, **validation)
    assert not report and str(report) == "diagnosis: nothing alarming", report
    assert not diagnose(kind(**params, random_state=seed), *data)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", HEALTHY_DEFAULTS)
def test_nothing_is_alarming_with_the_defaults_on_an_ordinary_problem(name, seed):
    kind, params, data = HEALTHY_DEFAULTS[name]
    model, rows, validation = fitted(kind, params, *data, seed)
    assert model.best_iteration_ is not None  # rows enough to hold some out
    for report in (
        diagnose(model, *rows, **validation),
        diagnose(model, *rows),
        diagnose(kind(**params, random_state=seed), *data),
    ):
        assert not report, report


# Single findings ---------------------------------------------------------------------------------


def only(report, name):
    """The finding of that name, of which there must be one."""
    [finding] = [finding for finding in report if finding.finding == name]
    return finding


def test_the_unscaled_column_is_named():
    pandas = pytest.importorskip("pandas")
    X, y = unscaled()
    model = Classifier(scaling=None, random_state=0)
    finding = only(diagnose(model, X, y), "unscaled_column")
    assert finding.where == "column 3" and finding.value == pytest.approx(1000.0)
    assert "scaling='robust'" in finding.advice
    frame = pandas.DataFrame(X, columns=[f"x{i}" for i in range(30)])
    assert only(diagnose(model, frame, y), "unscaled_column").where == "column 'x3'"
    assert only(diagnose(model, csr_array(X), y), "unscaled_column").where == "column 3"


def test_a_column_that_is_too_small_is_named():
    X, y = unscaled()
    X[:, 3] *= 1e-6
    finding = only(diagnose(Classifier(scaling=None, random_state=0), X, y), "unscaled_column")
    assert finding.where == "column 3" and finding.value == pytest.approx(1e-3)


def test_columns_of_rare_ones_are_no_alarm():
    X, y = unscaled()
    X[:, 3] = np.arange(len(X)) == 7
    assert not diagnose(Classifier(scaling=None, random_state=0), X, y)


def test_what_is_learnt_to_make_of_a_column_is_no_scaling():
    model = Classifier(random_state=0).fit(*DIGITS)
    inputs = np.abs(inspect_layers(model, *DIGITS)[0].inputs).max(axis=0)
    assert inputs.size > 64 and np.any((inputs > 0) & (inputs < 0.01))
    assert "unscaled_column" not in diagnose(model, *DIGITS).names


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_rows_far_from_the_training_rows_are_named(scaling):
    model = Regressor(max_iter=1, scaling=scaling, random_state=0).fit(*DIABETES)
    X = DIABETES[0].copy()
    X[:, 2] *= 100.0
    finding = only(diagnose(model, X, DIABETES[1]), "unscaled_column")
    assert finding.where == "column 2" and "training rows" in finding.advice


def test_one_label_is_named_though_fit_would_refuse_it():
    report = diagnose(Classifier(), CANCER[0], np.ones(569))
    assert report.names == {"constant_target"} and report[0].value == 1.0


def test_rare_labels_of_a_multilabel_target_are_no_alarm():
    Y = np.eye(4, dtype=int)[np.arange(569) % 4]
    Y[:, 3] = np.arange(569) == 0
    Y[::2, :2] = 1
    assert "constant_target" not in diagnose(Classifier(random_state=0), CANCER[0], Y).names


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (dict(init="normal", activation="tanh"), {"vanishing_activations"}),
        (dict(activation="logistic"), {"vanishing_gradients"}),
    ],
)
def test_what_vanishes_in_a_deep_network(params, expected):
    depth = {"hidden_layer_sizes": (50,) * 10, "random_state": 0}
    deep = Classifier(**plain(Classifier, **depth | params))
    assert expected <= diagnose(deep, *CANCER).names
    assert not diagnose(deep.set_params(init="he", activation="relu"), *CANCER)


def test_sigmoids_vanish_in_a_deep_network_from_the_default_start():
    deep = Classifier((50,) * 10, activation="logistic", random_state=0)
    assert "vanishing_activations" in diagnose(deep, *CANCER).names
    assert not diagnose(deep.set_params(activation="selu"), *CANCER)


def test_gradients_of_penalties_neither_vanish_nor_explode():
    """The default output layer starts at 0, so that nothing else reaches the others."""
    for alpha in ([1e-6, 1.0, 1.0], [1.0, 1e-6, 1.0]):
        assert not diagnose(Classifier((20, 20), alpha=alpha, random_state=0), *CANCER)


def test_biases_are_no_explosion_beside_small_values():
    X = random_array((300, 2000), density=0.01, format="csr", rng=np.random.default_rng(0))
    y = np.arange(300) % 2
    assert not diagnose(Classifier(scaling=None, random_state=0), X, y)
    exploding = Classifier(scaling=None, init=Normal(scale=1.0), random_state=0)
    assert diagnose(exploding, X, y).names == {"exploding_activations"}


def test_gradients_that_explode_on_the_way_back():
    model = Classifier(**plain(Classifier, init=["auto", Normal(scale=1e4)], random_state=0))
    finding = only(diagnose(model, *CANCER), "exploding_gradients")
    assert finding.where == "hidden 1" and finding.value > 1e4


def test_weights_that_l1_removed_are_not_dead_units():
    model = Classifier((100,), alpha=20.0, l1_ratio=1.0, max_iter=100, learning_rate_init=0.01,
                       random_state=0).fit(*CANCER)  # fmt: skip
    assert np.mean(~model.coefs_[0].any(axis=0)) > 0.5
    assert "dead_units" not in diagnose(model, *CANCER).names


def test_a_loss_that_was_never_finite():
    model = Regressor(learning_rate_init=1e200, max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkregnetWarning)
        model.fit(*DIABETES)
    assert model.n_iter_ == 0
    assert only(diagnose(model, *DIABETES), "unstable_loss").value == np.inf


def test_the_noise_of_masks_is_no_instability():
    model = Regressor(**plain(Regressor, keep_prob=0.3, random_state=0))
    model.fit(DIABETES[0][:50], DIABETES[1][:50])
    loss = np.array(model.history_["loss"])
    assert np.max(loss / np.minimum.accumulate(loss)) > 2
    assert "unstable_loss" not in diagnose(model, DIABETES[0][:50], DIABETES[1][:50]).names


def test_predictions_without_any_dependence_on_the_rows():
    model = Regressor(alpha=1e4, l1_ratio=1.0, max_iter=100, random_state=0).fit(*DIABETES)
    assert {"constant_predictions", "no_better_than_constant"} <= diagnose(model, *DIABETES).names


def test_the_gap_is_read_from_the_validation_curve_if_no_rows_are_given():
    epoch = itertools.count()
    X, y = many_columns_of_noise()
    model = Classifier(
        (200,), alpha=0.0, early_stopping=True, n_iter_no_change=None, validation=0.3,
        monitor=lambda estimator, X, y: next(epoch), random_state=0,
    ).fit(X, y)  # fmt: skip
    assert model.best_iteration_ == model.n_iter_
    finding = only(diagnose(model, X, y), "generalization_gap")
    expected = model.history_["validation_loss"][-1] - model.history_["loss"][-1]
    assert finding.value == pytest.approx(expected / np.log(2), rel=0.05)
    model = model.set_params(early_stopping=False, monitor="loss", validation=0.2)
    assert "generalization_gap" not in diagnose(model.fit(X, y), X, y).names


def test_training_that_early_stopping_ended_is_not_still_falling():
    model = Classifier(early_stopping=True, learning_rate_init=1e-5, max_iter=30, random_state=0)
    model.fit(*CANCER)
    assert "loss_still_falling" in diagnose(model, *CANCER).names
    model.members_[0].best.epoch = 10
    assert "loss_still_falling" not in diagnose(model, *CANCER).names


def test_what_a_falling_rate_brings_at_the_end_is_not_still_falling():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 8))
    y = X[:, 0] + 2.5 * rng.normal(size=900)
    long = {"max_iter": 64, "batch_size": 128, "learning_rate_init": 3e-3}
    wide = {"hidden_layer_sizes": (128, 128, 128), "numeric_embedding": None}
    model = Regressor(**wide, **long, early_stopping=False, random_state=0).fit(X, y)
    loss = np.array(model.history_["loss"])
    assert loss[48] - loss[-1] > 0.3 * (loss[0] - loss[-1]) and loss[-1] > 0.5 * loss[0]
    assert "loss_still_falling" not in diagnose(model, X, y).names
    model.set_params(learning_rate_init=1e-5)
    assert "loss_still_falling" in diagnose(model.fit(X, y), X, y).names


def test_a_committee_is_diagnosed_by_its_first_member():
    kind, params, data, *_ = BROKEN["dead units"]
    X, y = data()
    model = kind(**params, n_estimators=2, max_iter=3, random_state=0).fit(X, y)
    assert "dead_units" in diagnose(model, X, y).names


@pytest.mark.parametrize("shape", [(442,), (442, 2)])
@pytest.mark.parametrize("value", [0.0, 0.1, 7.0])
def test_a_constant_count_is_one_finding(value, shape):
    X, y = DIABETES[0], np.full(shape, value)
    model = Regressor((), loss="poisson", max_iter=5, random_state=0)
    for estimator in (model, model.fit(X, y)):
        report = diagnose(estimator, X, y)
        assert "constant_target" in report.names
        assert not report.names & {"no_better_than_constant", "constant_predictions"}


def test_steps_are_judged_without_schedule_and_warm_up():
    model = Classifier(learning_rate_init=5.0, warmup=50, random_state=0)
    finding = only(diagnose(model, *CANCER), "large_updates")
    assert "a first step at learning_rate_init would" in finding.message
    assert "without schedule and warm-up" in " ".join(diagnose.__doc__.split())
    assert finding.advice == "Lower learning_rate_init."
    assert not diagnose(model.set_params(learning_rate_init=1e-3), *CANCER)


@pytest.mark.parametrize("init, rate", [("auto", 0.03), ("he", 0.06)])
def test_rates_are_judged_in_the_units_of_the_start(init, rate):
    model = Classifier(init=init, learning_rate_init=rate, random_state=0)
    assert diagnose(model, *CANCER).names == {"large_updates"}
    assert not diagnose(model.set_params(learning_rate_init=rate / 3), *CANCER)


def test_advice_names_what_can_help():
    X, y = many_columns_of_noise()
    rows = {"X_val": X[80:], "y_val": y[80:]}

    def advice(name, **params):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkregnetWarning)
            model = Classifier(**params, random_state=0).fit(X[:80], y[:80])
        return only(diagnose(model, X[:80], y[:80], **rows), name).advice

    gap = "generalization_gap"
    common = plain(Classifier, alpha=0.0, max_iter=100, learning_rate_init=0.01)
    assert advice(gap, **common) == (
        "Raise alpha, lower keep_prob, set early_stopping=True, or make hidden_layer_sizes smaller."
    )
    linear = advice(gap, hidden_layer_sizes=(), solver="lbfgs", alpha=0.01)
    assert linear == "Raise alpha, or set early_stopping=True."
    stopped = advice(gap, **common, early_stopping=True, monitor=lambda estimator, X, y: 1.0)
    assert "early_stopping" not in stopped
    steps = {"alpha": 1e5, "hidden_layer_sizes": ()}
    name = "no_better_than_constant"
    assert "learning_rate_init" in advice(name, **steps, max_iter=20)
    assert "learning_rate_init" not in advice(name, **steps, solver="lbfgs")


# The report --------------------------------------------------------------------------------------


def test_the_report_is_a_sequence_that_prints():
    kind, params, data, *_ = BROKEN["dead units"]
    report = diagnose(kind(**params), *data())
    assert isinstance(report, Diagnosis) and all(isinstance(f, Finding) for f in report)
    assert len(report) == len(list(report)) > 0 and report[-1] in report
    text = repr(report)
    assert text == str(report) and text.startswith(f"diagnosis: {len(report)} findings\n")
    finding = only(report, "dead_units")
    assert "dead_units (hidden 1): 100% of the units" in text and finding.advice in text
    assert isinstance(finding.value, float) and finding.value == 1.0


@pytest.mark.parametrize("name", BROKEN)
def test_findings_are_documented_and_name_hyperparameters(name):
    kind, params, data, *_ = BROKEN[name]
    model, rows, validation = fitted(kind, params, *data(), 0)
    known = set(kind().get_params())
    for finding in diagnose(model, *rows, **validation):
        assert f"``{finding.finding}``" in diagnose.__doc__
        named = set(re.findall(r"[a-z_0-9]+", finding.advice)) & known
        assert named or "check y" in finding.advice, finding.advice
        assert set(re.findall(r"([a-z_]+)=", finding.advice)) <= known
        assert re.search(r"\d|one value|infinite", finding.message)


@pytest.mark.parametrize("given", ["X_val", "y_val"])
def test_validation_rows_need_both_parts(given):
    missing = {"X_val": "y_val", "y_val": "X_val"}[given]
    with pytest.raises(ValueError, match=f"{given} is provided, but {missing} was not provided"):
        diagnose(Regressor(), *DIABETES, **{given: DIABETES[0]})


def test_the_estimator_is_left_as_it_is():
    model = Regressor(max_iter=2, random_state=0).fit(*DIABETES)
    before, theta = set(vars(model)), model.members_[0].theta.copy()
    diagnose(model, *DIABETES, X_val=DIABETES[0], y_val=DIABETES[1])
    assert set(vars(model)) == before
    np.testing.assert_array_equal(model.members_[0].theta, theta)
