"""A stop of the service in the midst of an answer: the next start gives it.

In: a question about a table of PostgreSQL that another session holds locked, so that its run waits.
Out: the service ends in time, and its next life answers, once.
"""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servers import READER, Postgres, postgres
from service import Http, Process

KEY = {"AIR_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode()}
WAIT_SECONDS = 180
ROOM = "/v1/chat/rooms/stop"


def until(seen: Callable[[], bool], what: str) -> None:
    begin = time.monotonic()
    while not seen():
        assert time.monotonic() - begin < WAIT_SECONDS, f"not seen in {WAIT_SECONDS} s: {what}"
        time.sleep(0.05)


def ok(http: Http, method: str, target: str, body: Any = None) -> Any:
    reply = http.send(method, target, body)
    assert reply.status < 300, reply.body
    return reply.body


def waiting(pg: Postgres) -> bool:
    """Whether the run has reached the lock."""
    shown = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    return int(pg.sql("postgres", f"{shown} and usename = '{READER}'")) > 0


def locked(pg: Postgres) -> bool:
    shown = "select count(*) from pg_locks where mode = 'AccessExclusiveLock'"
    return int(pg.sql("postgres", f"{shown} and granted")) > 0


def answers(http: Http) -> list[Any]:
    items = ok(http, "GET", f"{ROOM}/messages?after=0")["items"]
    return [item for item in items if item["type"] == "ai"]


def test_what_a_stop_cuts_short_is_answered_by_the_next_life(program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with postgres(tmp_path / "pg") as pg:
        pg.sql(
            "postgres",
            "create table orders (id int primary key, channel text);"
            " insert into orders select n, 'web' from generate_series(1, 7) n;"
            f" grant select on orders to {READER};",
        )
        config = {
            "server": {"shutdown_grace": "1s"},
            "analytics_sources": [
                {"id": "pg", "kind": "postgres", "dsn": pg.dsn("postgres"), "default": True}
            ],
        }
        process = Process(program, data, config, environment=KEY)
        try:
            http = Http(process.base)
            ok(http, "POST", "/v1/learn?datasource_id=pg")
            ok(http, "POST", "/v1/chat/rooms", {"id": "stop", "kind": "personal"})
            command = pg.psql("postgres")
            holder = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: S603
            assert holder.stdin is not None
            with holder.stdin as session:
                session.write("begin; lock table orders in access exclusive mode;\n")
                session.flush()
                until(lambda: locked(pg), "the table is locked")
                asked = ok(http, "POST", f"{ROOM}/messages", {"content": "number of orders"})
                until(lambda: waiting(pg), "the run waits")
                process.stop()
            holder.wait(WAIT_SECONDS)
        finally:
            process.kill()
        process = Process(program, data, config, environment=KEY)
        try:
            http = Http(process.base)
            until(lambda: len(answers(http)) > 0, "the answer")
            [answer] = answers(http)
            assert answer["message_id"] == asked["answer_id"]
            assert answer["answer"]["state"] == "answer", answer
            assert [list(row.values()) for row in answer["answer"]["rows"]] == [[7]]
        finally:
            process.stop()
