# Needs Python 3.11 or later with venv, and nothing else: no node, no nginx. Where a C compiler is, it is used.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
WIRE := setup.py $(wildcard wssdk/wire/*.py wssdk/wire/*.pxd wssdk/wire/*.pyx)

.PHONY: help demo test test-pure build lint types clean
.NOTPARALLEL:

help:
	@echo "make demo        run the main job against the embedded server"
	@echo "make test        run every test"
	@echo "make test-pure   run every test without the compiled part"
	@echo "make build       compile in place, or fail"
	@echo "make lint        ruff: rules and format"
	@echo "make types       mypy --strict"
	@echo "make clean       remove what the others made"

demo: $(VENV)/.demo $(VENV)/.built
	$(BIN)/python -m wssdk demo

test: $(VENV)/.test $(VENV)/.built
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

test-pure: $(VENV)/.test
	WSSDK_PURE=1 $(BIN)/python -m pytest -q $(PYTEST_ARGS)

build: $(BIN)/python
	WSSDK_BUILD_EXTENSION=require $(BIN)/python -m pip install -q -e .
	@touch $(VENV)/.built

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info wssdk/wire/*.so wssdk/wire/*.pyd
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or later found: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Stamps: what is installed, as of the last change of pyproject.toml, and what is compiled, as of the last
# change of what it is made of. Installing compiles, too; pip keeps it to itself where that cannot be done.
SAY := import wssdk; print("wssdk: compiled" if wssdk.COMPILED else "wssdk: NOT compiled, several times slower")

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q -e '.[testing]'
	@touch $@ $(VENV)/.built
	@$(BIN)/python -c '$(SAY)'

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q -e '.[test]'
	@touch $@ $(VENV)/.demo $(VENV)/.built
	@$(BIN)/python -c '$(SAY)'

# pip compiles all of it again, in a folder of its own; setup.py only what changed, but has to have Cython here.
$(VENV)/.built: $(WIRE)
	@if $(BIN)/python -c 'import Cython, setuptools' 2>/dev/null; then \
		$(BIN)/python setup.py -q build_ext --inplace; \
	else \
		$(BIN)/python -m pip install -q --no-deps -e .; \
	fi
	@touch $@
	@$(BIN)/python -c '$(SAY)'
