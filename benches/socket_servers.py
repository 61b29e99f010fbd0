"""The servers of the fan-out bench: AIR, and python-socketio on uvicorn.

In: the program, or nothing. Out: a running server whose processor time and memory can be read, and
sockets that have entered a room of it. `python socket_servers.py PORT` is python-socketio.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socket_clients import WAIT_SECONDS, Client, require

USERS = 100
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A server that is measured."""

    name: str
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def kilobytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        (size,) = re.findall(r"VmRSS:\s+(\d+)", status)
        return int(size)


@contextlib.contextmanager
def air(program: Path, connections: int) -> Iterator[tuple[Server, dict[str, str]]]:
    """AIR on a folder of its own, and a token for each user."""
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "server": {"host": "127.0.0.1", "auth": {"jwt_secret": "only-for-benches-" * 4}},
            "limits": {
                "connections": connections * 2,
                "sockets_per_user": connections,
                "messages_per_minute": 100_000,
            },
            "chat": {"enabled": True, "max_room_size": USERS},
            "telemetry": {"level": "warn"},
        }
        Path(folder, "config.yaml").write_text(json.dumps(config))
        command = [str(program), "serve", "--data", folder, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
            try:
                line = child.stdout.readline() if child.stdout else ""
                port = int(line.rsplit(":", 1)[-1])
                tokens = {f"u{n}": mint(program, folder, f"u{n}") for n in range(USERS)}
                yield Server("AIR", port, child.pid), tokens
            finally:
                child.kill()


def mint(program: Path, folder: str, sub: str) -> str:
    command = [str(program), "token", "--data", folder, "--sub", sub, "--role", "viewer"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


def post(server: Server, token: str, path: str, body: dict[str, Any] | None) -> None:
    url = f"http://127.0.0.1:{server.port}{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method="POST")
    request.add_header("Authorization", f"Bearer {token}")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS):  # noqa: S310
        pass


def air_socket(server: Server, token: str, room: str, after: int | None = None) -> Client:
    client = Client(server.port, "/v1/ws", {"Authorization": f"Bearer {token}"})
    client.until(b'"ready":true')
    wish: dict[str, Any] = {"type": "subscribe", "channel": f"chat/{room}"}
    if after is not None:
        wish["after"] = after
    client.send(json.dumps(wish))
    if after is None:
        client.until(b'"reply_to":"subscribe"')
    return client


@contextlib.contextmanager
def socketio() -> Iterator[Server]:
    """python-socketio on uvicorn, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, str(port)]
    with subprocess.Popen(command) as child:  # noqa: S603
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                require(time.monotonic() < deadline, "python-socketio did not come up")
                time.sleep(0.05)
            yield Server("python-socketio", port, child.pid)
        finally:
            child.send_signal(signal.SIGKILL)


def serve_socketio(port: int) -> None:
    import socketio as library
    import uvicorn

    server = library.AsyncServer(async_mode="asgi", compression_threshold=1 << 30)

    async def enter(sid: str, room: str) -> None:
        await server.enter_room(sid, room)
        await server.emit("entered", {}, to=sid)

    async def spoken(_sid: str, message: dict[str, Any]) -> None:
        await server.emit("message", message, room=message["room"])

    server.on("enter", enter)
    server.on("say", spoken)
    app = library.ASGIApp(server)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", ws_per_message_deflate=False)


def socketio_socket(server: Server, room: str) -> Client:
    client = Client(server.port, "/socket.io/?EIO=4&transport=websocket", {})
    client.until(b'"sid"')
    client.send("40")
    client.until(b"40{")
    client.send(f'42["enter",{json.dumps(room)}]')
    client.until(b"entered")
    return client


if __name__ == "__main__":
    serve_socketio(int(sys.argv[1]))
