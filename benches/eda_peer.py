"""One contestant of the profiling bench, in the Python that has it: `eda_peer.py NAME`.

Reads a line of JSON with the path of a Parquet file, profiles it, and answers with the seconds it
took, those of all processors together, and the number of columns it described; with `figures` also
what it found. What a tool loads is loaded before.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Takes a path, gives the number of columns and, where it has any to compare, the figures.
Run = Callable[[str], tuple[int, Any]]


def air(*more: str) -> Run:
    """The profile, and other operations after it."""
    from air_eda.source import Job
    from air_eda.worker import answer, warm_up

    warm_up()

    def run(path: str) -> tuple[int, Any]:
        place = Path(path)
        body = place.with_suffix(".json")
        body.write_text(json.dumps({"path": place.name}), encoding="utf-8")
        folder = str(place.parent)
        found = []
        for operation in ("profile", *more):
            made = answer(Job(operation, str(body), "json", folder, folder, 1 << 40))
            # As the service gives it.
            found.append(json.loads(made.model_dump_json(exclude_unset=True)))
        return len(found[0]["columns"]), found[0]

    return run


def duckdb() -> Run:
    import duckdb as peer

    connection = peer.connect()

    def run(path: str) -> tuple[int, Any]:
        rows = connection.execute("SUMMARIZE SELECT * FROM read_parquet(?)", [path]).fetchall()
        return len(rows), None

    return run


def fg(*, minimal: bool) -> Run:
    import pandas as pd
    from data_profiling import ProfileReport

    def run(path: str) -> tuple[int, Any]:
        report = ProfileReport(pd.read_parquet(path), minimal=minimal, progress_bar=False)
        found = report.get_description().variables
        return len(found), {name: plain(column) for name, column in found.items()}

    return run


def plain(column: dict[str, object]) -> dict[str, float]:
    """Figures of fg-data-profiling that are numbers, numpy's included; whole ones exactly."""
    numbers: dict[str, float] = {}
    for name, value in column.items():
        kind = type(value).__name__
        if "int" in kind:
            numbers[name] = int(str(value))
        elif "float" in kind:
            numbers[name] = float(str(value))
    return numbers


CONTESTANTS: dict[str, Callable[[], Run]] = {
    "air": air,
    "air-pairs": lambda: air("correlations"),
    "duckdb": duckdb,
    "fg-minimal": lambda: fg(minimal=True),
    "fg-full": lambda: fg(minimal=False),
}


def main() -> None:
    warnings.simplefilter("ignore")
    answers = sys.stdout
    # Peers print what they do.
    sys.stdout = sys.stderr
    run = CONTESTANTS[sys.argv[1]]()
    for line in sys.stdin:
        asked = json.loads(line)
        started, worked = time.perf_counter(), time.process_time()
        columns, figures = run(asked["path"])
        spent, work = time.perf_counter() - started, time.process_time() - worked
        answer = {"seconds": spent, "processor": work, "columns": columns}
        if asked.get("figures"):
            answer["figures"] = figures
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
