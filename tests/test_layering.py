"""The house rules of the source: imports go down, names of hyperparameters stay in their place."""

import ast
import dataclasses
import inspect
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

import skregnet
from skregnet import RegularizedMLPClassifier, RegularizedMLPRegressor
from skregnet.core.activations import ACTIVATIONS
from skregnet.core.component import Component
from skregnet.core.layers import Layer
from skregnet.core.network import Network
from skregnet.encoding import EncodedScale, Encoder, Numbers, OneHot
from skregnet.fitting import Plan
from skregnet.frames import Codes
from skregnet.tables import Scale

ROOT = Path(skregnet.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MAX_LINES = 60

# From the top down: a file imports only from lines below its own, or from its own package.
LINES = [
    ["__init__"],
    ["paths", "search"],
    ["gradients"],
    ["layerwise"],
    ["classifier", "regressor"],
    ["base"],
    ["published"],
    ["tasks"],
    ["assemble"],
    ["params"],
    ["committee"],
    ["fitting"],
    ["member"],
    ["encoding"],
    ["tables", "labels", "frames", "calibration"],
    ["training"],
    ["core"],
    ["exceptions", "_compat"],
]
INSPECTION = "inspection"  # looks from outside: public names, and the network layer by layer
OUTSIDE_VIEW = (INSPECTION, "__init__", "layerwise", "paths", "exceptions")
OPTIONAL = {"pandas", "matplotlib"}  # may be absent, so they are imported inside functions only

HYPERPARAMETERS = set(RegularizedMLPClassifier().get_params()) | set(
    RegularizedMLPRegressor().get_params()
)


def module_of(path):
    """Return the dotted name within the package: ``core.dense``; ``__init__`` for the top."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_of(path): path for path in FILES}
parsed = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
modules = pytest.mark.parametrize("name", MODULES)


def rank(name):
    """Return the line of a module, 0 being the top."""
    head = name.split(".")[0]
    [line] = [i for i, members in enumerate(LINES) if head in members]
    return line


def imports(name):
    """Yield (module within skregnet or None, top-level package) of every import of a module.

    Optional packages count where they are imported with the module, not inside a function.
    """
    path = MODULES[name]
    package = path.relative_to(ROOT).parent.parts
    later = {id(node) for f in functions(parsed[name]) for node in ast.walk(f)}
    for node in ast.walk(parsed[name]):
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.level == 0):
            names = (
                [node.module]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
            for top in (full.split(".")[0] for full in names):
                if not (top in OPTIONAL and id(node) in later):
                    yield None, top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{stem}.{alias.name}" if stem else alias.name
                yield (full if full in MODULES else stem), "skregnet"


def attribute_reads(tree):
    """Yield (name, attribute) of every ``name.attribute`` that is read."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Load)
            and isinstance(node.value, ast.Name)
        ):
            yield node.value.id, node.attr


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_without_docstring(function):
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    is_docstring = ast.get_docstring(function, clean=False) is not None
    return total - (first.end_lineno - first.lineno + 1 if is_docstring else 0)


def subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def in_package(classes):
    return sorted(
        {cls for cls in classes if cls.__module__.startswith("skregnet.")}, key=lambda c: c.__name__
    )


# Imports ---------------------------------------------------------------------------------------


def test_every_file_has_its_line():
    placed = {name for line in LINES for name in line} | {INSPECTION}
    assert {name.split(".")[0] for name in MODULES} == placed


@modules
def test_imports_go_down(name):
    if name.split(".")[0] == INSPECTION:
        pytest.skip("inspection has a rule of its own")
    for target, _ in imports(name):
        if target is None:
            continue
        head = target.split(".")[0]
        from_its_own_package = head == name.split(".")[0] and target != name
        looks_from_outside = head == INSPECTION and name == "__init__"
        assert from_its_own_package or looks_from_outside or rank(target) > rank(name), (
            f"{name} imports {target}"
        )


def test_inspection_looks_from_outside():
    for name in MODULES:
        if name.split(".")[0] == INSPECTION:
            for target, _ in imports(name):
                assert target is None or target.split(".")[0] in OUTSIDE_VIEW, name


def test_no_import_runs_in_circles():
    # Within a package files may import each other, so the ranks do not settle it.
    graph = {name: {t for t, _ in imports(name) if t and t != name} for name in MODULES}
    done = set()

    def visit(name, path):
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for target in graph[name] & MODULES.keys():
                visit(target, [*path, name])
            done.add(name)

    for name in MODULES:
        visit(name, [])


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] == "core"])
def test_core_imports_numpy_scipy_and_the_standard_library_only(name):
    allowed = {"numpy", "scipy", "skregnet"} | sys.stdlib_module_names
    assert {package for _, package in imports(name)} <= allowed
    assert all(target.split(".")[0] == "core" for target, _ in imports(name) if target)


@modules
def test_the_package_imports_what_it_declares(name):
    declared = {"numpy", "scipy", "sklearn", "skregnet"}
    brought_along = {"joblib", "narwhals", "threadpoolctl"}  # scikit-learn requires them
    assert {package for _, package in imports(name)} <= (
        declared | brought_along | sys.stdlib_module_names
    )


@modules
def test_what_is_private_in_scikit_learn_is_imported_in_one_place(name):
    for node in ast.walk(parsed[name]):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and name != "_compat":
            private_module = any(part.startswith("_") for part in node.module.split("."))
            private_name = any(alias.name.startswith("_") for alias in node.names)
            is_own = node.module.split(".")[0] in ("skregnet", "__future__")
            assert is_own or not (private_module or private_name), ast.unparse(node)


# Names and sizes -------------------------------------------------------------------------------


@modules
def test_only_assemble_reads_hyperparameters_by_name(name):
    if name.split(".")[0] in ("assemble", "params"):
        return
    # `self` is the estimator in these files; elsewhere it is a recipe with names of its own.
    estimators = {"p", "params", "estimator", "probe", "model"}
    if name in ("base", "classifier", "regressor"):
        estimators.add("self")
    reads = {attr for who, attr in attribute_reads(parsed[name]) if who in estimators}
    assert not reads & HYPERPARAMETERS


def test_the_search_for_reads_finds_them_in_assemble():
    trees = [tree for name, tree in parsed.items() if name.split(".")[0] == "assemble"]
    reads = {attr for tree in trees for who, attr in attribute_reads(tree) if who == "p"}
    assert HYPERPARAMETERS <= reads


@modules
def test_no_function_is_longer_than_60_lines_without_its_docstring(name):
    too_long = {
        f.name: lines_without_docstring(f)
        for f in functions(parsed[name])
        if lines_without_docstring(f) > MAX_LINES
    }
    assert not too_long


def test_the_count_of_lines_leaves_out_the_docstring_alone():
    [function] = functions(ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1'))
    assert lines_without_docstring(function) == 2


@modules
def test_the_global_random_state_is_not_used(name):
    allowed = {"Generator", "PCG64", "SeedSequence", "RandomState", "default_rng"}
    for node in ast.walk(parsed[name]):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            "np.random",
            "numpy.random",
        ):
            assert node.attr in allowed, ast.unparse(node)
    assert "random" not in {package for _, package in imports(name)}


@pytest.mark.parametrize("cls", [RegularizedMLPClassifier, RegularizedMLPRegressor])
def test_fit_does_not_touch_the_global_random_state(cls):
    X = np.arange(60.0).reshape(20, 3)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cls((4,), keep_prob=0.5, max_iter=2, random_state=0, early_stopping=True).fit(X, X[:, 0] > 20)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# Recipes ---------------------------------------------------------------------------------------

ENCODING = [Codes, EncodedScale, Encoder, Numbers, OneHot]
RECIPES = [*in_package(subclasses(Layer)), Network, Plan, Scale, *ENCODING]


@pytest.mark.parametrize("cls", RECIPES)
def test_recipes_are_frozen(cls):
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen


def test_the_search_for_recipes_finds_all_activations():
    assert set(ACTIVATIONS.values()) < set(in_package(subclasses(Layer)))


@pytest.mark.parametrize(
    "cls", [cls for cls in in_package(subclasses(Component)) if not inspect.isabstract(cls)]
)
def test_components_are_dataclasses_that_never_write_to_themselves(cls):
    assert dataclasses.is_dataclass(cls)
    tree = ast.parse(inspect.getsource(sys.modules[cls.__module__]))
    [definition] = [
        n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.__name__
    ]
    for node in ast.walk(definition):
        written = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        assert not (written and ast.unparse(node.value) == "self"), ast.unparse(node)


def components(cls):
    """Yield name and instance for each hyperparameter that takes an instance."""
    losses = (skregnet.Huber(), skregnet.Poisson(), skregnet.AbsoluteError())
    if cls is RegularizedMLPRegressor:
        yield from (("loss", loss) for loss in losses)
    yield from (("solver", solver) for solver in (skregnet.Adam(), skregnet.SGD()))
    yield "solver", skregnet.LBFGS()
    for schedule in ("Adaptive", "ConstantRate", "Cosine", "InverseScaling"):
        yield "learning_rate", getattr(skregnet, schedule)()
    for init in ("DataDriven", "He", "LeCun", "NTK", "Normal", "Orthogonal", "Uniform", "Xavier"):
        yield "init", getattr(skregnet, init)()
    yield from (("numeric_embedding", found) for found in (skregnet.PBLD(), skregnet.PLE()))


@pytest.mark.parametrize(
    "cls, name, component",
    [
        (cls, name, component)
        for cls in (RegularizedMLPClassifier, RegularizedMLPRegressor)
        for name, component in components(cls)
    ],
)
def test_fit_does_not_write_to_the_components_passed_in(cls, name, component):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = rng.integers(2, size=30)
    before = deepcopy(vars(component))
    # With warm_start, state outlives fit; it must not be kept in the recipe.
    warm = not (name == "solver" and isinstance(component, skregnet.LBFGS))
    model = cls((4,), max_iter=3, warm_start=warm, tol=1e-4 if warm else 1e3, **{name: component})
    model.fit(X, y).fit(X, y)
    assert getattr(model, name) is component
    assert vars(component) == before
