"""Columns that known libraries and hand-made code alike get wrong, by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

RNG = np.random.default_rng(97)
DAY = date(2024, 2, 27)
MOMENT = datetime(2024, 3, 31, 0, 30, tzinfo=UTC)
MANY = 25_000


def doubles(values: Sequence[float | None]) -> Any:
    return pa.array(values, pa.float64())


def repeated(values: list[Any], times: int) -> list[Any]:
    """In an order that is neither of the values nor of their groups."""
    whole = values * times
    return [whole[int(i)] for i in RNG.permutation(len(whole))]


def far_apart() -> list[float]:
    """More than a piece of the moments' loop, with a mean far from zero."""
    return list(RNG.normal(1e7, 1.0, 40_000))


COLUMNS: dict[str, Any] = {
    # Constant.
    "constant_float": doubles([0.1] * 50),
    "constant_whole": pa.array([7] * 50),
    "constant_zero": doubles([0.0, -0.0, 0.0]),
    "constant_huge": pa.array([2**63 - 1] * 9),
    "constant_text": pa.array(["same"] * 50),
    "constant_flag": pa.array([True] * 5),
    "constant_day": pa.array([DAY] * 5),
    # All null.
    "null_float": doubles([None] * 4),
    "null_whole": pa.array([None] * 4, pa.int64()),
    "null_text": pa.array([None] * 4, pa.string()),
    "null_flag": pa.array([None] * 4, pa.bool_()),
    "null_day": pa.array([None] * 4, pa.date32()),
    "null_money": pa.array([None] * 4, pa.decimal128(9, 2)),
    # One row, and one value.
    "one_float": doubles([1.5]),
    "one_whole": pa.array([2**53 + 1]),
    "one_text": pa.array(["x"]),
    "one_flag": pa.array([False]),
    "one_day": pa.array([DAY]),
    "one_value": doubles([None, None, -2.5]),
    "two_values": doubles([3.0, 1.0]),
    # NaN and infinity.
    "nan": doubles([math.nan] * 3),
    "infinite": doubles([math.inf, -math.inf, math.inf]),
    "wild": doubles([1.5, math.nan, math.inf, -math.inf, None, 2.5, math.inf, -0.0, 0.0, 7.0]),
    "wild_many": doubles(repeated([math.nan, math.inf, -math.inf, *range(40)], 60)),
    "wild_single": pa.array([1.5, math.nan, math.inf, None, 2.5], pa.float32()),
    # Huge and tiny.
    "huge_ends": pa.array([2**63 - 1, -(2**63), 0, 5, None]),
    "huge_close": pa.array([2**62 + int(i) for i in RNG.integers(0, 9, 200)]),
    "huge_unsigned": pa.array([2**64 - 1, 2**64 - 2, 0, 2**64 - 1], pa.uint64()),
    "huge_money": pa.array(
        [Decimal("9" * 36 + ".25"), Decimal("-" + "9" * 36), Decimal("0.5")], pa.decimal128(38, 2)
    ),
    "money": pa.array([Decimal(int(v)) / 100 for v in RNG.integers(-999, 9999, 300)]),
    "subnormal": doubles([5e-324, 1e-320, 3e-310, 0.0]),
    "largest": doubles([1.7e308, -1.7e308, 1.6e308, 1e308]),
    "far_apart": doubles(far_apart()),
    # Mixed types, as text.
    "mixed": pa.array(["12", "x", "2024-01-01", "1.5", "", None, "true", "-3", "NaN", "12"]),
    "numbers": pa.array(["1.5", "-2", "3e4", "0", None]),
    "whole_text": pa.array(["1", "22", "-333", "1"]),
    "dates": pa.array(["2024-02-29", "2023-12-31", None]),
    "moments": pa.array(["2024-02-29 10:00:00", "2023-12-31T23:59:59.5"]),
    "flags": pa.array(["true", "False", "TRUE"]),
    # Dates and times.
    "day": pa.array([DAY + timedelta(days=int(i)) for i in RNG.integers(0, 90, 200)]),
    "day_old": pa.array([date(1, 1, 1), date(9999, 12, 31), date(1900, 2, 28)]),
    "moment": pa.array([MOMENT + timedelta(hours=int(i)) for i in RNG.integers(0, 99, 200)]),
    "moment_zone": pa.array(
        [MOMENT + timedelta(minutes=i) for i in range(0, 300, 7)],
        pa.timestamp("us", "Europe/Berlin"),
    ),
    "moment_nano": pa.array([1, 10**18 + 7, -5, None, 3], pa.timestamp("ns")),
    "clock": pa.array([time(0, 0), time(23, 59, 59, 999_999), time(12, 30)]),
    "span": pa.array([timedelta(days=-1), timedelta(seconds=90), timedelta(0), None]),
    # High cardinality.
    "many_whole": pa.array(RNG.permutation(MANY)),
    "many_floats": doubles(list(RNG.normal(size=MANY))),
    "many_texts": pa.array([f"user-{i}" for i in RNG.permutation(MANY)]),
    "many_repeated": pa.array(repeated([f"item {i:x}" for i in range(9_000)], 3)),
    "few_texts": pa.array(repeated(["north", "south", "east", None], 5_000)),
    # Unicode.
    "unicode": pa.array(["Äpfel", "äpfel", "名前", "🙂🙂", "e\u0301", "é", "ǅ", "١٢", None, "İ"]),
    "spaces": pa.array(["", " ", "\u3000", "a ", "\ta", "a", "A\u00a0"]),
    "unicode_many": pa.array(repeated([f"名{i}é" for i in range(11_000)], 2)),
    # In order.
    "rising": pa.array(range(2000)),
    "falling": doubles([float(-i) for i in range(2000)]),
    "nearly_rising": pa.array([*range(2000), 5]),
    # Others.
    "flag": pa.array([True, False, None, True]),
    "lists": pa.array([[1], [1, 2], [], None, [1]]),
    "bytes": pa.array([b"ab", b"", None, b"ab"]),
}
