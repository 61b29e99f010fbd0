"""What the columns are: the operation `infer`.

For each column its type, what its text reads as, and what it is good for. Nothing is guessed from
names: only values count.
"""

from __future__ import annotations

import polars as pl

from . import alerts, report
from .contract import (
    EdaFigure,
    EdaFinding,
    EdaInference,
    EdaInferredColumn,
    EdaInferRequest,
    EdaRole,
    EdaType,
)
from .data import Data, Unreadable, type_of
from .figures import figure
from .source import Source
from .words import Words

# More values than this, mostly different ones, are no dimension to group by.
MOST_GROUPS = 10_000
MEASURES = ("integer", "float", "decimal", "duration")


def infer(source: Source, request: EdaInferRequest) -> EdaInference:  # noqa: ARG001 (one form)
    data = source.data
    columns = [column(data, name) for name in data.names]
    findings = [f for c in columns for f in found(c)]
    head = ("column", "type", "reads as", "role")
    rows = [(c.name, c.type, c.suggested_type, c.role) for c in columns]
    lead = f"{data.rows:,} rows, {len(columns)} columns."
    return EdaInference(
        rows=data.rows,
        columns=columns,
        findings=findings,
        report_md=report.section("Columns", lead, findings, report.table(head, rows)),
    )


def column(data: Data, name: str) -> EdaInferredColumn:
    arrow_type = str(data.schema.field(name).type)
    try:
        series = data.raw(name)
    except Unreadable:
        return EdaInferredColumn(
            name=name,
            type="other",
            arrow_type=arrow_type,
            suggested_type="other",
            role="text",
            nullable=True,
            figures={},
        )
    nulls, used = series.null_count(), len(series) - series.null_count()
    kind = type_of(series.dtype)
    suggested = kind
    figures: dict[str, EdaFigure] = {"nulls": figure(nulls, "count", len(series))}
    if kind == "text":
        words = Words.of(series.drop_nulls().cast(pl.String))
        distinct = len(words.texts)
        suggestion = words.suggestion()
        share = suggestion.share
        suggested = suggestion.type if used and share == 1.0 else "text"
        figures["matching"] = figure(share, f"texts that read as {suggestion.type}", used)
    else:
        distinct = series.drop_nulls().n_unique() if used else 0
    figures["distinct"] = figure(distinct, "count of distinct values", used)
    return EdaInferredColumn(
        name=name,
        type=kind,
        arrow_type=arrow_type,
        suggested_type=suggested,
        role=role(suggested, used, nulls, distinct),
        nullable=nulls > 0,
        figures=figures,
    )


def role(kind: EdaType, used: int, nulls: int, distinct: int) -> EdaRole:
    if used == 0:
        return "empty"
    if distinct == 1 and used > 1:
        return "constant"
    if kind in ("date", "timestamp"):
        return "time"
    if distinct == used and nulls == 0 and used > 1 and kind in ("integer", "text", "binary"):
        return "key"
    if kind in MEASURES:
        return "measure"
    return "dimension" if distinct <= min(MOST_GROUPS, max(used // 2, 2)) else "text"


def found(column: EdaInferredColumn) -> list[EdaFinding]:
    name = column.name
    if column.type == "other":
        return [alerts.unsupported(name, column.arrow_type)]
    if column.role == "empty":
        return [alerts.finding("empty", "warning", [name], f"{name} has no value at all.")]
    if column.type == "text" and column.suggested_type in ("integer", "float"):
        message = f"{name} is text, but holds numbers."
        return [alerts.finding("numbers_as_text", "notice", [name], message)]
    if column.type == "text" and column.suggested_type in ("date", "timestamp"):
        message = f"{name} is text, but holds dates."
        return [alerts.finding("dates_as_text", "notice", [name], message)]
    return []
