"""A run of the generator: seed and count in, a tally and the wrong answers out."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from service import Http, serving

from random_questions.judging import Verdict, judge
from random_questions.making import make_question, smaller
from random_questions.question import Question
from random_questions.worlds import NOW, World, make_world, write

# Questions a world.
QUESTIONS = 40
# Of questions asked back without need, so many are told.
TOLD = 12


@dataclass
class Wrong:
    """A wrong answer with its smallest form."""

    seed: int
    world: int
    number: int
    shape: str
    text: str
    verdict: Verdict
    reply: Any

    @property
    def command(self) -> str:
        only = f"--world {self.world} --question {self.number}"
        return f"python -m tests.random_questions --seed {self.seed} {only}"

    def told(self) -> Iterator[str]:
        yield f"{self.verdict.kind} [{self.shape}] {self.text!r}: {self.verdict.detail[:700]}"
        yield f"    read as: {self.reply.get('interpretation')} {self.reply.get('assumptions')}"
        yield f"    {self.command}"


@dataclass
class Tally:
    verdicts: Counter[str] = field(default_factory=Counter)
    by_shape: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[Wrong] = field(default_factory=list)
    # Questions that mean something and got none of it, with why.
    unanswered: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.verdicts.values())

    def told(self, unanswered: int = TOLD) -> Iterator[str]:
        said = ", ".join(f"{n} {kind}" for kind, n in self.verdicts.most_common())
        yield f"{self.count} questions in {self.seconds:.0f} s: {said}"
        for shape, verdicts in sorted(self.by_shape.items()):
            yield f"  {shape}: " + ", ".join(f"{n} {kind}" for kind, n in verdicts.most_common())
        yield from (f"  not answered: {line}" for line in self.unanswered[:unanswered])


class Asker:
    """Asks questions of a service that knows the worlds."""

    def __init__(self, http: Http) -> None:
        self.http = http

    def ask(self, question: Question) -> tuple[Verdict, Any]:
        """The verdict and the body; a follow-up is asked after its base."""
        previous = None
        if question.base is not None:
            verdict, body = self.ask(question.base)
            if verdict.kind != "right":
                return Verdict("base not right"), body
            previous = {"scope_version_id": body["scope_version_id"]}
        asked: dict[str, Any] = {
            "question": question.text,
            "datasource_id": question.world.name,
            "now": NOW.isoformat(),
            "provider": "builtin",
        }
        if previous:
            asked["previous"] = previous
        reply = self.http.send("POST", "/v1/ask", asked)
        return judge(reply, question.meanings), reply.body

    def small(self, question: Question, kind: str) -> Question:
        """The same question without the parts that it needs not to be as wrong."""
        for less in smaller(question):
            if self.ask(less)[0].kind == kind:
                return self.small(less, kind)
        return question


def run(
    program: Path,
    work: Path,
    seed: int,
    count: int,
    out: TextIO,
    *,
    world: int | None = None,
    question: int | None = None,
) -> Tally:
    """Asks `count` questions, or one of a world."""
    begun = time.monotonic()
    numbers = [world] if world is not None else list(range(-(-count // QUESTIONS)))
    worlds = {number: make_world(seed, number) for number in numbers}
    data, files = work / "air", work / "files"
    data.mkdir(parents=True)
    for made in worlds.values():
        write(made, files / made.name)
    sources = [
        {"id": made.name, "kind": "files", "base_path": str(files / made.name), "default": False}
        for made in worlds.values()
    ]
    config = {"files": {"base_path": str(files)}, "analytics_sources": sources}
    tally = Tally()
    with serving(program, data, config) as process:
        asker = Asker(Http(process.base))
        for number, made in worlds.items():
            reply = asker.http.send("POST", f"/v1/learn?datasource_id={made.name}")
            assert reply.status == 200, reply.body
            many = min(QUESTIONS, count - tally.count) if world is None else QUESTIONS
            for n in range(many) if question is None else [question]:
                ask_one(asker, seed, number, n, made, tally, out)
            out.write(f"after world {number}: {dict(tally.verdicts)}\n")
            out.flush()
    tally.seconds = time.monotonic() - begun
    return tally


def ask_one(
    asker: Asker, seed: int, number: int, n: int, world: World, tally: Tally, out: TextIO
) -> None:
    question = make_question(seed, n, world)
    verdict, body = asker.ask(question)
    shape = question.shape.name
    tally.verdicts[verdict.kind] += 1
    tally.by_shape[shape][verdict.kind] += 1
    meant = not (question.before or question.after or question.slip is not None)
    if verdict.kind in ("asked back", "cannot") and meant:
        tally.unanswered.append(f"[{shape}] {question.text!r}: {verdict.kind}: {verdict.detail}")
    if verdict.kind in ("WRONG", "failed"):
        small = asker.small(question, verdict.kind)
        verdict, body = asker.ask(small)
        told = f"{small.base.text} → {small.text}" if small.base else small.text
        wrong = Wrong(seed, number, n, shape, told, verdict, body)
        tally.wrong.append(wrong)
        out.write("".join(f"{line}\n" for line in wrong.told()))
        out.flush()
