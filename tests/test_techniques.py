"""docs/techniques.rst is a contract: each hyperparameter has a default, a way off, and a proof."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "techniques.rst"
COLUMNS = ["hyperparameter", "estimator", "technique", "off", "proved by", "guide"]

# The whole contract, written down once more: a default that changes here changes for every user.
BOTH = {
    "hidden_layer_sizes": (128, 128),
    "init": "auto",
    "alpha": 0.5,
    "l1_ratio": 0.0,
    "weight_decay": 0.0,
    "max_norm": None,
    "keep_prob": 1.0,
    "input_keep_prob": 1.0,
    "batchnorm": False,
    "group_norm": None,
    "hidden_noise": 0.0,
    "weight_noise": 0.0,
    "numeric_embedding": "auto",
    "feature_scale": "auto",
    "parametric_activation": False,
    "regularization_schedule": "constant",
    "augmentation": None,
    "categorical_features": "from_dtype",
    "max_categories": 100,
    "scaling": "robust",
    "solver": "adam",
    "learning_rate": "auto",
    "warmup": 0,
    "clip_norm": None,
    "batch_size": "auto",
    "shuffle": True,
    "max_iter": None,
    "max_time": None,
    "early_stopping": "auto",
    "validation": 0.2,
    "monitor": "loss",
    "n_iter_no_change": None,
    "tol": 1e-4,
    "refit": "auto",
    "averaging": "auto",
    "n_estimators": 1,
    "bootstrap": "auto",
    "max_samples": 1.0,
    "oob_score": False,
    "n_jobs": None,
    "dtype": "auto",
    "warm_start": False,
    "random_state": None,
    "verbose": 0,
}
CONTRACT = {
    RegularizedMLPClassifier: BOTH
    | {
        "activation": "selu",
        "loss": "log_loss",
        "label_smoothing": "auto",
        "learning_rate_init": 3e-3,
        "class_weight": None,
        "soft_labels": False,
        "voting": "soft",
        "calibration": "auto",
    },
    RegularizedMLPRegressor: BOTH
    | {
        "activation": "mish",
        "loss": "squared_error",
        "target_scaling": "auto",
        "learning_rate_init": 4.5e-3,
        "clip_output": False,
    },
}
ESTIMATORS_OF = {
    "both": [RegularizedMLPClassifier, RegularizedMLPRegressor],
    "clf": [RegularizedMLPClassifier],
    "reg": [RegularizedMLPRegressor],
}
NAMES = list(dict.fromkeys(name for contract in CONTRACT.values() for name in contract))
estimators = pytest.mark.parametrize("cls", CONTRACT)
each = pytest.mark.parametrize("name", NAMES)


def read_table():
    """Return {hyperparameter: {column: text}} of the first list-table on the page."""
    rows, cells = [], None
    for line in TABLE.read_text().split(".. list-table::")[1].splitlines():
        if line.startswith("   * - "):
            cells = [line[7:].strip()]
            rows.append(cells)
        elif cells and line.startswith("     - "):
            cells.append(line[7:].strip())
        elif cells and line.startswith("       ") and line.strip():
            cells[-1] += " " + line.strip()
        elif line and not line[0].isspace():
            break
    header, *body = rows
    assert header == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in body)
    found = [dict(zip(COLUMNS, row, strict=True)) for row in body]
    assert len({row["hyperparameter"] for row in found}) == len(found), "a row twice"
    return {row["hyperparameter"].strip("`"): row for row in found}


@pytest.fixture(scope="module")
def table():
    return read_table()


def mentions(path, name):
    return re.search(rf"\b{re.escape(name)}\b", path.read_text()) is not None


def defaults(cls):
    return {name: p.default for name, p in inspect.signature(cls).parameters.items()}


@estimators
def test_the_signature_is_the_contract(cls):
    assert defaults(cls) == CONTRACT[cls]
    kinds = {name: type(value) for name, value in defaults(cls).items()}
    assert kinds == {name: type(value) for name, value in CONTRACT[cls].items()}  # 0 is not False


def test_the_table_has_a_row_for_every_hyperparameter_and_no_other(table):
    assert sorted(table) == sorted(NAMES)


@each
def test_the_row_names_the_estimators_that_take_it(table, name):
    takes = [cls for cls in CONTRACT if name in defaults(cls)]
    assert ESTIMATORS_OF[table[name]["estimator"]] == takes
    assert table[name]["technique"]


@each
def test_it_is_described_in_the_docstring_of_each_class_that_takes_it(name):
    for cls in CONTRACT:
        if name in defaults(cls):
            assert re.search(rf"^    {name} : ", cls.__doc__, re.M), cls.__name__


@each
@pytest.mark.filterwarnings("ignore::skregnet.exceptions.IgnoredParameterWarning")
def test_the_way_off_is_the_default_where_the_table_says_so(table, name):
    text = table[name]["off"]
    if text == "none":
        return
    pattern = r"``(.+)``( \(default(?: of (clf|reg))?\))?"
    value, says_default, only = re.fullmatch(pattern, text).groups()
    off = ast.literal_eval(value)
    for cls in ESTIMATORS_OF[table[name]["estimator"]]:
        of_another = only and cls not in ESTIMATORS_OF[only]
        default = defaults(cls)[name]
        is_default = type(off) is type(default) and off == default
        assert is_default == bool(says_default and not of_another), f"{cls.__name__}: {default!r}"
        if not is_default:
            cls(**{name: off}).fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])


@each
def test_the_proof_exists_and_speaks_of_it(table, name):
    [file] = re.findall(r"``(tests/[\w/]+\.py)``", table[name]["proved by"])
    assert (ROOT / file).is_file(), file
    assert mentions(ROOT / file, name), f"{file} does not mention {name}"
    assert re.search(r"^def test_", (ROOT / file).read_text(), re.M)


@each
def test_the_guide_exists_and_speaks_of_it(table, name):
    [page] = re.findall(r":doc:`[^<`]*<([\w/]+)>`", table[name]["guide"])
    path = TABLE.parent / f"{page}.rst"
    assert path.is_file(), page
    assert mentions(path, name), f"{page} does not mention {name}"
