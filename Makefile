# Each target makes or reuses .venv and installs the project into it. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
# What using the library needs, and what working on it needs.
READY   = $(VENV)/.ready
STAMP   = $(VENV)/.installed

.PHONY: install demo test test-all lint docs bench clean

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "AutoNAS needs Python 3.10 to 3.13; choose one with: make PYTHON=python3.11 ..."; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || \
	  { echo "No C compiler found. hpbandster needs one once, for its dependency netifaces: install gcc and the Python headers (Debian: apt-get install gcc python3-dev) and try again."; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' || \
	  { echo "The headers of Python are missing. hpbandster's dependency netifaces is compiled with them: install them (Debian: apt-get install python3-dev) and try again."; exit 1; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch torchvision
	$(BIN)/python -m pip install --quiet -e '.[onnx,report]'
	touch $@

$(STAMP): $(READY)
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

install: $(READY)
	@echo "Ready: $(BIN)/autonas fit my.csv --target COLUMN --time 60 --report"

demo: $(READY)
	$(BIN)/python examples/01_quickstart.py

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(STAMP)
	HYPOTHESIS_PROFILE=new OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(BIN):$$PATH" $(BIN)/lint-imports --no-cache

# The site, in docs/_build/html/index.html. Warnings are errors, but all of them are shown.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

# Every measurement of docs/benchmarks.md, one after the other: hours. Each goes on where it was stopped.
bench: $(STAMP)
	set -e; for measurement in overhead optimizers time-limit accuracy fidelity; do \
	  $(BIN)/python -m autonas benchmark $$measurement; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist docs/_build docs/reference docs/gallery
