"""Rows put into buckets of one calendar unit, over all rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from .contract import EdaAggregate, EdaUnit, FieldError
from .data import Data
from .figures import EXACT, plain
from .line import I64_MAX, TICKS, Floats
from .problem import Failure

WIDTHS: dict[EdaUnit, str] = {
    "second": "1s",
    "minute": "1m",
    "hour": "1h",
    "day": "1d",
    "week": "1w",
    "month": "1mo",
    "quarter": "1q",
    "year": "1y",
}
# Their first and last bucket may be cut off by where the data ends.
ADDED_UP: tuple[EdaAggregate, ...] = ("sum", "count")
# The first and the last day of the calendar that people write, counted from 1970.
FIRST_DAY = (date.min - date(1970, 1, 1)).days
LAST_DAY = (date.max - date(1970, 1, 1)).days
# A unit fits when at least this share of its buckets has rows.
FILLED = 0.5


@dataclass(frozen=True)
class Buckets:
    """Every bucket from the first to the last that has rows, and the bucket of each row."""

    unit: EdaUnit
    starts: pl.Series
    # Of each row; null where the time is.
    of_rows: pl.Series

    @property
    def count(self) -> int:
        return len(self.starts)

    @property
    def empty(self) -> int:
        return self.count - self.of_rows.drop_nulls().n_unique()

    def label(self, i: int) -> str:
        return str(plain(self.starts[i]))

    def values(self, series: pl.Series, aggregate: EdaAggregate) -> Floats:
        """One number for each bucket; NaN where it has no value, 0 for counts."""
        frame = pl.DataFrame({"at": self.of_rows, "value": series})
        expression = {
            "mean": pl.col("value").mean(),
            "sum": pl.col("value").sum(),
            "median": pl.col("value").median(),
            "min": pl.col("value").min(),
            "max": pl.col("value").max(),
            "count": pl.col("value").count(),
        }[aggregate]
        by_bucket = (
            frame.drop_nulls("at")
            .group_by("at")
            .agg(expression.alias("value"), pl.col("value").count().alias("n"))
        )
        whole = self.starts.rename("at").to_frame().join(by_bucket, on="at", how="left")
        found = whole.sort("at")
        missing = 0.0 if aggregate == "count" else np.nan
        values = found["value"].cast(pl.Float64)
        if aggregate != "count":
            values = pl.select(pl.when(found["n"] > 0).then(values)).to_series()
        return values.fill_null(missing).to_numpy().copy()


@dataclass(frozen=True)
class Usable:
    """Numbers that can be added up without loss, where they allow it.

    Of a whole number or a decimal it is `value·unit − base`: cents are whole numbers, and huge
    numbers lie near zero.
    """

    values: pl.Series
    base: int = 0
    unit: int = 1

    def back(self, value: float) -> float:
        """In the column's own unit."""
        return value + self.base / self.unit


def usable(series: pl.Series, aggregate: EdaAggregate) -> Usable:
    """NaN and infinity are missing. A sum keeps its zero."""
    dtype = series.dtype
    if dtype.is_float():
        values = series.cast(pl.Float64)
        return Usable(pl.select(pl.when(values.is_finite()).then(values)).to_series())
    unit = 10**dtype.scale if isinstance(dtype, pl.Decimal) else 1
    whole = series.to_physical() if isinstance(dtype, pl.Decimal) else series
    low, high = whole.min(), whole.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return Usable(whole.cast(pl.Int64), unit=unit)
    largest = max(-low, high)
    if aggregate in ADDED_UP:
        # 64 bits would wrap around.
        fits = largest * len(whole) <= I64_MAX
        far = largest * len(whole) >= 1 << 127
        return Usable(whole.cast(pl.Int64 if fits else pl.Float64 if far else pl.Int128), unit=unit)
    if largest <= EXACT:
        return Usable(whole.cast(pl.Int64), unit=unit)
    if high - low >= 1 << 127:
        return Usable(whole.cast(pl.Float64), unit=unit)
    near = whole.cast(pl.Int128) - pl.Series([low], dtype=pl.Int128)
    return Usable(near.cast(pl.Float64), low, unit)


def buckets(data: Data, time: str, unit: EdaUnit | None, most: int) -> Buckets:
    series = data.one(time, "/time")
    if series.dtype.base_type() not in (pl.Date, pl.Datetime):
        detail = "A column of dates or timestamps is needed."
        error = FieldError(pointer="/time", code="type_mismatch", detail=detail)
        raise Failure("invalid", detail, [error])
    units = list(WIDTHS) if series.dtype == pl.Datetime else list(WIDTHS)[3:]
    there = series.drop_nulls()
    if there.is_empty():
        return Buckets(unit or "day", there, series)
    if not in_calendar(there):
        detail = "Times of other years than 1 to 9999 have no buckets; leave their rows out."
        error = FieldError(pointer="/time", code="bad_value", detail=detail)
        raise Failure("invalid", detail, [error])
    if unit is None:
        unit = fitting(there, units, most)
    found = made(series, unit)
    if found is None or found.count > most:
        detail = f"Buckets of a {unit} would be more than {most}."
        error = FieldError(pointer="/unit", code="too_large", detail=detail)
        raise Failure("invalid", detail, [error])
    return found


def in_calendar(there: pl.Series) -> bool:
    """Whether every time lies in a year of four digits, whatever the zone's clock shows."""
    low, high = there.to_physical().min(), there.to_physical().max()
    if not isinstance(low, int) or not isinstance(high, int):
        return False
    dtype = there.dtype
    day = TICKS[dtype.time_unit] * 86_400 if isinstance(dtype, pl.Datetime) else 1
    margin = day if isinstance(dtype, pl.Datetime) and dtype.time_zone else 0
    return FIRST_DAY * day + margin <= low and high < (LAST_DAY + 1) * day - margin


def fitting(there: pl.Series, units: list[EdaUnit], most: int) -> EdaUnit:
    """The finest unit that gives few enough buckets, mostly with rows; else the best filled."""
    best: tuple[float, EdaUnit] = (-1.0, "year")
    for unit in units:
        if expected(there, unit) > most * 1.1:
            continue
        found = made(there, unit)
        if found is None or found.count > most:
            continue
        share = 1 - found.empty / found.count
        if share >= FILLED:
            return unit
        if share > best[0]:
            best = (share, unit)
    return best[1]


def expected(there: pl.Series, unit: EdaUnit) -> float:
    """About how many buckets, before any is made."""
    low, high = there.min(), there.max()
    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    each = seconds.get(unit, {"month": 2_592_000, "quarter": 7_776_000}.get(unit, 31_536_000))
    return (high - low).total_seconds() / each  # type: ignore[operator, union-attr]


def made(series: pl.Series, unit: EdaUnit) -> Buckets | None:
    width = WIDTHS[unit]
    of_rows = series.dt.truncate(width)
    if of_rows.null_count() == len(of_rows):
        return None
    between = pl.date_range if series.dtype == pl.Date else pl.datetime_range
    first, last = pl.col("at").min(), pl.col("at").max()
    starts = pl.DataFrame({"at": of_rows}).select(between(first, last, width)).to_series()
    if series.dtype != pl.Date:
        # A change to summer time makes hours that a range does not step on.
        starts = pl.concat([starts, of_rows.drop_nulls().unique()]).unique()
    return Buckets(unit, starts.sort(), of_rows)
