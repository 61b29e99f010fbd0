"""Random questions with a known meaning, and that right answers are told from wrong ones.

A modest number with a fixed seed here; `python -m tests.random_questions --count N` asks more.
"""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from random_questions import times
from random_questions.judging import judge
from random_questions.making import make_question, smaller
from random_questions.meaning import Meaning, Top, average, median
from random_questions.runs import run
from random_questions.worlds import make_world
from service import Reply

SEED, COUNT = 20261129, 320


def test_no_answer_has_other_rows_than_its_question_means(program: Path, tmp_path: Path) -> None:
    tally = run(program, tmp_path / "run", SEED, COUNT, sys.stdout)
    wrong = "\n".join(line for found in tally.wrong for line in found.told())
    assert not tally.wrong, wrong
    assert tally.count == COUNT
    # A run in which little is answered would show nothing.
    assert tally.verdicts["right"] > COUNT * 0.65, "\n".join(tally.told())


def answered(*rows: tuple[Any, ...]) -> Reply:
    names = [f"c{n}" for n in range(len(rows[0]) if rows else 1)]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    result = {"columns": [{"name": name} for name in names], "rows": found}
    return Reply(200, {"state": "answer", "result": result})


TWO_OF_FIVE = Meaning([("a", 5), ("b", 3), ("c", 3), ("d", 1), ("e", None)], Top(2, True, 1))


@pytest.mark.parametrize(
    ("reply", "meanings", "kind"),
    [
        (answered((1,)), [Meaning([(1,)])], "right"),
        (answered((1,)), [Meaning([(2,)])], "WRONG"),
        (answered((1,)), [Meaning([(2,)]), Meaning([(1,)])], "right"),
        (answered((1,)), [], "WRONG"),
        (answered(("12.50",)), [Meaning([(Decimal("12.5"),)])], "right"),
        (answered((1 / 3,)), [Meaning([(Fraction(1, 3),)])], "right"),
        (answered((0.33333,)), [Meaning([(Fraction(1, 3),)])], "WRONG"),
        (answered((None,)), [Meaning([(None,)])], "right"),
        (answered((None,)), [Meaning([(0,)])], "WRONG"),
        # The order of columns and of rows, and further columns, do no harm.
        (answered((2, "x", "b"), (1, "x", "a")), [Meaning([("a", 1), ("b", 2)])], "right"),
        (answered((1, "x", "b"), (2, "x", "a")), [Meaning([("a", 1), ("b", 2)])], "WRONG"),
        # Groups of one name are two rows, and one row with both is another answer.
        (answered(("a", 1), ("a", 2)), [Meaning([("a", 1), ("a", 2)])], "right"),
        (answered(("a", 3)), [Meaning([("a", 1), ("a", 2)])], "WRONG"),
        (
            answered(("2024-05-01T00:00:00Z", 1)),
            [Meaning([(datetime.date(2024, 5, 1), 1)])],
            "right",
        ),
        # Ties may fall either way, and nulls come last.
        (answered(("a", 5), ("c", 3)), [TWO_OF_FIVE], "right"),
        (answered(("b", 3), ("c", 3)), [TWO_OF_FIVE], "WRONG"),
        (answered(("a", 5), ("c", 4)), [TWO_OF_FIVE], "WRONG"),
        (answered(("e", None), ("a", 5)), [TWO_OF_FIVE], "WRONG"),
        (answered(("a", 5)), [TWO_OF_FIVE], "WRONG"),
        (Reply(200, {"state": "clarify", "questions": [{"id": "x"}]}), [], "asked back"),
        (Reply(200, {"state": "cannot_answer", "questions": [], "reason": "r"}), [], "cannot"),
        (Reply(200, {"state": "failed", "reason": "r"}), [], "failed"),
        (Reply(500, {}), [], "failed"),
    ],
)
def test_an_answer_is_held_against_what_is_meant(
    reply: Reply, meanings: list[Meaning], kind: str
) -> None:
    assert judge(reply, meanings).kind == kind


def test_figures_are_exact() -> None:
    assert average([Decimal("0.10"), Decimal("0.20")]) == Fraction(3, 20)
    assert median([3, 1, 2, 10]) == Fraction(5, 2)
    assert times.months("in Q1 2024", times.number_of(datetime.date(2024, 1, 1)), 3) == times.Span(
        "in Q1 2024", datetime.date(2024, 1, 1), datetime.date(2024, 4, 1)
    )


def test_a_question_is_its_seed_and_gets_smaller() -> None:
    for number in range(6):
        world = make_world(3, number)
        assert world.rows == make_world(3, number).rows
        names = [parent["name"] for parent in world.parents]
        assert len(set(names)) < len(names)
        for n in range(40):
            question = make_question(3, n, world)
            again = make_question(3, n, make_world(3, number))
            assert question.text == again.text
            assert [m.rows for m in question.meanings] == [m.rows for m in again.meanings]
            assert question.text == " ".join(question.text.split())
            for less in smaller(question):
                assert less.text
                assert less != question
