"""Small datasets with the names of business, made from a seed.

In: a seed and a number. Out: a world: two tables with rows, nulls, names that several have, and
parents without rows; and the dataset of files that holds it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import made
import pyarrow as pa
import yaml

from random_questions.domains import DOMAINS, Choice, Domain, Measure

Row = dict[str, Any]
# The questions' now, a Monday.
NOW = datetime.datetime(2024, 7, 15, 10, 0, tzinfo=datetime.UTC)
FIRST = datetime.date(2022, 2, 1)
DAYS = (NOW.date() - FIRST).days

KINDS = {
    "decimal": pa.decimal128(10, 2),
    "int": pa.int64(),
    "double": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "instant": made.INSTANT,
}


@dataclass(frozen=True)
class World:
    """`rows` are the facts, each with its parent's columns as `parents.column`."""

    name: str
    domain: Domain
    measures: tuple[Measure, ...]
    choices: tuple[Choice, ...]
    attributes: tuple[Choice, ...]
    has_flag: bool
    # Whether something may be true of a parent.
    has_standing: bool
    # Columns that have a value in every row.
    solid: frozenset[str]
    time_kind: str
    facts: list[Row]
    parents: list[Row]
    rows: list[Row] = field(default_factory=list)

    @property
    def fact_key(self) -> str:
        return f"{self.domain.fact}_id"

    @property
    def parent_key(self) -> str:
        return f"{self.domain.parent}_id"

    def of_parent(self, column: str) -> str:
        return f"{self.domain.parents}.{column}"


def make_world(seed: int, number: int) -> World:
    random = Random(f"world {seed} {number}")  # noqa: S311
    domain = DOMAINS[random.randrange(len(DOMAINS))]
    choices = tuple(random.sample(domain.choices, random.randint(1, 2)))
    attributes = tuple(random.sample(domain.attributes, random.randint(1, 2)))
    world = World(
        f"w{number}",
        domain,
        tuple(random.sample(domain.measures, random.randint(1, 3))),
        choices,
        attributes,
        random.random() < 0.7,
        random.random() < 0.5,
        frozenset(solid(random, domain, choices + attributes)),
        random.choice(["date", "instant"]),
        [],
        [],
    )
    world.parents.extend(parents(random, world))
    world.facts.extend(facts(random, world))
    by_key = {parent[world.parent_key]: parent for parent in world.parents}
    for fact in world.facts:
        parent = by_key.get(fact[world.parent_key], {})
        columns = world.parents[0]
        world.rows.append(fact | {world.of_parent(c): parent.get(c) for c in columns})
    return world


def solid(random: Random, domain: Domain, choices: tuple[Choice, ...]) -> list[str]:
    """The columns that have a value in every row."""
    columns = [choice.column for choice in choices if random.random() < 0.4]
    flags = [domain.flag[0], domain.standing[0]]
    return columns + [flag for flag in flags if random.random() < 0.6]


def truth(random: Random, world: World, column: str) -> bool | None:
    """Mostly true; not known of some, where the column may be null."""
    absent = column not in world.solid and random.random() < 0.15
    return None if absent else random.random() < 0.6


def parents(random: Random, world: World) -> list[Row]:
    begun = world.domain.began[0]
    names = [random.choice(world.domain.names) for _ in range(random.randint(5, 12))]
    # At least two of one name.
    names[1] = names[0]
    named: list[str | None] = [*names]
    if random.random() < 0.3:
        named[random.randrange(2, len(named))] = None
    made_rows = []
    for key, name in enumerate(named, 1):
        row: Row = {world.parent_key: key, "name": name, begun: day(random)}
        for choice in world.attributes:
            row[choice.column] = of(random, world, choice, 0.1)
        if world.has_standing:
            column = world.domain.standing[0]
            row[column] = truth(random, world, column)
        made_rows.append(row)
    return made_rows


def facts(random: Random, world: World) -> list[Row]:
    with_rows = [p[world.parent_key] for p in world.parents[: -random.randint(1, 3)]]
    made_rows = []
    for key in range(1, random.randint(40, 140)):
        parent = None if random.random() < 0.05 else random.choice(with_rows)
        row: Row = {world.fact_key: key, world.parent_key: parent}
        row[world.domain.time] = moment(random, world.time_kind)
        for choice in world.choices:
            row[choice.column] = of(random, world, choice, 0.08)
        for measure in world.measures:
            row[measure.column] = figure(random, measure)
        if world.has_flag:
            column = world.domain.flag[0]
            row[column] = truth(random, world, column)
        made_rows.append(row)
    return made_rows


def day(random: Random) -> datetime.date:
    return FIRST + datetime.timedelta(days=random.randrange(DAYS))


def moment(random: Random, kind: str) -> datetime.date | datetime.datetime:
    date = day(random)
    if kind == "date":
        return date
    # The first and the last instants of a day are where periods go wrong.
    clock = random.choice([datetime.time(0, 0), datetime.time(23, 59, 59), datetime.time(13, 5)])
    return datetime.datetime.combine(date, clock, datetime.UTC)


def of(random: Random, world: World, choice: Choice, nulls: float) -> str | None:
    absent = choice.column not in world.solid and random.random() < nulls
    return None if absent else random.choice(choice.values)


def figure(random: Random, measure: Measure) -> Any:
    if random.random() < 0.07:
        return None
    whole = random.randint(measure.low, measure.high)
    if measure.kind == "int":
        return whole
    if measure.kind == "double":
        return whole + random.choice([0.0, 0.25, 0.5])
    return Decimal(whole) + Decimal(random.choice(["0.00", "0.50", "0.99"]))


def write(world: World, folder: Path) -> None:
    """The dataset of files, with what `dataset.yaml` says of its names."""
    parent_kinds: dict[str, Any] = {
        world.parent_key: ["int"],
        "name": "text",
        world.domain.began[0]: ["date"],
    }
    parent_kinds |= {choice.column: text_kind(world, choice) for choice in world.attributes}
    if world.has_standing:
        parent_kinds |= truth_kind(world, world.domain.standing[0])
    fact_kinds: dict[str, Any] = {
        world.fact_key: ["int"],
        world.parent_key: "int",
        world.domain.time: [world.time_kind],
    }
    fact_kinds |= {choice.column: text_kind(world, choice) for choice in world.choices}
    fact_kinds |= {measure.column: measure.kind for measure in world.measures}
    fact_kinds |= truth_kind(world, world.domain.flag[0]) if world.has_flag else {}
    link = ([world.parent_key], world.domain.parents, [world.parent_key], "")
    tables = [
        table(world.domain.parents, world.parents, parent_kinds, world.parent_key),
        table(world.domain.facts, world.facts, fact_kinds, world.fact_key, world.domain.time, link),
    ]
    made.write(folder, world.name, tables)
    name_columns(folder / "dataset.yaml", world)


def text_kind(world: World, choice: Choice) -> Any:
    return ["text"] if choice.column in world.solid else "text"


def truth_kind(world: World, column: str) -> dict[str, Any]:
    return {column: ["bool"] if column in world.solid else "bool"}


def table(
    name: str,
    rows: list[Row],
    kinds: dict[str, Any],
    key: str,
    time: str | None = None,
    link: tuple[list[str], str, list[str], str] | None = None,
) -> made.Made:
    types = {
        column: [KINDS[kind[0]]] if isinstance(kind, list) else KINDS[kind]
        for column, kind in kinds.items()
    }
    values = [tuple(row[column] for column in kinds) for row in rows]
    keys = [link] if link else []
    return made.Made(name, made.schema_of(types), values, [key], keys, time)


def name_columns(path: Path, world: World) -> None:
    described = yaml.safe_load(path.read_text("utf-8"))
    tables = described["tables"]
    for one, many in (
        (world.domain.fact, world.domain.facts),
        (world.domain.parent, world.domain.parents),
    ):
        tables[many]["synonyms"] = [one]
    columns = tables[world.domain.facts]["columns"]
    for measure in world.measures:
        said = columns.setdefault(measure.column, {})
        said["role"] = "measure"
        said["synonyms"] = [word for word in measure.words if word != measure.column]
        if measure.unit:
            said["unit"] = measure.unit
    for choice in world.choices:
        if choice.words:
            columns.setdefault(choice.column, {})["synonyms"] = list(choice.words)
    path.write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), "utf-8")
