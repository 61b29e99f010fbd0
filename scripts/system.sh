#!/usr/bin/env bash
# Debian's packages that the build and the tests need; nothing is done where all are there.
set -euo pipefail
missing=()
command -v cc >/dev/null || missing+=(build-essential)
command -v jq >/dev/null || missing+=(jq)
command -v curl >/dev/null || missing+=(curl)
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
# Servers for the tests, which start private ones. Debian would start its own with the package:
# what was not installed here before is stopped again.
servers=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { missing+=(postgresql); servers+=(postgresql); }
{ command -v mariadbd || ls /usr/sbin/mariadbd; } >/dev/null 2>&1 || { missing+=(mariadb-server); servers+=(mariadb); }
{ command -v redis-server && command -v redis-cli; } >/dev/null 2>&1 || { missing+=(redis-server); servers+=(redis-server); }
command -v openssl >/dev/null || missing+=(openssl)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}" >&2
  sudo=(); [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  for server in "${servers[@]}"; do
    # In a container nothing was started, and there may be nothing to stop it with.
    "${sudo[@]}" service "$server" stop >/dev/null 2>&1 || true
    if command -v systemctl >/dev/null; then
      "${sudo[@]}" systemctl disable "$server" >/dev/null 2>&1 || true
    fi
  done
fi
command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or later" >&2; exit 1; }
