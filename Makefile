# `make run` and `make test` set up all they need; the other targets are for those who change the code.

VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin

# Recipes name the environment by a relative path, so a clone in a path with spaces works.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
DONE    := $(VENV)/.installed

.PHONY: help run test test-all check lint types layers env remotes onnx catboost lock benchmark clean

help:            ## list the targets
	@grep -E '^[a-z-]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

run: $(DONE)-runtime   ## set up, then run the Titanic pipeline to a registered model
	@$(BIN)/keystage run

test: $(DONE)-dev $(DONE)-azurite   ## set up, then run all tests but the slow ones
	@$(BIN)/python -m pytest

test-all: $(DONE)-dev $(DONE)-azurite   ## the slow tests too
	@$(BIN)/python -m pytest -m ""

check: lint types layers test   ## what CI runs: lint, types, layers, tests

lint: $(DONE)-dev      ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DONE)-dev     ## strict type checking
	@$(BIN)/mypy

layers: $(DONE)-dev    ## who may import whom
	@$(BIN)/lint-imports

env: $(DONE)-dev $(DONE)-azurite   ## set up everything and stop

remotes: $(DONE)-remotes   ## set up, then add what DVC needs to reach S3, Azure Blob, GCS and ssh

onnx: $(DONE)-onnx     ## set up, then add what `keystage export` needs

catboost: $(DONE)-catboost   ## set up, then add CatBoost for `automl.estimators`

$(DONE)-runtime: requirements/runtime.txt pyproject.toml
	@echo "Setting up $(VENV) from requirements/runtime.txt (about a minute the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(DONE)-dev: $(DONE)-runtime requirements/dev.txt
	@echo "Adding what checks and tests need, from requirements/dev.txt ..."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

$(DONE)-remotes: $(DONE)-runtime requirements/remotes.txt
	@echo "Adding DVC's plugins for remotes, from requirements/remotes.txt ..."
	@$(INSTALL) -r requirements/remotes.txt
	@touch $@

$(DONE)-onnx: $(DONE)-runtime requirements/onnx.txt
	@echo "Adding ONNX and its converters, from requirements/onnx.txt ..."
	@$(INSTALL) -r requirements/onnx.txt
	@touch $@

$(DONE)-catboost: $(DONE)-runtime requirements/catboost.txt
	@echo "Adding CatBoost, from requirements/catboost.txt ..."
	@$(INSTALL) -r requirements/catboost.txt
	@touch $@

$(DONE)-azurite: $(DONE)-runtime tests/azurite/package-lock.json
	@echo "Adding Azure's storage emulator, from tests/azurite/package-lock.json ..."
	@if npm ci --prefix tests/azurite --ignore-scripts --no-audit --no-fund --fetch-retries 1 --loglevel error; then touch $@; \
	else echo "npm cannot add it here: the test with Azure Blob storage will be skipped."; fi

lock:            ## compile the lock files anew (needs uv)
	@for name in runtime remotes onnx catboost dev; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  benchmarks/autogluon.in -o benchmarks/autogluon.txt

benchmark: $(DONE)-dev ## measure the overhead, and how answers grow; prints ratios
	@$(BIN)/python benchmarks/overhead.py
	@$(BIN)/python benchmarks/growth.py

clean:           ## remove the environment and every output, keep the DVC cache
	rm -rf $(VENV) benchmarks/.venv-autogluon artifacts reports dvc_plots
