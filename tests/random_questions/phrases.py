"""Parts of questions, each with its meaning: figures, groups, conditions.

In: a world and a source of randomness. Out: a text for a question and what it means for the rows.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from random_questions import times
from random_questions.domains import Choice, Measure
from random_questions.meaning import Condition, Figure, Group, Test
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
    return Figure(f"{said} {random.choice(measure.words)}", agg, measure.column)


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


# -------------------------------------------------------------- conditions


def present(test: Test, column: str) -> tuple[Test, Test]:
    """A turned condition: rows without a value are left out, or are not."""
    return (
        lambda row: row[column] is not None and not test(row),
        lambda row: row[column] is None or not test(row),
    )


def is_among(column: str, values: Sequence[str]) -> Test:
    return lambda row: row[column] in values


def equal(random: Random, world: World) -> Condition:
    choice, column = random.choice(columns(world))
    value = random.choice(choice.values)
    own = column == choice.column
    forms = [f"with {choice.word} {value}", f"where {choice.word} is {value}"]
    if own and " " not in choice.word:
        forms.append("")
    if choice.word in ("country", "city", "region", "office"):
        forms.append(f"from {value}")
    text = random.choice(forms)
    return Condition(text or value, is_among(column, [value]), adjective=not text)


def among(random: Random, world: World) -> Condition:
    choice, column = random.choice(columns(world))
    one, two = random.sample(choice.values, 2)
    forms = [
        f"with {choice.word} {one} or {two}",
        f"where {choice.word} is {one} or {two}",
        f"with {choice.word} {one} and {two}",
        f"where {choice.word} is either {one} or {two}",
    ]
    return Condition(random.choice(forms), is_among(column, [one, two]))


def turned(random: Random, world: World) -> Condition:
    choice, column = random.choice(columns(world))
    one, two = random.sample(choice.values, 2)
    word = choice.word
    single = [
        f"where {word} is not {one}",
        f"excluding {one}",
        f"except {one}",
        f"excluding {word} {one}",
        f"with {word} other than {one}",
        f"with any {word} but {one}",
        f"unless {word} is {one}",
        f"apart from {one}",
        f"not {one}",
        f"without {one}",
    ]
    double = [
        f"except {one} and {two}",
        f"excluding {one} or {two}",
        f"where {word} is neither {one} nor {two}",
        f"where {word} is not {one} or {two}",
        f"where {word} is not {one} and not {two}",
    ]
    many = random.random() < 0.35
    values = [one, two] if many else [one]
    test, loose = present(is_among(column, values), column)
    return Condition(random.choice(double if many else single), test, loose)


def either(random: Random, world: World) -> Condition:
    """One of two conditions, or both, on two columns."""
    (a, first), (b, second) = random.sample(columns(world), 2)
    one, two = random.choice(a.values), random.choice(b.values)
    if random.random() < 0.6:
        text = f"with {a.word} {one} or {b.word} {two}"
        return Condition(text, lambda row: row[first] == one or row[second] == two)
    text = f"with {a.word} {one} and {b.word} {two}"
    return Condition(text, lambda row: row[first] == one and row[second] == two)


def flagged(random: Random, world: World) -> Condition:
    yes, no = world.domain.flag
    if random.random() < 0.5:
        text = random.choice([yes, f"that are {yes}"])
        return Condition(text, lambda row: bool(row[yes]), adjective=text == yes)
    text = random.choice([no, f"that are not {yes}", f"that are {no}", f"not {yes}"])
    return Condition(text, lambda row: not row[yes], adjective=text == no)


def absent(random: Random, world: World) -> Condition:
    if random.random() < 0.25:
        link = world.parent_key
        return Condition(f"without a {world.domain.parent}", lambda row: row[link] is None)
    choice, column = random.choice(columns(world))
    if random.random() < 0.6:
        text = random.choice([f"without a {choice.word}", f"with no {choice.word}"])
        return Condition(text, lambda row: row[column] is None)
    return Condition(f"with a {choice.word}", lambda row: row[column] is not None)


def number(random: Random, measure: Measure) -> tuple[str, Decimal]:
    whole = random.randint(measure.low, measure.high)
    if measure.kind == "int" or random.random() < 0.5:
        return str(whole), Decimal(whole)
    text = f"{whole}.{random.choice(['5', '25', '99'])}"
    return text, Decimal(text)


def compared(random: Random, world: World) -> Condition:
    measure = random.choice(world.measures)
    column, word = measure.column, random.choice(measure.words)
    if random.random() < 0.15:
        text, bound = number(random, measure)
        called = random.choice([word, measure.column])
        return Condition(
            f"with {called} of {text}",
            lambda row: row[column] is not None and Decimal(str(row[column])) == bound,
        )
    lead = random.choice([f"with {word}", f"where {word} is", f"whose {word} is"])
    if random.random() < 0.25:
        pair = sorted([number(random, measure), number(random, measure)], key=lambda p: p[1])
        (one, low), (two, high) = pair
        return Condition(
            f"{lead} between {one} and {two}",
            lambda row: row[column] is not None and low <= Decimal(str(row[column])) <= high,
        )
    said, holds = random.choice(COMPARISONS)
    text, bound = number(random, measure)
    return Condition(
        f"{lead} {said} {text}",
        lambda row: row[column] is not None and holds(Decimal(str(row[column])), bound),
    )


def condition(random: Random, world: World) -> Condition:
    makers = [equal, equal, equal, among, turned, turned, either, absent, compared, compared]
    if world.has_flag:
        makers += [flagged, flagged]
    return random.choice(makers)(random, world)


def when(random: Random, column: str) -> Condition:
    span = times.span(random)

    def test(row: Row) -> bool:
        return times.within(day_of(row[column]), span.start, span.end) != span.outside

    def other(row: Row) -> bool:
        assert span.other is not None
        return times.within(day_of(row[column]), *span.other)

    return Condition(span.text, test, other if span.other else None)
