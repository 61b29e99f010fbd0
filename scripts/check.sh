#!/usr/bin/env bash
# Is this machine ready: what the build, the tests and a deployment need, then each part of the
# configured service (`air check`). Ends with 1 where something is wrong.
# AIR_BIN names the built program; AIR_DATA and AIR_CONFIG where its data and configuration lie.
set -uo pipefail
cd "$(dirname "$0")/.."
wrong=0
tell() { printf '%-24s %-6s %s\n' "$1" "$2" "$3"; }

have() { # name, command, what it is for
  if command -v "$2" >/dev/null || [ -x "/usr/sbin/$2" ]; then tell "$1" ok "$(command -v "$2" || echo "/usr/sbin/$2")"
  else tell "$1" off "not installed; $3"; fi
}

have cargo cargo "only needed to build"
have python3 python3 "only needed for tests and api/generate"
have mariadbd mariadbd "the tests start one of their own: bash scripts/system.sh"
have redis-server redis-server "the tests start one of their own: bash scripts/system.sh"
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then tell postgresql ok "$(ls -d /usr/lib/postgresql/*/bin | tail -1)"
else tell postgresql off "the tests start one of their own: bash scripts/system.sh"; fi
if docker compose version >/dev/null 2>&1; then tell "docker compose" ok "make db starts deploy/docker-compose.yml"
else tell "docker compose" off "make db starts private servers instead"; fi

if [ -x "${AIR_BIN:-}" ]; then
  "$AIR_BIN" check --data "${AIR_DATA:-data}" --config "${AIR_CONFIG:-config-dev.yaml}" || wrong=1
else
  tell air wrong "AIR_BIN names no program; make build makes it"
  wrong=1
fi
exit "$wrong"
