# Each target sets up what it needs first; `scripts/setup` leaves alone what is already there.
.PHONY: setup run test check bench fmt docs clean
.DEFAULT_GOAL := help

BIN := .venv/bin

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: ## set up .venv and webapp/dist for running and testing
	@scripts/setup dev

run: ## start everything on this machine and print two links; PORT=8081 takes another port
	@scripts/setup run
	@exec $(BIN)/fanlight demo --state .fanlight/demo $(if $(PORT),--port $(PORT))

test: setup ## run every test, real servers and a real browser included
	@$(BIN)/python scripts/packages.py
	@failed=0; \
	npm --prefix webapp test || failed=1; \
	$(BIN)/python -m pytest -n auto -m "not real and not e2e" || failed=1; \
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "real or e2e" || failed=1; \
	exit $$failed

check: setup ## format, lint, types, architecture, quick tests
	@$(BIN)/python scripts/check.py

bench: setup ## the performance table
	@$(BIN)/python -m tests.benchmarks

fmt: setup ## format and mend what the linter can
	@$(BIN)/ruff check -q --fix-only .
	@$(BIN)/ruff format -q .
	@npm --prefix webapp run --silent fmt

docs: setup ## write the generated reference pages
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python -m broker.openapi >docs/reference/openapi.json
	@$(BIN)/python -m broker.gate.openapi >docs/reference/gate-openapi.json
	@$(BIN)/python scripts/cloud_init.py

clean: ## remove what setup, builds and runs left
	@rm -rf .venv .fanlight webapp/dist webapp/node_modules tests/peers/node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find broker proxyd tests scripts -name __pycache__ -prune -exec rm -rf {} +
