"""A run of the generator: seed and count in, a tally and the mismatches out."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import yaml
from engines import Servers

from random_irs.agreement import Verdict
from random_irs.questions import make_question
from random_irs.schemas import Schema, make_schema, written
from random_irs.sessions import Asking, serving_schemas
from random_irs.shrinking import shrink

FOUND = Path(__file__).resolve().parent / "found"
# Questions a schema, schemas a service.
QUESTIONS = 100
SCHEMAS = 5
# Of mismatches that look alike, so many are made small and kept.
KEPT_ALIKE = 2


@dataclass
class Mismatch:
    seed: int
    schema: int
    number: int
    verdict: Verdict
    # What makes such questions, as it is run.
    module: str = "random_irs"

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
    program: Path,
    work: Path,
    servers: Servers,
    seed: int,
    count: int,
    out: TextIO,
    *,
    schema: int | None = None,
    question: int | None = None,
    found: Path = FOUND,
) -> Tally:
    """Asks `count` questions of every engine; mismatches are written to `found`."""
    tally = Tally()
    begun = time.monotonic()
    for batch_number, batch in enumerate(plan(count, schema, question)):
        schemas = {f"g{number}": make_schema(seed, number) for number in batch}
        folder = work / f"batch{batch_number}"
        with serving_schemas(program, folder, servers, schemas) as asking:
            for number, questions in batch.items():
                for n in questions:
                    ask_one(asking, schemas[f"g{number}"], seed, number, n, tally, out, found)
        out.write(f"after schema {max(batch)}: {dict(tally.verdicts)}\n")
        out.flush()
    tally.seconds = time.monotonic() - begun
    return tally


def ask_one(
    asking: Asking,
    schema: Schema,
    seed: int,
    schema_number: int,
    number: int,
    tally: Tally,
    out: TextIO,
    found: Path,
) -> None:
    name = f"g{schema_number}"
    ir = make_question(seed, schema_number, number, schema)
    verdict = asking.verdict(name, ir)
    tally.verdicts[verdict.kind] += 1
    if verdict.kind == "refused":
        tally.refusals[verdict.detail] += 1
    if verdict.agrees:
        return
    mismatch = Mismatch(seed, schema_number, number, verdict)
    alike = sum(m.signature == mismatch.signature for m in tally.mismatches)
    tally.mismatches.append(mismatch)
    if alike >= KEPT_ALIKE:
        return
    small = shrink(ir, lambda less: asking.verdict(name, less).kind == verdict.kind)
    again = asking.verdict(name, small)
    report(asking, schema, mismatch, small, again, out, found)


def report(
    asking: Asking,
    schema: Schema,
    mismatch: Mismatch,
    small: dict[str, Any],
    verdict: Verdict,
    out: TextIO,
    found: Path,
) -> None:
    """Prints a mismatch with the command that shows it again, and keeps it as a file."""
    name = f"g{mismatch.schema}"
    sql = asking.sql(name, small)
    out.write(f"MISMATCH {verdict.kind}: {verdict.detail[:400]}\n    {mismatch.command}\n")
    out.write(f"    {json.dumps(small, ensure_ascii=False)}\n")
    out.flush()
    case = {
        "command": mismatch.command,
        "differs": f"{verdict.kind}: {verdict.detail}",
        "ir": small,
        "sql": sql,
        "tables": written(schema),
    }
    found.mkdir(exist_ok=True)
    file = found / f"seed{mismatch.seed}-{mismatch.schema}-{mismatch.number}.yaml"
    text = yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=100)
    file.write_text(text, encoding="utf-8")
