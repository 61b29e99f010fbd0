"""Conditions of questions, each with what it means for a row.

In: a world and a source of randomness. Out: a text for a question and the test of a row, with what
it may mean instead where a value is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from random_questions import times
from random_questions.domains import Measure
from random_questions.meaning import Condition, Test
from random_questions.phrases import COMPARISONS, columns, day_of
from random_questions.worlds import Row, World


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
    text = random.choice(
        [
            no,
            no,
            f"non-{yes}",
            f"that are not {yes}",
            f"that are {no}",
            f"that aren't {yes}",
            f"not {yes}",
        ]
    )
    test, loose = false_or_null(yes)
    return Condition(text, test, loose, adjective=text in (no, f"non-{yes}"))


def false_or_null(column: str) -> tuple[Test, Test]:
    """What is not true: false, or not known either."""
    return lambda row: row[column] is False, lambda row: not row[column]


def of_standing(random: Random, world: World) -> Condition:
    """The facts of parents of whom something is true: "of active customers"."""
    name, yes, no = world.domain.standing
    column, parents = world.of_parent(name), world.domain.parents
    lead = random.choice(["of", "from"])
    if random.random() < 0.5:
        return Condition(f"{lead} {yes} {parents}", lambda row: row[column] is True)
    test, loose = false_or_null(column)
    return Condition(f"{lead} {no} {parents}", test, loose)


def one_of_two(random: Random, world: World) -> Condition:
    """One of two conditions of any kind is enough."""
    one, two = (simple(random, world) for _ in range(2))
    test_one, test_two = one.test, two.test
    loose_one, loose_two = one.loose or test_one, two.loose or test_two
    return Condition(
        f"{one.text} or {two.text}",
        lambda row: test_one(row) or test_two(row),
        lambda row: loose_one(row) or loose_two(row),
    )


def simple(random: Random, world: World) -> Condition:
    """A condition that does not stand before its noun, and is turned round by no "not"."""
    makers = [equal, equal, compared, compared]
    if world.has_flag:
        makers.append(flagged)
    while True:
        made = random.choice(makers)(random, world)
        if not made.adjective and " not " not in f" {made.text}":
            return made


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
    makers.append(one_of_two)
    if world.has_flag:
        makers += [flagged, flagged]
    if world.has_standing:
        makers.append(of_standing)
    return random.choice(makers)(random, world)


def when(random: Random, column: str) -> Condition:
    span = times.span(random)

    def test(row: Row) -> bool:
        return times.within(day_of(row[column]), span.start, span.end) != span.outside

    def other(row: Row) -> bool:
        assert span.other is not None
        return times.within(day_of(row[column]), *span.other)

    return Condition(span.text, test, other if span.other else None)
