"""TPC-H on files side by side: AIR, DuckDB and polars over the same Parquet, CSV and JSON lines.

In: the service (AIR_BIN) and the packages of requirements.txt; the data is made once a scale. Out:
Markdown, and JSON with --json. Questions are the 22 queries as SQL through the guard, and those of
them that an IR can say (tpch_ir/). AIR answers over HTTP: `engine` is planning, guard and running
as the service times them, `wall` is what the caller waited, with the result's checks, the durable
record and JSON. DuckDB and polars are timed in their own process, rows included. The rows of every
tool are compared with DuckDB's; what differs or is refused is listed and no part of a mean.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import databases
import duckdb
import polars
import tpch
from asking import Asker, Refused, asking
from measure import Report, Spread, geometric_mean, machine, say, seconds, table, take_turns

IR_FOLDER = Path(__file__).resolve().parent / "tpch_ir"
SECONDS_AIR = ["AIR engine", "AIR wall"]
DUCKDB_TYPES = {"text": "varchar", "int64": "bigint", "int32": "integer"}
POLARS_TYPES: dict[str, Any] = {
    "int64": polars.Int64, "int32": polars.Int32, "text": polars.String, "date": polars.Date,
    tpch.MONEY: polars.Decimal(15, 2),
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One of the 22: its SQL for the peers, and what AIR is given."""

    name: str
    sql: str
    asked: dict[str, Any]


def questions(connection: duckdb.DuckDBPyConnection, form: str) -> list[Question]:
    texts = dict(connection.execute("from tpch_queries()").fetchall())
    sql = [Question(f"q{n:02}", text, {"sql": text}) for n, text in texts.items()]
    if form == "sql":
        return sql
    return [
        Question(path.stem, texts[int(path.stem[1:])], {"ir": json.loads(path.read_text())})
        for path in sorted(IR_FOLDER.glob("q*.json"))
    ]


# The peers over the same files, with the same types told where a file does not hold them.


def duckdb_over(place: Path, form: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    databases.load_extension(connection, "tpch")
    for name, columns in tpch.TABLES.items():
        path = place / f"{name}.{form}"
        types = ", ".join(f"{c}: '{DUCKDB_TYPES.get(k, k)}'" for c, k in columns.items())
        reader = {
            "parquet": f"read_parquet('{path}')",
            "csv": f"read_csv('{path}', header = true, columns = {{{types}}})",
            "jsonl": f"read_json('{path}', format = 'newline_delimited', columns = {{{types}}})",
        }[form]
        connection.execute(f"create view {name} as from {reader}")
    return connection


def polars_over(place: Path, form: str) -> polars.SQLContext[polars.LazyFrame]:
    def scan(name: str) -> polars.LazyFrame:
        path = place / f"{name}.{form}"
        types = {c: POLARS_TYPES[k] for c, k in tpch.TABLES[name].items()}
        if form == "parquet":
            return polars.scan_parquet(path)
        if form == "csv":
            return polars.scan_csv(path, schema=types)
        # polars does not read a number of JSON as a decimal: read as a double, then made one.
        money = [c for c, k in types.items() if k == POLARS_TYPES[tpch.MONEY]]
        dates = [c for c, k in types.items() if k == polars.Date]
        as_read = types | dict.fromkeys(money, polars.Float64) | dict.fromkeys(dates, polars.String)
        return polars.scan_ndjson(path, schema=as_read).with_columns(
            *[polars.col(c).round(2).cast(polars.Decimal(15, 2)) for c in money],
            *[polars.col(c).str.to_date("%Y-%m-%d") for c in dates],
        )

    return polars.SQLContext({name: scan(name) for name in tpch.TABLES})


# Rows, compared


def same(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> bool:
    return len(ours) == len(theirs) and all(
        len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(ours, theirs, strict=True)
    )


def alike(ours: object, theirs: object) -> bool:
    """Equal, numbers to nine digits: a tool may give a quotient as a decimal of few places."""
    if isinstance(theirs, date):
        return str(ours) == theirs.isoformat()
    if isinstance(theirs, int | float | Decimal) and isinstance(ours, int | float | Decimal | str):
        a, b = float(ours), float(theirs)
        return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    return ours == theirs


def rows_of(body: dict[str, Any], names: list[str]) -> list[tuple[Any, ...]]:
    """AIR's rows in the order of the peers' columns; an IR may name further ones for itself, and
    an output without a name is found by its place."""
    own = [column["name"] for column in body["columns"]]
    keys = [name if name in own else own[place] for place, name in enumerate(names)]
    return [tuple(row[key] for key in keys) for row in body["rows"]]


def check(
    question: Question,
    asker: Asker,
    source: str,
    duck: duckdb.DuckDBPyConnection,
    context: polars.SQLContext[polars.LazyFrame],
) -> dict[str, str]:
    """What each tool did other than give DuckDB's rows; nothing where they are equal."""
    cursor = duck.execute(question.sql)
    names = [column[0] for column in cursor.description]
    expected = cursor.fetchall()
    found: dict[str, str] = {}
    try:
        answered = asker.query(source, question.asked)
        if not same(rows_of(answered.body, names), expected):
            found["AIR"] = f"other rows: {rows_of(answered.body, names)[:2]} for {expected[:2]}"
    except Refused as refused:
        found["AIR"] = f"refused: {refused}"
    try:
        if not same(context.execute(trimmed(question.sql)).collect().rows(), expected):
            found["polars"] = "other rows"
    except polars.exceptions.PolarsError as error:
        found["polars"] = f"refused: {str(error).partition(chr(10))[0]}"
    return found


def trimmed(sql: str) -> str:
    return sql.strip().removesuffix(";")


def measure(
    form: str,
    source: str,
    asked: list[Question],
    asker: Asker,
    place: Path,
    rounds: int,
    report: Report,
    kind: str,
) -> dict[str, float]:
    """The ratio AIR over DuckDB of each question whose rows were equal."""
    duck, context = duckdb_over(place, form), polars_over(place, form)
    lines, over, over_wall, polars_over_duck = [], {}, {}, []
    for question in asked:
        found = check(question, asker, source, duck, context)
        for tool, what in found.items():
            say(f"- {question.name}: {tool}: {what}")
            report.figures.setdefault("differences", []).append(
                [form, kind, question.name, tool, what]
            )
        runners = runners_of(question, asker, source, duck, context, found)
        given = take_turns(runners, rounds)
        cells = spreads(given)
        for name, spread in cells.items():
            report.keep(f"{form}/{kind}/{question.name}/{name}", vars(spread))
        shown = [
            cells[n].show(" s") if n in cells else "-" for n in [*SECONDS_AIR, "DuckDB", "polars"]
        ]
        if "AIR engine" in cells:
            over[question.name] = cells["AIR engine"].median / cells["DuckDB"].median
            over_wall[question.name] = cells["AIR wall"].median / cells["DuckDB"].median
        if "polars" in cells:
            polars_over_duck.append(cells["polars"].median / cells["DuckDB"].median)
        lines.append([question.name, *shown, shown_ratio(over.get(question.name))])
    say()
    table([f"{form}, as {kind}", *SECONDS_AIR, "DuckDB", "polars", "AIR engine / DuckDB"], lines)
    if over:
        say(
            f"Geometric means over DuckDB: AIR engine {geometric_mean(over.values()):.2f}, "
            f"AIR wall {geometric_mean(over_wall.values()):.2f}"
            + (f", polars {geometric_mean(polars_over_duck):.2f}" if polars_over_duck else "")
            + "\n"
        )
    return over


Timed = tuple[float, ...]


def shown_ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def runners_of(
    question: Question,
    asker: Asker,
    source: str,
    duck: duckdb.DuckDBPyConnection,
    context: polars.SQLContext[polars.LazyFrame],
    found: dict[str, str],
) -> dict[str, Callable[[], Timed]]:
    def air() -> Timed:
        answered = asker.query(source, question.asked)
        return answered.engine, answered.wall

    everyone: dict[str, Callable[[], Timed]] = {
        "AIR": air,
        "DuckDB": lambda: (seconds(lambda: duck.execute(question.sql).fetchall()),),
        "polars": lambda: (
            seconds(lambda: context.execute(trimmed(question.sql)).collect().rows()),
        ),
    }
    return {name: run for name, run in everyone.items() if name not in found}


def spreads(given: dict[str, list[Timed]]) -> dict[str, Spread]:
    cells = {
        name: Spread.of([t[0] for t in taken]) for name, taken in given.items() if name != "AIR"
    }
    for i, name in enumerate(SECONDS_AIR):
        if "AIR" in given:
            cells[name] = Spread.of([t[i] for t in given["AIR"]])
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", nargs="+", choices=tpch.FORMATS, default=tpch.FORMATS)
    parser.add_argument("--kinds", nargs="+", choices=["ir", "sql"], default=["ir", "sql"])
    parser.add_argument("--data", type=Path, default=Path.home() / ".cache" / "air" / "bench-data")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report(f"Files: TPC-H at scale {chosen.scale:g}")
    machine(["duckdb", "polars", "tpchgen-cli"])
    places = tpch.data(chosen.scale, chosen.data)
    config = {
        "analytics_sources": [
            {"id": form, "kind": "files", "base_path": str(places[form]), "sample_values": False}
            for form in chosen.formats
        ],
        "files": {"base_path": str(chosen.data)},
        # The peers give all rows.
        "safety": {"default_row_limit": 100_000},
    }
    with tempfile.TemporaryDirectory() as name, asking(Path(name) / "air", config) as asker:
        for form in chosen.formats:
            one_format(form, asker, places[form], chosen, report)
    report.save(chosen.json)


def one_format(
    form: str, asker: Asker, place: Path, chosen: argparse.Namespace, report: Report
) -> None:
    say(f"## {form}\n\nAIR learned it in {asker.learn(form):.1f} s, once.\n")
    for kind in chosen.kinds:
        with duckdb.connect() as connection:
            databases.load_extension(connection, "tpch")
            asked = questions(connection, kind)
        over = measure(form, form, asked, asker, place, chosen.rounds, report, kind)
        if not over:
            say(f"AIR answered none of these as {kind}.\n")
            continue
        mean, worst = geometric_mean(over.values()), max(over, key=lambda name: over[name])
        if form == "jsonl":
            continue  # no goal is set for it; its figures stand in the table
        report.goal(
            f"{form} as {kind}, AIR over DuckDB, geometric mean",
            "≤ 1",
            f"{mean:.2f} of {len(over)} questions",
            met=mean <= 1,
        )
        report.goal(
            f"{form} as {kind}, the slowest question over DuckDB",
            "≤ 3",
            f"{over[worst]:.2f} ({worst})",
            met=over[worst] <= 3,
        )
        say()


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", str(os.cpu_count() or 1))
    main()
