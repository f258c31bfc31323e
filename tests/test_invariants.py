"""What must not change: OFF is absence, a seed is a model, and a weight is a repetition."""

from copy import deepcopy

import numpy as np
import pytest
from joblib import parallel_config
from plain import plain
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

from skregnet import (
    SGD,
    Huber,
    Normal,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    assemble,
)
from skregnet.core.activations import ACTIVATIONS
from skregnet.core.classification_losses import (
    CLASSIFICATION_LOSSES,
    SigmoidLogLoss,
    SoftmaxLogLoss,
)
from skregnet.core.dense import Dense
from skregnet.core.dropout import Dropout
from skregnet.core.initializers import He
from skregnet.core.losses import REGRESSION_LOSSES, SquaredError
from skregnet.core.network import Network
from skregnet.fitting import Plan, Rows, fit_member
from skregnet.training.averaging import AVERAGINGS
from skregnet.training.batches import Batches
from skregnet.training.optimizers import LBFGS, SOLVERS, Adam
from skregnet.training.schedules import SCHEDULES, ConstantRate

ESTIMATORS = {"classifier": RegularizedMLPClassifier, "regressor": RegularizedMLPRegressor}
BOTH = pytest.mark.parametrize("kind", ESTIMATORS)


def problem(kind, n_rows=60):
    if kind == "classifier":
        return make_classification(n_rows, 6, n_informative=4, n_classes=3, random_state=0)
    X, y = make_regression(n_rows, 6, noise=5.0, random_state=0)
    return X, y


def make(kind, *, tuned=False, **params):
    """A small estimator: as in a textbook, or else with the defaults of the estimators."""
    small = {"hidden_layer_sizes": (8, 5), "max_iter": 5, "batch_size": 16, "random_state": 0}
    params = small | params
    if not tuned:
        params = plain(ESTIMATORS[kind], **params)
    if params["hidden_layer_sizes"] == ():
        params.pop("activation", None)  # it would warn that it has no effect
    if params.get("solver") == "lbfgs":
        params |= {"batch_size": "auto", "tol": 0.0, "max_iter": 20}
    return ESTIMATORS[kind](**params)


def numbers(model):
    return [member.theta for member in model.members_]


def same_to_the_bit(a, b):
    """Whether two models hold the same numbers (NaN never arises)."""
    a, b = numbers(a), numbers(b)
    return len(a) == len(b) and all(
        s.dtype == t.dtype and np.array_equal(s, t) for s, t in zip(a, b, strict=True)
    )


# OFF is absence -------------------------------------------------------------------------------

OFF = {
    "alpha": [0.0, 0, [0.0, 0.0, 0.0]],
    "weight_decay": [0.0, 0],
    "max_norm": [None],
    "keep_prob": [1.0, 1, [1.0, 1.0]],
    "input_keep_prob": [1.0, 1],
    "batchnorm": [False],
    "group_norm": [None],
    "numeric_embedding": [None],
    "feature_scale": [False],
    "parametric_activation": [False],
    "regularization_schedule": ["constant"],
    "hidden_noise": [0.0, 0],
    "weight_noise": [0.0, 0],
    "augmentation": [None, [], ()],
    "label_smoothing": [0.0, 0],
    "calibration": [None],
    "class_weight": [None],
    "soft_labels": [False],
    "warmup": [0, 0.0],
    "clip_norm": [None],
    "scaling": [None],
    "target_scaling": [None],
    "clip_output": [False],
    "n_estimators": [1],
    "early_stopping": [False],
    "refit": [False],
    "averaging": [None],
    "oob_score": [False],
    "max_time": [None],
}
ONLY_OF = {
    "classifier": {"label_smoothing", "calibration", "class_weight", "soft_labels"},
    "regressor": {"target_scaling", "clip_output"},
}


def off_values_of(kind):
    (other,) = set(ESTIMATORS) - {kind}
    return {name: values for name, values in OFF.items() if name not in ONLY_OF[other]}


def by_hand(kind, X, y, *, solver="adam", dtype=np.float64):
    """The network and its training put together from parts, no regularizer among them."""
    n_out = 3 if kind == "classifier" else 1
    network = Network((
        Dense(6, 8, He()), ACTIVATIONS["relu"](),
        Dense(8, 5, He()), ACTIVATIONS["relu"](),
        Dense(5, n_out, He()),
    ))  # fmt: skip
    Y = np.eye(3)[y] if kind == "classifier" else y[:, np.newaxis]
    plan = Plan(
        network=network, loss=SoftmaxLogLoss() if kind == "classifier" else SquaredError(),
        penalties=(), solver=SOLVERS[solver](), schedule=ConstantRate(), rate=1e-3,
        weight_decay=0.0, clip_norm=None, transforms=(),
        batch_size=len(y) if solver == "lbfgs" else 16,
        shuffle=True, min_rows=1, max_epochs=20 if solver == "lbfgs" else 5, patience=None,
        tol=0.0, dtype=np.dtype(dtype), n_members=1, draw=None, n_jobs=None, keep_state=False,
        seed=np.random.RandomState(0).randint(np.iinfo(np.int32).max),
    )  # fmt: skip
    [member], notes = fit_member(plan, Rows(X.astype(dtype), Y.astype(dtype), None), 0)
    return member


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_everything_off_is_a_hand_assembled_network_to_the_bit(kind, solver, dtype):
    X, y = problem(kind)
    off = {name: values[0] for name, values in off_values_of(kind).items()}
    model = make(kind, solver=solver, dtype=dtype, **off).fit(X, y)
    member = by_hand(kind, X, y, solver=solver, dtype=dtype)
    assert model.members_[0].network == member.network
    np.testing.assert_array_equal(numbers(model)[0], member.theta)


@BOTH
def test_off_values_leave_no_piece_behind(kind):
    off = {name: values[-1] for name, values in off_values_of(kind).items()}
    model = make(kind, **off)
    network = assemble.assemble_network(model, 6, 3)
    assert network.rate == 1.0
    relu = ACTIVATIONS["relu"]
    assert [type(layer) for layer in network.layers] == [Dense, relu, Dense, relu, Dense]
    stopping = assemble.assemble_stopping(model, 60, X_val_given=False)
    plan = assemble.assemble_plan(
        model, network, SquaredError(), 60, scale=None, dtype=np.dtype(float), seed=0,
        stopping=stopping, n_classes=3 if kind == "classifier" else None,
    )  # fmt: skip
    assert not stopping.enabled
    assert (plan.penalties, plan.transforms) == ((), ())
    assert (plan.draw, plan.averaging, plan.max_seconds) == (None, None, None)
    assert (plan.weight_decay, plan.clip_norm, plan.strength) == (0.0, None, None)
    assert isinstance(plan.schedule, ConstantRate)
    assert not model.fit(*problem(kind)).input_scale_


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (kind, name, value)
        for kind in ESTIMATORS
        for name, values in off_values_of(kind).items()
        for value in values[1:]
    ],
    ids=str,
)
def test_every_way_to_say_off_is_the_same_to_the_bit(kind, name, value):
    """Among techniques that are all on, so that nothing of the others depends on the piece."""
    on = {
        "alpha": 0.5, "l1_ratio": 0.0, "weight_decay": 0.01, "max_norm": 0.8, "keep_prob": 0.7,
        "input_keep_prob": 0.9, "batchnorm": "after", "early_stopping": True, "validation": 0.2,
        "hidden_noise": 0.1, "weight_noise": 0.05, "augmentation": "gaussian_noise", "warmup": 2,
        "clip_norm": 0.5,
    }  # fmt: skip
    if kind == "classifier":
        on |= {"label_smoothing": 0.1}
    X, y = problem(kind)
    off, again = (make(kind, **on | {name: v}).fit(X, y) for v in (OFF[name][0], value))
    assert same_to_the_bit(off, again)
    assert not same_to_the_bit(off, make(kind, **on).fit(X, y))


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_max_norm_that_never_binds_changes_no_bit(kind, solver, dtype):
    X, y = problem(kind)
    free = make(kind, solver=solver, dtype=dtype).fit(X, y)
    assert same_to_the_bit(free, make(kind, solver=solver, dtype=dtype, max_norm=1e6).fit(X, y))
    bound = make(kind, solver=solver, dtype=dtype, max_norm=0.5).fit(X, y)
    for W in bound.coefs_:
        assert np.linalg.norm(W, axis=0).max() <= 0.5 * (1 + 1e-6)  # rounding of float32
    assert not same_to_the_bit(free, bound)


@BOTH
def test_a_time_limit_that_is_never_reached_changes_no_bit(kind):
    X, y = problem(kind)
    limited = make(kind, max_time=1e6).fit(X, y)
    assert same_to_the_bit(make(kind).fit(X, y), limited)


@BOTH
def test_one_alpha_for_each_of_equal_matrices_is_one_alpha(kind):
    X, y = problem(kind)
    for l1_ratio in (0.0, 0.5, 1.0):
        one = make(kind, alpha=0.3, l1_ratio=l1_ratio).fit(X, y)
        assert same_to_the_bit(one, make(kind, alpha=[0.3] * 3, l1_ratio=l1_ratio).fit(X, y))


@BOTH
def test_a_penalty_on_one_matrix_leaves_the_others_unpenalised(kind):
    X, y = problem(kind)
    model = make(kind, alpha=[500.0, 0.0, 0.0], l1_ratio=1.0, learning_rate_init=0.05).fit(X, y)
    n_zeros = [np.sum(W == 0) for W in model.coefs_]
    assert n_zeros[0] > 0
    assert n_zeros[1:] == [0, 0]


# A seed is a model ----------------------------------------------------------------------------

RANDOM_CONFIGS = {
    "plain": {},
    "defaults": {"tuned": True},
    "defaults, early stopping": {"tuned": True, "early_stopping": True},
    "dropout": {"keep_prob": 0.7, "input_keep_prob": 0.9},
    "batchnorm": {"batchnorm": True},
    "noise": {"hidden_noise": 0.2, "weight_noise": 0.1},
    "augmentation": {"augmentation": ["gaussian_noise", "mixup"]},
    "random augmentation": {"augmentation": "random_choice"},
    "L1, sgd": {"alpha": 0.5, "l1_ratio": 1.0, "solver": "sgd"},
    "lbfgs": {"solver": "lbfgs", "alpha": 1.0},
    "early stopping": {"early_stopping": True, "validation": 0.2},
    "data-driven init": {"init": "data"},
    **{name: {"averaging": name, "batchnorm": True} for name in AVERAGINGS},
    "committee": {
        "n_estimators": 3, "keep_prob": 0.8, "batchnorm": "after", "early_stopping": True,
        "validation": 0.2, "bootstrap": True, "max_samples": 0.8, "hidden_noise": 0.1,
        "weight_noise": 0.05, "augmentation": "swap_noise",
    },
    "float32": {"dtype": "float32", "keep_prob": 0.8, "hidden_noise": 0.1, "weight_noise": 0.05},
}  # fmt: skip
RANDOM = pytest.mark.parametrize("params", RANDOM_CONFIGS.values(), ids=RANDOM_CONFIGS)


@BOTH
@RANDOM
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_the_same_seed_gives_the_same_model_to_the_bit(kind, params):
    X, y = problem(kind)
    model = make(kind, **params).fit(X, y)
    assert same_to_the_bit(model, clone(model).fit(X, y))
    first = deepcopy(model)
    assert same_to_the_bit(first, model.fit(X, y))  # a second fit starts from the seed, too
    assert not same_to_the_bit(first, model.set_params(random_state=1).fit(X, y))


@BOTH
def test_random_state_follows_the_conventions_of_scikit_learn(kind):
    X, y = problem(kind)
    model = make(kind, max_iter=1)
    number = clone(model).set_params(random_state=7).fit(X, y)
    instance = clone(model).set_params(random_state=np.random.RandomState(7)).fit(X, y)
    assert same_to_the_bit(number, instance)
    first = deepcopy(instance)
    assert not same_to_the_bit(first, instance.fit(X, y))  # the instance has moved on
    none = clone(model).set_params(random_state=None)
    assert not same_to_the_bit(deepcopy(none.fit(X, y)), none.fit(X, y))


@BOTH
def test_fit_leaves_the_global_random_state_alone(kind):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make(kind, keep_prob=0.5, n_estimators=2).fit(*problem(kind))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@BOTH
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_committee_is_the_same_to_the_bit_for_every_n_jobs(kind, backend):
    # Wide enough that a matrix product would be shared among BLAS threads if it were allowed to.
    X, y = problem(kind, n_rows=700)
    params = RANDOM_CONFIGS["committee"] | {
        "hidden_layer_sizes": (128,),
        "batch_size": 300,
        "max_iter": 3,
        "n_estimators": 4,
    }
    alone = make(kind, **params).fit(X, y)
    with parallel_config(backend=backend):
        together = make(kind, **params, n_jobs=2).fit(X, y)
    assert same_to_the_bit(alone, together)
    np.testing.assert_array_equal(alone.predict(X), together.predict(X))
    for a, b in zip(alone.members_, together.members_, strict=True):
        assert a.history["loss"] == b.history["loss"]
        assert a.validation_scores == b.validation_scores


def test_a_member_does_not_depend_on_how_many_others_there_are():
    X, y = problem("regressor")
    params = {"keep_prob": 0.8, "bootstrap": True}
    few, many = (make("regressor", n_estimators=k, **params).fit(X, y) for k in (2, 4))
    for a, b in zip(numbers(few), numbers(many), strict=False):
        np.testing.assert_array_equal(a, b)


# Streams stay apart ---------------------------------------------------------------------------

SWITCHES = {
    "alpha": {"alpha": 1.0},
    "L1": {"alpha": 1.0, "l1_ratio": 0.5},
    "weight_decay": {"weight_decay": 0.1},
    "max_norm": {"max_norm": 0.5},
    "keep_prob": {"keep_prob": 0.5},
    "input_keep_prob": {"input_keep_prob": 0.5},
    "batchnorm before": {"batchnorm": "before"},
    "batchnorm after": {"batchnorm": "after"},
    "group_norm": {"group_norm": 1},
    "hidden_noise": {"hidden_noise": 0.2},
    "weight_noise": {"weight_noise": 0.2},
    "augmentation": {"augmentation": "gaussian_noise"},
    "warmup": {"warmup": 2},
    "clip_norm": {"clip_norm": 0.1},
    "loss": {"loss": "focal"},
    "label_smoothing": {"label_smoothing": 0.1},
    "scaling": {"scaling": None},
    "robust": {"scaling": "robust"},
    "sgd": {"solver": "sgd"},
    "averaging": {"averaging": "ema"},
    "early stopping": {"early_stopping": True},
    "committee": {"n_estimators": 2, "bootstrap": False},
}
SWITCHED = pytest.mark.parametrize("switch", SWITCHES.values(), ids=SWITCHES)


def fit_on_all_rows(model, X, y):
    """Fit so that early stopping takes no rows away."""
    given = {"X_val": X, "y_val": y} if model.early_stopping is True else {}
    return model.fit(X, y, **given)


@SWITCHED
def test_switching_a_technique_on_leaves_the_initial_weights(switch):
    X, y = problem("classifier")
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "alpha": 0.0}
    switch = switch | {"max_norm": 1e6} if "max_norm" in switch else switch  # it acts at once
    if "l1_ratio" in switch:
        switch = switch | {"alpha": 1e-12}  # an Adam step can be long where a gradient is tiny
    plain = make("classifier", **still).fit(X, y)
    switched = make("classifier", **still | switch).fit(X, y)
    for a, b in zip(plain.coefs_, switched.members_[0].coefs, strict=True):
        np.testing.assert_array_equal(a, b)


@SWITCHED
def test_switching_a_technique_on_leaves_the_order_of_rows(switch, monkeypatch):
    X, y = problem("classifier")
    orders = []
    epoch = Batches.epoch

    def spy(self):
        yield from epoch(self)
        orders.append(self.order.copy())

    monkeypatch.setattr(Batches, "epoch", spy)
    make("classifier").fit(X, y)
    plain = orders.copy()
    orders.clear()
    fit_on_all_rows(make("classifier", **switch), X, y)
    np.testing.assert_array_equal(orders[: len(plain)], plain)


@SWITCHED
def test_switching_a_technique_on_leaves_the_dropout_masks(switch, monkeypatch):
    """Comparisons of techniques beside dropout are paired, too."""
    X, y = problem("classifier")
    masks = _masks_of_second_hidden_layer(monkeypatch)
    keep_prob = {"keep_prob": [1.0, 0.5]}
    if "keep_prob" in switch:
        switch = {"keep_prob": [0.5, 0.5]}
    plain = masks(make("classifier", **keep_prob), X, y)
    switched = masks(make("classifier", **keep_prob | switch), X, y)
    assert len(plain) == 20
    np.testing.assert_array_equal(np.vstack(switched[: len(plain)]), np.vstack(plain))


def _masks_of_second_hidden_layer(monkeypatch):
    """Return a function that fits and returns the masks behind the layer of 5 units."""
    forward = Dropout.forward
    found = []

    def spy(self, X, p, ws):
        Y = forward(self, X, p, ws)
        if ws.train and X.shape[1] == 5:
            found.append(ws.mask != 0)
        return Y

    def masks(model, X, y):
        found.clear()
        fit_on_all_rows(model, X, y)
        return [mask.copy() for mask in found]

    monkeypatch.setattr(Dropout, "forward", spy)
    return masks


@SWITCHED
def test_switching_a_technique_on_leaves_the_hold_out(switch):
    X, y = problem("classifier")

    def held_out(**params):
        seen = []

        def scorer(model, X, y):
            seen.append(X)
            return 0.0

        make("classifier", early_stopping=True, monitor=scorer, max_iter=1, **params).fit(X, y)
        return seen[0]

    switch = {name: value for name, value in switch.items() if name != "early_stopping"}
    np.testing.assert_array_equal(held_out(), held_out(**switch))


# The batch size is no regularizer -------------------------------------------------------------


@BOTH
def test_batch_size_leaves_the_norm_of_the_weights_at_equal_steps(kind):
    n_steps = 2000
    if kind == "classifier":
        X, y = make_classification(2000, 10, n_informative=6, random_state=0)
    else:
        X, y = make_regression(2000, 10, noise=20.0, random_state=0)

    def squared_norm(batch_size, alpha=20.0):
        model = make(
            kind, hidden_layer_sizes=(10,), activation="tanh", alpha=alpha, batch_size=batch_size,
            solver=SGD(momentum=0.9), learning_rate_init=0.05, early_stopping=False,
            max_iter=n_steps * batch_size // len(y),
        ).fit(X, y)  # fmt: skip
        return sum(np.sum(W**2.0) for W in model.coefs_)

    small, large = squared_norm(20), squared_norm(2000)
    assert small == pytest.approx(large, rel=0.1)
    # alpha matters here: were it divided by the size of the batch, as in other libraries, a batch
    # of 20 would act with a hundred times the strength.
    assert squared_norm(2000, alpha=2000.0) < 0.5 * large


# A weight is a repetition ---------------------------------------------------------------------

COMMON = {
    "defaults": {"tuned": True},
    "L2": {"alpha": 3.0},
    "L1": {"alpha": 3.0, "l1_ratio": 1.0},
    "elastic net a layer": {"alpha": [2.0, 0.0, 1.0], "l1_ratio": 0.3},
    "weight_decay": {"weight_decay": 0.05},
    "max_norm": {"max_norm": 0.7},
    "group_norm, sgd": {"group_norm": 1, "solver": "sgd"},
    "clip_norm": {"clip_norm": 0.3},
    "warmup": {"warmup": 3.5, "learning_rate": "cosine"},
    "robust": {"scaling": "robust"},
    "batchnorm before": {"batchnorm": "before"},
    "batchnorm after, sgd": {"batchnorm": "after", "solver": "sgd"},  # the same wandering
    # A standardised target makes the only bias start at its optimum, where its gradient is rounding
    # error, which Adam divides by itself: such a bias wanders, by less than the learning rate.
    "no hidden layer, sgd": {"hidden_layer_sizes": (), "solver": "sgd"},
    "unscaled": {"scaling": None},
    "everything": {
        "alpha": 2.0, "l1_ratio": 0.3, "batchnorm": "before", "max_norm": 1.5,
        "weight_decay": 0.01, "activation": "tanh",
    },
    "lbfgs and batchnorm": {"solver": "lbfgs", "alpha": 3.0, "batchnorm": "before"},
    "lbfgs and L1": {"solver": "lbfgs", "alpha": 3.0, "l1_ratio": 0.5},
    "ema": {"averaging": "ema", "alpha": 1.0},
    "swa and batchnorm": {"averaging": "swa", "batchnorm": "before"},
    **{f"solver {name}": {"solver": name, "alpha": 1.0} for name in SOLVERS},
    **{f"rate {name}": {"learning_rate": name} for name in SCHEDULES},
}  # fmt: skip
OF_KIND = {
    "classifier": {
        "no hidden layer": {"hidden_layer_sizes": ()},
        "batchnorm after": {"batchnorm": "after"},
        "label smoothing": {"label_smoothing": 0.2},
        "class_weight": {"class_weight": {0: 1.0, 1: 2.5, 2: 0.5}},
        "balanced classes": {"class_weight": "balanced"},
        "two classes": {"n_classes": 2},
        "multilabel": {"n_classes": "multilabel"},
        "soft labels": {"n_classes": "soft", "soft_labels": True},
        "soft labels, balanced": {
            "n_classes": "soft",
            "soft_labels": True,
            "class_weight": "balanced",
        },
        **{f"loss {name}": {"loss": name} for name in CLASSIFICATION_LOSSES},
        **{f"loss {name}, two": {"loss": name, "n_classes": 2} for name in CLASSIFICATION_LOSSES},
    },
    "regressor": {
        "unscaled target": {"target_scaling": None, "scaling": None},
        "two outputs": {"n_outputs": 2},
        **{f"loss {name}": {"loss": name} for name in REGRESSION_LOSSES},
        "narrow huber": {"loss": Huber(delta=0.3)},
    },
}
NO_DRAWS = [
    pytest.param(kind, params, id=f"{kind}, {name}")
    for kind in ESTIMATORS
    for name, params in (COMMON | OF_KIND[kind]).items()
]


def weighted_problem(kind, params):
    """Rows with whole weights from 0 to 3, and the parameters of the model."""
    params = dict(params)
    X, y = problem(kind, n_rows=40)
    n_classes, n_outputs = params.pop("n_classes", 3), params.pop("n_outputs", 1)
    if n_classes == 2:
        y = np.minimum(y, 1)
    elif n_classes == "multilabel":
        y = np.column_stack([y == 0, y >= 1, X[:, 0] > 0]).astype(int)
    elif n_classes == "soft":
        y = softmax(X[:, :3] + np.eye(3)[y], axis=1)
    if n_outputs == 2:
        y = np.column_stack([y, y * X[:, 0]])
    if params.get("loss") == "poisson":
        y = np.floor(np.abs(y) / 30)
    if params.get("loss") == "gamma":
        y = np.exp(y / 100)
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    assert set(weight) == {0, 1, 2, 3}
    model = make(kind, **{"batch_size": "auto", "max_iter": 20, "dtype": "float64"} | params)
    return model, X, y, weight


@pytest.mark.parametrize("kind, params", NO_DRAWS)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_a_weight_of_three_is_the_row_three_times_and_of_zero_its_absence(kind, params):
    model, X, y, weight = weighted_problem(kind, params)
    weighted = clone(model).fit(X, y, weight)
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    assert len(weighted.loss_curve_) == len(repeated.loss_curve_) == 20
    _assert_close(weighted, repeated, X, rtol=1e-6)
    unweighted = clone(model).fit(X, y)
    with pytest.raises(AssertionError):
        _assert_close(weighted, unweighted, X, rtol=1e-3)


def _assert_close(a, b, X, rtol):
    """Equal predictions, weights and curves; `rtol` is relative to the largest entry."""

    def close(ours, other):
        np.testing.assert_allclose(ours, other, rtol=rtol, atol=rtol * np.abs(other).max())

    close(a.loss_curve_, np.array(b.loss_curve_))
    for V, W in zip(a.coefs_, b.coefs_, strict=True):
        close(V, W)
    output = "predict" if isinstance(a, RegularizedMLPRegressor) else "decision_function"
    close(getattr(a, output)(X), getattr(b, output)(X))


@pytest.mark.parametrize("kind, params", NO_DRAWS)
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.NotConvergedWarning")
def test_a_common_factor_in_weights_and_alpha_leaves_the_model(kind, params):
    model, X, y, weight = weighted_problem(kind, params)
    factor = 3.7
    scaled = clone(model).set_params(alpha=np.multiply(factor, model.alpha).tolist())
    _assert_close(scaled.fit(X, y, factor * weight), model.fit(X, y, weight), X, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("given", [False, True], ids=["alone", "times sample_weight"])
def test_class_weight_is_the_sample_weight_of_its_rows(n_classes, given):
    model, X, y, weight = weighted_problem("classifier", {"n_classes": n_classes})
    factors = np.array([0.5, 2.0, 3.0])
    weight = weight.astype(float) if given else None
    by_class = clone(model).set_params(class_weight=dict(enumerate(factors[:n_classes])))
    by_class.fit(X, y, weight)
    by_row = clone(model).fit(X, y, factors[y] if weight is None else weight * factors[y])
    assert same_to_the_bit(by_class, by_row)


def test_balanced_class_weight_gives_every_class_the_same_total_weight():
    X, y = problem("classifier")
    rows = np.flatnonzero((y > 0) | (np.arange(len(y)) % 4 == 0))  # few rows of class 0
    X, y = X[rows], y[rows]
    balanced = make("classifier", class_weight="balanced").fit(X, y)
    weight = len(y) / 3 / np.bincount(y)[y]
    by_row = make("classifier").fit(X, y, weight)
    _assert_close(balanced, by_row, X, rtol=1e-6)


def test_rows_of_a_class_of_weight_zero_are_dropped_but_the_class_is_known():
    X, y = problem("classifier")
    dropped = make("classifier", class_weight={0: 1.0, 1: 1.0, 2: 0.0})
    dropped.partial_fit(X, y, classes=[0, 1, 2])
    absent = make("classifier").partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    _assert_close(dropped, absent, X, rtol=1e-5)  # float32
    assert dropped.fit(X, y).predict_proba(X).shape == (len(y), 3)


@BOTH
def test_weights_of_validation_rows_are_repetitions(kind):
    X, y = problem(kind)
    weight = np.random.default_rng(2).integers(0, 4, 20)
    model = make(kind, early_stopping=True, n_iter_no_change=None)
    X_val, y_val = X[40:], y[40:]
    weighted = clone(model).fit(X[:40], y[:40], X_val=X_val, y_val=y_val, sample_weight_val=weight)
    repeated = clone(model).fit(
        X[:40], y[:40], X_val=np.repeat(X_val, weight, axis=0), y_val=np.repeat(y_val, weight)
    )
    np.testing.assert_allclose(
        weighted.validation_loss_curve_, repeated.validation_loss_curve_, rtol=1e-12
    )


# Training in parts ----------------------------------------------------------------------------

ENDLESS = [name for name, schedule in SCHEDULES.items() if not schedule.has_horizon]
RESUMED = {
    "plain": {},
    "defaults": {"tuned": True},
    "dropout": {"keep_prob": 0.7, "input_keep_prob": 0.9},
    "batchnorm": {"batchnorm": "before", "alpha": 1.0, "l1_ratio": 0.5},
    "noise": {"hidden_noise": 0.1, "weight_noise": 0.05, "group_norm": 1},
    "augmentation": {"augmentation": "random_choice"},
    "warmup and clip_norm": {"warmup": 13.5, "clip_norm": 0.5},
    "early stopping": {"early_stopping": True, "validation": 0.2, "n_iter_no_change": None},
    "patience": {"early_stopping": True, "validation": 0.2, "n_iter_no_change": 12, "tol": 0.0},
    "committee": {"n_estimators": 3, "keep_prob": 0.8, "bootstrap": True},
    "float32": {"dtype": "float32"},
    "ema": {"averaging": "ema", "batchnorm": "before"},
}


@BOTH
@pytest.mark.parametrize("params", RESUMED.values(), ids=RESUMED)
@pytest.mark.parametrize("learning_rate", ENDLESS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_ten_and_ten_epochs_are_twenty_to_the_bit(kind, solver, learning_rate, params):
    X, y = problem(kind)
    params = params | {"solver": solver, "learning_rate": learning_rate, "learning_rate_init": 0.05}
    whole = make(kind, **params, max_iter=20).fit(X, y)
    parts = make(kind, **params, max_iter=10, warm_start=True).fit(X, y)
    assert [member.n_iter for member in parts.members_] == [10] * len(parts.members_)
    parts.fit(X, y)
    assert same_to_the_bit(whole, parts)
    for a, b in zip(whole.members_, parts.members_, strict=True):
        for name in a.history.keys() - {"seconds"}:
            assert a.history[name] == b.history[name], name
        assert a.best_iteration == b.best_iteration


def test_a_resumed_adaptive_rate_goes_on_from_where_it_was():
    X, y = problem("regressor")
    model = make(
        "regressor", solver="sgd", learning_rate="adaptive", learning_rate_init=0.5, max_iter=20,
        warm_start=True, batch_size=60,
    )  # fmt: skip
    rates = model.fit(X, y).history_["learning_rate"]
    assert rates[-1] < rates[0]
    assert model.fit(X, y).history_["learning_rate"][20] <= rates[-1]


@pytest.mark.parametrize("learning_rate", sorted(set(SCHEDULES) - set(ENDLESS)))
def test_a_schedule_with_a_horizon_starts_anew_with_each_fit(learning_rate):
    X, y = problem("regressor")
    model = make("regressor", learning_rate=learning_rate, warm_start=True, max_iter=6)
    model.fit(X, y).fit(X, y)
    rates = model.history_["learning_rate"]
    assert rates[:6] == rates[6:]
    assert rates[5] < max(rates)


@BOTH
def test_warm_started_lbfgs_goes_on_downhill(kind):
    X, y = problem(kind)
    model = make(kind, solver="lbfgs", alpha=1.0, warm_start=True).set_params(max_iter=5)
    with pytest.warns(UserWarning, match="L-BFGS stopped after 5 iterations"):
        model.fit(X, y)
    after_first = model.loss_curve_[-1]
    with pytest.warns(UserWarning, match="L-BFGS stopped after 5 iterations"):
        model.fit(X, y)
    assert model.n_iter_ == 10
    assert all(value < after_first for value in model.loss_curve_[5:])


def test_a_warm_started_committee_may_grow_and_its_members_go_on():
    X, y = problem("regressor")
    model = make("regressor", n_estimators=2, warm_start=True).fit(X, y)
    model.set_params(n_estimators=3).fit(X, y)
    assert [member.n_iter for member in model.members_] == [10, 10, 5]
    with pytest.raises(ValueError, match="n_estimators=2 must be larger or equal to the 3"):
        model.set_params(n_estimators=2).fit(X, y)


# partial_fit ----------------------------------------------------------------------------------


def first_call(kind):
    return {"classes": [0, 1, 2]} if kind == "classifier" else {}


@BOTH
@pytest.mark.parametrize("learning_rate", ENDLESS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"keep_prob": 0.7},
        {"batchnorm": True, "alpha": 2.0},
        {"tuned": True, "averaging": None},  # a stream has no average unless it is asked for
    ],
)
def test_calls_of_partial_fit_on_the_same_rows_are_epochs(kind, solver, learning_rate, params):
    X, y = problem(kind)
    params = params | {"solver": solver, "learning_rate": learning_rate}
    fitted = make(kind, **params, max_iter=4, dtype="float32").fit(X, y)
    streamed = make(kind, **params)
    for _ in range(4):
        streamed.partial_fit(X, y, **first_call(kind))
    assert streamed.n_iter_ == 4
    assert numbers(streamed)[0].dtype == np.float32
    assert same_to_the_bit(fitted, streamed)
    assert fitted.loss_curve_ == streamed.loss_curve_


@BOTH
def test_partial_fit_divides_the_penalty_by_the_total_weight(kind):
    """alpha / T with total_weight=T is (alpha S / T) / S with the weight S of the call."""
    X, y = problem(kind)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    params = {"dtype": "float64", "learning_rate_init": 0.01}
    stated, own = (
        make(kind, alpha=900.0, **params),
        make(kind, alpha=900.0 * weight.sum() / 1e3, **params),
    )
    ignored = make(kind, alpha=900.0, **params)
    for _ in range(3):
        stated.partial_fit(X, y, sample_weight=weight, total_weight=1e3, **first_call(kind))
        own.partial_fit(X, y, sample_weight=weight, **first_call(kind))
        ignored.partial_fit(X, y, sample_weight=weight, **first_call(kind))
    _assert_close(stated, own, X, rtol=1e-9)
    assert not np.allclose(stated.coefs_[0], ignored.coefs_[0], rtol=1e-3)


@BOTH
def test_partial_fit_keeps_the_scale_of_the_first_call(kind):
    X, y = problem(kind)
    model = make(kind).partial_fit(X[:30], y[:30], **first_call(kind))
    center = model.input_scale_.center.copy()
    np.testing.assert_allclose(center, X[:30].mean(axis=0), rtol=1e-12)
    model.partial_fit(100 * X[30:], y[30:])
    np.testing.assert_array_equal(model.input_scale_.center, center)


@BOTH
def test_partial_fit_goes_on_after_fit(kind):
    X, y = problem(kind)
    model = make(kind, max_iter=30, learning_rate_init=0.01).fit(X, y)
    before = [W.copy() for W in model.coefs_]
    model.partial_fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 31
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]
    for a, b in zip(model.coefs_, before, strict=True):
        assert 0 < np.abs(a - b).max() < 0.2  # four steps of about 0.01
    # Without warm_start another fit starts anew.
    assert same_to_the_bit(model.fit(X, y), clone(model).fit(X, y))


def test_partial_fit_needs_all_classes_at_first_and_the_same_later():
    X, y = problem("classifier")
    model = make("classifier")
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    some = y < 2
    model.partial_fit(X[some], y[some], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (len(y), 3)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="previously unseen labels"):
        model.partial_fit(X, y + 1)


def test_partial_fit_is_not_there_for_a_solver_that_needs_all_rows():
    for solver in ("lbfgs", LBFGS()):
        assert not hasattr(RegularizedMLPRegressor(solver=solver), "partial_fit")
    for solver in ("adam", "sgd", Adam()):
        assert hasattr(RegularizedMLPRegressor(solver=solver), "partial_fit")


def test_partial_fit_cannot_follow_a_schedule_with_a_horizon():
    X, y = problem("regressor")
    with pytest.raises(ValueError, match="'learning_rate' .* partial_fit does not know the last"):
        make("regressor", learning_rate="cosine").partial_fit(X, y)


def test_partial_fit_knows_no_balance_of_classes():
    X, y = problem("classifier")
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported"):
        make("classifier", class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_two_classes_and_labels_have_one_logit_an_output():
    X, y = problem("classifier")
    two = make("classifier").fit(X, y > 0)
    assert two.coefs_[-1].shape[1] == 1
    assert isinstance(two._loss(), SigmoidLogLoss)
    three = make("classifier").fit(X, y)
    assert three.coefs_[-1].shape[1] == 3


def test_balanced_weights_of_labels_count_a_weight_as_repetitions():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), (rng.random((30, 3)) < [0.2, 0.5, 0.7]).astype(int)
    weight = rng.integers(1, 4, size=30)
    params = {
        "hidden_layer_sizes": (5,), "class_weight": "balanced", "init": Normal(0.5),
        "batch_size": "auto", "max_iter": 20, "dtype": "float64", "random_state": 0,
    }  # fmt: skip
    weighted = RegularizedMLPClassifier(**params).fit(X, Y, weight)
    repeated = RegularizedMLPClassifier(**params).fit(
        np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0)
    )
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-6)


CHANGES = [("scaling", None), ("dtype", "float64"), ("loss", "huber")]


@pytest.mark.parametrize("name, value", CHANGES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_the_fitted_numbers_rest_on_cannot_change_while_training_goes_on(method, name, value):
    X, y = make_regression(40, 3, random_state=0)
    model = RegularizedMLPRegressor((4,), warm_start=True, max_iter=2, random_state=0)
    getattr(model, method)(X, y)
    model.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter cannot change"):
        getattr(model, method)(X, y)
