"""What is cancelled ends where the work is: in PostgreSQL, in MariaDB, and in this process.

In: queries that would take a minute or more, as requests and as jobs. Each is cancelled once the
server's own view shows it at work, and is then looked for in that view until it is gone. How long
that took is printed; only a generous deadline is asserted.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import READER, MariaDb, Postgres, mariadb, postgres
from service import Client, Http, Process, Reply, serving

KEY = {"AIR_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode()}
# Each number meets each other one: minutes of work, and one row of it.
NUMBERS = {"postgres": 60_000, "mysql": 60_000, "files": 300_000}
SLOW = (
    "SELECT count(*) AS pairs FROM numbers a JOIN numbers b ON a.grp = b.grp"
    " WHERE a.num * 3 <> b.num + 7"
)
WAIT_SECONDS = 120
# One look at a thread's time takes so long.
WINDOW_SECONDS = 0.25
ENGINES = ["postgres", "mysql", "files"]


def until(seen: Callable[[], bool], what: str) -> float:
    """Asks again and again; how long it took, or an error where it is not seen in time."""
    begin = time.monotonic()
    while not seen():
        assert time.monotonic() - begin < WAIT_SECONDS, f"not seen in {WAIT_SECONDS} s: {what}"
    return time.monotonic() - begin


@dataclass
class World:
    """A service over the three engines, and each engine's own view of its work."""

    process: Process
    data: Path
    pg: Postgres
    maria: MariaDb

    @property
    def http(self) -> Http:
        return Http(self.process.base)

    def working(self, engine: str) -> bool:
        if engine == "postgres":
            shown = "select count(*) from pg_stat_activity where state = 'active'"
            query = f"{shown} and usename = '{READER}' and query like '%numbers%'"
            return int(self.pg.sql("postgres", query)) > 0
        if engine == "mysql":
            shown = "select count(*) from information_schema.processlist"
            query = f"{shown} where user = '{READER}' and info like '%numbers%'"
            return int(self.maria.sql(None, query)) > 0
        return self.query_seconds() > WINDOW_SECONDS / 3

    def query_seconds(self) -> float:
        """Seconds of processor that the engine's threads take in one window."""
        begin = self.ticks()
        time.sleep(WINDOW_SECONDS)
        return (self.ticks() - begin) / os.sysconf("SC_CLK_TCK")

    def ticks(self) -> int:
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            # A thread may end between the list and the look.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                name, fields = (task / "stat").read_text().rsplit(")", 1)
                if "(air-query" in name:
                    total += sum(int(field) for field in fields.split()[11:13])
        return total

    def running(self) -> str | None:
        """The run that is at work, as the control plane has it."""
        file = f"file:{self.data / 'air.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True)) as store:
            found = store.execute("select id from report_runs where status = 'running'").fetchone()
        return found[0] if found else None

    def begun(self) -> str:
        """The run that is at work, once it is on record: that is written while the source is
        asked, and may come after the source's own view of the query."""
        until(lambda: self.running() is not None, "the record of the run")
        run = self.running()
        assert run is not None
        return run


@pytest.fixture(scope="module")
def world(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cancel")
    data = folder / "data"
    (data / "files").mkdir(parents=True)
    lines = [f"{n},{1}" for n in range(1, NUMBERS["files"] + 1)]
    (data / "files" / "numbers.csv").write_text("num,grp\n" + "\n".join(lines) + "\n")
    columns = "num bigint primary key, grp bigint not null"
    with postgres(folder / "pg") as pg, mariadb(folder / "my") as maria:
        series = f"generate_series(1, {NUMBERS['postgres']})"
        pg.sql(
            "postgres",
            f"create table numbers ({columns}); insert into numbers select n, 1 from {series} n;"
            f" analyze; grant select on all tables in schema public to {READER};",
        )
        maria.sql(None, "create database ops")
        maria.sql(
            "ops",
            f"create table numbers ({columns});"
            f" insert into numbers select seq, 1 from seq_1_to_{NUMBERS['mysql']};"
            f" grant select on ops.* to '{READER}'@'127.0.0.1';",
        )
        config = {
            "files": {"base_path": str(data)},
            "limits": {"request": "300s"},
            "execution": {"query_timeout": "300s", "threads": 2},
            "analytics_sources": [
                {"id": "postgres", "kind": "postgres", "dsn": pg.dsn("postgres")},
                {"id": "mysql", "kind": "mysql", "dsn": maria.dsn("ops")},
                {"id": "files", "kind": "files", "base_path": str(data / "files")},
            ],
        }
        with serving(program, data, config, environment=KEY) as process:
            for source in ENGINES:
                Client(Http(process.base)).learn(source)
            yield World(process, data, pg, maria)


def gone(world: World, engine: str, what: str) -> None:
    """Waits until the engine works no more, and tells how long that took."""
    took = until(lambda: not world.working(engine), f"the end of {what} in {engine}")
    told = f"{what} on {engine} was gone {took * 1000:.0f} ms after it was cancelled"
    print(told)  # noqa: T201


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_cancelled_ends_where_it_works(world: World, engine: str) -> None:
    body = {"datasource_id": engine, "sql": SLOW}
    replies: list[Reply] = []
    asking = threading.Thread(
        target=lambda: replies.append(world.http.send("POST", "/v1/query", body))
    )
    asking.start()
    try:
        until(lambda: world.working(engine), f"the query at work in {engine}")
        run = world.begun()
        cancelled = world.http.send("DELETE", f"/v1/runs/{run}")
        assert (cancelled.status, cancelled.body["status"]) == (202, "cancelled")
        gone(world, engine, "a run")
    finally:
        asking.join(WAIT_SECONDS)
    assert [(reply.status, reply.body["code"]) for reply in replies] == [(409, "not_running")]
    assert world.http.send("GET", f"/v1/runs/{run}").body["status"] == "cancelled"
    assert world.http.send("DELETE", f"/v1/runs/{run}").status == 409


def job_of(world: World, job: str) -> dict[str, object]:
    reply = world.http.send("GET", f"/v1/jobs/{job}")
    assert reply.status == 200, reply.body
    found: dict[str, object] = reply.body
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_that_is_cancelled_ends_where_it_works(world: World, engine: str) -> None:
    body = {"datasource_id": engine, "sql": SLOW}
    accepted = world.http.send("POST", "/v1/query", body, {"Prefer": "respond-async"})
    assert accepted.status == 202, accepted.body
    job = accepted.body["job_id"]
    until(lambda: world.working(engine), f"the job at work in {engine}")
    until(lambda: job_of(world, job)["run_ids"] != [], "the record of the job's run")
    runs = job_of(world, job)["run_ids"]
    assert isinstance(runs, list)
    assert len(runs) == 1
    asked = world.http.send("DELETE", f"/v1/jobs/{job}")
    assert (asked.status, asked.body["cancel_requested"]) == (202, True)
    gone(world, engine, "a job")
    until(lambda: job_of(world, job)["status"] == "cancelled", "the job's record")
    assert world.http.send("GET", f"/v1/runs/{runs[0]}").body["status"] == "cancelled"
    assert world.http.send("DELETE", f"/v1/jobs/{job}").status == 409


def test_the_run_of_a_job_is_cancelled_through_the_store(world: World) -> None:
    """As another process of the same data folder does it: it can only write."""
    body = {"datasource_id": "postgres", "sql": SLOW}
    accepted = world.http.send("POST", "/v1/query", body, {"Prefer": "respond-async"})
    job = accepted.body["job_id"]
    until(lambda: world.working("postgres"), "the job at work")
    run = world.begun()
    with contextlib.closing(sqlite3.connect(world.data / "air.db", timeout=30)) as store, store:
        changed = store.execute(
            "update report_runs set status = 'cancelled', finished_at = started_at where id = ?",
            (run,),
        )
        assert changed.rowcount == 1
    gone(world, "postgres", "a run cancelled elsewhere")
    until(lambda: job_of(world, job)["status"] == "failed", "the job's record")
    problem = job_of(world, job)["error"]
    assert isinstance(problem, dict)
    assert problem["code"] == "not_running"


def test_sources_serve_on(world: World) -> None:
    """Nothing of what was cancelled keeps a connection, a place or a thread."""
    for engine in ENGINES:
        sql = "SELECT count(*) AS numbers FROM numbers"
        for _ in range(10):
            reply = world.http.send("POST", "/v1/query", {"datasource_id": engine, "sql": sql})
            assert reply.status == 200, reply.body
            assert reply.body["rows"] == [{"numbers": NUMBERS[engine]}]
