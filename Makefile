# The only place that knows the flags. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NAME ?= ink
CLUSTER ?= local
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONPATH := local:install:crds:operator:mcp_gateway
# What images/ink/Dockerfile starts from. Its stand-in is used, so that docker.io need not be reached.
OWN_IMAGES_BASE := python:3.11-slim-bookworm
PROTO_DIR := operator/ink_builder/buildkit/proto

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{gsub(/PARTS/, "$(PARTS)"); printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.stamp: pyproject.toml uv.lock
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or newer, then run make again" >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is required, but this is $$(python3 -V)" >&2; exit 1; }
	@echo "  python environment …" >&2
	@test -x $(VENV)/bin/uv || { python3 -m venv $(VENV) && $(VENV)/bin/python -m pip install --quiet uv==0.13.8; }
	@$(VENV)/bin/uv sync --frozen --quiet --all-extras
	@touch $@

.PHONY: venv
venv: $(VENV)/.stamp ## create the Python environment of this checkout

##@ run
.PHONY: up
up: venv ## start a local Kubernetes with Ink and a sample application (NAME=ink, CLUSTER=local|existing)
ifeq ($(CLUSTER),local)
	@$(PY) -m ink_local up --name $(NAME) $(INDEX:%=--index=%) >/dev/null
	@$(PY) -m ink_local install --name $(NAME)
	@$(PY) -m ink_local demo --name $(NAME)
else ifeq ($(CLUSTER),existing)
	@$(PY) -m ink_install install $(VALUES:%=--values=%) $(INSTALL_FLAGS)
else
	@echo "CLUSTER=$(CLUSTER) is not supported: use local or existing" >&2; exit 2
endif

.PHONY: down
down: venv ## remove the local cluster, but keep the cache of built programs
	@$(PY) -m ink_local down --name $(NAME)

.PHONY: status
status: venv ## show what is running in the local cluster
	@$(PY) -m ink_local status --name $(NAME)

.PHONY: logs
logs: venv ## list logs of the local cluster's components (COMPONENT=kubelet prints one)
	@$(PY) -m ink_local logs --name $(NAME) $(COMPONENT)

.PHONY: env
env: venv ## print shell settings for eval: paths of ink and kubectl, gateway, API key
	@$(PY) -m ink_local env --name $(NAME)

.PHONY: build
build: venv ## build the cluster's programs and images into the cache
	@$(PY) -m ink_local build

.PHONY: node-files
node-files: venv ## write what the nodes of an existing cluster need to dist/: images, seccomp profile, values
	@base="$$($(PY) -m ink_standins $(OWN_IMAGES_BASE))"; $(PY) -m ink_install node-files --base "$$base"

##@ check
.PHONY: check
check: venv ## check format, lint, types, layers, generated files and words: seconds
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/lint-imports --no-logo 2>&1 | tail -1
	@$(VENV)/bin/mypy crds/ink_api operator/ink_operator operator/ink_builder operator/ink_planner operator/ink_static_server operator/ink_resolver operator/ink_logs operator/ink_common mcp_gateway/ink_gateway mcp_gateway/ink_git mcp_gateway/ink_cli install/ink_artifacts install/ink_install local/ink_standins local/ink_local tests/support tests/contract/providers
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory check-chart
	@$(PY) .ci/check_words.py
	@git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs -r $(VENV)/bin/shellcheck

.PHONY: check-generated
check-generated: venv
	@$(eval TMP := $(shell mktemp -d))
	@$(PY) -m ink_api.crdgen $(TMP)
	@diff -ru crds/generated $(TMP) || { echo "the CRDs are stale: run 'make crds'" >&2; exit 1; }
	@rm -f $(TMP)/*
	@$(PY) -m ink_api.docgen $(TMP) examples
	@$(PY) -m ink_planner.docgen $(TMP) docs/builds.md
	@for page in $(TMP)/*; do diff -u "docs/$$(basename $$page)" "$$page" || { echo "docs/ is stale: run 'make crds docs'" >&2; exit 1; }; done
	@rm -rf $(TMP)

.PHONY: check-chart
check-chart: venv
	@helm="$$($(PY) -m ink_local build --path helm 2>/dev/null || true)"; \
	if [ -n "$$helm" ]; then "$$helm" lint charts/ink --quiet --strict; else echo "  helm is not built yet: 'make build' builds it; chart not linted"; fi

.PHONY: fmt
fmt: venv ## format the code and fix lint findings
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --fix --quiet . || true

.PHONY: crds
crds: venv ## generate the CRDs from the models
	@$(PY) -m ink_api.crdgen crds/generated
	@$(MAKE) --no-print-directory chart-crds

.PHONY: docs
docs: venv ## generate docs/api.md, docs/reasons.md and the table of docs/builds.md
	@$(PY) -m ink_api.docgen docs examples
	@$(PY) -m ink_planner.docgen docs docs/builds.md

.PHONY: chart-crds
chart-crds:
	@cp crds/generated/*.yaml charts/ink/files/crds/

##@ test
.PHONY: test
test: venv ## run all tests, on a separate cluster (about 20 minutes; the first run also builds the cluster's programs)
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory --jobs=3 --keep-going $(STREAMS:%=stream-%)

# Three side by side, as none fills two processors: all mostly wait for servers. The longest come first; the next one
# begins when one has ended, and what it booted is gone. Each line says which of them speaks. They are cut by what a whole
# run measured on two cores: engine 285 tests in 9 min, the other API tests with the chart's 421 in 12, whole cluster and
# local 98 in 14, unit, scenarios and contract 3,043 in 12. Every run ends with the time each folder took: rebalance by that.
STREAMS := cluster contract api engine chart unit local
stream-cluster: STREAM = tests/e2e
stream-contract: STREAM = tests/contract
stream-api: STREAM = tests/api/reasons tests/api/workload tests/api/schema
stream-engine: STREAM = tests/api/engine tests/api/deaths tests/api/tools
stream-engine: STREAM_PREFIX = 2
stream-chart: STREAM = tests/api/chart
stream-unit: STREAM = tests/unit tests/scenarios
stream-local: STREAM = tests/local

.PHONY: $(STREAMS:%=stream-%)
$(STREAMS:%=stream-%): stream-%:
	@PYTHONUNBUFFERED=1 INK_TEST_PREFIX=$${INK_TEST_PREFIX:-ink}$(STREAM_PREFIX) \
	$(PY) -m pytest $(STREAM) -m "not full" $(PYTEST_FLAGS) 2>&1 | sed -u 's/^/$(shell printf %-8s $*) | /'

.PHONY: test-unit
test-unit: venv ## test the pure parts: about two minutes
	@$(PY) -m pytest tests/unit tests/scenarios $(PYTEST_FLAGS)

.PHONY: test-api
test-api: venv ## test against a real API server
	@$(PY) -m pytest tests/api tests/contract -m "not full" $(PYTEST_FLAGS)

.PHONY: test-e2e
test-e2e: venv ## test against a whole local cluster
	@$(PY) -m pytest tests/e2e tests/local -m "not full" $(PYTEST_FLAGS)

# Every proof in its long form, cut so that each part ends within 100 minutes on two cores; CONTRIBUTING.md has the times.
PARTS := quick deaths engine api tools contract toolchains cluster installs local
PART_SECONDS := 6000
test-full-quick: PART_TESTS = tests/unit tests/scenarios
test-full-deaths: PART_TESTS = tests/api/deaths
test-full-engine: PART_TESTS = tests/api/engine
test-full-api: PART_TESTS = tests/api/reasons tests/api/workload tests/api/schema tests/api/chart
test-full-tools: PART_TESTS = tests/api/tools
test-full-contract: PART_TESTS = tests/contract -m "not full"
test-full-toolchains: PART_TESTS = tests/contract -m full
test-full-cluster: PART_TESTS = tests/e2e -m "not full"
test-full-installs: PART_TESTS = tests/e2e -m full
test-full-local: PART_TESTS = tests/local
PART_LOG = $${TMPDIR:-/tmp}/ink-test-full-$*.log

.PHONY: test-full
test-full: venv ## run all tests in their long form too, part by part; test-full-NAME runs one of: PARTS
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory --keep-going $(PARTS:%=test-full-%)

.PHONY: $(PARTS:%=test-full-%)
$(PARTS:%=test-full-%): test-full-%: venv
	@PYTHONUNBUFFERED=1 timeout --foreground --signal=INT --kill-after=120 $(PART_SECONDS) \
	$(PY) -m pytest $(PART_TESTS) $(PYTEST_FLAGS) 2>&1 | tee "$(PART_LOG)" \
	&& code=0 || code=$$?; echo "test-full-$*: $$(tail -1 "$(PART_LOG)" | tr -d =)"; exit $$code
