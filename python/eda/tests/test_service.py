"""The service as AIR sees it: its contract, its errors, files, logs and figures."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from running import ARROW, EDA, JSON, SECRET, Service, stream

from air_eda.app import make
from air_eda.contract import OPERATIONS, EdaHealth, Problem
from air_eda.settings import Settings
from air_eda.signed import SignedRequests

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
PROFILE = "/internal/v1/profile"


def problem(reply: Any, status: int, code: str) -> Problem:
    assert reply.status == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(reply.text)
    assert (found.status, found.code) == (status, code), found
    assert reply.headers["x-request-id"] == found.request_id
    return found


def test_the_routes_are_those_of_the_contract(tmp_path: Path) -> None:
    whole = make(Settings(SECRET.encode(), None, tmp_path))
    assert isinstance(whole, SignedRequests)
    assert isinstance(whole.app, FastAPI)
    routes = {(m, getattr(r, "path", "")) for r in whole.app.routes for m in methods(r)}
    assert routes == {(method, path) for method, path, _ in OPERATIONS}


def test_it_tells_the_port_it_took_and_ends_with_its_parent(tmp_path: Path) -> None:
    arguments = ["--port", "0", "--tell-port", "--until-stdin-closes", "--state", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "air_eda", "serve", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AIR__PYTHON__AUTH_SHARED_SECRET": SECRET, "PYTHONPATH": str(EDA)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        word, port = process.stdout.readline().split()
        assert word == b"port"
        # Whoever asks before it is ready waits for it.
        service = Service(int(port), process, tmp_path, tmp_path)
        assert service.health()["status"] in ("ok", "degraded")
    finally:
        process.stdin.close()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--port", port, "--tell-port", "--state", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-m", "air_eda", "serve", *arguments],
            capture_output=True,
            env={**os.environ, "AIR__PYTHON__AUTH_SHARED_SECRET": SECRET, "PYTHONPATH": str(EDA)},
            timeout=60,
        )
    assert done.returncode == 2
    assert b"cannot be listened on" in done.stderr


def methods(route: object) -> set[str]:
    return set(getattr(route, "methods", None) or ())


def test_health(service: Service) -> None:
    service.wait_for_idle(2)
    found = EdaHealth.model_validate(service.health())
    assert found.status == "ok"
    assert (found.workers.size, found.limits.memory_mb) == (2, 2048)
    assert found.limits.seconds == pytest.approx(81.0)
    assert "polars" in found.libraries


def test_metrics(service: Service) -> None:
    service.ask("profile", TABLE)
    reply = service.send("GET", "/internal/v1/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = reply.text.splitlines()
    start = 'air_eda_requests_total{operation="profile",status="200"}'
    (counted,) = [line for line in lines if line.startswith(start)]
    assert int(counted.rpartition(" ")[2]) >= 1
    names = {x.split("{")[0].split(" ")[0] for x in lines if not x.startswith("#")}
    told = {x.split(" ")[2] for x in lines if x.startswith("# TYPE")}
    assert names == told


def test_a_request_id_is_taken_over(service: Service) -> None:
    given = "req_" + "ab" * 16
    headers = {"X-Request-Id": given}
    reply = service.raw("GET", "/internal/v1/health", b"", headers)
    assert problem(reply, 401, "unauthorized").request_id == given


def test_no_such_path_and_no_such_method(service: Service) -> None:
    problem(service.send("GET", "/internal/v1/none"), 404, "not_found")
    problem(service.send("GET", "/docs"), 404, "not_found")
    problem(service.send("GET", "/openapi.json"), 404, "not_found")
    reply = service.send("GET", PROFILE)
    problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("media", ["text/csv", "", "application/x-www-form-urlencoded"])
def test_another_media_type(service: Service, media: str) -> None:
    problem(service.send("POST", PROFILE, b"x", media), 415, "unsupported_media_type")


@pytest.mark.parametrize("cut", [0, 3, 40, 200, -10])
def test_what_is_no_arrow_stream(service: Service, cut: int) -> None:
    body = stream(TABLE, {})[:cut]
    problem(service.send("POST", PROFILE, body), 400, "bad_request")


def test_broken_arrow_streams_end_no_worker(service: Service) -> None:
    """Any byte may be wrong: the answer is an answer."""
    service.wait_for_idle(2)
    before = service.health()["workers"]["replaced"]
    rng = np.random.default_rng(1)
    body = bytearray(stream(TABLE, {}))
    for _ in range(150):
        broken = bytearray(body)
        for place in rng.integers(8, len(body), 3):
            broken[place] = int(rng.integers(0, 256))
        reply = service.send("POST", PROFILE, bytes(broken))
        assert reply.status in (200, 400, 413, 422), reply.text
    assert service.health()["workers"]["replaced"] == before


def test_what_is_no_request(service: Service) -> None:
    problem(service.send("POST", PROFILE, b"{", JSON), 400, "bad_request")
    problem(service.send("POST", PROFILE, b"\xff\xfe", JSON), 400, "bad_request")
    found = problem(service.file("profile"), 422, "invalid")
    assert found.errors is not None
    assert found.errors[0].pointer == "/path"
    problem(service.ask("profile", TABLE, path="x.csv"), 422, "invalid")


def test_every_error_of_a_request_at_once(service: Service) -> None:
    reply = service.ask("profile", TABLE, seed="x", histogram_bins=0, nothing=1, columns=None)
    found = problem(reply, 422, "invalid")
    assert {(e.pointer, e.code) for e in found.errors or []} >= {
        ("/seed", "bad_type"),
        ("/histogram_bins", "bad_value"),
        ("/nothing", "unknown_field"),
        ("/columns", "bad_value"),
    }


def test_columns_that_do_not_exist_or_come_twice(service: Service) -> None:
    found = problem(service.ask("profile", TABLE, columns=["a", "z"]), 422, "invalid")
    assert [(e.pointer, e.code) for e in found.errors or []] == [("/columns/1", "unknown_column")]
    found = problem(service.ask("profile", TABLE, columns=["a", "a"]), 422, "invalid")
    assert [(e.pointer, e.code) for e in found.errors or []] == [("/columns/1", "duplicate_name")]
    problem(service.ask("trends", TABLE, time="z"), 422, "invalid")
    problem(service.ask("trends", TABLE, time="b"), 422, "invalid")
    problem(service.ask("trends", TABLE), 422, "invalid")


def test_two_columns_of_one_name(service: Service) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    problem(service.ask("profile", table), 422, "invalid")


def test_too_many_columns(service: Service) -> None:
    table = pa.table({f"c{i}": [1] for i in range(10_001)})
    problem(service.ask("infer", table), 413, "payload_too_large")


def test_compressed_streams_and_several_batches(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    table = pa.table({"a": range(10_000)})
    for codec in ("lz4", "zstd", None):
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with pa.ipc.new_stream(path, table.schema, options=options) as writer:
            for batch in table.to_batches(max_chunksize=999):
                writer.write_batch(batch)
        reply = service.send("POST", PROFILE, path.read_bytes())
        assert reply.body["columns"][0]["figures"]["sum"]["value"] == 49_995_000


@pytest.fixture(scope="module")
def folder(files: Path) -> Path:
    inside = files / "inside"
    inside.mkdir()
    pq.write_table(TABLE, inside / "t.parquet")
    feather.write_feather(TABLE, str(inside / "t.arrow"), compression="uncompressed")
    (inside / "t.csv").write_text("a,b\n1,x\n2,y\n3,\n")
    (inside / "t.jsonl").write_text('{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n{"a":3,"b":null}\n')
    (inside / "stream.ipc").write_bytes(stream(TABLE, {}))
    (inside / "plain").write_text("a,b\n1,x\n2,y\n3,\n")
    (inside / "link.csv").symlink_to(inside / "t.csv")
    (files / "linked").symlink_to(inside)
    os.mkfifo(inside / "pipe.csv")
    (inside / "folder.csv").mkdir()
    (files.parent / "outside.csv").write_text("a\n1\n")
    return inside


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.csv", "t.jsonl", "stream.ipc"])
def test_files_are_read_alike(service: Service, folder: Path, name: str) -> None:
    assert (folder / name).exists()
    reply = service.file("profile", path=f"inside/{name}")
    assert reply.status == 200, reply.text
    a, b = reply.body["columns"]
    assert (a["type"], a["figures"]["sum"]["value"]) == ("integer", 6)
    assert (b["type"], b["figures"]["nulls"]["value"]) == ("text", 1)


def test_a_format_can_be_named(service: Service, folder: Path) -> None:
    assert (folder / "plain").exists()
    problem(service.file("profile", path="inside/plain"), 422, "invalid")
    assert service.file("profile", path="inside/plain", format="csv").status == 200
    problem(service.file("profile", path="inside/t.csv", format="parquet"), 422, "source_error")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("../outside.csv", 403, "forbidden"),
        ("inside/../../outside.csv", 403, "forbidden"),
        ("/etc/passwd", 403, "forbidden"),
        ("./inside/t.csv", 403, "forbidden"),
        ("inside//t.csv", 403, "forbidden"),
        ("inside/t.csv/", 403, "forbidden"),
        ("inside/link.csv", 403, "forbidden"),
        ("linked/t.csv", 403, "forbidden"),
        ("inside/pipe.csv", 403, "forbidden"),
        ("inside/folder.csv", 403, "forbidden"),
        ("inside/t.csv/t.csv", 403, "forbidden"),
        ("inside/\0.csv", 403, "forbidden"),
        ("inside/none.csv", 404, "not_found"),
        ("inside/" + "x" * 300 + ".csv", 404, "not_found"),
    ],
)
def test_paths_stay_inside(
    service: Service, folder: Path, path: str, status: int, code: str
) -> None:
    assert folder.exists()
    problem(service.file("profile", path=path, format="csv"), status, code)
    if code == "forbidden":
        request = {"previous_path": path, "previous_format": "csv"}
        problem(service.ask("drift", TABLE, **request), status, code)


def test_files_that_cannot_be_read(service: Service, files: Path) -> None:
    (files / "empty.csv").write_text("")
    (files / "cut.parquet").write_bytes(b"PAR1" + b"x" * 50)
    (files / "bad.jsonl").write_text("{]\n")
    (files / "bytes.csv").write_bytes(b"a\n\xff\xfe\n")
    (files / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    for name in ("empty.csv", "cut.parquet", "bad.jsonl", "bytes.csv", "ragged.csv"):
        problem(service.file("profile", path=name), 422, "source_error")


def test_a_parquet_file_whose_pages_are_broken(service: Service, files: Path) -> None:
    path = files / "pages.parquet"
    table = pa.table({"a": np.random.default_rng(0).normal(size=20_000)})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[200:60_000] = bytes(59_800)
    path.write_bytes(data)
    problem(service.file("profile", path="pages.parquet"), 422, "source_error")


def test_a_csv_of_very_many_columns(service: Service, files: Path) -> None:
    (files / "wide.csv").write_text(",".join(f"c{i}" for i in range(200_000)) + "\n")
    problem(service.file("infer", path="wide.csv"), 413, "payload_too_large")


def test_compressed_text_is_refused_or_read(service: Service, files: Path) -> None:
    with gzip.open(files / "packed.csv", "wb") as out:
        out.write(b"a\n1\n2\n")
    reply = service.file("profile", path="packed.csv")
    assert reply.status in (200, 422)


def test_drift_against_a_file(service: Service, folder: Path) -> None:
    assert (folder / "t.parquet").exists()
    reply = service.ask("drift", TABLE, previous_path="inside/t.parquet")
    assert reply.status == 200, reply.text
    assert reply.body["previous_rows"] == 3


def test_logs_hold_no_values_names_or_paths(service: Service, files: Path) -> None:
    (files / "hush-path.csv").write_text("hush-column\nhush-value\n")
    service.file("profile", path="hush-path.csv")
    service.ask("profile", pa.table({"hush-column": ["hush-value"]}), columns=["hush-none"])
    service.send("POST", PROFILE, b"hush-body")
    service.ask("validate", TABLE, rules=[{"check": "hush-check"}])
    assert "hush" not in service.log.read_text()
    lines = service.lines()
    answered = [line for line in lines if line["message"] == "answered"]
    assert {"request_id", "operation", "status", "duration_ms", "timestamp"} <= answered[-1].keys()


def test_several_at_once(service: Service) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(i: int) -> float:
        reply = service.ask("profile", pa.table({"x": [i, i + 2]}))
        return float(reply.body["columns"][0]["figures"]["mean"]["value"])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(16))) == [i + 1 for i in range(16)]


def test_requests_beyond_what_may_wait(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from running import serving

    settings = {"AIR_EDA_WAITING": "0", "AIR__PYTHON__RESOURCE_LIMITS__WORKERS": "1"}
    table = pa.table({"x": np.random.default_rng(0).normal(size=300_000)})
    with serving(tmp_path, **settings) as alone, ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: alone.ask("profile", table), range(8)))
        statuses = {r.status for r in replies}
        assert statuses == {200, 503}
        assert all("retry-after" in r.headers for r in replies if r.status == 503)
        assert alone.ask("profile", TABLE).status == 200


def test_every_operation_over_the_wire(service: Service) -> None:
    days = pa.array(np.arange(40, dtype=np.int32)).cast(pa.date32())
    table = pa.table({"at": days, "x": np.arange(40.0), "g": ["a", "b"] * 20})
    previous = service.ask("profile", table).body
    requests: dict[str, dict[str, Any]] = {
        "infer": {},
        "profile": {},
        "correlations": {},
        "outliers": {},
        "trends": {"time": "at"},
        "drift": {"previous": previous},
        "validate": {"rules": [{"check": "row_count", "min": 1}]},
    }
    posts = {path.rpartition("/")[2] for method, path, _ in OPERATIONS if method == "POST"}
    assert set(requests) == posts
    for operation, request in requests.items():
        reply = service.ask(operation, table, **request)
        assert reply.status == 200, reply.text
        assert reply.body["rows"] == 40
        assert reply.body["report_md"].startswith("## ")


def test_the_request_of_a_stream_is_optional(service: Service) -> None:
    reply = service.send("POST", PROFILE, stream(TABLE), ARROW)
    assert reply.status == 200
    assert json.loads(reply.text)["rows"] == 3
