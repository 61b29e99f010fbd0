"""The cases themselves, without the service: each oracle runs and tells what its IR asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import Case, read_cases
from datasets import ENGINES
from oracle import Oracle

CASES = read_cases()
ANSWERED = [case for case in CASES if case.duckdb is not None]

# A case over an empty result says little; these mean to have one.
EMPTY = {
    "fill/other dimensions have nothing when nothing matched",
    "aggregates/nothing matched with a dimension is no row",
    "shape/beyond the last row",
    "keys/groups of an empty table",
    "keys/distinct values of an empty table",
}
# Cases that one engine cannot be asked; each says why, and there may not be more of them.
MOST_LEFT_OUT = 6
MOST_REFUSED = 6

AGGREGATES = """
count count_distinct sum avg min max median percentile stddev variance first last bool_and bool_or
"""
OPERATORS = """
= != > >= < <= in not_in between contains starts_with ends_with icontains istarts_with iends_with
ieq is_null not_null during
"""


def outputs(ir: dict[str, Any]) -> list[str]:
    parts = ir.get("dimensions", []) + ir.get("metrics", [])
    names = [part if isinstance(part, str) else part["name"] for part in parts]
    return [*names, "is_other"] if ir.get("top", {}).get("other") else names


def words(value: Any, key: str) -> set[str]:
    """Every text that stands under `key` anywhere in the value."""
    if isinstance(value, list):
        return set().union(*(words(item, key) for item in value))
    if not isinstance(value, dict):
        return set()
    found = {value[key]} if isinstance(value.get(key), str) else set()
    return found.union(*(words(item, key) for item in value.values()))


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.id)
def test_the_oracle_answers_the_same_columns(case: Case, oracle: Oracle) -> None:
    assert case.duckdb is not None
    answer = oracle.answer(case.duckdb)
    assert (case.columns or answer.columns) == outputs(case.ir)
    assert bool(answer.rows) is (case.id not in EMPTY)
    if "limit" in case.ir:
        assert len(answer.rows) <= case.ir["limit"]


def test_every_aggregate_and_operator_has_a_case() -> None:
    irs = [case.ir for case in CASES]
    assert set(AGGREGATES.split()) <= words(irs, "agg")
    assert set(OPERATORS.split()) <= words(irs, "op")
    assert len(CASES) >= 250


def test_every_engine_is_asked_nearly_everything() -> None:
    for engine in ENGINES:
        left_out = [case.id for case in CASES if engine not in case.engines]
        refused = [case.id for case in CASES if engine in case.refused_on]
        assert len(left_out) <= MOST_LEFT_OUT, left_out
        assert len(refused) <= MOST_REFUSED, refused


def test_a_wrong_case_is_an_error(tmp_path: Path) -> None:
    good = "- {name: a, about: b, ir: {}, duckdb: select 1}\n"
    for text, message in [
        ("- {name: a, about: b, ir: {}}", "either duckdb or refused"),
        ("- {name: a, about: b, ir: {}, duckdb: x, refused: y}", "either duckdb or refused"),
        ("- {name: a, about: b, ir: {}, duckdb: x, datasource: z}", "no datasource"),
        (good + good, "two cases"),
    ]:
        (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            read_cases(tmp_path)
    (tmp_path / "bad.yaml").write_text("- {name: a, about: b, ir: {}, sql: x}", encoding="utf-8")
    with pytest.raises(TypeError, match="sql"):
        read_cases(tmp_path)
