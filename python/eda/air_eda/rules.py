"""The kinds of rule: each says of every row whether it breaks the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from .bounds import RuleError, alike, among, less, more, number
from .contract import EdaCheck, EdaRule
from .data import Data, type_of
from .line import double
from .reading import FORMS

WIDER = {"float": ("integer", "decimal"), "decimal": ("integer",), "timestamp": ("date",)}


@dataclass(frozen=True)
class Outcome:
    """`breaking` is true for rows that break the rule; `holds` overrides what follows from it."""

    breaking: pl.Series
    checked: int
    message: str
    holds: bool | None = None


def column(data: Data, name: str | None) -> pl.Series:
    if name is None:
        raise RuleError("it names no column")
    if name not in data.names:
        raise RuleError("there is no such column")
    return data.series(name)


def outcome(breaking: pl.Series, series: pl.Series, message: str) -> Outcome:
    return Outcome(breaking.fill_null(False), len(series) - series.null_count(), message)


def none_break(rows: int) -> pl.Series:
    return pl.repeat(False, rows, eager=True)


def not_null(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    return Outcome(series.is_null(), len(series), f"{rule.column} is never null.")


def null_share(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    most = number(rule.max, "max")
    share = Fraction(series.null_count(), len(series)) if len(series) else Fraction(0)
    message = f"At most {double(most):.3g} of {rule.column} is null; {float(share):.3g} is."
    return Outcome(series.is_null(), len(series), message, holds=share <= most)


def unique(data: Data, rule: EdaRule) -> Outcome:
    names = rule.columns or ([rule.column] if rule.column else [])
    if not names:
        raise RuleError("it names no column")
    frame = pl.DataFrame([column(data, name).rename(str(i)) for i, name in enumerate(names)])
    whole = pl.all_horizontal(pl.all().is_not_null())
    again = frame.select(whole & ~pl.struct(pl.all()).is_first_distinct()).to_series()
    used = int(frame.select(whole.sum()).item())
    return Outcome(again, used, f"No two rows have the same {' and '.join(names)}.")


def in_range(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    if rule.min is None and rule.max is None:
        raise RuleError("it has neither min nor max")
    breaking = none_break(len(series))
    parts = []
    if rule.min is not None:
        breaking = breaking | less(series, rule.min)
        parts.append(f"at least {rule.min}")
    if rule.max is not None:
        breaking = breaking | more(series, rule.max)
        parts.append(f"at most {rule.max}")
    if series.dtype.is_float():
        breaking = breaking | series.is_nan()
    return outcome(breaking, series, f"{rule.column} is {' and '.join(parts)}.")


def in_set(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    if not rule.values:
        raise RuleError("it has no values")
    breaking = ~among(series, rule.values)
    message = f"{rule.column} is one of {many_values(len(rule.values))}."
    return outcome(breaking & series.is_not_null(), series, message)


def many_values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def pattern(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    if rule.pattern is None:
        raise RuleError("it has no pattern")
    if type_of(series.dtype) != "text":
        raise RuleError("only text has patterns")
    try:
        breaking = ~series.cast(pl.String).str.contains(rule.pattern)
    except pl.exceptions.ComputeError as error:
        raise RuleError("its pattern is no regular expression") from error
    return outcome(breaking, series, f"{rule.column} matches its pattern.")


def length(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    kind = type_of(series.dtype)
    if kind == "text":
        lengths = series.cast(pl.String).str.len_chars()
    elif isinstance(series.dtype, pl.List):
        lengths = series.list.len()
    else:
        raise RuleError("only text and lists have a length")
    if rule.min is None and rule.max is None:
        raise RuleError("it has neither min nor max")
    counted = lengths.cast(pl.Int64)
    breaking = none_break(len(series))
    if rule.min is not None:
        breaking = breaking | less(counted, rule.min)
    if rule.max is not None:
        breaking = breaking | more(counted, rule.max)
    return outcome(breaking, series, f"The length of {rule.column} is within its bounds.")


def type_is(data: Data, rule: EdaRule) -> Outcome:
    if rule.type is None:
        raise RuleError("it has no type")
    series = data.raw(rule.column) if rule.column in data.names else column(data, rule.column)
    kind = type_of(series.dtype)
    message = f"{rule.column} is of type {rule.type}."
    if kind == rule.type or kind in WIDER.get(rule.type, ()):
        return outcome(none_break(len(series)), series, message)
    form = dict(FORMS).get(rule.type)
    if kind != "text" or form is None:
        return outcome(series.is_not_null(), series, message)
    return outcome(~series.cast(pl.String).str.contains(form), series, message)


def compare(data: Data, rule: EdaRule) -> Outcome:
    left, right = column(data, rule.column), column(data, rule.other)
    if rule.op is None:
        raise RuleError("it has no op")
    if type_of(left.dtype) != type_of(right.dtype) and not (
        left.dtype.is_numeric() and right.dtype.is_numeric()
    ):
        raise RuleError("the two columns are of different types")
    left, right = alike(left, right)
    holds = {
        "eq": lambda: left == right,
        "ne": lambda: left != right,
        "lt": lambda: left < right,
        "le": lambda: left <= right,
        "gt": lambda: left > right,
        "ge": lambda: left >= right,
    }[rule.op]()
    words = {"eq": "equals", "ne": "is not", "lt": "is below", "le": "is at most", "gt": "is above"}
    word = words.get(rule.op, "is at least")
    both = left.is_not_null() & right.is_not_null()
    message = f"{rule.column} {word} {rule.other}."
    return Outcome((~holds & both).fill_null(False), int(both.sum()), message)


def row_count(data: Data, rule: EdaRule) -> Outcome:
    if rule.min is None and rule.max is None:
        raise RuleError("it has neither min nor max")
    low = rule.min is None or data.rows >= number(rule.min, "min")
    high = rule.max is None or data.rows <= number(rule.max, "max")
    message = f"The number of rows, {data.rows:,}, is within its bounds."
    if not (low and high):
        message = f"The number of rows, {data.rows:,}, is outside its bounds."
    return Outcome(none_break(data.rows), data.rows, message, holds=low and high)


def increasing(data: Data, rule: EdaRule) -> Outcome:
    series = column(data, rule.column)
    if type_of(series.dtype) in ("list", "struct", "binary", "null", "boolean", "other"):
        raise RuleError(f"columns of type {type_of(series.dtype)} have no order")
    frame = pl.DataFrame({"v": series})
    before = pl.col("v").forward_fill().shift(1)
    falls = pl.col("v") <= before if rule.strict else pl.col("v") < before
    message = f"{rule.column} {'rises' if rule.strict else 'never falls'} from row to row."
    return outcome(frame.select(falls).to_series(), series, message)


CHECKS: dict[EdaCheck, Callable[[Data, EdaRule], Outcome]] = {
    "not_null": not_null,
    "null_share": null_share,
    "unique": unique,
    "range": in_range,
    "in_set": in_set,
    "pattern": pattern,
    "length": length,
    "type": type_is,
    "compare": compare,
    "row_count": row_count,
    "increasing": increasing,
}
