"""Columns of a sample, as arrays: numbers as doubles with NaN for what is missing, categories as
codes with −1 for what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .contract import EdaSkipped
from .data import Data, Unreadable, type_of
from .line import Floats

Codes = NDArray[np.int64]
Rows = NDArray[np.int64]
# More levels than this, or nearly as many as values, say nothing of a category.
MOST_LEVELS = 200


@dataclass(frozen=True)
class Numeric:
    name: str
    values: Floats


@dataclass(frozen=True)
class Category:
    name: str
    codes: Codes
    levels: int


Column = Numeric | Category | EdaSkipped


def skipped(name: str, reason: str) -> EdaSkipped:
    return EdaSkipped(column=name, reason=reason)


def doubles(series: pl.Series) -> Floats | None:
    """Numbers and times as doubles, infinite ones as missing; none of anything else.

    Times are steps of their type from the earliest, so that none is lost to rounding.
    """
    dtype = series.dtype
    if isinstance(dtype, pl.Decimal):
        series = around_middle(series.to_physical()).cast(pl.Float64) / 10**dtype.scale
    elif dtype.is_temporal():
        whole = series.to_physical().cast(pl.Int64)
        series = whole - (whole.min() if len(whole) > whole.null_count() else 0)
    elif not dtype.is_numeric():
        return None
    elif dtype in (pl.Int64, pl.UInt64, pl.Int128, pl.UInt128):
        series = around_middle(series)
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values


def around_middle(series: pl.Series) -> pl.Series:
    """Whole numbers beyond the doubles, as distances from one of them."""
    low, high = series.min(), series.max()
    if not isinstance(low, int) or not isinstance(high, int) or max(-low, high) <= 1 << 53:
        return series
    if high - low >= 1 << 127:
        return series.cast(pl.Float64)
    return series.cast(pl.Int128) - pl.Series([low], dtype=pl.Int128)


def column(data: Data, name: str, rows: Rows | None) -> Column:
    """One column of the sample, or why it is left out."""
    try:
        series = data.series(name)
    except Unreadable:
        return skipped(name, "its type is not read")
    if rows is not None:
        series = series.gather(rows)
    series = series.rename(name)
    if series.null_count() == len(series):
        return skipped(name, "it has no value")
    values = doubles(series)
    if values is not None:
        return numeric(name, values)
    if type_of(series.dtype) in ("text", "boolean"):
        return category(name, series)
    return skipped(name, f"columns of type {type_of(series.dtype)} have no such measure")


def numeric(name: str, values: Floats) -> Column:
    there = values[~np.isnan(values)]
    if len(there) < 3:
        return skipped(name, "it has fewer than three finite values")
    if there.min() == there.max():
        return skipped(name, "all its values are equal")
    return Numeric(name, values)


def category(name: str, series: pl.Series) -> Column:
    used = len(series) - series.null_count()
    # Codes in the order of the text, so that they never vary.
    ranks = series.cast(pl.String).rank("dense").cast(pl.Int64) - 1
    codes = ranks.fill_null(-1).to_numpy()
    levels = int(codes.max()) + 1
    if levels < 2:
        return skipped(name, "all its values are equal")
    if levels > MOST_LEVELS or levels * 2 > used:
        return skipped(name, f"it has {levels} different values, too many for categories")
    return Category(name, codes, levels)
