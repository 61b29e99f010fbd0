"""Trends against pymannkendall, scipy, statsmodels and ruptures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pymannkendall as mk
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking
from scipy import stats
from statsmodels.tsa.seasonal import STL
from statsmodels.tsa.stattools import adfuller

from air_eda.kendall import mann_kendall
from air_eda.levels import LEAST, changes, partition

RNG = np.random.default_rng(21)
START = date(2022, 1, 1)


def daily(values: Any) -> pa.Table:
    days = [START + timedelta(days=i) for i in range(len(values))]
    return pa.table({"at": days, "x": values})


def figures(asking: Asking, table: pa.Table, **request: object) -> dict[str, Any]:
    (column,) = asking.trends(table, time="at", **request).columns
    return {k: f.value for k, f in column.figures.items()}


SERIES = {
    "noise": RNG.normal(size=300),
    "rising": np.arange(300) * 0.02 + RNG.normal(size=300),
    "falling": -np.arange(200) * 0.5 + RNG.normal(size=200),
    "ties": RNG.integers(0, 4, 250).astype(float),
    "walk": RNG.normal(size=400).cumsum(),
}


@pytest.mark.parametrize("name", SERIES)
def test_mann_kendall_and_theil_sen(asking: Asking, name: str) -> None:
    values = SERIES[name]
    found = figures(asking, daily(values))
    plain, corrected = mk.original_test(values), mk.hamed_rao_modification_test(values)
    assert found["mann_kendall_tau"] == pytest.approx(plain.Tau)
    assert found["mann_kendall_p"] == pytest.approx(plain.p, abs=1e-9)
    assert found["mann_kendall_p_corrected"] == pytest.approx(corrected.p, abs=1e-9)
    slope = stats.theilslopes(values, np.arange(len(values)))
    assert found["slope"] == pytest.approx(slope.slope)
    assert found["slope_low"] == pytest.approx(slope.low_slope)
    assert found["slope_high"] == pytest.approx(slope.high_slope)


def test_season(asking: Asking) -> None:
    n = 280
    values = 3 * np.sin(np.arange(n) * 2 * np.pi / 7) + RNG.normal(size=n)
    found = figures(asking, daily(values))
    fitted = STL(values, period=7).fit()
    strength = 1 - np.var(fitted.resid) / np.var(fitted.resid + fitted.seasonal)
    assert found["season_period"] == 7
    assert found["seasonal_strength"] == pytest.approx(strength)
    kinds = {f.kind for f in asking.trends(daily(values), time="at").findings}
    assert "seasonal" in kinds
    assert "trend" not in kinds


def test_stationarity(asking: Asking) -> None:
    for name in ("noise", "walk"):
        values = SERIES[name]
        expected = adfuller(values, maxlag=20, autolag="AIC")[1]
        assert figures(asking, daily(values))["adf_p"] == pytest.approx(expected)


def test_a_change_of_level(asking: Asking) -> None:
    values = np.concatenate([RNG.normal(0, 1, 100), RNG.normal(6, 1, 80)])
    (column,) = asking.trends(daily(values), time="at").columns
    (point,) = column.change_points
    assert point.at == (START + timedelta(days=100)).isoformat()
    assert point.before == pytest.approx(values[:100].mean())
    assert point.after == pytest.approx(values[100:].mean())
    assert point.effect.size == "large"
    assert point.p_value == pytest.approx(stats.mannwhitneyu(values[:100], values[100:]).pvalue)


@pytest.mark.parametrize("penalty", [2.0, 20.0, 200.0])
def test_the_partition_is_that_of_ruptures(penalty: float) -> None:
    levels = np.repeat(RNG.normal(0, 4, 8), 25)
    values = levels + RNG.normal(size=200)
    peer = ruptures.KernelCPD(kernel="linear", min_size=LEAST, jump=1).fit(values.reshape(-1, 1))
    assert partition(values, penalty) == peer.predict(pen=penalty)[:-1]


def test_a_slope_is_no_staircase() -> None:
    x = np.arange(300)
    assert changes(x * 0.05 + RNG.normal(size=300)) == []
    assert changes((x / 30.0) ** 2 + RNG.normal(size=300)) == []


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_findings(asking: Asking, seed: int) -> None:
    """Also where neighbours hang together, which plain tests take for a trend."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=300)
    for i in range(1, 300):
        noise[i] += 0.5 * noise[i - 1]
    assert asking.trends(daily(noise), time="at").findings == []


def test_buckets(asking: Asking) -> None:
    moments = [datetime(2024, 1, d, h, tzinfo=UTC) for d in range(1, 29) for h in (3, 15)]
    values = [float(m.day + m.hour) for m in moments]
    table = pa.table({"at": pa.array(moments, pa.timestamp("us", "UTC")), "x": values})
    found = asking.trends(table, time="at", unit="day")
    assert (found.unit, found.buckets, found.empty_buckets) == ("day", 28, 0)
    assert found.columns[0].figures["slope"].value == pytest.approx(1.0)
    assert found.columns[0].figures["median"].value == pytest.approx(14.5 + 9)
    added = asking.trends(table, time="at", unit="day", aggregate="sum").columns[0].figures
    assert added["slope"].value == pytest.approx(2.0)
    assert added["slope"].n_used == 26
    counted = asking.trends(table, time="at", unit="day", aggregate="count").columns[0].figures
    assert (counted["median"].value, counted["slope"].value) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("step", "n", "unit"),
    [
        (timedelta(seconds=1), 900, "second"),
        (timedelta(minutes=1), 900, "minute"),
        (timedelta(hours=1), 1500, "hour"),
        (timedelta(days=1), 1500, "day"),
        (timedelta(days=7), 300, "week"),
        (timedelta(days=30.44), 120, "month"),
        (timedelta(days=91.32), 60, "quarter"),
        (timedelta(days=365.25), 60, "year"),
    ],
)
def test_the_unit_fits_the_data(asking: Asking, step: timedelta, n: int, unit: str) -> None:
    moments = [datetime(1990, 1, 1, 12) + step * i for i in range(n)]  # noqa: DTZ001
    found = asking.trends(pa.table({"at": moments, "x": RNG.normal(size=n)}), time="at")
    assert found.unit == unit


def test_at_most_so_many_buckets(asking: Asking) -> None:
    table = daily(RNG.normal(size=1000))
    assert asking.trends(table, time="at", buckets=200).unit == "week"
    assert asking.trends(table, time="at", buckets=200).buckets <= 200


def test_summer_time(asking: Asking) -> None:
    """Two hours of one name, and one that is not there, are no gaps."""
    moments = [datetime(2024, 10, 26, tzinfo=UTC) + timedelta(hours=i) for i in range(72)]
    moments += [datetime(2024, 3, 30, tzinfo=UTC) + timedelta(hours=i) for i in range(72)]
    for part in (moments[:72], moments[72:]):
        at = pa.array(part, pa.timestamp("us", "Europe/Berlin"))
        found = asking.trends(
            pa.table({"at": at, "x": RNG.normal(size=72)}), time="at", unit="hour"
        )
        assert (found.buckets, found.empty_buckets) == (72, 0)


def test_gaps_are_told(asking: Asking) -> None:
    table = daily(RNG.normal(size=100))
    with_gaps = table.filter(pa.array([i % 10 != 3 for i in range(100)]))
    found = asking.trends(with_gaps, time="at")
    assert (found.buckets, found.empty_buckets) == (100, 10)
    assert "gaps" in {f.kind for f in found.findings}
    assert found.columns[0].figures["slope"].n_used == 90


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_few_rows(asking: Asking, rows: int) -> None:
    found = asking.trends(daily(np.arange(3.0)).slice(0, rows), time="at")
    assert found.columns == []
    assert [s.column for s in found.skipped] == ["x"]


def test_constant_null_and_special(asking: Asking) -> None:
    n = 50
    table = daily(np.full(n, 2.0))
    table = table.append_column("null", pa.nulls(n, pa.float64()))
    wild = pa.array([np.nan if i % 2 else np.inf for i in range(n)])
    table = table.append_column("wild", wild).append_column("t", pa.array(["a"] * n))
    found = asking.trends(table, time="at")
    assert [c.name for c in found.columns] == ["x"]
    assert found.columns[0].figures["slope"].value == 0.0
    assert found.columns[0].figures["mann_kendall_p"].value == 1.0
    assert {s.column for s in found.skipped} == {"null", "wild", "t"}
    assert found.findings == []


def test_rows_without_a_time_are_left_out(asking: Asking) -> None:
    table = daily(np.arange(20.0))
    more = pa.table({"at": pa.array([None] * 5, pa.date32()), "x": [1e9] * 5})
    found = asking.trends(pa.concat_tables([table, more]), time="at")
    assert found.columns[0].figures["slope"].value == pytest.approx(1.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-5, 5) | st.floats(-1e3, 1e3), min_size=4, max_size=60))
def test_any_series(values: list[float]) -> None:
    array = np.array(values, float)
    plain = mk.original_test(array)
    found = mann_kendall(array, float(plain.slope))
    assert found.tau == pytest.approx(plain.Tau, abs=1e-12)
    if np.isfinite(plain.p):
        assert found.p_value == pytest.approx(plain.p, abs=1e-9)
    assert 0.0 <= found.p_corrected <= 1.0
    starts = [0, *partition(array, 1.0), len(array)]
    assert all(b - a >= min(LEAST, len(array)) for a, b in pairwise(starts))
