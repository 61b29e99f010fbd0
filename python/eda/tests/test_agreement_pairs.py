"""Association, fences and forests on awkward columns, against scipy, statsmodels, scikit-learn."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import reference
from edge import COLUMNS
from measuring import Asking
from scipy import stats
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder
from statsmodels.robust.scale import mad
from statsmodels.stats.contingency_tables import Table
from test_agreement import python

from air_eda import contract

RNG = np.random.default_rng(31)
N = 300
STEPS = RNG.integers(0, 50, N)
# Beside each column stands one that goes with it in part, and in another order.
OTHER = STEPS + RNG.normal(0, 20, N)
GROUPS = np.array(["Äpfel", "名前", "🙂", "é", "e\u0301"])[STEPS % 5]


def wild() -> list[float | None]:
    values: list[float | None] = [float(s) for s in STEPS]
    values[::7] = [math.nan] * len(values[::7])
    values[1::11], values[2::13] = [math.inf] * len(values[1::11]), [None] * len(values[2::13])
    return values


NUMBERS: dict[str, Any] = {
    "plain": pa.array(STEPS),
    "wild": pa.array(wild(), pa.float64()),
    "single": pa.array(STEPS / 7, pa.float32()),
    "huge": pa.array([2**63 - 1 - int(s) for s in STEPS]),
    "unsigned": pa.array([2**64 - 1 - int(s) for s in STEPS], pa.uint64()),
    "ends": pa.array([(2**63 - 1) if s > 25 else -(2**63) for s in STEPS]),
    "large": pa.array(STEPS * 1e306),
    "tiny": pa.array(STEPS * 1e-310),
    "money": pa.array([Decimal(int(s)) / 100 for s in STEPS]),
    "day": pa.array(STEPS.astype(np.int32)).cast(pa.date32()),
    "nano": pa.array(STEPS + 10**18, pa.timestamp("ns", "Asia/Tokyo")),
    "span": pa.array(STEPS, pa.duration("ms")),
    "many": pa.array(np.argsort(np.argsort(OTHER + RNG.normal(size=N)))),
}
CATEGORIES: dict[str, Any] = {
    "unicode": pa.array(GROUPS),
    "gaps": pa.array([None if s % 4 == 0 else str(g) for s, g in zip(STEPS, GROUPS, strict=True)]),
    "flag": pa.array((STEPS > 20).tolist()),
    "mixed": pa.array(np.array(["1", "x", "", "2024-01-01"])[STEPS % 4]),
    "coded": pa.array(GROUPS).dictionary_encode(),
    "rare": pa.array(["only once", *["a", "b"] * ((N - 1) // 2), "a"]),
}
ODD = ("one value", "null", "few", "many levels", "list")
CONSTANT = {
    "one value": pa.array([1.5] * N),
    "null": pa.nulls(N, pa.int64()),
    "few": pa.array([1.0, 2.0, *[None] * (N - 2)]),
    "many levels": pa.array([f"user-{i}" for i in range(N)]),
    "list": pa.array([[1]] * N),
}


def away(column: Any) -> np.ndarray:
    """As doubles, scaled and around one of the values: nothing is lost of huge ones."""
    values = plain(column)
    finite = [Fraction(v) for v in values if v is not None and math.isfinite(v)]
    base = min(finite)
    scale = (max(finite) - base) or Fraction(1)
    return np.array(
        [
            float((Fraction(v) - base) / scale) if v is not None and math.isfinite(v) else math.nan
            for v in values
        ]
    )


def plain(column: Any) -> list[Any]:
    """Times as the whole numbers that they are kept as."""
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_temporal(column.type):
        column = column.cast(pa.int64())
    return list(column.to_pylist())


def only(asking: Asking, measure: str, **columns: Any) -> contract.EdaPair:
    found = asking.correlations(pa.table(columns))
    return next(p for p in found.pairs if p.measure == measure)


@pytest.mark.parametrize("measure", ["pearson", "spearman"])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(asking: Asking, name: str, measure: str) -> None:
    found = only(asking, measure, x=NUMBERS[name], y=OTHER)
    x = away(NUMBERS[name])
    both = ~np.isnan(x)
    peer: Any = stats.pearsonr if measure == "pearson" else stats.spearmanr
    expected = peer(x[both], OTHER[both])
    assert found.figure.value == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-300)
    assert found.figure.n_used == int(both.sum())


def codes(column: Any) -> np.ndarray:
    """Categories as Python has them; null as none."""
    return np.array(column.to_pylist(), object)


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories(asking: Asking, name: str) -> None:
    other = np.where(RNG.random(N) < 0.5, STEPS % 3, RNG.integers(0, 3, N)).astype(str)
    found = only(asking, "cramers_v", a=CATEGORIES[name], b=other)
    left = codes(CATEGORIES[name])
    there = np.array([v is not None for v in left])
    counts = stats.contingency.crosstab(left[there].astype(str), other[there]).count
    n, (r, k) = counts.sum(), counts.shape
    test = Table(counts, shift_zeros=False).test_nominal_association()
    phi2 = max(0.0, test.statistic / n - (r - 1) * (k - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    assert found.figure.value == pytest.approx(math.sqrt(phi2 / least), abs=1e-9)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-6, abs=1e-15)
    assert found.figure.n_used == n


@pytest.mark.parametrize("number", ["plain", "wild", "huge", "large", "day"])
@pytest.mark.parametrize("name", CATEGORIES)
def test_ratio(asking: Asking, name: str, number: str) -> None:
    found = only(asking, "correlation_ratio", g=CATEGORIES[name], x=NUMBERS[number])
    groups, x = codes(CATEGORIES[name]), away(NUMBERS[number])
    both = np.array([g is not None for g in groups]) & ~np.isnan(x)
    columns = OneHotEncoder().fit_transform(groups[both].astype(str).reshape(-1, 1)).toarray()
    explained = LinearRegression().fit(columns, x[both]).score(columns, x[both])
    assert found.figure.value == pytest.approx(math.sqrt(max(explained, 0.0)), abs=1e-7)
    parts = [x[both][groups[both] == g] for g in set(groups[both])]
    assert found.p_value == pytest.approx(stats.f_oneway(*parts).pvalue, rel=1e-5, abs=1e-300)
    assert found.figure.n_used == int(both.sum())


@pytest.mark.parametrize("name", ODD)
def test_what_has_no_association(asking: Asking, name: str) -> None:
    found = asking.correlations(pa.table({"odd": CONSTANT[name], "x": OTHER, "g": GROUPS}))
    assert [s.column for s in found.skipped] == ["odd"]
    assert {(p.left, p.right) for p in found.pairs} == {("g", "x")}


LINES = [
    n
    for n, c in COLUMNS.items()
    if pa.types.is_integer(c.type)
    or pa.types.is_floating(c.type)
    or pa.types.is_decimal(c.type)
    or pa.types.is_duration(c.type)
]


@pytest.mark.parametrize("name", LINES)
def test_fences(asking: Asking, name: str) -> None:
    there = [v for v in python(name) if v is not None]
    values = [reference.exact(v) for v in there if not isinstance(v, float) or math.isfinite(v)]
    found = asking.outliers(pa.table({"x": COLUMNS[name]}), forest=False)
    if len(values) < 4:
        assert [s.column for s in found.skipped] == ["x"]
        return
    (column,) = found.columns
    low, high = reference.quantiles(values, [0.25, 0.75])
    reach = (high - low) * Fraction(3, 2)
    compare(column.iqr, values, (low - reach, high + reach) if reach else None)
    middle = statistics.median(values)
    distance = statistics.median(abs(v - middle) for v in values)
    assert float(distance / scale_of(values)) == pytest.approx(mad(scaled(values), c=1.0), abs=1e-9)
    reach = distance * Fraction(3.5) / Fraction(0.6745)
    compare(column.mad, values, (middle - reach, middle + reach) if distance else None)


def scale_of(values: Sequence[Fraction]) -> Fraction:
    return (max(values) - min(values)) or Fraction(1)


def scaled(values: Sequence[Fraction]) -> np.ndarray:
    base, scale = min(values), scale_of(values)
    return np.array([float((v - base) / scale) for v in values])


def compare(
    fence: contract.EdaFence | None, values: list[Fraction], ends: tuple[Fraction, Fraction] | None
) -> None:
    if ends is None:
        assert fence is None
        return
    assert fence is not None
    # What lies on the bound to the last bit may fall to either side.
    near = scale_of(values) * Fraction(1, 10**9)
    surely = sum(v < ends[0] - near or v > ends[1] + near for v in values)
    perhaps = sum(v < ends[0] + near or v > ends[1] - near for v in values)
    assert surely <= fence.count <= perhaps
    assert fence.n_used == len(values)
    assert fence.share == pytest.approx(fence.count / len(values))
    for shown, end in zip((fence.lower, fence.upper), ends, strict=True):
        if shown not in ("Infinity", "-Infinity"):
            assert abs(Fraction(str(shown)) - end) <= near + abs(end) * Fraction(1, 10**9)


def test_the_forest_over_awkward_columns(asking: Asking) -> None:
    """Gaps lie in the middle, constants and categories are no part of it."""
    whole = {**NUMBERS, **CATEGORIES, **CONSTANT}
    whole.pop("large")
    found = asking.outliers(pa.table(whole), odd_rows=5).forest
    names = [n for n in NUMBERS if n not in ("large", "day", "nano")]
    assert found is not None
    assert found.columns == names
    values = np.column_stack([unscaled(whole[n]) for n in names])
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    trees = IsolationForest(n_estimators=100, max_samples=256, random_state=42).fit(values)
    scores = -trees.score_samples(values)
    assert found.count == int((scores > 0.6).sum())
    assert found.share == pytest.approx(found.count / N)
    assert found.n_used == N
    best = sorted(scores[scores > 0.6], reverse=True)[:5]
    assert [r.score for r in found.rows] == pytest.approx(best)


def unscaled(column: Any) -> np.ndarray:
    """A forest splits between values, so what is added to all of them changes nothing but the
    last bits of a split; huge numbers are brought near, as they are there.
    """
    values = plain(column)
    finite = [v for v in values if v is not None and math.isfinite(v)]
    far = pa.types.is_temporal(column.type) or max(map(abs, finite)) > 2**53
    base = min(finite) if far else 0
    return np.array(
        [float(v - base) if v is not None and math.isfinite(v) else math.nan for v in values]
    )
