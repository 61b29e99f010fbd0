"""Text that holds another type: of CSV files, and what a column of text could be read as.

A type fits only where every value that is not null reads as it, and reads back as it stood:
`007` stays text, since a number would lose its zeros. So does `1E5`, which codes have too, unless
another value is a number by its point or its exponent's sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from .contract import EdaType

# No zeros in front: these are numbers whose text can be had back.
INTEGER = r"^[+-]?(0|[1-9][0-9]{0,37})$"
NUMBER = r"^[+-]?((0|[1-9][0-9]{0,15})(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
WORDS = r"^([nN]a[nN]|[+-]?[iI]nf(inity)?)$"
# What numbers and codes may be, and what of numbers only they are.
CODE = r"^[0-9]+[eE][0-9]+$"
NO_CODE = r"^[+-]?[0-9]*\.|[eE][+-]|^[+-].*[eE]"
BOOLEAN = r"^(true|false|True|False|TRUE|FALSE)$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIMESTAMP = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?$"
)
# More digits of a second than a microsecond has, and the years that nanoseconds reach over.
FINE = r"\.[0-9]{7,}"
FINE_YEARS = r"^(1[7-9]|20|21)[0-9]{2}"
ZONED = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
# Whatever has one of the forms has this one: mostly it settles that there is none.
ANY = rf"^[-+.0-9]|{WORDS}|{BOOLEAN}"
# In the order they are tried: the narrowest first.
FORMS: list[tuple[EdaType, str]] = [
    ("boolean", BOOLEAN),
    ("integer", INTEGER),
    ("float", f"{NUMBER}|{WORDS}"),
    ("date", DATE),
    ("timestamp", TIMESTAMP),
]


@dataclass(frozen=True)
class Suggestion:
    """What most of a text's values read as, and which share of them."""

    type: EdaType
    share: float


def suggest(texts: pl.Series, counts: pl.Series | None = None) -> Suggestion:
    """Of values that are not null, each as often as `counts` says."""
    weights = (
        counts.cast(pl.Int64)
        if counts is not None
        else pl.Series([1]).new_from_index(0, len(texts))
    )
    total = int(weights.sum())
    if total == 0:
        return Suggestion("text", 1.0)
    best = Suggestion("text", 0.0)
    there = texts.str.contains(ANY)
    texts, weights = texts.filter(there), weights.filter(there)
    if not len(texts):
        return best
    for kind, form in FORMS:
        fits = texts.str.contains(form)
        if kind == "float" and are_codes(texts.filter(fits)):
            continue
        share = int(weights.filter(fits).sum()) / total
        if share == 1.0:
            return Suggestion(kind, 1.0)
        if share > best.share:
            best = Suggestion(kind, share)
    return best


def are_codes(numbers: pl.Series) -> bool:
    return bool(numbers.str.contains(CODE).any()) and not numbers.str.contains(NO_CODE).any()


def from_text(series: pl.Series) -> pl.Series:
    """The column as the type that each of its values fits, or as the text it is."""
    if series.dtype != pl.String:
        return series
    texts = series.drop_nulls()
    if texts.is_empty():
        return series
    # Most columns of text are known by their first values.
    if suggest(texts.head(1000)).share < 1.0:
        return series
    found = suggest(texts)
    if found.share < 1.0:
        return series
    try:
        return converted(series, found.type)
    except pl.exceptions.PolarsError:
        return series


def converted(series: pl.Series, kind: EdaType) -> pl.Series:
    """Strict: what does not fit after all is an error."""
    if kind == "boolean":
        return series.str.to_lowercase() == "true"
    if kind == "integer":
        wide = series.str.strip_chars_start("+").cast(pl.Int128)
        narrow = wide.cast(pl.Int64, strict=False)
        return narrow if narrow.null_count() == wide.null_count() else wide
    if kind == "float":
        numbers = series.str.strip_chars_start("+").cast(pl.Float64)
        return numbers if has_room(series, numbers) else series
    if kind == "date":
        return series.str.to_date("%Y-%m-%d", strict=True)
    if kind == "timestamp":
        return instants(series)
    return series


def has_room(texts: pl.Series, numbers: pl.Series) -> bool:
    """Whether doubles hold what the texts say: `1e999` is not endless, `1e-999` is not zero, and
    `9007199254740993` is not the number beside it."""
    if not texts.filter(numbers.is_infinite()).str.contains(WORDS).all():
        return False
    if texts.filter(numbers == 0).str.contains("^[^eE]*[1-9]").any():
        return False
    is_whole = texts.str.contains(INTEGER)
    whole = texts.filter(is_whole).str.strip_chars_start("+").cast(pl.Int128)
    return bool((numbers.filter(is_whole).cast(pl.Int128) == whole).all())


def instants(series: pl.Series) -> pl.Series:
    zoned = series.drop_nulls().str.contains(ZONED)
    if zoned.any() and not zoned.all():
        # Some say where they are and others do not: they are no points on one line.
        return series
    fine = bool(series.str.contains(FINE).any())
    if fine and not series.drop_nulls().str.contains(FINE_YEARS).all():
        return series
    unit: Literal["ns", "us"] = "ns" if fine else "us"
    if zoned.all():
        return series.str.to_datetime(time_unit=unit, time_zone="UTC", strict=True)
    return series.str.to_datetime(time_unit=unit, strict=True)
