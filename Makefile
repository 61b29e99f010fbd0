# One command each. `make demo` and `make test` need only Rust and Debian, and do all set-up
# themselves. The build cache lies outside the clone, so that a fresh clone finds it again.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(if $(AIR_BUILD_CACHE),$(AIR_BUILD_CACHE),$(HOME)/.cache/air/target)
export CARGO_TERM_COLOR ?= never
VENV := $(HOME)/.cache/air/venv
BIN := $(CARGO_TARGET_DIR)/debug
PY := $(VENV)/bin/python
# The EDA service has its own packages, and its tests and linters have them too.
EDA_VENV := $(HOME)/.cache/air/eda-venv
EDA_TEST_VENV := $(HOME)/.cache/air/eda-test-venv
# The benches run what is built for release, and have the tools they compare with in a venv apart.
RELEASE := $(CARGO_TARGET_DIR)/release
BENCH_VENV := $(HOME)/.cache/air/bench-venv
FG_VENV := $(HOME)/.cache/air/fg-venv
# The Python package has the libraries that take its rows.
PACKAGE_VENV := $(HOME)/.cache/air/package-venv
BENCH := AIR_BIN=$(RELEASE)/air AIR_BENCH_BIN=$(RELEASE)/air-bench $(BENCH_VENV)/bin/python

.PHONY: demo demo-federated demo-sessions demo-cluster run test lint rust-test python-test generate generate-sql openapi check db down clean build venv \
	system eda eda-venv eda-test-venv eda-test bench bench-build bench-planning bench-reading bench-files \
	bench-federated bench-sockets bench-runs bench-load bench-memory bench-eda fuzz eval models-check \
	package package-venv package-test wheel bench-package

demo: system build ## ask three questions of the sample data, save a report, run it twice
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli bash scripts/demo.sh

demo-federated: system build venv ## one question over PostgreSQL, MariaDB and a file
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli PYTHON=$(PY) bash scripts/demo_federated.sh

demo-sessions: system build ## two uploaded files, a conversation, a published endpoint
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli bash scripts/demo_sessions.sh

demo-cluster: system build venv ## two processes over one Redis, one of them killed
	AIR_BIN=$(BIN)/air $(PY) scripts/demo_cluster.py

run: system build ## keep the service up on the sample data
	AIR_BIN=$(BIN)/air bash scripts/run.sh

test: system lint rust-test python-test ## format, clippy, contract, every test

system: ## what Debian must have
	@bash scripts/system.sh

# All targets of the whole workspace at once: a build of one crate would choose other features of
# the shared dependencies and compile DataFusion again.
build: system
	cargo build --workspace --all-targets --locked

lint: system venv eda-test-venv package-venv
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(VENV)/bin/ruff check tests scripts api benches
	$(VENV)/bin/ruff format --check tests scripts api benches
	$(VENV)/bin/mypy
	PATH=$(VENV)/bin:$$PATH api/generate --check
	cd python/eda && $(EDA_TEST_VENV)/bin/ruff check . && $(EDA_TEST_VENV)/bin/ruff format --check . \
		&& $(EDA_TEST_VENV)/bin/mypy
	cd python && $(PACKAGE_VENV)/bin/ruff check . && $(PACKAGE_VENV)/bin/ruff format --check . \
		&& $(PACKAGE_VENV)/bin/mypy

rust-test: build
	cargo test --workspace --all-targets --locked

python-test: build venv eda-venv eda-test package-test
	AIR_BIN=$(BIN)/air AIRCLI_BIN=$(BIN)/aircli AIR_EDA_PYTHON=$(EDA_VENV)/bin/python \
		$(PY) -m pytest -q tests

venv: system
	@bash scripts/venv.sh $(VENV)

eda-venv: system ## what the EDA service runs in
	@bash scripts/venv.sh $(EDA_VENV) python/eda/requirements.txt

eda-test-venv: system
	@bash scripts/venv.sh $(EDA_TEST_VENV) python/eda/requirements-test.txt

eda-test: eda-test-venv ## the tests of the EDA service
	cd python/eda && $(EDA_TEST_VENV)/bin/python -m pytest -q

# Of the ordinary build, so that nothing is compiled for the package alone.
package: build ## lay the Python package out in place: PYTHONPATH=python
	@bash scripts/package.sh $(BIN)

package-venv: system
	@bash scripts/venv.sh $(PACKAGE_VENV) python/requirements-test.txt

package-test: package package-venv ## the tests of the Python package
	cd python && AIR_BIN=$(BIN)/air $(PACKAGE_VENV)/bin/python -m pytest -q

wheel: system package-venv ## the Python package for release, in python/dist
	$(PACKAGE_VENV)/bin/maturin build --profile release --manifest-path python/Cargo.toml --out python/dist

eda: eda-venv ## run the EDA service alone; AIR__PYTHON__AUTH_SHARED_SECRET must be set
	cd python/eda && $(EDA_VENV)/bin/python -m air_eda serve --state $(CURDIR)/.air/eda

N ?= 150
SEED ?= 1
generate: build venv ## random questions to every engine: make generate N=5000 SEED=2
	AIR_BIN=$(BIN)/air $(PY) -m tests.random_irs --seed $(SEED) --count $(N)

generate-sql: build venv ## random SQL to every engine and to PostgreSQL itself: make generate-sql N=5000
	AIR_BIN=$(BIN)/air $(PY) -m tests.random_sql --seed $(SEED) --count $(N)

FUZZ_SECONDS ?= 120
FUZZ_TARGETS ?= ir sql dsn
fuzz: venv ## fuzz IR, SQL and DSN
	PYTHON=$(PY) FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_TARGETS="$(FUZZ_TARGETS)" bash scripts/fuzz.sh

# benches/README.md tells what each measures. BENCH_ARGS goes to the script: --rounds, --json, ...
bench: bench-planning bench-reading bench-files bench-federated bench-runs bench-sockets bench-memory ## AIR beside its peers

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

bench-sockets: bench-build ## fan-out over 2,000 sockets
	$(BENCH) benches/sockets.py --air $(RELEASE)/air $(BENCH_ARGS)

bench-runs: bench-build ## what a report's run costs over its query
	$(BENCH) benches/runs.py $(BENCH_ARGS)

bench-load: bench-build ## an hour of mixed load; BENCH_ARGS="--minutes 5"
	$(BENCH) benches/load.py $(BENCH_ARGS)

bench-memory: bench-build venv ## peak memory of large reports
	AIR_BIN=$(RELEASE)/air PYTHON=$(PY) bash benches/memory.sh

bench-eda: eda-venv ## profiling beside DuckDB and fg-data-profiling
	@bash scripts/venv.sh $(BENCH_VENV) benches/requirements.txt
	@bash scripts/venv.sh $(FG_VENV) benches/requirements-eda.txt
	EDA_PYTHON=$(EDA_VENV)/bin/python FG_PYTHON=$(FG_VENV)/bin/python \
		$(BENCH_VENV)/bin/python benches/eda_agreement.py
	EDA_PYTHON=$(EDA_VENV)/bin/python BENCH_PYTHON=$(BENCH_VENV)/bin/python \
		FG_PYTHON=$(FG_VENV)/bin/python $(BENCH_VENV)/bin/python benches/eda.py $(BENCH_ARGS)

bench-package: bench-build ## importing the package and a first query, beside DuckDB and ibis
	@bash scripts/package.sh $(RELEASE)
	PYTHONPATH=python $(BENCH_VENV)/bin/python benches/package.py $(BENCH_ARGS)

eval: build ## the golden questions of the sample data
	$(BIN)/air eval data/sample/golden.yaml --data data --config config-dev.yaml $(EVAL_ARGS)

models-check: build venv ## the same checks against a real model: set AIR__MODELS__OPENAI__API_KEY
	AIR_BIN=$(BIN)/air PYTHONPATH=tests $(PY) tests/real_model.py

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
