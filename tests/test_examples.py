"""Every claim of the gallery holds, without a warning, in a picture that says what it shows."""

import ast
import inspect
import os
import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn import get_config

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))

scripts = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


@pytest.fixture
def plt(monkeypatch):
    """Return pyplot with a backend that needs no screen; all figures are closed afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    before = matplotlib.get_backend()
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    plt.close("all")
    monkeypatch.setattr(plt, "show", lambda: None)  # on a desktop, Agg warns that it cannot
    yield plt
    plt.close("all")
    plt.switch_backend(before)


def package_contents():
    """Return the identity of every name of every module and class of skregnet."""
    contents = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.split(".")[0] == "skregnet":
            for name, value in list(vars(module).items()):
                contents[module_name, name] = id(value)
                if inspect.isclass(value) and value.__module__ == module_name:
                    for attribute, part in vars(value).items():
                        contents[module_name, name, attribute] = id(part)
    return contents


def global_state(plt):
    """Return what a careless script would leave changed for whatever runs after it."""
    return {
        "random state": [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
        "handling of floating-point errors": np.geterr(),
        "print options": np.get_printoptions(),
        "matplotlib's settings": dict(plt.rcParams),
        "scikit-learn's configuration": get_config(),
        "warning filters": list(warnings.filters),
        "environment": dict(os.environ),
        "working directory": os.getcwd(),
    }


def is_labelled(ax):
    """Whether axes say what they show, in a title or beside an axis."""
    titles = [ax.get_title(where) for where in ("left", "center", "right")]
    return any([*titles, ax.get_xlabel(), ax.get_ylabel()])


def test_there_are_scripts():
    assert SCRIPTS
    assert (EXAMPLES / "GALLERY_HEADER.rst").exists()


@scripts
def test_the_source_states_a_title_and_asserts_the_claim(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    title, underline, *claim = (ast.get_docstring(tree) or "\n\n").splitlines()
    assert title and set(underline) == {"="} and len(underline) >= len(title)
    assert len(" ".join(claim).split()) > 20
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "__file__" not in names, "sphinx-gallery does not define it"


@scripts
def test_the_claim_holds(script, plt, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    package, state = package_contents(), global_state(plt)
    runpy.run_path(str(script), run_name="__main__")

    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert figures
    for figure in figures:
        assert figure.axes
        assert all(is_labelled(ax) for ax in figure.axes)
        figure.canvas.draw()  # a glyph that is missing, or a layout that fails, warns only here

    after = package_contents()
    assert {name for name in package if after.get(name) != package[name]} == set()
    assert global_state(plt) == state
    assert not list(tmp_path.iterdir())
