"""Learning sessions from outside: two users, a kill between, refining, versions, wrong parameters.

The figures are held against DuckDB over the same two files.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
from service import Http, Process, Reply, mint, serving

SECONDS = 180
SECRET = "only-for-tests-" * 5
CONFIG: dict[str, Any] = {
    "files": {"base_path": "files"},
    "server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}},
    "models": {"embeddings": {"provider": "builtin"}},
}
CHANNELS = ("web", "shop", "phone")
ALL = "SELECT region, sum(amount) FROM sales JOIN stores USING (store) {} GROUP BY 1 ORDER BY 1"


def sales() -> str:
    lines = ["sale_id,sold_at,store,channel,amount"]
    for i in range(1, 241):
        day = f"2024-{i % 12 + 1:02}-{i * 7 % 28 + 1:02}T10:00:00Z"
        lines.append(f"{i},{day},S{i * 5 % 12 + 1},{CHANNELS[i // 3 % 3]},{i * 37 % 400 + 0.25}")
    return "\n".join(lines) + "\n"


def stores() -> str:
    regions = ("north", "south", "west")
    rows = ({"store": f"S{n}", "region": regions[n % 3], "m2": n * 61 % 700} for n in range(1, 13))
    return "".join(json.dumps(row) + "\n" for row in rows)


@dataclass
class Place:
    """The files as an independent tool reads them, and the folder of the service."""

    data: Path
    duck: duckdb.DuckDBPyConnection

    def rows(self, where: str = "") -> list[tuple[str, float]]:
        return self.duck.execute(ALL.format(where)).fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    data = tmp_path / "data"
    (data / "files").mkdir(parents=True)
    (tmp_path / "sales.csv").write_text(sales(), encoding="utf-8")
    (tmp_path / "stores.jsonl").write_text(stores(), encoding="utf-8")
    duck = duckdb.connect()
    duck.execute(f"CREATE TABLE sales AS FROM read_csv('{tmp_path}/sales.csv')")
    duck.execute(f"CREATE TABLE stores AS FROM read_json('{tmp_path}/stores.jsonl')")
    with duck:
        yield Place(data, duck)


def done(reply: Reply, *statuses: int) -> Any:
    assert reply.status in (statuses or (200, 201)), (reply.status, reply.body)
    return reply.body


def opened(http: Http) -> str:
    files = [
        done(http.upload(name, text.encode()))["items"][0]["id"]
        for name, text in (("sales.csv", sales()), ("stores.jsonl", stores()))
    ]
    session = done(http.send("POST", "/v1/learning-sessions", {"file_ids": files}))
    assert session["joins"] == [{"from": "sales.store", "to": "stores.store"}]
    assert len(session["suggested_questions"]) >= 4, session["suggested_questions"]
    return str(session["id"])


def say(http: Http, session: str, text: str) -> Any:
    answer = done(http.send("POST", f"/v1/learning-sessions/{session}/messages", {"text": text}))
    assert answer["state"] == "answer", answer
    return answer


def figures(result: Any) -> list[tuple[str, float]]:
    assert result["qa"]["status"] != "fail", result["qa"]
    return [(row["stores.region"], row["total_amount"]) for row in result["rows"]]


def call(http: Http, slug: str, **params: Any) -> Reply:
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    return http.send("GET", f"/v1/endpoints/{slug}{query}")


def test_from_upload_to_endpoint(program: Path, place: Place) -> None:
    with serving(program, place.data, CONFIG, auth="enabled") as process:
        ann = Http(process.base, mint(program, place.data, "ann", "editor"))
        bob = Http(process.base, mint(program, place.data, "bob", "viewer"))
        session = opened(ann)
        path = f"/v1/learning-sessions/{session}"
        whole = say(ann, session, "total amount by region")
        assert figures(whole["result"]) == place.rows()
        web = say(ann, session, "only web")
        assert figures(web["result"]) == place.rows("WHERE channel = 'web'")

        params = [
            {"name": "channel", "type": "text", "allowed": list(CHANNELS), "many": True},
            {"name": "since", "type": "date", "field": "sold_at", "op": ">="},
        ]
        done(ann.send("POST", f"{path}/publish", {"slug": "by-region", "params": params}))
        for given, where in (
            ({}, ""),
            ({"channel": "web"}, "WHERE channel = 'web'"),
            ({"channel": ["web", "shop"]}, "WHERE channel IN ('web', 'shop')"),
            (
                {"since": "2024-07-01", "channel": "phone"},
                "WHERE sold_at >= '2024-07-01' AND channel = 'phone'",
            ),
        ):
            result = done(call(bob, "by-region", **given))
            assert figures(result) == place.rows(where), given
        text = call(bob, "by-region", channel="web", format="csv").body.decode()
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == ["stores.region", "total_amount"]
        assert [row[0] for row in rows[1:]] == [
            region for region, _ in place.rows("WHERE channel = 'web'")
        ]

        wrong = done(call(bob, "by-region", chanel="web", since="soon", channel="wep"), 422)
        told = {error["pointer"]: error.get("nearest", [None])[0] for error in wrong["errors"]}
        assert told == {"?chanel": "channel", "?since": None, "?channel": "web"}

        # The session and its source are Ann's; what she publishes is all that others reach.
        source = {"datasource_id": session}
        for method, target, body in (
            ("GET", path, None),
            ("GET", f"/v1/catalog/{session}", None),
            ("POST", "/v1/ask", {"question": "total amount by region", **source}),
            ("POST", "/v1/query", {"ir": whole["ir"], **source}),
        ):
            found = Http(process.base, mint(program, place.data, "eve", "editor"))
            done(found.send(method, target, body), 404)

        by_month = say(ann, session, "by month instead")
        again = {"slug": "by-region", "message_id": by_month["message_id"]}
        assert done(ann.send("POST", f"{path}/publish", again))["version"] == 2
        assert done(call(bob, "by-region"))["row_count"] == 12
        first = done(call(bob, "by-region", version=1))
        assert figures(first) == place.rows()


def test_a_kill_loses_nothing_that_was_acknowledged(program: Path, place: Place) -> None:
    process = Process(program, place.data, CONFIG, auth="enabled")
    try:
        ann = Http(process.base, mint(program, place.data, "ann", "editor"))
        session = opened(ann)
        path = f"/v1/learning-sessions/{session}"
        for turn in range(3):
            said = ("total amount by region", "only web", "by month instead")[turn]
            answer = say(ann, session, said)
            slug = {"slug": f"turn-{turn}"}
            endpoint = done(ann.send("POST", f"{path}/publish", slug))
            before = done(ann.send("GET", path))
            process.kill()
            process = Process(program, place.data, CONFIG, auth="enabled")
            ann = Http(process.base, mint(program, place.data, "ann", "editor"))
            after = done(ann.send("GET", path))
            assert after == before
            last = after["messages"][-1]
            assert last["message_id"] == answer["message_id"]
            assert last["answer"]["ir"] == answer["ir"]
            assert after["runs"][-1]["run_id"] == answer["result"]["run_id"]
            assert after["scopes"][-1]["scope_version_id"] == answer["scope_version_id"]
            called = done(call(ann, f"turn-{turn}"))
            assert called["rows"] == answer["result"]["rows"]
            assert endpoint in done(ann.send("GET", "/v1/endpoints"))["items"]
        assert len({scope["scope_id"] for scope in after["scopes"]}) == 1, "it went on each time"
    finally:
        process.stop()


def test_what_a_crash_interrupted_is_answered_by_the_next_life(program: Path, place: Place) -> None:
    process = Process(program, place.data, CONFIG, auth="enabled")
    try:
        ann = Http(process.base, mint(program, place.data, "ann", "editor"))
        session = opened(ann)
        room = f"/v1/chat/rooms/{session}/messages"
        posted = done(ann.send("POST", room, {"content": "total amount by region"}))
        process.kill()
        process = Process(program, place.data, CONFIG, auth="enabled")
        ann = Http(process.base, mint(program, place.data, "ann", "editor"))
        deadline = time.monotonic() + SECONDS
        answers: list[Any] = []
        while not answers:
            assert time.monotonic() < deadline, "the answer was never given"
            time.sleep(0.05)
            messages = done(ann.send("GET", f"/v1/learning-sessions/{session}"))["messages"]
            answers = [m for m in messages if m["message_id"] == posted["answer_id"]]
        assert [m["answer"]["state"] for m in answers] == ["answer"], answers
        assert len(messages) == 2, "it is given once"
    finally:
        process.stop()
