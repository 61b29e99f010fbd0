# One command each. `make demo` and `make test` need only Rust and Debian, and do all set-up
# themselves. The build cache lies outside the clone, so that a fresh clone finds it again.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(if $(AIR_BUILD_CACHE),$(AIR_BUILD_CACHE),$(HOME)/.cache/air/target)
export CARGO_TERM_COLOR ?= never
VENV := $(HOME)/.cache/air/venv
BIN := $(CARGO_TARGET_DIR)/debug
PY := $(VENV)/bin/python
# The benches run what is built for release, and have the tools they compare with in a venv apart.
RELEASE := $(CARGO_TARGET_DIR)/release
BENCH_VENV := $(HOME)/.cache/air/bench-venv
BENCH := AIR_BIN=$(RELEASE)/air AIR_BENCH_BIN=$(RELEASE)/air-bench $(BENCH_VENV)/bin/python

.PHONY: demo demo-federated run test lint rust-test python-test generate \
	bench bench-build bench-planning bench-reading bench-files bench-federated bench-memory openapi check db down clean build venv system

demo: system build ## ask three questions of the sample data, save a report, run it twice
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli bash scripts/demo.sh

demo-federated: system build venv ## one question over PostgreSQL, MariaDB and a file
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli PYTHON=$(PY) bash scripts/demo_federated.sh

run: system build ## keep the service up on the sample data
	AIR_BIN=$(BIN)/air bash scripts/run.sh

test: system lint rust-test python-test ## format, clippy, contract, every test

system: ## what Debian must have
	@bash scripts/system.sh

# All targets of the whole workspace at once: a build of one crate would choose other features of
# the shared dependencies and compile DataFusion again.
build: system
	cargo build --workspace --all-targets --locked

lint: system venv
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(VENV)/bin/ruff check tests scripts api benches
	$(VENV)/bin/ruff format --check tests scripts api benches
	$(VENV)/bin/mypy
	PATH=$(VENV)/bin:$$PATH api/generate --check

rust-test: build
	cargo test --workspace --all-targets --locked

python-test: build venv
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli $(PY) -m pytest -q tests

venv: system
	@bash scripts/venv.sh $(VENV)

N ?= 150
SEED ?= 1
generate: build venv ## random questions to every engine: make generate N=5000 SEED=2
	AIR_BIN=$(BIN)/air $(PY) -m tests.random_irs --seed $(SEED) --count $(N)

# benches/README.md tells what each measures. BENCH_ARGS goes to the script: --rounds, --json, ...
bench: bench-planning bench-reading bench-files bench-federated bench-memory ## AIR beside its peers

bench-build: system
	cargo build --workspace --release --locked
	@bash scripts/venv.sh $(BENCH_VENV) benches/requirements.txt

bench-planning: bench-build ## a question to SQL text
	$(BENCH) benches/planning.py $(BENCH_ARGS)

bench-reading: bench-build ## whole tables of PostgreSQL and MariaDB into Arrow
	$(BENCH) benches/reading.py $(BENCH_ARGS)

bench-files: bench-build ## TPC-H on Parquet, CSV and JSON lines
	$(BENCH) benches/files.py $(BENCH_ARGS)

bench-federated: bench-build ## joins over two sources
	$(BENCH) benches/federated.py $(BENCH_ARGS)

bench-memory: bench-build venv ## peak memory of large reports
	AIR_BIN=$(RELEASE)/air PYTHON=$(PY) bash benches/memory.sh

openapi: venv ## generate server types and client from api/openapi.yaml
	PATH=$(VENV)/bin:$$PATH api/generate

check: build ## is this machine ready to serve
	@AIR_BIN=$(BIN)/air bash scripts/check.sh

db: system venv ## databases to try AIR with, and Redis
	@PYTHON=$(PY) bash scripts/db.sh up

down: ## stop them
	@bash scripts/db.sh down

clean:
	rm -rf .air
