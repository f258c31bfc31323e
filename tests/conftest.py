"""Fixtures that more than one test file uses."""

import os
from pathlib import Path

import numpy as np
import pytest

TABLES = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def rng():
    """A generator with a seed of its own for each test, so that tests do not share draws."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def read_table():
    """Return a function that reads a real table: ``read_table("adult")`` gives X and y.

    The tables are not published with the package. Where they are absent the test is skipped,
    unless this is continuous integration, which must not pass by skipping.
    """
    _require_tables()
    pandas = pytest.importorskip("pandas")

    def read(name):
        table = pandas.read_csv(TABLES / f"{name}.csv.gz")
        return table.drop(columns="target"), table["target"]

    return read


@pytest.fixture(scope="session")
def read_images():
    """Return a function that reads images of handwritten digits: 10,000 rows of 28 x 28 pixels."""
    _require_tables()

    def read():
        with np.load(TABLES / "mnist_t10k.npz") as images:
            return images["X"].astype(np.float32), images["y"]

    return read


def _require_tables():
    if not TABLES.is_dir():
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"the real tables are not at {TABLES}")
