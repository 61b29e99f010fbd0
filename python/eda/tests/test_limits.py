"""A request over a limit ends with 413 or 504, its worker is replaced, and the next request works.

Ten in a row each. The small request after each is served by the workers that are left, or by the
one that took the place.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running import ARROW, Service, serving, stream, until

from air_eda.signature import sign

SMALL = pa.table({"a": [1, 2, 3]})
TIMES = 10


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(5)
    many = pa.table({"a": rng.normal(size=3_000_000)})
    pq.write_table(many, folder / "large.parquet", compression="none", use_dictionary=False)
    wide = pa.table({f"c{i}": rng.normal(size=100_000) for i in range(50)})
    pq.write_table(wide, folder / "wide.parquet", compression="none", use_dictionary=False)
    return folder


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Service]:
    settings = {
        "AIR__FILES__BASE_PATH": str(files),
        "AIR__PYTHON__RESOURCE_LIMITS__MEMORY_MB": "64",
        "AIR__PYTHON__TIMEOUT": "30s",
        "AIR_EDA_MAX_BODY_MB": "1",
    }
    with serving(tmp_path_factory.mktemp("limited"), **settings) as service:
        yield service


def small_works(service: Service) -> None:
    reply = service.ask("profile", SMALL)
    assert reply.status == 200, reply.text
    assert reply.body["columns"][0]["figures"]["mean"]["value"] == 2.0


def test_memory(limited: Service) -> None:
    before = limited.health()["workers"]["replaced"]
    for _ in range(TIMES):
        reply = limited.file("profile", path="large.parquet")
        assert (reply.status, reply.body["code"]) == (413, "payload_too_large"), reply.text
        assert "memory" in reply.body["detail"]
        small_works(limited)
    until(lambda: limited.health()["workers"]["idle"] == 2, "the workers were not replaced")
    assert limited.health()["workers"]["replaced"] - before == TIMES


def test_rows(tmp_path: Path) -> None:
    with serving(tmp_path, AIR_EDA_MAX_ROWS="1000", AIR__FILES__BASE_PATH=str(tmp_path)) as service:
        many = pa.table({"a": range(1001)})
        pq.write_table(many, tmp_path / "many.parquet")
        (tmp_path / "many.csv").write_text("a\n" + "1\n" * 1001)
        (tmp_path / "many.jsonl").write_text('{"a":1}\n' * 1001)
        for _ in range(TIMES):
            replies = [service.ask("profile", many)]
            replies += [
                service.file("profile", path=f"many.{end}") for end in ("parquet", "csv", "jsonl")
            ]
            for reply in replies:
                assert (reply.status, reply.body["code"]) == (413, "payload_too_large")
                assert "1000 rows" in reply.body["detail"]
            assert service.ask("profile", many.slice(1)).status == 200
        # No work was done, so no worker had to go.
        assert service.health()["workers"]["replaced"] == 0


def test_time(tmp_path: Path, files: Path) -> None:
    settings = {"AIR__FILES__BASE_PATH": str(files), "AIR__PYTHON__TIMEOUT": "2s"}
    with serving(tmp_path, **settings) as service:
        for _ in range(TIMES):
            reply = service.file("correlations", path="wide.parquet")
            assert (reply.status, reply.body["code"]) == (504, "timeout"), reply.text
            # Its place is taken by a new one, which may take its time.
            until(lambda: service.ask("profile", SMALL).status == 200, "it did not recover")
        until(lambda: service.health()["workers"]["idle"] == 2, "the workers were not replaced")
        assert service.health()["workers"]["replaced"] >= TIMES


def test_the_body(limited: Service) -> None:
    target, body = "/internal/v1/profile", b"x" * (1 << 20) + b"x"
    for _ in range(TIMES):
        reply = limited.send("POST", target, body)
        assert (reply.status, reply.body["code"]) == (413, "payload_too_large")
    small_works(limited)


def test_a_body_without_a_length_is_counted_too(limited: Service) -> None:
    """In chunks: nothing says beforehand that it is too long."""
    headers = "".join(
        f"{k}: {v}\r\n" for k, v in sign(limited.secret, "POST", "/internal/v1/profile").items()
    )
    head = f"POST /internal/v1/profile HTTP/1.1\r\nHost: x\r\n{headers}"
    with socket.create_connection(("127.0.0.1", limited.port), timeout=30) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        answer = b""
        try:
            for _ in range(40):
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            pass
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    small_works(limited)


def test_a_worker_that_is_killed_is_replaced(limited: Service) -> None:
    limited.wait_for_idle(2)
    for _ in range(3):
        for child in children(limited.process.pid):
            os.kill(child, signal.SIGKILL)
        # At worst the request met one that was just dying; it is told to come again.
        first = limited.ask("profile", SMALL)
        assert first.status in (200, 503), first.text
        until(lambda: limited.ask("profile", SMALL).status == 200, "it did not recover")


def test_a_caller_that_goes_away_frees_the_worker(tmp_path: Path, files: Path) -> None:
    settings = {
        "AIR__FILES__BASE_PATH": str(files),
        "AIR__PYTHON__RESOURCE_LIMITS__WORKERS": "1",
        "AIR__PYTHON__TIMEOUT": "600s",
    }
    body = b'{"path":"wide.parquet"}'
    with serving(tmp_path, **settings) as service:
        target = "/internal/v1/correlations"
        headers = {**sign(service.secret, "POST", target, body), "Content-Length": str(len(body))}
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
            text = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}"
            connection.sendall(text.encode() + b"\r\n" + body)
            until(lambda: service.health()["workers"]["busy"] == 1, "it did not start")
        until(lambda: service.health()["workers"]["busy"] == 0, "it went on for no one")
        assert service.health()["workers"]["replaced"] == 1
        small_works(service)


def test_nothing_is_left_behind(limited: Service, files: Path) -> None:
    """Bodies, and what text files become, lie in files without a name, and are let go."""
    limited.wait_for_idle(2)
    (files / "small.csv").write_text("a,b\n1,x\n2,y\n")
    (files / "wrong.jsonl").write_text("{]\n")
    body = stream(SMALL, {})
    for _ in range(4):
        limited.send("POST", "/internal/v1/profile", body)
        limited.send("POST", "/internal/v1/profile", body[:100])
        limited.raw("POST", "/internal/v1/profile", body, {"Content-Type": ARROW})
        assert limited.file("profile", path="small.csv").status == 200
        assert limited.file("infer", path="wrong.jsonl").status == 422
        assert limited.file("infer", path="none.csv").status == 404
    left = {p.name.split("-")[0] for p in limited.state.iterdir()}
    assert left == {"nonces.sqlite"}
    processes = [limited.process.pid, *children(limited.process.pid)]
    until(lambda: not any(held(p) for p in processes), "a file stays open or mapped")


def held(pid: int) -> list[str]:
    """Files that a process has open or mapped, and that are no longer there or are our data."""
    opened = [target(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    mapped = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [f for f in opened + mapped if ("/state/" in f and "deleted" in f) or "small.csv" in f]


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_workers_end_with_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.wait_for_idle(2)
        workers = children(service.process.pid)
        assert len(workers) == 2
        service.process.kill()
        service.process.wait()
        until(lambda: not any(Path(f"/proc/{w}/cmdline").exists() for w in workers), "one stayed")


def children(pid: int) -> list[int]:
    """The workers of a service."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return [int(c) for c in found]
        time.sleep(0.05)
    return []
