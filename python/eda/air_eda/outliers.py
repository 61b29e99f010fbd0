"""Which values and rows are unusual: the operation `outliers`.

Values by two fences, over all rows: Tukey's (1.5 interquartile ranges beyond the quartiles), and
that of the modified z score of Iglewicz and Hoaglin (1993): 0.6745·|x − median| / MAD over 3.5.
Rows as a whole by an isolation forest (Liu et al. 2008) over a seeded sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl
from pydantic import JsonValue

from . import report
from .alerts import finding, many
from .contract import (
    EdaColumnOutliers,
    EdaFence,
    EdaFinding,
    EdaForest,
    EdaOddRow,
    EdaOutliers,
    EdaOutliersRequest,
    EdaSampling,
    EdaSkipped,
)
from .data import Data, Unreadable, type_of
from .effects import effect, size
from .figures import sampled_rows, sampling
from .line import Floats, Line, Number, double, line_of
from .report import share_text
from .sample import Numeric, Rows, column, skipped
from .shape import deviation
from .source import Source

TUKEY = Fraction(3, 2)
MODIFIED_Z, NORMAL_MAD = 3.5, 0.6745
# The score above which a row is unusual: isolated sooner than by half of the expected splits.
ISOLATED = 0.6
MOST_FOREST_COLUMNS = 50
# Names of columns where a row stands out.
NAMED = 3


def outliers(source: Source, request: EdaOutliersRequest) -> EdaOutliers:
    data = source.data
    names = data.chosen(request.columns)
    chosen = sampling(data.rows, request.sample_rows, request.seed)
    columns: list[EdaColumnOutliers] = []
    left_out: list[EdaSkipped] = []
    for name in names:
        found = of_column(data, name)
        left_out.append(found) if isinstance(found, EdaSkipped) else columns.append(found)
    forest = None
    if request.forest and len(columns) > 0:
        grown = [c.name for c in columns][:MOST_FOREST_COLUMNS]
        forest = isolation(data, grown, chosen, request.odd_rows)
    findings = [*(f for c in columns for f in of_fences(c)), *of_forest(forest)]
    return EdaOutliers(
        rows=data.rows,
        sampling=chosen,
        columns=columns,
        forest=forest,
        skipped=left_out,
        findings=findings,
        report_md=report.section("Outliers", lead(chosen), findings, odd_rows(forest)),
    )


def lead(chosen: EdaSampling) -> str:
    rows = f"Values were looked at in all {chosen.rows_total:,} rows."
    return rows if not chosen.sampled else f"{rows} Of whole rows, {report.looked_at(chosen)}"


def of_column(data: Data, name: str) -> EdaColumnOutliers | EdaSkipped:
    try:
        series = data.series(name)
    except Unreadable:
        return skipped(name, "its type is not read")
    line = line_of(series)
    if line is None or (line.temporal and not isinstance(series.dtype, pl.Duration)):
        return skipped(name, f"columns of type {type_of(series.dtype)} have no outliers")
    if line.n < 4:
        return skipped(name, "it has fewer than four finite values")
    return EdaColumnOutliers(name=name, iqr=tukey(line), mad=modified_z(line))


def tukey(line: Line) -> EdaFence | None:
    low, high = line.quantile(25), line.quantile(75)
    if low == high:
        return None
    reach = (high - low) * (TUKEY if line.whole else float(TUKEY))
    if math.isinf(reach):
        reach = (Fraction(high) - Fraction(low)) * TUKEY
    return fence(line, low, high, reach, "Tukey: 1.5 interquartile ranges")


def modified_z(line: Line) -> EdaFence | None:
    mad = deviation(line)
    if mad == 0.0:
        return None
    reach: Number = MODIFIED_Z * mad / NORMAL_MAD
    middle = line.quantile(50)
    if line.wide or (math.isinf(reach) and math.isfinite(mad)):
        reach = Fraction(mad) * Fraction(MODIFIED_Z) / Fraction(NORMAL_MAD)
    else:
        middle = float(middle)
    return fence(line, middle, middle, reach, "modified z score over 3.5 (Iglewicz and Hoaglin)")


def fence(line: Line, low: Number, high: Number, reach: Number, method: str) -> EdaFence:
    """Values that are more than `reach` below `low` or above `high`.

    Where `reach` is a fraction, since a double cannot hold it, the bounds are too.
    """
    exact = isinstance(reach, Fraction)
    lower: Number = Fraction(low) - reach if exact else low - reach
    upper: Number = Fraction(high) + reach if exact else high + reach
    below = line.below(lower)
    above = line.n - line.upto(upper)
    count = below + above
    return EdaFence(
        lower=shown(line, lower),
        upper=shown(line, upper),
        count=count,
        share=count / line.n,
        method=method,
        exact=True,
        n_used=line.n,
        seed=None,
    )


def shown(line: Line, bound: Number) -> JsonValue:
    if line.whole and line.steps > 1 and not line.temporal:
        return line.show(Fraction(bound))
    return line.show(Fraction(bound) if line.whole and not line.temporal else double(bound))


@dataclass(frozen=True)
class Grown:
    """What a forest grows from: one row for each of the sample, and how far each value is out."""

    values: Floats
    distances: Floats


def prepared(data: Data, names: list[str], rows: Rows | None) -> tuple[list[str], Grown | None]:
    found = [column(data, name, rows) for name in names]
    numeric = [c for c in found if isinstance(c, Numeric)]
    if not numeric:
        return [], None
    values = np.column_stack([c.values for c in numeric])
    middle = np.nanmedian(values, axis=0)
    # What is missing is put in the middle, where it is not unusual.
    filled = np.where(np.isnan(values), middle, values)
    scale = np.median(np.abs(filled - middle), axis=0)
    scale[scale == 0] = np.abs(filled - middle).mean(axis=0)[scale == 0]
    scale[scale == 0] = 1.0
    return [c.name for c in numeric], Grown(filled, np.abs(filled - middle) / scale)


def isolation(data: Data, names: list[str], chosen: EdaSampling, named: int) -> EdaForest | None:
    from sklearn.ensemble import IsolationForest

    rows = sampled_rows(chosen)
    used, grown = prepared(data, names, rows)
    if grown is None or len(grown.values) < 10:
        return None
    seed = (chosen.seed if chosen.seed is not None else 42) % (1 << 32)
    most = min(256, len(grown.values))
    trees = IsolationForest(n_estimators=100, max_samples=most, random_state=seed)
    values = np.clip(grown.values, -1e37, 1e37)
    scores: Floats = -trees.fit(values).score_samples(values)
    odd = [int(i) for i in np.lexsort((np.arange(len(scores)), -scores))[:named]]
    count = int((scores > ISOLATED).sum())
    rows_named = [
        EdaOddRow(
            row=int(rows[i]) if rows is not None else i,
            score=float(scores[i]),
            columns=farthest(grown.distances[i], used),
        )
        for i in odd
        if scores[i] > ISOLATED
    ]
    return EdaForest(
        rows=rows_named,
        count=count,
        share=count / len(scores),
        columns=used,
        method=f"isolation forest, 100 trees of up to 256 rows, score over {ISOLATED}",
        exact=False,
        n_used=len(scores),
        seed=seed,
    )


def farthest(distances: Floats, names: list[str]) -> list[str]:
    order = np.argsort(-distances, kind="stable")[:NAMED]
    return [names[int(i)] for i in order if distances[i] > 0]


def of_fences(found: EdaColumnOutliers) -> Iterator[EdaFinding]:
    """By the stricter of the two that can be had; a tail of a few is no news."""
    fences = [f for f in (found.iqr, found.mad) if f is not None]
    if not fences:
        return
    strict = min(fences, key=lambda f: f.count)
    if strict.count == 0:
        return
    message = (
        f"{found.name} has {many(strict.count, 'value')} ({share_text(strict.share)}) outside "
        f"{report.short(strict.lower)} to {report.short(strict.upper)}."
    )
    how = size("share", strict.share)
    yield finding(
        "outliers",
        "notice" if how in ("medium", "large") else "info",
        [found.name],
        message,
        effect("share", strict.share, how),
    )


def of_forest(forest: EdaForest | None) -> Iterator[EdaFinding]:
    if forest is None or forest.count == 0:
        return
    message = (
        f"{many(forest.count, 'row')} ({share_text(forest.share)}) are unusual as a whole, "
        f"seen over {many(len(forest.columns), 'column')}."
    )
    found = effect("share", forest.share, size("share", forest.share))
    yield finding("odd_rows", "info", forest.columns, message, found)


def odd_rows(forest: EdaForest | None) -> str:
    if forest is None or not forest.rows:
        return ""
    rows = [(r.row, f"{r.score:.2f}", ", ".join(r.columns)) for r in forest.rows]
    return report.table(("row", "score", "where it is farthest out"), rows)
