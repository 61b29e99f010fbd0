#!/usr/bin/env bash
# Python packages (of the tests, or of the lock named second) in a venv outside the clone; made again
# when the lock changes.
set -euo pipefail
venv=$1
lock=${2:-tests/requirements.txt}
stamp=$(sha256sum "$lock" | cut -d' ' -f1)
if [ "$(cat "$venv/lock.sha256" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --require-hashes -r "$lock"
  echo "$stamp" > "$venv/lock.sha256"
fi
