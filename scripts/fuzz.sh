#!/usr/bin/env bash
# Fuzzes what a stranger may send: IR, SQL, DSN. Each target runs for FUZZ_SECONDS, from the inputs
# of the tests. What it learns is kept outside the clone; an input that breaks something is written
# to fuzz/artifacts and ends this with an error.
#
# The compiler is the project's own: without a sanitizer (no line of the code is unsafe) cargo-fuzz
# needs nothing of a nightly but its permission.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$HOME/.cache/air/fuzz
seconds=${FUZZ_SECONDS:-120}
export CARGO_TARGET_DIR=$cache/target RUSTC_BOOTSTRAP=1
if [ ! -x "$cache/tools/bin/cargo-fuzz" ]; then
  cargo install --quiet --locked --root "$cache/tools" cargo-fuzz
fi
"$PYTHON" scripts/fuzz_seeds.py "$cache/seeds"
run=("$cache/tools/bin/cargo-fuzz")
for target in ${FUZZ_TARGETS:-ir sql dsn}; do
  mkdir -p "$cache/corpus/$target" "fuzz/artifacts/$target"
  echo "== $target, $seconds s"
  "${run[@]}" run --dev --sanitizer none "$target" "$cache/corpus/$target" "$cache/seeds/$target" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=4096 \
    -dict="$cache/seeds/$target.dict" -print_final_stats=1 2>&1 | grep -av '^#\|NEW_FUNC' || exit 1
done
