"""Sources that are databases: learned, asked alone and beside files, and away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from servers import READER, MariaDb, Postgres, mariadb

import air

TABLES = (
    "create table regions (code varchar(4) primary key, name varchar(20));"
    "insert into regions values ('n', 'North'), ('s', 'South');"
    "create table sales (id int primary key, region varchar(4), amount decimal(10,2),"
    " foreign key (region) references regions (code));"
    "insert into sales values (1, 'n', 1.50), (2, 's', 2.25), (3, 'n', null), (4, null, 4.00);"
)
IR = {
    "entities": ["sales", "regions"],
    "dimensions": [{"name": "name", "field": "regions.name"}],
    "metrics": [{"name": "total", "agg": "sum", "field": "amount"}],
    "order": [{"field": "name"}],
}


@pytest.fixture(scope="module")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with mariadb(tmp_path_factory.mktemp("maria") / "my") as server:
        server.sql(None, "create database shop")
        server.sql("shop", TABLES)
        server.sql(None, f"grant select on shop.* to '{READER}'@'127.0.0.1'")
        yield server


@pytest.fixture(scope="module")
def pg(numbers: Postgres) -> Postgres:
    numbers.sql("postgres", "create database shop")
    numbers.sql("shop", f"{TABLES} grant select on sales, regions to {READER}")
    return numbers


@pytest.fixture
def databases(pg: Postgres, maria: MariaDb) -> air.Engine:
    made = air.Engine(threads=2)
    made.register_source("pg", "postgres", pg.dsn("shop"))
    made.register_source("my", "mysql", maria.dsn("shop"))
    return made


@pytest.mark.parametrize(("source", "dialect"), [("pg", "postgres"), ("my", "mysql")])
def test_a_database_is_learned_and_asked(databases: air.Engine, source: str, dialect: str) -> None:
    found = databases.learn(source)
    assert (found["tables"], found["columns"], found["unreadable"]) == (2, 5, [])
    result = databases.run(IR, source)
    assert result.rows() == [["North", "1.50"], ["South", "2.25"], [None, "4.00"]]
    assert pa.table(result)["total"].type == pa.decimal128(20, 2)
    (sent,) = result.sql
    assert (sent["source"], sent["dialect"], sent["rows"]) == (source, dialect, 3)
    (told,) = databases.sql(IR, source)
    assert told == {**sent, "rows": None}


def test_values_are_sent_beside_the_text(databases: air.Engine) -> None:
    databases.learn("pg")
    ir = {**IR, "filters": [{"field": "regions.name", "op": "=", "value": "{{name}}"}]}
    (query,) = databases.run(ir, "pg", {"name": "North' or '1' = '1"}).sql
    assert "or '1'" not in query["sql"]
    assert "North' or '1' = '1" in query["params"]


def test_one_ir_over_a_database_and_files(databases: air.Engine, tmp_path: Path) -> None:
    (tmp_path / "targets.csv").write_text("code,target\nn,3\ns,5\n", encoding="utf-8")
    described = (
        "version: 1\nname: plan\ntables: {targets: {files: targets.csv, primary_key: [code]}}\n"
    )
    (tmp_path / "dataset.yaml").write_text(described, encoding="utf-8")
    databases.register_files("plan", tmp_path)
    databases.learn("plan")
    databases.learn("my")
    ir = {
        "entities": [{"entity": "sales", "source": "my"}, {"entity": "targets", "source": "plan"}],
        "joins": [{"left": ["sales.region"], "right": ["targets.code"]}],
        "dimensions": [{"name": "code", "field": "targets.code"}],
        "metrics": [{"name": "total", "agg": "sum", "field": "sales.amount"}],
        "order": [{"field": "code"}],
    }
    result = databases.run(ir, "my")
    assert result.rows() == [["n", "1.50"], ["s", "2.25"], [None, "4.00"]]
    assert [query["source"] for query in result.sql] == ["my"]


def test_a_catalog_is_kept_and_given_again(databases: air.Engine, pg: Postgres) -> None:
    databases.learn("pg")
    other = air.Engine(threads=1)
    other.register_source("pg", "postgres", pg.dsn("shop"), catalog=databases.catalog("pg"))
    assert other.catalog("pg") == databases.catalog("pg")
    assert other.run(IR, "pg").num_rows == 3
    with pytest.raises(air.UsageError, match='source "pg"'):
        other.register_source("q", "postgres", pg.dsn("shop"), catalog=databases.catalog("pg"))


def test_a_server_that_is_away(databases: air.Engine, pg: Postgres) -> None:
    databases.register_source("gone", "postgres", "postgres://u:p@127.0.0.1:1/d?sslmode=disable")
    with pytest.raises(air.SourceError) as info:
        databases.learn("gone")
    assert (info.value.code, info.value.location) == ("source_unavailable", "gone")
    wrong = pg.dsn("shop", "not-the-password")
    databases.register_source("wrong", "postgres", wrong)
    with pytest.raises(air.SourceError) as info:
        databases.learn("wrong")
    assert info.value.code == "source_error"
    assert "not-the-password" not in str(info.value)
    databases.learn("pg")
    assert databases.run(IR, "pg").num_rows == 3
