# Every target sets up what it needs: a virtual environment in .venv, an AiiDA profile in .aiida.
# Nothing outside this folder is touched; your own ~/.aiida stays as it is.

PYTHON ?= python3
DEMO_ARGS ?=
PYTEST_ARGS ?=
BENCHMARKS ?= graphs hull keep_rules models

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq -c constraints.txt

export AIIDA_PATH := $(CURDIR)/.aiida

.DEFAULT_GOAL := help
.PHONY: help install demo demo-dft pw-with-u test test-services lint docs bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed .aiida/.ready ## set up .venv and the AiiDA profile

demo: install ## a campaign on real VASP results: funnel, hull, costs, pictures (DEMO_ARGS=--quick for a short one)
	@$(BIN)/aiida-mlhull demo $(DEMO_ARGS)

demo-dft: .venv/.installed ## ten crystals of Mg and Si through CHGNet and two stages of real DFT (needs pw.x)
	@$(BIN)/python -m benchmarks.dft_campaign demo-output/dft start --foreground --elements Mg Si --limit 10

# QEpy's wheels hold Quantum ESPRESSO 7.2; they need an old numpy, so an environment of their own.
pw-with-u: .pw-with-u/bin/pw.x ## a pw.x that reads U (7.2, from PyPI) for the tests, where Debian's 6.7 doesn't

.pw-with-u/bin/pw.x:
	@$(PYTHON) -m venv .pw-with-u
	@.pw-with-u/bin/python -m pip --disable-pip-version-check install -qq qepy==7.2.0
	@printf '#!/bin/sh\nexec "%s" -m qepy --pw.x "$$@"\n' "$(CURDIR)/.pw-with-u/bin/python" > $@
	@chmod +x $@

# AiiDA's client looks for the daemon's program, verdi, in the PATH.
test: export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Two processes of one thread each.
test: export OMP_NUM_THREADS ?= 1
# Databases of the tests live in memory where there is room: a campaign commits thousands of times.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "/dev/shm"}')
test test-services: export PYTEST_DEBUG_TEMPROOT ?= $(MEMORY)
test: .venv/.installed ## all tests (PYTEST_ARGS="-m 'not slow'" for the quick ones)
	@$(BIN)/python -m benchmarks.browser
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# What depends on how a database keeps text, JSON and time, once more where groups keep theirs.
test-services: export PATH := $(CURDIR)/.venv/bin:$(PATH)
test-services: export OMP_NUM_THREADS ?= 1
test-services: .venv/.installed ## tests of the stored graph on PostgreSQL and RabbitMQ, where these run on the standard ports
	@$(BIN)/pytest -n 2 --dist loadfile --services -q tests/graph tests/workflows/test_provenance.py \
		tests/workflows/test_stages.py::test_two_stages_add_up tests/cli/test_campaign.py tests/cli/test_history.py tests/cli/test_status.py

lint: .venv/.installed ## style, types, floors, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python .ci/prose.py

docs: .venv/.docs ## the documentation as HTML in docs/_build
	$(BIN)/python docs/generate_reasons.py
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench: .venv/.installed ## timings and accuracy, one JSON object each
	@set -e; for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name --json; done

clean: ## remove all that make has made, the AiiDA profile of the demo included
	-@if [ -x $(BIN)/verdi ]; then $(BIN)/verdi daemon stop >/dev/null 2>&1; fi
	rm -rf .venv .aiida .pw-with-u build dist docs/_build demo-output
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# PyTorch first: later steps then find it there and don't look for another build of it.
.venv/.installed: pyproject.toml constraints.txt
	@echo "Installing into .venv (a few minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) torch
	@$(PIP) -e '.[potential,qe,tune,tests,lint]'
	@touch $@

.venv/.docs: .venv/.installed
	@$(PIP) -e '.[docs]'
	@touch $@

# SQLite and the ZeroMQ broker that AiiDA brings along: no service has to run.
.aiida/.ready: | .venv/.installed
	@mkdir -p .aiida
	@echo "Making the AiiDA profile mlhull in .aiida ..."
	@$(BIN)/verdi profile list 2>/dev/null | grep -qw mlhull \
	  || $(BIN)/verdi --verbosity warning presto -p mlhull --use-zeromq -n
	@touch $@
