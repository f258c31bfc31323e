"""What cannot work raises by name, in scikit-learn's words, and leaves the estimator as it was."""

import dataclasses
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, TimeSeriesSplit
from sklearn.utils._param_validation import InvalidParameterError

import skregnet
from skregnet import (
    EMA,
    LBFGS,
    PBLD,
    SGD,
    Adam,
    Checkpoint,
    Cosine,
    Gamma,
    GaussianNoise,
    Hinge,
    Huber,
    Normal,
    Poisson,
    RegularizedMLPClassifier,
    RegularizedMLPRegressor,
    ensemble_error_decomposition,
)
from skregnet.core.classification_losses import ClassificationLoss, SoftmaxHinge
from skregnet.core.component import Component
from skregnet.core.embeddings import NUMERIC_EMBEDDINGS
from skregnet.core.initializers import Initializer
from skregnet.core.losses import Loss
from skregnet.training.augmentation import BatchTransform
from skregnet.training.averaging import AVERAGINGS
from skregnet.training.optimizers import SOLVERS
from skregnet.training.schedules import Schedule

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
N_ROWS = 40
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}


def data(n_rows=N_ROWS):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    return X, (X[:, 0] > 0).astype(int)


def with_entry(array, value, dtype=float):
    array = np.array(array, dtype=dtype)
    array.flat[4] = value
    return array


def streaming(cls):
    """Return what the first call of partial_fit needs."""
    return {"classes": [0, 1]} if cls is RegularizedMLPClassifier else {}


def not_fitted(cls, **params):
    return cls(**QUICK | params)


def fitted(cls, **params):
    return cls(**QUICK | params).fit(*data())


def warm(cls, **params):
    return cls(**QUICK | {"warm_start": True} | params).fit(*data())


def streamed(cls, **params):
    return cls(**QUICK | params).partial_fit(*data(), **streaming(cls))


STATES = {"unfitted": not_fitted, "fitted": fitted, "warm": warm, "streamed": streamed}
in_every_state = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def raises_and_changes_nothing(model, method, *args, match, error=ValueError, **kwargs):
    """Check the error, then that every attribute and every prediction is what it was."""
    X, _ = data()
    before = pickle.dumps(vars(model))
    was_fitted = hasattr(model, "members_")
    prediction = model.predict(X) if was_fitted else None
    with pytest.raises(error, match=match):
        getattr(model, method)(*args, **kwargs)
    assert pickle.dumps(vars(model)) == before
    assert hasattr(model, "members_") == was_fitted
    if was_fitted:
        assert_array_equal(model.predict(X), prediction)


# Hyperparameters -------------------------------------------------------------------------------

NOT_A_SHARE = [0.0, -0.1, 1.1, np.nan, "half", None]
NOT_A_FLAG = ["yes", None, 0.5, 2]
NOT_NON_NEGATIVE = [-0.1, np.nan, "small", None]

BAD_FOR_BOTH = {
    "hidden_layer_sizes": [0, -1, (0,), (5, 0), (-3,), 2.5, (2.5,), "ten", ("ten",), None],
    "activation": ["sine", None, 3, ["relu", "relu"], ["sine"], [], [None]],
    "loss": ["exponential", None, 3, SGD()],
    "init": ["glorot", None, 3, ["he"], ["he", "glorot"], ["he", 3], [None, None]],
    "alpha": [*NOT_NON_NEGATIVE, np.inf, [0.1], [0.1, -0.1], [0.1, "a"], [0.1, 0.1, 0.1]],
    "l1_ratio": [-0.1, 1.1, np.nan, "half", None],
    "weight_decay": NOT_NON_NEGATIVE,
    "max_norm": [0.0, -1.0, np.nan, "small"],
    "keep_prob": [*NOT_A_SHARE, [0.5, 0.5], [0.0], [1.1], ["half"], []],
    "input_keep_prob": [*NOT_A_SHARE, [0.5]],
    "numeric_embedding": ["periodic", True, 3, PBLD, ["pbld"], SGD()],
    "feature_scale": NOT_A_FLAG,
    "parametric_activation": NOT_A_FLAG,
    "regularization_schedule": ["cosine", None, True, 3],
    "batchnorm": ["between", None, 3, 0.5],
    "group_norm": [0, -1, 2.5, "all", 3, 4, 8],
    "hidden_noise": NOT_NON_NEGATIVE,
    "weight_noise": NOT_NON_NEGATIVE,
    "augmentation": [
        "blur",
        True,
        3,
        SGD(),
        GaussianNoise,
        ["blur"],
        [3],
        [None],
        ["mixup", GaussianNoise],
    ],
    "categorical_features": ["all", 3, [9], [-1], [1.5], ["colour"], [True], [None]],
    "max_categories": [0, -1, 2.5, "many"],
    "scaling": ["minmax", True, 3],
    "solver": ["newton", None, 3, SGD, Cosine()],
    "learning_rate": ["linear", None, 0.1, Cosine, SGD()],
    "learning_rate_init": [0.0, -0.1, np.nan, "fast", None],
    "warmup": NOT_NON_NEGATIVE,
    "clip_norm": [0.0, -1.0, np.nan, "short"],
    "batch_size": [0, -1, 2.5, "all", None],
    "shuffle": NOT_A_FLAG,
    "max_iter": [0, -1, 2.5, "many"],
    "max_time": [0.0, -1.0, np.nan, "long"],
    "early_stopping": ["never", None, 0.5, 2],
    "validation": [0.0, 1.0, -0.1, 1.5, np.nan, "some", None, 3],
    "monitor": ["prettiness", None, 3],
    "n_iter_no_change": [0, -1, 2.5, "long"],
    "tol": NOT_NON_NEGATIVE,
    "refit": NOT_A_FLAG,
    "averaging": ["mean", True, 3, SGD(), EMA],
    "n_estimators": [0, -1, 2.5, "many", None],
    "bootstrap": NOT_A_FLAG,
    "max_samples": [0, 0.0, -1, 1.5, np.nan, "half", None],
    "oob_score": ["prettiness", None, 3],
    "n_jobs": [0, 0.5, "all"],
    "dtype": ["float16", None, int, np.float32],
    "warm_start": NOT_A_FLAG,
    "random_state": ["lucky", -1, 0.5],
    "verbose": ["loud", -1, None],
}
BAD = {
    RegularizedMLPClassifier: BAD_FOR_BOTH
    | {
        "loss": [*BAD_FOR_BOTH["loss"], "squared_error", Huber(), Hinge, SoftmaxHinge()],
        "label_smoothing": [-0.1, 1.0, np.nan, "some", None],
        "class_weight": [
            "unbalanced",
            3,
            {5: 1.0, 6: 1.0},
            [1.0, 2.0],
            {0: -1.0, 1: 1.0},
            {0: "a", 1: 1.0},
            {0: np.nan, 1: 1.0},
            {0: np.inf, 1: 1.0},
        ],
        "soft_labels": NOT_A_FLAG,
        "voting": ["loud", None, True],
        "calibration": ["isotonic", True, 2.0],
    },
    RegularizedMLPRegressor: BAD_FOR_BOTH
    | {
        "loss": [*BAD_FOR_BOTH["loss"], "log_loss", Hinge()],
        "target_scaling": ["minmax", True, 3],
        "clip_output": NOT_A_FLAG,
    },
}
# What makes a hyperparameter act, where it does not by itself.
ACTING = {
    "monitor": {"early_stopping": True},
    "validation": {"early_stopping": True, "n_estimators": 2},
    "oob_score": {"n_estimators": 20},
    "max_samples": {"n_estimators": 2},
    "bootstrap": {"n_estimators": 2},
    "n_jobs": {"n_estimators": 2},
}
# An error of the function that scikit-learn offers for it names the value instead.
NAMES_THE_VALUE = {"monitor": "prettiness", "oob_score": "prettiness", "class_weight": "class"}


@estimators
def test_every_hyperparameter_has_bad_values(cls):
    assert set(BAD[cls]) == set(cls().get_params())


@pytest.mark.parametrize(
    "cls, name, value",
    [(cls, name, value) for cls in BAD for name, values in BAD[cls].items() for value in values],
)
def test_a_bad_hyperparameter_raises_by_name(cls, name, value):
    match = f"({name}|{NAMES_THE_VALUE.get(name, name)})"
    model = cls(**QUICK | ACTING.get(name, {}) | {name: value})
    raises_and_changes_nothing(model, "fit", *data(), match=match)


@pytest.mark.parametrize(
    "cls, name", [(cls, name) for cls in BAD for name in BAD[cls] if name != "class_weight"]
)
def test_a_bad_hyperparameter_leaves_a_fitted_model_as_it_was(cls, name):
    X, y = data()
    model = fitted(cls, **ACTING.get(name, {}))
    good = getattr(model, name)
    model.set_params(**{name: BAD[cls][name][0]})
    before = dict(vars(model))
    with pytest.raises(ValueError, match=name if name not in NAMES_THE_VALUE else None):
        model.fit(X + 1.0, 1 - y)
    assert vars(model) == before
    model.set_params(**{name: good})
    assert_array_equal(model.predict(X), fitted(cls, **ACTING.get(name, {})).predict(X))


@estimators
def test_a_wrong_kind_raises_scikit_learns_own_error(cls):
    with pytest.raises(InvalidParameterError, match=f"parameter of {cls.__name__} must be"):
        cls(max_iter="many").fit(*data())


@estimators
def test_an_unknown_hyperparameter_is_refused(cls):
    with pytest.raises(TypeError, match="momentum"):
        cls(momentum=0.9)
    with pytest.raises(ValueError, match="Invalid parameter 'momentum'"):
        cls().set_params(momentum=0.9)


@estimators
def test_all_but_the_layer_sizes_are_keywords(cls):
    with pytest.raises(TypeError, match="positional"):
        cls((10,), "tanh")


# Components ------------------------------------------------------------------------------------

COMPONENTS = [
    value
    for value in (getattr(skregnet, name) for name in skregnet.__all__)
    if isinstance(value, type) and issubclass(value, Component)
]
NOT_IN_0_1 = [-0.1, 1.1]
BAD_SHAPES = [3, (3,), (1, 1, 1, 3), (0, 3), (3.0, 1), (2, 2)]
BAD_FOR_COMPONENTS = {
    "SGD": {"momentum": [-0.1, 1.0], "nesterov": [None]},
    "Adam": {"beta_1": [-0.1, 1.0], "beta_2": [-0.1, 1.0], "epsilon": [0.0, -1.0]},
    "LBFGS": {"memory": [0, -1, 2.5], "max_line_search": [0, -1, 2.5]},
    "Huber": {"delta": [0.0, -1.0]},
    "Quantile": {"q": [0.0, 1.0, -0.1]},
    "Focal": {"gamma": [-0.1, np.inf]},
    "OneCycle": {"rise": [0.0, 1.0], "start": [0.0, 1.5], "end": [-0.1, 1.5]},
    "GaussianNoise": {"std": [-0.1, np.inf]},
    "SwapNoise": {"p": NOT_IN_0_1},
    "FeatureDropout": {"p": NOT_IN_0_1},
    "Mixup": {"alpha": [0.0, -1.0, np.inf]},
    "CutMix": {"p": NOT_IN_0_1},
    "RandomChoice": {"transforms": [[], 3, [3], ["mixup"], [GaussianNoise]]},
    "Shift": {"pixels": [-1.0, np.inf], "image_shape": BAD_SHAPES, "fill": [np.inf]},
    "Rotate": {"degrees": [-1.0, 181.0], "image_shape": BAD_SHAPES, "fill": [np.inf]},
    "Zoom": {"amount": [-0.1, 1.0], "image_shape": BAD_SHAPES, "fill": [np.inf]},
    "Flip": {"p": NOT_IN_0_1, "image_shape": BAD_SHAPES},
    "InverseScaling": {"power": [0.0, -1.0]},
    "Adaptive": {"divisor": [1.0, 0.5], "patience": [0, -1, 2.5], "tol": [-1.0]},
    "Normal": {"scale": [-1.0, np.inf]},
    "Uniform": {"scale": [-1.0, np.inf]},
    "Constant": {"c": [np.inf]},
    "Orthogonal": {"gain": [np.inf]},
    "LeCun": {"distribution": ["cauchy"]},
    "Xavier": {"distribution": ["cauchy"]},
    "He": {"distribution": ["cauchy"]},
    "DataDriven": {"distribution": ["cauchy"]},
    "NTK": {"distribution": ["cauchy"], "data_driven": [1], "zero_output": [None]},
    "PLE": {"n_bins": [0, -1, 2.5]},
    "PBLD": {"n_frequencies": [0, 2.5], "n_outputs": [0, 2.5], "sigma": [0.0, np.inf]},
    "EMA": {"decay": [-0.1, 1.0]},
    "SWA": {"begin": [-0.1, 1.0]},
    "Snapshot": {"n_snapshots": [0, -1, 2.5]},
}


def place_of(component):
    """Return the hyperparameter that takes a component."""
    if component in SOLVERS.values():
        return "solver"
    if component in AVERAGINGS.values():
        return "averaging"
    if component in NUMERIC_EMBEDDINGS.values():
        return "numeric_embedding"
    bases = {
        "loss": (Loss, ClassificationLoss),
        "learning_rate": Schedule,
        "init": Initializer,
        "augmentation": BatchTransform,
    }
    [name] = [name for name, base in bases.items() if issubclass(component, base)]
    return name


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_argument_of_a_component_has_bad_values(component):
    names = {field.name for field in dataclasses.fields(component)}
    assert set(BAD_FOR_COMPONENTS.get(component.__name__, {})) == names


@pytest.mark.parametrize(
    "component, name, value",
    [
        (component, field.name, value)
        for component in COMPONENTS
        for field in dataclasses.fields(component)
        for value in [*BAD_FOR_COMPONENTS[component.__name__][field.name], "wrong", np.nan]
    ],
)
def test_a_bad_argument_of_a_component_raises_by_name(component, name, value):
    classifies = issubclass(component, ClassificationLoss)
    cls = RegularizedMLPClassifier if classifies else RegularizedMLPRegressor
    model = not_fitted(cls, **{place_of(component): component(**{name: value})})
    match = f"'{name}' parameter of {component.__name__} must be"
    raises_and_changes_nothing(model, "fit", *data(), match=match)


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_unknown_argument_of_a_component_is_refused(component):
    with pytest.raises(TypeError):
        component(colour="red")
    with pytest.raises(ValueError, match="colour"):
        component().set_params(colour="red")


# Shapes that do not fit ------------------------------------------------------------------------


@estimators
@pytest.mark.parametrize("name", ["alpha", "keep_prob", "activation", "init"])
@pytest.mark.parametrize("n_given", [0, 1, 4])
def test_a_list_whose_length_does_not_match_the_layers_raises(cls, name, n_given):
    value = {"alpha": 0.1, "keep_prob": 0.5, "activation": "tanh", "init": "he"}[name]
    model = cls(**QUICK | {"hidden_layer_sizes": (4, 4), name: [value] * n_given})
    match = rf"{name}' parameter must be one value or one per .* Got {n_given} values"
    raises_and_changes_nothing(model, "fit", *data(), match=match)


def transposed(rng, fan_in, fan_out):
    return np.zeros((fan_out, fan_in))


def of_one_number(rng, fan_in, fan_out):
    return 0.0


@estimators
@pytest.mark.parametrize(
    "init",
    [
        transposed,
        of_one_number,
        [np.zeros((3, 5)), "he"],
        ["he", np.zeros(4)],
    ],
)
def test_initial_weights_of_a_wrong_shape_raise(cls, init):
    raises_and_changes_nothing(not_fitted(cls, init=init), "fit", *data(), match="'init'")


# Techniques that cannot act --------------------------------------------------------------------

OUT_OF_BAG = {"validation": "oob", "early_stopping": True}
IMPOSSIBLE = [
    ("keep_prob", {"keep_prob": 0.5, "solver": "lbfgs"}),
    ("keep_prob", {"keep_prob": 0.5, "solver": LBFGS()}),
    ("input_keep_prob", {"input_keep_prob": 0.5, "solver": "lbfgs"}),
    ("hidden_noise", {"hidden_noise": 0.1, "solver": "lbfgs"}),
    ("weight_noise", {"weight_noise": 0.1, "solver": "lbfgs"}),
    ("augmentation", {"augmentation": "mixup", "solver": "lbfgs"}),
    ("augmentation", {"augmentation": [GaussianNoise()], "solver": LBFGS()}),
    ("clip_norm", {"clip_norm": 1.0, "solver": "lbfgs"}),
    ("warmup", {"warmup": 1, "solver": "lbfgs"}),
    ("learning_rate", {"learning_rate": "coslog4", "solver": "lbfgs"}),
    ("learning_rate", {"learning_rate": "onecycle", "solver": "lbfgs"}),
    ("weight_decay", {"weight_decay": 0.1, "solver": "lbfgs"}),
    ("max_norm", {"max_norm": 1.0, "solver": "lbfgs"}),
    ("learning_rate", {"learning_rate": "cosine", "solver": "lbfgs"}),
    ("learning_rate", {"learning_rate": "invscaling", "solver": "lbfgs"}),
    ("averaging", {"averaging": "ema", "solver": "lbfgs"}),
    ("regularization_schedule", {"regularization_schedule": "flat_cos", "solver": "lbfgs"}),
    ("averaging", {"averaging": "snapshot", "early_stopping": True, "max_iter": 5}),
    ("averaging", {"averaging": "snapshot", "warm_start": True, "max_iter": 5}),
    ("averaging", {"averaging": "snapshot", "max_iter": 4}),
    ("oob_score", {"oob_score": True}),
    ("oob_score", {"oob_score": True, "n_estimators": 2, "bootstrap": False}),
    ("validation", {"validation": "oob", "early_stopping": True}),
    ("oob_score", {"oob_score": True, "n_estimators": 2} | OUT_OF_BAG),
    ("refit", {"refit": True, "n_estimators": 2} | OUT_OF_BAG),
    ("refit", {"refit": True, "early_stopping": True, "warm_start": True}),
    ("keep_prob", {"keep_prob": 0.5, "hidden_layer_sizes": ()}),
    ("batchnorm", {"batchnorm": True, "hidden_layer_sizes": ()}),
    ("group_norm", {"group_norm": 1, "hidden_layer_sizes": ()}),
    ("hidden_noise", {"hidden_noise": 0.1, "hidden_layer_sizes": ()}),
    ("parametric_activation", {"parametric_activation": True, "hidden_layer_sizes": ()}),
    ("parametric_activation", {"parametric_activation": True, "activation": "identity"}),
    ("group_norm", {"group_norm": 2, "batchnorm": True}),
    ("group_norm", {"group_norm": 1, "batchnorm": "after"}),
    ("batchnorm", {"batchnorm": True, "batch_size": 1}),
]


@estimators
@pytest.mark.parametrize("name, params", IMPOSSIBLE)
def test_a_technique_that_cannot_act_raises_by_name(cls, name, params):
    match = f"'{name}' parameter cannot be used here: "
    raises_and_changes_nothing(not_fitted(cls, **params), "fit", *data(), match=match)


@pytest.mark.parametrize("loss", ["poisson", Poisson(), "gamma", Gamma()])
def test_a_target_with_a_unit_of_its_own_is_not_standardised(loss):
    model = not_fitted(RegularizedMLPRegressor, loss=loss, target_scaling="standard")
    X, y = data()
    raises_and_changes_nothing(model, "fit", X, y + 1, match="target_scaling='standard'")


@estimators
@pytest.mark.parametrize(
    "name, value",
    [
        ("learning_rate", "cosine"),
        ("learning_rate", Cosine()),
        ("learning_rate", "coslog4"),
        ("learning_rate", "onecycle"),
        ("averaging", "swa"),
        ("averaging", "snapshot"),
        ("oob_score", True),
    ],
)
def test_what_needs_the_whole_fit_cannot_serve_a_stream(cls, name, value):
    model = not_fitted(cls, **{name: value}, n_estimators=2)
    raises_and_changes_nothing(
        model, "partial_fit", *data(), **streaming(cls), match=f"'{name}' parameter cannot"
    )


@estimators
def test_rows_held_out_by_the_user_cannot_be_trained_on_again(cls):
    model = not_fitted(cls, refit=True)
    match = "'refit' parameter cannot be used here: no rows of X were held out"
    raises_and_changes_nothing(model, "fit", X, y, X_val=X, y_val=y, match=match)


def test_class_frequencies_of_a_stream_are_unknown():
    model = not_fitted(RegularizedMLPClassifier, class_weight="balanced")
    raises_and_changes_nothing(
        model, "partial_fit", *data(), classes=[0, 1], match="class_weight='balanced'"
    )


@estimators
def test_more_rows_than_there_are_cannot_be_drawn(cls):
    model = not_fitted(cls, n_estimators=2, max_samples=N_ROWS + 1)
    raises_and_changes_nothing(model, "fit", *data(), match=rf"'max_samples'.*\({N_ROWS}\)")


@estimators
def test_lbfgs_has_no_partial_fit(cls):
    assert not hasattr(cls(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        cls(solver=LBFGS()).partial_fit(*data())


# Data ------------------------------------------------------------------------------------------

X, y = data()
ONES = np.ones(N_ROWS)

BAD_DATA = {
    "inf in X": (dict(X=with_entry(X, np.inf)), "infinity"),
    "minus inf in X": (dict(X=with_entry(X, -np.inf)), "infinity"),
    "NaN in sparse X": (dict(X=sp.csr_array(with_entry(X, np.nan))), "NaN"),
    "inf in X of objects": (dict(X=with_entry(X, np.inf, object)), "infinity"),
    "strings in X": (dict(X=with_entry(X, "many", object)), "could not convert string"),
    "complex X": (dict(X=X + 1j), "Complex data"),
    "X of one dimension": (dict(X=X[:, 0]), "Expected 2D array"),
    "X of three dimensions": (dict(X=X[:, :, np.newaxis]), "dim 3"),
    "no rows": (dict(X=X[:0], y=y[:0]), "0 sample"),
    "no columns": (dict(X=X[:, :0]), "0 feature"),
    "no y": (dict(y=None), "requires y to be passed"),
    "y of another length": (dict(y=y[:-1]), "inconsistent numbers of samples"),
    "NaN in y": (dict(y=with_entry(y, np.nan)), "NaN"),
    "inf in y": (dict(y=with_entry(y, np.inf)), "infinity"),
    "y of three dimensions": (dict(y=np.zeros((N_ROWS, 2, 2))), "dim 3|3-D|3D"),
    "negative weights": (dict(sample_weight=with_entry(ONES, -1.0)), "Negative.*sample_weight"),
    "weights all zero": (dict(sample_weight=0.0 * ONES), "at least one non-zero"),
    "NaN in weights": (dict(sample_weight=with_entry(ONES, np.nan)), "NaN"),
    "weights of another length": (dict(sample_weight=ONES[:-1]), "sample_weight.shape"),
    "weights of two dimensions": (dict(sample_weight=np.ones((N_ROWS, 1))), "1D array|1-?[dD]"),
    "strings as weights": (dict(sample_weight=["a"] * N_ROWS), "could not convert string"),
}
BAD_VALIDATION = {
    "X_val without y_val": (dict(X_val=X), "X_val is provided, but y_val was not"),
    "y_val without X_val": (dict(y_val=y), "y_val is provided, but X_val was not"),
    "weights without rows": (dict(sample_weight_val=ONES), "X_val was not provided"),
    "inf in X_val": (dict(X_val=with_entry(X, np.inf), y_val=y), "infinity"),
    "NaN in sparse X_val": (dict(X_val=sp.csr_array(with_entry(X, np.nan)), y_val=y), "NaN"),
    "X_val of other columns": (dict(X_val=X[:, :2], y_val=y), "2 features.*expecting 3"),
    "y_val of another length": (dict(X_val=X, y_val=y[:-1]), "inconsistent numbers of samples"),
    "y_val of more outputs": (dict(X_val=X, y_val=np.eye(2)[y]), "y"),
    "negative weights": (
        dict(X_val=X, y_val=y, sample_weight_val=with_entry(ONES, -1.0)),
        "Negative.*sample_weight",
    ),
    "weights all zero": (
        dict(X_val=X, y_val=y, sample_weight_val=0.0 * ONES),
        "at least one non-zero",
    ),
    "weights of another length": (
        dict(X_val=X, y_val=y, sample_weight_val=ONES[:-1]),
        "sample_weight",
    ),
}
BAD_LABELS = {
    "one class": (dict(y=0 * y), "number of classes has to be greater than one"),
    "one class of positive weight": (dict(sample_weight=(y == 0) * 1.0), "greater than one"),
    "real numbers": (dict(y=y + 0.5 * X[:, 0]), "Unknown label type"),
    "several outputs of several classes": (
        dict(y=np.column_stack([y, np.arange(N_ROWS) % 3])),
        "[Mm]ultioutput",
    ),
    "unknown label in y_val": (dict(X_val=X, y_val=y + 1), "previously unseen labels"),
}
BAD_TARGETS = {
    "strings": (dict(y=np.where(y, "yes", "no")), "could not convert string"),
    "objects": (dict(y=np.array([None, "a"] * (N_ROWS // 2), dtype=object)), "NaN|could not"),
    "complex": (dict(y=y + 1j), "Complex data"),
    "sparse": (dict(y=sp.csr_array(np.column_stack([y, y]))), "[Ss]parse (data|multi)"),
}


@in_every_state
@estimators
@pytest.mark.parametrize("change, match", BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data_raises_and_changes_nothing(state, cls, change, match):
    model = state(cls)
    raises_and_changes_nothing(model, "fit", **dict(X=X, y=y) | change, match=match)


@pytest.mark.parametrize("state", [not_fitted, streamed])
@estimators
@pytest.mark.parametrize("change, match", BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data_in_a_stream_raises_and_changes_nothing(state, cls, change, match):
    arguments = dict(X=X, y=y) | streaming(cls) | change
    raises_and_changes_nothing(state(cls), "partial_fit", **arguments, match=match)


@in_every_state
@estimators
@pytest.mark.parametrize("change, match", BAD_VALIDATION.values(), ids=BAD_VALIDATION)
def test_bad_validation_rows_raise_and_change_nothing(state, cls, change, match):
    raises_and_changes_nothing(state(cls), "fit", X, y, **change, match=match)


@pytest.mark.parametrize("state", [not_fitted, streamed])
@estimators
@pytest.mark.parametrize("change, match", BAD_VALIDATION.values(), ids=BAD_VALIDATION)
def test_bad_validation_rows_of_a_stream_raise_and_change_nothing(state, cls, change, match):
    arguments = streaming(cls) | change
    raises_and_changes_nothing(state(cls), "partial_fit", X, y, **arguments, match=match)


@estimators
@pytest.mark.parametrize(
    "splitter, groups, match",
    [
        (GroupKFold(2), None, "groups"),
        (GroupKFold(2), np.arange(N_ROWS - 1), "inconsistent numbers of samples"),
        (GroupKFold(2), 0 * y, "number of groups"),
        (TimeSeriesSplit(N_ROWS), None, "number of folds"),
    ],
)
def test_a_splitter_that_cannot_split_raises(cls, splitter, groups, match):
    model = not_fitted(cls, early_stopping=True, validation=splitter)
    raises_and_changes_nothing(model, "fit", X, y, groups=groups, match=match)


@estimators
def test_validation_rows_without_early_stopping_raise(cls):
    model = not_fitted(cls, early_stopping=False)
    match = "early_stopping is False"
    raises_and_changes_nothing(model, "fit", X, y, X_val=X, y_val=y, match=match)


def takes_no_weights(estimator, X, y):
    return 0.0


@estimators
@pytest.mark.parametrize("monitor", [takes_no_weights, "neg_max_error"])
def test_a_monitor_that_takes_no_weights_is_named_where_there_are_weights(cls, monitor):
    model = not_fitted(cls, early_stopping=True, monitor=monitor)
    raises_and_changes_nothing(
        model, "fit", X, y, sample_weight=1.0 + y, match="monitor", error=(TypeError, ValueError)
    )


@pytest.mark.parametrize("state", [not_fitted, fitted])
@pytest.mark.parametrize("change, match", BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_raise_and_change_nothing(state, change, match):
    model = state(RegularizedMLPClassifier)
    raises_and_changes_nothing(model, "fit", **dict(X=X, y=y) | change, match=match)


@in_every_state
@pytest.mark.parametrize("change, match", BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets_raise_and_change_nothing(state, change, match):
    model = state(RegularizedMLPRegressor)
    error = (ValueError, TypeError)  # scikit-learn says of sparse data that it is a wrong type
    raises_and_changes_nothing(model, "fit", **dict(X=X, y=y) | change, match=match, error=error)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("loss", ["poisson", Poisson()])
def test_poisson_refuses_what_is_no_count(method, loss):
    model = not_fitted(RegularizedMLPRegressor, loss=loss)
    raises_and_changes_nothing(model, method, X, -y, match="negative")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("loss", ["gamma", Gamma()])
def test_gamma_refuses_what_is_not_positive(method, loss):
    model = not_fitted(RegularizedMLPRegressor, loss=loss)
    raises_and_changes_nothing(model, method, X, y, match="negative or zero.*loss='gamma'")


NOT_PROBABILITIES = {
    "sums of two": (2.0 * np.eye(2)[y], "with sum 1"),
    "negative": (np.array([1.5, -0.5]) * np.ones((N_ROWS, 1)), "not negative"),
    "one dimension": (y, "shape"),
    "one column": (np.ones((N_ROWS, 1)), "shape"),
}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("target, match", NOT_PROBABILITIES.values(), ids=NOT_PROBABILITIES)
def test_soft_labels_must_be_probabilities(method, target, match):
    model = not_fitted(RegularizedMLPClassifier, soft_labels=True)
    raises_and_changes_nothing(model, method, X, target, match=match)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_soft_labels_of_other_classes_in_a_later_call_raise(method):
    model = not_fitted(RegularizedMLPClassifier, soft_labels=True, warm_start=True)
    getattr(model, method)(X, np.eye(3)[y])
    raises_and_changes_nothing(model, method, X, np.eye(2)[y], match=r"\(n_samples, 3\)")


def test_the_classes_of_soft_labels_are_the_columns():
    model = not_fitted(RegularizedMLPClassifier, soft_labels=True)
    raises_and_changes_nothing(
        model, "partial_fit", X, np.eye(2)[y], classes=["a", "b"], match="numbers of y's 2 columns"
    )


# Later calls that do not fit the first ---------------------------------------------------------


@pytest.mark.parametrize("method, state", [("fit", warm), ("partial_fit", streamed)])
@estimators
def test_rows_of_other_columns_raise(method, state, cls):
    match = "X has 2 features, but .* is expecting 3 features"
    raises_and_changes_nothing(state(cls), method, X[:, :2], y, match=match)


@pytest.mark.parametrize("method, state", [("fit", warm), ("partial_fit", streamed)])
def test_an_unknown_class_raises(method, state):
    model = state(RegularizedMLPClassifier)
    raises_and_changes_nothing(model, method, X, y + 1, match="previously unseen labels")


def test_the_first_call_of_a_stream_must_say_the_classes():
    model = not_fitted(RegularizedMLPClassifier)
    raises_and_changes_nothing(model, "partial_fit", X, y, match="classes must be passed")


def test_other_classes_in_a_later_call_raise():
    model = streamed(RegularizedMLPClassifier)
    raises_and_changes_nothing(
        model, "partial_fit", X, y, classes=[0, 1, 2], match="not the same as on last call"
    )


def test_a_label_outside_the_classes_raises_in_the_first_call():
    model = not_fitted(RegularizedMLPClassifier)
    raises_and_changes_nothing(
        model, "partial_fit", X, y + 1, classes=[0, 1], match="previously unseen labels"
    )


@pytest.mark.parametrize("method, state", [("fit", warm), ("partial_fit", streamed)])
@estimators
@pytest.mark.parametrize("n_outputs", [2, 3])
def test_another_number_of_outputs_raises(method, state, cls, n_outputs):
    target = np.eye(n_outputs)[y]
    raises_and_changes_nothing(state(cls), method, X, target, match="y")


@estimators
@pytest.mark.parametrize("total_weight", [0.0, -1.0, np.nan, np.inf, "all"])
def test_a_total_weight_that_is_none_raises_by_name(cls, total_weight):
    raises_and_changes_nothing(
        streamed(cls), "partial_fit", X, y, total_weight=total_weight, match="total_weight"
    )


@estimators
@pytest.mark.parametrize("method, state", [("fit", warm), ("partial_fit", streamed)])
@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": (5,)},
        {"hidden_layer_sizes": (4, 4)},
        {"hidden_layer_sizes": ()},
        {"batchnorm": True},
        {"activation": "tanh"},
        {"keep_prob": 0.5},
        {"group_norm": 1},
        {"hidden_noise": 0.1},
        {"weight_noise": 0.1},
    ],
    ids=str,
)
def test_a_network_of_another_shape_cannot_go_on(cls, method, state, params):
    model = state(cls).set_params(**params)
    raises_and_changes_nothing(model, method, X, y, match="Training cannot go on")


@estimators
def test_a_stream_goes_on_after_a_failed_call_as_if_it_had_not_been(cls):
    disturbed = streamed(cls, keep_prob=0.8)
    with pytest.raises(ValueError, match="infinity"):
        disturbed.partial_fit(with_entry(X, np.inf), y)
    disturbed.partial_fit(X, y)
    straight = streamed(cls, keep_prob=0.8).partial_fit(X, y)
    assert_array_equal(disturbed.predict(X), straight.predict(X))


# Prediction ------------------------------------------------------------------------------------

METHODS = [
    (cls, method)
    for cls in ESTIMATORS
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function")
    if hasattr(cls, method)
]


@pytest.mark.parametrize("cls, method", METHODS)
def test_prediction_before_fit_raises(cls, method):
    model = not_fitted(cls)
    raises_and_changes_nothing(model, method, X, error=NotFittedError, match="not fitted yet")


@pytest.mark.parametrize("cls, method", METHODS)
@pytest.mark.parametrize(
    "rows, match",
    [
        (X[:, :2], "X has 2 features, but .* is expecting 3 features"),
        (X[0], "Expected 2D array"),
        (X[:0], "0 sample"),
        (sp.csr_array(with_entry(X, np.nan)), "NaN"),
        (with_entry(X, np.inf), "infinity"),
        (sp.csr_array(with_entry(X, np.inf)), "infinity"),
    ],
    ids=["columns", "one row", "no rows", "sparse NaN", "inf", "sparse inf"],
)
def test_bad_rows_at_prediction_raise(cls, method, rows, match):
    raises_and_changes_nothing(fitted(cls), method, rows, match=match)


WITH_SPREAD = [(RegularizedMLPClassifier, "predict_proba"), (RegularizedMLPRegressor, "predict")]


@pytest.mark.parametrize("cls, method", WITH_SPREAD)
@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "many"])
def test_a_number_of_masks_that_is_none_raises(cls, method, n_samples):
    model = fitted(cls, keep_prob=0.5)
    raises_and_changes_nothing(model, method, X, n_samples=n_samples, match="n_samples")


@pytest.mark.parametrize("cls, method", WITH_SPREAD)
def test_masks_without_dropout_raise(cls, method):
    match = "'n_samples' parameter cannot be used here: without dropout"
    raises_and_changes_nothing(fitted(cls), method, X, n_samples=5, match=match)


@pytest.mark.parametrize("cls, method", WITH_SPREAD)
def test_the_spread_of_a_single_prediction_raises(cls, method):
    match = "needs several predictions"
    raises_and_changes_nothing(fitted(cls), method, X, return_std=True, match=match)


@estimators
def test_the_best_weights_of_a_stream_must_have_been_kept(cls):
    model = not_fitted(cls)
    raises_and_changes_nothing(model, "restore_best", error=NotFittedError, match="not fitted yet")
    raises_and_changes_nothing(streamed(cls), "restore_best", match="pass X_val and y_val")


@pytest.mark.parametrize("every", [0, -1, 2.5, "all", None])
def test_a_bad_argument_of_a_checkpoint_raises_by_name(every):
    with pytest.raises(ValueError, match="'every' parameter of Checkpoint must be"):
        Checkpoint("unused", every=every)


@estimators
@pytest.mark.parametrize(
    "params, match",
    [({"solver": "lbfgs"}, "solver='lbfgs'"), ({"random_state": None}, "int random_state")],
)
def test_a_checkpoint_that_could_not_be_gone_on_from_raises(cls, params, match, tmp_path):
    model = not_fitted(cls, **params).set_callbacks(Checkpoint(tmp_path / "file"))
    raises_and_changes_nothing(model, "fit", X, y, match=match)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_estimators", [None, 1])
def test_the_decomposition_of_no_committee_raises(n_estimators):
    if n_estimators is None:
        model, error, match = RegularizedMLPRegressor(), NotFittedError, "not fitted yet"
    else:
        model, error, match = fitted(RegularizedMLPRegressor), ValueError, "at least two members"
    with pytest.raises(error, match=match):
        ensemble_error_decomposition(model, X, y)


@estimators
def test_attributes_before_fit_and_of_a_committee_do_not_exist(cls):
    names = ["coefs_", "intercepts_", "history_", "n_iter_", "loss_curve_", "best_iteration_"]
    committee = fitted(cls, n_estimators=2)
    for name in names:
        assert hasattr(fitted(cls), name)
        with pytest.raises(AttributeError, match=name):
            getattr(not_fitted(cls), name)
        with pytest.raises(AttributeError, match=rf"members_\[i\]\.{name[:-1]}"):
            getattr(committee, name)


def test_a_component_that_is_nested_can_be_set_and_is_checked():
    model = RegularizedMLPRegressor(init=Normal(), solver=Adam())
    model.set_params(solver__beta_2=2.0)
    raises_and_changes_nothing(model, "fit", X, y, match="'beta_2' parameter of Adam")


@pytest.mark.parametrize("name", ["monitor", "oob_score"])
def test_an_unknown_scorer_is_named_after_the_hyperparameter(name):
    early_stopping = name == "monitor"
    model = not_fitted(
        RegularizedMLPClassifier,
        **{name: "no_such_score"}, n_estimators=25, early_stopping=early_stopping,
    )  # fmt: skip
    raises_and_changes_nothing(model, "fit", X, y, match=f"'{name}' parameter must be the name")
