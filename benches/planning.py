"""Planning side by side: a question's text to PostgreSQL's SQL text.

In: the bench program (AIR_BENCH_BIN) and the packages of requirements.txt. Out: Markdown, and JSON
with --json. AIR starts from an IR; wren-core, sqlglot and DataFusion from the same question in
SQL; ibis from a function that builds its expression. Every tool prepares a catalog of 2, 50 and
500 tables once, outside the clock. Before anything is timed, each tool's SQL is run on a private
PostgreSQL over the same rows and must give the same rows as AIR's.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import psycopg
import sqlglot
import sqlglot.optimizer
import wren_core
from databases import LOADER, postgres
from measure import SEED, Report, Spread, Worker, machine, program, ratios, say, table, take_turns
from sqlglot.schema import MappingSchema

QUESTIONS = ["one_table", "two_way_join", "three_way_join", "four_way_join"]
NEEDS = {"one_table": 2, "two_way_join": 2, "three_way_join": 4, "four_way_join": 4}
SIZES = [2, 50, 500]
FOLDER = Path(__file__).resolve().parent / "questions"
PEERS = [
    "wren-core",
    "ibis",
    "ibis compile only",
    "sqlglot transpile",
    "sqlglot optimize",
    "datafusion",
]
CACHED = "AIR, cached"
PACKAGES = ["wren-core-py", "ibis-framework", "sqlglot", "sqlglotc"]

Call = Callable[[], str]


class Catalog:
    """One catalog, as each of the Python tools wants it."""

    def __init__(self, tables: list[dict[str, Any]]) -> None:
        shown = {t["name"]: {c["name"]: kind(c["data_type"]) for c in t["columns"]} for t in tables}
        self.wren = wren_core.SessionContext(manifest(tables, shown), None, None, "postgres")
        self.sqlglot = MappingSchema(shown, dialect="postgres")
        self.ibis = {
            name: ibis.table({c: IBIS[k] for c, k in columns.items()}, name=name, database="shop")
            for name, columns in shown.items()
        }


POSTGRES_TYPES = {
    "int32": "integer",
    "int64": "bigint",
    "text": "text",
    "date": "date",
    "bool": "boolean",
    "float64": "double precision",
    "timestamptz": "timestamptz",
    "timestamp": "timestamp",
    "json": "json",
    "uint64": "numeric(20,0)",
    "unreadable": "text",
}
IBIS = {
    "integer": "int32",
    "bigint": "int64",
    "text": "string",
    "date": "date",
    "boolean": "boolean",
    "double precision": "float64",
    "timestamptz": "timestamp('UTC')",
    "timestamp": "timestamp",
    "json": "json",
    "numeric(20,0)": "decimal(20,0)",
    "numeric(10,2)": "decimal(10,2)",
    "numeric(12,2)": "decimal(12,2)",
}


def kind(data_type: str) -> str:
    """A catalog's type in PostgreSQL's words."""
    if data_type.startswith("decimal"):
        return data_type.replace("decimal", "numeric")
    return POSTGRES_TYPES[data_type]


def manifest(tables: list[dict[str, Any]], shown: dict[str, dict[str, str]]) -> str:
    models = [
        {
            "name": t["name"],
            "tableReference": {"schema": "shop", "table": t["name"]},
            "columns": [
                {"name": c, "type": k.partition("(")[0]} for c, k in shown[t["name"]].items()
            ],
            "primaryKey": t["primary_key"][0],
        }
        for t in tables
    ]
    whole = {"catalog": "wren", "schema": "public", "dataSource": "POSTGRES", "models": models}
    text = json.dumps({**whole, "relationships": [], "views": []})
    return base64.b64encode(text.encode()).decode()


# The questions as ibis expressions: built within the call, since the question is its input.


def ibis_one_table(t: dict[str, Any]) -> Any:  # noqa: ANN401
    o = in_2024(t["orders"])
    o = o.filter(o.status.isin(["paid", "open"]))
    grouped = o.group_by(["status", "month"]).aggregate(
        orders=o.count(), customers=o.customer_id.nunique()
    )
    return grouped.order_by([ibis.desc("orders"), "status", "month"]).limit(100)


def ibis_two_way_join(t: dict[str, Any]) -> Any:  # noqa: ANN401
    c = t["customers"].select("id", "segment", "city").rename(cid="id")
    j = in_2024(t["orders"]).left_join(c, [("customer_id", "cid")])
    j = j.filter(j.city != "Riga")
    grouped = j.group_by(["segment", "month"]).aggregate(
        orders=j.count(), buyers=j.customer_id.nunique()
    )
    return grouped.order_by([ibis.desc("orders"), "segment", "month"]).limit(100)


def ibis_three_way_join(t: dict[str, Any]) -> Any:  # noqa: ANN401
    j = ibis_lines(t)
    j = j.filter(j.city != "Riga")
    grouped = j.group_by(["segment", "month"]).aggregate(
        sold=(j.qty * j.unit_price).sum(), lines=j.count()
    )
    return grouped.order_by([ibis.desc("sold"), "segment", "month"]).limit(100)


def ibis_four_way_join(t: dict[str, Any]) -> Any:  # noqa: ANN401
    p = t["products"].select("id", "category").rename(pid="id")
    j = ibis_lines(t).left_join(p, [("product_id", "pid")])
    j = j.filter(j.category != "toys")
    large = (j.qty > 10).sum()
    grouped = j.group_by(["segment", "category", "month"]).aggregate(
        sold=(j.qty * j.unit_price).sum(),
        lines=j.count(),
        large=large,
        share=large.cast("float64") / j.count(),
    )
    kept = grouped.filter(grouped.lines > 5)
    return kept.order_by([ibis.desc("sold"), "segment", "category", "month"]).limit(100)


def in_2024(orders: Any) -> Any:  # noqa: ANN401
    start, end = ibis.timestamp("2024-01-01 00:00:00"), ibis.timestamp("2025-01-01 00:00:00")
    kept = orders.filter(orders.ordered_at >= start, orders.ordered_at < end)
    return kept.mutate(month=kept.ordered_at.truncate("M"))


def ibis_lines(t: dict[str, Any]) -> Any:  # noqa: ANN401
    o = in_2024(t["orders"]).select("id", "customer_id", "month").rename(oid="id")
    c = t["customers"].select("id", "segment", "city").rename(cid="id")
    j = t["order_items"].inner_join(o, [("order_id", "oid")])
    return j.left_join(c, [("customer_id", "cid")])


IBIS_QUESTIONS = {
    "one_table": ibis_one_table,
    "two_way_join": ibis_two_way_join,
    "three_way_join": ibis_three_way_join,
    "four_way_join": ibis_four_way_join,
}


def python_peers(catalog: Catalog, question: str) -> dict[str, Call]:
    sql = (FOLDER / f"{question}.sql").read_text(encoding="utf-8")
    build = IBIS_QUESTIONS[question]
    built = build(catalog.ibis)

    def optimize() -> str:
        made = sqlglot.optimizer.optimize(sql, schema=catalog.sqlglot, dialect="postgres")
        return str(made.sql(dialect="postgres"))

    return {
        "wren-core": lambda: str(catalog.wren.transform_sql(sql)),
        "ibis": lambda: str(ibis.to_sql(build(catalog.ibis), dialect="postgres")),
        "ibis compile only": lambda: str(ibis.to_sql(built, dialect="postgres")),
        "sqlglot transpile": lambda: sqlglot.transpile(sql, read="postgres", write="postgres")[0],
        "sqlglot optimize": optimize,
    }


def timed(call: Call, calls: int) -> list[int]:
    nanos = []
    for _ in range(calls):
        started = time.perf_counter_ns()
        call()
        nanos.append(time.perf_counter_ns() - started)
    return nanos


# Equal results, once, before anything is timed.


def load(connection: psycopg.Connection[Any], catalog: list[dict[str, Any]]) -> None:
    """The four tables, with rows from a fixed seed."""
    draw = random.Random(SEED)  # noqa: S311
    connection.execute("create schema shop")
    for t in catalog:
        columns = ", ".join(f'"{c["name"]}" {kind(c["data_type"])}' for c in t["columns"])
        connection.execute(f'create table shop."{t["name"]}" ({columns})')
    cities, kinds = ["Riga", "Oslo", "Bergen"], ["toys", "books", "tools"]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "customers": [
            (i, f"n{i}", draw.choice(["a", "b", None]), draw.choice(cities), None, "2023-01-01")
            for i in range(200)
        ],
        "products": [(i, f"p{i}", draw.choice(kinds), "9.50", 1.0) for i in range(50)],
        "orders": [
            (
                i,
                draw.randrange(200),
                draw.choice(["paid", "open", "void"]),
                f"202{draw.randrange(3, 6)}-{draw.randrange(1, 13):02}-15T10:00:00Z",
                None,
                True,
            )
            for i in range(3000)
        ],
        "order_items": [
            (
                i // 3,
                i % 3,
                draw.randrange(50),
                draw.randrange(20),
                Decimal(draw.randrange(9999)) / 100,
            )
            for i in range(9000)
        ],
    }
    for name, values in rows.items():
        with connection.cursor().copy(f"copy shop.{name} from stdin") as copy:
            for row in values:
                copy.write_row(row)


def answer(connection: psycopg.Connection[Any], sql: str, params: list[str | None]) -> list[Any]:
    cursor = psycopg.RawCursor(connection)
    rows = cursor.execute(sql, params).fetchall()
    return [tuple(plain(value) for value in row) for row in rows]


def plain(value: object) -> object:
    """Instants without their zone's spelling; numbers with a fraction to nine digits."""
    if isinstance(value, float | Decimal):
        return f"{float(value):.9g}"
    return str(value).removesuffix("+00:00")


def check(worker: Worker, report: Report) -> None:
    """Refuses to go on where two tools' SQL gives other rows."""
    catalog = worker.ask(do="catalog", tables=4)["tables"]
    peers = Catalog(catalog)
    place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with place as folder, postgres(Path(folder) / "pg", "shop") as server:
        dsn = f"host={server.folder} port={server.port} user={LOADER} dbname=shop"
        with psycopg.connect(dsn, autocommit=True) as connection:
            load(connection, catalog)
            connection.execute("set timezone = 'UTC'; set search_path = shop")
            for question in QUESTIONS:
                asked = worker.ask(do="sql", tool="air", question=question, tables=4)
                ours = answer(connection, asked["sql"], asked["params"])
                if not ours:
                    sys.exit(f"{question} has no rows, so it compares nothing")
                texts = {n: call() for n, call in python_peers(peers, question).items()}
                texts["datafusion"] = worker.ask(
                    do="sql", tool="datafusion", question=question, tables=4
                )["sql"]
                cached = worker.ask(do="sql", tool="air_cached", question=question, tables=4)
                if cached != asked:
                    sys.exit(f"{question}: the cached plan is another\n{cached}\n{asked}")
                for name, sql in texts.items():
                    theirs = answer(connection, sql, [])
                    if theirs != ours[: len(theirs)] or len(theirs) != min(len(ours), 100):
                        sys.exit(
                            f"{question}: {name} gives other rows\n{sql}\n{theirs[:3]}\n{ours[:3]}"
                        )
                say(f"- {question}: {len(ours)} rows, equal by every tool's SQL")
    say()
    report.keep("checked", QUESTIONS)


def contestants(
    worker: Worker, question: str, tables: int, calls: int
) -> dict[str, Callable[[], list[int]]]:
    peers = python_peers(Catalog(worker.ask(do="catalog", tables=tables)["tables"]), question)

    def rust(tool: str) -> list[int]:
        asked = worker.ask(do="time", tool=tool, question=question, tables=tables, calls=calls * 10)
        nanos: list[int] = asked["nanos"]
        return nanos

    python = {n: (lambda call=call: timed(call, calls)) for n, call in peers.items()}
    own = {"AIR": lambda: rust("air"), CACHED: lambda: rust("air_cached")}
    return {**own, **python, "datafusion": lambda: rust("datafusion")}


def measure(worker: Worker, report: Report, rounds: int, calls: int) -> None:
    leads = {(own, peer): float("inf") for own in ["AIR", CACHED] for peer in PEERS}
    medians: dict[tuple[str, str, int], float] = {}
    for question in QUESTIONS:
        say(f"## {question}\n")
        rows: dict[str, list[str]] = {name: [name] for name in ["AIR", CACHED, *PEERS]}
        sizes = [max(size, NEEDS[question]) for size in SIZES]
        for tables in sizes:
            runners = contestants(worker, question, tables, calls)
            take_turns(runners, 1)  # the first round warms every tool and is thrown away
            given = take_turns(runners, rounds)
            per_round = {
                n: [Spread.of(batch).median / 1e3 for batch in b] for n, b in given.items()
            }
            for name, batches in given.items():
                spread = Spread.of([n / 1e3 for batch in batches for n in batch])
                cell = spread.show(" µs")
                medians[name, question, tables] = spread.median
                if name in PEERS:
                    times = ratios(per_round[name], per_round["AIR"])
                    cell += f", ×{times.show()}"  # noqa: RUF001
                    for own in ["AIR", CACHED]:
                        lead = ratios(per_round[name], per_round[own]).median
                        leads[own, name] = min(leads[own, name], lead)
                rows[name].append(cell)
                report.keep(f"{question}/{tables}/{name}", vars(spread))
        table(["µs: median (quartiles), times AIR", *[f"{s} tables" for s in sizes]], rows.values())
    judge(report, medians, leads)


def judge(
    report: Report,
    medians: dict[tuple[str, str, int], float],
    leads: dict[tuple[str, str], float],
) -> None:
    say("## Goals\n")
    goals = [("AIR", "one_table", 100), ("AIR", "four_way_join", 300)]
    for own, question, most in [*goals, *[(CACHED, question, 10) for question in QUESTIONS]]:
        worst = max(
            v for (name, asked, _), v in medians.items() if (name, asked) == (own, question)
        )
        report.goal(f"{own}, {question}, p50", f"≤ {most} µs", f"{worst:.1f} µs", met=worst <= most)
    for own in ["AIR", CACHED]:
        for question in QUESTIONS:
            sized = [
                v for (name, asked, _), v in medians.items() if (name, asked) == (own, question)
            ]
            growth = max(sized) / min(sized)
            report.goal(
                f"{own}, {question}, flat from 2 to 500 tables",
                "≤ 1.10 times",
                f"{growth:.2f} times",
                met=growth <= 1.1,
            )
    for (own, name), lead in leads.items():
        report.goal(
            f"{own}, faster than {name} in its best question",
            "≥ 10 times",
            f"{lead:.1f} times",
            met=lead >= 10,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument(
        "--calls", type=int, default=20, help="calls a round; tools in Rust ten times"
    )
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report("Planning: a question to PostgreSQL's SQL")
    worker = Worker(program("AIR_BENCH_BIN"), "planning")
    machine(PACKAGES, {"datafusion": "of Cargo.lock"})
    check(worker, report)
    measure(worker, report, chosen.rounds, chosen.calls)
    worker.close()
    report.save(chosen.json)


if __name__ == "__main__":
    main()
