"""A run of a generator: seed and count in, a tally and the mismatches out.

In: a `Maker`, which says what is asked of random tables, and how what comes back is judged. Out:
how often what came of it, and each mismatch, made small, as a file that a test asks again. A
service knows a handful of schemas and is then stopped.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

import yaml
from engines import Servers
from random_irs.agreement import Verdict
from random_irs.schemas import Schema, read_schema, written

# Questions a schema, schemas a service.
QUESTIONS = 100
SCHEMAS = 5
# Of mismatches that look alike, so many are made small and kept.
KEPT_ALIKE = 2
# Smaller forms of one question that are asked.
MOST_TRIES = 200

# A question, and who asks it.
Q = TypeVar("Q")
A = TypeVar("A")

# A server has so many connections, and a service keeps some to each of its sources.
MOST_AT_ONCE = 12


@dataclass(frozen=True)
class Maker(Generic[Q, A]):
    """What is asked, and how it is judged."""

    # As it is run: `python -m tests.<module>`.
    module: str
    # Where mismatches are kept.
    found: Path
    # A schema of a seed.
    schema: Callable[[int, int], Schema]
    # A service over schemas in every engine.
    serving: Callable[[Path, Path, Servers, dict[str, Schema]], AbstractContextManager[A]]
    # A question of a seed, by the number of its schema and its own.
    question: Callable[[int, int, int, Schema], Q]
    verdict: Callable[[A, str, Q], Verdict]
    # Forms of a question that are less by one part.
    smaller: Callable[[Q], Iterator[Q]]
    # Whether a smaller form still is what the question was.
    alike: Callable[[Verdict, Verdict], bool]
    # What a file keeps of a question, and the verdict of what a file has kept.
    kept: Callable[[A, str, Q], dict[str, Any]]
    again: Callable[[A, str, dict[str, Any]], Verdict]


@dataclass
class Mismatch:
    seed: int
    schema: int
    number: int
    verdict: Verdict
    module: str

    @property
    def command(self) -> str:
        only = f"--schema {self.schema} --question {self.number}"
        return f"python -m tests.{self.module} --seed {self.seed} {only}"

    @property
    def signature(self) -> str:
        """What kind of difference it is, without its names and values."""
        bare = re.sub(r"[A-Z]\w+/\w+|'[^']*'|\"[^\"]*\"|`[^`]*`|\d+", "…", self.verdict.detail)
        return f"{self.verdict.kind}: {bare[:110]}"


@dataclass
class Tally:
    """What came of a run."""

    verdicts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.verdicts.values())

    def told(self) -> Iterator[str]:
        said = ", ".join(f"{n} {kind}" for kind, n in self.verdicts.most_common())
        yield f"{self.count} questions in {self.seconds:.0f} s: {said}"
        yield "refused: " + "\n    ".join(f"{n} {c}" for c, n in self.refusals.most_common(40))
        alike = Counter(mismatch.signature for mismatch in self.mismatches)
        for signature, n in alike.most_common():
            first = next(m for m in self.mismatches if m.signature == signature)
            yield f"{n} times {signature}\n    {first.verdict.detail[:300]}\n    {first.command}"


def plan(count: int, schema: int | None, question: int | None) -> Iterator[dict[int, list[int]]]:
    """Which questions of which schemas, a service at a time."""
    if schema is not None:
        yield {schema: [question] if question is not None else list(range(QUESTIONS))}
        return
    per_schema = min(QUESTIONS, max(10, count // SCHEMAS))
    batch: dict[int, list[int]] = {}
    for number in range(-(-count // per_schema)):
        batch[number] = list(range(min(per_schema, count - number * per_schema)))
        if len(batch) == SCHEMAS:
            yield batch
            batch = {}
    if batch:
        yield batch


def run(
    maker: Maker[Q, A],
    program: Path,
    work: Path,
    servers: Servers,
    seed: int,
    count: int,
    out: TextIO,
    *,
    schema: int | None = None,
    question: int | None = None,
    found: Path | None = None,
) -> Tally:
    """Asks `count` questions of every engine; mismatches are written to `found`."""
    told = Told(maker, seed, out, found or maker.found)
    begun = time.monotonic()
    for batch_number, batch in enumerate(plan(count, schema, question)):
        schemas = {f"g{number}": maker.schema(seed, number) for number in batch}
        with maker.serving(program, work / f"batch{batch_number}", servers, schemas) as asking:
            for number, questions in batch.items():
                for n in questions:
                    told.ask(asking, number, n, schemas[f"g{number}"])
        out.write(f"after schema {max(batch)}: {dict(told.tally.verdicts)}\n")
        out.flush()
    told.tally.seconds = time.monotonic() - begun
    return told.tally


@dataclass
class Told(Generic[Q, A]):
    """A run so far."""

    maker: Maker[Q, A]
    seed: int
    out: TextIO
    found: Path
    tally: Tally = field(default_factory=Tally)

    def ask(self, asking: A, schema_number: int, number: int, schema: Schema) -> None:
        name, maker = f"g{schema_number}", self.maker
        question = maker.question(self.seed, schema_number, number, schema)
        verdict = maker.verdict(asking, name, question)
        self.tally.verdicts[verdict.kind] += 1
        if verdict.kind in ("refused", "partly"):
            self.tally.refusals[verdict.detail] += 1
        if verdict.agrees:
            return
        mismatch = Mismatch(self.seed, schema_number, number, verdict, maker.module)
        alike = sum(m.signature == mismatch.signature for m in self.tally.mismatches)
        self.tally.mismatches.append(mismatch)
        if alike >= KEPT_ALIKE:
            return

        def still(less: Q) -> bool:
            return maker.alike(verdict, maker.verdict(asking, name, less))

        small = shrink(question, maker.smaller, still)
        case = maker.kept(asking, name, small)
        self.report(mismatch, maker.verdict(asking, name, small), case, schema)

    def report(
        self, mismatch: Mismatch, verdict: Verdict, case: dict[str, Any], schema: Schema
    ) -> None:
        """Prints a mismatch with the command that shows it again, and keeps it as a file."""
        self.out.write(f"MISMATCH {verdict.kind}: {verdict.detail[:400]}\n    {mismatch.command}\n")
        asked = next(iter(case.values()))
        shown = asked if isinstance(asked, str) else json.dumps(asked, ensure_ascii=False)
        self.out.write(f"    {shown}\n")
        self.out.flush()
        differs = f"{verdict.kind}: {verdict.detail}"
        case = {"command": mismatch.command, "differs": differs} | case
        self.found.mkdir(exist_ok=True)
        file = self.found / f"seed{mismatch.seed}-{mismatch.schema}-{mismatch.number}.yaml"
        case |= {"tables": written(schema)}
        kept = yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=100)
        file.write_text(kept, encoding="utf-8")


def shrink(question: Q, smaller: Callable[[Q], Iterator[Q]], still: Callable[[Q], bool]) -> Q:
    """A form of the question from which no single part can be taken."""
    tries = 0
    found = True
    while found:
        found = False
        for candidate in smaller(question):
            tries += 1
            if tries > MOST_TRIES:
                return question
            if still(candidate):
                question, found = candidate, True
                break
    return question


def found_again(
    maker: Maker[Q, A], program: Path, work: Path, servers: Servers
) -> dict[str, Verdict]:
    """What comes of every mismatch that was kept, by its file."""
    files = sorted(maker.found.glob("*.yaml"))
    verdicts: dict[str, Verdict] = {}
    for begin in range(0, len(files), MOST_AT_ONCE):
        part = files[begin : begin + MOST_AT_ONCE]
        cases = {file.name: yaml.safe_load(file.read_text("utf-8")) for file in part}
        schemas = {f"f{begin + n}": read_schema(c["tables"]) for n, c in enumerate(cases.values())}
        with maker.serving(program, work / f"batch{begin}", servers, schemas) as asking:
            for name, (file, case) in zip(schemas, cases.items(), strict=True):
                verdicts[file] = maker.again(asking, name, case)
    return verdicts
