"""Trends on awkward columns: buckets against pandas, what is said of them against pymannkendall,
scipy and statsmodels.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pymannkendall as mk
import pytest
from measuring import Asking
from scipy import stats
from statsmodels.tsa.seasonal import STL
from statsmodels.tsa.stattools import acf, adfuller

from air_eda import contract

RNG = np.random.default_rng(55)
N, DAYS = 1200, 150
START = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = np.sort(RNG.integers(0, DAYS * 24, N))
HOURS[0], HOURS[-1] = 0, DAYS * 24 - 1
WAVE = HOURS / 24 * 0.05 + 3 * np.sin(HOURS / 24 * 2 * np.pi / 7) + RNG.normal(size=N)
MOMENTS = [START + timedelta(hours=int(h)) for h in HOURS]
TIMES: dict[str, Any] = {
    "utc": pa.array(MOMENTS, pa.timestamp("us", "UTC")),
    "nano": pa.array(MOMENTS, pa.timestamp("ns", "UTC")),
    "plain": pa.array([m.replace(tzinfo=None) for m in MOMENTS], pa.timestamp("ms")),
    "date": pa.array([m.date() for m in MOMENTS]),
    "gaps": pa.array([None if i % 9 == 4 else m.date() for i, m in enumerate(MOMENTS)]),
}


def wild() -> list[float | None]:
    values: list[float | None] = [float(v) for v in WAVE]
    values[::7], values[3::11] = [math.nan] * len(values[::7]), [None] * len(values[3::11])
    values[5::13] = [math.inf] * len(values[5::13])
    return values


VALUES: dict[str, Any] = {
    "wave": pa.array(WAVE),
    "wild": pa.array(wild(), pa.float64()),
    "single": pa.array(WAVE, pa.float32()),
    "whole": pa.array(RNG.poisson(4, N)),
    "huge": pa.array([2**40 + int(v * 1000) for v in WAVE]),
    "unsigned": pa.array([2**63 + (int(h) << 12) for h in HOURS], pa.uint64()),
    "signed": pa.array([2**62 + (int(h) << 9) for h in HOURS]),
    "money": pa.array([Decimal(int(v * 100)) / 100 for v in WAVE]),
    "constant": pa.array([2.5] * N),
}
HUGE = ("unsigned", "signed")
AGGREGATES = ("mean", "sum", "median", "min", "max", "count")


def by_pandas(time: Any, values: Any, aggregate: str) -> pd.Series:
    """A value for each day; what is not finite is missing, but counted.

    Whole numbers near zero, or else cents, lose nothing on the way: they are moved back at the end.
    """
    moments = pd.to_datetime(pd.Series(time.to_pylist()), utc=True)
    plain, base, unit = values.to_pylist(), 0, 1
    if pa.types.is_decimal(values.type):
        plain, unit = [int(v * 100) for v in plain], 100
    elif max(v or 0 for v in plain if v is None or math.isfinite(v)) > 2**60 and aggregate != "sum":
        base = min(plain)
    there = [v is not None and (aggregate == "count" or math.isfinite(v)) for v in plain]
    numbers = [
        (0.0 if aggregate == "count" else float(v - base)) if use else None
        for v, use in zip(plain, there, strict=True)
    ]
    frame = pd.DataFrame({"at": moments, "x": pd.Series(numbers, dtype=float)})
    grouped = frame.dropna(subset="at").set_index("at")["x"].resample("1D")
    if aggregate == "count":
        return grouped.count()
    # A sum of nothing is nothing.
    found = grouped.sum(min_count=1) if aggregate == "sum" else grouped.agg(aggregate)
    return found / unit


def exact_sums(time: Any, values: Any) -> np.ndarray:
    """By Python's whole numbers."""
    days: dict[date, int] = {}
    for at, value in zip(time.to_pylist(), values.to_pylist(), strict=True):
        days[at.date()] = days.get(at.date(), 0) + value
    whole = (min(days) + timedelta(days=i) for i in range((max(days) - min(days)).days + 1))
    return np.array([float(days[d]) if d in days else math.nan for d in whole])


def asked(asking: Asking, time: str, name: str, **request: object) -> contract.EdaColumnTrend:
    table = pa.table({"at": TIMES[time], "名": VALUES[name]})
    (column,) = asking.trends(table, time="at", unit="day", **request).columns
    return column


def agreed(column: contract.EdaColumnTrend, days: np.ndarray, base: int = 0) -> None:
    """`days` with NaN where a day has no value, as distances from `base`."""
    found = {k: f.value for k, f in column.figures.items()}
    there = ~np.isnan(days)
    y, x = days[there], np.flatnonzero(there)
    # One part in a million of what varies: doubles of huge numbers have no more.
    unit = float(np.std(y)) * 1e-6
    slope = stats.theilslopes(y, x)
    assert found["slope"] == pytest.approx(slope.slope, rel=1e-6, abs=unit)
    assert found["slope_low"] == pytest.approx(slope.low_slope, rel=1e-6, abs=unit)
    assert found["slope_high"] == pytest.approx(slope.high_slope, rel=1e-6, abs=unit)
    assert found["median"] == pytest.approx(base + float(pd.Series(y).median()))
    if len(set(y)) == 1:
        assert (found["mann_kendall_tau"], found["mann_kendall_p"]) == (0.0, 1.0)
        return
    plain, corrected = mk.original_test(y), mk.hamed_rao_modification_test(y)
    assert found["mann_kendall_tau"] == pytest.approx(plain.Tau)
    assert found["mann_kendall_p"] == pytest.approx(plain.p, abs=1e-9)
    assert found["mann_kendall_p_corrected"] == pytest.approx(corrected.p, abs=1e-9)
    assert found["mann_kendall_p_cautious"] == pytest.approx(cautious(y), rel=1e-6, abs=1e-300)
    assert all(f.n_used == len(y) for f in column.figures.values())


def cautious(y: np.ndarray) -> float:
    """Of the variances that Hamed and Rao, Yue and Wang, and nobody correct: the largest."""
    n = len(y)
    plain, corrected = mk.original_test(y), mk.hamed_rao_modification_test(y)
    rest = y - stats.theilslopes(y, np.arange(n)).slope * np.arange(n)
    near = min(max(float(acf(rest, nlags=1, fft=False)[1]), 0.0), 0.99)
    lags = np.arange(1, n)
    first_order = 1 + 2 * float(((1 - lags / n) * near**lags).sum())
    largest = max(plain.var_s, corrected.var_s, plain.var_s * first_order)
    if plain.s == 0:
        return 1.0
    return float(2 * stats.norm.sf(abs((plain.s - np.sign(plain.s)) / math.sqrt(largest))))


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("name", VALUES)
def test_values(asking: Asking, name: str, aggregate: str) -> None:
    days = by_pandas(TIMES["utc"], VALUES[name], aggregate).to_numpy(float)
    if aggregate == "sum" and name in HUGE:
        days = exact_sums(TIMES["utc"], VALUES[name])
    if aggregate in ("sum", "count"):
        # The ends may be cut off.
        days = days[1:-1]
    moved = name in HUGE and aggregate not in ("sum", "count")
    base = min(VALUES[name].to_pylist()) if moved else 0
    agreed(asked(asking, "utc", name, aggregate=aggregate), days, base)


@pytest.mark.parametrize("time", TIMES)
def test_times(asking: Asking, time: str) -> None:
    agreed(asked(asking, time, "wave"), by_pandas(TIMES[time], VALUES["wave"], "mean").to_numpy())


def whole(days: pd.Series) -> np.ndarray:
    return np.asarray(days.interpolate(), float)


@pytest.mark.parametrize("name", ["wave", "wild", "whole", "huge", "money"])
def test_seasons_and_stationarity(asking: Asking, name: str) -> None:
    found = {k: f.value for k, f in asked(asking, "utc", name, period=7).figures.items()}
    days = whole(by_pandas(TIMES["utc"], VALUES[name], "mean"))
    fitted = STL(days, period=7).fit()
    left, season, trend = (np.asarray(p) for p in (fitted.resid, fitted.seasonal, fitted.trend))
    assert found["season_period"] == 7
    for key, part in (("seasonal_strength", season), ("trend_strength", trend)):
        strength = max(0.0, 1 - pd.Series(left).var() / pd.Series(left + part).var())
        assert found[key] == pytest.approx(strength, abs=1e-9)
    places = [group for _, group in pd.Series(days - trend).groupby(np.arange(len(days)) % 7)]
    assert found["season_p"] == pytest.approx(stats.kruskal(*places).pvalue, rel=1e-6, abs=1e-300)
    assert found["adf_p"] == pytest.approx(adfuller(days, maxlag=20, autolag="AIC")[1], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e12])
def test_changes_of_level(asking: Asking, scale: float) -> None:
    n, at = 160, 90
    values = np.concatenate([RNG.normal(0, 1, at), RNG.normal(9, 2, n - at)]) * scale
    days = [START.date() + timedelta(days=i) for i in range(n)]
    table = pa.table({"at": days, "x": values})
    (column,) = asking.trends(table, time="at", unit="day").columns
    (point,) = column.change_points
    # Where the error of two means is least: as plain a search as there is.
    plain = values / scale
    errors = [plain[:i].var() * i + plain[i:].var() * (n - i) for i in range(5, n - 4)]
    split = 5 + int(np.argmin(errors))
    before, after = values[:split], values[split:]
    assert point.at == days[split].isoformat()
    assert point.before == pytest.approx(before.mean())
    assert point.after == pytest.approx(after.mean())
    together = (before.var(ddof=1) * (split - 1) + after.var(ddof=1) * (n - split - 1)) / (n - 2)
    if scale == 1.0:
        d = (after.mean() - before.mean()) / math.sqrt(together)
        assert point.effect.value == pytest.approx(d)
    assert point.p_value == pytest.approx(stats.mannwhitneyu(before, after).pvalue)


@pytest.mark.parametrize("values", [[None] * 30, [math.nan] * 30, [math.inf] * 30, ["ä"] * 30])
def test_nothing_to_follow(asking: Asking, values: list[Any]) -> None:
    days = [START.date() + timedelta(days=i) for i in range(30)]
    dtype = pa.string() if values[0] == "ä" else pa.float64()
    found = asking.trends(pa.table({"at": days, "x": pa.array(values, dtype)}), time="at")
    assert [s.column for s in found.skipped] == ["x"]


def test_many_rows_of_one_moment(asking: Asking) -> None:
    table = pa.table({"at": pa.array([START] * 500), "x": RNG.normal(size=500)})
    found = asking.trends(table, time="at")
    assert (found.buckets, found.empty_buckets, found.columns) == (1, 0, [])
