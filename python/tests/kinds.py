"""Tables of the tests: one with a column of every type, one with rows enough to be worked on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ZONE = "Europe/Berlin"
MANY = 200_000

# Name, Arrow type in the file, and two values; the third row of each is null.
KINDS: list[tuple[str, Any, list[Any]]] = [
    ("flag", pa.bool_(), [True, False]),
    ("i8", pa.int8(), [-128, 127]),
    ("i16", pa.int16(), [-(2**15), 2**15 - 1]),
    ("i32", pa.int32(), [-(2**31), 2**31 - 1]),
    ("i64", pa.int64(), [-(2**63), 2**63 - 1]),
    ("u8", pa.uint8(), [0, 255]),
    ("u16", pa.uint16(), [0, 2**16 - 1]),
    ("u32", pa.uint32(), [0, 2**32 - 1]),
    ("u64", pa.uint64(), [0, 2**64 - 1]),
    ("f32", pa.float32(), [0.5, -1.25]),
    ("f64", pa.float64(), [0.1, float("inf")]),
    ("money", pa.decimal128(10, 2), [Decimal("-0.05"), Decimal("12345678.90")]),
    ("wide", pa.decimal128(38, 10), [Decimal("1.0000000001"), Decimal(10) ** 27]),
    ("day", pa.date32(), [date(1, 1, 1), date(9999, 12, 31)]),
    ("clock", pa.time64("us"), [time(0, 0), time(23, 59, 59, 999_999)]),
    ("local", pa.timestamp("us"), [datetime(2024, 6, 30, 2, 30), datetime(1969, 12, 31)]),  # noqa: DTZ001
    (
        "instant",
        pa.timestamp("us", tz="UTC"),
        [datetime(2024, 3, 31, 0, 30, tzinfo=UTC), datetime(2024, 10, 27, 0, 30, 0, 1, tzinfo=UTC)],
    ),
    ("word", pa.string(), ["", "a text that is longer than twelve bytes: žluťoučký kůň"]),
]


def write(folder: Path) -> None:
    """Writes both tables as Parquet, and says in which zone their times are shown."""
    columns = {"id": pa.array([1, 2, 3], pa.int32())}
    for name, kind, values in KINDS:
        columns[name] = pa.array([*values, None], kind)
    pq.write_table(pa.table(columns), folder / "kinds.parquet")
    numbers = pa.array(range(MANY), pa.int64())
    words = pa.array([f"the text of row number {n}" for n in range(MANY)])
    halves = pa.array([n / 2 for n in range(MANY)])
    pq.write_table(pa.table({"n": numbers, "half": halves, "word": words}), folder / "many.parquet")
    (folder / "dataset.yaml").write_text(
        f"version: 1\nname: kinds\ntime_zone: {ZONE}\n"
        "tables:\n"
        "  kinds: {files: kinds.parquet, primary_key: [id]}\n"
        '  many: {files: many.parquet, primary_key: ["n"]}\n',
        encoding="utf-8",
    )


def ir(*columns: str) -> dict[str, Any]:
    """Every row of `kinds`, in order."""
    return {"entities": ["kinds"], "dimensions": ["id", *columns], "order": [{"field": "id"}]}


def many(limit: int = MANY) -> dict[str, Any]:
    """Rows of `many`, in order."""
    return {
        "entities": ["many"],
        "dimensions": ["n", "half", "word"],
        "order": [{"field": "n"}],
        "limit": limit,
    }
