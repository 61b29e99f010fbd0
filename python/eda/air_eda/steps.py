"""Columns as whole numbers of steps, in 128 bits.

In: integers, decimals, dates, times of day, instants and durations, and text that names one of all
but the last. Out: how many steps: of one, of the last digit of a decimal, of a day, of a
nanosecond. What is compared so is compared as it was written: of times, none is cut to the coarser
of two units.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import polars as pl

from .line import TICKS

SECOND = TICKS["ns"]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a clock without a zone)
# Python cuts what is finer than a microsecond.
FRACTION = re.compile(r"(?<=\d\d)[.,](\d+)")


class ZoneError(Exception):
    """A zone where there must be none, or none where there must be one."""


def of(series: pl.Series) -> pl.Series | None:
    """None of a column that is not counted in steps."""
    dtype = series.dtype
    if dtype.is_integer():
        return series.cast(pl.Int128)
    if dtype.is_decimal() or dtype in (pl.Date, pl.Time):
        return series.to_physical().cast(pl.Int128)
    if isinstance(dtype, pl.Datetime | pl.Duration):
        each = pl.Series([SECOND // TICKS[dtype.time_unit]], dtype=pl.Int128)
        return series.to_physical().cast(pl.Int128) * each
    return None


def each(dtype: pl.DataType) -> int:
    """The steps of one."""
    return 10**dtype.scale if isinstance(dtype, pl.Decimal) else 1


def zoned(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def day(text: str) -> Fraction:
    return Fraction(date.fromisoformat(text).toordinal() - EPOCH.toordinal())


def clock(text: str) -> Fraction:
    bare, rest = apart(text)
    there = time.fromisoformat(bare)
    if there.tzinfo is not None:
        raise ZoneError
    return nanoseconds(datetime.combine(EPOCH, there) - EPOCH) + rest


def instant(text: str, *, zoned: bool) -> Fraction:
    bare, rest = apart(text)
    there = datetime.fromisoformat(bare)
    if (there.tzinfo is not None) != zoned:
        raise ZoneError
    return nanoseconds(there - (EPOCH.replace(tzinfo=UTC) if zoned else EPOCH)) + rest


def apart(text: str) -> tuple[str, Fraction]:
    """A time without its fraction of a second, and that in nanoseconds."""
    found = FRACTION.search(text)
    if found is None:
        return text, Fraction(0)
    digits = found[1]
    rest = Fraction(int(digits) * SECOND, 10 ** len(digits))
    return text[: found.start()] + text[found.end() :], rest


def nanoseconds(since: timedelta) -> Fraction:
    return Fraction(since // timedelta(microseconds=1) * 1000)
