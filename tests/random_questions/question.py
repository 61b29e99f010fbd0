"""A question made of parts, and every meaning of it that is right.

In: parts, and the shape that puts them together. Out: the text and the meanings. A wrong question
can be asked again with fewer parts. One without a meaning asks for what no world has, so that any
rows are wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from random_questions.meaning import Condition, Figure, Group, Meaning, kept
from random_questions.worlds import Row, World


@dataclass(frozen=True)
class Shape:
    name: str
    text: Callable[[Question], str]
    meanings: Callable[[Question], list[Meaning]]
    # Whether it may be asked with a word that nothing in the world has a meaning for.
    takes_alien: bool = True


@dataclass(frozen=True)
class Question:
    """`place` is a choice between like wordings, `n` and `high` what a ranking is cut at."""

    shape: Shape
    world: World
    figures: tuple[Figure, ...] = ()
    groups: tuple[Group, ...] = ()
    conditions: tuple[Condition, ...] = ()
    when: Condition | None = None
    n: int = 1
    high: bool = True
    place: int = 0
    lead: str = ""
    # What no world has a meaning for: before the noun, or at the end.
    before: str = ""
    after: str = ""
    # Which letters have changed places.
    slip: int | None = None
    # What this question follows.
    base: Question | None = None

    @property
    def text(self) -> str:
        made = f"{self.shape.text(self).rstrip('? ')} {self.after}"
        return slipped(" ".join(made.split()), self.slip)

    @property
    def meanings(self) -> list[Meaning]:
        return [] if self.before or self.after else self.shape.meanings(self)

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        return self.conditions + ((self.when,) if self.when else ())

    def rows(self, *, loose: bool = False) -> list[Row]:
        return kept(self.world.rows, self.all_conditions, loose)

    def noun(self) -> str:
        """The facts with their conditions, without the time: "open orders with channel web"."""
        adjectives = [c.text for c in self.conditions if c.adjective]
        others = " and ".join(c.text for c in self.conditions if not c.adjective)
        return " ".join([self.before, *adjectives, self.world.domain.facts, others])

    def ending(self) -> str:
        return self.when.text if self.when else ""


def slipped(text: str, slip: int | None) -> str:
    """A text with a misspelt word: two letters inside a long word of it have changed places."""
    if slip is None:
        return text
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    at = long[slip % len(long)]
    word = words[at]
    letter = 1 + slip % (len(word) - 3)
    words[at] = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    return " ".join(words)


def both(question: Question, made: Callable[[list[Row]], Meaning]) -> list[Meaning]:
    """The meaning, and the one where a condition has another."""
    found = [made(question.rows())]
    if any(c.loose for c in question.all_conditions):
        found.append(made(question.rows(loose=True)))
    return found
