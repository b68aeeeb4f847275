PYTHON := .bifrost/venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup hooks format check test test-fast proof proof-quick docs golden coverage lock wheel up plan status down clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create the Python environment from the lock file
	scripts/test --setup

hooks: ## Run the checks before every commit (needs pre-commit)
	pre-commit install

format: setup ## Format the code and fix what ruff can fix
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

check: ## Check format, lint and types
	scripts/test --check

test: ## Run all checks and all tests (starts the embedded platform)
	scripts/test

test-fast: ## Run the checks and the tests that need no platform and no network
	scripts/test --fast

proof: setup ## Run all tests, then all benchmarks, kills, faults and the soak (most of a day)
	@failed=0; \
	scripts/test || failed=1; \
	$(PYTHON) -m benchmarks.report $(REPORT) || failed=1; \
	exit $$failed

proof-quick: setup ## Run every benchmark with a small size (up to an hour)
	$(PYTHON) -m benchmarks.report --quick --again $(REPORT)

docs: setup ## Check README and docs against the code
	$(PYTHON) -m pytest -q tests/test_docs.py tests/test_env_example.py

golden: setup ## Rewrite the golden files after an intended change
	$(PYTHON) -m pytest -q tests --update-golden -m "not live" -k "golden or settings_page"

coverage: setup ## Measure which code the fast tests run
	$(PYTHON) -m pytest -q -n 2 -m "not live" --cov --cov-report=term --cov-report=html:.bifrost/coverage

lock: ## Renew the lock files from pyproject.toml (needs uv)
	scripts/lock

wheel: ## Build a wheel into dist/
	python3 -m pip wheel --no-deps --wheel-dir dist .

up: ## Start the embedded platform and deploy all pipelines
	scripts/deploy.py up

plan: ## Show what `up` would change
	scripts/deploy.py plan

status: ## Show what runs
	scripts/deploy.py status

down: ## Stop the embedded platform
	scripts/deploy.py down

clean: ## Remove the caches of the tools
	rm -rf build dist .mypy_cache .bifrost/mypy .ruff_cache .pytest_cache .hypothesis .bifrost/coverage
