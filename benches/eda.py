"""Profiling a table: the EDA service beside DuckDB's SUMMARIZE and fg-data-profiling.

Every contestant reads the same Parquet file, in a process of its own that has loaded what it needs,
and they take turns. They do not give the same figures: SUMMARIZE estimates quantiles and distinct
values; fg-data-profiling is not asked for its page, and with `minimal` leaves out what compares
columns. AIR's figures are exact, with histogram, frequent values, patterns and findings.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import REPOSITORY, Report, Spread, Worker, machine, ratios, say, table, take_turns

PEER = REPOSITORY / "benches" / "eda_peer.py"
GOAL_FG, GOAL_DUCKDB = 20.0, 1.0
COLUMNS = 30


def made(rows: int) -> Any:  # noqa: ANN401 (pyarrow has no types)
    """30 columns as reports have them: numbers, keys, categories, texts, times, gaps."""
    rng = np.random.default_rng(12)
    columns: dict[str, object] = {}
    for i in range(8):
        values = rng.normal(i, 1 + i, rows) if i % 2 else rng.lognormal(0, 1, rows)
        columns[f"amount_{i}"] = pa.array(values, mask=rng.random(rows) < 0.02 * i)
    for i in range(8):
        columns[f"count_{i}"] = rng.integers(0, 10 ** (i + 1), rows)
    for i in range(6):
        levels = np.array([f"level {k}" for k in range(2 + 9 * i)])
        columns[f"group_{i}"] = levels[rng.integers(0, len(levels), rows)]
    for i in range(3):
        columns[f"text_{i}"] = [f"item-{k:06x}" for k in rng.integers(0, 10 ** (4 + i), rows)]
    start = 1_700_000_000_000_000
    for i in range(3):
        moments = start + rng.integers(0, 10**7, rows) * 10**6
        columns[f"at_{i}"] = pa.array(moments, pa.timestamp("us"))
    for i in range(2):
        columns[f"flag_{i}"] = rng.random(rows) < 0.2 + 0.3 * i
    whole = pa.table(columns)
    if whole.num_columns != COLUMNS:
        raise RuntimeError(f"{whole.num_columns} columns")
    return whole


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--rows", type=int, default=1_000_000)
    found.add_argument("--rounds", type=int, default=5)
    found.add_argument("--fg-rounds", type=int, default=1, help="0 leaves fg-data-profiling out")
    found.add_argument("--fg", choices=["minimal", "full"], default="minimal")
    found.add_argument("--json", type=Path)
    return found


def worker(python: str, name: str) -> Worker:
    environment = {"PYTHONPATH": str(REPOSITORY / "python" / "eda"), "PYTHONWARNINGS": "ignore"}
    return Worker(Path(os.environ[python]), str(PEER), name, environment=environment)


def measured(args: argparse.Namespace, path: Path) -> dict[str, list[float]]:
    """Seconds by contestant; what runs seldom runs in the first rounds."""
    fg = f"fg-{args.fg}"
    workers = {"air": worker("EDA_PYTHON", "air"), "duckdb": worker("BENCH_PYTHON", "duckdb")}
    if args.fg_rounds:
        workers[fg] = worker("FG_PYTHON", fg)

    def ask(name: str) -> float:
        answer = workers[name].ask(path=str(path))
        if answer["columns"] != COLUMNS:
            raise RuntimeError(f"{name} described {answer['columns']} columns")
        return float(answer["seconds"])

    try:
        for name in ("air", "duckdb"):
            ask(name)
        every = {name: lambda name=name: ask(name) for name in workers}
        seldom = take_turns(every, args.fg_rounds)
        few = {name: every[name] for name in ("air", "duckdb")}
        often = take_turns(few, max(args.rounds - args.fg_rounds, 0))
        return {name: seldom[name] + often.get(name, []) for name in workers}
    finally:
        for running in workers.values():
            running.close()


def main() -> None:
    args = parser().parse_args()
    report = Report(f"Profiling {args.rows:,} rows by {COLUMNS} columns")
    machine(["pyarrow", "duckdb"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        pq.write_table(made(args.rows), path, row_group_size=122_880)
        say(f"- file: {path.stat().st_size / 2**20:.0f} MiB of Parquet\n")
        seconds = measured(args, path)
    rows = [
        (name, Spread.of(values).show(" s"), str(len(values))) for name, values in seconds.items()
    ]
    table(("contestant", "time, median (quartiles)", "rounds"), rows)
    report.keep("seconds", seconds)
    judge(report, args, seconds)
    report.save(args.json)


def judge(report: Report, args: argparse.Namespace, seconds: dict[str, list[float]]) -> None:
    against = ratios(seconds["duckdb"], seconds["air"])
    met = against.median >= GOAL_DUCKDB
    report.goal("DuckDB's time over AIR's", f">= {GOAL_DUCKDB}", against.show(), met=met)
    fg = seconds.get(f"fg-{args.fg}")
    if fg:
        against = ratios(fg, seconds["air"][: len(fg)])
        met = against.median >= GOAL_FG
        report.goal("fg-data-profiling's time over AIR's", f">= {GOAL_FG}", against.show(), met=met)


if __name__ == "__main__":
    main()
