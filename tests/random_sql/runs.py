"""What a run of random SQL texts asks: every engine, and PostgreSQL itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from random_irs.agreement import Verdict
from random_runs import Maker

from random_sql.queries import keys_of, make_text
from random_sql.scope import make_plain_schema
from random_sql.sessions import Asking, asking_schemas
from random_sql.tree import Node, shorter


def verdict(asking: Asking, name: str, tree: Node) -> Verdict:
    return asking.verdict(name, str(tree), keys_of(tree))


def alike(verdict: Verdict, less: Verdict) -> bool:
    """Whether it is the same engine in the same way; errors also by what is said."""
    of_engine = less.detail.split(":")[0] == verdict.detail.split(":")[0]
    said = less.kind != "no_error" or less.detail == verdict.detail
    return of_engine and said and less.kind == verdict.kind


def kept(_asking: Asking, _name: str, tree: Node) -> dict[str, Any]:
    return {"text": str(tree), "keys": keys_of(tree)}


def again(asking: Asking, name: str, case: dict[str, Any]) -> Verdict:
    return asking.verdict(name, case["text"], case["keys"])


SQL: Maker[Node, Asking] = Maker(
    module="random_sql",
    found=Path(__file__).resolve().parent / "found",
    schema=make_plain_schema,
    serving=asking_schemas,
    question=make_text,
    verdict=verdict,
    smaller=shorter,
    alike=alike,
    kept=kept,
    again=again,
)
