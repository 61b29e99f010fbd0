"""The 22 queries of TPC-H as SQL through the guard, on Parquet, PostgreSQL and MariaDB.

The rows are held against DuckDB's over the same data, which is made once by tpchgen-cli and kept
outside the clone. That the texts ask what the benchmark asks is held against the answers which
DuckDB's extension carries for this scale; the benchmark itself publishes answers for scale 1 alone.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import tpch
from comparison import differences
from engines import PASSWORD_VARIABLE, Servers, load, running_servers
from loading import read_dataset
from oracle import Answer, Oracle
from servers import PASSWORD
from service import REPOSITORY, Client, Http, serving

SCALE = 0.01
DATA = Path.home() / ".cache" / "air" / "tests"
QUERIES = REPOSITORY / "engine" / "tests" / "cases" / "tpch"
NAMES = [f"q{number:02}" for number in range(1, 23)]
ENGINES = ["files", "postgres", "mysql"]
# Queries that an engine refuses, and the words of the refusal.
REFUSED: dict[tuple[str, str], str] = {}
DATABASE = "tpch"
NEAR = 1e-9


def text(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """DuckDB over the data."""
    oracle = Oracle()
    place = tpch.data(SCALE, DATA, ["parquet"])["parquet"]
    for name in tpch.TABLES:
        view = f"create or replace view {name} as from read_parquet('{place}/{name}.parquet')"
        oracle.connection.execute(view)
    return oracle


@pytest.fixture(scope="module")
def client(
    program: Path, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """The service over the data in every engine, its guard as it is by default."""
    work = tmp_path_factory.mktemp("tpch")
    place = tpch.data(SCALE, DATA, ["parquet"])["parquet"]
    air, scratch = work / "air", work / "loading"
    air.mkdir()
    scratch.mkdir()
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(running_servers(work, ENGINES))
        load_all(servers, place, oracle.connection, scratch)
        config = {
            "files": {"base_path": str(DATA)},
            "analytics_sources": [
                {"id": "files", "kind": "files", "base_path": str(place), "default": True},
                {"id": "postgres", "kind": "postgres", "dsn": servers.dsn(DATABASE, "postgres")},
                {"id": "mysql", "kind": "mysql", "dsn": servers.dsn(DATABASE, "mysql")},
            ],
            "execution": {"query_timeout": "120s"},
            "limits": {"request": "150s"},
        }
        environment = {PASSWORD_VARIABLE: PASSWORD}
        process = stack.enter_context(serving(program, air, config, environment=environment))
        client = Client(Http(process.base))
        for source in ENGINES:
            client.learn(source)
        yield client


def load_all(
    servers: Servers, place: Path, views: duckdb.DuckDBPyConnection, scratch: Path
) -> None:
    load(servers, replace(read_dataset(place, views), name=DATABASE), views, scratch)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_rows_of_the_independent_tool(
    engine: str, name: str, client: Client, oracle: Oracle
) -> None:
    body = {"sql": text(name), "datasource_id": engine}
    planned = client.transport.send("POST", "/v1/sql", body)
    reply = client.transport.send("POST", "/v1/query", body)
    if refusal := REFUSED.get((engine, name)):
        assert planned.status == reply.status == 422, reply.body
        assert refusal in str(reply.body), reply.body
        return
    assert planned.status == 200, planned.body
    outcomes = {rule["rule"]: rule["outcome"] for rule in planned.body["safety_report"]}
    assert len(outcomes) > 3, outcomes
    assert "refused" not in outcomes.values(), outcomes
    assert reply.status == 200, reply.body
    if engine != "files":
        assert reply.body["sql"], "nothing was asked of the database"
    expected = as_postgres_says(oracle.answer(text(name)))
    found = differences(expected, reply.body, has_more(name, oracle), "UTC")
    assert not found, "\n".join(found)


def as_postgres_says(answer: Answer) -> Answer:
    """What the dialect of Postgres gives where DuckDB differs: the name of an output without one,
    and the sum of whole numbers, which is a decimal."""
    columns = [name.partition("(")[0] for name in answer.columns]
    sums = [at for at, name in enumerate(columns) if name.endswith("_line_count")]
    rows = [
        tuple(Decimal(value) if at in sums else value for at, value in enumerate(row))
        for row in answer.rows
    ]
    return Answer(columns, rows)


def has_more(name: str, oracle: Oracle) -> bool:
    """Whether the limit at the end of a query cuts its rows off."""
    whole = re.sub(r"\s+limit \d+\s*$", "", text(name))
    return len(oracle.answer(whole).rows) > len(oracle.answer(text(name)).rows)


@pytest.fixture(scope="module")
def published() -> Oracle:
    """DuckDB over data of its own generator, whose texts are others, with the answers to it."""
    oracle = Oracle()
    oracle.connection.execute("drop view orders")
    tpch.load_extension(oracle.connection, "tpch")
    oracle.connection.execute(f"call dbgen(sf = {SCALE})")
    return oracle


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_ask_what_the_benchmark_asks(name: str, published: Oracle) -> None:
    found = published.connection.execute(
        "select answer from tpch_answers() where query_nr = ? and scale_factor = ?",
        [int(name[1:]), SCALE],
    ).fetchone()
    assert found is not None
    head, *lines = found[0].removesuffix("\n").split("\n")
    answer = published.answer(text(name))
    assert len(answer.columns) == len(head.split("|"))
    assert len(answer.rows) == len(lines)
    for row, line in zip(answer.rows, lines, strict=True):
        for value, shown in zip(row, line.split("|"), strict=True):
            assert reads_as(value, shown), f"{value!r} for {shown!r} in {line}"


def reads_as(value: Any, shown: str) -> bool:
    """Whether a value is the one that an answer shows, numbers to nine digits."""
    if isinstance(value, (int, float, Decimal)) and re.fullmatch(r"-?[\d.e+-]+", shown):
        a, b = float(value), float(shown)
        return math.isclose(a, b, rel_tol=NEAR, abs_tol=NEAR)
    return shown == ("" if value is None else str(value))


def test_every_query_returns_rows_or_is_known_not_to(oracle: Oracle) -> None:
    """A query without rows would show nothing; at this scale these have none."""
    empty = {name for name in NAMES if not oracle.answer(text(name)).rows}
    assert empty == set()


def test_what_is_compared_is_looked_at() -> None:
    answer = Answer(["a"], [(Decimal("1.50"),)])
    body = {"columns": [{"name": "a"}], "rows": [{"a": "1.51"}], "row_count": 1, "truncated": False}
    assert differences(answer, body, False, "UTC")
    assert not reads_as(Decimal("1.5"), "1.6")


IRS = REPOSITORY / "benches" / "tpch_ir"


@pytest.mark.parametrize("name", sorted(path.stem for path in IRS.glob("q*.json")))
@pytest.mark.parametrize("engine", ENGINES)
def test_an_ir_asks_what_the_query_asks(
    engine: str, name: str, client: Client, oracle: Oracle
) -> None:
    """Those of the queries that an IR can say; it may give further columns."""
    ir = json.loads((IRS / f"{name}.json").read_text(encoding="utf-8"))
    reply = client.query(engine, ir)
    assert reply.status == 200, reply.body
    expected = oracle.answer(text(name))
    found = [tuple(row[column] for column in expected.columns) for row in reply.body["rows"]]
    assert len(found) == len(expected.rows)
    for ours, theirs in zip(found, expected.rows, strict=True):
        assert all(map(alike, ours, theirs)), (ours, theirs)


def alike(ours: Any, theirs: Any) -> bool:
    """Equal; quotients to nine digits, since DuckDB's are doubles of another order."""
    if isinstance(theirs, int | float | Decimal):
        return math.isclose(float(ours), float(theirs), rel_tol=NEAR, abs_tol=NEAR)
    return str(ours) == str(theirs)
