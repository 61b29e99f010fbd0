"""Random questions to every engine, and every mismatch that such a run ever found.

A modest number with a fixed seed here; `make generate N=5000` asks more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import ENGINES
from engines import Servers, running_servers
from random_irs.agreement import judge
from random_irs.runs import FOUND, plan, run
from random_irs.schemas import make_schema, read_schema, written
from random_irs.sessions import serving_schemas
from random_irs.shrinking import shrink
from service import Reply

SEED, COUNT = 20261125, 150
KEPT = sorted(FOUND.glob("*.yaml"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_servers(tmp_path_factory.mktemp("random"), list(ENGINES)) as found:
        yield found


def test_engines_agree_on_random_questions(program: Path, servers: Servers, tmp_path: Path) -> None:
    tally = run(program, tmp_path / "run", servers, SEED, COUNT, sys.stdout, found=tmp_path)
    told = "\n".join(tally.told())
    assert tally.count == COUNT
    # A run in which nearly all is refused would show nothing.
    assert tally.verdicts["answered"] > COUNT / 3, told
    assert not tally.mismatches, told


def test_what_was_found_once_agrees_now(program: Path, servers: Servers, tmp_path: Path) -> None:
    cases = {f"f{n}": yaml.safe_load(file.read_text("utf-8")) for n, file in enumerate(KEPT)}
    if not cases:
        return
    schemas = {name: read_schema(case["tables"]) for name, case in cases.items()}
    with serving_schemas(program, tmp_path / "found", servers, schemas) as asking:
        verdicts = {name: asking.verdict(name, case["ir"]) for name, case in cases.items()}
    differ = {
        file.name: verdict
        for file, verdict in zip(KEPT, verdicts.values(), strict=True)
        if not verdict.agrees
    }
    assert not differ


def test_a_schema_is_its_seed_and_survives_a_file() -> None:
    for number in range(20):
        schema = make_schema(7, number)
        assert written(schema) == written(make_schema(7, number))
        text = yaml.safe_dump(written(schema), allow_unicode=True)
        assert read_schema(yaml.safe_load(text)) == schema


def test_a_plan_asks_as_many_as_it_should() -> None:
    for count in (1, 10, 150, 730):
        batches = list(plan(count, None, None))
        assert sum(len(questions) for batch in batches for questions in batch.values()) == count
    assert list(plan(5, 3, 4)) == [{3: [4]}]


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
    ir = {
        "entities": ["t", "u"],
        "metrics": [{"name": "a", "agg": "count"}, {"name": "b", "agg": "sum", "field": "x"}],
        "filters": [{"not": {"all": [{"field": "x", "op": "is_null"}, {"field": "y"}]}}],
        "limit": 3,
    }

    def still(less: dict[str, Any]) -> bool:
        return any(m.get("agg") == "sum" for m in less.get("metrics", [])) and "y" in str(less)

    small = shrink(ir, still)
    assert len(small["metrics"]) == 1
    assert "limit" not in small
    assert small["filters"] == [{"all": [{"field": "y"}]}]
    assert len(small["entities"]) == 1
