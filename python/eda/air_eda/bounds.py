"""Columns against the values of a rule, and against each other, each as exactly as it was written.

In: a column, and JSON that names a value of its type. Out: which rows are less, more, or among
them; or why the value fits no such column.
"""

from __future__ import annotations

import math
import sys
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import polars as pl
from pydantic import JsonValue

from . import steps
from .data import type_of
from .line import double

# Of a number in a rule, before or behind its point.
MOST_DIGITS = 1_000
LARGEST = sys.float_info.max


class RuleError(Exception):
    """Why a rule cannot be checked, in words that fit behind a colon."""


def less(series: pl.Series, bound: JsonValue) -> pl.Series:
    if (whole := steps.of(series)) is not None:
        return whole < literal(in_steps(series.dtype, bound, "min").__ceil__())
    there = typed(series.dtype, bound)
    # Of bounds that no double holds, the infinite values are on one side.
    return series < (there.clip(lower_bound=-LARGEST) if series.dtype.is_float() else there)


def more(series: pl.Series, bound: JsonValue) -> pl.Series:
    if (whole := steps.of(series)) is not None:
        return whole > literal(in_steps(series.dtype, bound, "max").__floor__())
    there = typed(series.dtype, bound)
    return series > (there.clip(upper_bound=LARGEST) if series.dtype.is_float() else there)


def literal(whole: int) -> pl.Series:
    """Beyond 128 bits as far out as they go: nothing of a column is there."""
    limit = (1 << 127) - 1
    return pl.Series([max(-limit, min(limit, whole))], dtype=pl.Int128)


def in_steps(dtype: pl.DataType, value: JsonValue, name: str) -> Fraction:
    """A value of a rule in the steps of its column, exact."""
    if dtype.is_decimal() and isinstance(value, float):
        # As it was written, and not as the double that it became.
        value = str(value)
    if dtype.is_integer() or dtype.is_decimal():
        return number(value, name) * steps.each(dtype)
    kind = type_of(dtype)
    if not isinstance(value, str):
        raise RuleError(f"a value of it is no {kind}")
    try:
        if isinstance(dtype, pl.Datetime):
            return steps.instant(value, zoned=dtype.time_zone is not None)
        if kind in ("date", "time"):
            return steps.day(value) if kind == "date" else steps.clock(value)
    except steps.ZoneError as error:
        raise RuleError("a time of it, or the column, says no zone and the other does") from error
    except ValueError as error:
        raise RuleError(f"a value of it is no {kind}") from error
    raise RuleError(f"columns of type {kind} have no such rule")


def number(value: JsonValue, name: str) -> Fraction:
    """Exact, also of numbers that JSON carries as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RuleError(f"{name} must be a number")
    try:
        if isinstance(value, str) and abs(Decimal(value).adjusted()) > MOST_DIGITS:
            raise RuleError(f"{name} has more than {MOST_DIGITS} digits")
        return Fraction(value)
    except (ValueError, OverflowError, ZeroDivisionError, InvalidOperation) as error:
        raise RuleError(f"{name} must be a number") from error


def typed(dtype: pl.DataType, value: JsonValue) -> pl.Series:
    """A value of a rule as one of the column's type, of those that are not counted in steps."""
    kind = type_of(dtype)
    if kind == "float":
        return pl.Series([double(number(value, "the value"))], dtype=pl.Float64)
    if kind == "boolean" and isinstance(value, bool):
        return pl.Series([value])
    if kind == "text" and isinstance(value, str):
        return pl.Series([value])
    if isinstance(value, str) and kind not in ("boolean", "text"):
        raise RuleError(f"columns of type {kind} have no such rule")
    raise RuleError(f"a value of it is no {kind}")


def among(series: pl.Series, values: list[JsonValue]) -> pl.Series:
    if (whole := steps.of(series)) is not None:
        exact = [in_steps(series.dtype, value, "the value") for value in values]
        # What lies between two steps, or further out than a column goes, no value equals.
        there = [v.numerator for v in exact if v.denominator == 1 and abs(v) < 1 << 127]
        return whole.is_in(pl.Series(there, dtype=pl.Int128).implode())
    found = [v for value in values for v in typed(series.dtype, value).to_list()]
    finite = [v for v in found if not (isinstance(v, float) and math.isinf(v))]
    return series.is_in(pl.Series(finite, dtype=series.dtype, strict=False).implode())


def alike(left: pl.Series, right: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Two columns in the same steps, where both are counted in such."""
    if steps.zoned(left.dtype) != steps.zoned(right.dtype):
        raise RuleError("one of the two columns has a time zone and the other has none")
    ours, theirs = steps.of(left), steps.of(right)
    if ours is None or theirs is None:
        return left, right
    # Decimals of different scales are compared as what they are.
    return (ours, theirs) if steps.each(left.dtype) == steps.each(right.dtype) else (left, right)
