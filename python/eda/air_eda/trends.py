"""What changes over time: the operation `trends`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from scipy import stats

from . import report
from .alerts import finding, many
from .buckets import ADDED_UP, Buckets, Usable, buckets, usable
from .contract import (
    EdaAggregate,
    EdaChangePoint,
    EdaColumnTrend,
    EdaFigure,
    EdaFinding,
    EdaSkipped,
    EdaTrends,
    EdaTrendsRequest,
)
from .data import Data, Unreadable, type_of
from .effects import effect, holm, size
from .figures import figure
from .kendall import mann_kendall
from .levels import changes
from .line import Floats
from .sample import skipped
from .seasons import PERIODS, Season, filled, strongest
from .source import Source

LEAST = 4
SIGNIFICANT = 0.01
# Where neighbours hang together, places of a season differ more often by chance: measured, 4 times.
SEASONAL = 0.001
# Changes of level that a report tells of a column; the answer has all of them.
MOST_TOLD = 3
# A series with more gaps than this is not decomposed.
MOST_GAPS = 0.2
# The stationarity test looks this many buckets back at most.
MOST_LAGS = 20


def trends(source: Source, request: EdaTrendsRequest) -> EdaTrends:
    data = source.data
    made = buckets(data, request.time, request.unit, request.buckets)
    aggregate = request.aggregate or "mean"
    columns: list[EdaColumnTrend] = []
    left_out: list[EdaSkipped] = []
    for name in data.chosen(request.columns):
        if name == request.time and request.columns is None:
            continue
        found = of_column(data, name, made, aggregate, request.period)
        left_out.append(found) if isinstance(found, EdaSkipped) else columns.append(found)
    sure = holm([real(c, "mann_kendall_p_cautious") for c in columns])
    findings = [f for c, p in zip(columns, sure, strict=True) for f in findings_of(c, p, made)]
    if made.count and made.empty:
        findings.append(gaps(made))
    return EdaTrends(
        rows=data.rows,
        time=request.time,
        unit=made.unit,
        buckets=made.count,
        empty_buckets=made.empty if made.count else 0,
        columns=columns,
        skipped=left_out,
        findings=findings,
        report_md=report.section("Trends", lead(data.rows, made, aggregate), findings),
    )


def lead(rows: int, made: Buckets, aggregate: EdaAggregate) -> str:
    if not made.count:
        return f"{rows:,} rows, none with a time."
    ends = (
        " The first and the last may be cut off and are left out." if aggregate in ADDED_UP else ""
    )
    return (
        f"{rows:,} rows in {many(made.count, 'bucket')} of a {made.unit}, {made.label(0)} to "
        f"{made.label(made.count - 1)}; each shows the {aggregate}.{ends}"
    )


def gaps(made: Buckets) -> EdaFinding:
    share = made.empty / made.count
    message = f"{many(made.empty, made.unit)} of {made.count:,} have no rows."
    found = effect("share", share, size("share", share))
    return finding("gaps", "notice", [], message, found)


def of_column(
    data: Data, name: str, made: Buckets, aggregate: EdaAggregate, period: int | None
) -> EdaColumnTrend | EdaSkipped:
    try:
        series = data.series(name)
    except Unreadable:
        return skipped(name, "its type is not read")
    if aggregate != "count" and not series.dtype.is_numeric():
        return skipped(name, f"columns of type {type_of(series.dtype)} have no trend")
    if not made.count:
        return skipped(name, "no row has a time")
    if aggregate == "count":
        series = series.is_not_null().cast(int).replace(0, None)
    numbers = usable(series, aggregate)
    values = made.values(numbers.values, aggregate) / numbers.unit
    first = 0
    if aggregate in ADDED_UP and len(values) > LEAST + 2:
        first, values = 1, values[1:-1]
    if int((~np.isnan(values)).sum()) < LEAST:
        return skipped(name, f"fewer than {LEAST} buckets have a value")
    return measured(name, values, made, numbers, first, period)


def measured(
    name: str, values: Floats, made: Buckets, numbers: Usable, first: int, period: int | None
) -> EdaColumnTrend:
    """`values` are of each bucket from the `first`, as far from zero as `numbers` have them."""
    there = ~np.isnan(values)
    figures = slope_figures(values, there, made, numbers)
    n = int(there.sum())
    points: list[EdaChangePoint] = []
    if n >= (1 - MOST_GAPS) * len(values):
        whole = filled(values)
        season = strongest(whole, (period,) if period else PERIODS[made.unit])
        level = whole
        if season is not None:
            figures |= season_figures(season, n)
            if is_seasonal(season):
                level = whole - season.component
        figures |= stationarity(whole, n)
        points = [
            EdaChangePoint(
                at=made.label(first + c.at),
                before=numbers.back(c.before),
                after=numbers.back(c.after),
                effect=effect("cohens_d", c.d, size("d", c.d)),
                p_value=c.p_value,
            )
            for c in changes(level)
        ]
    return EdaColumnTrend(name=name, figures=figures, change_points=points)


def slope_figures(
    values: Floats, there: np.ndarray, made: Buckets, numbers: Usable
) -> dict[str, EdaFigure]:
    y, x = values[there], np.flatnonzero(there).astype(np.float64)
    n = len(y)
    found = stats.theilslopes(y, x)
    # What autocorrelation is taken of has no gaps: the values one after another.
    in_order = found if there.all() else stats.theilslopes(y, np.arange(n, dtype=np.float64))
    test = mann_kendall(y, float(in_order.slope))
    method = f"Theil-Sen, per {made.unit}"
    return {
        "slope": figure(found.slope, method, n),
        "slope_low": figure(found.low_slope, f"{method}, lower end of 95%", n),
        "slope_high": figure(found.high_slope, f"{method}, upper end of 95%", n),
        "median": figure(numbers.back(float(np.median(y))), "median of the buckets", n),
        "mann_kendall_tau": figure(test.tau, "Mann-Kendall", n),
        "mann_kendall_p": figure(test.p_value, "Mann-Kendall, with ties", n),
        "mann_kendall_p_corrected": figure(
            test.p_corrected, "Mann-Kendall, corrected for autocorrelation (Hamed and Rao)", n
        ),
        "mann_kendall_p_cautious": figure(
            test.p_cautious, "Mann-Kendall, with the largest of the corrections", n
        ),
    }


def season_figures(season: Season, n: int) -> dict[str, EdaFigure]:
    method = f"STL, period {season.period}"
    return {
        "season_period": figure(season.period, "the period whose season is strongest", n),
        "seasonal_strength": figure(season.strength, method, n),
        "trend_strength": figure(season.trend_strength, method, n),
        "season_p": figure(season.p_value, "Kruskal-Wallis of the places in the season", n),
    }


def is_seasonal(season: Season) -> bool:
    return season.p_value < SEASONAL and size("strength", season.strength) != "negligible"


def stationarity(values: Floats, used: int) -> dict[str, EdaFigure]:
    """Of values without gaps, `used` of which are no fillings."""
    from statsmodels.tsa.stattools import adfuller

    n = len(values)
    lags = min(MOST_LAGS, n // 2 - 3)
    if lags < 1 or values.min() == values.max():
        return {}
    try:
        with warnings.catch_warnings():
            # A series that a line says exactly is singular; its p value is left out below.
            warnings.simplefilter("ignore")
            p_value = float(adfuller(values, maxlag=lags, autolag="AIC")[1])
    except (ValueError, np.linalg.LinAlgError):
        return {}
    if not np.isfinite(p_value):
        return {}
    method = f"augmented Dickey-Fuller, up to {lags} lags by AIC"
    return {"adf_p": figure(p_value, method, used)}


def real(column: EdaColumnTrend, name: str) -> float | None:
    found = column.figures.get(name)
    if found is None or not isinstance(found.value, int | float):
        return None
    return float(found.value)


def findings_of(
    column: EdaColumnTrend, p_value: float | None, made: Buckets
) -> Iterator[EdaFinding]:
    """`p_value` is that of the trend, after Holm over all columns."""
    yield from trend_finding(column, p_value, made)
    yield from season_finding(column, made)
    shown = [p for p in column.change_points if p.effect.size in ("medium", "large")]
    for point in sorted(shown, key=lambda p: -abs(p.effect.value))[:MOST_TOLD]:
        verb = "rose" if point.after > point.before else "fell"
        message = (
            f"{column.name} {verb} from about {point.before:.4g} to {point.after:.4g} "
            f"at {point.at}."
        )
        yield finding("change_point", "notice", [column.name], message, point.effect)


def trend_finding(column: EdaColumnTrend, p: float | None, made: Buckets) -> Iterator[EdaFinding]:
    tau = real(column, "mann_kendall_tau")
    slope, middle = real(column, "slope"), real(column, "median")
    if tau is None or p is None or slope is None or p >= SIGNIFICANT:
        return
    how = size("r", tau)
    if how == "negligible" or slope == 0:
        return
    verb = "rises" if slope > 0 else "falls"
    relative = f" ({abs(slope / middle):.2%} of its median)" if middle else ""
    message = f"{column.name} {verb} by {abs(slope):.4g} per {made.unit}{relative}."
    yield finding("trend", "notice", [column.name], message, effect("tau", tau, how))


def season_finding(column: EdaColumnTrend, made: Buckets) -> Iterator[EdaFinding]:
    strength, p = real(column, "seasonal_strength"), real(column, "season_p")
    period = real(column, "season_period")
    if strength is None or p is None or period is None or p >= SEASONAL:
        return
    how = size("strength", strength)
    if how != "negligible":
        message = f"{column.name} repeats every {many(int(period), made.unit)}."
        found = effect("seasonal_strength", strength, how)
        yield finding("seasonal", "notice", [column.name], message, found)
