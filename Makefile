# One list of verbs for people, hooks and CI.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin
ONLY ?=

.PHONY: help setup demo test slow faults lint fix bench proof up down clean

help: ## say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet uv==$(UV_VERSION)

# Compiling once costs half a minute and saves it again on the first demo.
.venv/.ready: pyproject.toml uv.lock $(filter .tools/bin/uv,$(UV))
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

setup: .venv/.ready ## install what is locked

demo: setup ## go the whole way on the simulated lender
	$(RUN)/loanbook demo

# A worker a core, up to four; a file's tests stay together, for they share what is dear to make.
SPREAD := -n logical --maxprocesses 4 --dist loadfile

test: setup ## run the tests
	$(RUN)/pytest $(SPREAD) -m "not slow and not faults"

slow: setup ## run the tests that go a whole way of minutes
	$(RUN)/pytest $(SPREAD) -m slow

faults: setup ## kill flows at many moments and run them again
	$(RUN)/pytest -m faults

lint: setup ## ruff, mypy --strict, floors
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports

fix: setup ## let ruff mend what it can
	$(RUN)/ruff check --fix
	$(RUN)/ruff format

bench: setup ## measure speed and memory; ONLY=way for one topic
	$(RUN)/python -m bench $(ONLY)

proof: setup ## measure everything else that is claimed; ONLY=way for one topic
	$(RUN)/python -m bench.proof $(ONLY)

up: setup ## start the Prefect server and say how to open every page
	$(RUN)/loanbook up

down: setup ## stop it
	$(RUN)/loanbook down

clean: ## remove what was installed and made
	rm -rf .venv .tools .loanbook
