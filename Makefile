# Every way to work with Loom; `make` lists them. Nothing but Python 3.11 or newer and GNU make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOOM := $(BIN)/python -m compose.cli
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
COMPILE := $(BIN)/python -m uv pip compile pyproject.toml --group build --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test up lint fmt type fuzz soak openapi bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed-dev ## Make .venv with all that development needs

demo: $(VENV)/.installed ## Ingest a sample, or DEMO=/path, and show what comes out of it
	@$(LOOM) demo $${DEMO:+"$$DEMO"}

test: $(VENV)/.installed-dev ## Run the tests; ARGS="-k name" chooses
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not alone" tests/unit tests/api tests/model tests/fuzz tests/e2e
	@$(BIN)/python -m pytest -m alone tests/e2e
endif

up: $(VENV)/.installed ## Run all of Loom on this machine
	@$(LOOM) up

lint: $(VENV)/.installed-dev type ## Check style, types, imports and that migrations match the tables
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m compose.throwaway sh -c "$(BIN)/python -m alembic upgrade head && $(BIN)/python -m alembic check"

type: $(VENV)/.installed-dev ## Check types alone
	@$(BIN)/python -m mypy

fmt: $(VENV)/.installed-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

fuzz: $(VENV)/.installed-dev ## Send twenty thousand requests that the OpenAPI document allows, or nearly does
	@$(BIN)/python -m pytest tests/fuzz -s --requests 20000 --anew $(ARGS)

soak: $(VENV)/.installed-dev ## Change folders in twenty thousand ways, kill what runs, deliver to twenty webhooks; more than an hour
	@$(BIN)/python -m pytest tests/model tests/soak -s --sequences 20000 --anew $(ARGS)

openapi: $(VENV)/.installed-dev ## Write docs/openapi.json anew, after a change of the API that is meant
	@$(BIN)/python -m compose.throwaway $(BIN)/python -m web.openapi_file docs/openapi.json

bench: $(VENV)/.installed-dev ## Measure against the floor of this machine
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(VENV)/.installed-dev ## Write the lock files anew; ARGS="--upgrade" moves to the newest versions
	@$(INSTALL) uv
	@$(COMPILE) $(ARGS) --output-file requirements.lock
	@$(COMPILE) $(ARGS) --group dev --output-file requirements-dev.lock

clean: ## Remove .venv and all caches
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make repeated runs instant; a changed lock file installs again.
$(VENV)/.created:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "Loom needs Python 3.11 or newer, but there is no '$(PYTHON)': install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Loom needs Python 3.11 or newer, but '$(PYTHON)' is older: say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "'$(PYTHON)' lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.lock pyproject.toml
	@echo "Installing Loom into $(VENV) (only now and after an update) ..." >&2
	@$(INSTALL) --require-hashes --no-deps -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the tools of development ..." >&2
	@$(INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
