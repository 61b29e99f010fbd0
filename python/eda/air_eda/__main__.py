"""`python -m air_eda serve` runs the service; `health` asks a running one how it is.

The secret comes from the environment alone, so that it is in no list of processes.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from .app import make
from .logs import log
from .settings import SECRET_KEY, Settings, SettingsError, secret
from .signature import sign

HEALTH = "/internal/v1/health"


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="air-eda", description="The EDA service of AIR.")
    commands = whole.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=9001)
    serve.add_argument("--state", type=Path, required=True, help="a folder of its own")
    serve.add_argument(
        "--beyond-loopback", action="store_true", help="allow a host that others can reach"
    )
    serve.add_argument(
        "--until-stdin-closes", action="store_true", help="end when the parent has gone"
    )
    serve.add_argument(
        "--tell-port", action="store_true", help="tell the port on stdout, once it is listened on"
    )
    health = commands.add_parser("health", help="ask a running service how it is")
    health.add_argument("--url", default="http://127.0.0.1:9001")
    return whole


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run(args: argparse.Namespace) -> int:
    if not is_loopback(args.host) and not args.beyond_loopback:
        raise SettingsError(f"{args.host} is not loopback: give --beyond-loopback if it must be")
    settings = Settings.read(os.environ, args.state)
    config = uvicorn.Config(
        make(settings),
        host=args.host,
        port=args.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    if args.until_stdin_closes:
        threading.Thread(target=end_with_parent, args=(server,), daemon=True).start()
    # Listened on before it is told, so that nobody else can have the port.
    listener = listening(args.host, args.port) if args.tell_port else None
    port = listener.getsockname()[1] if listener else args.port
    log("info", "starting", port=port, workers=settings.workers)
    if listener:
        sys.stdout.write(f"port {port}\n")
        sys.stdout.flush()
    server.run(sockets=[listener] if listener else None)
    return 0 if server.started else 1


def listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(f"{host}:{port} cannot be listened on: {error.strerror}") from error


def end_with_parent(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True


def ask_health(url: str) -> int:
    key = secret(os.environ.get(SECRET_KEY, ""))
    if urlsplit(url).scheme not in ("http", "https"):
        raise SettingsError(f"{url} is no http URL")
    request = urllib.request.Request(url + HEALTH, headers=sign(key, "GET", HEALTH))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            sys.stdout.write(answer.read().decode() + "\n")
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"air-eda: {url} is not well: {error}\n")
        return 1
    return 0


def main() -> int:
    args = parser().parse_args()
    try:
        return run(args) if args.command == "serve" else ask_health(args.url)
    except SettingsError as error:
        sys.stderr.write(f"air-eda: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
