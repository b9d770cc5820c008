# `make` lists the targets. Everything runs in environments of this folder: .uv (when uv is missing), .venv, .local/venvs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
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
SECONDS ?= 60
CASE ?=
MUTANTS ?=
SEED ?=
STACK ?=
QUEUE ?=
KEY ?=
PAIR ?=
UP_OPTIONS := $(if $(PROVIDER_URL),--provider-url "$(PROVIDER_URL)") $(if $(IAM),--iam) $(if $(SPEED),--speed $(SPEED))
export COMETAPI_KEY

# $(call on-a-stack,options of local.up,command): runs the command on the stack that is up. If none is up, starts one and
# stops it afterwards, also when the command fails.
define on-a-stack
@[ -f .local/stack.json ] || trap '$(RUN) python -m local.down' EXIT; \
$(RUN) python -m local.up $(UP_OPTIONS) $(1); $(2)
endef

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[36m%-19s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

# The packages of the JavaScript receiver in docs/webhooks.md.
$(STAMPS)/receiver: tests/e2e/receiver/package.json tests/e2e/receiver/package-lock.json
	@mkdir -p .local/receiver $(@D) && cp $^ .local/receiver/
	@npm ci --prefix .local/receiver --silent --no-audit --no-fund && touch $@

# ── The embedded run ─────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: demo up down trial recording cli-docs logs api-key
demo: setup ## Start a local stack, run one task of each operation, show the results, stop the stack
	@trap '$(RUN) python -m local.down' EXIT; $(RUN) python -m local.up $(UP_OPTIONS); $(RUN) python -m local.demo

up: setup ## Deploy the built template to a local emulator (PROVIDER_URL=… COMETAPI_KEY=… IAM=1 SPEED=…)
	@$(RUN) python -m local.up $(UP_OPTIONS)

down: setup ## Stop what `make up` started
	@$(RUN) python -m local.down

trial: setup ## Run TASKS=200 tasks against a faulty provider on the running stack, then check every record
	@$(RUN) python -m local.trial --tasks $(TASKS)

recording: setup ## Renew docs/submit.cast, docs/demo.svg and the recording in the README (needs a running stack)
	@$(RUN) python -m local.docs.recording
	@$(RUN) python -m local.demo --picture docs/demo.svg

cli-docs: setup ## Generate docs/cli.md from the command line's help texts
	@$(RUN) python -m local.docs.cli_reference

logs: setup ## Show the functions' logs (FUNCTION=receive_callback)
	@$(RUN) python -m local.logs $(if $(FUNCTION),--function $(FUNCTION))

api-key: setup ## Create an API key (TENANT=demo) or a Kling-style key pair (PAIR=1) on the running stack
	@$(RUN) relay keys create --tenant "$(TENANT)" $(if $(PAIR),--pair)

# ── Operating: the running local stack, or a deployed one (STACK=comet-relay) ────────────────────────────────────────
.PHONY: redrive replay
redrive: setup ## Retry dead letters (QUEUE=archives|resubmissions|webhooks|changes|schedules STACK=…)
	@$(RUN) relay dlq redrive "$(QUEUE)" $(if $(STACK),--stack "$(STACK)")

replay: setup ## Process a stored callback again (KEY=quarantine/… or results/{task_id}/callback.json STACK=…)
	@$(RUN) relay replay "$(KEY)" $(if $(STACK),--stack "$(STACK)")

# ── Checks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: test unit sweep gates sim fuzz mutants sam-test sam-image e2e interop api-test lint openapi fmt type validate ci
SLOW := sweep simulation/test_planted_bugs.py fuzz integration/test_archive_memory.py aws/test_release_compatibility.py
LATER := e2e gates interop linters sam $(SLOW)
test: setup ## Run the tests that need no running stack, in under five minutes
	@$(RUN) pytest -q -n 2 tests -m "not e2e" $(LATER:%=--ignore=tests/%)

sweep: setup ## Crash every function at every call, plant bugs in the simulation, archive a gibibyte, run the last release's functions
	@$(RUN) pytest -q -n 2 $(SLOW:%=tests/%)

unit: setup ## Run the unit tests
	@$(RUN) pytest -q tests/unit

sim: setup ## Run the deterministic simulation (SEEDS=20000; SEED=17 prints the history of one seed, TARGET='site=fault')
	@$(RUN) env PYTHONPATH=layers/relay:. python -m tests.simulation $(if $(SEED),--seed $(SEED) $(if $(TARGET),--target '$(TARGET)'),--seeds $(SEEDS)) --workers 2

fuzz: setup ## Give the functions odd callbacks, responses, headers and requests (SECONDS=60 SEED=3; CASE=17 repeats one input)
	@$(RUN) env PYTHONPATH=layers/relay:. python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE))

mutants: setup ## Change the code in small ways and show what no unit test notices (MUTANTS='relay.domain.webhook*'; hours for all)
	@$(RUN) python -m local.checks.mutants $(MUTANTS)

e2e: setup $(STAMPS)/receiver ## Run the end-to-end tests with IAM enforced, on the running stack or on one of their own
	$(call on-a-stack,--iam,$(RUN) pytest -q tests/e2e)

interop: setup $(STAMPS)/interop ## Test third-party clients from npm and PyPI, on the running stack or on one of their own
	$(call on-a-stack,--iam,$(RUN) pytest -q tests/interop)

$(STAMPS)/interop: tests/interop/install.sh tests/interop/npm/package-lock.json tests/interop/pypi/requirements.txt tests/interop/pypi/replicate.txt | uv
	@tests/interop/install.sh
	@mkdir -p $(@D) && touch $@

sam-test: setup ## Run every function in a container with `sam local`; starts Docker, base image and stack as needed
	@$(RUN) pytest -q --durations=5 tests/sam

sam-image: setup ## Prepare the base image for `sam local`: the AWS image, or a substitute without a registry
	@$(RUN) python -m tests.sam.base_image

api-test: setup ## Test every operation of docs/openapi.json with schemathesis, on the running stack or on one of its own
	$(call on-a-stack,,$(RUN) python -m tests.api)

lint: setup requirements-check ## Check style, imports, exported requirements and docs/openapi.json
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) lint-imports
	@$(RUN) python -m local.docs.openapi --check

openapi: setup ## Generate docs/openapi.json from the models, the tables and the fixtures
	@$(RUN) python -m local.docs.openapi

fmt: setup ## Format the code and fix what ruff can fix
	@$(RUN) ruff format
	@$(RUN) ruff check --fix

type: setup ## Run mypy --strict
	@$(RUN) mypy

validate: setup $(STAMPS)/checks ## Check the templates: SAM, cfn-lint in all regions, parliament (policies), checkov
	@$(SAM) validate --lint
	@cd examples/consumer && $(CURDIR)/$(SAM) validate --lint
	@$(RUN) pytest -q tests/linters

ci: lint type validate test sweep gates sim fuzz e2e interop api-test sam-test ## Run exactly what CI runs

gates: setup ## Check the built functions: instructions, bytecode, modules, AWS calls, layer sizes
	@command -v valgrind >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get update -qq && apt-get install -yqq valgrind; } >/dev/null
	@$(RUN) pytest -q tests/gates

# ── Benchmarks: tables, and JSON in benchmarks/results/ ──────────────────────────────────────────────────────────────
.PHONY: bench bench-archive bench-callback-path bench-cold-start bench-cost bench-peers bench-pipeline bench-reconcile bench-record
bench: bench-cold-start bench-callback-path bench-archive bench-reconcile bench-cost bench-pipeline bench-webhooks bench-requests bench-peers ## Run all benchmarks, in under 15 minutes

bench-cold-start: setup ## INIT of every function compared with a stock client: instructions, time, imports, layers
	@$(BENCH) benchmarks.cold_start

bench-callback-path: setup ## A warm callback compared with one UpdateItem, its AWS calls, callbacks per second
	@$(BENCH) benchmarks.callback_path

bench-archive: setup ## Archiving 64 MiB to 5 GiB compared with upload_fileobj and reading all: CPU, memory, speed
	@$(BENCH) benchmarks.archive

bench-cost: setup ## Dollars per million tasks, from the calls counted on the embedded stack
	@$(BENCH) benchmarks.cost

.PHONY: fixed-costs
fixed-costs: setup ## Dollars per month of a stack that nobody uses, as in docs/deploying.md
	@$(BENCH) benchmarks.fixed_costs

bench-reconcile: setup ## CPU per due task, many in parallel compared with one at a time
	@$(BENCH) benchmarks.reconcile

.PHONY: bench-webhooks
bench-webhooks: setup ## A healthy client's p99 delay with and without fifty dead clients
	@$(BENCH) benchmarks.webhook_fairness

.PHONY: bench-requests
bench-requests: setup ## Memory and CPU of the costliest requests that the relay takes
	@$(BENCH) benchmarks.request_memory

bench-pipeline: setup ## Tasks through the embedded stack, and the cost of a growing table
	@$(BENCH) benchmarks.pipeline

bench-peers: setup ## Compared with DBOS and LiteLLM's proxy, each in its own environment
	@$(BENCH) benchmarks.peers

bench-record: setup ## Save the last run to benchmarks/recorded and docs/performance.md
	@$(BENCH) benchmarks.record

# ── Building and deploying ───────────────────────────────────────────────────────────────────────────────────────────
.PHONY: build deploy requirements requirements-check
EXPORT := uv export --frozen --no-dev --no-emit-project --no-hashes --no-annotate --no-header --quiet
REQUIREMENTS := layers/dependencies/requirements.txt

build: $(STAMPS)/sam ## Run sam build
	@$(SAM) build

deploy: build ## Run sam build and sam deploy (ENVIRONMENT=prod)
	@$(SAM) deploy --config-env $(ENVIRONMENT)

requirements: | uv ## Export the layer's requirements from uv.lock
	@$(EXPORT) --output-file $(REQUIREMENTS) >/dev/null

requirements-check: | uv
	@diff -u $(REQUIREMENTS) <($(EXPORT)) || { echo "$(REQUIREMENTS) is stale: make requirements" >&2; exit 1; }
