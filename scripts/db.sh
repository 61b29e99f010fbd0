#!/usr/bin/env bash
# Databases to try AIR with: `db.sh up` and `db.sh down`. With a container engine those of
# deploy/docker-compose.yml; without one a private PostgreSQL, MariaDB and Redis on free ports,
# with the sample data in them, whose addresses are in .air/db/environment.
# PYTHON names one with the packages of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/.air/db
compose() { docker compose -f deploy/docker-compose.yml "$@"; }
# That of compose, not of some program called docker.
engine() { docker compose version >/dev/null 2>&1; }

alive() { [ -f "$work/$1.pid" ] && kill -0 "$(cat "$work/$1.pid")" 2>/dev/null; }

up() {
  if engine; then compose up -d --build --wait; return; fi
  if alive servers; then echo "they are up: $work/environment" >&2; return; fi
  rm -rf "$work"
  mkdir -p "$work"
  chmod 711 "$PWD/.air" "$work"   # PostgreSQL runs as a user of its own and walks through here
  mkfifo "$work/hold"
  # The servers end when the pipe to them closes, which is when this holder ends.
  setsid tail -f /dev/null >"$work/hold" 2>/dev/null &
  echo $! >"$work/holder.pid"
  setsid "${PYTHON:-python3}" scripts/demo_servers.py "$work" <"$work/hold" >"$work/servers.log" 2>&1 &
  echo $! >"$work/servers.pid"
  while [ ! -f "$work/ready" ]; do
    alive servers || { cat "$work/servers.log" >&2; down; exit 1; }
    read -r -t 0.1 <> <(:) || true
  done
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$work" \
    --daemonize yes --pidfile "$work/redis.pid" >/dev/null
  for _ in $(seq 300); do
    [ -s "$work/redis.pid" ] && break
    read -r -t 0.1 <> <(:) || true
  done
  alive redis || { echo "redis-server did not come up" >&2; down; exit 1; }
  { read -r pg; read -r my; } <"$work/ready"
  umask 077
  printf 'export PG_DSN=%q\nexport MY_DSN=%q\nexport AIR__REDIS__URL=%q\n' \
    "$pg" "$my" "redis://127.0.0.1:$port/0" >"$work/environment"
  echo "up; their addresses: . $work/environment" >&2
}

down() {
  if engine; then compose down; return; fi
  for name in holder redis; do
    if alive "$name"; then kill "$(cat "$work/$name.pid")"; fi
  done
  for _ in $(seq 300); do
    alive servers || break
    read -r -t 0.1 <> <(:) || true
  done
  if alive servers; then echo "they did not end: $(cat "$work/servers.pid")" >&2; exit 1; fi
  rm -rf "$work"
}

case ${1:-} in
  up|down) "$1" ;;
  *) echo "usage: db.sh up|down" >&2; exit 2 ;;
esac
