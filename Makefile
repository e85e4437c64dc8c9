# PATrol: `make demo` shows it, `make test` proves it. Everything runs from .venv/, made from the hash-pinned lock.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
# Test processes: more than two cores, as many tests wait for a broker
JOBS ?= 3
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: digests bench-breakdown bench-chaos bench-detection bench-fit bench-latency bench-lock bench-scale bench-state bench-throughput help setup demo test check dashboards lint schemas lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/ready ## Make .venv/ from requirements.lock (nothing to do when up to date)

$(VENV)/ready: requirements.lock
	@test -n "$(PYTHON)" || { echo "PATrol needs Python 3.11 or 3.12; found neither. Install one, or: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c "import models.batch.monitor"  # compiles the loops over scans, once
	@touch $@

demo: setup ## Embedded broker, simulated plant, the real flow: deviations as they come
	$(BIN)/patrol demo $(ARGS)

test: setup ## The tests that need no network, Docker or Java, but for slow trials; JOBS=0: one by one; ARGS="-m slow": the trials
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

lint: setup ## Lint, format, types (strict), import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## What CI runs first; .ci/run goes on to slow trials, real brokers and a real browser

bench-detection: $(VENV)-bench/ready ## Detection beside its targets and its peers (needs ../shared); ARGS=--quick, ARGS=--help
	OPENBLAS_NUM_THREADS=1 $(VENV)-bench/bin/python -m tests.benchmarks.detection $(ARGS)

bench-throughput: setup $(VENV)-quix/ready ## A backlog: the full watch beside merely reading it, and beside River's users; ARGS=--quick
	PATROL_QUIX=$(VENV)-quix/bin/python $(BIN)/python -m tests.benchmarks.throughput $(ARGS)

bench-latency: setup ## Scan to deviation on Kafka, 1000 units at a scan a second; ARGS="--minutes 10"
	$(BIN)/python -m tests.benchmarks.latency $(ARGS)

bench-state: setup ## Memory and snapshots of 1000 running batches, growth over 10 000, restart after kill -9
	$(BIN)/python -m tests.benchmarks.state $(ARGS)

bench-scale: setup ## Throughput and memory over units, tags, reference size and processes; ARGS=--quick
	$(BIN)/python -m tests.benchmarks.scale $(ARGS)

bench-fit: setup ## Fitting references of 40 and 400 batches
	$(BIN)/python -m tests.benchmarks.fit $(ARGS)

bench-chaos: setup ## Kill flow and broker at random; all that is written beside an undisturbed run: ARGS="--kills 1000 --seed 1"
	@kafka=$${PATROL_KAFKA_DIR:-$$(mktemp -d)}; address=$$(.ci/kafka start $$kafka) && \
	  PATROL_KAFKA=$$address PATROL_KAFKA_DIR=$$kafka $(BIN)/python -m tests.chaos $(ARGS); code=$$?; .ci/kafka stop $$kafka; exit $$code

digests: setup ## SHA-256 of all that is emitted over the demo, the penicillin benchmark and the rig: equal where nothing changed
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.digests

bench-breakdown: setup ## Where a backlog's time goes
	$(BIN)/python -m tests.benchmarks.breakdown

$(VENV)-quix/ready: requirements-quix.lock
	$(PYTHON) -m venv --clear $(VENV)-quix
	$(VENV)-quix/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-quix.lock
	@touch $@

$(VENV)-bench/ready: requirements-bench.lock
	$(PYTHON) -m venv --clear $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-bench.lock
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

bench-lock: ## Write requirements-bench.lock anew (needs uv): the versions of requirements.lock, and the peers
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --group dev --group bench -c requirements.lock pyproject.toml -o requirements-bench.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --group pyproject.toml:quix -o requirements-quix.lock

schemas: setup ## Write docs/schemas/ anew from the record types
	$(BIN)/python -m ops.schemas docs/schemas

dashboards: setup ## Write ops/grafana/dashboards/ anew from their generator
	$(BIN)/python -m ops.grafana

lock: ## Write requirements.lock and the image's part of it anew (needs uv); records hashes, no index address
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --group dev pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header -c requirements.lock pyproject.toml -o ops/deploy/requirements.lock

clean: ## Remove .venv and caches
	rm -rf .venv .venv-bench .venv-quix .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
