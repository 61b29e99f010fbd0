"""What the values of each column are like: the operation `profile`.

Each column is read once and sorted, or counted by value, once; everything else follows from that.
Members of structs are columns of their own, named `column.member`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from . import alerts, report
from .coded import Coded
from .contract import (
    EdaColumnProfile,
    EdaFigure,
    EdaHistogram,
    EdaProfile,
    EdaProfileRequest,
    EdaQuantiles,
    EdaTopValues,
)
from .data import Data, Unreadable, type_of
from .duplicates import RowHashes
from .figures import figure
from .line import Line, line_of
from .shape import (
    centre,
    histogram,
    most_frequent,
    quantiles,
    runs,
    spread,
    temporal_centre,
    top_values,
)
from .source import Source
from .words import Words

# Members of members are looked at so deep.
MOST_DEPTH = 4
Values = pl.Series | Coded


@dataclass
class Parts:
    """A column's profile while it is put together."""

    figures: dict[str, EdaFigure] = field(default_factory=dict)
    quantiles: EdaQuantiles | None = None
    histogram: EdaHistogram | None = None
    top: EdaTopValues | None = None
    patterns: EdaTopValues | None = None


def profile(source: Source, request: EdaProfileRequest) -> EdaProfile:
    data = source.data
    names = data.chosen(request.columns)
    # Sorting and counting leave the interpreter free, so columns go side by side.
    hashes = RowHashes(data)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        found = threads.map(lambda name: list(column_profiles(data, name, request, hashes)), names)
        columns = [column for several in found for column in several]
    duplicates = hashes.duplicates()
    findings = alerts.of_profile(data.rows, columns, duplicates)
    return EdaProfile(
        version="1",
        rows=data.rows,
        columns=columns,
        duplicate_rows=duplicates,
        findings=findings,
        report_md=report.profile(data.rows, columns, findings),
    )


def column_profiles(
    data: Data, name: str, request: EdaProfileRequest, hashes: RowHashes | None = None
) -> Iterator[EdaColumnProfile]:
    arrow_type = str(data.schema.field(name).type)
    try:
        values = data.values(name)
        if hashes is not None:
            hashes.add(name, values)
        # As a whole, since a panic may come after a member of a struct.
        found = list(of_values(values, name, arrow_type, request))
    except (Unreadable, pl.exceptions.PanicException):
        found = [EdaColumnProfile(name=name, type="other", arrow_type=arrow_type, figures={})]
    yield from found


def of_values(
    values: Values, name: str, arrow_type: str, request: EdaProfileRequest, depth: int = 0
) -> Iterator[EdaColumnProfile]:
    yield one(values, name, arrow_type, request)
    if isinstance(values, Coded):
        return
    if isinstance(values.dtype, pl.Struct) and depth < MOST_DEPTH:
        for member in values.dtype.fields:
            inner = values.struct.field(member.name)
            whole = f"{name}.{member.name}"
            yield from of_values(inner, whole, str(inner.dtype), request, depth + 1)


def one(values: Values, name: str, arrow_type: str, request: EdaProfileRequest) -> EdaColumnProfile:
    rows, nulls = len(values), values.null_count()
    parts = Parts()
    parts.figures["nulls"] = figure(nulls, "count", rows)
    parts.figures["null_share"] = figure(nulls / rows if rows else None, "nulls over rows", rows)
    if nulls < rows:
        fill(parts, values, request)
    else:
        parts.figures["distinct"] = figure(0, "count of distinct values", 0)
    known = {
        "quantiles": parts.quantiles,
        "histogram": parts.histogram,
        "top_values": parts.top,
        "patterns": parts.patterns,
    }
    given = {key: value for key, value in known.items() if value is not None}
    kind = "text" if isinstance(values, Coded) else type_of(values.dtype)
    return EdaColumnProfile.model_construct(
        {"name", "type", "arrow_type", "figures", *given},
        name=name,
        type=kind,
        arrow_type=arrow_type,
        figures=parts.figures,
        **given,
    )


def fill(parts: Parts, series: Values, request: EdaProfileRequest) -> None:
    """Of a column with a value."""
    if isinstance(series, Coded):
        of_text(parts, Words.of_coded(series), request)
        return
    dtype = series.dtype
    if dtype == pl.Boolean:
        of_booleans(parts, series, request.top_values)
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        of_text(parts, Words.of(series.drop_nulls().cast(pl.String)), request)
    elif (line := line_of(series)) is not None:
        of_line(parts, line, series, request)
    else:
        of_others(parts, series)


def of_line(parts: Parts, line: Line, series: pl.Series, request: EdaProfileRequest) -> None:
    counts = line.counts
    special = {
        "NaN": counts.nan,
        "Infinity": counts.positive_infinite,
        "-Infinity": counts.negative_infinite,
    }
    total = line.n + sum(special.values())
    if series.dtype.is_float():
        infinite = counts.positive_infinite + counts.negative_infinite
        parts.figures["nan"] = figure(counts.nan, "count of NaN", total)
        parts.figures["infinite"] = figure(infinite, "count of infinities", total)
    values, frequency = runs(line)
    found: list[tuple[object, int]] = [(k, n) for k, n in special.items() if n]
    if line.n:
        places = most_frequent(frequency, request.top_values)
        found += [(line.show(to_number(values[int(i)])), int(frequency[i])) for i in places]
    distinct = sum(1 for n in special.values() if n)
    once = sum(1 for n in special.values() if n == 1)
    if line.n:
        distinct, once = distinct + len(frequency), once + int(np.count_nonzero(frequency == 1))
    add_distinct(parts, distinct, once, total)
    found.sort(key=lambda pair: -pair[1])
    parts.top = top_values(found[: request.top_values], total)
    if line.n:
        parts.figures |= spread(line) | (temporal_centre(line) if line.temporal else centre(line))
        parts.quantiles = quantiles(line)
        parts.histogram = histogram(line, request.histogram_bins)
    parts.figures["order"] = figure(order(series), "order of the rows", total)


def to_number(value: object) -> int | float:
    """Of an element of a series or an array."""
    return value if isinstance(value, int | float) else value.item()  # type: ignore[attr-defined]


def order(series: pl.Series) -> str | None:
    values = series.drop_nulls()
    if len(values) < 2:
        return None
    if isinstance(values.dtype, pl.Decimal) or values.dtype.is_temporal():
        values = values.to_physical()
    # Mostly the first values say that there is none.
    first = values.head(1000)
    if not (first.is_sorted() or first.is_sorted(descending=True)):
        return "none"
    if values.is_sorted():
        # As polars compares: NaN equals NaN.
        return "constant" if (values.head(1) == values.tail(1)).all() else "increasing"
    return "decreasing" if values.is_sorted(descending=True) else "none"


def add_distinct(parts: Parts, distinct: int, once: int, total: int) -> None:
    parts.figures["distinct"] = figure(distinct, "count of distinct values", total)
    parts.figures["unique"] = figure(once, "count of values that are there once", total)


def of_booleans(parts: Parts, series: pl.Series, most: int) -> None:
    total = len(series) - series.null_count()
    true = int(series.sum())
    pairs: list[tuple[object, int]] = [(True, true), (False, total - true)]
    there = sorted((p for p in pairs if p[1]), key=lambda pair: -pair[1])
    add_distinct(parts, len(there), sum(1 for _, n in there if n == 1), total)
    parts.figures["true_share"] = figure(true / total, "true values over values", total)
    parts.top = top_values(there[:most], total)


def of_text(parts: Parts, words: Words, request: EdaProfileRequest) -> None:
    once = int((words.counts == 1).sum())
    add_distinct(parts, len(words.texts), once, words.total)
    parts.figures |= words.lengths() | words.forms()
    found = words.suggestion()
    parts.figures["reads_as"] = figure(found.type, "form of most texts", words.total)
    parts.figures["reads_as_share"] = figure(found.share, "texts of this form", words.total)
    parts.top = words.top(request.top_values)
    parts.patterns = words.patterns(request.top_values, request.seed)


def of_others(parts: Parts, series: pl.Series) -> None:
    """Lists, structs and bytes: how many, how long, how many different."""
    values = series.drop_nulls()
    total = len(values)
    dtype = values.dtype
    if isinstance(dtype, pl.List):
        lengths = values.list.len().cast(pl.Int64)
    elif dtype == pl.Binary:
        lengths = values.bin.size().cast(pl.Int64)
    else:
        lengths = None
    if lengths is not None:
        of_what = "bytes" if dtype == pl.Binary else "items"
        parts.figures["length_min"] = figure(lengths.min(), f"fewest {of_what}", total)
        parts.figures["length_max"] = figure(lengths.max(), f"most {of_what}", total)
        mean = int(lengths.sum()) / total
        parts.figures["length_mean"] = figure(mean, f"mean number of {of_what}", total)
    try:
        counts = values.rename("v").to_frame().group_by("v").len("n")["n"]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return
    add_distinct(parts, len(counts), int((counts == 1).sum()), total)
