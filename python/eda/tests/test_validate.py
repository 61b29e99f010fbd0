"""Rules, each on values that keep it and that break it."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Asking

from air_eda.contract import EdaRuleResult

TABLE = pa.table(
    {
        "id": [1, 2, 3, 3, None],
        "x": [1.5, -2.0, math.nan, 4.0, None],
        "t": ["ab", "abc", "", "AB", None],
        "d": [date(2024, 1, d) for d in (1, 2, 3, 4)] + [None],
        "at": pa.array(
            [datetime(2024, 1, d, tzinfo=UTC) for d in (1, 2, 3, 4)] + [None],
            pa.timestamp("us", "UTC"),
        ),
        "m": pa.array([Decimal("0.10"), Decimal("0.20"), None, None, None], pa.decimal128(9, 2)),
        "huge": pa.array([2**63, 2**64 - 1, None, None, None], pa.uint64()),
        "l": [[1], [1, 2], [], None, [1]],
        "b": [True, False, True, None, None],
        "number": ["1", "2.5", "x", None, "4"],
    }
)


def checked(asking: Asking, table: Any, **rule: object) -> EdaRuleResult:
    return asking.validate(table, rules=[rule]).rules[0]


CASES: list[tuple[dict[str, object], str, int, list[int]]] = [
    ({"check": "not_null", "column": "id"}, "fail", 5, [4]),
    ({"check": "null_share", "column": "id", "max": 0.2}, "pass", 5, [4]),
    ({"check": "null_share", "column": "id", "max": 0.19}, "fail", 5, [4]),
    ({"check": "unique", "column": "id"}, "fail", 4, [3]),
    ({"check": "unique", "columns": ["id", "t"]}, "pass", 4, []),
    ({"check": "range", "column": "id", "min": 1, "max": 3}, "pass", 4, []),
    ({"check": "range", "column": "id", "min": 1.5}, "fail", 4, [0]),
    ({"check": "range", "column": "id", "max": 2.9}, "fail", 4, [2, 3]),
    ({"check": "range", "column": "x", "min": -2.0}, "fail", 4, [2]),
    ({"check": "range", "column": "t", "min": "a"}, "fail", 4, [2, 3]),
    ({"check": "range", "column": "d", "min": "2024-01-02"}, "fail", 4, [0]),
    ({"check": "range", "column": "at", "max": "2024-01-02T01:00:00+01:00"}, "fail", 4, [2, 3]),
    ({"check": "range", "column": "m", "max": "0.1"}, "fail", 2, [1]),
    ({"check": "range", "column": "huge", "max": str(2**64 - 2)}, "fail", 2, [1]),
    ({"check": "range", "column": "huge", "max": 10**60}, "pass", 2, []),
    ({"check": "in_set", "column": "t", "values": ["ab", "abc", "AB", ""]}, "pass", 4, []),
    ({"check": "in_set", "column": "t", "values": ["ab"]}, "fail", 4, [1, 2, 3]),
    ({"check": "in_set", "column": "id", "values": [1, "2", 9.5]}, "fail", 4, [2, 3]),
    ({"check": "in_set", "column": "m", "values": ["0.1", 0.2]}, "pass", 2, []),
    ({"check": "in_set", "column": "huge", "values": [str(2**63)]}, "fail", 2, [1]),
    ({"check": "in_set", "column": "b", "values": [True]}, "fail", 3, [1]),
    ({"check": "pattern", "column": "t", "pattern": "^[a-z]+$"}, "fail", 4, [2, 3]),
    ({"check": "length", "column": "t", "min": 1, "max": 2}, "fail", 4, [1, 2]),
    ({"check": "length", "column": "l", "min": 1}, "fail", 4, [2]),
    ({"check": "type", "column": "id", "type": "integer"}, "pass", 4, []),
    ({"check": "type", "column": "id", "type": "float"}, "pass", 4, []),
    ({"check": "type", "column": "number", "type": "float"}, "fail", 4, [2]),
    ({"check": "type", "column": "number", "type": "integer"}, "fail", 4, [1, 2]),
    ({"check": "type", "column": "x", "type": "date"}, "fail", 4, [0, 1, 2, 3]),
    ({"check": "compare", "column": "id", "op": "gt", "other": "x"}, "fail", 4, [0, 2, 3]),
    ({"check": "compare", "column": "id", "op": "le", "other": "id"}, "pass", 4, []),
    ({"check": "row_count", "min": 5, "max": 5}, "pass", 5, []),
    ({"check": "row_count", "min": 6}, "fail", 5, []),
    ({"check": "increasing", "column": "id"}, "pass", 4, []),
    ({"check": "increasing", "column": "id", "strict": True}, "fail", 4, [3]),
    ({"check": "increasing", "column": "t"}, "fail", 4, [2]),
]


@pytest.mark.parametrize(("rule", "status", "used", "rows"), CASES)
def test_rules(
    asking: Asking, rule: dict[str, object], status: str, used: int, rows: list[int]
) -> None:
    found = checked(asking, TABLE, **rule)
    assert (found.status, found.checked, found.rows) == (status, used, rows), found.message
    assert found.failed == len(rows)


FINE = pa.table(
    {
        "x": [1.0, math.inf],
        "dec": pa.array([Decimal("1.00"), Decimal("1.01")], pa.decimal128(10, 2)),
        "ms": pa.array([1_704_067_200_000, 1_704_067_200_001], pa.timestamp("ms")),
        "ns": pa.array([1_704_067_200_000_000_000, 1_704_067_200_001_000_500], pa.timestamp("ns")),
        "utc": pa.array([1_704_067_200_000_000_000] * 2, pa.timestamp("ns", "UTC")),
        "clock": pa.array([0, 500], pa.time64("ns")),
        "took": pa.array([1, 2], pa.duration("ms")),
        "lasted": pa.array([1_000_000, 2_000_500], pa.duration("ns")),
    }
)
NEW_YEAR = "2024-01-01T00:00:00"
# Bounds and values between two that a column can hold, and further out than any.
FINER: list[tuple[dict[str, object], str, list[int]]] = [
    ({"check": "range", "column": "x", "min": "1e400"}, "fail", [0]),
    ({"check": "range", "column": "x", "max": 10**400}, "fail", [1]),
    ({"check": "in_set", "column": "x", "values": ["1e400", 1]}, "fail", [1]),
    ({"check": "null_share", "column": "x", "max": "1e400"}, "pass", []),
    ({"check": "range", "column": "dec", "max": "1e400"}, "pass", []),
    ({"check": "range", "column": "dec", "min": "1.005"}, "fail", [0]),
    ({"check": "in_set", "column": "dec", "values": ["1.0049", "1.014"]}, "fail", [0, 1]),
    ({"check": "in_set", "column": "dec", "values": ["1", "1.010"]}, "pass", []),
    ({"check": "range", "column": "ms", "min": f"{NEW_YEAR}.000500"}, "fail", [0]),
    ({"check": "in_set", "column": "ms", "values": [f"{NEW_YEAR}.0005"]}, "fail", [0, 1]),
    ({"check": "range", "column": "ns", "max": f"{NEW_YEAR}.001"}, "fail", [1]),
    ({"check": "range", "column": "ns", "max": f"{NEW_YEAR}.0010004999"}, "fail", [1]),
    ({"check": "range", "column": "ns", "max": f"{NEW_YEAR}.0010005"}, "pass", []),
    ({"check": "in_set", "column": "utc", "values": ["2024-01-01T01:00:00+01:00"]}, "pass", []),
    ({"check": "range", "column": "clock", "max": "00:00:00.0000004"}, "fail", [1]),
    ({"check": "compare", "column": "ms", "op": "eq", "other": "ns"}, "fail", [1]),
    ({"check": "compare", "column": "ms", "op": "le", "other": "ns"}, "pass", []),
    ({"check": "compare", "column": "took", "op": "eq", "other": "lasted"}, "fail", [1]),
]


@pytest.mark.parametrize(("rule", "status", "rows"), FINER)
def test_values_are_compared_as_they_are_written(
    asking: Asking, rule: dict[str, object], status: str, rows: list[int]
) -> None:
    found = checked(asking, FINE, **rule)
    assert (found.status, found.rows) == (status, rows), found.message


WRONG: list[dict[str, object]] = [
    {"check": "not_null"},
    {"check": "not_null", "column": "none"},
    {"check": "range", "column": "id"},
    {"check": "range", "column": "id", "min": "x"},
    {"check": "range", "column": "b", "min": 1},
    {"check": "range", "column": "d", "min": "yesterday"},
    {"check": "range", "column": "at", "min": "2024-01-01"},
    {"check": "in_set", "column": "id"},
    {"check": "in_set", "column": "d", "values": [1]},
    {"check": "pattern", "column": "t", "pattern": "(("},
    {"check": "pattern", "column": "t", "pattern": "(?=a)"},
    {"check": "pattern", "column": "id", "pattern": "1"},
    {"check": "length", "column": "id", "min": 1},
    {"check": "compare", "column": "id", "op": "lt", "other": "t"},
    {"check": "compare", "column": "id", "other": "x"},
    {"check": "increasing", "column": "l"},
    {"check": "null_share", "column": "id", "max": True},
    {"check": "null_share", "column": "id", "max": "1e999999999"},
    {"check": "range", "column": "m", "min": "NaN"},
    {"check": "compare", "column": "at", "op": "eq", "other": "clock"},
    {"check": "range", "column": "at", "min": "2024-01-01T00:00:00.0000005"},
    {"check": "row_count"},
    {"check": "type", "column": "id"},
]


@pytest.mark.parametrize("rule", WRONG)
def test_a_rule_that_does_not_fit_stops_no_other(asking: Asking, rule: dict[str, object]) -> None:
    found = asking.validate(TABLE, rules=[rule, {"check": "not_null", "column": "id"}])
    assert [r.status for r in found.rules] == ["error", "fail"]
    assert not found.passed
    assert found.findings[0].kind == "rule_error"


def test_the_report(asking: Asking) -> None:
    rules = [
        {"check": "not_null", "column": "id"},
        {"check": "row_count", "min": 1},
    ]
    found = asking.validate(TABLE, rules=rules)
    assert "1 of 2 rules hold over 5 rows." in found.report_md
    assert "Does not hold: id is never null. 1 row (20%) differ." in found.report_md
    assert asking.validate(TABLE, rules=rules[1:]).passed


def test_only_the_first_rows_are_named(asking: Asking) -> None:
    table = pa.table({"x": [None] * 500 + [1]})
    rule = {"check": "not_null", "column": "x"}
    found = asking.validate(table, rules=[rule], failing_rows=3).rules[0]
    assert (found.failed, found.rows) == (500, [0, 1, 2])


def test_no_rows(asking: Asking) -> None:
    for rule, status, _, _ in CASES:
        if rule["check"] != "row_count" and status:
            assert checked(asking, TABLE.slice(0, 0), **rule).status == "pass", rule


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=30),
    st.integers(-(2**70), 2**70) | st.floats(-1e20, 1e20),
)
def test_any_range(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | None], bound: float
) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    table = pa.table({"x": pa.array(values, pa.int64())})
    found = checked(asking, table, check="range", column="x", min=bound)
    assert found.failed == sum(v is not None and v < bound for v in values)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text(max_size=5), max_size=20))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, values: list[str | None]) -> None:
    asking = Asking(tmp_path_factory.mktemp("any"))
    table = pa.table({"x": pa.array(values, pa.string())})
    found = checked(asking, table, check="pattern", column="x", pattern="[a-m]")
    there = [v for v in values if v is not None]
    assert found.failed == sum(re.search("[a-m]", v) is None for v in there)
    again = checked(asking, table, check="unique", column="x")
    assert again.failed == len(there) - len(set(there))
