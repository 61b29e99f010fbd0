"""Whatever the columns hold, a profile holds together, and every operation answers."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measuring import Asking

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001
MEMBERS = st.fixed_dictionaries({"a": st.none() | st.floats()})
VALUES: dict[str, tuple[st.SearchStrategy[Any], pa.DataType]] = {
    "int8": (st.integers(-128, 127), pa.int8()),
    "int64": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    "uint64": (st.integers(0, 2**64 - 1), pa.uint64()),
    "float": (st.floats(), pa.float64()),
    "float32": (st.floats(width=32), pa.float32()),
    "decimal": (st.decimals(-(10**9), 10**9, places=3), pa.decimal128(20, 3)),
    "boolean": (st.booleans(), pa.bool_()),
    "text": (st.text(max_size=12), pa.string()),
    "day": (DAYS, pa.date32()),
    "moment": (MOMENTS, pa.timestamp("us")),
    "zoned": (MOMENTS.map(lambda m: m.replace(tzinfo=UTC)), pa.timestamp("ns", "Asia/Tokyo")),
    "clock": (st.times(), pa.time64("us")),
    "span": (st.timedeltas(timedelta(-9999), timedelta(9999)), pa.duration("us")),
    "bytes": (st.binary(max_size=6), pa.binary()),
    "list": (st.lists(st.integers(0, 3), max_size=3), pa.list_(pa.int64())),
    "struct": (MEMBERS, pa.struct({"a": pa.float64()})),
    "null": (st.none(), pa.null()),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 25))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    columns = {}
    for i, kind in enumerate(kinds):
        strategy, dtype = VALUES[kind]
        values = draw(st.lists(st.none() | strategy, min_size=rows, max_size=rows))
        columns[f"{kind}_{i}"] = pa.array(values, dtype)
    return pa.table(columns)


SLOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@SLOW
@given(tables())
def test_every_operation_answers(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    profile = asking.profile(table)
    assert profile.rows == table.num_rows
    asking.infer(table)
    asking.correlations(table)
    asking.outliers(table, forest=False)
    times = [n for n in table.column_names if n.startswith(("day", "moment", "zoned"))]
    if times and profile.rows < 2:
        asking.trends(table, time=times[0])
    same = asking.drift(table, previous=profile.model_dump(exclude_unset=True))
    assert not any(c.drifted for c in same.columns)
    assert (same.added, same.removed, same.retyped) == ([], [], [])
    rules = [{"check": "not_null", "column": n} for n in table.column_names]
    found = asking.validate(table, rules=rules)
    nulls = {c.name: c.figures["nulls"].value for c in profile.columns}
    assert [r.failed for r in found.rules] == [nulls[n] for n in table.column_names]


@SLOW
@given(tables())
def test_a_profile_adds_up(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    for column in asking.profile(table, top_values=100).columns:
        figures = {k: f.value for k, f in column.figures.items()}
        if column.name in table.column_names:
            assert figures["nulls"] == table[column.name].null_count
        there = table.num_rows - int(str(figures["nulls"]))
        if column.top_values is not None:
            listed = sum(i.count for i in column.top_values.items)
            assert listed + column.top_values.others == there
            assert figures["distinct"] == len(column.top_values.items)
        if column.histogram is not None:
            assert sum(column.histogram.counts) == column.histogram.n_used
            assert len(column.histogram.edges) == len(column.histogram.counts) + 1
        if column.quantiles is not None:
            values = column.quantiles.values
            assert values[0] == figures["min"]
            assert values[-1] == figures["max"]
            if column.type == "float":
                numbers = [float(str(v)) for v in values]
                assert all(a <= b + 1e-9 * abs(b) for a, b in pairwise(numbers))


@SLOW
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_whole_numbers_are_exact(
    tmp_path_factory: pytest.TempPathFactory, values: list[int]
) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    figures = asking.values(pa.table({"x": pa.array(values, pa.int64())}), "x")
    assert int(figures["sum"]) == sum(values)
    assert int(figures["min"]) == min(values)
    assert int(figures["max"]) == max(values)
    assert figures["mean"] == sum(values) / len(values)
    ordered, n = sorted(values), len(values)
    middle = Decimal(ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    assert float(Decimal(str(figures["median"]))) == float(middle)


@SLOW
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_doubles_stay_finite(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    figures = asking.values(pa.table({"x": values}), "x")
    # Scaled, since the sum of what is given can be beyond the doubles.
    largest = max(abs(v) for v in values) or 1.0
    mean = math.fsum(v / largest for v in values) / len(values)
    assert figures["mean"] / largest == pytest.approx(mean, rel=1e-9, abs=1e-12)
    assert np.isfinite(figures["mean"])
    assert min(values) <= float(figures["median"]) <= max(values)
