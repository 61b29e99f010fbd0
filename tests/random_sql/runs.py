"""A run of the generator: seed and count in, a tally and the mismatches out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import yaml
from engines import Servers
from random_irs.agreement import Verdict
from random_irs.runs import KEPT_ALIKE, Mismatch, Tally, plan
from random_irs.schemas import Schema, written

from random_sql.queries import keys_of, make_text
from random_sql.scope import make_plain_schema
from random_sql.sessions import Asking, asking_schemas
from random_sql.tree import Node, shrink

FOUND = Path(__file__).resolve().parent / "found"
AGREE = ("answered", "refused", "partly", "wider")


@dataclass
class Run:
    """What a run needs beside a question."""

    seed: int
    asking: Asking
    out: TextIO
    found: Path
    tally: Tally = field(default_factory=Tally)

    def ask(self, schema_number: int, number: int, schema: Schema) -> None:
        name = f"g{schema_number}"
        tree = make_text(self.seed, schema_number, number, schema)
        verdict = self.verdict(name, tree)
        self.tally.verdicts[verdict.kind] += 1
        if verdict.kind in ("refused", "partly"):
            self.tally.refusals[verdict.detail] += 1
        if verdict.kind in AGREE:
            return
        mismatch = Mismatch(self.seed, schema_number, number, verdict, "random_sql")
        alike = sum(m.signature == mismatch.signature for m in self.tally.mismatches)
        self.tally.mismatches.append(mismatch)
        if alike >= KEPT_ALIKE:
            return
        small = shrink(tree, lambda less: self.is_alike(name, less, verdict))
        self.report(schema, mismatch, small, self.verdict(name, small))

    def verdict(self, name: str, tree: Node) -> Verdict:
        return self.asking.verdict(name, str(tree), keys_of(tree))

    def is_alike(self, name: str, tree: Node, verdict: Verdict) -> bool:
        """Whether it is the same engine in the same way; errors also by what is said."""
        found = self.verdict(name, tree)
        of_engine = found.detail.split(":")[0] == verdict.detail.split(":")[0]
        if found.kind == "no_error":
            return of_engine and found.kind == verdict.kind and found.detail == verdict.detail
        return of_engine and found.kind == verdict.kind

    def report(self, schema: Schema, mismatch: Mismatch, small: Node, verdict: Verdict) -> None:
        """Prints a mismatch with the command that shows it again, and keeps it as a file."""
        text = str(small)
        self.out.write(f"MISMATCH {verdict.kind}: {verdict.detail[:400]}\n")
        self.out.write(f"    {mismatch.command}\n    {text}\n")
        self.out.flush()
        case = {
            "command": mismatch.command,
            "differs": f"{verdict.kind}: {verdict.detail}",
            "text": text,
            "keys": keys_of(small),
            "tables": written(schema),
        }
        self.found.mkdir(exist_ok=True)
        file = f"seed{mismatch.seed}-{mismatch.schema}-{mismatch.number}.yaml"
        kept = yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=100)
        (self.found / file).write_text(kept, encoding="utf-8")


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
    """Asks `count` texts of everybody; mismatches are written to `found`."""
    tally = Tally()
    begun = time.monotonic()
    for batch_number, batch in enumerate(plan(count, schema, question)):
        schemas = {f"g{number}": make_plain_schema(seed, number) for number in batch}
        with asking_schemas(program, work / f"batch{batch_number}", servers, schemas) as asking:
            texts = Run(seed, asking, out, found, tally)
            for number, questions in batch.items():
                for n in questions:
                    texts.ask(number, n, schemas[f"g{number}"])
        out.write(f"after schema {max(batch)}: {dict(tally.verdicts)}\n")
        out.flush()
    tally.seconds = time.monotonic() - begun
    return tally
