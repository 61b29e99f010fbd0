"""Parts of questions, each with its meaning: figures and groups.

In: a world and a source of randomness. Out: a text for a question and what it means for the rows.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable
from random import Random
from typing import Any

from random_questions.domains import Choice
from random_questions.meaning import Figure, Group
from random_questions.worlds import Row, World

Compare = Callable[[Any, Any], bool]
COMPARISONS: tuple[tuple[str, Compare], ...] = (
    ("more than", operator.gt),
    ("over", operator.gt),
    ("above", operator.gt),
    ("greater than", operator.gt),
    ("at least", operator.ge),
    ("no less than", operator.ge),
    ("less than", operator.lt),
    ("under", operator.lt),
    ("below", operator.lt),
    ("at most", operator.le),
    ("no more than", operator.le),
    ("exactly", operator.eq),
)
AGGREGATES = (
    ("total", "sum"),
    ("sum of", "sum"),
    ("average", "avg"),
    ("mean", "avg"),
    ("highest", "max"),
    ("maximum", "max"),
    ("lowest", "min"),
    ("minimum", "min"),
    ("median", "median"),
)
UNITS = ("day", "week", "month", "quarter", "year")
# Words that restrict rows and that no world has a meaning for.
ALIEN_BEFORE = (
    "loyal", "domestic", "duplicate", "overdue", "refurbished", "seasonal", "large", "recent",
    "internal", "profitable", "most recent", "latest", "half of the", "late", "repeat",
)  # fmt: skip
ALIEN_AFTER = (
    "excluding taxes", "net of refunds", "adjusted for inflation", "except the internal ones",
    "after discounts", "on public holidays", "per employee", "among members", "with a warranty",
    "older than 30 days", "that are late", "unless flagged", "before tax", "at night",
    "from repeat buyers", "without complaints", "in the capital", "of the newest version",
    "not counting samples", "but only urgent-ish ones", "handled by robots", "twice a week",
)  # fmt: skip


def day_of(value: Any) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    return value if isinstance(value, datetime.date) else None


def figure(random: Random, world: World) -> Figure:
    measure = random.choice(world.measures)
    said, agg = random.choice(AGGREGATES)
    # The column's own name may be a word of asking too: "lowest amount of open orders".
    words = (*measure.words, measure.column.replace("_", " "))
    return Figure(f"{said} {random.choice(words)}", agg, measure.column)


def total(random: Random, world: World) -> Figure:
    measure = random.choice(world.measures)
    return Figure(f"total {random.choice(measure.words)}", "sum", measure.column)


def different(random: Random, world: World) -> Figure:
    """How many different values there are."""
    said = random.choice(["number of different", "number of distinct"])
    choice = random.choice(world.choices)
    return Figure(f"{said} {choice.plural}", "distinct", choice.column)


def counted(world: World) -> Figure:
    """The text of a count is made with its noun."""
    return Figure(world.domain.facts, "count")


# ------------------------------------------------------------------ groups


def columns(world: World) -> list[tuple[Choice, str]]:
    """What facts may be grouped by, with the name of it in a row."""
    own = [(choice, choice.column) for choice in world.choices]
    return own + [(choice, world.of_parent(choice.column)) for choice in world.attributes]


def by_choice(random: Random, world: World, lead: str) -> Group:
    choice, column = random.choice(columns(world))
    noun = choice.word
    if column != choice.column and random.random() < 0.3:
        noun = f"{world.domain.parent} {noun}"

    def key(row: Row) -> Any:
        return row[column]

    return Group(f"{lead} {noun}", noun, choice.plural, key, key)


def by_parent(world: World, lead: str) -> Group:
    """Each parent is a group of its own, whatever its name is."""
    link, name = world.parent_key, world.of_parent("name")
    domain = world.domain
    return Group(
        f"{lead} {domain.parent}",
        domain.parent,
        domain.parents,
        lambda row: row[link],
        lambda row: row[name],
    )


def bucket(unit: str, day: datetime.date) -> datetime.date:
    if unit == "week":
        return day - datetime.timedelta(days=day.weekday())
    if unit == "day":
        return day
    first = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[unit]
    return datetime.date(day.year, first, 1)


def by_time(world: World, unit: str, lead: str) -> Group:
    time = world.domain.time

    def key(row: Row) -> Any:
        day = day_of(row[time])
        return day and bucket(unit, day)

    return Group(f"{lead} {unit}", unit, f"{unit}s", key, key)


def by_weekday(world: World) -> Group:
    time = world.domain.time

    def key(row: Row) -> Any:
        day = day_of(row[time])
        return day and day.isoweekday()

    return Group("by day of the week", "day of the week", "weekdays", key, key)


def group(random: Random, world: World) -> Group:
    lead = random.choice(["by", "by", "per", "for each"])
    draw = random.random()
    if draw < 0.5:
        return by_choice(random, world, lead)
    if draw < 0.65:
        return by_parent(world, lead)
    if draw < 0.72:
        return by_weekday(world)
    return by_time(world, random.choice(UNITS[1:]), lead)
