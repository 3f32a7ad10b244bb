# Everything a user or a contributor types. `make help` prints the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# CuPy only where there is a driver: its wheel is for the driver's CUDA version.
CUDA := $(shell nvidia-smi 2>/dev/null | sed -n 's/.*CUDA Version: \([0-9]*\).*/cuda\1/p')
comma := ,
EXTRAS := torch$(if $(filter cuda12 cuda13,$(CUDA)),$(comma)$(CUDA))
FOLDERS := scenarios profiler analysis reports
SCENARIO ?= scenarios/outer.yaml

# Where Python may write no bytecode, each of a thousand processes compiles flopprof anew.
test test-all: export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-all check lint types wheel-test versions docs schemas nsys bench clean

help:  ## Print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed  ## The experiment: run scenarios/outer.yaml, print the report and where the files are
	$(BIN)/flopprof run $(SCENARIO)

test: $(VENV)/.developed .link/flopprof  ## The tests, in 3 to 4 minutes on 2 cores; those that need nsys or a GPU say why they skip
	$(BIN)/python -m pytest -n 3 --dist loadscope -rs tests  # one more than cores: many wait for what they started

test-all: $(VENV)/.developed .link/flopprof  ## The same and the slow ones: kills at any moment, hundreds of damaged traces
	$(BIN)/python -m pytest -n 2 --dist loadscope -rs --all tests

check: lint types test wheel-test  ## ruff, basedpyright, the tests, and a few of them against the built wheel

lint: $(VENV)/.developed  ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed .link/flopprof  ## basedpyright
	$(BIN)/basedpyright

wheel-test: $(VENV)/.developed  ## A few tests of everything against the built wheel, the source folders out of the way
	tools/test-wheel.sh $(BIN)/python

versions: $(VENV)/bin/python  ## A few tests with the oldest and the newest nvtx, numpy and pandas, each in a fresh environment
	$(BIN)/python tools/test_versions.py $(BIN)/python

docs: $(VENV)/.documented .link/flopprof  ## The manual as a site in build/site: no dead link, nothing fetched by a page
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python tools/check_site.py build/site

schemas: $(VENV)/.developed .link/flopprof  ## Write the shipped JSON schemas anew from the code
	$(BIN)/python tools/write_schemas.py

nsys:  ## Install Nsight Systems from the distribution (Debian: component non-free)
	tools/install-nsys.sh

bench: $(VENV)/.developed  ## Time analysis against nsys stats and a plain sqlite scan; updates docs/benchmark.md
	$(BIN)/python -m compileall -q flopprof $(FOLDERS)  # as an installed flopprof is, also where Python may write no bytecode
	$(BIN)/python bench/bench_analyze.py

clean:  ## Remove what was built and installed here, not your runs
	rm -rf $(VENV) .link build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "flopprof needs Python 3.11 to 3.14 on PATH (or make PYTHON=...)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS),dev]'
	@touch $@

$(VENV)/.documented: $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS),docs]'
	@touch $@

# The installed package for the type checker, which resolves folders, not distributions.
.link/flopprof: Makefile $(wildcard flopprof/*.py)
	@rm -rf $@ && mkdir -p $@
	@for folder in $(FOLDERS); do ln -s ../../$$folder $@/$$folder; done
	@for file in $(wildcard flopprof/*.py flopprof/py.typed); do ln -s ../../$$file $@/; done
