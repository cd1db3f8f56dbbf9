# Everything a person or a machine does with this folder. `make` alone lists the targets.
#
# A fresh machine needs Python 3.11 to 3.13 with pip and venv, and make. Every package that is
# installed is pinned by version and SHA-256 in the requirements*.lock files.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PY := $(VENV)/bin/python
RECSYS := $(VENV)/bin/recsys
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# The first Python that is new enough and not too new; `make run PYTHON=…` names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo $$python; break; }; done)

# Options for the command behind a target, such as `make run ARGS=--help`.
ARGS ?=

# ---------------------------------------------------------------------------- what it does

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
		| awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: run
run: $(VENV)/.base ## set up if needed, then run the weekly pipeline once (ARGS=… for options)
	@$(RECSYS) run $(ARGS)

.PHONY: ui
ui: $(VENV)/.base ## open the page and the web UIs of Dagster, MLflow and the Data Docs
	@$(RECSYS) ui $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## run every test (ARGS=… for pytest)
	@$(PY) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: check
check: lint format-check types imports docs-check lock-check ## every check short of the tests

.PHONY: lint
lint: $(VENV)/.dev ## ruff: mistakes and habits
	@$(PY) -m ruff check .

.PHONY: format-check
format-check: $(VENV)/.dev ## ruff: layout
	@$(PY) -m ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## mypy, strict in the core
	@$(PY) -m mypy

.PHONY: imports
imports: $(VENV)/.dev ## import-linter: which room may import which
	@$(VENV)/bin/lint-imports

.PHONY: docs-check
docs-check: $(VENV)/.dev ## the generated pages say what the code says
	@$(PY) scripts/data_dictionary.py --check
	@$(PY) scripts/settings_reference.py --check

.PHONY: lock-check
lock-check: $(VENV)/.dev ## the locks hold what pyproject.toml asks for (no network)
	@$(PY) scripts/check_locks.py

.PHONY: bench
bench: $(VENV)/.dev ## run the benchmarks (ARGS=… for each of them)
	@for bench in recsys_pipeline_tests/benchmarks/bench_*.py; do \
		echo "== $$bench"; $(PY) "$$bench" $(ARGS); done

.PHONY: format
format: $(VENV)/.dev ## put the layout right and mend what ruff can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

.PHONY: docs
docs: $(VENV)/.dev ## write docs/data_dictionary.md and docs/settings.md from the code
	@$(PY) scripts/data_dictionary.py
	@$(PY) scripts/settings_reference.py

# The other locks start from the dev lock, so that all pin the same versions. The one of the server
# is what the Dockerfile installs.
COMPILE := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header
.PHONY: lock
lock: $(VENV)/.uv ## compile the locks anew (ARGS=--upgrade for newer versions)
	@$(COMPILE) --group setup --output-file requirements-setup.lock $(ARGS)
	@$(COMPILE) pyproject.toml --extra dev --group setup \
		--output-file requirements-dev.lock $(ARGS)
	@cp requirements-dev.lock requirements.lock
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@cp requirements-dev.lock requirements-server.lock
	@$(COMPILE) pyproject.toml --extra postgres --extra redis --extra tuning \
		--output-file requirements-server.lock

.PHONY: setup
setup: $(VENV)/.dev ## install everything for work on the code, and nothing else

.PHONY: services
services: ## install PostgreSQL, Redis and Chromium for the tests where they are missing
	@scripts/install_services.sh

.PHONY: clean
clean: ## remove the installation and caches; data/ and mlruns/ stay
	@rm -rf $(VENV) build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis .import_linter_cache
	@find recsys_pipeline recsys_pipeline_tests scripts -name __pycache__ -prune \
		-exec rm -rf {} +

# ---------------------------------------------------------------------------- installation
#
# Three stamps in .venv, each as new as the lock it was made from: .uv (pip, uv, setuptools),
# .base (what runs), .dev (what runs and what checks; it stands for .base too, so `make run`
# after `make test` changes nothing).

# An environment that is half made, broken, of another Python or moved here from another folder
# (its scripts name that folder) is made anew.
WORKS := $(PY) -c '$(SUPPORTED)' 2>/dev/null && $(PY) -m pip --version >/dev/null 2>&1 \
	&& [ "$$(cat $(VENV)/.place 2>/dev/null || pwd)" = "$$(pwd)" ]
ifneq ($(wildcard $(VENV)/.uv),)
ifneq ($(shell { $(PY) -c '$(SUPPORTED)' && cat $(VENV)/.place; } 2>/dev/null),$(shell pwd))
$(shell rm -f $(VENV)/.uv $(VENV)/.base $(VENV)/.dev)
endif
endif

$(VENV)/.uv: requirements-setup.lock
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(SUPPORTED)'; then \
		echo "This needs Python 3.11, 3.12 or 3.13; found: $$($(or $(PYTHON),python3) --version 2>&1)" >&2; \
		echo "Install one of them, or name it: make run PYTHON=/path/to/python3.12" >&2; \
		exit 7; \
	fi
	@if ! { $(WORKS); }; then \
		echo "Making $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear $(VENV) || { \
			echo "Python cannot make virtual environments here." >&2; \
			echo "On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
			exit 7; }; \
	fi
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@pwd > $(VENV)/.place
	@touch $@

# uv is fast; pip knows its own configuration (mirrors, proxies) that uv does not read.
define install
	@echo "Installing what $(1) pins (half a minute to a few minutes, once)"
	@$(PY) -m uv pip install --quiet --compile-bytecode --python $(PY) --require-hashes -r $(1) || { \
		echo "uv could not; trying pip with its own settings"; \
		$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); }
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
		--no-build-isolation --editable .
endef

ifeq ($(wildcard $(VENV)/.dev),)
$(VENV)/.base: $(VENV)/.uv requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@
else
$(VENV)/.base: $(VENV)/.dev
	@touch $@
endif

$(VENV)/.dev: $(VENV)/.uv requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $@
