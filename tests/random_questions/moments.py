"""Questions about when the first or the last of some rows was.

In: a world and a source of randomness. Out: a question whose figure is a time.
"""

from __future__ import annotations

from random import Random

from random_questions import phrases, shapes
from random_questions.meaning import Figure, Group, Meaning, figures
from random_questions.question import Question, Shape, both
from random_questions.worlds import World

MOMENTS = (
    "when was the {end} {fact} {when}",
    "date of the {end} {fact} {group} {when}",
    "what is the date of the {end} {fact} {group}",
)


def moment_text(q: Question) -> str:
    end = "last" if q.high else "first"
    group = q.groups[0].text if q.groups else ""
    fact = q.world.domain.fact
    return MOMENTS[q.place].format(end=end, fact=fact, group=group, when=q.ending())


def moment_meanings(q: Question) -> list[Meaning]:
    figure = Figure("", "max" if q.high else "min", q.world.domain.time)
    return both(q, lambda rows: Meaning(figures(rows, q.groups, (figure,))))


MOMENT = Shape("moment", moment_text, moment_meanings, takes_alien=False)


def make_moment(random: Random, world: World) -> Question:
    place = random.randrange(len(MOMENTS))
    return Question(
        MOMENT,
        world,
        groups=(choice_or_parent(random, world),) if place else (),
        when=shapes.when(random, world, 0.3) if place < 2 else None,
        high=random.random() < 0.5,
        place=place,
    )


def choice_or_parent(random: Random, world: World) -> Group:
    lead = random.choice(["by", "per", "for each"])
    by_parent = random.random() < 0.3
    return phrases.by_parent(world, lead) if by_parent else phrases.by_choice(random, world, lead)
