# `make` lists the targets. Everything runs in environments of this folder: .uv (when uv is missing), .venv, .local/venvs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PATH := $(CURDIR)/.uv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1
# The three environments of this Makefile, whatever environment the caller is in.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME UV_PROJECT_ENVIRONMENT

UV_VERSION := 0.13.9
RUN := uv run --no-sync
BENCH := $(RUN) env PYTHONPATH=layers/relay:. python -m
SAM := .local/venvs/sam/bin/sam
TENANT ?= demo
TASKS ?= 200
ENVIRONMENT ?= default
STAMPS := .local/stamps

PROVIDER_URL ?=
COMETAPI_KEY ?=
FUNCTION ?=
IAM ?=
SPEED ?=
SEEDS ?= 1000
SEED ?=
STACK ?=
QUEUE ?=
KEY ?=
PAIR ?=
UP_OPTIONS := $(if $(PROVIDER_URL),--provider-url "$(PROVIDER_URL)") $(if $(IAM),--iam) $(if $(SPEED),--speed $(SPEED))
export COMETAPI_KEY

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[36m%-13s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ── Environments ─────────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: setup uv
setup: $(STAMPS)/project $(STAMPS)/emulator $(STAMPS)/sam ## Install everything into this folder

uv:
	@command -v uv >/dev/null || $(MAKE) .uv/bin/uv

.uv/bin/uv:
	@echo "fetching uv $(UV_VERSION)"
	@if python3 -m venv .uv 2>/dev/null; then .uv/bin/python -m pip install --quiet uv==$(UV_VERSION); \
	else rm -rf .uv; python3 -m pip install --quiet --target .uv uv==$(UV_VERSION); fi

$(STAMPS)/project: pyproject.toml uv.lock .python-version | uv
	@uv sync --locked --quiet
	@mkdir -p $(@D) && touch $@

$(STAMPS)/%: local/%/pyproject.toml local/%/uv.lock | uv
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.local/venvs/$* uv sync --locked --quiet --project local/$* --python 3.13
	@mkdir -p $(@D) && touch $@

# What the README's receiver in JavaScript needs.
$(STAMPS)/receiver: tests/e2e/receiver/package.json tests/e2e/receiver/package-lock.json
	@mkdir -p .local/receiver $(@D) && cp $^ .local/receiver/
	@npm ci --prefix .local/receiver --silent --no-audit --no-fund && touch $@

# ── The embedded run ─────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: demo up down trial recording cli-docs logs api-key
demo: setup ## Up, one task of each operation shown from request to stored result, down
	@trap '$(RUN) python -m local.down' EXIT; $(RUN) python -m local.up $(UP_OPTIONS); $(RUN) python -m local.demo

up: setup ## Deploy the built template into a local emulator (PROVIDER_URL=… COMETAPI_KEY=… IAM=1 SPEED=…)
	@$(RUN) python -m local.up $(UP_OPTIONS)

down: setup ## End what `make up` started
	@$(RUN) python -m local.down

trial: setup ## On the stack that is up: TASKS=200 at a provider that misbehaves, then the books compared
	@$(RUN) python -m local.trial --tasks $(TASKS)

recording: setup ## Renew docs/submit.cast and the recording in the README, on the stack that is up
	@$(RUN) python -m local.docs.recording

cli-docs: setup ## Make docs/cli.md of what the command line says of itself
	@$(RUN) python -m local.docs.cli_reference

logs: setup ## Show what the functions logged (FUNCTION=receive_callback)
	@$(RUN) python -m local.logs $(if $(FUNCTION),--function $(FUNCTION))

api-key: setup ## Create an API key (TENANT=demo), or a Kling-style pair (PAIR=1), on the stack that is up
	@$(RUN) relay keys create --tenant "$(TENANT)" $(if $(PAIR),--pair)

# ── Operating: on the stack that is up, or on a deployed one (STACK=comet-relay) ─────────────────────────────────────
.PHONY: redrive replay
redrive: setup ## Try dead letters again (QUEUE=archives|resubmissions|webhooks|changes|schedules STACK=…)
	@$(RUN) relay dlq redrive "$(QUEUE)" $(if $(STACK),--stack "$(STACK)")

replay: setup ## Receive a kept callback once more (KEY=quarantine/… or results/{task_id}/callback.json STACK=…)
	@$(RUN) relay replay "$(KEY)" $(if $(STACK),--stack "$(STACK)")

# ── Checks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: test unit gates sim sam-test sam-image e2e interop api-test lint openapi fmt type validate ci
test: setup ## All tests but those that need a running stack
	@$(RUN) pytest -q -n 2 tests -m "not e2e" --ignore=tests/e2e --ignore=tests/gates --ignore=tests/interop --ignore=tests/sam

unit: setup ## The unit tests only
	@$(RUN) pytest -q tests/unit

sim: setup ## The deterministic simulation (SEEDS=20000, or SEED=17 for the story of one)
	@$(RUN) env PYTHONPATH=layers/relay:. python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) --workers 2

e2e: setup $(STAMPS)/receiver ## The end-to-end tests, with IAM enforced, on a stack of their own unless one is up
	@up=$$(test -f .local/stack.json && echo yes || echo no); \
	if [ $$up = no ]; then trap '$(RUN) python -m local.down' EXIT; fi; \
	$(RUN) python -m local.up $(UP_OPTIONS) --iam; $(RUN) pytest -q tests/e2e

interop: setup $(STAMPS)/interop ## Clients that we did not write, from npm and PyPI, on a stack of their own unless one is up
	@up=$$(test -f .local/stack.json && echo yes || echo no); \
	if [ $$up = no ]; then trap '$(RUN) python -m local.down' EXIT; fi; \
	$(RUN) python -m local.up $(UP_OPTIONS) --iam; $(RUN) pytest -q tests/interop

$(STAMPS)/interop: tests/interop/install.sh tests/interop/npm/package-lock.json tests/interop/pypi/requirements.txt | uv
	@tests/interop/install.sh
	@mkdir -p $(@D) && touch $@

sam-test: setup ## Every function in a container with `sam local`; Docker Engine, base image and stack are brought up as needed
	@$(RUN) pytest -q --durations=5 tests/sam

sam-image: setup ## The base image for `sam local`: AWS's, or a stand-in where no container registry answers
	@$(RUN) python -m tests.sam.base_image

api-test: setup ## schemathesis: every operation of docs/openapi.json, on a stack of its own unless one is up
	@up=$$(test -f .local/stack.json && echo yes || echo no); \
	if [ $$up = no ]; then trap '$(RUN) python -m local.down' EXIT; fi; \
	$(RUN) python -m local.up $(UP_OPTIONS); $(RUN) python -m tests.api

lint: setup requirements-check ## Style, imports, stale exports, a stale docs/openapi.json
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) lint-imports
	@$(RUN) python -m local.docs.openapi --check

openapi: setup ## Write docs/openapi.json from the models, the tables and the fixtures
	@$(RUN) python -m local.docs.openapi

fmt: setup ## Format, and repair what can be repaired
	@$(RUN) ruff format
	@$(RUN) ruff check --fix

type: setup ## mypy --strict
	@$(RUN) mypy

validate: $(STAMPS)/sam ## sam validate --lint
	@$(SAM) validate --lint
	@cd examples/consumer && $(CURDIR)/$(SAM) validate --lint

ci: lint type validate test gates sim e2e interop api-test sam-test ## Exactly what CI runs

gates: setup ## Gates on the built functions: instructions, bytecode, modules, AWS calls, the layers' size
	@command -v valgrind >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get update -qq && apt-get install -yqq valgrind; } >/dev/null
	@$(RUN) pytest -q tests/gates

# ── Benchmarks: tables, and JSON in benchmarks/results/ ──────────────────────────────────────────────────────────────
.PHONY: bench bench-archive bench-callback-path bench-cold-start bench-cost bench-peers bench-pipeline bench-reconcile bench-record
bench: bench-cold-start bench-callback-path bench-archive bench-reconcile bench-cost bench-pipeline bench-webhooks bench-peers ## All of them, in under 15 minutes

bench-cold-start: setup ## INIT of every function beside a stock client: instructions, wall, imports, layers
	@$(BENCH) benchmarks.cold_start

bench-callback-path: setup ## A warm callback beside one UpdateItem, its AWS calls, callbacks a second
	@$(BENCH) benchmarks.callback_path

bench-archive: setup ## Archiving 64 MiB to 5 GiB beside upload_fileobj and a read-all: CPU, memory, speed
	@$(BENCH) benchmarks.archive

bench-cost: setup ## Dollars per million tasks, from the calls counted on the embedded stack
	@$(BENCH) benchmarks.cost

bench-reconcile: setup ## CPU of a due task, many at a time beside one at a time
	@$(BENCH) benchmarks.reconcile

.PHONY: bench-webhooks
bench-webhooks: setup ## A healthy client's p99 delay with and without fifty dead ones beside it
	@$(BENCH) benchmarks.webhook_fairness

bench-pipeline: setup ## Tasks through the embedded stack, and what a growing table costs
	@$(BENCH) benchmarks.pipeline

bench-peers: setup ## Beside DBOS and LiteLLM's proxy, each in an environment of its own
	@$(BENCH) benchmarks.peers

bench-record: setup ## Keep the last run in benchmarks/recorded and docs/performance.md
	@$(BENCH) benchmarks.record

# ── Building and deploying ───────────────────────────────────────────────────────────────────────────────────────────
.PHONY: build deploy requirements requirements-check
EXPORT := uv export --frozen --no-dev --no-emit-project --no-hashes --no-annotate --no-header --quiet
REQUIREMENTS := layers/dependencies/requirements.txt

build: $(STAMPS)/sam ## sam build
	@$(SAM) build

deploy: build ## sam deploy (ENVIRONMENT=prod)
	@$(SAM) deploy --config-env $(ENVIRONMENT)

requirements: | uv ## Export the layer's requirements from uv.lock
	@$(EXPORT) --output-file $(REQUIREMENTS) >/dev/null

requirements-check: | uv
	@diff -u $(REQUIREMENTS) <($(EXPORT)) || { echo "$(REQUIREMENTS) is stale: make requirements" >&2; exit 1; }
