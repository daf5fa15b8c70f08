# `make` alone lists what there is. Needs Python 3.11 to 3.14 and nothing else; PYTHON=… names one to use.

PYTHON ?=
WORKERS ?= 2
ARGS ?=
ONLY ?=

BIN := .venv/bin
# Scripts in .venv hold its path: a project that was moved gets a new one.
HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
MADE := .venv/made-$(HERE)
RUNTIME := .venv/runtime-$(HERE)
TESTING := .venv/testing-$(HERE)

# A Python that was upgraded away leaves a link to nothing, an interrupted installation half of the packages.
SOUND := $(shell test ! -e .venv/unfinished && $(BIN)/python -c 'import pip; print("yes")' 2>/dev/null)

PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
RESOLVE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help install run stop status test test-slow test-all bench execution simulate mutants screenshots lint lock unsound

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## start the fleet under supervisor, in the background
	@$(BIN)/python -m worker.process.supervision start

# A stop waits for no new packages.
stop: $(if $(wildcard run/supervisor.sock),$(if $(SOUND),,$(RUNTIME))) ## let the worker finish its step, then stop it and supervisor
	@if [ -S run/supervisor.sock ] || { [ -d run ] && [ ! -x run ]; }; then $(BIN)/python -m worker.process.supervision stop; \
	else echo "Flotilla is not running."; fi

status: $(RUNTIME) ## show equity, level, brakes, positions and the age of the last step
	@$(BIN)/flotilla status

test: $(TESTING) ## run the quick tests, under 5 minutes on 2 cores
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(TESTING) ## run the slow tests
	@$(PYTEST) -m slow --maxschedchunk 2 $(ARGS)

test-all: $(TESTING) ## run all tests, under 60 minutes on 2 cores
	@$(PYTEST) $(ARGS)

bench: $(TESTING) ## measure, and write docs/benchmarks.md; ONLY=speed runs one, VECTORBT=1 measures it, too
	@$(BIN)/python -m tests.bench $(ONLY) $(ARGS)

execution: $(TESTING) ## measure what order styles cost on real candles; writes docs/execution.md
	@$(BIN)/python -m tests.bench.execution $(ARGS)

simulate: $(TESTING) ## trade 1,000 simulated days on the local exchange, in about an hour on 2 cores; ARGS="--runs 1 --seed 7" runs one
	@$(BIN)/python -m tests.simulation --runs 200 --days 5 --workers $(WORKERS) $(ARGS)

mutants: $(TESTING) ## change the rules one at a time and see whether a test fails; writes docs/development.md
	@$(BIN)/python -m tests.mutants --workers $(WORKERS) $(ARGS)

screenshots: $(TESTING) ## take the pictures of docs/screenshots, with Chromium
	@$(BIN)/python -m tests.dashboard.screenshots

lint: $(TESTING) ## check style, types and the directions of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

lock: ## resolve both lock files anew, with uv
	@$(RESOLVE) --output-file requirements.lock pyproject.toml
	@$(RESOLVE) --extra dev --constraints requirements.lock --output-file tests/requirements.lock pyproject.toml

install: $(RUNTIME) ## set up .venv, which the others do by themselves

unsound:

# Some names on a machine do not run, or lack venv, so each candidate is tried.
$(MADE): $(if $(SOUND),,unsound)
	@python=""; \
	for candidate in $(PYTHON) $(if $(PYTHON),,python3.14 python3.13 python3.12 python3.11 python3 python); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	    </dev/null >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Flotilla needs Python 3.11 to 3.14 with venv, and found none$(if $(PYTHON), as $(PYTHON)). Install one" \
	    "(Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13) or name one: make PYTHON=/path/to/python." >&2; \
	  exit 1; \
	fi; \
	"$$python" ops/install.py $@

$(RUNTIME): $(MADE) requirements.lock pyproject.toml
	@$(BIN)/python ops/install.py $@ requirements.lock --project
	@echo "The rules are compiled in the background, once per version; a backtest before that is done waits for it."
	@nice -n 19 $(BIN)/flotilla backtest --simulated 1 --json </dev/null >/dev/null 2>&1 &

$(TESTING): $(RUNTIME) tests/requirements.lock
	@$(BIN)/python ops/install.py $@ tests/requirements.lock
