"""Fences against scipy and plain formulas, the forest against scikit-learn and planted rows."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking
from scipy import stats
from sklearn.ensemble import IsolationForest

from air_eda.line import line_of
from air_eda.outliers import modified_z, tukey

RNG = np.random.default_rng(8)


def tukey_count(values: np.ndarray) -> int:
    low, high = np.quantile(values, [0.25, 0.75])
    reach = 1.5 * (high - low)
    return int(((values < low - reach) | (values > high + reach)).sum())


def modified_count(values: np.ndarray) -> int:
    mad = stats.median_abs_deviation(values)
    return int((0.6745 * np.abs(values - np.median(values)) / mad > 3.5).sum())


@pytest.mark.parametrize("name", ["normal", "heavy", "whole"])
def test_fences(asking: Asking, name: str) -> None:
    values = {
        "normal": RNG.normal(size=3000),
        "heavy": RNG.standard_t(2, size=3000),
        "whole": RNG.geometric(0.1, size=3000),
    }[name]
    (column,) = asking.outliers(pa.table({"x": values}), forest=False).columns
    assert column.iqr is not None
    assert column.mad is not None
    assert column.iqr.count == tukey_count(values)
    assert column.mad.count == modified_count(values)
    assert column.iqr.exact
    assert column.iqr.n_used == 3000


def test_decimals_and_huge_integers(asking: Asking) -> None:
    base = 2**61
    steps = [*range(20), 1000]
    table = pa.table(
        {
            "huge": [base + s for s in steps],
            "money": pa.array([Decimal(s) / 10 for s in steps], pa.decimal128(38, 10)),
        }
    )
    for column in asking.outliers(table, forest=False).columns:
        assert column.iqr is not None
        assert column.mad is not None
        assert (column.iqr.count, column.mad.count) == (1, 1)
    bounds = asking.outliers(table, forest=False).columns[0].iqr
    assert bounds is not None
    assert bounds.upper == str(base + 30)


def test_nan_infinity_and_null_are_no_outliers(asking: Asking) -> None:
    values = [float(i) for i in range(20)] + [math.nan, math.inf, None]
    table = pa.table({"x": pa.array(values, pa.float64())})
    (column,) = asking.outliers(table, forest=False).columns
    assert column.iqr is not None
    assert (column.iqr.count, column.iqr.n_used) == (0, 20)


def test_where_half_of_the_values_are_equal(asking: Asking) -> None:
    (column,) = asking.outliers(pa.table({"x": [0.0] * 90 + [1.0] * 10})).columns
    assert column.iqr is None
    assert column.mad is None


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_too_few(asking: Asking, rows: int) -> None:
    found = asking.outliers(pa.table({"x": [1.0, 2.0, 3.0]}).slice(0, rows))
    assert found.columns == []
    assert found.forest is None
    assert [s.column for s in found.skipped] == ["x"]


def test_the_forest_finds_planted_rows(asking: Asking) -> None:
    x = RNG.normal(size=2000)
    y = x + RNG.normal(size=2000) * 0.1
    z = RNG.normal(size=2000)
    x[500], y[500], z[500] = 8.0, -8.0, 9.0
    x[1500], y[1500], z[1500] = -9.0, 9.0, -9.0
    found = asking.outliers(pa.table({"x": x, "y": y, "z": z}), odd_rows=2).forest
    assert found is not None
    assert {row.row for row in found.rows} == {500, 1500}
    assert "z" in found.rows[0].columns
    assert not found.exact
    assert found.seed == 42


def test_the_scores_are_those_of_scikit_learn(asking: Asking) -> None:
    values = RNG.normal(size=(500, 2))
    values[3] = (9, 9)
    table = pa.table({"a": values[:, 0], "b": values[:, 1]})
    found = asking.outliers(table, seed=5, odd_rows=1).forest
    assert found is not None
    trees = IsolationForest(n_estimators=100, max_samples=256, random_state=42).fit(values)
    assert found.rows[0].row == int(np.argmax(-trees.score_samples(values))) == 3
    assert found.rows[0].score == pytest.approx(-trees.score_samples(values)[3])


def test_rows_of_a_sample_keep_their_places(asking: Asking) -> None:
    x, y = RNG.normal(size=5000), RNG.normal(size=5000)
    x[::50], y[::50] = 30.0, -30.0
    table = pa.table({"x": x, "y": y})
    found = asking.outliers(table, sample_rows=1000, seed=9)
    assert found.sampling.sampled
    assert found.forest is not None
    assert found.forest.n_used == 1000
    assert found.forest.rows
    assert all(row.row % 50 == 0 for row in found.forest.rows)
    assert found == asking.outliers(table, sample_rows=1000, seed=9)
    # Fences are over all rows even so.
    assert found.columns[0].iqr is not None
    assert found.columns[0].iqr.n_used == 5000


def test_text_has_no_outliers(asking: Asking) -> None:
    found = asking.outliers(pa.table({"t": ["a", "b", "c", "d"]}))
    assert [s.column for s in found.skipped] == ["t"]
    assert "Nothing stands out" in found.report_md


NUMBERS = st.lists(st.integers(-50, 50) | st.integers(-(10**9), 10**9), min_size=4, max_size=60)


@settings(max_examples=200, deadline=None)
@given(NUMBERS)
def test_any_whole_numbers(values: list[int]) -> None:
    line = line_of(pl.Series(values, dtype=pl.Int64))
    assert line is not None
    array = np.array(values, float)
    fence, other = tukey(line), modified_z(line)
    assert (fence.count if fence else 0) == (tukey_count(array) if stats.iqr(array) else 0)
    mad = stats.median_abs_deviation(array)
    assert (other.count if other else 0) == (modified_count(array) if mad else 0)
