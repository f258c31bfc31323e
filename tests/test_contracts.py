"""What holds for every member of a registry, every argument and every public name."""

import ast
import dataclasses
import inspect
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from plain import plain
from sklearn.base import clone

import skregnet
from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.core.activations import ACTIVATIONS
from skregnet.core.classification_losses import CLASSIFICATION_LOSSES
from skregnet.core.embeddings import NUMERIC_EMBEDDINGS
from skregnet.core.initializers import INITIALIZERS
from skregnet.core.losses import REGRESSION_LOSSES
from skregnet.exceptions import IgnoredParameterWarning
from skregnet.tables import SCALINGS, TARGET_SCALINGS
from skregnet.training.augmentation import AUGMENTATIONS
from skregnet.training.averaging import AVERAGINGS
from skregnet.training.optimizers import SOLVERS
from skregnet.training.schedules import SCHEDULES

ESTIMATORS = [RegularizedMLPClassifier, RegularizedMLPRegressor]
estimators = pytest.mark.parametrize("cls", ESTIMATORS)
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 6, "random_state": 0}

REGISTRIES = {
    "activation": ACTIVATIONS,
    "augmentation": AUGMENTATIONS,
    "init": INITIALIZERS,
    "solver": SOLVERS,
    "learning_rate": SCHEDULES,
    "scaling": SCALINGS,
    "averaging": AVERAGINGS,
    "numeric_embedding": NUMERIC_EMBEDDINGS,
}
REGISTRIES_OF = {
    RegularizedMLPClassifier: REGISTRIES | {"loss": CLASSIFICATION_LOSSES},
    RegularizedMLPRegressor: REGISTRIES
    | {"loss": REGRESSION_LOSSES, "target_scaling": TARGET_SCALINGS},
}
REGISTERED = [
    (cls, name, key)
    for cls in ESTIMATORS
    for name, registry in REGISTRIES_OF[cls].items()
    for key in registry
]
WITHOUT_INSTANCES = ("activation", "scaling", "target_scaling")
WITH_INSTANCES = [found for found in REGISTERED if found[1] not in WITHOUT_INSTANCES]
PUBLIC = [getattr(skregnet, name) for name in skregnet.__all__]
CLASSES = [thing for thing in PUBLIC if isinstance(thing, type)]
FUNCTIONS = [thing for thing in PUBLIC if inspect.isfunction(thing)]

may_warn = pytest.mark.filterwarnings(
    "ignore::skregnet.exceptions.SymmetryWarning",  # init="zeros" says what it does
    "ignore::skregnet.exceptions.NotConvergedWarning",  # six iterations are few
)


def data(n_rows=60, n_columns=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns)) + np.arange(n_columns)
    return X, (X[:, 0] + 0.3 * rng.normal(size=n_rows) > 0).astype(int)


def data_for(name, key=None):
    """Return rows on which a choice can act: images are squares, and some targets positive."""
    X, y = data(n_columns=4 if name == "augmentation" else 3)
    if key == "gamma":
        return X, y + 0.5
    return (X, np.column_stack([1 - y, y])) if name == "soft_labels" else (X, y)


def fingerprint(model):
    """Return what a hyperparameter may change: predictions, curves, attributes; no times."""
    X, _ = data(n_columns=model.n_features_in_)
    seen = [model.predict(X).astype(float), model.n_nonzero_, len(model.members_)]
    if hasattr(model, "predict_proba"):
        seen.append(model.predict_proba(X))
    for member in model.members_:
        curves = (values for name, values in member.history.items() if name != "seconds")
        seen += [member.n_iter, member.best_iteration, *curves]
    seen.append(getattr(model, "oob_score_", None))
    return [np.asarray(item, dtype=object).tolist() for item in seen]


def fitted(cls, *rows, **params):
    return cls(**plain(cls, **QUICK | params)).fit(*(rows or data()))


def printed_lines(model, capsys):
    capsys.readouterr()
    model.fit(*data())
    return capsys.readouterr().out.splitlines()


# Registries ------------------------------------------------------------------------------------


@may_warn
@pytest.mark.parametrize("cls, name, key", REGISTERED)
def test_every_registered_name_is_accepted_and_fits(cls, name, key):
    X, y = data_for(name, key)
    model = fitted(cls, X, y, **{name: key})
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("cls, name", dict.fromkeys((cls, name) for cls, name, _ in REGISTERED))
def test_the_error_for_an_unknown_name_lists_the_known_ones(cls, name):
    known = [key for c, n, key in REGISTERED if (c, n) == (cls, name)]
    with pytest.raises(ValueError, match=f"'{name}'") as caught:
        cls(**{name: "unheard-of"}).fit(*data())
    assert all(f"'{key}'" in str(caught.value) for key in known)


@may_warn
@pytest.mark.parametrize("cls, name, key", WITH_INSTANCES)
def test_a_string_means_the_instance_with_its_defaults(cls, name, key):
    rows = data_for(name, key)
    by_name = fitted(cls, *rows, **{name: key})
    by_instance = fitted(cls, *rows, **{name: REGISTRIES_OF[cls][name][key]()})
    assert fingerprint(by_name) == fingerprint(by_instance)


@pytest.mark.parametrize("cls, name, key", WITH_INSTANCES)
def test_what_a_string_stands_for_is_public(cls, name, key):
    assert REGISTRIES_OF[cls][name][key] in CLASSES


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_activations_may_differ_by_layer(key):
    model = fitted(RegularizedMLPRegressor, hidden_layer_sizes=(4, 3), activation=[key, "softplus"])
    assert np.isfinite(model.predict(data()[0])).all()


# No silent parameter ---------------------------------------------------------------------------

STOPPING = {"early_stopping": True}
# For each hyperparameter a value that is not its default, and the configuration in which it acts.
ACTS_FOR_BOTH = {
    "hidden_layer_sizes": ((5,), {}),
    "activation": ("tanh", {}),
    "init": ("orthogonal", {}),
    "alpha": (10.0, {}),
    "l1_ratio": (1.0, {"alpha": 10.0}),
    "weight_decay": (1.0, {}),
    "max_norm": (0.5, {}),
    "keep_prob": (0.5, {}),
    "input_keep_prob": (0.5, {}),
    "batchnorm": (True, {}),
    "group_norm": (1, {}),
    "hidden_noise": (0.5, {}),
    "weight_noise": (0.5, {}),
    "numeric_embedding": ("pbld", {}),
    "feature_scale": (True, {}),
    "parametric_activation": (True, {}),
    "regularization_schedule": ("flat_cos", {"weight_decay": 1.0}),
    "augmentation": ("gaussian_noise", {}),
    "categorical_features": ([0], {}),
    "max_categories": (5, {"categorical_features": [0]}),
    "scaling": (None, {}),
    "solver": ("sgd", {}),
    "learning_rate": ("cosine", {}),
    "learning_rate_init": (0.01, {}),
    "warmup": (3, {}),
    "clip_norm": (0.01, {}),
    "batch_size": (7, {}),
    "shuffle": (False, {"batch_size": 7}),
    "max_iter": (3, {}),
    "max_time": (1e-9, {}),
    "early_stopping": (True, {}),
    "validation": (0.4, STOPPING),
    "monitor": ("r2", STOPPING),
    "n_iter_no_change": (1, STOPPING | {"n_iter_no_change": 3, "tol": 10.0}),
    "tol": (10.0, STOPPING | {"n_iter_no_change": 1}),
    "refit": (True, STOPPING),
    "averaging": ("ema", {}),
    "n_estimators": (2, {}),
    "bootstrap": (True, {"n_estimators": 2}),
    "max_samples": (0.5, {"n_estimators": 2}),
    "oob_score": (True, {"n_estimators": 20}),
    "dtype": ("float32", {}),
    "random_state": (1, {}),
}
ACTS = {
    RegularizedMLPClassifier: ACTS_FOR_BOTH
    | {
        "loss": ("hinge", {}),
        "label_smoothing": (0.2, {}),
        "class_weight": ({0: 5.0}, {}),
        "voting": ("hard", {"n_estimators": 3}),
        "calibration": ("temperature", STOPPING),
    },
    RegularizedMLPRegressor: ACTS_FOR_BOTH
    | {
        "loss": ("absolute_error", {}),
        "target_scaling": (None, {}),
        "clip_output": (True, {"learning_rate_init": 0.1}),
    },
}
# What does not show in the numbers of one fit has a test of its own.
TESTED_BELOW = {
    RegularizedMLPClassifier: {"n_jobs", "verbose", "warm_start", "soft_labels"},
    RegularizedMLPRegressor: {"n_jobs", "verbose", "warm_start"},
}


@estimators
def test_every_argument_is_in_a_table(cls):
    assert set(ACTS[cls]) | TESTED_BELOW[cls] == set(inspect.signature(cls).parameters)
    assert not set(ACTS[cls]) & TESTED_BELOW[cls]


@pytest.mark.parametrize("cls, name", [(cls, name) for cls in ACTS for name in ACTS[cls]])
def test_every_argument_changes_the_fit(cls, name):
    value, configuration = ACTS[cls][name]
    default = cls().get_params()[name]
    assert value != default
    without = fitted(cls, **configuration)
    with_it = fitted(cls, **configuration | {name: value})
    assert fingerprint(with_it) != fingerprint(without)


@estimators
def test_a_fit_that_is_repeated_is_the_same(cls):
    # Else the test above would pass for an argument that does nothing.
    for configuration in ({}, STOPPING, {"n_estimators": 3}, {"keep_prob": 0.5}):
        assert fingerprint(fitted(cls, **configuration)) == fingerprint(
            fitted(cls, **configuration)
        )


@estimators
def test_jobs_change_nothing_and_warn_without_a_committee(cls):
    one, two = (fitted(cls, n_estimators=3, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert fingerprint(one) == fingerprint(two)
    with pytest.warns(IgnoredParameterWarning, match="n_jobs=2 has no effect"):
        fitted(cls, n_jobs=2)


@estimators
@pytest.mark.parametrize("verbose, n_lines", [(0, 0), (False, 0), (1, 6), (True, 6), (2, 6)])
def test_verbose_prints_lines_and_changes_nothing(cls, verbose, n_lines, capsys):
    model = cls(**plain(cls, **QUICK, verbose=verbose))
    assert len(printed_lines(model, capsys)) == n_lines
    assert fingerprint(model) == fingerprint(fitted(cls))


@estimators
def test_a_warm_start_acts_from_the_second_fit_on(cls):
    cold, warm = fitted(cls), fitted(cls, warm_start=True)
    assert fingerprint(cold) == fingerprint(warm)
    cold.fit(*data())
    warm.fit(*data())
    assert fingerprint(cold) == fingerprint(fitted(cls))
    assert warm.n_iter_ == 2 * QUICK["max_iter"]


def test_soft_labels_take_probabilities_for_indicators():
    X, Y = data_for("soft_labels")
    soft = fitted(RegularizedMLPClassifier, X, Y, soft_labels=True)
    indicators = fitted(RegularizedMLPClassifier, X, Y)
    assert soft.predict(X).ndim == 1 and indicators.predict(X).ndim == 2
    assert fingerprint(soft) == fingerprint(fitted(RegularizedMLPClassifier, X, Y[:, 1]))


@estimators
def test_random_states_of_every_kind(cls):
    params = QUICK | {"random_state": None}
    same = [cls(**params | {"random_state": np.random.RandomState(3)}) for _ in range(2)]
    assert fingerprint(same[0].fit(*data())) == fingerprint(same[1].fit(*data()))
    # One RandomState goes on drawing, so a second fit differs, as in scikit-learn.
    before = fingerprint(same[0])
    assert fingerprint(same[0].fit(*data())) != before
    assert fingerprint(cls(**params).fit(*data())) != fingerprint(cls(**params).fit(*data()))


@estimators
def test_the_constructor_stores_what_it_is_given(cls):
    values = {name: object() for name in inspect.signature(cls).parameters}
    sizes = values.pop("hidden_layer_sizes")
    model = cls(sizes, **values)
    assert vars(model) == values | {"hidden_layer_sizes": sizes}


@estimators
def test_defaults_are_immutable(cls):
    for default in cls().get_params().values():
        assert isinstance(default, str | int | float | tuple | None)


# Documentation ---------------------------------------------------------------------------------


def sections(thing):
    """Return the numpydoc sections of a docstring: {"Parameters": text, ...}."""
    lines = inspect.getdoc(thing).splitlines()
    found, title = {"": []}, ""
    for line, next_line in zip(lines, [*lines[1:], ""], strict=True):
        if next_line and set(next_line) == {"-"} and len(next_line) == len(line):
            title = line
            found[title] = []
        else:
            found[title].append(line)
    return {title: "\n".join(body) for title, body in found.items()}


def documented(thing, section):
    """Return {name: type} of the entries of a section."""
    entries = re.findall(r"^(\*{0,2}\w[\w, ]*?) ?: (.*)$", sections(thing).get(section, ""), re.M)
    return {name.strip("*"): kind for names, kind in entries for name in re.split(r",\s*", names)}


def arguments(function):
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return [name for name in names if not name.startswith("_")]


METHODS = [
    (cls, name)
    for cls in ESTIMATORS
    for name, method in inspect.getmembers(cls, inspect.isfunction)
    if not name.startswith("_") and method.__module__.startswith("skregnet")
]


def test_all_is_sorted_and_complete():
    assert len(set(skregnet.__all__)) == len(skregnet.__all__)
    public = {
        name
        for name, value in vars(skregnet).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(skregnet.__all__)


@pytest.mark.parametrize("thing", PUBLIC)
def test_every_public_name_has_a_summary(thing):
    summary = inspect.getdoc(thing).splitlines()[0]
    assert thing.__doc__ is not None  # not that of a base class
    assert summary and len(summary) <= 100


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if dataclasses.is_dataclass(cls)])
def test_every_field_of_a_public_class_is_documented(cls):
    fields = {field.name for field in dataclasses.fields(cls)}
    described = documented(cls, "Parameters") | documented(cls, "Attributes")
    assert fields <= set(described)


@pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if sections(cls).get("Parameters") is not None]
)
def test_documented_parameters_are_the_arguments_with_their_defaults(cls):
    parameters = inspect.signature(cls).parameters
    described = documented(cls, "Parameters")
    assert set(described) == set(parameters)
    for name, kind in described.items():
        default = parameters[name].default
        if default is inspect.Parameter.empty:
            assert "default" not in kind
        else:
            stated = re.search(r"default=(.*)$", kind)
            assert stated, f"{name} states no default"
            assert ast.literal_eval(stated.group(1)) == default


@pytest.mark.parametrize("thing", FUNCTIONS)
def test_functions_document_arguments_returns_and_errors(thing):
    assert list(documented(thing, "Parameters")) == arguments(thing)
    assert {"Returns", "Raises", "Examples"} <= set(sections(thing))


@pytest.mark.parametrize("cls, name", METHODS)
def test_public_methods_document_arguments_and_returns(cls, name):
    method = getattr(cls, name)
    names = arguments(method)
    assert list(documented(method, "Parameters")) == names
    assert "Returns" in sections(method)


@estimators
def test_estimators_have_all_sections(cls):
    wanted = {"Parameters", "Attributes", "See Also", "Notes", "References", "Examples"}
    assert wanted <= set(sections(cls))


@pytest.mark.parametrize("cls, name, key", REGISTERED)
def test_every_registered_name_is_documented(cls, name, key):
    text = sections(cls)["Parameters"]
    entry = re.search(rf"^{name} : (?:.*\n)(?:(?:    .*)?\n)*", text + "\n", re.M).group()
    assert f'"{key}"' in entry


def with_every_attribute(cls):
    """Yield fitted models that have all documented attributes between them."""
    pandas = pytest.importorskip("pandas")
    X, y = data()
    X = pandas.DataFrame(X, columns=["a", "b", "c"])
    calibrated = {"calibration": "temperature"} if cls is RegularizedMLPClassifier else {}
    yield cls(**QUICK, early_stopping=True, **calibrated).fit(X, y)
    yield cls(**QUICK, n_estimators=20, oob_score=True).fit(X, y)


@estimators
def test_documented_attributes_are_those_of_a_fitted_model(cls):
    found = {
        name
        for model in with_every_attribute(cls)
        for name in dir(model)
        if name.endswith("_") and not name.startswith("_") and hasattr(model, name)
    }
    assert set(documented(cls, "Attributes")) == found


@estimators
def test_types_of_documented_attributes_hold(cls):
    single, _ = with_every_attribute(cls)
    kinds = {"int": int, "float": float, "str": str, "ndarray": np.ndarray, "list": list}
    checked = 0
    for name, kind in documented(cls, "Attributes").items():
        words = kind.replace(" or None", "").split()
        if hasattr(single, name) and words[0] in kinds:
            assert isinstance(getattr(single, name), kinds[words[0]]), name
            checked += 1
    assert checked > 8


# Off is absence for what scikit-learn's tools set --------------------------------------------


@estimators
def test_a_clone_with_the_defaults_spelled_out_is_the_same(cls):
    defaults = cls(**QUICK)
    spelled_out = cls(**defaults.get_params())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = clone(defaults).fit(*data()), spelled_out.fit(*data())
    assert fingerprint(a) == fingerprint(b)
    assert_array_equal(a.coefs_[0], b.coefs_[0])
