"""Phrases of time with the days they mean.

In: a source of randomness. Out: a phrase, and the first day and the day after the last one, either
of them open where it is `None`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from random import Random

from random_questions.worlds import NOW

Day = datetime.date
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Span:
    text: str
    start: Day | None
    end: Day | None
    # The other meaning of a phrase that has two.
    other: tuple[Day, Day] | None = None
    # Whether the days outside are meant.
    outside: bool = False


def month(number: int) -> Day:
    """The first day of a month counted from January 2000."""
    return Day(2000 + number // 12, number % 12 + 1, 1)


def number_of(day: Day) -> int:
    return (day.year - 2000) * 12 + day.month - 1


def months(text: str, first: int, count: int) -> Span:
    return Span(text, month(first), month(first + count))


def absolute(random: Random) -> Span:
    year = random.choice([2022, 2023, 2024])
    at = number_of(Day(year, random.randint(1, 6 if year == 2024 else 12), 1))
    named = f"{MONTHS[at % 12]} {year}"
    quarter = random.randint(1, 2 if year == 2024 else 4)
    ordinal = ("first", "second", "third", "fourth")[quarter - 1]
    start = number_of(Day(year, quarter * 3 - 2, 1))
    forms = [
        months(f"in {year}", number_of(Day(year, 1, 1)), 12),
        months(f"during {year}", number_of(Day(year, 1, 1)), 12),
        months(f"in Q{quarter} {year}", start, 3),
        months(f"in the {ordinal} quarter of {year}", start, 3),
        months(f"in the first half of {year}", number_of(Day(year, 1, 1)), 6),
        months(f"in {named}", at, 1),
        months(f"in {year}-{at % 12 + 1:02}", at, 1),
        Span(f"since {named}", month(at), None),
        Span(f"since {year}", Day(year, 1, 1), None),
        Span(f"before {named}", None, month(at)),
        Span(f"before {year}", None, Day(year, 1, 1)),
        Span(f"after {named}", month(at + 1), None),
        Span(f"until {named}", None, month(at + 1)),
        months(f"between {named} and {MONTHS[(at + 2) % 12]} {month(at + 2).year}", at, 3),
        months(f"from {named} to {MONTHS[(at + 1) % 12]} {month(at + 1).year}", at, 2),
        months(f"in {year} and {year + 1}", number_of(Day(year, 1, 1)), 24),
        months(f"in {year} or {year + 1}", number_of(Day(year, 1, 1)), 24),
    ]
    return random.choice(forms)


def of_days(random: Random) -> Span:
    one = Day(2022, 6, 1) + datetime.timedelta(days=random.randrange(500))
    two = one + datetime.timedelta(days=random.randint(1, 200))
    next_day = datetime.timedelta(days=1)
    spelled = f"{one.day} {MONTHS[one.month - 1]} {one.year}"
    forms = [
        Span(f"on {one}", one, one + next_day),
        Span(f"since {one}", one, None),
        Span(f"before {one}", None, one),
        Span(f"after {one}", one + next_day, None),
        Span(f"until {one}", None, one + next_day),
        Span(f"between {one} and {two}", one, two + next_day),
        Span(f"from {one} to {two}", one, two + next_day),
        Span(f"before {spelled}", None, one),
        Span(f"since {MONTHS[one.month - 1]} {one.day}, {one.year}", one, None),
    ]
    return random.choice(forms)


def relative(random: Random) -> Span:
    today = NOW.date()
    this = number_of(today)
    monday = today - datetime.timedelta(days=today.weekday())
    week = datetime.timedelta(days=7)
    quarter, year = this - this % 3, this - this % 12
    past = (month(this - 12).replace(day=today.day), today + datetime.timedelta(days=1))
    forms = [
        months("last month", this - 1, 1),
        months("in the last 3 months", this - 3, 3),
        months("last quarter", quarter - 3, 3),
        months("last year", year - 12, 12),
        months("this year", year, 12),
        months("this month", this, 1),
        Span("last week", monday - week, monday),
        Span("this week", monday, monday + week),
        Span("this year so far", month(year), today + datetime.timedelta(days=1)),
        Span("in the past 12 months", month(this - 12), month(this), other=past),
    ]
    return random.choice(forms)


def turned(random: Random) -> Span:
    year = random.choice([2022, 2023])
    text = random.choice(["not in {}", "except in {}", "excluding {}", "except {}"])
    span = months(text.format(year), number_of(Day(year, 1, 1)), 12)
    return replace(span, outside=True)


def span(random: Random) -> Span:
    makers = [absolute, absolute, absolute, of_days, of_days, relative, relative, turned]
    return random.choice(makers)(random)


def within(day: Day | None, start: Day | None, end: Day | None) -> bool:
    return day is not None and (start is None or day >= start) and (end is None or day < end)
