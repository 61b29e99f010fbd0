"""Each case of `tests/answers/` on each engine: the service's rows against an independent tool's.

An id such as `mysql/shape/text in byte order` names the engine that differs and the case.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cases import Case, read_cases
from comparison import differences
from engines import Replies
from oracle import Oracle

RUNS = [(case, engine) for case in read_cases() for engine in case.engines]


def codes(body: Any) -> list[str]:
    """The code of a problem, and those of its parts."""
    return [body.get("code", ""), *(error["code"] for error in body.get("errors", []))]


def told(body: Any) -> str:
    """A whole reply as text, as far as a reader will follow."""
    return json.dumps(body, ensure_ascii=False)[:3000]


@pytest.mark.parametrize(
    ("case", "engine"), [pytest.param(c, e, id=f"{e}/{c.id}") for c, e in RUNS]
)
def test_answer(case: Case, engine: str, replies: Replies, oracle: Oracle) -> None:
    reply = replies.of(case, engine)
    refusal = case.refusal(engine)
    if refusal is not None:
        assert reply.status == 422, told(reply.body)
        assert refusal in codes(reply.body), told(reply.body)
        return
    assert case.duckdb is not None
    assert reply.status == 200, told(reply.body)
    expected = oracle.answer(case.duckdb)
    if case.columns is not None:
        expected = replace(expected, columns=case.columns)
    found = differences(expected, reply.body, case.truncated, case.zone)
    if found:
        lines = [*found, f"the rule: {case.about}", f"sent: {told(reply.body.get('sql'))}"]
        pytest.fail("\n".join(lines), pytrace=False)
