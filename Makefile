# Every target does its own set-up: a virtual environment through uv, and system packages where it may (see scripts/system-packages).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup ui run test soak soak-all mutants lint types law docs bench fuzz lock check

setup: .venv/.installed

.venv/.installed: requirements/dev.txt pyproject.toml
	@scripts/setup $(PYTHON)
	@touch $@

# What pages load is built and in the repository; only who changes ui/ needs Node.
ui: setup
	@$(BIN)/python scripts/ui

run: setup ui
	@$(BIN)/kizuna demo

test: setup
	@scripts/system-packages
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -q -n 2 --dist loadfile

LONG := -q -m soak -o addopts="--strict-markers --import-mode=importlib" --override-ini timeout=0

# An hour, or KIZUNA_SOAK_SECONDS; the same once more with the KIZUNA_SOAK_SEED it tells. KIZUNA_SOAK_REPORT is where its summary goes.
soak: setup
	@scripts/system-packages
	@$(BIN)/python -m pytest $(LONG) -s tests/soak

soak-all: setup
	@scripts/system-packages
	@$(BIN)/python -m pytest $(LONG)

# Breaks what decides on what leaves, one place at a time, and names what no test notices; those that remain are explained in docs/design/0013.
mutants: setup
	@$(BIN)/python scripts/mutants || [ $$? = 1 ]

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

law: setup
	@$(BIN)/lint-imports

# The site's program stays out of .venv: nothing else needs its 90 MB.
docs: setup .venv-docs/.installed
	@scripts/site .site .venv-docs/bin/zensical >/dev/null
	@echo "the documentation is in .site/site: index.html and ja/index.html"

.venv-docs/.installed: requirements/docs.txt | setup
	@[ -x .venv-docs/bin/python ] || $(PYTHON) -m venv .venv-docs
	@VIRTUAL_ENV=$(CURDIR)/.venv-docs $(BIN)/uv pip install -q --require-hashes -r requirements/docs.txt || \
	  .venv-docs/bin/python -m pip install -q --require-hashes -r requirements/docs.txt
	@touch $@

check: test lint types law docs

bench: setup
	@scripts/bench

# Every decoder under coverage for KIZUNA_FUZZ_SECONDS each; `make test` replays what was kept (tests/data/corpus).
fuzz: setup .venv-fuzz/.installed
	@scripts/fuzz

.venv-fuzz/.installed: requirements/fuzz.txt | setup
	@[ -x .venv-fuzz/bin/python ] || $(PYTHON) -m venv .venv-fuzz
	@VIRTUAL_ENV=$(CURDIR)/.venv-fuzz $(BIN)/uv pip install -q --require-hashes -r requirements/fuzz.txt || \
	  .venv-fuzz/bin/python -m pip install -q --require-hashes -r requirements/fuzz.txt
	@touch $@

lock: setup
	@for file in requirements/*.in; do $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header -q $$file -o $${file%.in}.txt; done
