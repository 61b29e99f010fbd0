"""Whether AIR's profile gives the figures of fg-data-profiling, on known and on awkward columns.

Both profile the same Parquet files in processes of their own. Each figure that both have must agree
but for rounding; where the two define a figure differently, the definition is brought over here,
and what cannot be is named in `DIFFERENT`. Exit code 1 where another figure does not agree.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import REPOSITORY, Worker, say

PEER = REPOSITORY / "benches" / "eda_peer.py"
RNG = np.random.default_rng(6)
N = 500
START = datetime(2024, 1, 1)  # noqa: DTZ001 (a time of no zone is what is tested)

# What the two do not mean alike, and why: by column and figure.
SAME_DOUBLES = "it subtracts doubles that are equal here"
DIFFERENT: dict[tuple[str, str], str] = {
    ("nan", "n_missing"): "pandas takes NaN for missing, Arrow has both",
    ("nan", "n_distinct"): "pandas takes NaN for missing, Arrow has both",
    ("huge", "sum"): "it adds 64-bit numbers, which wrap around",
    **{("huge", k): SAME_DOUBLES for k in ("std", "mad", "iqr", "skewness", "kurtosis")},
    **{
        ("infinite", k): "it counts infinite values among the others"
        for k in ("mad", "iqr", "5%", "25%", "50%", "75%", "95%")
    },
}


def columns() -> dict[str, Any]:
    special = RNG.normal(size=N)
    special[:10] = math.inf
    missing = pa.array(RNG.normal(size=N), mask=RNG.random(N) < 0.3)
    base = 2**62
    return {
        "normal": RNG.normal(size=N),
        "skewed": RNG.lognormal(0, 1.5, N),
        "whole": RNG.integers(-50, 50, N),
        "zeros": np.where(RNG.random(N) < 0.6, 0, RNG.integers(-3, 9, N)),
        "missing": missing,
        "infinite": special,
        "constant": np.full(N, 7.0),
        "huge": pa.array([base + int(i) for i in RNG.integers(0, 9, N)]),
        "group": RNG.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1]),
        "unicode": RNG.choice(["Äpfel", "名前", "🙂", "é"], N),
        "many": [f"user-{i}" for i in RNG.integers(0, 10_000, N)],
        "flag": RNG.random(N) < 0.3,
        "day": [START + timedelta(hours=int(h)) for h in RNG.integers(0, 9000, N)],
        "gaps": pa.array([None if i % 3 else "x" for i in range(N)]),
        "nan": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "same_text": ["same"] * N,
        "same_day": [START] * N,
        "same_flag": [True] * N,
        "mixed": RNG.choice(["12", "x", "2024-01-01", "1.5", ""], N),
        "empty": pa.nulls(N, pa.float64()),
        "empty_text": pa.nulls(N, pa.string()),
        "key": RNG.permutation(N),
    }


def one_row() -> dict[str, Any]:
    return {
        "whole": [7],
        "real": [1.5],
        "text": ["名"],
        "flag": [True],
        "day": [START],
        "empty": pa.nulls(1, pa.float64()),
    }


def of_air(answer: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Figures by column, by fg-data-profiling's names."""
    found: dict[str, dict[str, float]] = {}
    for column in answer["columns"]:
        figures = {k: f["value"] for k, f in column["figures"].items()}
        names = {
            "nulls": "n_missing",
            "distinct": "n_distinct",
            "unique": "n_unique",
            "infinite": "n_infinite",
            "zeros": "n_zeros",
            "negative": "n_negative",
            "length_max": "max_length",
            "length_min": "min_length",
            "length_mean": "mean_length",
        }
        same = ("mean", "std", "min", "max", "sum", "mad", "iqr", "skewness", "kurtosis")
        mine = {k: figures[k] for k in same if k in figures}
        mine |= {theirs: figures[ours] for ours, theirs in names.items() if ours in figures}
        if quantiles := column.get("quantiles"):
            for p in (5, 25, 50, 75, 95):
                mine[f"{p}%"] = quantiles["values"][p]
        found[column["name"]] = {k: float(v) for k, v in mine.items() if is_number(v)}
        unbiased(found[column["name"]], column)
    return found


def is_number(value: object) -> bool:
    try:
        return value is not None and math.isfinite(float(str(value)))
    except ValueError:
        return False


def unbiased(figures: dict[str, float], column: dict[str, Any]) -> None:
    """The population's form as the sample's, which pandas gives: G1 and G2 of Joanes and Gill."""
    n = column["figures"].get("mean", {}).get("n_used", 0)
    if n > 3 and "skewness" in figures:
        figures["skewness"] *= math.sqrt(n * (n - 1)) / (n - 2)
        g2 = figures["kurtosis"]
        figures["kurtosis"] = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)


def disagreements(mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for column, figures in theirs.items():
        for name, value in figures.items():
            if name not in mine[column] or not is_number(value):
                continue
            own, other = mine[column][name], float(value)
            if not math.isclose(own, other, rel_tol=1e-9, abs_tol=1e-9):
                yield column, name, f"AIR {own!r}, fg-data-profiling {other!r}"


def ask(python: str, name: str, path: Path) -> Any:  # noqa: ANN401
    environment = {"PYTHONPATH": str(REPOSITORY / "python" / "eda"), "PYTHONWARNINGS": "ignore"}
    peer = Worker(Path(os.environ[python]), str(PEER), name, environment=environment)
    try:
        return peer.ask(path=str(path), figures=True)["figures"]
    finally:
        peer.close()


def compared(table: Any) -> tuple[int, int]:  # noqa: ANN401
    """How many figures are in both profiles, and how many of them do not agree."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.parquet"
        pq.write_table(table, path)
        mine, theirs = of_air(ask("EDA_PYTHON", "air", path)), ask("FG_PYTHON", "fg-full", path)
    both = sum(name in mine[c] for c, figures in theirs.items() for name in figures)
    say(f"{table.num_rows} rows: {both} figures of {len(theirs)} columns are in both profiles.")
    faults = 0
    for column, name, what in disagreements(mine, theirs):
        reason = DIFFERENT.get((column, name))
        faults += reason is None
        say(f"- {column}, {name}: {what}" + (f" ({reason})" if reason else ""))
    say("Every other figure agrees." if not faults else f"{faults} figures do not agree.")
    return both, faults


def main() -> int:
    found = [compared(pa.table(columns())), compared(pa.table(one_row()))]
    return 1 if any(faults for _, faults in found) or found[0][0] < 180 else 0


if __name__ == "__main__":
    sys.exit(main())
