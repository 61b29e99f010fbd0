"""Profiling a table: the EDA service beside DuckDB's SUMMARIZE and fg-data-profiling.

Every contestant reads the same Parquet file, in a process of its own that has loaded what it needs,
and they take turns. They do not give the same figures: SUMMARIZE estimates quantiles and distinct
values; fg-data-profiling, which is not asked for its page, compares columns too as it does by
default (`fg-full`), and leaves that out with `minimal` (`fg-minimal`). AIR's figures are exact,
with histogram, frequent values, patterns and findings; `air-pairs` is the profile and then the
correlations, which AIR takes of a seeded sample of 100,000 rows and says so.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import REPOSITORY, Report, Spread, Worker, machine, ratios, say, table, take_turns

PEER = REPOSITORY / "benches" / "eda_peer.py"
GOAL_FG, GOAL_DUCKDB = 20.0, 1.0
OFTEN = ("air", "air-pairs", "duckdb")
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
    found.add_argument(
        "--fg",
        nargs="*",
        choices=["full", "minimal"],
        default=["minimal", "full"],
        help="how fg-data-profiling profiles, once each; nothing leaves it out",
    )
    found.add_argument("--fg-minutes", type=float, default=30.0, help="then it is stopped")
    found.add_argument("--json", type=Path)
    return found


def worker(python: str, name: str) -> Worker:
    environment = {"PYTHONPATH": str(REPOSITORY / "python" / "eda"), "PYTHONWARNINGS": "ignore"}
    # As the service starts its workers.
    environment["OPENBLAS_NUM_THREADS"] = "1" if name.startswith("air") else ""
    return Worker(Path(os.environ[python]), str(PEER), name, environment=environment)


@dataclass(frozen=True)
class Took:
    """Seconds of the clock, and of all processors together, which a busy machine changes less."""

    clock: float
    processor: float
    whole: bool = True


def asked(running: Worker, path: Path) -> Took:
    answer = running.ask(path=str(path))
    if answer["columns"] != COLUMNS:
        raise RuntimeError(f"{answer['columns']} columns were described")
    return Took(answer["seconds"], answer["processor"])


def in_turns(rounds: int, path: Path) -> dict[str, list[Took]]:
    """By contestant, after one round that is not counted."""
    python = {"air": "EDA_PYTHON", "air-pairs": "EDA_PYTHON", "duckdb": "BENCH_PYTHON"}
    workers = {name: worker(python[name], name) for name in OFTEN}
    try:
        every = {name: lambda name=name: asked(workers[name], path) for name in OFTEN}
        take_turns(every, 1)
        return take_turns(every, rounds)
    finally:
        for running in workers.values():
            running.close()


def once(mode: str, path: Path, minutes: float) -> Took:
    """What fg-data-profiling took; where it did not come to its end, what it was given."""
    running = worker("FG_PYTHON", f"fg-{mode}")
    stop = threading.Timer(minutes * 60, running.child.kill)
    stop.start()
    started = time.monotonic()
    try:
        return asked(running, path)
    except RuntimeError:
        if time.monotonic() - started < minutes * 60:
            raise
        return Took(minutes * 60, minutes * 60, whole=False)
    finally:
        stop.cancel()
        running.close()


def main() -> None:
    args = parser().parse_args()
    report = Report(f"Profiling {args.rows:,} rows by {COLUMNS} columns")
    machine(["pyarrow", "duckdb"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        pq.write_table(made(args.rows), path, row_group_size=122_880)
        say(f"- file: {path.stat().st_size / 2**20:.0f} MiB of Parquet\n")
        seconds = in_turns(args.rounds, path)
        fg = {mode: once(mode, path, args.fg_minutes) for mode in args.fg}
    rows = [
        (name, shown([v.clock for v in values]), shown([v.processor for v in values]))
        for name, values in seconds.items()
    ]
    for mode, took in fg.items():
        cut = "" if took.whole else "over "
        rows.append((f"fg-{mode}, once", f"{cut}{took.clock:,.1f} s", f"{took.processor:,.1f} s"))
    table(("contestant", "time, median (quartiles)", "of all processors"), rows)
    report.keep("seconds", {name: [vars(v) for v in values] for name, values in seconds.items()})
    report.keep("fg", {mode: vars(took) for mode, took in fg.items()})
    judge(report, seconds, fg)
    report.save(args.json)


def shown(values: list[float]) -> str:
    return Spread.of(values).show(" s")


def judge(report: Report, seconds: dict[str, list[Took]], fg: dict[str, Took]) -> None:
    clock = {name: [v.clock for v in values] for name, values in seconds.items()}
    against = ratios(clock["duckdb"], clock["air"])
    met = against.median >= GOAL_DUCKDB
    report.goal("DuckDB's time over AIR's", f">= {GOAL_DUCKDB}", against.show(), met=met)
    for mode, took in fg.items():
        for own in ("air", "air-pairs") if mode == "full" else ("air",):
            ratio = took.clock / Spread.of(clock[own]).median
            what = f"fg-data-profiling's time ({mode}) over that of {own}"
            here = f"{ratio:.1f}" if took.whole else f"over {ratio:.1f}"
            report.goal(what, f">= {GOAL_FG}", here, met=ratio >= GOAL_FG)


if __name__ == "__main__":
    main()
