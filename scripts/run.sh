#!/usr/bin/env bash
# Keeps the service up on the sample data, with its own data folder in .air.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${AIR_DATA:-$PWD/.air}
bash scripts/sample_config.sh "$data"
exec "$AIR_BIN" serve --data "$data" --auth disabled --port "${AIR_PORT:-9000}"
