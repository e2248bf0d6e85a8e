# The two commands that matter: `make up` runs the bot, `make test` checks the project.

.DEFAULT_GOAL := help
.PHONY: help up down status clean env cdb test test-containers test-machines lint coverage soak generate pictures lock

BIN := .venv/bin
# Tests mostly wait: for servers to start, for alerts to last. So there are more at once than a small machine has processors.
WORKERS ?= 4

help: ## print the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

up: ## install what is missing, start what trades, build the rest meanwhile, wait until all is ready
	@deploy/native/bootstrap run
	@$(BIN)/cdb up

down: ## stop everything; the data is kept
	@if [ -x $(BIN)/cdb ]; then $(BIN)/cdb down; else echo "nothing was running"; fi

status: ## show every part, its health and its uptime
	@if [ -x $(BIN)/cdb ]; then $(BIN)/cdb status; else echo "not running; start it with: make up" >&2; exit 3; fi

clean: ## stop everything and remove ledger, bus, logs and replays; asks first
	@if [ -x $(BIN)/cdb ]; then $(BIN)/cdb clean; else echo "there is nothing to remove"; fi

env: ## create .env with generated secrets, once
	@if [ -x $(BIN)/cdb ]; then $(BIN)/cdb env; else deploy/containers/make-env; fi

cdb: ## install the operator's command and nothing else, for a stack in containers
	@deploy/native/bootstrap cdb

test: lint ## check everything: lint, unit, integration, end to end; WORKERS=4 at once
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

test-containers: ## test docker-compose.yml on a Docker engine, as root; needs no image registry (deploy/airgap)
	@deploy/airgap/run test

test-machines: ## try the project on a fresh Debian or Ubuntu in a folder, as root: RELEASE=trixie (deploy/machines/run)
	@deploy/machines/run $(RELEASE)

lint: ## check style, types, imports, and what dashboards and alerts ask for
	@deploy/native/bootstrap dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cdb check dashboards

coverage: ## measure which lines the unit and integration tests run in their own process; there is no gate
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --cov --cov-report=term tests/unit tests/integration

soak: ## run the demo undisturbed for MINUTES=15; fails, naming it, if an alert fires
	@deploy/native/bootstrap dev
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),15)

generate: ## write what is generated: instruments, the collector's renaming, MEXC's messages, docs/metrics.md, docs/settings.md, docs/figures.md, the dashboards
	@deploy/native/bootstrap dev
	@$(BIN)/python -m telemetry.generate
	@$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. services/ws/exchange/schema/mexc.proto
	@$(BIN)/python -m monitoring.dashboards.source
	@$(BIN)/python -m cdb.running.settings_page
	@$(BIN)/python -m cdb.kit.figures_page

pictures: ## redraw docs/images, from a stack of its own (seven minutes)
	@deploy/native/bootstrap dev
	@$(BIN)/python -m tests.system.documented.pictures

lock: ## write requirements/*.lock anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH" >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build pyproject.toml -o requirements/run.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build --group dev pyproject.toml -o requirements/dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group go -o requirements/go.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group node -o requirements/node.lock
