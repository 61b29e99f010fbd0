"""Whether an answer is one of the meanings of its question.

In: the reply to `POST /v1/ask` and the rows that are meant. Out: right, asked back, cannot, wrong,
or failed. Columns may be called anything and stand in any order, and further columns do no harm, as
in the golden questions; another number of rows, or another value, is wrong.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from service import Reply

from random_questions.meaning import Meaning

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
STATES = {"clarify": "asked back", "cannot_answer": "cannot"}

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Verdict:
    kind: str
    detail: str = ""


def judge(reply: Reply, meanings: Sequence[Meaning]) -> Verdict:
    """`meanings` is empty where no rows are an answer to the question."""
    if reply.status != 200 or not isinstance(reply.body, dict):
        return Verdict("failed", f"status {reply.status}: {reply.body}")
    state = reply.body["state"]
    if state in STATES:
        asked = [question["id"] for question in reply.body["questions"]]
        return Verdict(STATES[state], ", ".join(asked) or str(reply.body.get("reason")))
    if state != "answer":
        return Verdict("failed", str(reply.body.get("problem") or reply.body.get("reason")))
    result = reply.body["result"]
    names = [column["name"] for column in result["columns"]]
    rows = [tuple(plain(row.get(name)) for name in names) for row in result["rows"]]
    if any(answers(rows, len(names), meaning) for meaning in meanings):
        return Verdict("right")
    meant = sorted(meanings[0].rows, key=str)[:8] if meanings else "no rows at all"
    return Verdict("WRONG", f"{names} {result['rows'][:8]} instead of {meant}")


def plain(value: Any) -> Any:
    """A value without the form it is written in: numbers to nine digits, days as dates."""
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    if isinstance(value, str):
        if NUMBER.fullmatch(value):
            return plain(Decimal(value))
        return value[:10] if INSTANT.fullmatch(value) else value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal, Fraction)):
        # The noise of the last digits goes first, or a tie at the ninth would fall either way.
        number = float(f"{float(value):.12g}")
        return 0.0 if math.isclose(number, 0, abs_tol=1e-9) else float(f"{number:.9g}")
    return value


def answers(rows: list[Values], width: int, meaning: Meaning) -> bool:
    """Whether the rows hold those of the meaning, in some of their columns."""
    meant = [tuple(plain(value) for value in row) for row in meaning.rows]
    size = min(meaning.top.n, len(meant)) if meaning.top else len(meant)
    if len(rows) != size:
        return False
    if not meant:
        return True
    for places in mappings(rows, width, meant, whole=meaning.top is None):
        found = Counter(tuple(row[place] for place in places) for row in rows)
        if meaning.top is None and found == Counter(meant):
            return True
        if meaning.top and not found - Counter(meant) and first(found, meant, meaning):
            return True
    return False


def mappings(
    rows: list[Values], width: int, meant: list[Values], *, whole: bool
) -> Iterator[tuple[int, ...]]:
    """Which column of the answer may stand for each value of the meaning."""
    fitting = []
    for at in range(len(meant[0])):
        wanted = Counter(row[at] for row in meant)
        columns = [Counter(row[c] for row in rows) for c in range(width)]
        fits = [
            c for c in range(width) if (columns[c] == wanted if whole else not columns[c] - wanted)
        ]
        fitting.append(fits)

    def chosen(at: int, taken: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if at == len(fitting):
            yield taken
            return
        for place in fitting[at]:
            if place not in taken:
                yield from chosen(at + 1, (*taken, place))

    yield from chosen(0, ())


def first(found: Counter[Values], meant: list[Values], meaning: Meaning) -> bool:
    """Whether the rows found are the first ones, nulls last, ties in any order."""
    top = meaning.top
    assert top is not None

    def rank(row: Values) -> tuple[bool, float]:
        value = row[top.place]
        return (value is None, 0.0 if value is None else (-value if top.high else value))

    wanted = sorted(rank(row) for row in meant)[: top.n]
    return sorted(rank(row) for row in found.elements()) == wanted
