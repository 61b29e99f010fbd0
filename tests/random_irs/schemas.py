"""Random datasets: tables that refer to one another, with names and values that are awkward.

In: a seed. Out: tables as `made` writes them, and for the maker of questions what each column is
for. Doubles are multiples of an eighth and integers mostly small, so that a sum does not depend on
its order and a spread is not all cancellation; what is huge has a column kind of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
from made import INSTANT, LOCAL, TEXT, Made, schema_of

PLAIN = ["amount", "qty", "kind", "label", "state", "score", "day", "seen", "flag", "rank", "size"]
AWKWARD = [
    "select", "Order", "group by", "net.total", 'q"t', "b`t", "semi;", "größe", "日本", "o'x",
    "back\\s", "$1", "?", "a-b", "CamelCase", "percent%", " lead", "1st", "{{x}}", "null",
]  # fmt: skip
WORDS = [
    "", " ", "a", "a ", "A", "b", "B", "á", "a\u0301", "ß", "ss", "SS", "ẞ", "İ", "i", "I", "ı",
    "σ", "ς", "Σ", "😀", "日本", "O'Brien", '"', "`", "\\", "\\'", "%", "_", "a%", "a_b", "axb",
    "NULL", "{{a}}", "'; --", "\t", "a\nb", "z", "Z", "10", "9", "é", "E", "x", "X", "xx",
]  # fmt: skip
INSTANTS = [
    datetime(1899, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 2, 29, 12, tzinfo=UTC),
    datetime(2023, 12, 31, 18, 15, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 3, 10, 6, 59, tzinfo=UTC),
    datetime(2024, 3, 10, 7, tzinfo=UTC),
    datetime(2024, 3, 31, 0, 30, tzinfo=UTC),
    datetime(2024, 3, 31, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
    datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
]
START = datetime(2023, 11, 1, tzinfo=UTC)
MOST_ROWS = 40


@dataclass(frozen=True)
class Kind:
    """A kind of column: its Arrow type and how to draw a value."""

    arrow: Any
    draw: Callable[[Random], Any]


def small(random: Random) -> int:
    return random.choice([0, 0, 1, 1, 2, 3, 5, -1, -2, random.randint(-100, 100)])


def huge(random: Random) -> int:
    return random.choice([0, 2**31, -(2**31), 2**53 + 1, -(2**53) - 1, random.randint(0, 2**60)])


def instant(random: Random) -> datetime:
    if random.random() < 0.4:
        return random.choice(INSTANTS[1:] if random.random() < 0.9 else INSTANTS)
    return START + timedelta(minutes=15 * random.randint(0, 40_000))


def cents(random: Random) -> Decimal:
    return Decimal(random.choice([0, 1, -1, 10, 50, random.randint(-99_999, 99_999)])) / 100


def digits(random: Random) -> Decimal:
    whole = random.choice([0, 1, random.randint(-(10**20), 10**20)])
    return Decimal(whole) + Decimal(random.randint(0, 10**8)) / 10**8


KINDS = {
    "int": Kind(pa.int32(), small),
    "short": Kind(pa.int16(), small),
    "unsigned": Kind(pa.uint32(), lambda r: abs(small(r))),
    "huge": Kind(pa.int64(), huge),
    "cents": Kind(pa.decimal128(9, 2), cents),
    "digits": Kind(pa.decimal128(30, 8), digits),
    "double": Kind(pa.float64(), lambda r: r.randint(-4_000, 4_000) / 8),
    "text": Kind(TEXT, lambda r: r.choice(WORDS)),
    "bool": Kind(pa.bool_(), lambda r: r.random() < 0.5),
    "date": Kind(pa.date32(), lambda r: instant(r).date()),
    "instant": Kind(INSTANT, instant),
    "local": Kind(LOCAL, lambda r: instant(r).replace(tzinfo=None)),
    "time": Kind(pa.time64("us"), lambda r: time(r.randint(0, 23), r.choice([0, 30, 59]), 0)),
}
SMALL_NUMBERS = ("int", "short", "unsigned", "cents", "double")
NUMBERS = (*SMALL_NUMBERS, "huge", "digits")
TIMES = ("instant", "local", "date")


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    nullable: bool = True

    @property
    def plain(self) -> bool:
        """Whether an expression may name it."""
        return self.name.isidentifier() and self.name.isascii()


@dataclass(frozen=True)
class Reference:
    """A foreign key to an earlier table."""

    columns: tuple[str, ...]
    table: int


@dataclass
class Table:
    name: str
    columns: list[Column]
    key: list[str]
    references: list[Reference]
    rows: list[tuple[Any, ...]]
    time: str | None = None

    def of(self, kinds: tuple[str, ...]) -> list[Column]:
        return [c for c in self.columns if c.kind in kinds]

    def values(self, name: str) -> list[Any]:
        at = [c.name for c in self.columns].index(name)
        return [row[at] for row in self.rows if row[at] is not None]


@dataclass
class Schema:
    """A dataset; a table refers to earlier ones only, or to itself."""

    tables: list[Table] = field(default_factory=list)

    def made(self) -> list[Made]:
        return [self.made_table(table) for table in self.tables]

    def made_table(self, table: Table) -> Made:
        columns = {
            c.name: KINDS[c.kind].arrow if c.nullable else [KINDS[c.kind].arrow]
            for c in table.columns
        }
        # Without roles, which databases do not keep.
        keys = [
            (list(r.columns), self.tables[r.table].name, self.tables[r.table].key, "")
            for r in table.references
        ]
        return Made(table.name, schema_of(columns), table.rows, table.key, keys, table.time)


class Maker:
    """Makes one schema."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.schema = Schema()

    def make(self) -> Schema:
        for number in range(self.random.randint(2, 4)):
            self.schema.tables.append(self.table(number))
        return self.schema

    def table(self, number: int) -> Table:
        random = self.random
        name = f"t{number}" if random.random() < 0.7 else f"{random.choice(AWKWARD)} {number}"
        key = self.key(number)
        references, foreign = self.references(number)
        taken = {c.name.lower() for c in key + foreign}
        columns = key + foreign
        for _ in range(random.randint(3, 7)):
            kind = random.choice([*KINDS, "text", "int", "instant", "cents", "double"])
            wanted = random.choice(PLAIN if random.random() < 0.75 else AWKWARD)
            if wanted.lower() in taken:
                wanted = f"{wanted}{len(columns)}"
            taken.add(wanted.lower())
            columns.append(Column(wanted, kind, random.random() < 0.8))
        times = [c.name for c in columns if c.kind in ("instant", "local")]
        table = Table(name, columns, [c.name for c in key], references, [])
        table.time = random.choice(times) if times and random.random() < 0.8 else None
        table.rows = self.rows(table, len(foreign))
        return table

    def key(self, number: int) -> list[Column]:
        match self.random.randint(0, 5):
            case 0:
                return [Column(f"code{number}", "text", nullable=False)]
            case 1:
                return [
                    Column(f"k{number}", "text", nullable=False),
                    Column(f"n{number}", "int", nullable=False),
                ]
            case _:
                return [Column(f"id{number}", "huge", nullable=False)]

    def references(self, number: int) -> tuple[list[Reference], list[Column]]:
        """Foreign keys with their columns; sometimes two to one table."""
        references: list[Reference] = []
        columns: list[Column] = []
        if number == 0:
            return references, columns
        for n in range(self.random.choice([0, 1, 1, 1, 2])):
            target = self.random.randrange(number)
            parent = self.schema.tables[target]
            own = [
                Column(f"f{number}_{n}_{m}", next(c.kind for c in parent.columns if c.name == k))
                for m, k in enumerate(parent.key)
            ]
            columns += own
            references.append(Reference(tuple(c.name for c in own), target))
        return references, columns

    def rows(self, table: Table, foreign: int) -> list[tuple[Any, ...]]:
        random = self.random
        if random.random() < 0.06:
            return []
        rows, keys = [], set()
        for number in range(random.randint(1, MOST_ROWS)):
            key = self.key_value(table, number)
            if key in keys:
                continue
            keys.add(key)
            values = [*key, *self.foreign_values(table)]
            values += [self.value(column) for column in table.columns[len(key) + foreign :]]
            rows.append(tuple(values))
        return rows

    def key_value(self, table: Table, number: int) -> tuple[Any, ...]:
        if len(table.key) == 2:
            return self.random.choice(WORDS), self.random.randint(0, 2)
        if table.columns[0].kind == "text":
            return (self.random.choice(WORDS),)
        return (number + 1,)

    def foreign_values(self, table: Table) -> list[Any]:
        values: list[Any] = []
        for reference in table.references:
            parent = self.schema.tables[reference.table]
            found = self.random.choice(parent.rows)[: len(parent.key)] if parent.rows else None
            if found is None or self.random.random() < 0.15:
                # No partner, or a null in the key.
                found = tuple(
                    None if self.random.random() < 0.7 else self.unmatched(parent, n)
                    for n in range(len(parent.key))
                )
            values += found
        return values

    def unmatched(self, parent: Table, number: int) -> Any:
        kind = parent.columns[number].kind
        return self.random.choice(WORDS) if kind == "text" else 999_999

    def value(self, column: Column) -> Any:
        if column.nullable and self.random.random() < 0.2:
            return None
        return KINDS[column.kind].draw(self.random)


def make_schema(seed: int, number: int) -> Schema:
    return Maker(Random(f"schema {seed} {number}")).make()  # noqa: S311


def plain(value: Any) -> Any:
    """A value as YAML and JSON can hold it; `Column.kind` says what it was."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value


def value_of(kind: str, text: Any) -> Any:
    """What `plain` wrote, as it was."""
    if text is None:
        return None
    match kind:
        case "cents" | "digits":
            return Decimal(text)
        case "instant" | "local":
            return datetime.fromisoformat(text)
        case "date":
            return date.fromisoformat(text)
        case "time":
            return time.fromisoformat(text)
        case _:
            return text


def written(schema: Schema) -> list[dict[str, Any]]:
    """A schema with its rows, for a file."""
    return [
        {
            "name": table.name,
            "columns": [[c.name, c.kind, c.nullable] for c in table.columns],
            "key": table.key,
            "references": [[list(r.columns), r.table] for r in table.references],
            "time": table.time,
            "rows": [[plain(value) for value in row] for row in table.rows],
        }
        for table in schema.tables
    ]


def read_schema(tables: list[dict[str, Any]]) -> Schema:
    """What `written` wrote."""
    schema = Schema()
    for table in tables:
        columns = [Column(*column) for column in table["columns"]]
        references = [Reference(tuple(names), target) for names, target in table["references"]]
        rows = [
            tuple(value_of(c.kind, value) for c, value in zip(columns, row, strict=True))
            for row in table["rows"]
        ]
        schema.tables.append(
            Table(table["name"], columns, table["key"], references, rows, table["time"])
        )
    return schema
