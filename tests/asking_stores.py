"""What the tests of stores ask of the service: sources in stores, learning, counting, health."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service import Client, Http, Reply, serving

OPEN = {"skip_signature": True, "allow_http": True}


def source(name: str, base_path: str, **store: Any) -> dict[str, Any]:
    found = {"id": name, "kind": "files", "base_path": base_path}
    return {**found, "store": store} if store else found


def in_s3(name: str, server: str, path: str, **store: Any) -> dict[str, Any]:
    return source(name, f"s3://{path}", endpoint=server, **{**OPEN, **store})


def config(base: Path, *sources: dict[str, Any]) -> dict[str, Any]:
    return {
        "files": {"base_path": str(base)},
        "analytics_sources": list(sources),
        "execution": {"query_timeout": "120s"},
        "limits": {"request": "150s"},
    }


@contextlib.contextmanager
def asking(
    program: Path, data: Path, settings: dict[str, Any], **environment: str
) -> Iterator[Client]:
    data.mkdir(parents=True, exist_ok=True)
    with serving(program, data, settings, environment=environment) as process:
        yield Client(Http(process.base))


def counted(client: Client, name: str, table: str) -> Reply:
    ir = {"entities": [table], "metrics": [{"name": "n", "agg": "count"}]}
    return client.query(name, ir)


def rows(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    return [list(row.values()) for row in reply.body["rows"]]


def learned(client: Client, name: str) -> Reply:
    return client.transport.send("POST", f"/v1/learn?datasource_id={name}")


def health(client: Client, name: str) -> dict[str, Any]:
    reply = client.transport.send("POST", f"/v1/datasources/{name}/health")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.body
    return found
