"""What changed since before: the operation `drift`.

The rows that came are compared with an earlier profile, or with the rows of an earlier file, all of
them. A column drifted where a test is significant after Holm's adjustment over all columns, and its
effect is not negligible: with many rows anything is significant, with few nothing large is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from . import report
from .alerts import finding
from .comparison import categories, numbers, two_samples
from .contract import (
    EdaColumnDrift,
    EdaColumnProfile,
    EdaDrift,
    EdaDriftRequest,
    EdaEffectSize,
    EdaFigure,
    EdaFinding,
    EdaProfileRequest,
    EdaSkipped,
    EdaType,
    FieldError,
)
from .data import Data, Unreadable
from .effects import SIZES, effect, holm, size
from .figures import figure
from .line import line_of
from .missing import Evidence, not_finite, nulls
from .problem import Failure
from .profile import column_profiles
from .report import share_text
from .sample import skipped
from .source import Source

NUMBERS: tuple[EdaType, ...] = ("integer", "float", "decimal")
CATEGORIES: tuple[EdaType, ...] = ("text", "boolean")
TIMES: tuple[EdaType, ...] = ("date", "timestamp", "time", "duration")


@dataclass
class Before:
    """The earlier state: columns by name, and the rows where there are any."""

    rows: int
    columns: dict[str, EdaColumnProfile]
    data: Data | None


@dataclass
class Compared:
    """A column with what its tests say, until all are judged together."""

    now: EdaColumnProfile
    evidence: list[Evidence]
    figures: dict[str, EdaFigure] = field(default_factory=dict)


def drift(source: Source, request: EdaDriftRequest) -> EdaDrift:
    data = source.data
    names = data.chosen(request.columns)
    asked = EdaProfileRequest(top_values=100)
    now = {c.name: c for name in names for c in column_profiles(data, name, asked)}
    before = earlier(source, request, asked)
    known = {n: c for n, c in before.columns.items() if wanted(n, request.columns)}
    both = [n for n in now if n in known]
    retyped = [n for n in both if not alike(now[n].type, known[n].type)]
    left_out: list[EdaSkipped] = []
    compared: list[Compared] = []
    for name in both:
        if name not in retyped:
            found = one(data, before, now[name], known[name], request.alpha)
            left_out.append(found) if isinstance(found, EdaSkipped) else compared.append(found)
    columns = judged(compared, request.alpha)
    added = [n for n in now if n not in known]
    removed = [n for n in known if n not in now]
    changes = [*shape_findings(added, removed, retyped), *findings_of(columns)]
    lead = f"{data.rows:,} rows now, {before.rows:,} before; {len(columns)} columns compared."
    return EdaDrift(
        rows=data.rows,
        previous_rows=before.rows,
        columns=columns,
        added=added,
        removed=removed,
        retyped=retyped,
        skipped=left_out,
        findings=changes,
        report_md=report.section("Drift", lead, changes),
    )


def wanted(name: str, columns: list[str] | None) -> bool:
    """Members of structs go with their column."""
    return columns is None or any(name == c or name.startswith(f"{c}.") for c in columns)


def earlier(source: Source, request: EdaDriftRequest, asked: EdaProfileRequest) -> Before:
    if (request.previous is None) == (request.previous_path is None):
        detail = "Give one of `previous` and `previous_path`."
        error = FieldError(pointer="/previous", code="missing_field", detail=detail)
        raise Failure("invalid", detail, [error])
    if request.previous is not None:
        columns = {c.name: c for c in request.previous.columns}
        return Before(request.previous.rows, columns, None)
    path = request.previous_path or ""
    data = source.file(path, request.previous_format, "/previous_path")
    profiles = (c for name in data.names for c in column_profiles(data, name, asked))
    return Before(data.rows, {c.name: c for c in profiles}, data)


def alike(now: EdaType, before: EdaType) -> bool:
    """Numbers of any kind compare, and whatever never had a value."""
    for group in (NUMBERS, CATEGORIES):
        if now in group and before in group:
            return True
    return now == before or "null" in (now, before)


def one(
    data: Data, before: Before, now: EdaColumnProfile, then: EdaColumnProfile, alpha: float
) -> Compared | EdaSkipped:
    sides = (now, data.rows), (then, before.rows)
    evidence = [found for found in (nulls(*sides), not_finite(*sides)) if found is not None]
    figures = {name: value for found in evidence for name, value in found.figures.items()}
    found: Evidence | None = None
    if now.type in CATEGORIES:
        found = categories(now, then, alpha)
    elif now.type in NUMBERS + TIMES:
        found = of_line(data, before, now, then, alpha)
    if found is not None:
        evidence.insert(0, found)
        figures |= found.figures
    elif "null" not in (now.type, then.type) and now.type not in CATEGORIES + NUMBERS + TIMES:
        return skipped(now.name, f"columns of type {now.type} are not compared")
    elif now.quantiles is not None and then.quantiles is not None:
        return skipped(now.name, "what its earlier profile says of its values cannot be read")
    return Compared(now, evidence, figures)


def of_line(
    data: Data, before: Before, now: EdaColumnProfile, then: EdaColumnProfile, alpha: float
) -> Evidence | None:
    series = column_of(data, now.name)
    if series is None or (line := line_of(series)) is None or not line.n:
        return None
    found = numbers(line, series.dtype, now, then, alpha)
    if before.data is not None and found is not None:
        old = column_of(before.data, now.name)
        if old is not None and old.dtype == series.dtype:
            return two_samples(series, old, found)
    return found


def column_of(data: Data, name: str) -> pl.Series | None:
    """Also a member of a struct."""
    if name not in data.names:
        parent, _, member = name.rpartition(".")
        outer = column_of(data, parent) if parent else None
        return outer.struct.field(member) if outer is not None else None
    try:
        return data.series(name)
    except Unreadable:
        return None


def judged(compared: list[Compared], alpha: float) -> list[EdaColumnDrift]:
    """Every test of every column at once."""
    tests = [evidence for c in compared for evidence in c.evidence]
    adjusted = iter(holm([e.p_value for e in tests]))
    out = []
    for c in compared:
        drifted, largest = False, 0
        for evidence in c.evidence:
            p = next(adjusted)
            c.figures[f"{evidence.name}_p_adjusted"] = figure(p, "Holm", evidence.n)
            if p is not None and p < alpha and evidence.effect != "negligible":
                drifted = True
                largest = max(largest, SIZES.index(evidence.effect))
        how: EdaEffectSize = SIZES[largest]
        out.append(
            EdaColumnDrift(
                name=c.now.name, type=c.now.type, drifted=drifted, effect=how, figures=c.figures
            )
        )
    return out


def shape_findings(
    added: list[str], removed: list[str], retyped: list[str]
) -> Iterator[EdaFinding]:
    for name in removed:
        yield finding("removed", "warning", [name], f"{name} was there before and is not now.")
    for name in retyped:
        yield finding("retyped", "warning", [name], f"{name} is of another type than before.")
    for name in added:
        yield finding("added", "info", [name], f"{name} was not there before.")


def findings_of(columns: list[EdaColumnDrift]) -> Iterator[EdaFinding]:
    ranked = sorted(columns, key=lambda c: -SIZES.index(c.effect))
    for column in ranked:
        if not column.drifted:
            continue
        name, value = strongest(column)
        yield finding(
            "drift",
            "warning" if column.effect in ("medium", "large") else "notice",
            [column.name],
            f"{column.name} changed: {told(column)}.",
            effect(name, value, column.effect),
        )


def value_of(column: EdaColumnDrift, name: str) -> float | None:
    found = column.figures.get(name)
    if found is None or not isinstance(found.value, int | float):
        return None
    return float(found.value)


# What says how much a column changed, and by which bounds it is large.
EFFECTS = {"ks": "ks", "cramers_v": "r", "cohens_h": "d", "not_finite_h": "d"}


def strongest(column: EdaColumnDrift) -> tuple[str, float]:
    """The largest of them by its own bounds; of equal ones the first."""
    known = {name: value_of(column, name) for name in EFFECTS}
    there = [(name, value) for name, value in known.items() if value is not None]
    return max(there, key=lambda one: SIZES.index(size(EFFECTS[one[0]], one[1])))


def told(column: EdaColumnDrift) -> str:
    parts = []
    old, new = column.figures.get("median_before"), column.figures.get("median_now")
    if old is not None and new is not None and old.value != new.value:
        parts.append(f"its median went from {report.short(old.value)} to {report.short(new.value)}")
    fresh = value_of(column, "new_share")
    if fresh:
        parts.append(f"{share_text(fresh)} of its values were not there before")
    for what, words in (("null", "missing values"), ("not_finite", "values without a number")):
        gone, here = value_of(column, f"{what}_share_before"), value_of(column, f"{what}_share_now")
        if gone is not None and here is not None and abs(here - gone) >= 0.005:
            parts.append(f"{words} went from {share_text(gone)} to {share_text(here)}")
    return ", ".join(parts) or "its values are spread differently"
