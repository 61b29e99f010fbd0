"""What an expression may speak of: the tables of a FROM with their columns, and those outside.

In: the columns' names and kinds. Out: names as they are written. Kinds are `int`, `dec`, `dbl`,
`text`, `bool`, `date`, `ts` (a clock) and `tz` (an instant).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from random_irs.schemas import Schema, Table, make_schema

from random_sql.tree import Node, of

KINDS = {
    "int": "int", "short": "int", "unsigned": "int", "huge": "int", "cents": "dec",
    "digits": "dec", "double": "dbl", "text": "text", "bool": "bool", "date": "date",
    "local": "ts", "instant": "tz",
}  # fmt: skip
EVERY = ("int", "dec", "dbl", "text", "bool", "date", "ts", "tz")
SPELLED = {"ß": "q1", "ẞ": "q2", "İ": "q3", "ı": "q4", "σ": "q5", "ς": "q6", "Σ": "q7"}
# Words that may not stand for a column without quotes.
RESERVED = {"select", "null", "day", "group by", "Order"}


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    # The table's alias, by which it may be qualified.
    table: str = ""
    # Whether another table of this FROM has a column of that name.
    shared: bool = False


@dataclass
class Scope:
    """The columns in reach, those of the query around after its own."""

    fields: list[Field]
    # What makes rows of the FROM unique, where that is known.
    unique: list[Field] | None = None
    outside: list[Field] = field(default_factory=list)

    def of(self, kind: str) -> list[Field]:
        return [f for f in self.fields if f.kind == kind]

    def inner(self, fields: list[Field], unique: list[Field] | None) -> Scope:
        """The scope of a query inside, from which this one's columns are seen by their tables."""
        hidden = {f.table for f in fields}
        seen = [f for f in [*self.fields, *self.outside] if f.table and f.table not in hidden]
        return Scope(fields, unique, seen)


def written(random: Random, name: str) -> str:
    """A name as SQL has it: quoted where it must be, and sometimes where it need not."""
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    if plain and name not in RESERVED:
        match random.randint(0, 9):
            case 0:
                return name.upper()
            case 1 | 2:
                return f'"{name}"'
            case _:
                return name
    return '"' + name.replace('"', '""') + '"'


def reference(random: Random, column: Field) -> Node:
    name = written(random, column.name)
    if column.table and (column.shared or random.random() < 0.5):
        name = f"{written(random, column.table)}.{name}"
    return of(column.kind, name)


def qualified(random: Random, column: Field) -> Node:
    return reference(random, replace(column, shared=True))


def fields_of(table: Table, alias: str) -> list[Field]:
    return [Field(c.name, KINDS[c.kind], alias) for c in table.columns if c.kind in KINDS]


def plain_text(text: str) -> str:
    """A text without letters whose other case is of several letters or hangs on the locale."""
    return "".join(SPELLED.get(letter, letter) for letter in text)


def make_plain_schema(seed: int, number: int) -> Schema:
    """A random dataset whose letters have one other case at most."""
    schema = make_schema(seed, number)
    for table in schema.tables:
        table.rows = [
            tuple(plain_text(v) if isinstance(v, str) else v for v in row) for row in table.rows
        ]
    return schema


def words_of(schema: Schema) -> list[str]:
    """Texts that the data has, for comparisons that are sometimes true."""
    found = {value for t in schema.tables for c in t.of(("text",)) for value in t.values(c.name)}
    return sorted(found)
