"""Random questions to every engine, and every mismatch that such a run ever found.

A modest number with a fixed seed here; `make generate N=5000` asks more IRs, `make generate-sql
N=5000` more SQL texts, which are held against PostgreSQL itself.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import ENGINES
from engines import Servers, running_servers
from random_irs.runs import IRS
from random_runs import Maker, found_again, plan, run
from random_sql.runs import SQL

MAKERS = [(IRS, 20261125, 150), (SQL, 20261129, 100)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_servers(tmp_path_factory.mktemp("random"), list(ENGINES)) as found:
        yield found


@pytest.mark.parametrize(("maker", "seed", "count"), MAKERS, ids=["irs", "sql"])
def test_engines_agree_on_random_questions(
    maker: Maker[Any, Any], seed: int, count: int, program: Path, servers: Servers, tmp_path: Path
) -> None:
    tally = run(maker, program, tmp_path / "run", servers, seed, count, sys.stdout, found=tmp_path)
    told = "\n".join(tally.told())
    assert tally.count == count
    # A run in which nearly all is refused would show nothing.
    assert tally.verdicts["answered"] > count / 3, told
    assert not tally.mismatches, told


@pytest.mark.parametrize("maker", [IRS, SQL], ids=["irs", "sql"])
def test_what_was_found_once_agrees_now(
    maker: Maker[Any, Any], program: Path, servers: Servers, tmp_path: Path
) -> None:
    verdicts = found_again(maker, program, tmp_path / "found", servers)
    assert not {name: found for name, found in verdicts.items() if not found.agrees}


def test_a_plan_asks_as_many_as_it_should() -> None:
    for count in (1, 10, 150, 730):
        batches = list(plan(count, None, None))
        assert sum(len(questions) for batch in batches for questions in batch.values()) == count
    assert list(plan(5, 3, 4)) == [{3: [4]}]
