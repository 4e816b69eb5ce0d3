# The only place that knows the flags. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NAME ?= ink
CLUSTER ?= local
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONPATH := local:crds:operator:mcp_gateway
PYTHON_DIRS := crds operator mcp_gateway local tests
PROTO_DIR := operator/ink_builder/buildkit/proto

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.stamp: pyproject.toml uv.lock
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or newer, then run make again" >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$(python3 -V)" >&2; exit 1; }
	@echo "  python environment …" >&2
	@test -x $(VENV)/bin/uv || { python3 -m venv $(VENV) && $(VENV)/bin/python -m pip install --quiet uv==0.13.8; }
	@$(VENV)/bin/uv sync --frozen --quiet --all-extras
	@touch $@

.PHONY: venv
venv: $(VENV)/.stamp ## the Python environment of this checkout

##@ run
.PHONY: up
up: venv ## a local Kubernetes with Ink in it, and a sample application live (NAME=ink, CLUSTER=local|existing)
ifeq ($(CLUSTER),local)
	@$(PY) -m ink_local up --name $(NAME) $(INDEX:%=--index=%) >/dev/null
	@$(PY) -m ink_local.install --name $(NAME)
	@$(PY) -m ink_local.demo --name $(NAME)
else ifeq ($(CLUSTER),existing)
	@$(PY) -m ink_local.install --existing $(VALUES:%=--values=%) $(INSTALL_FLAGS)
else
	@echo "CLUSTER=$(CLUSTER) is not known: use local or existing" >&2; exit 2
endif

.PHONY: down
down: venv ## take the local cluster away; the cache of built programs stays
	@$(PY) -m ink_local down --name $(NAME)

.PHONY: status
status: venv ## what runs of the local cluster
	@$(PY) -m ink_local status --name $(NAME)

.PHONY: logs
logs: venv ## logs of the local cluster's components (COMPONENT=kubelet prints one)
	@$(PY) -m ink_local logs --name $(NAME) $(COMPONENT)

.PHONY: env
env: venv ## settings of a shell, for eval: it finds ink, kubectl, the gateway, the API key
	@$(PY) -m ink_local.install --env --name $(NAME)

.PHONY: build
build: venv ## the cluster's programs and images, into the cache
	@$(PY) -m ink_local.build

.PHONY: node-files
node-files: venv ## what the nodes of an existing cluster need, into dist/: images, seccomp profile, values
	@$(PY) -m ink_local.nodefiles

##@ check
.PHONY: check
check: venv ## format, lint, types, layers, generated files: seconds
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/lint-imports --no-logo 2>&1 | tail -1
	@$(VENV)/bin/mypy crds/ink_api operator/ink_operator operator/ink_builder operator/ink_planner operator/ink_static_server operator/ink_resolver operator/ink_logs operator/ink_serve mcp_gateway/ink_gateway mcp_gateway/ink_git mcp_gateway/ink_cli local/ink_local tests/support
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory check-chart
	@git ls-files '*.sh' .ci/run | xargs -r $(VENV)/bin/shellcheck

.PHONY: check-generated
check-generated: venv
	@$(eval TMP := $(shell mktemp -d))
	@$(PY) -m ink_api.crdgen $(TMP)
	@diff -ru crds/generated $(TMP) || { echo "the CRDs are stale: run 'make crds'" >&2; exit 1; }
	@rm -f $(TMP)/*
	@$(PY) -m ink_api.docgen $(TMP) examples
	@$(PY) -m ink_planner.docgen $(TMP) docs/builds.md
	@for page in $(TMP)/*; do diff -u "docs/$$(basename $$page)" "$$page" || { echo "docs/ is stale: run 'make docs'" >&2; exit 1; }; done
	@rm -rf $(TMP)

.PHONY: check-chart
check-chart: venv
	@helm="$$($(PY) -m ink_local.build --path helm 2>/dev/null || true)"; \
	if [ -n "$$helm" ]; then "$$helm" lint charts/ink --quiet --strict; else echo "  helm is not built yet: 'make build' builds it; chart not linted"; fi

.PHONY: fmt
fmt: venv ## format and mend what can be mended
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --fix --quiet . || true

.PHONY: crds
crds: venv ## write the CRDs from the models
	@$(PY) -m ink_api.crdgen crds/generated
	@$(MAKE) --no-print-directory chart-crds

.PHONY: docs
docs: venv ## write docs/api.md, docs/reasons.md and the table of docs/builds.md from models and records
	@$(PY) -m ink_api.docgen docs examples
	@$(PY) -m ink_planner.docgen docs docs/builds.md

.PHONY: chart-crds
chart-crds:
	@cp crds/generated/*.yaml charts/ink/files/crds/

##@ test
.PHONY: test
test: venv ## everything, on a cluster of its own (about 20 minutes; the first time builds the cluster's programs)
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory --jobs=3 --keep-going $(STREAMS:%=stream-%)

# Three side by side, as none fills two processors: all mostly wait for servers. The longest come first; the next one
# begins when one has ended, and what it booted is gone. Each line says which of them speaks.
STREAMS := cluster contract api engine chart unit local
stream-cluster: STREAM = tests/e2e
stream-contract: STREAM = tests/contract
stream-api: STREAM = tests/api --ignore=tests/api/chart --ignore-glob='*/api/test_[a-o]*.py'
stream-engine: STREAM = tests/api/test_[a-o]*.py
stream-engine: STREAM_PREFIX = 2
stream-chart: STREAM = tests/api/chart
stream-unit: STREAM = tests/unit tests/faults
stream-local: STREAM = tests/local

.PHONY: $(STREAMS:%=stream-%)
$(STREAMS:%=stream-%): stream-%:
	@PYTHONUNBUFFERED=1 INK_TEST_PREFIX=$${INK_TEST_PREFIX:-ink}$(STREAM_PREFIX) \
	$(PY) -m pytest $(STREAM) -m "not full" $(PYTEST_FLAGS) 2>&1 | sed -u 's/^/$(shell printf %-8s $*) | /'

.PHONY: test-unit
test-unit: venv ## pure parts: seconds
	@$(PY) -m pytest tests/unit tests/faults $(PYTEST_FLAGS)

.PHONY: test-api
test-api: venv ## against a real API server
	@$(PY) -m pytest tests/api tests/contract -m "not full" $(PYTEST_FLAGS)

.PHONY: test-e2e
test-e2e: venv ## against the whole local cluster
	@$(PY) -m pytest tests/e2e tests/local -m "not full" $(PYTEST_FLAGS)

.PHONY: test-full
test-full: venv ## the long forms of every proof as well
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest tests $(PYTEST_FLAGS)
