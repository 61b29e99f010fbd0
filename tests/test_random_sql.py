"""Random SQL texts: what is made, and what is PostgreSQL's answer."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from libpq import Result
from random_runs import shrink
from random_sql.agreement import MOST_ROWS, judge, same, same_names
from random_sql.queries import keys_of, make_text
from random_sql.scope import make_plain_schema
from random_sql.tree import Node, listed, maybe, of, shorter
from service import Reply


def test_a_text_is_its_seed() -> None:
    for number in range(20):
        schema = make_plain_schema(7, 1)
        assert str(make_text(7, 1, number, schema)) == str(make_text(7, 1, number, schema))


def answered(*values: Any, name: str = "a", truncated: bool = False) -> Reply:
    rows = [{name: value} for value in values]
    return Reply(200, {"columns": [{"name": name}], "rows": rows, "truncated": truncated})


def refused(code: str, status: int = 422) -> Reply:
    return Reply(status, {"code": "invalid", "errors": [{"code": code, "detail": "d"}]})


def rows(*values: Any) -> Result:
    return Result(["a"], [(value,) for value in values])


FAILS = Result([], [], "22012", "ERROR:  division by zero")
SHORT = Result([], [], "22003", "ERROR:  integer out of range")


@pytest.mark.parametrize(
    ("truth", "reply", "kind"),
    [
        (rows(1, None), answered(None, 1), "answered"),
        (rows(1, 2), answered(1), "rows"),
        (rows(1, 1), answered(1, 2), "rows"),
        (rows("a"), answered("a "), "rows"),
        (rows(1), answered(1, name="b"), "columns"),
        (rows(1), answered(1, truncated=True), "answered"),
        (rows(1, 2), answered(1, truncated=True), "rows"),
        (rows(1), refused("unsupported"), "refused"),
        (rows(1), refused("source_error"), "failed"),
        (rows(1), refused("internal", 500), "failed"),
        (FAILS, answered(1), "no_error"),
        (FAILS, refused("source_error"), "refused"),
        (FAILS, refused("internal", 500), "failed"),
        (SHORT, answered(2**31), "wider"),
    ],
)
def test_what_is_right_and_what_is_not(truth: Result, reply: Reply, kind: str) -> None:
    assert judge(truth, {"files": reply}, []).kind == kind


def test_rows_that_are_cut_are_rows_of_the_answer() -> None:
    truth = rows(*range(MOST_ROWS + 1_000))
    for first, kind in ((0, "answered"), (1_000, "answered"), (-1, "rows")):
        given = range(first, first + MOST_ROWS)
        assert judge(truth, {"files": answered(*given, truncated=True)}, []).kind == kind
    later = answered(*range(1, MOST_ROWS + 1), truncated=True)
    assert judge(truth, {"files": later}, [0]).kind == "order"


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [([1, None], [None, 1], "wider"), ([1], [2], "rows"), ([1], [1, 1], "rows")],
)
def test_engines_agree_where_postgresql_has_no_rows(
    ours: list[Any], theirs: list[Any], kind: str
) -> None:
    replies = {"files": answered(*ours), "mysql": answered(*theirs)}
    assert judge(FAILS, replies, [], "select 1 / x from t where x > 0").kind == kind


def test_rows_stand_in_the_order_of_the_keys() -> None:
    assert judge(rows(1, 2), {"files": answered(2, 1)}, [0]).kind == "order"
    assert judge(rows(1, 2), {"files": answered(1, 2)}, [0]).kind == "answered"


@pytest.mark.parametrize(
    ("wanted", "got", "equal"),
    [
        (1, 1, True),
        (2**60, str(2**60), True),
        (2**60 + 1, float(2**60), False),
        (3, 3.0, True),
        (1.0, "1", False),
        (math.nan, "NaN", True),
        (math.inf, "Infinity", True),
        (math.inf, "NaN", False),
        (Decimal("1.50"), "1.5", True),
        (Decimal("0.3333333333333333"), 1 / 3, True),
        (Decimal("0.33"), "0.333", False),
        (Decimal("0.33"), 0.333, False),
        (1.0, 1, True),
        (1.0, 1.001, False),
        (True, 1, False),
        (True, True, True),
        (None, 0, False),
        ("1", 1, False),
        (date(2024, 1, 1), "2024-01-01", True),
        (date(2024, 1, 1), "2024-01-01T00:00:00Z", False),
        (datetime(2024, 1, 1, 2), "2024-01-01T02:00:00", True),  # noqa: DTZ001
        (datetime(2024, 1, 1, 2), "2024-01-01T02:00:00Z", False),  # noqa: DTZ001
        (datetime(2024, 1, 1, 2, tzinfo=UTC), "2024-01-01T03:00:00+01:00", True),
        (datetime(2024, 1, 1, 2, tzinfo=UTC), "2024-01-01", False),
    ],
)
def test_values_are_the_same_in_what_they_mean(wanted: Any, got: Any, equal: bool) -> None:
    assert same(wanted, got) is equal


@pytest.mark.parametrize(
    ("theirs", "ours", "equal"),
    [
        (["a", "a"], ["a", "a_2"], True),
        (["a", "b"], ["a", "b_2"], False),
        (["?column?", "?column?"], ["column", "column_2"], True),
        (["sum"], ["count"], False),
        (["a", "a"], ["a", "a"], False),
    ],
)
def test_names_are_numbered_where_they_come_twice(
    theirs: list[str], ours: list[str], equal: bool
) -> None:
    assert same_names(theirs, ours) is equal


def test_a_text_is_made_small() -> None:
    deep = of("bool", "(", of("bool", "(not ", of("bool", "x = 1"), ")"), " and y)")
    text: Node = of(
        "text",
        "select ",
        listed("items", [of("item", "a"), of("item", "b")]),
        maybe(" where ", deep),
        maybe(" order by ", of("key 1", "2")),
    )
    small = shrink(text, shorter, lambda less: "x = 1" in str(less) and "b" in str(less))
    assert str(small) == "select b where x = 1"
    assert keys_of(text) == [1]
    assert keys_of(small) == []
