"""The whole contract against the live service, by a tool that makes up requests from it.

Schemathesis sends what the contract allows and what it forbids, and checks every answer: no 5xx,
no status, header, content type or body that the contract does not say, nothing taken that it
forbids, nothing shown without a token. It is deterministic, and the number of requests is fixed,
so that a failure comes again. Ids that exist are given to it, or it would see 404 only. The data
are a part of the sample: the tool has them learned again and again, and nobody looks at figures.
"""

from __future__ import annotations

import gzip
import itertools
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle import SAMPLE, SHOP
from service import Client, Http, Reply, mint, serving

SECRET = "only-for-tests-" * 5
EXAMPLES = 15
REQUEST_SECONDS = 300
RUN_SECONDS = 1800
# Of each of the large tables.
ROWS = 2_000
# The tool says more in a minute than a person would.
LIMITS = {"limits": {"messages_per_minute": 100_000, "ai_requests_per_minute": 100_000}}


IR = {"entities": ["flights"], "metrics": [{"name": "flights", "agg": "count"}]}

# What JSON Schema cannot say (an IR's names, cursors, the version an If-Match means) is 422 or 412
# although the schema is met; and a wrong If-Match may be found wrong by its value first, 412.
# No answer is judged by the time it took, on a busy machine least of all.
CHECKS = f"""
[checks]
max_response_time = {REQUEST_SECONDS}
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 422, 428]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428]
# To delete a job is to cancel it: it stays, and says so.
[[operations]]
include-name = "GET /v1/jobs/{id}"
checks.use_after_free.enabled = false
"""


def furnish(http: Http) -> dict[str, dict[str, str]]:
    """Makes one of everything; gives the path parameters under which each operation finds it.

    What would change what the others need gets a thing of its own; what would take one away is
    left to the tool, which removes what it made.
    """
    Client(http).learn("flights")
    spare = {"id": "changed", "kind": "files", "base_path": "shop"}
    made(http.send("POST", "/v1/datasources", spare))
    scope = made(http.send("POST", "/v1/scopes", {"scope_md": "# Question\n\nHow many?\n"}))
    made(http.send("POST", "/v1/reports", {"key": "kept", "title": "Kept"}))
    version = {"datasource_id": "flights", "def": {"version": "1", "ir": IR}}
    made(http.send("POST", "/v1/reports/kept/versions", version))
    run = made(http.send("POST", "/v1/reports/kept/run", {}))
    room, said = chat(http)
    session = learning_session(http)
    file = made(http.upload("kept.csv", b"id,kwh\n1,2.5\n"))["items"][0]
    source, kept = {"datasource_id": "flights"}, {"key": "kept"}
    return {
        "GET /v1/learning-sessions/{id}": {"id": session},
        "POST /v1/learning-sessions/{id}/messages": {"id": session},
        "POST /v1/learning-sessions/{id}/publish": {"id": session},
        "GET /v1/endpoints/{slug}": {"slug": "kept-endpoint"},
        "GET /v1/chat/rooms/{room}": {"room": room},
        "GET /v1/chat/rooms/{room}/messages": {"room": room},
        "POST /v1/chat/rooms/{room}/messages": {"room": room},
        "POST /v1/chat/rooms/{room}/messages/{id}/report": {"room": room, "id": said},
        "POST /v1/chat/rooms/{room}/members": {"room": room},
        "GET /v1/chat/rooms/{room}/presence": {"room": room},
        "GET /v1/files/{id}": {"id": file["id"]},
        "GET /v1/scopes/{id}/diff": {"id": scope["id"]},
        "GET /v1/datasources/{id}": {"id": "flights"},
        "PATCH /v1/datasources/{id}": {"id": "changed"},
        "POST /v1/datasources/{id}/health": {"id": "flights"},
        "GET /v1/schema/{datasource_id}": source,
        "GET /v1/catalog/{datasource_id}": source,
        "PATCH /v1/catalog/{datasource_id}": source,
        "GET /v1/scopes/{id}": {"id": scope["id"]},
        "POST /v1/scopes/{id}/version": {"id": scope["id"]},
        "GET /v1/reports/{key}": kept,
        "GET /v1/reports/{key}/versions": kept,
        "POST /v1/reports/{key}/versions": kept,
        "POST /v1/reports/{key}/run": kept,
        "GET /v1/reports/{key}/runs": kept,
        "GET /v1/reports/{key}/export": kept,
        "GET /v1/runs/{id}": {"id": run["run_id"]},
        "DELETE /v1/runs/{id}": {"id": run["run_id"]},
        "GET /v1/runs/{id}/rows": {"id": run["run_id"]},
    }


def chat(http: Http) -> tuple[str, str]:
    """A room, and an answer in it."""
    room = made(http.send("POST", "/v1/chat/rooms", {"id": "kept", "datasource_id": "flights"}))
    path = f"/v1/chat/rooms/{room['id']}/messages"
    made(http.send("POST", path, {"content": "@air number of flights by origin"}))
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        newest = http.send("GET", path).body["items"][0]
        if newest["type"] == "ai":
            return room["id"], newest["message_id"]
        time.sleep(0.1)
    raise AssertionError("the question was not answered")


def learning_session(http: Http) -> str:
    """A session on an uploaded file, and an endpoint of it."""
    rows = b"id,region\n1,north\n2,south\n3,north\n"
    file = made(http.upload("sales.csv", rows))["items"][0]["id"]
    session = made(http.send("POST", "/v1/learning-sessions", {"file_ids": [file]}))["id"]
    path = f"/v1/learning-sessions/{session}"
    made(http.send("POST", f"{path}/messages", {"text": "number of sales by region"}))
    params = [{"name": "region", "type": "text"}]
    made(http.send("POST", f"{path}/publish", {"slug": "kept-endpoint", "params": params}))
    return str(session)


def made(reply: Reply) -> Any:
    assert reply.status in (200, 201), reply.body
    return reply.body


def settings(parameters: dict[str, dict[str, str]]) -> str:
    """The tool's configuration: what it may be answered, and values for path parameters."""
    lines = [CHECKS]
    for operation, values in parameters.items():
        lines += ["[[operations]]", f'include-name = "{operation}"', "[operations.parameters]"]
        lines += [f'"path.{name}" = "{value}"' for name, value in values.items()]
    return "\n".join(lines) + "\n"


def check(http: Http, folder: Path, *options: str) -> None:
    """Runs the tool; what it found is the message of the failure."""
    (folder / "schemathesis.toml").write_text(settings(furnish(http)), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{http.base}/openapi.yaml",
        f"--max-examples={EXAMPLES}",
        "--checks=all",
        "--generation-deterministic",
        "--continue-on-failure",
        "--no-color",
        # Learning on a busy machine takes longer than the tool waits by itself.
        f"--request-timeout={REQUEST_SECONDS}",
        *options,
    ]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The configuration of a service that knows a part of the sample, and the shop beside it."""
    files = tmp_path_factory.mktemp("contract")
    large = shutil.ignore_patterns("flights.parquet", "weather.jsonl.gz")
    shutil.copytree(SAMPLE, files / "flights", ignore=large)
    shutil.copytree(SHOP, files / "shop")
    with duckdb.connect() as connection:
        some = f"from '{SAMPLE}/flights.parquet' limit {ROWS}"
        connection.execute(f"copy ({some}) to '{files}/flights/flights.parquet'")
    with (
        gzip.open(SAMPLE / "weather.jsonl.gz", "rb") as whole,
        gzip.open(files / "flights" / "weather.jsonl.gz", "wb") as part,
    ):
        part.writelines(itertools.islice(whole, ROWS))
    known = [
        {"id": name, "kind": "files", "base_path": str(files / name), "default": name == "flights"}
        for name in ("flights", "shop")
    ]
    return {"files": {"base_path": str(files)}, "analytics_sources": known, **LIMITS}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_without_authentication(
    program: Path, sources: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    with serving(program, data, sources) as process:
        http = Http(process.base)
        # Without authentication a request without a token is taken, which is the point of it.
        without = ["--exclude-checks=ignored_auth,missing_required_header"]
        check(http, tmp_path, *without, "--generation-with-security-parameters=false")
        assert http.send("GET", "/healthz").status == 200


def test_with_tokens(program: Path, sources: dict[str, Any], data: Path, tmp_path: Path) -> None:
    config = sources | {"server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}}}
    with serving(program, data, config, auth="enabled") as process:
        http = Http(process.base, mint(program, data, "ana", "admin"))
        check(http, tmp_path, f"--header=Authorization: Bearer {http.token}")
        assert http.send("GET", "/healthz").status == 200
