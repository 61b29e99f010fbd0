"""What a report costs over its query: AIR's saved report beside the same SQL by a bare driver.

In: the service (AIR_BIN) and PostgreSQL 15. Out: Markdown, and JSON with --json. A report with two
parameters is run over HTTP, one kept connection a caller, beside psycopg that sends the very SQL
and values AIR told it sent, in a transaction that may only read, and takes the rows as Python
values. The report's run is the whole of it: authentication, planning, guard, SQL, rows, the checks
of the result (queries of their own), the durable record of the run and its snapshot. Rows must be
equal before anything is timed. Callers alone, then 2, 8 and 32 at once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import databases
import psycopg
from asking import asking
from measure import Report, Spread, machine, say, table, take_turns
from servers import Postgres

ORDERS = """
create table orders (id bigint primary key, region text not null, status text not null,
  placed_at timestamptz not null, amount numeric(12,2) not null, qty integer not null);
insert into orders select i, 'region-' || i % 50, (array['open','paid','sent'])[1 + i % 3],
  timestamptz '2024-01-01' + i * interval '5 minutes', (i * 7919 % 100000) / 100.0, i % 20
  from generate_series(1, {rows}) i;
create index on orders (region, placed_at);
vacuum (freeze, analyze) orders;
"""
DEFINITION = {
    "version": "1",
    "ir": {
        "entities": ["orders"],
        "dimensions": [{"name": "status", "field": "status"}],
        "metrics": [
            {"name": "orders", "agg": "count"},
            {"name": "amount", "agg": "sum", "field": "amount"},
        ],
        "filters": [
            {"field": "region", "op": "=", "value": "{{region}}"},
            {"field": "placed_at", "op": ">=", "value": "{{from}}"},
            {"field": "placed_at", "op": "<", "value": "2025-01-01T00:00:00Z"},
        ],
        "order": [{"field": "status", "dir": "asc"}],
    },
    "params": {
        "exposed": ["region", "from"],
        "schema": {
            "type": "object",
            "properties": {
                "region": {"type": "string"},
                "from": {"type": "string", "format": "date-time"},
            },
            "required": ["region", "from"],
        },
    },
}
CALLERS = [1, 2, 8, 32]
ADDED_GOAL_MS = 2.0


def parameters(number: int) -> dict[str, str]:
    """Of each call its own, so that no answer is that of the call before."""
    return {"region": f"region-{number % 50}", "from": f"2024-{1 + number % 9:02}-01T00:00:00Z"}


class Caller:
    """One kept connection to the service."""

    def __init__(self, base: str) -> None:
        self.wire = http.client.HTTPConnection(base.removeprefix("http://"), timeout=60)

    def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        text = None if body is None else json.dumps(body)
        self.wire.request(method, path, text, {"Content-Type": "application/json"})
        reply = self.wire.getresponse()
        found = json.loads(reply.read())
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {found}")
        return found

    def run(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.send(
            "POST", "/v1/reports/orders_by_status/run", {"params": parameters(number)}
        )
        return found


class Bare:
    """A driver that sends what AIR sends."""

    def __init__(self, words: str, sql: str) -> None:
        self.connection = psycopg.connect(words, autocommit=True)
        self.connection.read_only = True
        self.cursor = psycopg.RawCursor(self.connection)
        self.sql = sql

    def run(self, values: list[object]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.cursor.execute(self.sql, values).fetchall()
        return rows


@dataclass(frozen=True)
class World:
    base: str
    words: str
    sql: str
    values: dict[int, list[object]]


def ask(bare: Bare, world: World, number: int) -> object:
    return bare.run(world.values[number % len(world.values)])


def sent(body: dict[str, Any]) -> tuple[str, list[object]]:
    (one,) = body["sql"]
    return one["sql"], one["params"]


def check(world: World) -> None:
    """The bare driver's rows must be the report's."""
    caller, bare = Caller(world.base), Bare(world.words, world.sql)
    for number in range(10):
        mine = [
            (r["status"], int(r["orders"]), Decimal(str(r["amount"])))
            for r in caller.run(number)["rows"]
        ]
        theirs = [(s, int(n), Decimal(str(a))) for s, n, a in bare.run(world.values[number])]
        if mine != theirs or not mine:
            raise RuntimeError(f"call {number} differs: {mine} and {theirs}")


def timed(callers: list[Callable[[int], object]], calls: int) -> dict[str, float]:
    """Milliseconds of each call in all threads, and calls a second."""
    taken: list[float] = []
    lock = threading.Lock()

    def work(call: Callable[[int], object], first: int) -> None:
        mine = []
        for number in range(first, first + calls):
            begin = time.perf_counter()
            call(number)
            mine.append((time.perf_counter() - begin) * 1e3)
        with lock:
            taken.extend(mine)

    threads = [
        threading.Thread(target=work, args=(call, at * calls)) for at, call in enumerate(callers)
    ]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begin
    if len(taken) != calls * len(callers):
        raise RuntimeError(f"{len(taken)} of {calls * len(callers)} calls ended")
    spread = Spread.of(taken)
    return {"median": spread.median, "high": spread.high, "rate": len(taken) / spent}


def measure(world: World, callers: int, calls: int, rounds: int, report: Report) -> list[str]:
    mine = [Caller(world.base) for _ in range(callers)]
    theirs = [Bare(world.words, world.sql) for _ in range(callers)]
    runs: list[Callable[[int], object]] = [caller.run for caller in mine]
    bare: list[Callable[[int], object]] = [partial(ask, one, world) for one in theirs]
    for warm in [runs, bare]:
        timed(warm, 5)
    given = take_turns(
        {"AIR": lambda: timed(runs, calls), "driver": lambda: timed(bare, calls)}, rounds
    )
    for connection in theirs:
        connection.connection.close()
    report.keep(f"callers/{callers}", given)
    medians = {name: Spread.of([g["median"] for g in rounds_]) for name, rounds_ in given.items()}
    rates = {name: Spread.of([g["rate"] for g in rounds_]) for name, rounds_ in given.items()}
    added = Spread.of(
        [a["median"] - b["median"] for a, b in zip(given["AIR"], given["driver"], strict=True)]
    )
    if callers == 1:
        report.goal(
            "a report's run adds at the median",
            f"≤ {ADDED_GOAL_MS:g} ms",
            added.show(" ms"),
            met=added.median <= ADDED_GOAL_MS,
        )
    return [
        f"{callers}",
        medians["AIR"].show(" ms"),
        medians["driver"].show(" ms"),
        added.show(" ms"),
        rates["AIR"].show(),
        rates["driver"].show(),
    ]


def prepared(caller: Caller, server: Postgres) -> tuple[str, dict[int, list[object]]]:
    """Saves the report; the SQL it sends, and the values of each number."""
    caller.send("POST", "/v1/learn?datasource_id=pg")
    caller.send("POST", "/v1/reports", {"key": "orders_by_status", "title": "Orders by status"})
    body = {"def": DEFINITION, "datasource_id": "pg"}
    caller.send("POST", "/v1/reports/orders_by_status/versions", body)
    texts, values = set(), {}
    for number in range(450):
        text, given = sent(caller.run(number))
        texts.add(text)
        values[number] = given
    if len(texts) != 1:
        raise RuntimeError(f"one SQL text was expected: {texts} on port {server.port}")
    return texts.pop(), values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--calls", type=int, default=300, help="of all callers in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report("Report runs over HTTP beside a bare driver")
    machine(["psycopg"], {"PostgreSQL": "15"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with databases.postgres(folder / "pg", "bench") as pg:
            pg.sql("bench", ORDERS.format(rows=chosen.rows))
            source = {"id": "pg", "kind": "postgres", "dsn": "${PG_DSN}"}
            config = {
                "analytics_sources": [source],
                "connectors": {"pool_size": 16},
                "limits": {"runs_per_user": 64},
            }
            with asking(folder / "air", config, {"PG_DSN": pg.dsn("bench")}) as asker:
                base = asker.http.base
                sql, values = prepared(Caller(base), pg)
                say(f"```sql\n{sql}\n```\n")
                world = World(base, databases.postgres_words(pg, "bench"), sql, values)
                check(world)
                lines = [
                    measure(world, callers, chosen.calls // callers, chosen.rounds, report)
                    for callers in CALLERS
                ]
                say()
                head = ["callers", "AIR", "driver", "added", "AIR runs/s", "driver queries/s"]
                table(head, lines)
    report.save(chosen.json)


if __name__ == "__main__":
    main()
