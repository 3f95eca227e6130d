# Every target installs what it needs; a second call with nothing changed installs nothing.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --require-hashes

# The first of these that is new enough makes the virtual environment.
PYTHONS := python3.13 python3.12 python3.11 python3

# Packages of the system that the tests need: a browser, what the README's tour uses, a C compiler for a moved clock,
# a broker that no wheel brings along, and what collects figures.
# PostgreSQL comes with the test requirements, as a wheel.
SERVICES_PACKAGES ?= chromium curl gcc libc6-dev prometheus rabbitmq-server redis-server

# What renders the chart, and with it the types of Kubernetes, of which it is built. No package of the system has it: it is
# built where Go is, and elsewhere its tests are skipped by name.
HELM ?= helm.sh/helm/v3/cmd/helm@v3.22.0

# Arguments for pytest, e.g. make test TESTS="tests/kernel -x"
TESTS ?=

# make lock UPGRADE=--upgrade moves every pin to the newest release.
UPGRADE ?=

.DEFAULT_GOAL := help
.PHONY: help install run test check bench brokers chaos long kafka services lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/run.stamp ## Install SigDep into .venv
run: install ## Start SigDep on this machine
	$(BIN)/sigdep up

test: $(VENV)/run.stamp $(VENV)/test.stamp ## Run every test; the summary names the servers that were missing
	$(BIN)/python -m pytest -rs $(TESTS)

check: $(VENV)/run.stamp $(VENV)/dev.stamp ## Lint, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/run.stamp $(VENV)/bench.stamp ## Run the benchmarks
	$(BIN)/python -m benchmarks

# Where one fails, the others run all the same.
brokers: $(VENV)/run.stamp $(VENV)/test.stamp ## Run all tests of the API on the cluster with each broker; BROKER=… takes one
	@failed=; for broker in $(or $(BROKER),nats kafka rabbitmq redis); do \
		echo "The API on the cluster with $$broker:"; \
		SIGDEP_BROKER=$$broker $(BIN)/python -m pytest -rs -m api $(or $(TESTS),tests/system) || failed="$$failed $$broker"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed with:$$failed" >&2; exit 1; fi

chaos: $(VENV)/run.stamp $(VENV)/test.stamp ## Kill, stop and empty parts of the distributed system under load; SEED=… repeats a run, ROUNDS=… of each, BROKER=… takes another broker
	SIGDEP_LONG=1 $(if $(SEED),SIGDEP_SEED=$(SEED)) $(if $(ROUNDS),SIGDEP_ROUNDS=$(ROUNDS)) $(if $(BROKER),SIGDEP_BROKER=$(BROKER)) \
		$(BIN)/python -m pytest -s tests/system/test_chaos.py tests/system/test_ready_again.py

long: $(VENV)/run.stamp $(VENV)/test.stamp ## Fuzz the API with 5,000 requests, and kill the server 50 times under load and verify its data each time
	SIGDEP_LONG=1 $(BIN)/python -m pytest -s $(or $(TESTS),tests/system/test_fuzz.py tests/system/test_killed_server.py)

kafka: $(VENV)/run.stamp ## Fetch Kafka with Maven, for `sigdep cluster --broker kafka`; the tests do it by themselves
	$(BIN)/python -m sigdep.testing.kafka_server

services: ## Install what the tests need from the system (as root, with apt-get)
	@missing=$$(for package in $(SERVICES_PACKAGES); do \
		dpkg-query --show --showformat='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; \
	done); \
	if [ -z "$$missing" ]; then echo "Everything that the tests need from the system is there."; exit; fi; \
	apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $$missing
	@if [ -x "$$HOME/go/bin/helm" ] && ls -d "$$HOME"/go/pkg/mod/k8s.io/client-go@* >/dev/null 2>&1; then \
		echo "So is helm."; \
	elif command -v go >/dev/null; then \
		GOBIN= GOPATH="$$HOME/go" GOMODCACHE="$$HOME/go/pkg/mod" go install $(HELM) \
			|| echo "This Go cannot build helm: the tests that render the chart will be skipped."; \
	else \
		echo "Without Go there is no helm: the tests that render the chart will be skipped."; \
	fi

# Later files take the pins of earlier ones, so that all of them fit into one environment.
COMPILE = $(BIN)/uv pip compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url --universal \
	--python-version 3.11 --custom-compile-command "make lock"
lock: $(VENV)/created.stamp ## Remake requirements/ from pyproject.toml
	$(PIP) install --quiet uv
	$(COMPILE) --group build --output-file requirements/build.txt
	$(COMPILE) pyproject.toml --constraints requirements/build.txt --output-file requirements/run.txt
	$(COMPILE) pyproject.toml --extra distributed --constraints requirements/build.txt \
		--constraints requirements/run.txt --output-file requirements/distributed.txt
	$(COMPILE) pyproject.toml --extra distributed --group test --constraints requirements/build.txt \
		--constraints requirements/distributed.txt --output-file requirements/test.txt
	$(COMPILE) pyproject.toml --extra distributed --group dev --constraints requirements/build.txt \
		--constraints requirements/test.txt --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --extra distributed --group bench --constraints requirements/build.txt \
		--constraints requirements/dev.txt --output-file requirements/bench.txt
	@if grep -n '://' requirements/*.txt; then echo "An address has no place in a lock file." >&2; exit 1; fi

clean: ## Remove the virtual environment, caches and builds
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created.stamp:
	@for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
				echo "$$python cannot make virtual environments; on Debian: apt-get install $$python-venv" >&2; \
				exit 1; \
			fi; \
			$$python -m venv $(VENV) && touch $@; \
			exit; \
		fi; \
	done; \
	echo "SigDep needs Python 3.11 or newer, and none of $(PYTHONS) is." >&2; \
	exit 1

$(VENV)/run.stamp: $(VENV)/created.stamp requirements/build.txt requirements/run.txt pyproject.toml
	$(INSTALL) --requirement requirements/build.txt --requirement requirements/run.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp $(VENV)/dev.stamp $(VENV)/bench.stamp: $(VENV)/%.stamp: $(VENV)/created.stamp requirements/%.txt
	$(INSTALL) --requirement requirements/$*.txt
	@touch $@
