"""Which question of a seed is asked: shapes by their weights, and words that do not belong.

In: a seed, a world and a number. Out: a question. Some have a word that no world has a meaning for,
some a misspelt one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from random_questions import compared, missing, moments, phrases, shapes
from random_questions.question import Question
from random_questions.worlds import World

MAKERS: tuple[tuple[int, Callable[[Random, World], Question]], ...] = (
    (40, shapes.make_figures),
    (12, shapes.make_top),
    (5, shapes.make_within),
    (10, shapes.make_having),
    (8, shapes.make_follow),
    (9, missing.make_exists),
    (8, missing.make_members),
    (3, moments.make_moment),
    (3, missing.make_began),
    (3, missing.make_lacking),
    (8, missing.make_each),
    (6, compared.make_periods),
    (6, compared.make_shares),
)


def make_question(seed: int, number: int, world: World) -> Question:
    random = Random(f"question {seed} {world.name} {number}")  # noqa: S311
    make = random.choices([m for _, m in MAKERS], [w for w, _ in MAKERS])[0]
    question = make(random, world)
    draw = random.random()
    if draw < 0.10 and question.shape.takes_alien:
        return with_alien(random, question)
    if draw < 0.18:
        return replace(question, slip=random.randrange(1000))
    return question


def with_alien(random: Random, question: Question) -> Question:
    """The same with a restriction that nothing in the world has a meaning for."""
    made = replace(question, before=random.choice(phrases.ALIEN_BEFORE))
    if made.text == question.text or random.random() < 0.6:
        return replace(question, after=random.choice(phrases.ALIEN_AFTER))
    return made


def smaller(question: Question) -> list[Question]:
    """The same question with one part less."""
    less = []
    for at in range(len(question.conditions)):
        rest = question.conditions[:at] + question.conditions[at + 1 :]
        less.append(replace(question, conditions=rest))
    if question.groups and question.shape is shapes.FIGURES:
        less.append(replace(question, groups=question.groups[:-1]))
    if len(question.figures) > 1:
        less += [replace(question, figures=(figure,)) for figure in question.figures]
    less += [
        replace(question, when=None),
        replace(question, lead=""),
        replace(question, slip=None),
        replace(question, after=""),
        replace(question, before=""),
    ]
    less = [one for one in less if one != question]
    return [one for one in less if usable(one)]


def usable(question: Question) -> bool:
    """Whether the question still says something of its own, and the word that is not known."""
    if question.before and question.before not in question.text:
        return False
    if question.shape in (missing.BEGAN_SHAPE, missing.LACKING_SHAPE) and question.when is None:
        return False
    if question.shape is compared.SHARES_SHAPE and question.place not in (3, 4):
        return bool(question.conditions)
    return question.shape is not shapes.FOLLOW or bool(question.groups or question.all_conditions)
