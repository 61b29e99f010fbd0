# One command each. `make demo` and `make test` need only Rust and Debian, and do all set-up
# themselves. The build cache lies outside the clone, so that a fresh clone finds it again.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(if $(AIR_BUILD_CACHE),$(AIR_BUILD_CACHE),$(HOME)/.cache/air/target)
export CARGO_TERM_COLOR ?= never
VENV := $(HOME)/.cache/air/venv
BIN := $(CARGO_TARGET_DIR)/debug
PY := $(VENV)/bin/python

.PHONY: demo run test lint rust-test python-test generate bench openapi check clean build venv system

demo: system build ## ask three questions of the sample data, save a report, run it twice
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli bash scripts/demo.sh

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

bench: build venv ## planning and memory: benches/README.md tells what each measures
	cargo bench -p air-engine --bench planning --locked
	AIR_BIN=$(BIN)/air PYTHON=$(PY) bash benches/memory.sh

openapi: venv ## generate server types and client from api/openapi.yaml
	PATH=$(VENV)/bin:$$PATH api/generate

check: build ## is this machine ready to serve
	$(BIN)/air check --data data --config config-dev.yaml

clean:
	rm -rf .air
