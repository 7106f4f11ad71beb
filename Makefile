# `make demo` and `make test` do all their own set-up; see README.md for the others.
PYTHON ?= python3
BIN := .venv/bin
EDGE := .venv-edge/bin/python
LIGHT := $(shell find exports/python -name '*.py' -o -name pyproject.toml -o -name README.md)
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint bench quality serve deploy clean python

demo: .venv/installed .venv-edge/installed
	$(BIN)/gatewise-flows demo --device $(EDGE)

test: .venv/installed
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench-installed .venv-edge/installed
	$(BIN)/python -m components.benchmarks
	$(BIN)/python -m components.measuring.readme_numbers

quality: .venv/installed
	$(BIN)/python -m components.measuring.quality
	$(BIN)/python -m components.measuring.readme_numbers

serve: .venv/installed
	DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false $(BIN)/prefect server start

deploy: .venv/installed
	$(BIN)/prefect work-pool create gatewise --type process --overwrite
	$(BIN)/prefect --no-prompt deploy --all

clean:
	rm -rf .venv .venv-edge .gatewise build exports/python/build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -o -name '*.egg-info' | xargs rm -rf

python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Gatewise needs Python 3.11 to 3.13 and $(PYTHON) is another: make PYTHON=python3.12 ..." >&2; exit 1; }

.venv/installed: pyproject.toml exports/python/pyproject.toml constraints.txt | python
	$(PYTHON) -m venv .venv
	@echo "Installing TensorFlow, Prefect and the rest, pinned by constraints.txt: a few minutes, once."
	$(BIN)/python $(PIP) --editable exports/python --editable '.[test]'
	@touch $@

.venv-edge/installed: $(LIGHT) constraints.txt | python
	$(PYTHON) -m venv --clear .venv-edge
	$(EDGE) $(PIP) ./exports/python
	@touch $@

.venv/bench-installed: .venv/installed
	$(BIN)/python $(PIP) torch==2.13.0
	@touch $@
