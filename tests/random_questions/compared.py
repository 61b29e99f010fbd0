"""Questions about figures beside other figures: shares, and periods beside earlier ones.

In: a world and a source of randomness. Out: a question whose rows hold a share, or a figure with
the one before.
"""

from __future__ import annotations

import datetime
from random import Random
from typing import Any

from random_questions import conditions, phrases
from random_questions.meaning import Condition, Meaning, figures, kept, ratio
from random_questions.question import Question, Shape
from random_questions.worlds import Row, World

PERIODS = (
    "{figure} by {unit} compared to the previous {unit}",
    "{figure} per {unit} versus the previous {unit}",
    "{figure} growth by {unit}",
    "growth of {figure} by {unit}",
    "{figure} in {year} compared to the previous year",
    "change in {figure} by {unit}",
    "{unit} over {unit} change of {figure}",
)


def figure_text(q: Question) -> str:
    return f"number of {q.noun()}" if q.figures[0].agg == "count" else q.figures[0].text


def periods_text(q: Question) -> str:
    return PERIODS[q.place].format(figure=figure_text(q), unit=q.groups[0].noun, year=q.n)


def periods_meanings(q: Question) -> list[Meaning]:
    unit = q.groups[0].noun if q.place != 4 else "year"
    by_unit = phrases.by_time(q.world, unit, "by")
    values = dict(figures(q.rows(), [by_unit], q.figures))
    rows = []
    for day, value in values.items():
        before = values.get(phrases.bucket(unit, day - datetime.timedelta(days=1)))
        both_there = value is not None and before is not None
        change = value - before if both_there else None
        if q.place == 4:
            if day.year == q.n:
                rows.append((value, before))
        elif q.place in (2, 3):
            rows.append((day, ratio(change, before)))
        else:
            rows.append((day, before if q.place < 2 else change))
    if q.place == 4 and not rows:
        rows = [
            (0 if q.figures[0].agg == "count" else None, values.get(datetime.date(q.n - 1, 1, 1)))
        ]
    return [Meaning(rows)]


PERIODS_SHAPE = Shape("periods", periods_text, periods_meanings)


def make_periods(random: Random, world: World) -> Question:
    counts = random.random() < 0.4
    unit = random.choice(["week", "month", "quarter", "year"])
    made = conditions.equal(random, world)
    return Question(
        PERIODS_SHAPE,
        world,
        (phrases.counted(world) if counts else phrases.total(random, world),),
        (phrases.by_time(world, unit, "by"),),
        (made,) if counts and made.adjective and random.random() < 0.4 else (),
        n=random.choice([2023, 2024]),
        place=random.randrange(len(PERIODS)),
    )


SHARES = (
    "share of {noun} {when}",
    "percentage of {noun} {when}",
    "share of {noun} by {group} {when}",
    "share of {total} by {group} {when}",
    "share of each {group} in {total} {when}",
    "what percentage of {facts} are {adjective} {when}",
)


def shares_text(q: Question) -> str:
    return SHARES[q.place].format(
        noun=q.noun(),
        when=q.ending(),
        group=q.groups[0].noun,
        total=q.figures[0].text,
        facts=q.world.domain.facts,
        adjective=q.conditions[0].text if q.conditions else "",
    )


def shares_meanings(q: Question) -> list[Meaning]:
    timed: tuple[Condition, ...] = (q.when,) if q.when else ()
    found = [parts(q, kept(q.world.rows, timed))]
    if q.when and q.when.loose:
        found.append(parts(q, kept(q.world.rows, timed, loose=True)))
    return found


def parts(q: Question, rows: list[Row]) -> Meaning:
    """Of the whole, or within each group where the noun has a condition."""
    if q.place in (3, 4):
        whole = q.figures[0].of(rows)
        return Meaning(
            [(shown, ratio(value, whole)) for shown, value in figures(rows, q.groups, q.figures)]
        )
    groups = q.groups if q.place == 2 else ()
    made: dict[Any, list[Row]] = {(): rows} if not groups else {}
    for row in rows if groups else []:
        made.setdefault((groups[0].shown(row),), []).append(row)
    shares = []
    for shown, members in made.items():
        shares.append((*shown, ratio(len(kept(members, q.conditions)), len(members))))
    return Meaning(shares)


SHARES_SHAPE = Shape("shares", shares_text, shares_meanings, takes_alien=False)


def adjective(random: Random, world: World) -> Condition | None:
    """A condition that stands before its noun, where the world has one."""
    found = (conditions.equal(random, world) for _ in range(40))
    return next((made for made in found if made.adjective), None)


def make_shares(random: Random, world: World) -> Question:
    place = random.randrange(len(SHARES))
    made = adjective(random, world)
    if place < 3 and random.random() < 0.5:
        made = conditions.equal(random, world)
    if made is None:
        place = 3
    return Question(
        SHARES_SHAPE,
        world,
        (phrases.total(random, world),),
        (phrases.by_choice(random, world, "by"),),
        (made,) if made and place not in (3, 4) else (),
        conditions.when(random, world.domain.time) if random.random() < 0.3 else None,
        place=place,
    )
