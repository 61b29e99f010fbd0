"""Columns of every type of Arrow: each is looked at or named with its type, and ends no other."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from measuring import Asking

from air_eda.problem import Failure

ROWS = 8
WIDE = pa.decimal256(50, 2)
SEVERAL = pa.UnionArray.from_sparse(
    pa.array([0, 1] * (ROWS // 2), pa.int8()),
    [pa.array(range(ROWS)), pa.array([str(i) for i in range(ROWS)])],
)


def again(*values: object) -> list[object]:
    return [*values, None, values[0]] * 2 if len(values) == 2 else [*values] * (ROWS // len(values))


def coded(values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0] * 2, pa.int8()), values)


def in_lists(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), values)


READ: dict[str, tuple[Any, str]] = {
    "decimal of 32 bits": (
        pa.array(again(Decimal("1.5"), Decimal(2)), pa.decimal32(5, 2)),
        "decimal",
    ),
    "decimal of 256 bits": (pa.array(again(Decimal("1.5"), Decimal(2)), WIDE), "decimal"),
    "its dictionary": (coded(pa.array([Decimal("1.5"), Decimal(2)], WIDE)), "decimal"),
    "half": (pa.array(np.arange(ROWS, dtype=np.float16)), "float"),
    "seconds of a day": (pa.array(again(1, 2), pa.time32("s")), "time"),
    "nanoseconds of a day": (pa.array(again(1, 2), pa.time64("ns")), "time"),
    "nanoseconds in a zone": (
        pa.array(again(1, 2), pa.timestamp("ns", "Asia/Kolkata")),
        "timestamp",
    ),
    "duration": (pa.array(again(1, 2), pa.duration("ns")), "duration"),
    "view": (pa.array(again("a", "b" * 30), pa.string_view()), "text"),
    "view of bytes": (pa.array(again(b"a", b"b" * 30), pa.binary_view()), "binary"),
    "large list": (pa.array(again([1], []), pa.large_list(pa.int64())), "list"),
    "dictionary of lists": (coded(pa.array([[1], [2]])), "list"),
    "dictionary of structs": (coded(pa.array([{"a": 1}, {"a": 2}])), "struct"),
    "dictionary of times": (coded(pa.array([datetime(2024, 1, 1), None])), "timestamp"),  # noqa: DTZ001
    "dictionary of days": (coded(pa.array([date(2024, 1, 1), date(2024, 1, 2)])), "date"),
}
NOT_READ: dict[str, Any] = {
    "decimal of many digits": pa.array(again(Decimal(10) ** 40, Decimal(2)), WIDE),
    "decimal before the point": pa.array(again(Decimal(100), Decimal(200)), pa.decimal128(9, -2)),
    "list of wide decimals": pa.array(again([Decimal(1)], []), pa.list_(WIDE)),
    "struct of wide decimals": pa.array(again({"a": Decimal(1)}, {}), pa.struct([("a", WIDE)])),
    "map to wide decimals": pa.array(again([("a", Decimal(1))], []), pa.map_(pa.string(), WIDE)),
    "union": SEVERAL,
    "list of unions": in_lists(SEVERAL),
    "interval": pa.array(again(pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([0, 0, 1]))),
    "struct of intervals": pa.array([{"a": pa.MonthDayNano([1, 2, 3])}] * ROWS),
    "offset as a zone": pa.array(again(1, 2), pa.timestamp("us", "-05:30")),
    "no such zone": pa.array(again(1, 2), pa.timestamp("us", "Nowhere/Land")),
    "dictionary of views": coded(pa.array(["a", "b"], pa.string_view())),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([5, ROWS], pa.int32()), pa.array([1, 2])),
}
FAR: dict[str, Any] = {
    "microseconds": pa.array(again(2**62, -(2**62)), pa.timestamp("us")),
    "the ends": pa.array(again(2**63 - 1, -(2**63) + 1), pa.timestamp("us")),
    "milliseconds in UTC": pa.array(again(2**62, 0), pa.timestamp("ms", "UTC")),
    "the year 10000": pa.array(again(253_402_300_800, 0), pa.timestamp("s")),
    "the year 0": pa.array(again(-62_135_596_801, 0), pa.timestamp("s")),
    "days": pa.array(again(2**31 - 1, 0), pa.date32()),
}


def beside(column: Any) -> Any:
    return pa.table({"n": range(ROWS), "x": column})


@pytest.mark.parametrize("name", READ)
def test_a_type_that_is_read(asking: Asking, name: str) -> None:
    column, kind = READ[name]
    found = asking.column(beside(column), "x")
    assert found.type == kind
    assert found.figures["nulls"].value == column.to_pylist().count(None)


@pytest.mark.parametrize("name", NOT_READ)
def test_a_type_that_is_not_read_is_named_and_ends_no_other(asking: Asking, name: str) -> None:
    table = beside(NOT_READ[name])
    found = asking.profile(table)
    n, x = found.columns
    assert (n.figures["max"].value, n.figures["distinct"].value) == (ROWS - 1, ROWS)
    assert (x.type, x.figures) == ("other", {})
    told = [f for f in found.findings if f.kind == "unsupported"]
    assert [f.columns for f in told] == [["x"]]
    assert str(NOT_READ[name].type)[:80] in told[0].message
    inferred = asking.infer(table)
    assert [c.type for c in inferred.columns] == ["integer", "other"]
    for operation in ("correlations", "outliers", "trends"):
        extra = {"time": "t"} if operation == "trends" else {}
        days = pa.array([date(2024, 1, 1 + i) for i in range(ROWS)])
        answer = getattr(asking, operation)(table.append_column("t", days), **extra)
        assert "x" in {s.column for s in answer.skipped}, operation
    before = found.model_dump(mode="json", exclude_unset=True)
    assert asking.drift(table, previous=before)


def test_a_wide_decimal_keeps_its_digits(asking: Asking) -> None:
    least, most = Decimal("-0.01"), Decimal("9" * 36 + ".25")
    table = beside(pa.array([least, most] * 4, WIDE))
    found = asking.values(table, "x")
    assert (found["min"], found["max"]) == ("-0.01", str(most))


@pytest.mark.parametrize("name", FAR)
def test_times_out_of_the_calendar_have_no_trends(asking: Asking, name: str) -> None:
    table = beside(FAR[name])
    assert asking.column(table, "x").figures["distinct"].value == 2
    with pytest.raises(Failure) as refused:
        asking.trends(table, time="x")
    assert refused.value.code == "invalid"


def test_the_last_day_of_the_calendar_has_trends(asking: Asking) -> None:
    days = pa.array([date(9000, 1, 1), date(9999, 12, 31)] * 4)
    assert asking.trends(beside(days), time="x", unit="year").buckets == 1000
