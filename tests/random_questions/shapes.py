"""Whole questions: figures by groups, rankings, conditions on groups, follow-ups.

In: a world and a source of randomness. Out: a question made of parts, with its meanings.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from random_questions import conditions, phrases
from random_questions.meaning import Condition, Meaning, Top, figures, grouped
from random_questions.question import Question, Shape, both
from random_questions.worlds import Row, World

LEADS = (
    "",
    "",
    "",
    "show me the ",
    "what is the ",
    "give me the ",
    "I need the ",
    "Please list the ",
)

# ---------------------------------------------------- figures by groups


def figures_text(q: Question) -> str:
    groups = " and ".join([q.groups[0].text, *(g.noun for g in q.groups[1:])]) if q.groups else ""
    said = []
    for figure in q.figures:
        if figure.agg == "count":
            said.append(f"number of {q.noun()}")
        elif q.conditions:
            said.append(f"{figure.text} of {q.noun()}")
        else:
            said.append(figure.text)
    what = " and ".join(said)
    if q.place == 3 and q.figures[0].agg == "count" and len(q.figures) == 1:
        return f"how many {q.noun()} {'are there' if not groups else ''} {groups} {q.ending()}?"
    if q.place == 2 and q.when:
        return f"{q.lead}{q.ending()}, {what} {groups}"
    if q.place == 1:
        return f"{q.lead}{what} {q.ending()} {groups}"
    return f"{q.lead}{what} {groups} {q.ending()}"


def figures_meanings(q: Question) -> list[Meaning]:
    return both(q, lambda rows: Meaning(figures(rows, q.groups, q.figures)))


FIGURES = Shape("figures", figures_text, figures_meanings)


def make_figures(random: Random, world: World) -> Question:
    draw = random.random()
    if draw < 0.1:
        wanted = [phrases.different(random, world)]
    else:
        wanted = [phrases.counted(world) if draw < 0.45 else phrases.figure(random, world)]
    if random.random() < 0.15:
        # Conditions would have to be said of both.
        total = phrases.total(random, world)
        wanted += [total] if total.agg != wanted[0].agg else []
    groups = [phrases.group(random, world) for _ in range(random.choice([0, 0, 1, 1, 1, 2]))]
    if len({g.plural for g in groups}) < len(groups):
        groups = groups[:1]
    many = 0 if len(wanted) > 1 else random.choice([0, 0, 1, 1, 1, 2])
    return Question(
        FIGURES,
        world,
        tuple(wanted),
        tuple(groups),
        some(random, world, many),
        when(random, world, 0.4),
        place=random.randrange(4),
        lead=random.choice(LEADS),
    )


def some(random: Random, world: World, many: int) -> tuple[Condition, ...]:
    return tuple(conditions.condition(random, world) for _ in range(many))


def when(random: Random, world: World, p: float) -> Condition | None:
    return conditions.when(random, world.domain.time) if random.random() < p else None


# --------------------------------------------------------------- rankings


def top_text(q: Question) -> str:
    group, figure = q.groups[0], q.figures[0]
    side = "highest" if q.high else "lowest"
    if figure.agg == "count":
        most = "most" if q.high else "fewest"
        forms = [
            f"which {q.n} {group.plural} have the {most} {q.noun()}",
            f"{'top' if q.high else 'bottom'} {q.n} {group.plural} by number of {q.noun()}",
        ]
        one = f"which {group.noun} has the {most} {q.noun()}"
    else:
        of = f" of {q.noun()}" if q.conditions else ""
        forms = [
            f"{'top' if q.high else 'bottom'} {q.n} {group.plural} by {figure.text}{of}",
            f"the {q.n} {group.plural} with the {side} {figure.text}{of}",
        ]
        one = f"which {group.noun} has the {side} {figure.text}{of}"
    text = one if q.n == 1 else forms[q.place % 2]
    return f"{text} {q.ending()}"


def top_meanings(q: Question) -> list[Meaning]:
    top = Top(q.n, q.high, 1)
    return both(q, lambda rows: Meaning(figures(rows, q.groups, q.figures), top))


TOP = Shape("top", top_text, top_meanings)


def make_top(random: Random, world: World) -> Question:
    draw = random.random()
    lead = "by"
    if draw < 0.5:
        group = phrases.by_choice(random, world, lead)
    elif draw < 0.85:
        group = phrases.by_parent(world, lead)
    else:
        group = phrases.by_time(world, random.choice(["month", "quarter"]), lead)
    counts = random.random() < 0.4
    return Question(
        TOP,
        world,
        (phrases.counted(world) if counts else phrases.total(random, world),),
        (group,),
        some(random, world, random.choice([0, 0, 1])),
        when(random, world, 0.3),
        n=random.choice([1, 1, 2, 3, 4]),
        high=random.random() < 0.7,
        place=random.randrange(2),
    )


# ------------------------------------------- rankings within each group


def within_text(q: Question) -> str:
    each, ranked = q.groups
    side = "top" if q.high else "bottom"
    figure = f"number of {q.noun()}" if q.figures[0].agg == "count" else q.figures[0].text
    return f"{side} {q.n} {ranked.plural} by {figure} for each {each.noun} {q.ending()}"


def within_meanings(q: Question) -> list[Meaning]:
    def made(rows: list[Row]) -> Meaning:
        found = []
        for members in grouped(rows, q.groups[:1]).values():
            ranked = figures(members, q.groups, q.figures)
            known = sorted((r for r in ranked if r[-1] is not None), key=lambda r: r[-1])
            found += (known[::-1] if q.high else known)[: q.n]
        return Meaning(found)

    return both(q, made)


WITHIN = Shape("within", within_text, within_meanings)


def make_within(random: Random, world: World) -> Question:
    """Only where no ties and no nulls stand where it is cut."""
    each = phrases.by_choice(random, world, "by")
    ranked = phrases.by_choice(random, world, "by")
    counts = random.random() < 0.5
    question = Question(
        WITHIN,
        world,
        (phrases.counted(world) if counts else phrases.total(random, world),),
        (each, ranked),
        when=when(random, world, 0.3),
        n=random.choice([1, 2]),
        high=random.random() < 0.7,
    )
    values = [row[-1] for row in figures(question.rows(), question.groups, question.figures)]
    clear = None not in values and len(set(values)) == len(values)
    return question if clear and each.plural != ranked.plural else make_top(random, world)


# ------------------------------------------------- conditions on groups


def having_text(q: Question) -> str:
    group = q.groups[0]
    said = phrases.COMPARISONS[q.place][0]
    forms = {
        "count": f"{group.plural} with {said} {q.n} {q.noun()} {q.ending()}",
        "sum": f"{group.plural} with {q.figures[0].text} {said} {q.n} {q.ending()}",
    }
    return forms[q.figures[0].agg]


def having_meanings(q: Question) -> list[Meaning]:
    holds = phrases.COMPARISONS[q.place][1]

    def fitting(rows: list[Row]) -> Meaning:
        shown = []
        for members in grouped(rows, q.groups).values():
            value = q.figures[0].of(members)
            if value is not None and holds(value, q.n):
                shown.append((q.groups[0].shown(members[0]), value))
        return Meaning(shown)

    found = both(q, fitting)
    # Rows that belong to none are no customer, nor a channel.
    return found + [Meaning([r for r in m.rows if r[0] is not None]) for m in found]


HAVING = Shape("having", having_text, having_meanings)


def make_having(random: Random, world: World) -> Question:
    count = random.random() < 0.65
    parent = random.random() < 0.6
    group = phrases.by_parent(world, "by") if parent else phrases.by_choice(random, world, "by")
    # Where none is among those that fit, the counts of those without any are no matter.
    places = [n for n, (said, _) in enumerate(phrases.COMPARISONS) if "less" not in said or n == 5]
    figure = phrases.counted(world) if count else phrases.total(random, world)
    average = len(world.rows) // (len(world.parents) if parent else 4)
    return Question(
        HAVING,
        world,
        (figure,),
        (group,),
        some(random, world, random.choice([0, 0, 1])) if count else (),
        when(random, world, 0.3),
        n=random.randint(2, 2 * average) if count else random.randint(50, 4000),
        place=random.choice([p for p in places if p < 6 or p == 11] if count else places),
    )


# ------------------------------------------------------------ follow-ups


def follow_text(q: Question) -> str:
    if q.groups:
        return (f"and by {q.groups[0].noun}?", f"also by {q.groups[0].noun}")[q.place % 2]
    if q.conditions:
        return f"only {q.conditions[0].text}"
    return f"what about {q.ending()}?"


def follow_meanings(q: Question) -> list[Meaning]:
    assert q.base is not None
    base = q.base
    changed = replace(
        base,
        groups=base.groups + q.groups,
        conditions=base.conditions + q.conditions,
        when=q.when or base.when,
    )
    return changed.meanings


FOLLOW = Shape("follow", follow_text, follow_meanings)


def make_follow(random: Random, world: World) -> Question:
    base = replace(make_figures(random, world), lead="", place=0)
    base = replace(base, groups=base.groups[:1], conditions=(), figures=base.figures[:1])
    follow = Question(FOLLOW, world, base=base, place=random.randrange(2))
    draw = random.random()
    if draw < 0.4:
        group = phrases.by_choice(random, world, "by")
        if any(group.plural == g.plural for g in base.groups):
            return base
        return replace(follow, groups=(group,))
    if draw < 0.75:
        return replace(follow, conditions=(conditions.equal(random, world),))
    span = conditions.when(random, world.domain.time)
    return replace(follow, when=span)
