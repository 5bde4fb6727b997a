# `make` prints this help. Every target prepares what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
# one more than there are cores: the walks wait for their browser now and then
WORKERS ?= $(shell expr $$(nproc) + 1)
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test lint audit messages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.run: requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	touch $@

$(VENV)/.messages: $(wildcard translations/*/LC_MESSAGES/*.po) $(VENV)/.run
	$(BIN)/pybabel --quiet compile -d translations
	touch $@

setup: $(VENV)/.run $(VENV)/.messages ## virtual environment, libraries, translations; the database with roles and lists
	$(BIN)/flask install

run: $(VENV)/.run $(VENV)/.messages ## set everything up with demo data and serve it on http://127.0.0.1:8000
	$(BIN)/flask install --demo
	$(BIN)/honcho --no-prefix start --port $(PORT)

test: $(VENV)/.dev $(VENV)/.messages ## the whole suite (T=path for a part of it)
	sh tests/chromium.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(T)

lint: $(VENV)/.dev ## style, types, import rules, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

audit: $(VENV)/.dev ## known vulnerabilities of the locked libraries (needs the internet)
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip --strict

messages: $(VENV)/.dev ## collect the sentences of the code into the catalogues
	sh translations/update.sh

clean: ## remove the virtual environment (the database in instance/ stays)
	rm -rf $(VENV)
