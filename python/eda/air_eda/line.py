"""Values on a line: whatever has an order and differences, as sorted numbers.

In: a column of integers, decimals, floats, dates, times or durations. Out: its finite values as
sorted numbers, without loss, and how one of them is shown. Decimals and times become the whole
numbers they are stored as; whole numbers that 64 bits do not hold stay whole in 128.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import JsonValue

from .figures import EXACT, number, plain

Floats = NDArray[np.float64]
Number = int | float | Fraction
Integers = NDArray[np.int64]
I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1
TICKS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Counts:
    """How many of a column's values are special."""

    nulls: int
    nan: int
    positive_infinite: int
    negative_infinite: int


@dataclass(frozen=True)
class Line:
    """`ordered` is sorted and finite: an array, or a series where 64 bits do not hold it."""

    ordered: Floats | Integers | pl.Series
    counts: Counts
    # The value in its own type, of a number on the line.
    show: Callable[[Number], JsonValue]
    whole: bool
    # One unit of the column is so many steps of the line: 10^scale of decimals.
    steps: int
    temporal: bool

    @property
    def n(self) -> int:
        return len(self.ordered)

    @cached_property
    def wide(self) -> bool:
        """Whether the numbers are beyond what a double holds exactly."""
        if not self.whole or not self.n:
            return False
        return max(abs(self.at(0)), abs(self.at(self.n - 1))) > 1 << 53

    @cached_property
    def series(self) -> pl.Series:
        """Of whole numbers, in 128 bits."""
        return pl.Series(self.ordered).cast(pl.Int128)

    @cached_property
    def offsets(self) -> Floats:
        """Distances from the middle value, as doubles: exact where the values lie close."""
        if not isinstance(self.ordered, pl.Series) and not self.wide:
            return self.ordered.astype(np.float64, copy=False)
        if not self.wide:
            return self.series.cast(pl.Float64).to_numpy()
        if int(self.at(self.n - 1)) - int(self.at(0)) >= 1 << 127:
            return np.array([float(v - self.pivot) for v in self.series.to_list()])
        middle = pl.Series([self.pivot], dtype=pl.Int128)
        return (self.series - middle).cast(pl.Float64).to_numpy()

    @cached_property
    def total(self) -> int | float:
        """The sum; exact of whole numbers, however large; of doubles it may be infinite."""
        if not self.whole:
            with np.errstate(over="ignore"):
                return float(np.sum(self.offsets))
        largest = max(abs(self.at(0)), abs(self.at(self.n - 1)))
        if not isinstance(self.ordered, pl.Series) and largest * self.n <= I64_MAX:
            return int(self.ordered.sum())
        if largest * self.n >= 1 << 127:
            return sum(int(v) for v in self.series.to_list())
        return int(self.series.sum())

    @cached_property
    def pivot(self) -> int:
        """What `offsets` are measured from."""
        return int(self.at(self.n // 2)) if self.wide else 0

    def at(self, i: int) -> int | float:
        if isinstance(self.ordered, pl.Series):
            return int(self.ordered[i])
        return self.ordered.item(i)

    def search(self, value: float, side: Literal["left", "right"]) -> int:
        """Where a value of the line's own kind would stand; of whole ones not beyond 64 bits."""
        if isinstance(self.ordered, pl.Series):
            return int(self.ordered.search_sorted(value, side))
        return int(np.searchsorted(self.ordered, value, side))

    def below(self, bound: Number) -> int:
        """How many values are less than the bound."""
        return self.place(bound, after=False)

    def upto(self, bound: Number) -> int:
        """How many values are not more than the bound."""
        return self.place(bound, after=True)

    def place(self, bound: Number, *, after: bool) -> int:
        side: Literal["right", "left"] = "right" if after else "left"
        if not self.n:
            return 0
        if not self.whole:
            return self.search(double(bound), side)
        exact = Fraction(bound)
        # The nearest whole number inside: of 2.5, all up to 2 are below it.
        whole = exact.__floor__() if after else exact.__ceil__()
        if whole < self.at(0):
            return 0
        if whole > self.at(self.n - 1):
            return self.n
        return self.search(whole, side)

    def quantile(self, percent: int) -> int | float | Fraction:
        """Linear between the two nearest values; of whole numbers without rounding."""
        below, rest = divmod(percent * (self.n - 1), 100)
        low = self.at(below)
        if rest == 0:
            return low
        high = self.at(below + 1)
        if low == high:
            return low
        if self.temporal:
            return int(low) + (int(high) - int(low)) * rest // 100
        if self.whole:
            return low + Fraction((int(high) - int(low)) * rest, 100)
        # From the nearer end, as numpy does it; halves first where the distance overflows.
        share, half = rest / 100, high / 2 - low / 2
        if share < 0.5:
            return low + half * (2 * share)
        return high - half * (2 * (1.0 - share))


def double(value: Number) -> float:
    """The nearest double; infinite where none is so far out."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def line_of(series: pl.Series) -> Line | None:
    """None of a column that is no line."""
    nulls = series.null_count()
    values = series.drop_nulls()
    dtype = series.dtype
    if dtype.is_float():
        return floats(values.cast(pl.Float64), nulls)
    counts = Counts(nulls, 0, 0, 0)
    if dtype.is_integer():
        return Line(in_order(narrow(values)), counts, show_whole, True, 1, False)
    if isinstance(dtype, pl.Decimal):
        scale = dtype.scale
        return Line(
            in_order(narrow(values.to_physical())),
            counts,
            lambda v: decimal_text(v, scale),
            True,
            10**scale,
            False,
        )
    if dtype.is_temporal():
        whole = in_order(values.to_physical().cast(pl.Int64))
        return Line(whole, counts, shown_as(dtype), True, 1, True)
    return None


def in_order(values: pl.Series) -> Integers | pl.Series:
    """Sorting is what a profile costs most; numpy's uses the processor's vectors."""
    return values.sort() if values.dtype == pl.Int128 else np.sort(values.to_numpy())


def floats(values: pl.Series, nulls: int) -> Line:
    # NaN goes last, infinite values to the ends.
    ordered = np.sort(values.to_numpy())
    last = int(np.searchsorted(ordered, np.nan))
    low = int(np.searchsorted(ordered[:last], -np.inf, "right"))
    high = int(np.searchsorted(ordered[:last], np.inf))
    counts = Counts(nulls, len(ordered) - last, last - high, low)
    finite = ordered[low:high]
    # Both zeros are one value.
    finite += 0.0
    return Line(finite, counts, show_float, False, 1, False)


def show_float(value: Number) -> JsonValue:
    return number(float(value))


def show_whole(value: Number) -> JsonValue:
    """A whole number, or one between two: as text where a double would lose some of it."""
    if isinstance(value, Fraction) and value.denominator > 1:
        return float(value) if abs(value) < EXACT else decimal_text(value, 0)
    return plain(int(value))


def narrow(values: pl.Series) -> pl.Series:
    """Whole numbers in 64 bits where they fit."""
    if values.dtype in (pl.UInt64, pl.Int128, pl.UInt128):
        low, high = values.min(), values.max()
        if isinstance(low, int) and isinstance(high, int) and not I64_MIN <= low <= high <= I64_MAX:
            return values.cast(pl.Int128)
    return values.cast(pl.Int64)


def decimal_text(value: Number, scale: int) -> JsonValue:
    with localcontext(prec=80):
        whole = Fraction(value)
        if whole.denominator == 1:
            return format(Decimal(whole.numerator).scaleb(-scale), "f")
        return format(Decimal(whole.numerator) / Decimal(whole.denominator * 10**scale), "f")


def shown_as(dtype: pl.DataType) -> Callable[[Number], JsonValue]:
    """How a stored time is written: ISO 8601, with Z where it has a zone; a duration in seconds."""
    if isinstance(dtype, pl.Date):
        return lambda v: day(int(v))
    if isinstance(dtype, pl.Time):
        return lambda v: clock(int(v))
    if isinstance(dtype, pl.Duration):
        ticks = TICKS[dtype.time_unit]
        return lambda v: float(v / ticks)
    if isinstance(dtype, pl.Datetime):
        ticks, zone = TICKS[dtype.time_unit], "Z" if dtype.time_zone else ""
        return lambda v: moment(int(v), ticks) + zone
    return show_whole


def day(days: int) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    except OverflowError:
        return f"{days} days from 1970-01-01"


def clock(nanoseconds: int) -> str:
    return moment(nanoseconds, TICKS["ns"]).partition("T")[2]


def moment(since: int, ticks: int) -> str:
    seconds, rest = divmod(since, ticks)
    try:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds} seconds from 1970-01-01"
    text = start.replace(tzinfo=None).isoformat()
    fraction = f"{rest * (TICKS['ns'] // ticks):09d}".rstrip("0")
    return f"{text}.{fraction}" if fraction else text
