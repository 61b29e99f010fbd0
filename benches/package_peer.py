"""One contestant of the package's bench, in a process of its own: `package_peer.py NAME FOLDER`.

Imports its library, asks the first question of the files in FOLDER, and asks it again. Answers with
a line of JSON: the seconds of each from the start of the import, the rows, and what was learned
where a contestant learns.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[list[Any]]
# Gives the rows of the question.
Ask = Callable[[], Rows]

IR = {
    "entities": ["flights", "airlines"],
    "dimensions": [{"name": "name", "field": "airlines.name"}],
    "metrics": [
        {"name": "flights", "agg": "count"},
        {"name": "miles", "agg": "sum", "field": "flights.distance"},
    ],
    "order": [{"field": "name"}],
}
SQL = """
select name, count(*) as flights, sum(distance)::bigint as miles
from read_parquet('{folder}/flights.parquet') join read_csv('{folder}/airlines.csv') using (carrier)
group by name order by name
"""
# What the contestant that keeps its catalog reads it from.
KEPT = "catalog.json"


def air(folder: Path, *, kept: bool) -> Ask:
    import air as package

    def ask() -> Rows:
        rows: Rows = engine.run(IR, "flights").rows(100)
        return rows

    engine = package.Engine(time_filter="off")
    if kept:
        catalog = (folder.parent / KEPT).read_text(encoding="utf-8")
        engine.register_files("flights", folder, catalog=catalog)
    else:
        engine.register_files("flights", folder)
        engine.learn("flights")
        (folder.parent / KEPT).write_text(json.dumps(engine.catalog("flights")), encoding="utf-8")
    return ask


def duckdb(folder: Path) -> Ask:
    import duckdb as package

    connection = package.connect()
    sql = SQL.format(folder=folder)
    return lambda: [list(row) for row in connection.execute(sql).fetchall()]


def ibis(folder: Path) -> Ask:
    import ibis as package

    connection = package.duckdb.connect()
    flights = connection.read_parquet(folder / "flights.parquet")
    airlines = connection.read_csv(folder / "airlines.csv")
    joined = flights.join(airlines, "carrier").group_by("name")
    question = joined.aggregate(
        flights=lambda t: t.count(), miles=lambda t: t.distance.sum()
    ).order_by("name")
    return lambda: [list(row.values()) for row in question.to_pyarrow().to_pylist()]


MODULES = {"AIR": "air", "AIR, catalog kept": "air", "DuckDB": "duckdb", "ibis": "ibis"}
CONTESTANTS: dict[str, Callable[[Path], Ask]] = {
    "AIR": lambda folder: air(folder, kept=False),
    "AIR, catalog kept": lambda folder: air(folder, kept=True),
    "DuckDB": duckdb,
    "ibis": ibis,
}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    begin = time.perf_counter()
    __import__(MODULES[name])
    imported = time.perf_counter()
    ask = CONTESTANTS[name](folder)
    rows = ask()
    first = time.perf_counter()
    again = ask()
    second = time.perf_counter()
    if rows != again:
        sys.exit(f"{name} gave other rows the second time")
    told = {
        "import": imported - begin,
        "first": first - begin,
        "again": second - first,
        "rows": rows,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
