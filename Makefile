# Everything builds on `make install`: a .venv with the product, its tests and its linters.
# Needs python3 (3.11 to 3.13) with pip; Debian's python3 without python3-venv will do.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: install demo scenarios test test-all test-16 lint bench clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## .venv with everything

# --without-pip and the outer pip: Debian splits ensurepip into a package that a bare machine lacks.
$(VENV)/.installed: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "ari_bridge needs Python 3.11 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	$(BIN)/python -m pip install --quiet --no-deps "silero-vad>=6.2,<7"  # its model; its code would want torch
	@touch $@

demo: install ## a real call through a real Asterisk; leaves build/demo/call.{wav,json,svg}
	$(BIN)/ari-bridge demo

scenarios: install ## the shipped scenarios in virtual time; calls that fail leave their evidence in build/scenarios
	$(BIN)/ari-bridge scenario run shipped --parallel 2 --junit build/scenarios/junit.xml

# Three at a time, on two processors too: calls last as long as speech does, and mostly wait. Each worker has a
# carrier and a PBX of its own. The order is tests/conftest.py's: real calls first.
test: install lint ## lint, types and all tests, the real Asterisk included
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# A Python counts as installed when it is on PATH, or where pyenv keeps them. The tests before a real PBX
# run once more with Asterisk 16 (Debian bullseye's) in its place.
test-all: ## the same on every Python from 3.11 to 3.13 that is installed, then with Asterisk 16
	@for v in 3.11 3.12 3.13; do \
	  found=; for python in python$$v $$(ls -d $$HOME/.pyenv/versions/$$v.*/bin/python$$v 2>/dev/null | sort -V); do \
	    $$python -c '' 2>/dev/null && found=$$python; done; \
	  if [ -n "$$found" ]; then echo "== Python $$v"; $(MAKE) --no-print-directory test PYTHON=$$found VENV=.venv-$$v || exit 1; \
	  else echo "== Python $$v is not installed: left out"; fi; done
	@$(MAKE) --no-print-directory test-16

test-16: install ## the tests before a real PBX, with Asterisk 16
	ARI_BRIDGE_TEST_ASTERISK=16 $(BIN)/python -m pytest -m asterisk

bench: install ## what calls cost, beside an asyncio baseline; leaves build/bench/
	$(BIN)/python benchmarks/compare.py
	$(BIN)/ari-bridge bench pacing --json build/bench/pacing.json

lint: install ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean: ## everything that can be made again
	rm -rf .venv .venv-* build .mypy_cache .pytest_cache .ruff_cache
