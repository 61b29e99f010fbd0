"""Questions about parents and the facts they have: without orders, orders per customer.

In: a world and a source of randomness. Out: a question whose rows are parents.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

from random_questions import conditions, phrases
from random_questions.meaning import Condition, Figure, Meaning, figures, ratio
from random_questions.question import Question, Shape, both
from random_questions.worlds import Row, World

# Wordings, and whether the parents have such facts.
EXISTS = (
    ("how many {parents} have no {noun} {when}", False, False),
    ("number of {parents} without {noun} {when}", False, False),
    ("{parents} without {noun} {when}", False, True),
    ("how many {parents} had no {noun} {when}", False, False),
    ("which {parents} have no {noun} {when}", False, True),
    ("{when}, how many {parents} had no {noun}", False, False),
    ("how many {parents} have {noun} {when}", True, False),
    ("number of {parents} with {noun} {when}", True, False),
    ("number of {parents} with at least one {noun} {when}", True, False),
    ("how many {parents} did not have {noun} {when}", False, False),
    ("number of {parents} not having {noun} {when}", False, False),
)


def exists_text(q: Question) -> str:
    said = EXISTS[q.place][0]
    noun = q.noun()
    if "at least one" in said:
        noun = noun.replace(q.world.domain.facts, q.world.domain.fact)
    parents = q.world.domain.parents
    return said.format(parents=parents, noun=noun, when=q.ending()).lstrip(", ")


def exists_meanings(q: Question) -> list[Meaning]:
    _, there, lists = EXISTS[q.place]
    key = q.world.parent_key

    def made(rows: list[Row]) -> Meaning:
        having = {row[key] for row in rows}
        found = [p for p in q.world.parents if (p[key] in having) == there]
        return Meaning([(len(found),)])

    found = both(q, made)
    if lists:
        having = {row[key] for row in q.rows()}
        rows = [(p["name"],) for p in q.world.parents if (p[key] in having) == there]
        found.append(Meaning(rows))
    return found


EXISTS_SHAPE = Shape("exists", exists_text, exists_meanings)


def own(world: World, condition: Condition) -> bool:
    """Whether a condition is one of the facts alone, whatever their parents are."""
    names = [choice.word for choice in world.attributes]
    values = [value for choice in world.attributes for value in choice.values]
    return not any(word in condition.text for word in [*names, *values])


def make_exists(random: Random, world: World) -> Question:
    made = [conditions.equal(random, world)] if random.random() < 0.3 else []
    if world.has_flag and random.random() < 0.2:
        made = [conditions.flagged(random, world)]
    when = conditions.when(random, world.domain.time) if random.random() < 0.6 else None
    return Question(
        EXISTS_SHAPE,
        world,
        conditions=tuple(c for c in made if c.adjective and own(world, c)),
        when=when,
        place=random.randrange(len(EXISTS)),
    )


# Parents that have so many facts, counted or listed.
MEMBERS = (
    ("how many {parents} have {said} {n} {noun} {when}", True),
    ("number of {parents} with {said} {n} {noun} {when}", True),
    ("how many {parents} had {said} {n} {noun} {when}", True),
    ("{parents} with {said} {n} {noun} {when}", False),
    ("{parents} who have {said} {n} {noun} {when}", False),
    ("number of {parents} with {n} {noun} {when}", True),
)
# Of parents without any facts none of these holds.
SOME = tuple(c for c in phrases.COMPARISONS if c[0] not in ("less than", "under", "below"))
SOME = tuple(c for c in SOME if c[0] not in ("at most", "no more than", "over", "above"))


def members_text(q: Question) -> str:
    said = SOME[q.place // len(MEMBERS)][0]
    text = MEMBERS[q.place % len(MEMBERS)][0]
    parents = q.world.domain.parents
    return text.format(parents=parents, said=said, n=q.n, noun=q.noun(), when=q.ending())


def members_meanings(q: Question) -> list[Meaning]:
    holds = SOME[q.place // len(MEMBERS)][1]
    text, counted = MEMBERS[q.place % len(MEMBERS)]
    holds = holds if "{said}" in text else operator.eq
    parent = phrases.by_parent(q.world, "by")

    def made(rows: list[Row]) -> Meaning:
        known = [row for row in rows if row[q.world.parent_key] is not None]
        having = figures(known, [parent], [Figure("", "count")])
        fitting = [row for row in having if holds(row[-1], q.n)]
        return Meaning([(len(fitting),)] if counted else fitting)

    found = both(q, made)
    if not counted:
        # Facts of nobody may be a group of their own in a list.
        nobody = [row for row in q.rows() if row[q.world.parent_key] is None]
        group = figures(nobody, [parent], [Figure("", "count")])
        fitting = [row for row in group if holds(row[-1], q.n)]
        found += [Meaning(meaning.rows + fitting) for meaning in found]
    return found


MEMBERS_SHAPE = Shape("members", members_text, members_meanings)


def make_members(random: Random, world: World) -> Question:
    made = [conditions.equal(random, world)] if random.random() < 0.5 else []
    if world.has_flag and random.random() < 0.4:
        made.append(conditions.flagged(random, world))
    return Question(
        MEMBERS_SHAPE,
        world,
        conditions=tuple(c for c in made if c.adjective and own(world, c)),
        when=conditions.when(random, world.domain.time) if random.random() < 0.4 else None,
        n=random.randint(2, max(3, 2 * len(world.rows) // len(world.parents))),
        place=random.randrange(len(MEMBERS) * len(SOME)),
    )


# Values of a column that occur, but not then.
LACKING = (
    "which {plural} had no {facts} {when}",
    "which {plural} have no {facts} {when}",
    "{plural} without {facts} {when}",
)


def lacking_text(q: Question) -> str:
    facts = q.world.domain.facts
    return LACKING[q.place].format(plural=q.groups[0].plural, facts=facts, when=q.ending())


def lacking_meanings(q: Question) -> list[Meaning]:
    group, world = q.groups[0], q.world
    occurring = {group.shown(row) for row in world.rows}
    for choice in world.attributes:
        # Parents without any facts have theirs too.
        if choice.plural == group.plural:
            occurring |= {parent[choice.column] for parent in world.parents}

    def made(rows: list[Row]) -> Meaning:
        found = occurring - {group.shown(row) for row in rows}
        return Meaning([(value,) for value in found])

    found = both(q, made)
    return found + [Meaning([row for row in m.rows if row != (None,)]) for m in found]


LACKING_SHAPE = Shape("lacking", lacking_text, lacking_meanings)


def make_lacking(random: Random, world: World) -> Question:
    return Question(
        LACKING_SHAPE,
        world,
        groups=(phrases.by_choice(random, world, "by"),),
        when=conditions.when(random, world.domain.time),
        place=random.randrange(len(LACKING)),
    )


# Parents that began in some time and have no facts.
BEGAN = (
    "how many {parents} that {verb} {when} have no {facts}",
    "number of {parents} who {verb} {when} without {facts}",
    "how many {parents} {verb} {when}",
)


def began_text(q: Question) -> str:
    domain = q.world.domain
    said = {"parents": domain.parents, "verb": domain.began[1], "facts": domain.facts}
    return BEGAN[q.place].format(when=q.ending(), **said)


def began_meanings(q: Question) -> list[Meaning]:
    key = q.world.parent_key
    having = {row[key] for row in q.world.rows} if q.place < 2 else set()
    assert q.when is not None
    tests = [q.when.test] + ([q.when.loose] if q.when.loose else [])
    return [
        Meaning([(sum(test(p) and p[key] not in having for p in q.world.parents),)])
        for test in tests
    ]


BEGAN_SHAPE = Shape("began", began_text, began_meanings)


def make_began(random: Random, world: World) -> Question:
    when = conditions.when(random, world.domain.began[0])
    return Question(BEGAN_SHAPE, world, when=when, place=random.randrange(len(BEGAN)))


# ------------------------------------------------- figures of each parent

# Of each parent, or of each fact; the averages are over the parents.
EACH = (
    "average number of {noun} per {parent} {when}",
    "average {noun} per {parent} {when}",
    "{noun} per {parent} {when}",
    "{total} per {parent} {when}",
    "{word} per {fact} {when}",
    "{total} for each {fact} {when}",
    "average {word} per {fact} {when}",
    "number of {noun} for each {parent} {when}",
    "{word} per {fact} by {group} {when}",
)


def each_text(q: Question) -> str:
    domain = q.world.domain
    group = q.groups[0].noun if q.groups else ""
    word = q.figures[0].text.removeprefix("total ")
    return EACH[q.place].format(
        noun=q.noun(),
        parent=domain.parent,
        fact=domain.fact,
        when=q.ending(),
        total=q.figures[0].text,
        word=word,
        group=group,
    )


def each_meanings(q: Question) -> list[Meaning]:
    world, total = q.world, q.figures[0]
    parent = phrases.by_parent(world, "per")
    rows = q.rows()
    count = Figure("", "count")
    if q.place < 2:
        return averages(q, rows)
    if q.place in (2, 3, 7):
        return [Meaning(figures(rows, [parent], [total if q.place == 3 else count]))]
    if q.place == 5:
        return [Meaning([(row[world.fact_key], row[total.column or ""]) for row in rows])]
    average = Figure("", "avg", total.column)
    return [
        Meaning(figures(rows, q.groups, [average])),
        Meaning([(*r[:-2], ratio(*r[-2:])) for r in figures(rows, q.groups, [total, count])]),
    ]


def averages(q: Question, rows: list[Row]) -> list[Meaning]:
    """Over the parents that have any, or over all; what has no parent is nobody's."""
    key = q.world.parent_key
    counts: dict[Any, int] = {}
    for row in rows:
        if row[key] is not None:
            counts[row[key]] = counts.get(row[key], 0) + 1
    whole = sum(counts.values())
    found: list[Any] = [Fraction(whole, n) for n in (len(counts), len(q.world.parents)) if n]
    return [Meaning([(value,)]) for value in found or [None]]


EACH_SHAPE = Shape("each", each_text, each_meanings)


def make_each(random: Random, world: World) -> Question:
    place = random.randrange(len(EACH))
    made = conditions.equal(random, world)
    with_noun = "{noun}" in EACH[place]
    groups = (phrases.by_choice(random, world, "by"),) if "{group}" in EACH[place] else ()
    question = Question(
        EACH_SHAPE,
        world,
        (phrases.total(random, world),),
        groups,
        (made,) if with_noun and made.adjective and random.random() < 0.4 else (),
        conditions.when(random, world.domain.time) if random.random() < 0.3 else None,
        place=place,
    )
    return question if with_noun else replace(question, before="")
