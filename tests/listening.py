"""Processes over one data folder, and clients of their sockets.

In: the program, a folder and a Redis. Out: processes to call, kill and start again, and clients
that keep every event they hear with its number. A client is the `websockets` library, so that the
protocol is somebody else's reading of it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import jwt
import pytest
from servers import Redis
from service import Client, Http, Process
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

SECRET = "only-for-tests-" * 5
PATIENCE = 120.0
POLL_SECONDS = 0.05
IR = {"entities": ["sales"], "metrics": [{"name": "n", "agg": "count"}]}


def token(sub: str, role: str = "viewer", seconds: int = 600) -> str:
    now = int(time.time())
    claims = {"sub": sub, "role": role, "iss": "air", "aud": "air", "iat": now}
    return jwt.encode(claims | {"exp": now + seconds}, SECRET, algorithm="HS256")


def until(what: str, holds: Callable[[], object]) -> None:
    """Polls until it holds; an error after a while."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(POLL_SECONDS)


@dataclass
class Socket:
    """One connection of a user. `heard` holds the events, `said` what answers commands."""

    connection: ClientConnection
    heard: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def read(self, timeout: float = PATIENCE) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.connection.recv(timeout))
        (self.said if "reply_to" in message["payload"] else self.heard).append(message)
        return message

    def answer(self, **message: Any) -> dict[str, Any]:
        """Says something and gives what is answered; events meanwhile are kept."""
        self.send(**message)
        before = len(self.said)
        while len(self.said) == before:
            self.read()
        return self.said[-1]

    def subscribe(self, channel: str, after: int | None = None) -> dict[str, Any]:
        wish: dict[str, Any] = {"type": "subscribe", "channel": channel}
        if after is not None:
            wish["after"] = after
        answer = self.answer(**wish)
        assert answer["type"] == "status", answer
        payload: dict[str, Any] = answer["payload"]
        return payload

    def numbers(self, channel: str) -> list[int]:
        """The numbers of a channel's events, in the order they came."""
        return [e["seq"] for e in self.heard if e["channel"] == channel and e["seq"] > 0]

    def read_to(self, channel: str, seq: int) -> list[int]:
        """Reads until an event with that number came."""
        while not (numbers := self.numbers(channel)) or numbers[-1] < seq:
            self.read()
        return numbers

    def read_to_end(self) -> NoReturn:
        while True:
            self.read()

    def closed(self) -> tuple[int, str]:
        """Reads to the end: the close code and reason."""
        with pytest.raises(ConnectionClosed) as end:
            self.read_to_end()
        close = end.value.rcvd
        assert close is not None, end.value
        return close.code, close.reason


@contextlib.contextmanager
def opened(base: str, sub: str, role: str = "viewer", **options: Any) -> Iterator[Socket]:
    """A socket of a user, with the first message read."""
    url = base.replace("http://", "ws://") + "/v1/ws"
    headers = {"Authorization": f"Bearer {token(sub, role)}"}
    with connect(url, additional_headers=headers, **options) as connection:
        hello = json.loads(connection.recv(PATIENCE))
        assert hello["payload"]["user_id"] == sub, hello
        yield Socket(connection)


@dataclass
class Place:
    """A data folder that processes share."""

    program: Path
    data: Path
    config: dict[str, Any]
    started: list[Process] = field(default_factory=list)

    def start(self, port: str = "0") -> Process:
        process = Process(self.program, self.data, self.config, auth="enabled", port=port)
        self.started.append(process)
        return process

    def run(self, process: Process, user: str) -> str:
        """The id of a finished run of a user."""
        Client(Http(process.base, token("eva", "editor"))).learn("sales")
        asked = {"datasource_id": "sales", "ir": IR}
        reply = Http(process.base, token(user)).send("POST", "/v1/query", asked)
        assert reply.status == 200, reply.body
        run: str = reply.body["run_id"]
        return run

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The control plane, for writing."""
        path = self.data / "air.db"
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as base, base:
            yield base

    def tell(self, channel: str, count: int, size: int = 10) -> int:
        """Events as a process writes them that is killed before it announces them."""
        with contextlib.closing(sqlite3.connect(self.data / "air.db", timeout=PATIENCE)) as base:
            base.isolation_level = None
            base.execute("begin immediate")
            row = base.execute("select last_seq from event_channels where channel = ?", [channel])
            last = (row.fetchone() or (0,))[0]
            payload = json.dumps({"text": "x" * size})
            insert = (
                "insert into events (channel, seq, kind, payload_json, created_at)"
                " values (?, ?, 'progress', ?, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"
            )
            numbers = range(last + 1, last + count + 1)
            base.executemany(insert, [(channel, seq, payload) for seq in numbers])
            upsert = (
                "insert into event_channels values (?, ?)"
                " on conflict (channel) do update set last_seq = excluded.last_seq"
            )
            base.execute(upsert, [channel, last + count])
            base.execute("commit")
        return int(last + count)


@contextlib.contextmanager
def place(
    program: Path, folder: Path, redis: Redis | None = None, **config: Any
) -> Iterator[Place]:
    """A folder with a small source; what was started in it is stopped at the end."""
    data = folder / "data"
    (data / "sales").mkdir(parents=True)
    (data / "sales" / "sales.csv").write_text("shop,amount\nnorth,2\nsouth,3\n")
    source = {"id": "sales", "kind": "files", "base_path": str(data / "sales"), "default": True}
    whole: dict[str, Any] = {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}, "shutdown_grace": "2s"},
        "files": {"base_path": str(data)},
        "analytics_sources": [source],
        **config,
    }
    if redis is not None:
        whole["redis"] = {"enabled": True, "url": redis.url}
    found = Place(program, data, whole)
    try:
        yield found
    finally:
        for process in found.started:
            process.kill()


def ready(process: Process) -> dict[str, Any]:
    """The parts of the service, by name."""
    parts: dict[str, Any] = Http(process.base).send("GET", "/readyz").body["parts"]
    return parts


def figure(process: Process, name: str) -> int:
    """A figure of the service."""
    page = Http(process.base, token("eva", "admin")).send("GET", "/metrics").body.decode()
    (line,) = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return int(line.split()[1])
