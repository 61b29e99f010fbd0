"""The comparison can fail: a right reply passes, and each way of being wrong is noticed.

A transport that answers from the oracle stands where the service would be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cases import Case, read_cases
from comparison import SAFE_INTEGER, differences, equal
from oracle import Answer, Oracle
from service import Client, Reply

NEW_YORK = ZoneInfo("America/New_York")
FIRST_HALF_PAST_ONE = datetime(2013, 11, 3, 5, 30, tzinfo=UTC)


def as_json(value: Any, tz: ZoneInfo) -> Any:
    """A value as the contract writes it."""
    match value:
        case datetime():
            return value.astimezone(tz).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case float():
            return json_double(value)
        case int() if abs(value) > SAFE_INTEGER:
            return str(value)
        case _:
            return value


def json_double(value: float) -> Any:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value + 0.0


class FromOracle:
    """Replies to a case's query with the oracle's own rows, through real JSON text."""

    def __init__(self, oracle: Oracle, case: Case) -> None:
        self.oracle = oracle
        self.case = case

    def send(self, method: str, target: str, body: Any = None) -> Reply:
        assert (method, target) == ("POST", "/v1/query")
        assert body["ir"] == self.case.ir
        assert self.case.duckdb is not None
        answer = self.oracle.answer(self.case.duckdb)
        tz = ZoneInfo(self.case.zone)
        rows = [
            {name: as_json(value, tz) for name, value in zip(answer.columns, row, strict=True)}
            for row in answer.rows
        ]
        reply = {
            "columns": [{"name": name} for name in answer.columns],
            "rows": rows,
            "row_count": len(rows),
            "truncated": self.case.truncated,
        }
        return Reply(200, json.loads(json.dumps(reply, allow_nan=False)))


CASES = {case.id: case for case in read_cases() if case.duckdb is not None}


def replied(case: Case, oracle: Oracle) -> tuple[Answer, dict[str, Any]]:
    assert case.duckdb is not None
    client = Client(FromOracle(oracle, case))
    reply = client.query(case.datasource, case.ir, case.params, case.now)
    return oracle.answer(case.duckdb), reply.body


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.id)
def test_a_right_reply_passes(case: Case, oracle: Oracle) -> None:
    expected, body = replied(case, oracle)
    assert differences(expected, body, case.truncated, case.zone) == []


def drop_row(body: dict[str, Any]) -> None:
    body["rows"].pop()
    body["row_count"] -= 1


def swap_rows(body: dict[str, Any]) -> None:
    body["rows"][0], body["rows"][1] = body["rows"][1], body["rows"][0]


def repeat_row(body: dict[str, Any]) -> None:
    body["rows"].append(body["rows"][-1])
    body["row_count"] += 1


def swap_columns(body: dict[str, Any]) -> None:
    body["columns"].reverse()


def miscount(body: dict[str, Any]) -> None:
    body["row_count"] += 1


def claim_more(body: dict[str, Any]) -> None:
    body["truncated"] = True


def lose_member(body: dict[str, Any]) -> None:
    del body["rows"][0]["n"]


def nudge(body: dict[str, Any]) -> None:
    body["rows"][0]["delay"] *= 1 + 1e-8


def shift_zone(body: dict[str, Any]) -> None:
    row = body["rows"][0]
    row["m"] = datetime.fromisoformat(row["m"]).astimezone(UTC).isoformat()


@pytest.mark.parametrize(
    "spoil",
    [
        drop_row,
        swap_rows,
        repeat_row,
        swap_columns,
        miscount,
        claim_more,
        lose_member,
        nudge,
        shift_zone,
    ],
)
def test_a_spoiled_reply_is_noticed(
    spoil: Callable[[dict[str, Any]], None], oracle: Oracle
) -> None:
    case = CASES["buckets/flights per month in New York"]
    expected, body = replied(case, oracle)
    spoil(body)
    assert differences(expected, body, case.truncated, case.zone) != []


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        (None, [None], [0, "", False]),
        (True, [True], [1, "true", None]),
        (False, [False], [0, None]),
        (3, [3], [3.0, "3", True, 4, None]),
        (1, [1], [True]),
        (2**53, [2**53], [str(2**53)]),
        (2**53 + 1, [str(2**53 + 1)], [2**53 + 1, str(2**53), "9007199254740993.0"]),
        (Decimal("2.30"), ["2.3", "2.30"], [2.3, "2.31", "2.3e0", None]),
        (1.5, [1.5, 1.5 + 1e-12], [1.5001, "1.5", None]),
        (4.0, [4, 4.0], ["4", True]),
        (0.0, [0, 0.0], [-0.0, 1e-6, False]),
        (math.nan, ["NaN"], [None, 0, "nan"]),
        (-math.inf, ["-Infinity"], ["Infinity", None]),
        ("a", ["a"], ["A", "a ", None]),
        (date(2013, 3, 10), ["2013-03-10"], ["2013-03-10T00:00:00Z", "2013-3-10"]),
        (
            FIRST_HALF_PAST_ONE,
            ["2013-11-03T01:30:00-04:00", "2013-11-03T01:30:00.000-04:00"],
            ["2013-11-03T01:30:00-05:00", "2013-11-03T05:30:00Z", "2013-11-03T01:30:00", 1],
        ),
    ],
)
def test_values_follow_the_contract(wanted: Any, right: list[Any], wrong: list[Any]) -> None:
    assert [got for got in right if not equal(wanted, got, NEW_YORK)] == []
    assert [got for got in wrong if equal(wanted, got, NEW_YORK)] == []


def test_utc_may_be_written_as_z() -> None:
    assert equal(FIRST_HALF_PAST_ONE, "2013-11-03T05:30:00Z", ZoneInfo("UTC"))
