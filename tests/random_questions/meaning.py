"""The rows that a question means, computed over the data in plain Python.

In: the rows of a world, and what is asked of them in figures, groups and conditions. Out: rows of
values, without names of columns. Nothing here knows of the IR or of SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from random_questions.worlds import Row

Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Figure:
    """`text` is how it is asked for; a count is asked for by its noun."""

    text: str
    agg: str
    column: str | None = None

    def of(self, rows: Sequence[Row]) -> Any:
        if self.column is None:
            return len(rows)
        values = [row[self.column] for row in rows if row[self.column] is not None]
        if self.agg == "distinct":
            return len(set(values))
        if not values:
            return None
        return AGGREGATES[self.agg](values)


def total(values: list[Any]) -> Any:
    return sum(values[1:], values[0])


def average(values: list[Any]) -> Fraction:
    return sum(map(Fraction, values), Fraction(0)) / len(values)


def median(values: list[Any]) -> Fraction:
    ordered = sorted(map(Fraction, values))
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "sum": total,
    "avg": average,
    "min": min,
    "max": max,
    "median": median,
}


@dataclass(frozen=True)
class Group:
    """What rows are broken down by. Groups are told apart by `key` and shown by `shown`."""

    text: str
    noun: str
    plural: str
    key: Callable[[Row], Any]
    shown: Callable[[Row], Any]


@dataclass(frozen=True)
class Condition:
    """A condition on rows. `loose`: what it may mean instead, where a value is null."""

    text: str
    test: Test
    loose: Test | None = None
    adjective: bool = False


@dataclass(frozen=True)
class Top:
    """Only so many of the rows, by the value at a place; ties may fall either way."""

    n: int
    high: bool
    place: int


@dataclass(frozen=True)
class Meaning:
    """`rows` in no order; where `top` is given, those of them that are first."""

    rows: list[tuple[Any, ...]]
    top: Top | None = None


def kept(rows: Iterable[Row], conditions: Iterable[Condition], loose: bool = False) -> list[Row]:
    tests = [c.loose if loose and c.loose else c.test for c in conditions]
    return [row for row in rows if all(test(row) for test in tests)]


def grouped(rows: Sequence[Row], groups: Sequence[Group]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by the keys of their groups; without groups all are one group, also when empty."""
    found: dict[tuple[Any, ...], list[Row]] = {} if groups else {(): []}
    for row in rows:
        found.setdefault(tuple(g.key(row) for g in groups), []).append(row)
    return found


def figures(
    rows: Sequence[Row], groups: Sequence[Group], wanted: Sequence[Figure]
) -> list[tuple[Any, ...]]:
    made = []
    for members in grouped(rows, groups).values():
        shown = tuple(g.shown(members[0]) for g in groups) if members else ()
        made.append(shown + tuple(figure.of(members) for figure in wanted))
    return made


def ratio(a: Any, b: Any) -> Fraction | None:
    return None if a is None or b is None or b == 0 else Fraction(a) / Fraction(b)
