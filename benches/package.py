"""Importing the Python package and its first answer, beside DuckDB and ibis.

In: the package laid out for import (PYTHONPATH) and the packages of requirements.txt. Out:
Markdown, and JSON with --json. Each contestant runs in a process of its own, which imports the
library, joins and groups the sample's flights, and does so again. The first answer of AIR holds
learning the files, which reads all of each; with its catalog kept it need not. All must give the
same rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import REPOSITORY, Report, Spread, machine, ratios, say, table, take_turns
from package_peer import CONTESTANTS

SAMPLE = REPOSITORY / "data" / "sample"
FILES = ("flights.parquet", "airlines.csv")
# The sample's keys between the two files, which the other contestants are told in their query.
DATASET = """version: 1
name: flights
tables:
  flights:
    files: flights.parquet
    foreign_keys:
      - {columns: [carrier], references: {table: airlines, columns: [carrier]}}
  airlines:
    files: airlines.csv
    primary_key: [carrier]
"""
FIGURES = {"import": "import", "first": "import to first rows", "again": "the same again"}


def contestant(name: str, folder: Path) -> Callable[[], dict[str, Any]]:
    """A process that does all of it once."""
    peer = Path(__file__).resolve().parent / "package_peer.py"

    def run() -> dict[str, Any]:
        command = [sys.executable, str(peer), name, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return run


def measured(folder: Path, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """What each contestant told, round by round, after a round that nobody counts."""
    contestants = {name: contestant(name, folder) for name in CONTESTANTS}
    warm = {name: run() for name, run in contestants.items()}
    expected = warm["DuckDB"]["rows"]
    if not expected:
        raise RuntimeError("the question has no rows")
    found = take_turns(contestants, rounds)
    for name, told in found.items():
        if any(one["rows"] != expected for one in [warm[name], *told]):
            raise RuntimeError(f"{name} gave other rows than DuckDB")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report("The Python package: import and first answer")
    machine(["duckdb", "ibis-framework", "pyarrow"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "flights"
        folder.mkdir()
        for file in FILES:
            shutil.copyfile(SAMPLE / file, folder / file)
        (folder / "dataset.yaml").write_text(DATASET, encoding="utf-8")
        found = measured(folder, chosen.rounds)
    lines = []
    for name, told in found.items():
        spreads = [Spread.of([1000 * one[figure] for one in told]) for figure in FIGURES]
        lines.append([name, *(spread.show(" ms") for spread in spreads)])
        for figure, spread in zip(FIGURES, spreads, strict=True):
            report.keep(f"{name}, {figure}, ms", spread.median)
    table(["", *FIGURES.values()], lines)
    for figure, words in FIGURES.items():
        for mine in ("AIR", "AIR, catalog kept"):
            for peer in ("DuckDB", "ibis"):
                ratio = ratios([o[figure] for o in found[mine]], [o[figure] for o in found[peer]])
                say(f"- {words}: {mine} takes {ratio.show()} times as long as {peer}")
    report.save(chosen.json)


if __name__ == "__main__":
    main()
