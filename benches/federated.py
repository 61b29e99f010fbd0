"""Joins over two sources side by side: AIR, AIR without pushdown, and DuckDB's attach.

In: the service (AIR_BIN), the packages of requirements.txt, PostgreSQL 15 and MariaDB 10.11. Out:
Markdown, and JSON with --json. Sales lie in PostgreSQL (indexed by customer), customers in Parquet
or in MariaDB. A filter on the customers lets 10, 1,000 or 100,000 of them pass, scattered over the
whole range of keys; their sales are added up for each customer, or for each of eight regions.
AIR's time is planning, guard and running as the service tells; what its caller waits stands beside
it. Every tool's rows must be equal before anything is timed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databases
import duckdb
from asking import Answered, Asker, Refused, asking
from measure import Report, Spread, machine, ratios, say, seconds, table, take_turns

KEYS = [10, 1_000, 100_000]
# What switches pushdown off, so that every table comes over whole and AIR joins by itself.
WITHOUT = {"execution": {"pushdown": False}}
SOURCES = {"PostgreSQL x Parquet": "crm-files", "PostgreSQL x MariaDB": "mysql-crm"}
DUCKDB_CUSTOMERS = {
    "crm-files": "read_parquet('{files}/customers.parquet')",
    "mysql-crm": "my.customers",
}

CUSTOMERS = """
select i as id, 'customer ' || i as name, 'region-' || (hash(i) % 8) as region,
       (i * 7919) % {customers} as ordinal, 'some text that nobody asks for, ' || hash(i) as note
from range({customers}) r(i)
"""
SALES = """
select i as id, (hash(i) % {customers})::bigint as customer_id,
       ((hash(i + 1) % 1000000) / 100.0)::decimal(12,2) as amount, (hash(i + 2) % 20)::int as qty,
       'a remark of some length about sale ' || i as remark
from range({sales}) r(i)
"""
SALES_TABLE = """
create table sales (id bigint primary key, customer_id bigint not null,
  amount numeric(12,2) not null, qty integer not null, remark text not null);
"""
CUSTOMERS_TABLE = """
create table customers (id bigint primary key, name varchar(60) not null,
  region varchar(20) not null, ordinal bigint not null, note varchar(100) not null, key (ordinal));
"""


@dataclass(frozen=True)
class World:
    """Everything that is up: the two services and DuckDB with both databases attached."""

    pushing: Asker
    plain: Asker
    duck: duckdb.DuckDBPyConnection
    files: Path


def question(source: str, keys: int, dimension: str) -> dict[str, Any]:
    """Count and sum of the sales of the first so many customers."""
    return {
        "entities": [
            {"entity": "sales", "source": "pg-sales"},
            {"entity": "customers", "source": source},
        ],
        "joins": [{"left": "sales.customer_id", "right": "customers.id", "kind": "inner"}],
        "dimensions": [{"name": "who", "field": f"customers.{dimension}"}],
        "metrics": [
            {"name": "sales", "agg": "count"},
            {"name": "amount", "agg": "sum", "field": "sales.amount"},
        ],
        "filters": [{"field": "customers.ordinal", "op": "<", "value": keys}],
        "limit": 100_000,
    }


def sql(world: World, source: str, keys: int, dimension: str) -> str:
    customers = DUCKDB_CUSTOMERS[source].format(files=world.files)
    return (
        f"select c.{dimension} as who, count(*) as sales, sum(s.amount) as amount "
        f"from pg.public.sales s join {customers} c on s.customer_id = c.id "
        f"where c.ordinal < {keys} group by 1 order by 1"
    )


def load(postgres: Any, mariadb: Any, files: Path, customers: int, sales: int) -> None:  # noqa: ANN401
    with duckdb.connect() as connection:
        made = CUSTOMERS.format(customers=customers)
        connection.execute(f"copy ({made}) to '{files}/customers.parquet'")
        connection.execute(f"copy ({made}) to '{files.parent}/customers.csv' (header false)")
        made = SALES.format(customers=customers, sales=sales)
        connection.execute(f"copy ({made}) to '{files.parent}/sales.csv' (header false)")
    (files / "dataset.yaml").write_text(
        "version: 1\nname: crm\ntables:\n  customers:\n    files: customers.parquet\n"
        "    primary_key: [id]\n"
    )
    postgres.sql(
        "bench",
        f"{SALES_TABLE}\\copy sales from '{files.parent}/sales.csv' (format csv)\n"
        "create index on sales (customer_id); vacuum (freeze, analyze) sales;",
    )
    mariadb.sql(
        "bench",
        f"{CUSTOMERS_TABLE} load data local infile '{files.parent}/customers.csv' "
        "into table customers fields terminated by ',' optionally enclosed by '\"';"
        "analyze table customers;",
    )


def attached(postgres: Any, mariadb: Any) -> duckdb.DuckDBPyConnection:  # noqa: ANN401
    connection = duckdb.connect()
    for kind, words, name in [
        ("postgres", databases.postgres_words(postgres, "bench"), "pg"),
        ("mysql", databases.mariadb_words(mariadb, "bench"), "my"),
    ]:
        databases.load_extension(connection, f"{kind}_scanner")
        connection.execute(f"attach '{words}' as {name} (type {kind}, read_only)")
    return connection


def configured(files: Path) -> dict[str, Any]:
    return {
        "analytics_sources": [
            {"id": "pg-sales", "kind": "postgres", "dsn": "${PG_DSN}", "sample_values": False},
            {"id": "mysql-crm", "kind": "mysql", "dsn": "${MY_DSN}", "sample_values": False},
            {"id": "crm-files", "kind": "files", "base_path": str(files), "sample_values": False},
        ],
        "files": {"base_path": str(files.parent)},
    }


def plain_rows(body: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(row["who"], int(row["sales"]), str(row["amount"])) for row in body["rows"]]


def check(world: World, asker: Asker, source: str, keys: int, dimension: str) -> Answered | str:
    """The answer where its rows are DuckDB's, else what is wrong with it."""
    rows = world.duck.execute(sql(world, source, keys, dimension)).fetchall()
    expected = [(who, sales, str(amount)) for who, sales, amount in rows]
    try:
        answered = asker.query("pg-sales", {"ir": question(source, keys, dimension)})
    except Refused as refused:
        return f"refused: {refused}"
    found = sorted(plain_rows(answered.body))
    if found != sorted(expected):
        return (
            f"other rows: {found[:2]} of {len(found)} for {sorted(expected)[:2]} of {len(expected)}"
        )
    return answered


def runner(
    asker: Asker, source: str, keys: int, dimension: str
) -> Callable[[], tuple[float, float]]:
    asked = {"ir": question(source, keys, dimension)}

    def run() -> tuple[float, float]:
        answered = asker.query("pg-sales", asked)
        return answered.engine, answered.wall

    return run


def duck_runner(world: World, text: str) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        taken = seconds(lambda: world.duck.execute(text).fetchall())
        return taken, taken

    return run


def measure(world: World, pair: str, dimension: str, rounds: int, report: Report) -> None:
    source, lines = SOURCES[pair], []
    for keys in KEYS:
        runners: dict[str, Callable[[], tuple[float, float]]] = {}
        for name, asker in [("AIR", world.pushing), ("AIR without pushdown", world.plain)]:
            checked = check(world, asker, source, keys, dimension)
            if isinstance(checked, str):
                say(f"- {pair}, {keys} keys by {dimension}: {name}: {checked}")
                continue
            for sent in checked.body["sql"]:
                report.figures.setdefault("sent", []).append([pair, keys, dimension, name, sent])
                say(
                    f"- {pair}, {keys:,} keys by {dimension}, {name}: {sent.get('rows', '?')} rows "
                    f"of {sent['source']}"
                )
            runners[name] = runner(asker, source, keys, dimension)
        runners["DuckDB attach"] = duck_runner(world, sql(world, source, keys, dimension))
        given = take_turns(runners, rounds)
        lines.append(line(pair, keys, dimension, given, report))
    say()
    head = [
        f"{pair}, by {dimension}",
        "AIR",
        "AIR wall",
        "AIR without pushdown",
        "DuckDB attach",
        "DuckDB / AIR",
        "without / with",
    ]
    table(head, lines)


def line(
    pair: str,
    keys: int,
    dimension: str,
    given: dict[str, list[tuple[float, float]]],
    report: Report,
) -> list[str]:
    taken = {name: [t[0] for t in times] for name, times in given.items()}
    if "AIR" in given:
        taken["AIR wall"] = [t[1] for t in given["AIR"]]
    for name, times in taken.items():
        report.keep(f"{pair}/{dimension}/{keys}/{name}", times)
    names = ["AIR", "AIR wall", "AIR without pushdown", "DuckDB attach"]
    cells = [Spread.of(taken[n]).show(" s") if n in taken else "-" for n in names]
    for name, least in [("DuckDB attach", 3), ("AIR without pushdown", 10)]:
        if "AIR" not in taken or name not in taken:
            cells.append("-")
            continue
        lead = ratios(taken[name], taken["AIR"])
        cells.append(lead.show())
        if keys == 1_000:
            report.goal(
                f"{pair}, {keys:,} keys by {dimension}, {name} over AIR",
                f"≥ {least} times",
                lead.show(),
                met=lead.median >= least,
            )
    return [f"{keys:,} keys", *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--sales", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report("Federated: joins over two sources")
    machine(["duckdb"], {"PostgreSQL": "15", "MariaDB": "10.11"})
    say(f"{chosen.sales:,} sales, {chosen.customers:,} customers\n")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = folder / "crm"
        files.mkdir()
        with (
            databases.postgres(folder / "pg", "bench") as pg,
            databases.mariadb(folder / "my", "bench") as my,
        ):
            load(pg, my, files, chosen.customers, chosen.sales)
            environment = {"PG_DSN": pg.dsn("bench"), "MY_DSN": my.dsn("bench")}
            config = configured(files)
            with (
                asking(folder / "air", config, environment) as pushing,
                asking(folder / "air-plain", config | WITHOUT, environment) as plain,
                attached(pg, my) as duck,
            ):
                world = World(pushing, plain, duck, files)
                for asker in [pushing, plain]:
                    for source in ["pg-sales", "mysql-crm", "crm-files"]:
                        asker.learn(source)
                for pair in SOURCES:
                    for dimension in ["name", "region"]:
                        measure(world, pair, dimension, chosen.rounds, report)
    report.save(chosen.json)


if __name__ == "__main__":
    main()
