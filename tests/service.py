"""The service under test: the `air` program started on the cases' files, and its REST surface.

In: the path of the program. Out: a client that learns a source and runs an IR. This file alone
knows the program's arguments, its configuration and the addresses of its endpoints. Each wait has
a deadline, and a program that does not come up fails the test with what it wrote.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import yaml
from oracle import SAMPLE, SHOP

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = {"flights": SAMPLE, "shop": SHOP}

READY = re.compile(r"^listening on (http://127\.0\.0\.1:\d+)\s*$")
START_SECONDS = 60
STOP_SECONDS = 30
# Learning reads every file once, in a build without optimisation.
REQUEST_SECONDS = 180


@dataclass(frozen=True)
class Reply:
    """A status and the JSON body."""

    status: int
    body: Any


class Transport(Protocol):
    """Whatever carries one request to the service and brings the reply back."""

    def send(self, method: str, target: str, body: Any = None) -> Reply: ...


class Http:
    """Requests to a running service."""

    def __init__(self, base: str) -> None:
        self.base = base

    def send(self, method: str, target: str, body: Any = None) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + target, data=data, method=method)  # noqa: S310
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:  # noqa: S310
                return Reply(response.status, json.load(response))
        except urllib.error.HTTPError as refused:
            with refused:
                return Reply(refused.code, json.load(refused))


class Client:
    """The two calls the answer cases need."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def learn(self, datasource: str) -> None:
        reply = self.transport.send("POST", f"/v1/learn?datasource_id={datasource}")
        if reply.status != 200:
            raise AssertionError(f"learning {datasource} gave {reply.status}: {reply.body}")

    def query(
        self,
        datasource: str,
        ir: dict[str, Any],
        params: dict[str, Any] | None = None,
        now: str | None = None,
    ) -> Reply:
        body: dict[str, Any] = {"datasource_id": datasource, "ir": ir}
        if params is not None:
            body["params"] = params
        if now is not None:
            body["now"] = now
        return self.transport.send("POST", "/v1/query", body)


def write_config(data: Path) -> None:
    """The configuration of a service that knows the cases' sources and nothing else."""
    sources = [
        {"id": name, "kind": "files", "base_path": str(folder), "default": name == "flights"}
        for name, folder in SOURCES.items()
    ]
    config = {"files": {"base_path": str(REPOSITORY)}, "analytics_sources": sources}
    (data / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


@contextlib.contextmanager
def running(program: Path, data: Path) -> Iterator[Client]:
    """Starts the program on a free port with its data in `data`, and stops it at the end."""
    write_config(data)
    errors = data / "stderr.log"
    command = [str(program), "serve", "--data", str(data), "--auth", "disabled", "--port", "0"]
    with errors.open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603
    try:
        yield Client(Http(address(process, errors)))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def address(process: subprocess.Popen[str], errors: Path) -> str:
    """Waits for the line that tells where the service listens."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True).start()
    seen: list[str] = []
    with contextlib.suppress(queue.Empty):
        while (line := lines.get(timeout=START_SECONDS)) is not None:
            if ready := READY.match(line):
                return ready.group(1)
            seen.append(line)
    log = errors.read_text(encoding="utf-8", errors="replace")[-4000:]
    raise AssertionError(f"the service did not come up; it wrote {seen!r} and:\n{log}")


def read_lines(source: IO[str], lines: queue.Queue[str | None]) -> None:
    """Passes lines on until the program closes its output, then a last None."""
    with source:
        for line in source:
            lines.put(line)
    lines.put(None)
