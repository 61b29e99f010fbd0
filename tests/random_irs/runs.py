"""What a run of random IRs asks: every engine, the first of which the others are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from random_runs import Maker

from random_irs.agreement import Verdict
from random_irs.questions import make_question
from random_irs.schemas import make_schema
from random_irs.sessions import Asking, serving_schemas
from random_irs.shrinking import without_one_part

Ir = dict[str, Any]


def verdict(asking: Asking, name: str, ir: Ir) -> Verdict:
    return asking.verdict(name, ir)


def alike(verdict: Verdict, less: Verdict) -> bool:
    return verdict.kind == less.kind


def kept(asking: Asking, name: str, ir: Ir) -> dict[str, Any]:
    return {"ir": ir, "sql": asking.sql(name, ir)}


def again(asking: Asking, name: str, case: dict[str, Any]) -> Verdict:
    return asking.verdict(name, case["ir"])


IRS: Maker[Ir, Asking] = Maker(
    module="random_irs",
    found=Path(__file__).resolve().parent / "found",
    schema=make_schema,
    serving=serving_schemas,
    question=make_question,
    verdict=verdict,
    smaller=without_one_part,
    alike=alike,
    kept=kept,
    again=again,
)
