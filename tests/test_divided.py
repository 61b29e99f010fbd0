"""A large table of PostgreSQL, read by two connections where the pool has a second one.

In: a table of some 3,000 pages whose rows are all needed here, since they are joined to another
database's and a median is asked of them. Each answer is held against PostgreSQL's own, once alone
and once while a writer moves amounts from the first rows to the last; the record must tell each
part that was sent, with its range and its rows.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import READER, Postgres, postgres
from service import Client, Http, Reply, serving

KEY = {"AIR_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode()}
ROWS = 200_000
KINDS = 7
DATA = f"""
create table payments (
  id bigint primary key, kind_id bigint not null, amount bigint not null, note text not null)
  with (autovacuum_enabled = off);
insert into payments
  select n, n % {KINDS}, n % 1000, repeat('x', 60) from generate_series(1, {ROWS}) n;
analyze;
grant select on all tables in schema public to {READER};
"""
NAMES = f"""
create table kinds (id bigint primary key, name text not null);
insert into kinds select n, 'kind ' || n from generate_series(0, {KINDS - 1}) n;
analyze;
grant select on all tables in schema public to {READER};
"""
MOVE = f"""
update payments set amount = amount + 1 where id <= 300;
update payments set amount = amount - 1 where id > {ROWS - 300};
"""
ACROSS: dict[str, Any] = {
    "entities": [
        {"entity": "payments", "source": "sales"},
        {"entity": "kinds", "source": "names", "as": "named"},
    ],
    "joins": [{"left": "payments.kind_id", "right": "named.id"}],
    "dimensions": ["named.name"],
    "metrics": [
        {"name": "payments", "agg": "count"},
        {"name": "paid", "agg": "sum", "field": "payments.amount"},
        {"name": "half", "agg": "median", "field": "payments.amount"},
    ],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("divided") / "pg") as pg:
        pg.sql("postgres", DATA)
        pg.sql("postgres", "create database names")
        pg.sql("names", NAMES)
        yield pg


@pytest.fixture(scope="module", params=[8, 1], ids=["many", "one"])
def world(
    request: pytest.FixtureRequest,
    program: Path,
    server: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[int, Http]]:
    """The service, and how many connections a source may have."""
    pool: int = request.param
    data = tmp_path_factory.mktemp("data")
    config = {
        "limits": {"request": "120s"},
        "execution": {"query_timeout": "100s"},
        "connectors": {"pool_size": pool},
        "analytics_sources": [
            {"id": "sales", "kind": "postgres", "dsn": server.dsn("postgres"), "default": True},
            {"id": "names", "kind": "postgres", "dsn": server.dsn("names")},
        ],
    }
    with serving(program, data, config, environment=KEY) as process:
        http = Http(process.base)
        for source in ("sales", "names"):
            Client(http).learn(source)
        yield pool, http


def expected(server: Postgres) -> list[tuple[str, int, int, float]]:
    text = server.sql(
        "postgres",
        "select 'kind ' || kind_id, count(*), sum(amount),"
        " percentile_cont(0.5) within group (order by amount) from payments group by kind_id",
    )
    found = [line.split("|") for line in text.splitlines()]
    return sorted((name, int(n), int(paid), float(half)) for name, n, paid, half in found)


def answered(reply: Reply) -> list[tuple[str, int, int, float]]:
    assert reply.status == 200, str(reply.body)
    rows = reply.body["rows"]
    return sorted(
        (r["named.name"], int(r["payments"]), int(r["paid"]), float(r["half"])) for r in rows
    )


def sent(reply: Reply) -> list[dict[str, Any]]:
    """What the record says the database was sent."""
    return [query for query in reply.body["sql"] if query["source"] == "sales"]


def test_the_parts_are_one_table_and_are_told(server: Postgres, world: tuple[int, Http]) -> None:
    pool, http = world
    reply = Client(http).query("sales", ACROSS)
    assert answered(reply) == expected(server)
    told = sent(reply)
    assert sum(query["rows"] for query in told) == ROWS, told
    if pool == 1:
        assert len(told) == 1
        assert "ctid" not in told[0]["sql"]
        return
    first, second = told
    assert "ctid" in first["sql"]
    assert first["sql"] == second["sql"]
    assert first["params"][-1] == second["params"][-2]
    assert (first["params"][-2], second["params"][-1]) == ("(0,0)", "(4294967295,0)")
    assert all(query["rows"] > ROWS / 4 for query in told), told


def test_what_is_written_meanwhile_is_seen_whole_or_not(
    server: Postgres, world: tuple[int, Http]
) -> None:
    _, http = world
    paid = sum(row[2] for row in expected(server))
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stop.is_set():
            server.sql("postgres", f"begin; {MOVE} commit;")
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            before = len(written)
            rows = answered(Client(http).query("sales", ACROSS))
            assert sum(row[1] for row in rows) == ROWS
            assert sum(row[2] for row in rows) == paid
            assert len(written) > before, "nothing was written meanwhile"
    finally:
        stop.set()
        writer.join()
