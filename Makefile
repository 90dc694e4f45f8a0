# What people type. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
# An index that has a CPU build of torch (empty: pip's own); the wheel on PyPI brings gigabytes of CUDA.
TORCH_INDEX ?=
# Arguments of `slipway run release-model`, e.g. make run ARGS="-p scenario=oversized"
ARGS ?=
BIN := .venv/bin
# Where it is set, each process compiles all of Slipway anew: in a run of the tests, that is hundreds of times.
unexport PYTHONDONTWRITEBYTECODE
TORCH := $(shell sed -n 's/^torch==/torch==/p' requirements.lock)

help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Slipway needs Python 3.11 or newer; name one: make setup PYTHON=python3.11"; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' || { echo "This Python has no venv module; on Debian: apt install python3-venv"; exit 1; }
endef

.venv/.ready: requirements.lock pyproject.toml
	$(CHECK_PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once; a few minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What only the tests of charts and playbooks need; `make run` does without.
.venv/.platform: .venv/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock \
	  $(shell sed -n 's/^platform = \[\(.*\)\]/\1/p' pyproject.toml | tr -d '",')
	@touch $@

# MLflow's server as its image has it, in an environment of its own: only tests need it.
.venv/mlflow-server/.ready: images/mlflow/requirements.lock | .venv/.ready
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: -r images/mlflow/requirements.lock
	@touch $@

# What `make e2e` needs, in an environment of its own: neither torch nor MLflow's server.
.venv/e2e/.ready: requirements.lock pyproject.toml
	$(CHECK_PYTHON)
	@$(PYTHON) -m venv --clear $(@D)
	@echo "Setting up $(@D) (once; a minute or two)"
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock \
	  -e '.[platform]' pytest pytest-timeout hypothesis
	@touch $@

setup: .venv/.ready ## put everything Slipway needs into .venv (TORCH_INDEX=URL for a CPU build of torch)

ui: setup ## add MLflow's web UI to .venv and open it on the local releases
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock 'mlflow==$(shell sed -n 's/^mlflow-skinny==//p' requirements.lock)'
	@$(BIN)/slipway ui

run: setup ## release a model: train, evaluate, build, stage, test, promote or revert
	@$(BIN)/slipway run release-model $(ARGS)

# Files that take minutes: whole releases, those of the tutorial word by word, killed ones and those on a simulated cluster;
# playbooks; performance tests from the command line. Beside them `make acceptance` runs what is marked `acceptance`: of
# tests that are many alike, such as all handlers with a fault, `make test` runs a fixed sample (tests/sampling.py).
ACCEPTANCE := tests/e2e/test_tutorial.py tests/e2e/test_lookups.py tests/e2e/test_mlflow_server.py tests/e2e/test_breakage.py \
  tests/e2e/test_validation.py tests/e2e/test_canary_rollout.py tests/e2e/simulated tests/ansible tests/workflows/cli/perf tests/workflows/cli/test_performance_page.py
PYTEST := $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test: .venv/.platform .venv/mlflow-server/.ready ## run all tests but those of `make acceptance`, in about eight minutes
	@$(PYTEST) -m 'not acceptance' $(addprefix --ignore=,$(ACCEPTANCE))

acceptance: .venv/.platform .venv/mlflow-server/.ready ## run the long tests: whole releases, the tutorial, kills, a simulated cluster, playbooks, all samples
	@failed=0; $(PYTEST) $(ACCEPTANCE) || failed=1; \
	$(PYTEST) -m acceptance $(addprefix --ignore=,$(ACCEPTANCE)) || failed=1; exit $$failed

# The context of the cluster has to be named; the current one of the kubeconfig is never used. SKIP: groups of cases.
CONTEXT ?=
REGISTRY ?=
SKIP ?=
e2e: .venv/e2e/.ready ## test releases on a cluster: make e2e CONTEXT=NAME [KUBECONFIG=FILE REGISTRY=HOST SKIP=events,git]
	@.venv/e2e/bin/python -m pytest tests/e2e/cluster -o python_files='case_*.py' --timeout=7200 -p no:cacheprovider \
	  --junitxml=.slipway/e2e-cluster.xml --context='$(CONTEXT)' --registry='$(REGISTRY)' --skip='$(SKIP)' \
	  $(if $(KUBECONFIG),--kubeconfig='$(KUBECONFIG)')

images: ## build all images; PUSH=REGISTRY[/PREFIX] pushes them too (more: images/build.sh)
	@images/build.sh

lock: ## resolve the newest versions that pyproject.toml allows, for this checkout and for the images
	$(CHECK_PYTHON)
	@$(PYTHON) -m venv --clear .venv/lock
	@.venv/lock/bin/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@.venv/lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[local,kfp,traffic,dev]' boto3 setuptools
	@# without local versions, such as +cpu of torch: no other index has them
	@.venv/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip --exclude wheel \
	  | sed 's/+[A-Za-z0-9.]*$$//' | LC_ALL=C sort -f > .venv/lock/requirements.lock
	@test -s .venv/lock/requirements.lock && mv .venv/lock/requirements.lock requirements.lock
	@$(PYTHON) images/update-locks.py

audit: ## look for known vulnerabilities in what is locked, here and in the images; asks PyPI
	@test -x .venv/audit/bin/pip-audit || { $(PYTHON) -m venv --clear .venv/audit && .venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	@cat requirements.lock images/*/requirements.lock | sed -n 's/^\([A-Za-z0-9._-]*==[^ ;+]*\).*/\1/p' | sort -uf > .venv/audit/all.txt
	@# strict: what the index of vulnerabilities does not know was not looked at, and is no pass
	@.venv/audit/bin/pip-audit --strict --disable-pip --no-deps -r .venv/audit/all.txt

CHECKOV := 3.3.30
policies: .venv/.platform ## set up checkov in an environment of its own, and ask its policies of what this repository deploys
	@test "$$(.venv/checkov/bin/checkov --version 2>/dev/null)" = $(CHECKOV) || { echo "Setting up .venv/checkov (once; 290 MB)"; \
	  $(PYTHON) -m venv --clear .venv/checkov && .venv/checkov/bin/python -m pip install --quiet --disable-pip-version-check checkov==$(CHECKOV); }
	@$(BIN)/slipway validate-deployment images compose.yaml charts/platform charts/slipway

compose: ## start MLflow, PostgreSQL, an S3 store, a registry and the health check by Docker Compose
	@python3 images/compose-secrets.py
	@docker compose up --build --detach --wait

check: .venv/.platform ## style, types, floors, rendered manifests, playbooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/slipway render --check
	@$(BIN)/slipway lint workflows/manifests
	@cd ansible && LC_ALL=C.UTF-8 PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint --offline -q

manifests: setup ## write workflows/manifests from the catalog
	@$(BIN)/slipway render

# Where Argo's recorded answers lie; they are not part of this repository.
CONFORMANCE ?= ../shared/conformance
# Cases one at a time: several of them have the same name, and a name that is running is refused.
conformance: setup ## hold the local engine against Argo's own answers (CONFORMANCE=DIRECTORY), and handlers against the real server's
	@test -d $(CONFORMANCE) || { echo "no recorded answers in $(CONFORMANCE); name their directory: make conformance CONFORMANCE=DIR"; exit 1; }
	@rm -rf .slipway/conformance; failed=0; \
	$(BIN)/python -m slipway_workflows.engine.language.conformance $(CONFORMANCE)/expressions.jsonl --environments $(CONFORMANCE)/environments.json || failed=1; \
	for kind in cases probes workflows; do echo "$$kind:"; \
	  $(BIN)/python $(CONFORMANCE)/compare.py $$([ $$kind != cases ] || echo -j 1) --run '$(BIN)/slipway --home .slipway/conformance run {file} --with $(CONFORMANCE)/environment.yaml --output json' $(CONFORMANCE)/$$kind/*.yaml || failed=1; \
	done; rm -rf .slipway/conformance; \
	$(BIN)/python -m pytest tests/handlers -n 2 || failed=1; exit $$failed

# An environment with Metaflow and kfp in it, to compare with (python -m venv DIR && DIR/bin/pip install metaflow kfp).
PEERS ?=
# Whole comparisons of equal sides to make: 60 take half an hour.
LIVE ?=
bench: setup ## measure what Slipway promises, as figures (PEERS=ENVIRONMENT with Metaflow and kfp, LIVE=60)
	@$(BIN)/python tests/bench_engine.py $(if $(PEERS),--peers $(PEERS))
	@$(BIN)/python tests/bench_handlers.py
	@$(BIN)/python tests/bench_faults.py
	@$(BIN)/python tests/bench_perf.py $(if $(LIVE),--live $(LIVE))
	@$(BIN)/python tests/bench_performance.py
	@$(BIN)/python tests/bench.py

down: ## stop the local environments
	@test ! -x $(BIN)/slipway || $(BIN)/slipway down

clean: down ## remove local state (not .venv)
	rm -rf .slipway .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup ui run test acceptance e2e images lock audit policies compose check manifests conformance bench down clean
