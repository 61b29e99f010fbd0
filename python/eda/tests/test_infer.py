"""What columns are, and which text is read as what."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking

from air_eda.reading import from_text, suggest

TEXTS = [
    (["1", "2", "-3", "+4"], pl.Int64),
    (["007", "12"], pl.String),
    (["0", "-0"], pl.Int64),
    ([str(2**63), "1"], pl.Int128),
    (["9" * 40], pl.String),
    (["1.5", "2", "1e3", ".5", "-2."], pl.Float64),
    (["1.5", "NaN", "inf", "-Infinity"], pl.Float64),
    (["1,5", "2"], pl.String),
    (["true", "FALSE", "True"], pl.Boolean),
    (["yes", "no"], pl.String),
    (["2024-02-29", "2023-01-01"], pl.Date),
    (["2024-02-30"], pl.String),
    (["2024-01-01 10:00:00", "2024-01-01T11:00:00.5"], pl.Datetime("us")),
    (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00"], pl.Datetime("us", "UTC")),
    (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], pl.String),
    (["2024-01-01 10:00:00.1234567", "2024-01-01 10:00:00"], pl.Datetime("ns")),
    (["2024-01-01T10:00:00.123456789Z"], pl.Datetime("ns", "UTC")),
    (["1024-01-01 10:00:00.1234567"], pl.String),
    (["9007199254740993", "1.5"], pl.String),
    (["1e308", "-1e308"], pl.Float64),
    (["1e999", "1.5"], pl.String),
    (["1e-999", "1.5"], pl.String),
    (["0e-999", "1.5"], pl.Float64),
    (["1E5", "100000"], pl.String),
    (["12e3", "2D10"], pl.String),
    (["1E5", "1.5"], pl.Float64),
    (["1e5", "1e-7"], pl.Float64),
    (["1e+05", "3"], pl.Float64),
    (["-1e5", "3"], pl.Float64),
    (["1", "x"], pl.String),
    ([" 1", "2"], pl.String),
    (["١", "٢"], pl.String),
    ([], pl.String),
]


@pytest.mark.parametrize(("texts", "dtype"), TEXTS)
def test_text_is_read_as_what_every_value_is(texts: list[str], dtype: pl.DataType) -> None:
    found = from_text(pl.Series([*texts, None], dtype=pl.String))
    assert found.dtype == dtype
    assert found.null_count() == 1


def test_values_read_from_text() -> None:
    assert from_text(pl.Series(["+1", "-2"])).to_list() == [1, -2]
    assert from_text(pl.Series(["1e2", ".5"])).to_list() == [100.0, 0.5]
    assert from_text(pl.Series(["true", "FALSE"])).to_list() == [True, False]
    moments = from_text(pl.Series(["2024-01-01T10:00:00+02:00"])).dt.replace_time_zone(None)
    assert moments.to_list() == [datetime(2024, 1, 1, 8)]  # noqa: DTZ001


def test_nanoseconds_of_text_are_kept() -> None:
    texts = [f"2024-01-01T00:00:00.00000{n:04d}" for n in range(1000)]
    assert from_text(pl.Series(texts)).n_unique() == 1000


def test_a_late_value_that_does_not_fit() -> None:
    assert from_text(pl.Series(["1"] * 5000 + ["x"])).dtype == pl.String


def test_types_and_roles(asking: Asking) -> None:
    n = 40
    table = pa.table(
        {
            "id": range(n),
            "amount": [i / 7 for i in range(n)],
            "group": ["a", "b"] * (n // 2),
            "note": [f"text {i % 30}" for i in range(n)],
            "day": [date(2024, 1, 1)] * (n - 1) + [date(2024, 1, 2)],
            "one": ["x"] * n,
            "none": pa.nulls(n),
            "digits": [str(i % 9) for i in range(n)],
            "dates": ["2024-01-01", "2024-01-02"] * (n // 2),
        }
    )
    found = {c.name: c for c in asking.infer(table).columns}
    assert {name: c.role for name, c in found.items()} == {
        "id": "key",
        "amount": "measure",
        "group": "dimension",
        "note": "text",
        "day": "time",
        "one": "constant",
        "none": "empty",
        "digits": "measure",
        "dates": "time",
    }
    assert found["digits"].suggested_type == "integer"
    assert found["digits"].type == "text"
    assert found["none"].nullable
    assert not found["id"].nullable
    kinds = {(f.kind, f.columns[0]) for f in asking.infer(table).findings}
    assert kinds == {("empty", "none"), ("numbers_as_text", "digits"), ("dates_as_text", "dates")}


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(asking: Asking, rows: int) -> None:
    table = pa.table({"a": [1], "t": ["x"], "l": [[1]], "s": [{"a": 1}]}).slice(0, rows)
    found = asking.infer(table)
    assert [c.role for c in found.columns] == (
        ["empty"] * 4 if rows == 0 else ["measure", "dimension", "dimension", "dimension"]
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(10**37), 10**37), min_size=1, max_size=20))
def test_any_whole_numbers_come_back(values: list[int]) -> None:
    found = from_text(pl.Series([str(v) for v in values]))
    assert found.cast(pl.Int128).to_list() == values


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_any_doubles_come_back(values: list[float]) -> None:
    found = from_text(pl.Series([repr(v) for v in values]))
    assert found.dtype == pl.Float64
    assert found.to_list() == values


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=8), max_size=20))
def test_any_text_is_taken(values: list[str]) -> None:
    series = pl.Series(values, dtype=pl.String)
    assert 0.0 <= suggest(series).share <= 1.0
    assert len(from_text(series)) == len(values)
