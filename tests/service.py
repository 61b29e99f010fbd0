"""The service under test: the `air` program started on a configuration, and its REST surface.

In: the path of the program. Out: a client that learns a source and runs an IR, or a handle on the
process itself for tests that stop it. This file alone knows the program's arguments and its
configuration. Each wait has a deadline, and a program that does not come up fails the test with
what it wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import yaml
from oracle import SAMPLE, SHOP

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = {"flights": SAMPLE, "shop": SHOP}

READY = re.compile(r"^listening on (http://127\.0\.0\.1:\d+)\s*$")
START_SECONDS = 180
STOP_SECONDS = 90
# Learning reads every file once, in a build without optimisation.
REQUEST_SECONDS = 180


@dataclass(frozen=True)
class Reply:
    """A status, the body (parsed where it is JSON, else as bytes) and the headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Whatever carries one request to the service and brings the reply back."""

    def send(self, method: str, target: str, body: Any = None) -> Reply: ...


class Http:
    """Requests to a running service, with a token where one is given."""

    def __init__(self, base: str, token: str | None = None) -> None:
        self.base = base
        self.token = token

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        return self.exchange(method, target, data, "application/json", headers or {})

    def upload(self, name: str, content: bytes) -> Reply:
        """Uploads a file as the body itself."""
        target = f"/v1/files?name={urllib.parse.quote(name)}"
        return self.exchange("POST", target, content, "application/octet-stream", {})

    def exchange(
        self,
        method: str,
        target: str,
        data: bytes | None,
        media: str,
        headers: Mapping[str, str],
    ) -> Reply:
        request = urllib.request.Request(self.base + target, data=data, method=method)  # noqa: S310
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", media)
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:  # noqa: S310
                return reply(response.status, response.headers, response.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return reply(refused.code, refused.headers, refused.read())


def reply(status: int, headers: Any, body: bytes) -> Reply:
    kind = headers.get("Content-Type") or "application/json"
    whole = "json" in kind and "ndjson" not in kind
    parsed = json.loads(body) if body and whole else body
    return Reply(status, parsed, {name.lower(): value for name, value in headers.items()})


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


def sources_config() -> dict[str, Any]:
    """The configuration of a service that knows the cases' sources and nothing else."""
    sources = [
        {"id": name, "kind": "files", "base_path": str(folder), "default": name == "flights"}
        for name, folder in SOURCES.items()
    ]
    return {"files": {"base_path": str(REPOSITORY)}, "analytics_sources": sources}


def write_config(data: Path, config: dict[str, Any]) -> None:
    (data / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


class Process:
    """The running program: where it listens, and the ways to end it."""

    def __init__(
        self,
        program: Path,
        data: Path,
        config: dict[str, Any],
        *,
        auth: str = "disabled",
        environment: Mapping[str, str] | None = None,
        port: str = "0",
    ) -> None:
        write_config(data, config)
        errors = data / "stderr.log"
        with errors.open("wb") as log:
            self.child = subprocess.Popen(  # noqa: S603
                serve(program, data, auth, port),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        self.pid = self.child.pid
        self.data = data
        try:
            self.base = address(self.child, errors)
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL: nothing can be finished or written any more."""
        self.child.kill()
        self.child.wait(STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and an error where it does not end by itself."""
        self.child.terminate()
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextlib.contextmanager
def serving(
    program: Path,
    data: Path,
    config: dict[str, Any],
    *,
    auth: str = "disabled",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Starts the program on a free port with its data in `data`, and stops it at the end."""
    process = Process(program, data, config, auth=auth, environment=environment)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def running(program: Path, data: Path) -> Iterator[Client]:
    """A client of the program, started on the cases' sources."""
    with serving(program, data, sources_config()) as process:
        yield Client(Http(process.base))


def serve(program: Path, data: Path, auth: str, port: str = "0") -> list[str]:
    """The command that serves `data`, on a free port unless one is named."""
    return [str(program), "serve", "--data", str(data), "--auth", auth, "--port", port]


def mint(program: Path, data: Path, sub: str, role: str, *options: str) -> str:
    """A token, as `air token` makes it from the configuration in `data`."""
    command = [str(program), "token", "--data", str(data), "--sub", sub, "--role", role, *options]
    made = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    if made.returncode != 0:
        raise AssertionError(f"air token ended with {made.returncode}: {made.stderr}")
    return made.stdout.strip()


def address(process: subprocess.Popen[str], errors: Path) -> str:
    """Waits for the line that tells where the service listens."""
    return first_line(process, errors, READY)


def first_line(process: subprocess.Popen[str], errors: Path, wanted: re.Pattern[str]) -> str:
    """Waits for a line that is as it is wanted, and gives its first group."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True).start()
    seen: list[str] = []
    with contextlib.suppress(queue.Empty):
        while (line := lines.get(timeout=START_SECONDS)) is not None:
            if ready := wanted.match(line):
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
