#!/usr/bin/env bash
# Writes a configuration for the sample data into a data folder, where there is none yet.
set -euo pipefail
data=$1
mkdir -p "$data"; chmod 700 "$data"
[ -f "$data/config.yaml" ] || cat > "$data/config.yaml" <<EOF
analytics_sources:
  - id: flights
    kind: files
    base_path: "$PWD/data/sample"
    display_name: "Flights from New York City, 2013"
    default: true
files:
  base_path: "$PWD/data"
EOF
