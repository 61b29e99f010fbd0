#!/usr/bin/env bash
# Peak memory of a grouped report over a CSV of 2 GB, against the limit of the memory pool.
# AIR_BIN names the program, PYTHON a Python 3.11; AIR_BENCH_BYTES and AIR_BENCH_POOL change the
# sizes. What is measured, and the figures so far, are in README.md.
set -euo pipefail
cd "$(dirname "$0")"
: "${AIR_BIN:=${CARGO_TARGET_DIR:-$HOME/.cache/air/target}/debug/air}"
[ -x "$AIR_BIN" ] || { echo "there is no program $AIR_BIN: build it, or name it by AIR_BIN" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" memory.py "$AIR_BIN" "$folder" \
  --bytes "${AIR_BENCH_BYTES:-2000000000}" --pool "${AIR_BENCH_POOL:-512000000}"
