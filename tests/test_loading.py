"""That every engine holds the same data: each column of each table by count and fingerprint.

The fingerprints do not pass through AIR: each server computes its own, and DuckDB over the files
is what they must equal.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from datasets import DATASETS, ENGINES
from engines import Loaded, stand_in
from loading import Column, Dataset, Table, quoted
from oracle import Oracle
from servers import READER

DATABASES = [engine for engine in ENGINES if engine != "files"]
Say = Callable[[str], str]


def fingerprint(column: Column, engine: str) -> str:
    """SQL for a number that changes with any value of the column."""
    name = quoted(column.name, "`" if engine == "mysql" else '"')
    match column.kind:
        case "BOOLEAN":
            return f"sum(case when {name} then 1 else 2 end)"
        case "FLOAT" | "DOUBLE" if engine == "oracle":
            return f"sum(case when isfinite({name}) then 1 else 0 end)"
        case "FLOAT" | "DOUBLE" if engine == "mysql":
            return f"count({name})"
        case "FLOAT" | "DOUBLE":
            finite = f"{name} is not null and {name} not in ('nan', 'inf', '-inf')"
            return f"sum(case when {finite} then 1 else 0 end)"
        case "DATE":
            return {
                "oracle": f"sum(date_diff('day', date '1970-01-01', {name}))",
                "mysql": f"sum(datediff({name}, '1970-01-01'))",
            }.get(engine, f"sum({name} - date '1970-01-01')")
        case "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE":
            return {
                "oracle": f"sum(epoch_us({column.stored})::hugeint)",
                "mysql": f"sum(timestampdiff(microsecond, '1970-01-01', {name}))",
            }.get(engine, f"sum((extract(epoch from {name}) * 1000000)::numeric(38,0))")
        case "VARCHAR":
            return text_fingerprint(name, engine)
        case "TIME" | "BLOB" | "UUID":
            return f"count({name})"
        case _:
            return f"sum({name})"


def text_fingerprint(name: str, engine: str) -> str:
    """Eight hexadecimal digits of each value's MD5, summed."""
    match engine:
        case "oracle":
            return f"sum(('0x' || substr(md5({name}), 1, 8))::bigint)"
        case "mysql":
            return f"sum(conv(left(md5({name}), 8), 16, 10) + 0)"
        case _:
            return f"sum(('x' || substr(md5({name}::text), 1, 8))::bit(32)::bigint)"


def figures(table: Table, engine: str) -> str:
    """One row: how many rows, and of each column how many values and their fingerprint."""
    quote = "`" if engine == "mysql" else '"'
    parts = ["count(*)"]
    for column in table.columns:
        parts.append(f"count({quoted(column.name, quote)})")
        parts.append(fingerprint(column, engine))
    return f"select {', '.join(parts)} from {quoted(table.name, quote)}"


def cells(line: str, separator: str) -> list[float | None]:
    """Numbers, whatever a client writes for one that is none."""
    return [None if cell in ("", "NULL") else float(cell) for cell in line.split(separator)]


def expected(table: Table, oracle: Oracle, engine: str) -> list[float | None]:
    row = oracle.connection.execute(figures(table, "oracle")).fetchone()
    assert row is not None
    wanted = [None if value is None else float(value) for value in row]
    for number, column in enumerate(table.columns):
        if engine == "mysql" and column.kind in ("FLOAT", "DOUBLE"):
            # What is no number is null there.
            wanted[1 + 2 * number] = wanted[2 + 2 * number] or 0
            wanted[2 + 2 * number] = wanted[1 + 2 * number]
    return wanted


def sides(engine: str, dataset: Dataset, loaded: Loaded) -> tuple[Say, str]:
    """How to ask the server, and what stands between the cells of its answer."""
    if engine == "mysql":
        mariadb = loaded.servers.mariadb
        assert mariadb is not None
        zone = "set time_zone = '+00:00'; "
        return lambda sql: mariadb.sql(dataset.name, zone + sql), "\t"
    postgres = loaded.servers.postgres
    assert postgres is not None
    database = dataset.name if engine == "postgres" else stand_in(dataset.name)
    return lambda sql: postgres.sql(database, "set timezone = 'UTC';\n" + sql), "|"


@pytest.mark.parametrize("engine", DATABASES)
@pytest.mark.parametrize("name", DATASETS)
def test_the_same_data_is_everywhere(
    name: str, engine: str, loaded: Loaded, oracle: Oracle
) -> None:
    dataset = loaded.datasets[name]
    ask, separator = sides(engine, dataset, loaded)
    for table in dataset.tables:
        found = cells(ask(figures(table, engine)).strip("\n"), separator)
        assert found == expected(table, oracle, engine), table.name


@pytest.mark.parametrize("engine", DATABASES)
def test_the_reader_may_read_and_nothing_else(engine: str, loaded: Loaded) -> None:
    ask, _ = sides(engine, loaded.datasets["shop"], loaded)
    if engine == "mysql":
        grants = ask(f"show grants for '{READER}'@'127.0.0.1'").strip().splitlines()
        assert all(g.startswith(("GRANT USAGE ON *.*", "GRANT SELECT ON `")) for g in grants), (
            grants
        )
        return
    rights = ask(
        "select distinct privilege_type from information_schema.role_table_grants "
        f"where grantee = '{READER}';"
        "select rolsuper or rolcreatedb or rolcreaterole or rolreplication from pg_roles "
        f"where rolname = '{READER}'"
    )
    assert rights.split() == ["SELECT", "f"]


@pytest.mark.parametrize("engine", ["mysql"])
def test_the_zone_tables_are_empty(engine: str, loaded: Loaded) -> None:
    ask, _ = sides(engine, loaded.datasets["shop"], loaded)
    assert ask("select count(*) from mysql.time_zone_name").strip() == "0"
