"""The answer cases of `tests/answers/`: an IR, and an independent way to the same rows.

Each file is a list of cases:

    name        what is asked, unique in its file
    about       which rule of the IR the case checks
    datasource  flights (default), shop or edge
    now         the frozen instant of the run, where periods are relative
    params      parameters of the run
    ir          the IR
    duckdb      SQL that gives the same columns and rows in the same order
    columns     the columns' names, where DuckDB cannot call them so
    truncated   whether the result must say that a further row exists (default false)
    refused     in place of duckdb: the error code the IR must be refused with
    refused_on  engines that refuse the case with `unsupported_on_engine`, each with the reason
    not_on      engines whose data cannot be the same, each with the reason

Every case runs on every engine of `datasets.ENGINES`, but for what the last two name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from datasets import ENGINES

ANSWERS = Path(__file__).resolve().parent / "answers"
ZONES = {"flights": "America/New_York", "shop": "Europe/Berlin", "edge": "UTC"}
UNSUPPORTED = "unsupported_on_engine"


@dataclass(frozen=True)
class Case:
    """One case; exactly one of `duckdb` and `refused` is there."""

    file: str
    name: str
    about: str
    ir: dict[str, Any]
    datasource: str = "flights"
    now: str | None = None
    params: dict[str, Any] | None = None
    duckdb: str | None = None
    columns: list[str] | None = None
    truncated: bool = False
    refused: str | None = None
    refused_on: dict[str, str] = field(default_factory=dict)
    not_on: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.duckdb is None) == (self.refused is None):
            raise ValueError(f"{self.id}: give either duckdb or refused")
        if self.datasource not in ZONES:
            raise ValueError(f"{self.id}: there is no datasource {self.datasource!r}")
        for engine, reason in [*self.refused_on.items(), *self.not_on.items()]:
            if engine not in ENGINES or not reason:
                raise ValueError(f"{self.id}: say why for one of {', '.join(ENGINES)}")

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"

    @property
    def engines(self) -> tuple[str, ...]:
        """Where the case runs."""
        return tuple(engine for engine in ENGINES if engine not in self.not_on)

    def refusal(self, engine: str) -> str | None:
        """The code an engine must refuse the case with."""
        return UNSUPPORTED if engine in self.refused_on else self.refused

    @property
    def zone(self) -> str:
        """The zone of the timestamps in the result."""
        zone: str = self.ir.get("time", {}).get("timezone", ZONES[self.datasource])
        return zone


def read_cases(folder: Path = ANSWERS) -> list[Case]:
    """Every case, in the order of the files; an unknown key or a name given twice is an error."""
    cases = [
        Case(file=path.stem, **fields)
        for path in sorted(folder.glob("*.yaml"))
        for fields in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    ids = [case.id for case in cases]
    for twice in {name for name in ids if ids.count(name) > 1}:
        raise ValueError(f"two cases are called {twice}")
    return cases
