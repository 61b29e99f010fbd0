"""A service beside a scripted model: what the tests of models share.

In: the built program. Out: `World`, a service whose models are a scripted server that speaks their
protocol over HTTP, as the fixture `world`; the rows of the built-in interpreter as `right`; and
what is asked, drafted and heard in all of them. A test says what the model does by
`world.script.set(m_openai=[...])`. No reply of the service may hold the key.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from listening import PATIENCE, Socket
from oracle import SHOP
from scripted_model import Server, drafts, scripted
from service import REPOSITORY, Http, Process, Reply, serving
from websockets.sync.client import connect

KEY = "sk-canary-7f3a9b2c1d8e"
IR: dict[str, Any] = {
    "entities": ["orders"],
    "dimensions": ["channel"],
    "metrics": [{"name": "orders", "agg": "count"}],
}
RIGHT = drafts(IR)
TEXT = json.dumps({"ir": IR, "terms": [{"words": "größe ✈ 注文", "means": "orders"}]})
UNICODE = json.dumps(json.loads(TEXT), ensure_ascii=False)
SQL = "SELECT channel, count(*) AS n FROM orders GROUP BY channel"
QUESTION = "number of orders by channel"
USED = {"openai": "openai:m-openai", "llama3": "llama3:m-llama3", "sqlcoder": "sqlcoder:m-sql"}


def config(base: str, **more: Any) -> dict[str, Any]:
    calls = {
        "connect_timeout": "2s",
        "first_token_timeout": "1500ms",
        "timeout": "4s",
        "retries": 1,
        # The breaker has a test of its own.
        "breaker_failures": 1000,
        "breaker_pause": "1s",
        **more.pop("calls", {}),
    }
    models = {
        "provider": "openai",
        "openai": {"base_url": f"{base}/v1", "model": "m-openai", "api_key": KEY},
        "ollama": {"host": base, "llama3_model": "m-llama3", "sqlcoder_model": "m-sql"},
        "embeddings": {"provider": "builtin"},
        "calls": calls,
        **more,
    }
    sources = [{"id": "shop", "kind": "files", "base_path": str(SHOP), "default": True}]
    return {
        "files": {"base_path": str(REPOSITORY)},
        "analytics_sources": sources,
        "models": models,
        "limits": {"ai_requests_per_minute": 100000},
    }


class World:
    """The service beside a scripted model. Each ask is of another day, so no draft is kept."""

    def __init__(self, process: Process, server: Server, data: Path) -> None:
        self.http = Http(process.base)
        self.server = server
        self.script = server.script
        self.data = data
        self.day = datetime(2014, 1, 1, tzinfo=UTC)

    def send(self, method: str, target: str, body: Any = None) -> Reply:
        reply = self.http.send(method, target, body)
        assert KEY not in f"{reply.body!r} {reply.headers}", target
        return reply

    def ask(self, question: str = QUESTION, **more: Any) -> Any:
        self.day += timedelta(days=1)
        body = {"question": question, "datasource_id": "shop", "now": self.day.isoformat(), **more}
        reply = self.send("POST", "/v1/ask", body)
        assert reply.status == 200, reply.body
        return reply.body

    def metrics(self) -> dict[str, float]:
        page = self.send("GET", "/metrics").body.decode()
        lines = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}


@pytest.fixture(scope="module")
def world(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("models")
    with scripted() as server, serving(program, data, config(server.base)) as process:
        found = World(process, server, data)
        assert found.send("POST", "/v1/learn?datasource_id=shop").status == 200
        yield found


def rows(answer: Any) -> list[tuple[Any, ...]]:
    assert answer["state"] == "answer", answer
    return sorted(tuple(row.values()) for row in answer["result"]["rows"])


@pytest.fixture(scope="module")
def right(world: World) -> list[tuple[Any, ...]]:
    """What the built-in interpreter answers, without any model."""
    found = rows(world.ask(provider="builtin"))
    assert len(found) > 2
    assert world.script.asked == []
    return found


def analyze(world: World, run: str, **more: Any) -> Reply:
    return world.send("POST", f"/v1/runs/{run}/analyze", more or None)


@contextlib.contextmanager
def hearing(world: World, channel: str) -> Iterator[Socket]:
    """A socket that listens to one channel from now on."""
    url = world.http.base.replace("http://", "ws://") + "/v1/ws"
    with connect(url) as connection:
        connection.recv(PATIENCE)
        socket = Socket(connection)
        socket.subscribe(channel)
        yield socket


def pieces(socket: Socket) -> list[tuple[str, str]]:
    """Parts and contents up to the end of one answer, in their order."""
    while not socket.heard or socket.heard[-1]["type"] != "ai_complete":
        socket.read()
    told = [event["payload"] for event in socket.heard if event["type"] == "ai_stream"]
    assert [piece["index"] for piece in told] == list(range(len(told)))
    return [(piece["part"], piece["content"]) for piece in told]
