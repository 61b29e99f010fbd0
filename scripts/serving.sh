# What the demos share, to be sourced: a folder `$work` that is removed at the end, and what was
# started in it, which ends with the script. AIR_BIN and AIRCLI_BIN name the built programs.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
work=$(mktemp -d)
service=''
# What a demo ends besides the service: one that started more defines it again.
ending() { :; }
finish() {
  [ -z "$service" ] || { kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; }
  ending
  rm -rf "$work"
}
trap finish EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

# Waits until a test holds, of a program that must live until then: the test is a command,
# and a program that ends first is a failure, told with what it wrote.
await() { # pid, its log, the test
  local pid=$1 log=$2; shift 2
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; exit 1; }
    read -r -t 0.1 <> <(:) || true
  done
}

# Serves the data folder on a free port and exports AIR_URL.
serve() { # data folder, further arguments
  local data=$1; shift
  : >"$work/out"
  "$AIR_BIN" serve --data "$data" --port 0 "$@" >"$work/out" 2>"$work/log" &
  service=$!
  await "$service" "$work/log" listens
  AIR_URL=$(sed -n 's/^listening on //p' "$work/out")
  export AIR_URL
}
listens() { grep -q '^listening on .' "$work/out"; }
