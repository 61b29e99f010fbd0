"""The profile against numpy, scipy and pandas, on known and on awkward columns."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from measuring import Asking
from scipy import stats

RNG = np.random.default_rng(11)
NUMBERS = {
    "normal": RNG.normal(size=1001),
    "skewed": RNG.lognormal(2, 1.5, size=1000),
    "few": RNG.integers(0, 5, 777).astype(float),
    "two": np.array([1.0, 3.0]),
    "far": RNG.normal(1e9, 1e-3, size=500),
    "small": RNG.normal(size=300) * 1e-200,
    "large": RNG.normal(size=300) * 1e200,
    "negative": -RNG.exponential(size=400),
    "zeros": np.where(RNG.random(500) < 0.7, 0.0, RNG.normal(size=500)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(asking: Asking, name: str) -> None:
    values = NUMBERS[name]
    found = asking.column(pa.table({"x": values}), "x", histogram_bins=7)
    figures = {k: f.value for k, f in found.figures.items()}
    scale = float(np.abs(values).max()) if name in ("small", "large") else 1.0
    scaled = values / scale
    assert figures["mean"] == pytest.approx(values.mean(), rel=1e-12)
    # With fractions, so exactly: numpy itself is off by 1e-8 where the mean is far from zero.
    assert figures["std"] == pytest.approx(statistics.stdev(scaled.tolist()) * scale, rel=1e-9)
    if name != "far":
        assert figures["skewness"] == pytest.approx(stats.skew(scaled), abs=1e-9)
        assert figures["kurtosis"] == pytest.approx(stats.kurtosis(scaled), abs=1e-8)
    assert figures["min"] == values.min()
    assert figures["max"] == values.max()
    assert figures["iqr"] == pytest.approx(stats.iqr(values), rel=1e-12)
    assert figures["mad"] == pytest.approx(stats.median_abs_deviation(values), rel=1e-9)
    assert figures["distinct"] == len(np.unique(values))
    assert figures["zeros"] == int((values == 0).sum())
    assert figures["negative"] == int((values < 0).sum())
    assert found.quantiles is not None
    expected = np.quantile(values, found.quantiles.probabilities)
    assert np.allclose(np.array(found.quantiles.values, float), expected, rtol=1e-12, atol=0)
    assert found.histogram is not None
    counts, edges = np.histogram(values, bins=7)
    if name in ("normal", "skewed", "far", "small", "large", "negative"):
        assert np.allclose(np.array(found.histogram.edges, float), edges, rtol=1e-9)
        assert np.array(found.histogram.counts).sum() == len(values)
        assert np.abs(np.array(found.histogram.counts) - counts).sum() <= 2
    assert all(f.exact and f.seed is None for f in found.figures.values())


def test_against_pandas(asking: Asking) -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=2000), "b": RNG.integers(-9, 9, 2000)})
    frame.loc[::7, "a"] = np.nan
    described = frame.describe()
    table = pa.Table.from_pandas(frame)
    for name in ("a", "b"):
        column = asking.column(table, name)
        figures = {k: f.value for k, f in column.figures.items()}
        assert figures["mean"] == pytest.approx(described.loc["mean", name])
        assert figures["std"] == pytest.approx(described.loc["std", name])
        assert column.quantiles is not None
        for row, place in (("25%", 25), ("50%", 50), ("75%", 75)):
            assert column.quantiles.values[place] == pytest.approx(described.loc[row, name])


def test_nan_and_infinity_are_counted_and_left_out(asking: Asking) -> None:
    values = [1.0, 2.0, math.nan, math.inf, -math.inf, math.inf, None, 4.0]
    column = asking.column(pa.table({"x": pa.array(values, pa.float64())}), "x")
    figures = {k: f.value for k, f in column.figures.items()}
    assert (figures["nulls"], figures["nan"], figures["infinite"]) == (1, 1, 3)
    assert figures["distinct"] == 6
    assert figures["mean"] == pytest.approx(7 / 3)
    assert column.figures["mean"].n_used == 3
    assert column.top_values is not None
    assert {(str(i.value), i.count) for i in column.top_values.items} >= {
        ("Infinity", 2),
        ("-Infinity", 1),
        ("NaN", 1),
    }


@pytest.mark.parametrize("values", [[math.nan], [math.inf], [math.nan, -math.inf, None]])
def test_no_finite_value(asking: Asking, values: list[Any]) -> None:
    column = asking.column(pa.table({"x": pa.array(values, pa.float64())}), "x")
    assert column.quantiles is None
    assert "mean" not in column.figures
    assert column.figures["distinct"].value == len([v for v in values if v is not None])


def test_huge_integers_are_exact(asking: Asking) -> None:
    base = 2**62
    values = [base, base + 1, base + 2, base + 2, None]
    figures = asking.values(pa.table({"x": pa.array(values, pa.int64())}), "x")
    assert figures["min"] == str(base)
    assert figures["max"] == str(base + 2)
    assert figures["sum"] == str(4 * base + 5)
    assert figures["std"] == pytest.approx(np.std([0, 1, 2, 2], ddof=1), rel=1e-12)
    assert figures["iqr"] == pytest.approx(stats.iqr([0, 1, 2, 2]))
    assert figures["mad"] == pytest.approx(stats.median_abs_deviation([0, 1, 2, 2]))
    assert figures["distinct"] == 3
    assert figures["median"] == f"{base + 1}.5"


def test_unsigned_beyond_signed(asking: Asking) -> None:
    values = [2**64 - 1, 2**64 - 2, 0, 2**64 - 1]
    column = asking.column(pa.table({"x": pa.array(values, pa.uint64())}), "x")
    figures = {k: f.value for k, f in column.figures.items()}
    assert figures["max"] == str(2**64 - 1)
    assert figures["sum"] == str(sum(values))
    assert figures["mean"] == pytest.approx(sum(values) / 4)
    assert column.top_values is not None
    assert column.top_values.items[0].value == str(2**64 - 1)
    assert column.top_values.items[0].count == 2


def test_decimals_are_exact(asking: Asking) -> None:
    values = [Decimal("0.10"), Decimal("0.20"), Decimal("0.30"), Decimal("-9999999999999999.99")]
    column = asking.column(pa.table({"x": pa.array(values, pa.decimal128(20, 2))}), "x")
    figures = {k: f.value for k, f in column.figures.items()}
    assert figures["sum"] == str(sum(values))
    assert figures["min"] == "-9999999999999999.99"
    assert figures["max"] == "0.30"
    assert figures["median"] == "0.15"
    assert column.type == "decimal"


def test_decimals_of_38_digits(asking: Asking) -> None:
    most, least = Decimal("9" * 38), Decimal("-" + "9" * 38)
    table = pa.table({"x": pa.array([most, most, least, most], pa.decimal128(38, 0))})
    figures = asking.values(table, "x")
    assert figures["sum"] == str(2 * int(most))
    assert figures["max"] == str(most)
    assert figures["mean"] == pytest.approx(float(most) / 2)


def test_times(asking: Asking) -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), None]
    figures = asking.values(pa.table({"x": days}), "x")
    assert (figures["min"], figures["max"]) == ("2024-02-28", "2024-03-01")
    assert figures["median"] == "2024-02-29"
    assert figures["order"] == "increasing"
    berlin = pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin"))
    assert asking.values(pa.table({"x": berlin}), "x")["min"] == "2024-01-01T12:00:00Z"
    nano = pa.array([1, 1_000_000_001], pa.timestamp("ns"))
    figures = asking.values(pa.table({"x": nano}), "x")
    assert (figures["min"], figures["max"]) == (
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:01.000000001",
    )
    assert asking.values(pa.table({"x": [time(23, 59, 59)]}), "x")["max"] == "23:59:59"
    spans = pa.table({"x": [timedelta(seconds=90), timedelta(days=-1)]})
    assert asking.values(spans, "x")["max"] == 90.0
    far = pa.table({"x": pa.array([-(2**62), 2**62], pa.timestamp("ms"))})
    assert "from 1970" in asking.values(far, "x")["max"]
    farther = pa.table({"x": pa.array([-(2**62), 2**62], pa.timestamp("s"))})
    assert asking.column(farther, "x").type == "other"


def test_booleans(asking: Asking) -> None:
    column = asking.column(pa.table({"x": [True, True, False, None]}), "x")
    assert column.figures["true_share"].value == pytest.approx(2 / 3)
    assert column.top_values is not None
    assert [(i.value, i.count) for i in column.top_values.items] == [(True, 2), (False, 1)]


TEXTS = ["Äpfel", "äpfel", "", " ", "x ", "名前", "🙂🙂", "e\u0301", "é", "A1-22", None, "A1-22"]


def test_text(asking: Asking) -> None:
    column = asking.column(pa.table({"x": TEXTS}), "x")
    there = [t for t in TEXTS if t is not None]
    figures = {k: f.value for k, f in column.figures.items()}
    assert figures["distinct"] == len(set(there))
    assert figures["length_max"] == max(len(t) for t in there)
    assert figures["length_mean"] == pytest.approx(np.mean([len(t) for t in there]))
    assert figures["length_median"] == np.median([len(t) for t in there])
    assert figures["blank"] == 2
    assert figures["padded"] == 1
    assert figures["case_variants"] == 2
    assert figures["min"] == min(there)
    assert figures["max"] == max(there)
    assert column.top_values is not None
    assert column.top_values.items[0].value == "A1-22"
    assert column.top_values.items[0].count == 2
    assert column.patterns is not None
    assert ("A9-9+", 2) in {(i.value, i.count) for i in column.patterns.items}


def test_many_different_texts(asking: Asking) -> None:
    texts = [f"user-{i}" for i in range(50_000)] * 2
    first = asking.column(pa.table({"x": texts}), "x", seed=1)
    again = asking.column(pa.table({"x": texts[::-1]}), "x", seed=1)
    assert first.figures["distinct"].value == 50_000
    assert first.patterns is not None
    assert not first.patterns.exact
    assert first.patterns.seed == 1
    assert first.patterns.items[0].value == "a+-9+"
    # The order of the rows is nothing to a profile.
    assert first.patterns == again.patterns
    assert first.top_values == again.top_values


def test_top_values_are_the_most_frequent(asking: Asking) -> None:
    values = [int(v) for v in RNG.geometric(0.05, 5000)]
    column = asking.column(pa.table({"x": values}), "x", top_values=10)
    counted = Counter(values)
    expected = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    assert column.top_values is not None
    assert [(i.value, i.count) for i in column.top_values.items] == expected
    assert column.top_values.others == 5000 - sum(n for _, n in expected)
    assert column.figures["unique"].value == sum(1 for n in counted.values() if n == 1)


def test_whole_numbers_have_bins_of_their_own(asking: Asking) -> None:
    column = asking.column(pa.table({"x": [1, 1, 2, 4]}), "x")
    assert column.histogram is not None
    assert column.histogram.edges == [1, 2, 3, 4, 5]
    assert column.histogram.counts == [2, 1, 0, 1]


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_no_and_of_one_row(asking: Asking, rows: int) -> None:
    table = pa.table(
        {
            "i": [7],
            "f": [1.5],
            "t": ["a"],
            "b": [True],
            "d": [date(2024, 1, 1)],
            "n": pa.nulls(1),
            "l": [[1]],
            "s": [{"a": 1}],
            "y": [b"x"],
            "m": [Decimal("1.5")],
        }
    ).slice(0, rows)
    found = asking.profile(table)
    assert found.rows == rows
    assert len(found.columns) == 11
    assert all(c.figures["nulls"].value == int(c.name == "n" and rows == 1) for c in found.columns)
    if rows:
        figures = {k: f.value for k, f in found.columns[0].figures.items()}
        assert (figures["mean"], figures["std"], figures["skewness"]) == (7.0, None, None)


def test_no_columns(asking: Asking) -> None:
    assert asking.profile(pa.table({})).columns == []


def test_constant_and_all_null(asking: Asking) -> None:
    table = pa.table({"c": [0.1] * 50, "n": pa.array([None] * 50, pa.int32())})
    found = {c.name: c for c in asking.profile(table).columns}
    constant = {k: f.value for k, f in found["c"].figures.items()}
    assert (constant["std"], constant["skewness"], constant["distinct"]) == (0.0, None, 1)
    assert found["c"].histogram is not None
    assert found["c"].histogram.counts == [50]
    assert found["n"].figures["null_share"].value == 1.0
    kinds = {(f.kind, f.columns[0]) for f in asking.profile(table).findings if f.columns}
    assert {("constant", "c"), ("empty", "n")} <= kinds


def test_lists_structs_and_bytes(asking: Asking) -> None:
    table = pa.table(
        {
            "l": [[1], [1, 2], [], None],
            "s": [{"a": 1, "b": {"c": "x"}}, {"a": None, "b": None}, None, {"a": 1, "b": None}],
            "y": [b"ab", b"", None, b"ab"],
        }
    )
    found = {
        c.name: {k: f.value for k, f in c.figures.items()} for c in asking.profile(table).columns
    }
    assert (found["l"]["length_min"], found["l"]["length_max"], found["l"]["distinct"]) == (0, 2, 3)
    assert found["s"]["nulls"] == 1
    assert found["s.a"]["nulls"] == 2
    assert found["s.b.c"]["distinct"] == 1
    assert (found["y"]["length_max"], found["y"]["distinct"]) == (2, 2)


def test_dictionaries_are_what_they_mean(asking: Asking) -> None:
    texts = pa.array(["a", "b", "a"]).dictionary_encode()
    whole = pa.array([5, 7, 5]).dictionary_encode()
    table = pa.table({"t": texts, "n": whole})
    assert asking.column(table, "t").type == "text"
    assert asking.values(table, "n")["sum"] == 17


def test_types_that_are_not_read(asking: Asking) -> None:
    union = pa.UnionArray.from_sparse(
        pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array("ab")]
    )
    found = asking.profile(pa.table({"u": union, "x": [1, 2]}))
    assert [c.type for c in found.columns] == ["other", "integer"]
    assert "unsupported" in {f.kind for f in found.findings}


def test_duplicate_rows(asking: Asking) -> None:
    frame = pd.DataFrame({"a": [1, 1, 2, None, None, 1], "b": ["x", "x", "y", None, None, "z"]})
    table = pa.Table.from_pandas(frame)
    assert asking.profile(table).duplicate_rows.value == int(frame.duplicated().sum()) == 2
    floats = pa.table({"a": [math.nan, math.nan, 0.0, -0.0]})
    assert asking.profile(floats).duplicate_rows.value == 2
    assert asking.profile(pa.table({"l": [[1], [1], [2]]})).duplicate_rows.value == 1


def test_findings_say_what_was_found(asking: Asking) -> None:
    n = 1000
    table = pa.table(
        {
            "mostly_missing": [None] * 700 + [1.5] * 150 + [2.5] * 150,
            "tail": RNG.lognormal(0, 2, n),
            "key": [f"k{i:04}" for i in range(n)],
            "code": ["12", "x"] * 500,
            "one_value": ["a"] * 980 + ["b"] * 20,
            "written": ["Red", "red ", "RED", "blue"] * 250,
            "zero": [0] * 900 + [1] * 100,
            "day": ["2024-01-01", "2024-01-02"] * 500,
            "number": ["1.5", "2"] * 500,
            "wild": [math.inf] * 10 + [math.nan] * 10 + [0.5] * 980,
        }
    )
    found = {(f.kind, c) for f in asking.profile(table).findings for c in f.columns}
    assert found >= {
        ("missing", "mostly_missing"),
        ("skewed", "tail"),
        ("unique", "key"),
        ("constant_length", "key"),
        ("mixed_types", "code"),
        ("imbalance", "one_value"),
        ("case_variants", "written"),
        ("padded", "written"),
        ("zeros", "zero"),
        ("dates_as_text", "day"),
        ("numbers_as_text", "number"),
        ("infinite", "wild"),
        ("nan", "wild"),
    }
    report = asking.profile(table).report_md
    assert report.startswith("## Profile\n")
    assert "mostly\\_missing is missing in 700 rows (70%)" in report


def test_a_plain_table_has_little_to_say(asking: Asking) -> None:
    table = pa.table({"x": RNG.normal(size=500), "y": RNG.normal(size=500)})
    assert asking.profile(table).findings == []


def test_text_of_the_data_cannot_write_the_report(asking: Asking) -> None:
    name = "x|y`<script>\n# heading"
    report = asking.profile(pa.table({name: ["a|b\n## c"] * 3 + ["<b>"]})).report_md
    assert "\n# heading" not in report
    assert "\n## c" not in report
    assert "<script>" not in report.replace("\\<script\\>", "")


def test_figures_are_json(asking: Asking) -> None:
    values = pa.array([2**63, 0], pa.uint64())
    text = asking.text("profile", pa.table({"x": values, "f": [math.nan, math.inf]}))
    assert "NaN" in text
    json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_only_the_columns_asked_for(asking: Asking) -> None:
    found = asking.profile(pa.table({"a": [1], "b": [2]}), columns=["b"])
    assert [c.name for c in found.columns] == ["b"]
