"""Random IRs: what is made, and what agrees."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from random_irs.agreement import judge
from random_irs.schemas import make_schema, read_schema, written
from random_irs.shrinking import without_one_part
from random_runs import shrink
from service import Reply


def test_a_schema_is_its_seed_and_survives_a_file() -> None:
    for number in range(20):
        schema = make_schema(7, number)
        assert written(schema) == written(make_schema(7, number))
        text = yaml.safe_dump(written(schema), allow_unicode=True)
        assert read_schema(yaml.safe_load(text)) == schema


def answered(*values: Any) -> Reply:
    rows = [{"a": value} for value in values]
    return Reply(200, {"columns": [{"name": "a"}], "rows": rows, "truncated": False})


def refused(code: str) -> Reply:
    return Reply(422, {"code": "invalid", "errors": [{"code": code, "detail": "d"}]})


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        (answered(1, None), answered(1, None), "answered"),
        (answered(1.0), answered(1.0 + 1e-12), "answered"),
        (answered("0.10"), answered("0.1"), "answered"),
        (refused("fan_out"), refused("fan_out"), "refused"),
        (answered(1, 2), answered(2, 1), "rows"),
        (answered(1), answered(1, 1), "rows"),
        (answered(1), answered("1"), "rows"),
        (answered(1), answered(True), "rows"),
        (answered(1), answered(None), "rows"),
        (answered(1.0), answered(1.0001), "rows"),
        (answered("10"), answered("1e1"), "rows"),
        (answered("a"), answered("a "), "rows"),
        (answered(1), refused("fan_out"), "refusals"),
        (refused("fan_out"), refused("no_time"), "refusals"),
        (answered(1), refused("unsupported_on_engine"), "unsupported"),
        (answered(1), Reply(500, {"code": "internal"}), "failed"),
        (Reply(422, {"code": "source_error"}), Reply(422, {"code": "source_error"}), "failed"),
    ],
)
def test_what_agrees_and_what_does_not(a: Reply, b: Reply, kind: str) -> None:
    assert judge({"files": a, "mysql": b}, {}).kind == kind


def ordered(*rows: tuple[Any, Any], truncated: bool = False) -> Reply:
    found = [{"x": x, "d": d} for x, d in rows]
    columns = [{"name": "x"}, {"name": "d"}]
    return Reply(200, {"columns": columns, "rows": found, "truncated": truncated})


NEAR = 0.1 + 0.2


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        (ordered((0.3, "a"), (0.3, "b")), ordered((0.3, "b"), (NEAR, "a")), "answered"),
        (ordered((0.3, "a"), (0.4, "b")), ordered((0.4, "b"), (0.3, "a")), "rows"),
        (ordered((0.3, "a"), (0.3, "b")), ordered((0.3, "b"), (0.3, "c")), "rows"),
        (ordered((0.3, "a"), (0.3, "a")), ordered((0.3, "a"), (0.3, "b")), "rows"),
        (ordered((3, "a"), (3, "b")), ordered((3, "b"), (3, "a")), "rows"),
        (
            ordered((0.1, "a"), (0.3, "b"), (0.3, "c"), truncated=True),
            ordered((0.1, "a"), (NEAR, "c"), (0.3, "d"), truncated=True),
            "answered",
        ),
        (
            ordered((0.1, "a"), (0.3, "b"), (0.3, "c"), truncated=True),
            ordered((0.1, "z"), (NEAR, "c"), (0.3, "d"), truncated=True),
            "rows",
        ),
        (
            ordered((0.1, "a"), (0.3, "b"), (0.3, "c"), truncated=True),
            ordered((0.1, "a"), (NEAR, "c"), (0.5, "d"), truncated=True),
            "rows",
        ),
    ],
)
def test_an_order_by_doubles_is_as_sharp_as_they_are(a: Reply, b: Reply, kind: str) -> None:
    assert judge({"files": a, "mysql": b}, {"order": [{"field": "x"}]}).kind == kind


def test_a_mismatch_is_made_small() -> None:
    ir: dict[str, Any] = {
        "entities": ["t", "u"],
        "metrics": [{"name": "a", "agg": "count"}, {"name": "b", "agg": "sum", "field": "x"}],
        "filters": [{"not": {"all": [{"field": "x", "op": "is_null"}, {"field": "y"}]}}],
        "limit": 3,
    }

    def still(less: dict[str, Any]) -> bool:
        return any(m.get("agg") == "sum" for m in less.get("metrics", [])) and "y" in str(less)

    small = shrink(ir, without_one_part, still)
    assert len(small["metrics"]) == 1
    assert "limit" not in small
    assert small["filters"] == [{"all": [{"field": "y"}]}]
    assert len(small["entities"]) == 1
