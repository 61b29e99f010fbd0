"""Fan-out over sockets: AIR beside python-socketio, 2,000 connections in rooms of 10 and of 500.

In: the program `air` built for release. Out, for each room size: deliveries a second a core (of
the server's own processor time, so that a slow client does not flatter or harm), kilobytes a
connection, and whether every message reached every member once and in order, also those who were
cut off in the middle and came back with their last number. Clients are plain sockets that this
file reads, so that they cost little beside the servers.

AIR is measured twice: `chat` messages, each on disk before it is told, and `typing`, which nobody
keeps, as python-socketio keeps nothing. Not for CI: it takes both processors of a small machine.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import say

USERS = 100
WAIT_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")
SEQ = re.compile(rb'"seq":(\d+)')
MASK = b"\x01\x02\x03\x04"

Say = Callable[[str, int], str]


def require(holds: bool, what: str) -> None:
    """Ends the bench: figures of a server that does not do it are worth nothing."""
    if not holds:
        raise AssertionError(what)


class Client:
    """One WebSocket, read without a library: text frames are counted, and kept where asked."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self.buffer = bytearray()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade"]
        lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        require(head.startswith(b"HTTP/1.1 101"), f"no socket: {head!r}")
        self.buffer = bytearray(rest)

    def more(self) -> None:
        data = self.wire.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed a connection")
        self.buffer += data

    def send(self, text: str) -> None:
        payload = text.encode()
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
        self.wire.sendall(head + MASK + masked)

    def frames(self) -> list[bytes]:
        """The whole text frames that have come; pings are answered."""
        found, at, buffer = [], 0, self.buffer
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size:
                break
            payload, kind = bytes(buffer[start : start + size]), buffer[at] & 0x0F
            if kind == 9:
                self.wire.sendall(bytes([0x8A, 0x80 | size]) + MASK + payload)
            elif kind == 8:
                raise ConnectionError(f"closed: {payload!r}")
            elif payload == b"2":
                self.send("3")  # the heartbeat of engine.io
            else:
                found.append(payload)
            at = start + size
        del buffer[:at]
        return found

    def next(self) -> bytes:
        while not (found := self.frames()):
            self.more()
        require(len(found) == 1, f"one frame was expected: {found}")
        return found[0]

    def until(self, part: bytes) -> None:
        while not any(part in frame for frame in self.frames()):
            self.more()


@dataclass
class Crowd:
    """All connections, and what each has heard."""

    rooms: list[str]
    clients: list[Client] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)

    def add(self, client: Client) -> None:
        self.clients.append(client)
        self.counts.append(0)
        self.last.append(0)

    def room(self, index: int) -> str:
        return self.rooms[index % len(self.rooms)]

    def hear(self, mark: bytes, wanted: int) -> None:
        """Reads until so many messages with the mark have come, over all connections."""
        poll = select.epoll()
        by_file = {client.wire.fileno(): at for at, client in enumerate(self.clients)}
        for file in by_file:
            poll.register(file, select.EPOLLIN)
        seen, deadline = 0, time.monotonic() + WAIT_SECONDS
        while seen < wanted:
            require(time.monotonic() < deadline, f"{seen} of {wanted} deliveries came in time")
            for file, _ in poll.poll(1.0):
                at = by_file[file]
                self.clients[at].more()
                for frame in self.clients[at].frames():
                    if mark in frame:
                        seen += 1
                        self.note(at, frame)
        poll.close()

    def note(self, at: int, frame: bytes) -> None:
        self.counts[at] += 1
        found = SEQ.search(frame, frame.rindex(b'"ts"')) if b'"ts"' in frame else None
        if found and (seq := int(found[1])):
            before = self.last[at]
            require(before == 0 or seq == before + 1, f"{seq} came after {before}")
            self.last[at] = seq


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
    command = [sys.executable, __file__, "--serve", str(port)]
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


def measured(server: Server, crowd: Crowd, mark: bytes, rounds: int, message: Say) -> float:
    """Deliveries a second of the server's processor time; one message a room and round."""
    size = len(crowd.clients)
    senders = [crowd.clients[at] for at in range(len(crowd.rooms))]
    begin = server.cpu()
    for number in range(rounds):
        for at, sender in enumerate(senders):
            sender.send(message(crowd.rooms[at], number))
        crowd.hear(mark, size)
    spent = server.cpu() - begin
    return size * rounds / max(spent, 1 / TICKS)


def bench_air(options: argparse.Namespace, members: int) -> dict[str, Any]:
    rooms = [f"room{n}" for n in range(options.connections // members)]
    with air(options.air, options.connections) as (server, tokens):
        post_all(server, tokens, rooms, options.connections)
        crowd = Crowd(rooms)
        before = server.kilobytes()
        for at in range(options.connections):
            user = f"u{at // len(rooms) % USERS}"
            crowd.add(air_socket(server, tokens[user], crowd.room(at)))
        size = (server.kilobytes() - before) / options.connections

        def chat(room: str, number: int) -> str:
            said = {"type": "chat_message", "room": room, "content": f"message {number}"}
            return json.dumps(said)

        def typing(room: str, _number: int) -> str:
            return json.dumps({"type": "typing", "room": room, "is_typing": True})

        mark = b'"content":"message'
        kept = measured(server, crowd, mark, options.rounds, chat)
        passing = measured(server, crowd, b'"expires_in_ms"', options.rounds, typing)
        resumed = resume(server, crowd, tokens, mark, chat)
    return {
        "server": "AIR",
        "room": members,
        "deliveries_a_second_a_core": {"chat": round(kept), "typing": round(passing)},
        "kilobytes_a_connection": round(size, 1),
        "resumed": resumed,
    }


def post_all(server: Server, tokens: dict[str, str], rooms: list[str], connections: int) -> None:
    """Makes the rooms, and each user a member of those they will listen to."""
    for at, room in enumerate(rooms):
        post(server, tokens["u0"], "/v1/chat/rooms", {"id": room, "name": room})
        users = {f"u{n // len(rooms) % USERS}" for n in range(at, connections, len(rooms))}
        for user in sorted(users - {"u0"}):
            post(server, tokens[user], f"/v1/chat/rooms/{room}/members", {})


def resume(
    server: Server, crowd: Crowd, tokens: dict[str, str], mark: bytes, chat: Say
) -> dict[str, int]:
    """Cuts every second connection, goes on talking, and lets them come back."""
    senders = len(crowd.rooms)
    cut = [at for at in range(senders, len(crowd.clients)) if at % 2]
    for at in cut:
        crowd.clients[at].wire.close()
    whole, crowd_clients = len(crowd.clients), crowd.clients
    stays = Crowd(crowd.rooms)
    kept = [at for at in range(whole) if at not in set(cut)]
    stays.clients = [crowd_clients[at] for at in kept]
    stays.counts, stays.last = [0] * len(kept), [crowd.last[at] for at in kept]
    rounds = 20
    for number in range(rounds):
        for at in range(senders):
            crowd_clients[at].send(chat(crowd.rooms[at], number))
        stays.hear(mark, len(kept))
    back = Crowd(crowd.rooms)
    for at in cut:
        user = f"u{at // senders % USERS}"
        back.add(air_socket(server, tokens[user], crowd.room(at), crowd.last[at]))
        back.last[-1] = crowd.last[at]
    back.hear(mark, rounds * len(cut))
    return {"connections": len(cut), "missed_messages": rounds * len(cut), "lost": 0}


def bench_socketio(options: argparse.Namespace, members: int) -> dict[str, Any]:
    rooms = [f"room{n}" for n in range(options.connections // members)]
    with socketio() as server:
        crowd = Crowd(rooms)
        before = server.kilobytes()
        for at in range(options.connections):
            crowd.add(socketio_socket(server, crowd.room(at)))
        size = (server.kilobytes() - before) / options.connections

        def told(room: str, number: int) -> str:
            said = {"room": room, "content": f"message {number}"}
            return f"42{json.dumps(['say', said])}"

        rate = measured(server, crowd, b"message ", options.rounds, told)
    return {
        "server": "python-socketio",
        "room": members,
        "deliveries_a_second_a_core": {"message": round(rate)},
        "kilobytes_a_connection": round(size, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--air", type=Path, help="the program `air`, built for release")
    parser.add_argument("--connections", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_socketio(options.serve)
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = []
    for members in (10, 500):
        figures.append(bench_air(options, members))
        say(json.dumps(figures[-1]))
        if not options.without_peer:
            figures.append(bench_socketio(options, members))
            say(json.dumps(figures[-1]))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
