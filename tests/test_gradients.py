"""check_gradients on whole estimators, over a product of techniques, before and after training."""

import pickle
from itertools import combinations, product

import numpy as np
import pytest
from plain import plain
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skregnet.gradients
from skregnet import (
    LBFGS,
    SGD,
    Focal,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    check_gradients,
)
from skregnet.core.activations import ACTIVATIONS, Tanh
from skregnet.core.classification_losses import SigmoidLogLoss
from skregnet.core.dropout import Dropout
from skregnet.core.gradient_check import TOLERANCE
from skregnet.core.losses import REGRESSION_LOSSES
from skregnet.core.normalization import BatchNorm
from skregnet.core.objective import Objective
from skregnet.core.penalties import ElasticNet
from skregnet.exceptions import BatchSizeWarning
from skregnet.training.augmentation import LabelSmoothing

N = 20
RNG = np.random.default_rng(0)
X = RNG.normal(2.0, [1.0, 0.1, 5.0, 1.0], (N, 4))
WEIGHT = RNG.uniform(0.5, 3.0, N)
SIGNALS = (X - 2.0) / [1.0, 0.1, 5.0, 1.0] @ RNG.normal(size=(4, 3)) + RNG.normal(size=(N, 3))

CLASSIFICATION = {
    "binary": (SIGNALS[:, 0] > 0).astype(int),
    "multiclass": SIGNALS.argmax(axis=1),
    "multilabel": (SIGNALS > 0).astype(int),
}
POSITIVE = np.exp(0.5 * SIGNALS)  # a target that every regression loss is defined for
TASKS = (
    {name: (RegularizedMLPClassifier, y, {}) for name, y in CLASSIFICATION.items()}
    | {
        f"{loss}, {name}": (RegularizedMLPClassifier, CLASSIFICATION[name], {"loss": loss})
        for loss, name in [("hinge", "binary"), ("hinge", "multiclass"), ("focal", "multiclass")]
    }
    | {
        f"{loss}, {n_outputs}": (RegularizedMLPRegressor, y, {"loss": loss})
        for loss in REGRESSION_LOSSES
        for n_outputs, y in [("one output", POSITIVE[:, 0]), ("three outputs", POSITIVE)]
    }
)

TECHNIQUES = {
    "dropout": {
        "no dropout": {},
        "dropout": {"keep_prob": 0.7},
        "dropout everywhere": {"keep_prob": [0.8, 0.6], "input_keep_prob": 0.8},
    },
    "batchnorm": {
        "no batchnorm": {},
        "before": {"batchnorm": "before"},
        "after": {"batchnorm": "after"},
        "layer norm": {"group_norm": 1},
    },
    "noise": {
        "no noise": {},
        "hidden noise": {"hidden_noise": 0.3},
        "weight noise": {"weight_noise": 0.2},
    },
    "penalty": {
        "no penalty": {"alpha": 0.0},
        "L2": {"alpha": 0.5},
        "L1": {"alpha": 0.5, "l1_ratio": 1.0},
        "both, by layer": {"alpha": [0.2, 1.0, 0.5], "l1_ratio": 0.5},
    },
    "smoothing": {"hard labels": {}, "smooth labels": {"label_smoothing": 0.1}},
    "weights": {"unweighted": {}, "weighted": {}},
    "solver": {
        "adam": {"learning_rate_init": 0.02},
        "sgd": {"solver": SGD(), "learning_rate_init": 0.01, "clip_norm": 1.0},
    },
}


def pairs_of(case):
    return set(combinations(case.items(), 2))


def cases():
    """Every activation with every task, and with each the techniques that bring most new pairs."""
    rng, covered = np.random.default_rng(0), set()
    for activation, task in product(ACTIVATIONS, TASKS):
        candidates = [
            {"activation": activation, "task": task}
            | {name: str(rng.choice(list(levels))) for name, levels in TECHNIQUES.items()}
            for _ in range(30)
        ]
        best = max(candidates, key=lambda case: len(pairs_of(case) - covered))
        covered |= pairs_of(best)
        yield best


CASES = list(cases())


def problem_of(case):
    """The estimator, its target and its sample weights."""
    cls, y, params = TASKS[case["task"]]
    for name, levels in TECHNIQUES.items():
        params = params | levels[case[name]]
    if cls is RegularizedMLPRegressor:
        params.pop("label_smoothing", None)
    common = {
        "hidden_layer_sizes": (5, 4), "activation": case["activation"], "max_iter": 20,
        "dtype": "float64", "random_state": 0,
    }  # fmt: skip
    model = cls(**plain(cls, **common | params))
    return model, y, WEIGHT if case["weights"] == "weighted" else None


def assert_good(report):
    assert report.passed, str(report)
    assert report.relative_error < 1e-7
    assert all(block.error < 1e-7 for block in report.blocks)


def classifier(**params):
    common = {
        "hidden_layer_sizes": (5, 4), "activation": "tanh", "max_iter": 20, "dtype": "float64",
        "random_state": 0,
    }  # fmt: skip
    return RegularizedMLPClassifier(**plain(RegularizedMLPClassifier, **common | params))


Y_BINARY, Y_MULTICLASS = CLASSIFICATION["binary"], CLASSIFICATION["multiclass"]


# The product of techniques ----------------------------------------------------------------------


def test_every_two_techniques_meet_somewhere_in_the_product():
    levels = {"activation": ACTIVATIONS, "task": TASKS} | TECHNIQUES
    wanted = {
        ((a, x), (b, y))
        for a, b in combinations(levels, 2)
        for x, y in product(levels[a], levels[b])
    }
    assert wanted == set().union(*map(pairs_of, CASES))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_gradients_before_and_after_twenty_epochs(case):
    model, y, weight = problem_of(case)
    start = check_gradients(model, X, y, weight)
    assert_good(start)
    # Normalization makes the gradient of some shifts vanish; that of random weights never does,
    # so there rounding cannot hide a mistake.
    assert not any(b.at_rounding for b in start.blocks if b.parameter == "W"), str(start)
    model.fit(X, y, sample_weight=weight)
    assert model.n_iter_ == 20
    assert_good(check_gradients(model, X, y, weight))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.7])
def test_gradients_of_linear_models(task, l1_ratio):
    cls, y, params = TASKS[task]
    model = cls((), alpha=1.0, l1_ratio=l1_ratio, input_keep_prob=0.8, dtype="float64",
                random_state=0, max_iter=20, **params)  # fmt: skip
    assert_good(check_gradients(model, X, y, WEIGHT))
    assert_good(check_gradients(model.fit(X, y, sample_weight=WEIGHT), X, y, WEIGHT))


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs", "batchnorm": True},
        {"solver": "lbfgs", "l1_ratio": 0.5, "alpha": 2.0},
        {"max_norm": 0.5, "weight_decay": 0.1},
        {"class_weight": "balanced"},
        {"group_norm": 2, "hidden_layer_sizes": (8, 6), "solver": "lbfgs", "alpha": 1.0},
        {"hidden_noise": 0.3, "weight_noise": 0.2, "keep_prob": 0.7, "batchnorm": "after"},
        {"loss": Focal(gamma=0.5), "label_smoothing": 0.1},
        {"loss": "hinge", "solver": "lbfgs"},
        {"augmentation": "mixup", "clip_norm": 0.1, "warmup": 3},
        {"scaling": "robust"},
        {"scaling": None, "activation": ["logistic", "relu"]},
        {"init": "data"},
        {"init": "orthogonal", "batch_size": 5, "shuffle": False},
        {"early_stopping": True, "validation": 0.3},
        {"n_estimators": 2, "voting": "hard"},
        {"warm_start": True, "learning_rate": "cosine"},
        {"dtype": "float32"},
        {"random_state": None, "keep_prob": 0.5},
        {"init": "auto", "numeric_embedding": "auto", "feature_scale": "auto"},
        {"numeric_embedding": "ple", "parametric_activation": True, "feature_scale": True},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_gradients_with_the_other_hyperparameters(params):
    model = classifier(**params)
    assert_good(check_gradients(model, X, Y_MULTICLASS, WEIGHT))
    assert_good(check_gradients(model.fit(X, Y_MULTICLASS), X, Y_MULTICLASS, WEIGHT))


# What is checked, and where ---------------------------------------------------------------------


class Captured:
    """What `check_gradients` hands to the engine."""

    def __init__(self, monkeypatch):
        engine = skregnet.gradients.gradient_check

        def spy(evaluate, theta, *arguments):
            self.theta, self.J = theta.data.copy(), evaluate(theta)[0]
            return engine(evaluate, theta, *arguments)

        monkeypatch.setattr(skregnet.gradients, "gradient_check", spy)


def test_the_check_is_made_at_the_fitted_weights(monkeypatch):
    captured = Captured(monkeypatch)
    model = classifier().fit(X, Y_BINARY)
    check_gradients(model, X, Y_BINARY)
    np.testing.assert_array_equal(captured.theta, model.members_[0].theta)


def test_the_check_before_training_is_made_at_the_initial_weights(monkeypatch):
    captured = Captured(monkeypatch)
    check_gradients(classifier(), X, Y_BINARY)
    unmoved = classifier(learning_rate_init=1e-300, alpha=0.0, max_iter=1).fit(X, Y_BINARY)
    np.testing.assert_allclose(captured.theta, unmoved.members_[0].theta, rtol=0, atol=1e-299)


@pytest.mark.parametrize(
    "params",
    [{}, {"alpha": 0.0}, {"alpha": 2.0, "l1_ratio": 0.5}, {"batchnorm": True},
     {"label_smoothing": 0.2}, {"class_weight": "balanced"}],
    ids=str,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_the_objective_is_the_one_that_fit_minimises(monkeypatch, params):
    captured = Captured(monkeypatch)
    model = classifier(solver="lbfgs", max_iter=15, **params)
    model.fit(X, Y_BINARY, sample_weight=WEIGHT)
    check_gradients(model, X, Y_BINARY, WEIGHT)
    assert captured.J == pytest.approx(model.loss_curve_[-1], rel=1e-12)


@pytest.mark.parametrize("container", [csr_array, np.asfortranarray, np.ndarray.tolist])
def test_other_forms_of_x_are_checked_alike(container):
    # Sparse X is not centred; without scaling all forms mean the same.
    model = classifier(scaling=None)
    report = check_gradients(model, container(X), Y_BINARY)
    assert_good(report)
    expected = check_gradients(model, X, Y_BINARY)
    assert [b.parameter for b in report.blocks] == [b.parameter for b in expected.blocks]


def test_soft_labels_are_checked_as_hard_ones_are():
    soft = SIGNALS - SIGNALS.min() + 0.1
    soft /= soft.sum(axis=1, keepdims=True)
    for columns in (soft, soft[:, :2] / soft[:, :2].sum(axis=1, keepdims=True)):
        model = classifier(soft_labels=True, class_weight="balanced")
        assert_good(check_gradients(model, X, columns, WEIGHT))
        assert_good(check_gradients(model.fit(X, columns, WEIGHT), X, columns, WEIGHT))


def test_rows_of_weight_zero_are_dropped(monkeypatch):
    captured = Captured(monkeypatch)
    weight = np.where(np.arange(N) < 15, WEIGHT, 0.0)
    assert_good(check_gradients(classifier(), X, Y_BINARY, weight))
    with_zeros = captured.J
    check_gradients(classifier(), X[:15], Y_BINARY[:15], WEIGHT[:15])
    assert with_zeros == captured.J


@pytest.mark.parametrize("fitted", [False, True])
def test_the_estimator_is_left_as_it_is(fitted):
    model = classifier(keep_prob=0.5, batchnorm=True, warm_start=True)
    if fitted:
        model.fit(X, Y_BINARY)
    before = pickle.dumps(model)
    check_gradients(model, X, Y_BINARY, WEIGHT)
    assert pickle.dumps(model) == before
    if not fitted:
        with pytest.raises(NotFittedError):
            model.predict(X)


def test_the_same_seed_gives_the_same_report():
    reports = [check_gradients(classifier(keep_prob=0.5), X, Y_BINARY) for _ in range(2)]
    assert reports[0] == reports[1]


def test_the_report_names_layers_and_arrays():
    report = check_gradients(classifier(keep_prob=0.5, batchnorm="before"), X, Y_BINARY)
    assert [f"{block.layer} {block.parameter}" for block in report.blocks] == [
        "0 Dense W",
        "4 Dense W",
        "8 Dense W",
        "1 BatchNorm gamma",
        "1 BatchNorm beta",
        "5 BatchNorm gamma",
        "5 BatchNorm beta",
        "8 Dense b",
    ]
    assert str(report).startswith("gradient check passed")


def test_warnings_are_left_to_fit():
    """Warnings are errors in this suite."""
    assert_good(check_gradients(classifier(init="normal", batch_size=1000), X, Y_BINARY))
    with pytest.warns(BatchSizeWarning):
        classifier(init="normal", batch_size=1000).fit(X, Y_BINARY)


def test_bad_input_raises_as_in_fit():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_gradients(classifier(), X, Y_BINARY[:-1])
    with pytest.raises(ValueError, match="'alpha'"):
        check_gradients(classifier(alpha=-1.0), X, Y_BINARY)
    with pytest.raises(ValueError, match="features"):
        check_gradients(classifier().fit(X, Y_BINARY), X[:, :3], Y_BINARY)


# Kinks and optima are no false alarms -------------------------------------------------------------


def test_relu_at_an_all_zero_row():
    with_zero_row = X.copy()
    with_zero_row[3] = 0.0
    report = check_gradients(classifier(activation="relu", scaling=None), with_zero_row, Y_BINARY)
    assert_good(report)
    assert report.moved and "kinks" in str(report)


def test_smooth_objectives_are_checked_where_they_are():
    assert not check_gradients(classifier(), X, Y_BINARY).moved
    assert check_gradients(classifier(alpha=1.0, l1_ratio=0.1), X, Y_BINARY).moved


@pytest.mark.parametrize("alpha", [0.5, 20.0])
def test_the_optimum_of_a_linear_model(alpha):
    model = RegularizedMLPRegressor((), solver=LBFGS(), alpha=alpha, tol=1e-9, random_state=0)
    report = check_gradients(model.fit(X, POSITIVE), X, POSITIVE)
    assert_good(report)
    assert all(block.at_rounding for block in report.blocks)


def test_exact_zeros_of_l1():
    model = classifier(alpha=3.0, l1_ratio=1.0, max_iter=100, learning_rate_init=0.05)
    model.fit(X, Y_BINARY)
    assert model.sparsity_ > 0.3
    assert_good(check_gradients(model, X, Y_BINARY))


# A wrong gradient is caught -----------------------------------------------------------------------


def wrong_slope(monkeypatch):
    monkeypatch.setattr(Tanh, "slope", lambda self, Z, Y, out: np.subtract(1.0, Y, out=out))


def wrong_batchnorm(monkeypatch):
    def backward(self, dY, p, g, ws):
        np.sum(dY * ws.centred / ws.std, axis=0, out=g.gamma)
        np.sum(dY, axis=0, out=g.beta)
        return dY * ws.scale  # mean and variance depend on X as well

    monkeypatch.setattr(BatchNorm, "backward", backward)


def missing_penalty(monkeypatch):
    monkeypatch.setattr(ElasticNet, "add_gradient", lambda *arguments: None)


def penalty_times_batch(monkeypatch):
    right = ElasticNet.add_gradient

    def add_gradient(self, W, g, scale):
        right(self, W, g, 2 * scale)

    monkeypatch.setattr(ElasticNet, "add_gradient", add_gradient)


def wrong_output_sign(monkeypatch):
    right = Objective.step_gradient

    def step_gradient(self, theta, X, Y, weight=None):
        value = right(self, theta, X, Y, weight)
        self.gradient.layers[-1].W[0, 0] *= -1
        return value

    monkeypatch.setattr(Objective, "step_gradient", step_gradient)


def mean_over_outputs(monkeypatch):
    """The mistake of dividing the gradient, but not the loss, by the number of outputs."""
    right = SigmoidLogLoss.__call__

    def call(self, Y, raw, weight, d_raw):
        value = right(self, Y, raw, weight, d_raw)
        d_raw /= 3.0
        return value

    monkeypatch.setattr(SigmoidLogLoss, "__call__", call)


def fresh_masks(monkeypatch):
    right, rng = Dropout.forward, np.random.default_rng(0)

    def forward(self, X, p, ws):
        ws.rng = rng
        return right(self, X, p, ws)

    monkeypatch.setattr(Dropout, "forward", forward)


@pytest.mark.parametrize(
    ("spoil", "params", "worst_is_one_of"),
    [
        (wrong_slope, {}, {"0 Dense W", "0 Dense b"}),
        (
            wrong_batchnorm,
            {"batchnorm": True},
            {"0 Dense W", "1 BatchNorm gamma", "1 BatchNorm beta", "3 Dense W"},
        ),
        (missing_penalty, {"alpha": 1e-4}, {"0 Dense W", "2 Dense W", "4 Dense W"}),
        (penalty_times_batch, {"alpha": 0.1}, {"0 Dense W", "2 Dense W", "4 Dense W"}),
        (wrong_output_sign, {}, {"4 Dense W"}),
        (mean_over_outputs, {}, None),
        (fresh_masks, {"keep_prob": 0.5}, None),
    ],
)
def test_a_broken_gradient_is_caught_and_located(monkeypatch, spoil, params, worst_is_one_of):
    y = CLASSIFICATION["multilabel"]
    model = classifier(**params)
    assert_good(check_gradients(model, X, y))
    spoil(monkeypatch)
    report = check_gradients(model, X, y)
    assert not report.passed and report.relative_error > TOLERANCE
    assert "FAILED" in str(report)
    if worst_is_one_of:
        assert f"{report.worst.layer} {report.worst.parameter}" in worst_is_one_of


@pytest.mark.parametrize("spoil", [wrong_slope, missing_penalty])
def test_before_training_from_output_weights_of_zero_it_is_caught_as_well(monkeypatch, spoil):
    model = classifier(init="auto", numeric_embedding="auto", feature_scale="auto", alpha=0.1)
    report = check_gradients(model, X, Y_MULTICLASS)
    assert_good(report)
    assert report.filled and not any(block.at_rounding for block in report.blocks)
    assert not check_gradients(model.fit(X, Y_MULTICLASS), X, Y_MULTICLASS).filled
    spoil(monkeypatch)
    assert not check_gradients(clone(model), X, Y_MULTICLASS).passed


def test_label_smoothing_enters_the_objective_that_is_checked(monkeypatch):
    captured = Captured(monkeypatch)
    check_gradients(classifier(label_smoothing=0.1), X, Y_MULTICLASS)
    smooth = captured.J
    monkeypatch.setattr(LabelSmoothing, "__call__", lambda self, X, Y, rng: (X, Y))
    check_gradients(classifier(label_smoothing=0.1), X, Y_MULTICLASS)
    assert smooth != captured.J
