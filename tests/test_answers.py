"""Each case of `tests/answers/`: the service's rows against those of an independent tool."""

from __future__ import annotations

import pytest
from cases import Case, read_cases
from comparison import differences
from oracle import Oracle
from service import Client

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_answer(case: Case, service: Client, oracle: Oracle) -> None:
    reply = service.query(case.datasource, case.ir, case.params, case.now)
    if case.refused is not None:
        assert reply.status == 422, reply.body
        assert case.refused in [error["code"] for error in reply.body["errors"]], reply.body
        return
    assert case.duckdb is not None
    assert reply.status == 200, reply.body
    expected = oracle.answer(case.duckdb)
    assert differences(expected, reply.body, case.truncated, case.zone) == [], case.about
