"""A service of its own for a test, and a client that signs."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from air_eda.signature import sign

SECRET = "only-for-tests-only-for-tests-32"
ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
EDA = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Service:
    port: int
    process: subprocess.Popen[bytes]
    state: Path
    log: Path
    secret: bytes = field(default=SECRET.encode())

    def raw(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            found = {k.lower(): v for k, v in answer.getheaders()}
            return Reply(answer.status, found, answer.read().decode())
        finally:
            connection.close()

    def send(self, method: str, target: str, body: bytes = b"", media: str = ARROW) -> Reply:
        headers = {"Content-Type": media, **sign(self.secret, method, target, body)}
        return self.raw(method, target, body, headers)

    def ask(self, operation: str, table: Any, **request: object) -> Reply:
        return self.send("POST", f"/internal/v1/{operation}", stream(table, request))

    def file(self, operation: str, **request: object) -> Reply:
        return self.send("POST", f"/internal/v1/{operation}", json.dumps(request).encode(), JSON)

    def health(self) -> Any:
        return self.send("GET", "/internal/v1/health").body

    def wait_for_idle(self, least: int = 1) -> None:
        until(lambda: self.health()["workers"]["idle"] >= least, "no worker became idle")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line]


def stream(table: Any, request: dict[str, object] | None = None) -> bytes:
    """An Arrow IPC stream whose schema carries the request."""
    if request is not None:
        table = table.replace_schema_metadata({b"air.request": json.dumps(request).encode()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def until(holds: Any, otherwise: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def command(state: Path, port: int) -> list[str]:
    return [
        sys.executable,
        *("-m", "air_eda", "serve", "--port", str(port), "--state", str(state)),
    ]


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    """Runs the service with these environment variables until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "log.jsonl"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("AIR")},
        "AIR__PYTHON__AUTH_SHARED_SECRET": SECRET,
        "PYTHONPATH": str(EDA),
        **settings,
    }
    with log.open("ab") as out:
        process = subprocess.Popen(
            command(folder / "state", port), stderr=out, stdout=out, env=environment
        )
    service = Service(port, process, folder / "state", log)
    try:
        until(lambda: answers(service), "the service did not start")
        service.wait_for_idle()
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def answers(service: Service) -> bool:
    assert service.process.poll() is None, service.log.read_text()[-2000:]
    try:
        return service.send("GET", "/internal/v1/health").status == 200
    except OSError:
        return False
