# Every target does its own set-up: a virtual environment through uv, and system packages where it may (see scripts/system-packages).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test soak lint types law bench lock check

setup: .venv/.installed

.venv/.installed: requirements/dev.txt pyproject.toml
	@scripts/setup $(PYTHON)
	@touch $@

run: setup
	@$(BIN)/kizuna demo

test: setup
	@scripts/system-packages
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -q -n 2 --dist loadfile

soak: setup
	@scripts/system-packages
	@$(BIN)/python -m pytest -q -m soak -o addopts="--strict-markers --import-mode=importlib" --override-ini timeout=0

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

law: setup
	@$(BIN)/lint-imports

check: test lint types law

bench: setup
	@scripts/bench

lock: setup
	@for file in requirements/*.in; do $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header -q $$file -o $${file%.in}.txt; done
