"""Association against scipy, statsmodels and plain formulas."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests

from air_eda.association import correlation_ratio, cramers_v, dense, pearson, spearman, table
from air_eda.contract import EdaPair
from air_eda.effects import holm

RNG = np.random.default_rng(3)
N = 400


def pair(asking: Asking, data: pa.Table, measure: str, **request: object) -> EdaPair:
    return next(p for p in asking.correlations(data, **request).pairs if p.measure == measure)


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0, 50.0])
def test_pearson_and_spearman(asking: Asking, noise: float) -> None:
    x = RNG.normal(size=N)
    y = np.round(x**3 + noise * RNG.normal(size=N), 1)
    data = pa.table({"x": x, "y": y})
    for measure, expected in (
        ("pearson", stats.pearsonr(x, y)),
        ("spearman", stats.spearmanr(x, y)),
    ):
        found = pair(asking, data, measure)
        assert found.figure.value == pytest.approx(expected.statistic, abs=1e-12)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)


def test_rows_where_one_is_missing_are_left_out(asking: Asking) -> None:
    frame = pd.DataFrame({"x": RNG.normal(size=N), "y": RNG.normal(size=N)})
    frame["y"] += frame["x"]
    frame.loc[::3, "x"] = np.nan
    frame.loc[::5, "y"] = np.nan
    data = pa.Table.from_pandas(frame)
    for measure in ("pearson", "spearman"):
        found = pair(asking, data, measure)
        assert found.figure.value == pytest.approx(frame["x"].corr(frame["y"], method=measure))
        assert found.figure.n_used == int(frame.dropna().shape[0])


def test_infinite_values_are_missing(asking: Asking) -> None:
    x, y = RNG.normal(size=N), RNG.normal(size=N)
    x[7], y[9] = math.inf, -math.inf
    keep = np.isfinite(x) & np.isfinite(y)
    found = pair(asking, pa.table({"x": x, "y": y}), "pearson")
    assert found.figure.value == pytest.approx(stats.pearsonr(x[keep], y[keep]).statistic)


def test_huge_decimals(asking: Asking) -> None:
    """Beyond the digits of a double they all are one."""
    huge = pa.array([Decimal(10**37 + i) for i in range(50)], pa.decimal128(38, 0))
    with localcontext(prec=40):
        fine = pa.array([Decimal(10**37 + i).scaleb(-9) for i in range(50)], pa.decimal128(38, 9))
    found = asking.correlations(pa.table({"a": huge, "b": fine, "c": list(range(50))}))
    assert [p.figure.value for p in found.pairs] == [pytest.approx(1.0)] * 6
    assert not found.skipped


def test_huge_integers(asking: Asking) -> None:
    base = 2**62
    steps = RNG.integers(0, 100, N)
    other = steps + RNG.integers(0, 10, N)
    data = pa.table({"x": [base + int(s) for s in steps], "y": [base - int(o) for o in other]})
    found = pair(asking, data, "pearson")
    assert found.figure.value == pytest.approx(stats.pearsonr(steps, -other).statistic)


@pytest.mark.parametrize("tied", [0.0, 0.3, 0.9])
def test_cramers_v(asking: Asking, tied: float) -> None:
    a = RNG.choice(list("abcd"), N)
    b = np.where(RNG.random(N) < tied, a, RNG.choice(list("wxyz"), N))
    found = pair(asking, pa.table({"a": a, "b": b}), "cramers_v")
    counts = pd.crosstab(a, b).to_numpy()
    chi2, p, _, _ = stats.chi2_contingency(counts, correction=False)
    r, k = counts.shape
    # Bergsma's correction, from his paper.
    phi2 = max(0, chi2 / N - (k - 1) * (r - 1) / (N - 1))
    least = min(k - (k - 1) ** 2 / (N - 1), r - (r - 1) ** 2 / (N - 1)) - 1
    assert found.figure.value == pytest.approx(math.sqrt(phi2 / least))
    assert found.p_value == pytest.approx(p, rel=1e-9)


def test_plain_v_is_that_of_scipy_but_for_bias() -> None:
    a, b = RNG.integers(0, 3, 100_000), RNG.integers(0, 4, 100_000)
    b = np.where(RNG.random(100_000) < 0.4, a, b)
    counts = table(a, b, 3, 4)
    plain = stats.contingency.association(counts, method="cramer", correction=False)
    found = cramers_v(counts)
    assert found is not None
    assert found.value == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0])
def test_correlation_ratio(asking: Asking, shift: float) -> None:
    group = RNG.choice(list("abc"), N)
    values = RNG.normal(size=N) + shift * (group == "b")
    found = pair(asking, pa.table({"g": group, "x": values}), "correlation_ratio")
    fitted = anova_lm(ols("x ~ C(g)", pd.DataFrame({"g": group, "x": values})).fit())
    explained = fitted["sum_sq"].iloc[0] / fitted["sum_sq"].sum()
    assert found.figure.value == pytest.approx(math.sqrt(explained))
    assert found.p_value == pytest.approx(fitted["PR(>F)"].iloc[0], rel=1e-6, abs=1e-300)
    assert (found.left, found.right) == ("g", "x")


def test_p_values_are_adjusted_for_all_pairs(asking: Asking) -> None:
    data = pa.table({f"c{i}": RNG.normal(size=60) for i in range(6)})
    pairs = asking.correlations(data).pairs
    _, expected, _, _ = multipletests([p.p_value for p in pairs], method="holm")
    assert [p.p_adjusted for p in pairs] == pytest.approx(list(expected))


def test_noise_gives_no_findings(asking: Asking) -> None:
    data = pa.table({f"c{i}": RNG.normal(size=2000) for i in range(15)})
    found = asking.correlations(data)
    assert found.findings == []
    assert len(found.pairs) == 15 * 14


def test_what_cannot_be_compared_is_named(asking: Asking) -> None:
    data = pa.table(
        {
            "constant": [1.0] * 50,
            "null": pa.nulls(50),
            "key": [f"k{i}" for i in range(50)],
            "list": [[i] for i in range(50)],
            "x": RNG.normal(size=50),
        }
    )
    found = asking.correlations(data)
    assert {s.column for s in found.skipped} == {"constant", "null", "key", "list"}
    assert found.pairs == []


def test_the_sample_is_stated_and_repeatable(asking: Asking) -> None:
    x = RNG.normal(size=5000)
    data = pa.table({"x": x, "y": x + RNG.normal(size=5000)})
    first = asking.correlations(data, sample_rows=1000, seed=7)
    again = asking.correlations(data, sample_rows=1000, seed=7)
    other = asking.correlations(data, sample_rows=1000, seed=8)
    assert first == again
    assert first.pairs != other.pairs
    assert first.sampling.rows_used == 1000
    assert first.sampling.seed == 7
    assert all(not p.figure.exact and p.figure.seed == 7 for p in first.pairs)
    assert "1,000 of 5,000 rows" in first.report_md
    whole = asking.correlations(data)
    assert not whole.sampling.sampled
    assert whole.sampling.seed is None


def test_at_most_so_many_columns(asking: Asking) -> None:
    data = pa.table({f"c{i}": RNG.normal(size=30) for i in range(8)})
    found = asking.correlations(data, max_columns=5)
    assert len(found.pairs) == 5 * 4
    assert {s.column for s in found.skipped} == {"c5", "c6", "c7"}


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_few_rows(asking: Asking, rows: int) -> None:
    data = pa.table({"x": [1.0, 2.0, 4.0], "y": [3.0, 1.0, 2.0], "g": ["a", "b", "a"]})
    found = asking.correlations(data.slice(0, rows))
    assert found.rows == rows
    assert bool(found.pairs) == (rows == 3)


FLOATS = st.floats(-1e6, 1e6).map(lambda v: round(v, 3))
COLUMN = st.lists(FLOATS | st.just(math.nan), min_size=3, max_size=40)


@settings(max_examples=200, deadline=None)
@given(COLUMN, st.randoms(use_true_random=False))
def test_any_numbers(values: list[float], random: object) -> None:
    x = np.array(values)
    y = np.array(values)
    random.shuffle(y)  # type: ignore[attr-defined]
    both = ~(np.isnan(x) | np.isnan(y))
    for found, peer in (
        (pearson(x, y), stats.pearsonr),
        (spearman(dense(x), dense(y)), stats.spearmanr),
    ):
        a, b = x[both], y[both]
        if len(a) < 3 or a.min() == a.max() or b.min() == b.max():
            assert found is None
        else:
            assert found is not None
            assert found.value == pytest.approx(peer(a, b).statistic, abs=1e-9)
            assert -1.0 <= found.value <= 1.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), FLOATS), min_size=3, max_size=40))
def test_any_groups(rows: list[tuple[int, float]]) -> None:
    codes, x = np.array([g for g, _ in rows]), np.array([v for _, v in rows])
    found = correlation_ratio(codes, x)
    if found is not None:
        assert 0.0 <= found.value <= 1.0
        grouped = [x[codes == g] for g in np.unique(codes)]
        inside = sum(((g - g.mean()) ** 2).sum() for g in grouped)
        total = ((x - x.mean()) ** 2).sum()
        assert found.value**2 == pytest.approx(1 - inside / total, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    _, expected, _, _ = multipletests(p_values, method="holm")
    assert holm(p_values) == pytest.approx(list(expected))
    assert holm([None, *p_values])[1:] == pytest.approx(list(expected))
