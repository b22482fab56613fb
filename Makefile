# Everything lives in .venv; `make demo` and `make test` need nothing but Python 3.11+ with venv and pip.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
TEST_WORKERS ?= 2  # processes that run tests; many tests wait for processes of their own

.PHONY: demo test test-all lint install install-dev clean

demo: install
	$(BIN)/medalist demo

test: install-dev
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_WORKERS)

test-all: install-dev
	MEDALIST_TEST_EXAMPLES=thorough $(BIN)/python -m pytest

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
