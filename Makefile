# Every target sets up what it needs: Python >= 3.11 and make are enough.
#
#   make demo     run examples/quickstart.py
#   make test     tests and doctests, with coverage
#   make lint     ruff, then the types
#   make types    mypy on skregnet/core
#   make docs     HTML pages in docs/_build/html
#   make bench    time and memory side by side with peers, into benchmarks/RESULTS.md
#   make clean    remove what the targets above made, except .venv

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq

# Two test processes share the cores: one BLAS thread each.
TEST_ENV := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MPLBACKEND=Agg

.PHONY: demo test lint types docs bench clean

demo: $(VENV)/.installed
	@$(BIN)/python examples/quickstart.py

test: $(VENV)/.installed
	@$(TEST_ENV) $(BIN)/python -m pytest -q -n 2 --dist worksteal --cov --cov-report=term

lint: $(VENV)/.installed
	@$(BIN)/ruff check .
	@$(MAKE) --no-print-directory types

types: $(VENV)/.installed
	@$(BIN)/mypy

docs: $(VENV)/.installed-docs
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.installed-bench
	@for name in fit predict scaling committee; do \
	    $(BIN)/python benchmarks/bench_$$name.py || exit 1; \
	done
	@$(BIN)/python benchmarks/report.py

clean:
	rm -rf build dist docs/_build docs/gallery docs/generated
	rm -rf .pytest_cache .ruff_cache .mypy_cache .coverage .coverage.* htmlcov
	rm -f examples/*.png benchmarks/results*.json*
	find skregnet tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	    "skregnet needs Python 3.11 or later: make PYTHON=/path/to/python ...")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing skregnet with its test, plot and progress extras into $(VENV)"
	@$(PIP) install -e ".[test,plot,progress]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	@echo "installing the docs extra into $(VENV)"
	@$(PIP) install -e ".[docs]"
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@echo "installing the bench extra into $(VENV)"
	@$(PIP) install -e ".[bench]"
	@touch $@
