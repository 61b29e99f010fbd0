"""Random FROMs: tables, queries and VALUES in it, and joins of every kind.

In: the schema and what makes queries. Out: the text, and the scope that it opens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from random_irs.schemas import Schema

from random_sql.expressions import Expressions
from random_sql.scope import Field, Scope, fields_of, written
from random_sql.tree import Node, listed, of

JOINS = ["join", "inner join", "left join", "left outer join", "right join", "full join"]
VALUES = {
    "int": ["1", "2", "null", "-5", "3000000000"],
    "text": ["'x'", "null", "'é'", "''", "'a\\b'"],
    "dec": ["1.5", "null", "2.25", "10"],
    "date": ["date '2024-01-31'", "null"],
    "bool": ["true", "false", "null"],
}


@dataclass(frozen=True)
class Known:
    """A query that WITH has named."""

    name: str
    fields: list[Field]


@dataclass
class Source:
    node: Node
    fields: list[Field]
    unique: list[Field] | None


class Sources:
    """Makes FROMs for the queries of one text."""

    def __init__(self, random: Random, schema: Schema, words: list[str], bold: bool) -> None:
        self.random = random
        self.bold = bold
        self.schema = schema
        self.words = words
        self.aliases = 0
        self.known: list[Known] = []
        # Makes a query for FROM, with a name for each of its outputs.
        self.derived: Callable[[], tuple[Node, list[Field]]] | None = None

    def from_(self, outside: Scope | None, most: int) -> tuple[Node, Scope]:
        first = self.source(most > 0)
        node, scope = of("from", first.node), self.scope(first.fields, first.unique, outside)
        for _ in range(self.random.choices([0, 1, 2], [5, 4, 1])[0]):
            node, scope = self.join(node, scope, self.source(most > 0), outside)
        return of("part", " from ", node), scope

    def scope(
        self, fields: list[Field], unique: list[Field] | None, outside: Scope | None
    ) -> Scope:
        return outside.inner(fields, unique) if outside else Scope(fields, unique)

    def alias(self) -> str:
        self.aliases += 1
        return self.random.choice(["t", "u", "o", "x", "Tab le"]) + str(self.aliases)

    def source(self, nested: bool) -> Source:
        if self.known and self.random.random() < 0.5:
            return self.of_known()
        chance = self.random.random()
        if nested and self.derived is not None and chance < 0.14:
            query, fields = self.derived()
            return self.aliased(of("table", "(", query, ")"), fields)
        if chance > 0.95:
            return self.values()
        table = self.random.choice(self.schema.tables)
        alias = self.alias()
        name = written(self.random, table.name)
        if self.bold and self.random.random() < 0.1:
            name = f"public.{name}"
        fields = fields_of(table, alias)
        unique = [f for f in fields if f.name in table.key]
        unique = [f for key in table.key for f in unique if f.name == key]
        word = self.random.choice([" ", " as "])
        return Source(of("source", f"{name}{word}{written(self.random, alias)}"), fields, unique)

    def of_known(self) -> Source:
        known = self.random.choice(self.known)
        alias = self.alias()
        node = of("source", f"{written(self.random, known.name)} {written(self.random, alias)}")
        return Source(node, [replace(f, table=alias) for f in known.fields], None)

    def aliased(self, query: Node, fields: list[Field]) -> Source:
        alias = self.alias()
        shown = written(self.random, alias)
        if self.random.random() < 0.2:
            names = [f"n{n}" for n in range(len(fields))]
            fields = [replace(f, name=n) for f, n in zip(fields, names, strict=True)]
            shown += f" ({', '.join(names)})"
        return Source(
            of("source", query, f" as {shown}"), [replace(f, table=alias) for f in fields], None
        )

    def values(self) -> Source:
        kinds = [self.random.choice(list(VALUES)) for _ in range(self.random.randint(1, 3))]
        # A first row without nulls, so that each column has a type.
        rows = [[VALUES[k][0] for k in kinds]]
        rows += [[self.random.choice(VALUES[k]) for k in kinds] for _ in range(2)]
        texts = [of("row", f"({', '.join(row)})") for row in rows]
        alias = self.alias()
        names = [f"v{n}" for n in range(len(kinds))]
        fields = [Field(n, k, alias) for n, k in zip(names, kinds, strict=True)]
        shown = f"{written(self.random, alias)} ({', '.join(names)})"
        return Source(
            of("source", "(values ", listed("rows", texts), f") as {shown}"), fields, None
        )

    # ------------------------------------------------------------------ joins

    def join(
        self, left: Node, scope: Scope, right: Source, outside: Scope | None
    ) -> tuple[Node, Scope]:
        unique = None
        if scope.unique is not None and right.unique is not None:
            unique = [*scope.unique, *right.unique]
        common = {f.name for f in scope.fields} & {f.name for f in right.fields}
        if self.random.random() < 0.08:
            fields = told_apart(scope.fields, right.fields)
            return of("from", left, " cross join ", right.node), self.scope(fields, unique, outside)
        kind = self.random.choice(JOINS)
        pairs = [(a, b) for a in scope.fields for b in right.fields if a.name == b.name]
        if len(pairs) == 1 and self.random.random() < 0.4:
            column = pairs[0][0]
            using = f" using ({written(self.random, column.name)})"
            fields = [*scope.fields, *(f for f in right.fields if f.name not in common)]
            node = of("from", left, f" {kind} ", right.node, using)
            return node, self.scope(fields, unique, outside)
        fields = told_apart(scope.fields, right.fields)
        joined = self.scope(fields, marked(unique, fields), outside)
        condition = self.condition(joined, right)
        return of("from", left, f" {kind} ", right.node, " on ", condition), joined

    def condition(self, joined: Scope, right: Source) -> Node:
        theirs = {f.table for f in right.fields}
        pairs = [
            (a, b)
            for a in joined.fields
            for b in joined.fields
            if a.table not in theirs and b.table in theirs and a.kind == b.kind
        ]
        makes = Expressions(self.random, Scope(joined.fields, None), 1, self.words)
        if not pairs or self.random.random() < 0.1:
            return makes.expr("bool")
        a, b = self.random.choice(pairs)
        makes.scope = Scope([a, b], None)
        equal = of("bool", qualified_name(self.random, a), " = ", qualified_name(self.random, b))
        if self.random.random() < 0.25:
            makes.scope = Scope(joined.fields, None)
            word = self.random.choice([" and ", " and ", " or "])
            return of("bool", equal, word, makes.expr("bool"))
        return equal


def qualified_name(random: Random, column: Field) -> str:
    return f"{written(random, column.table)}.{written(random, column.name)}"


def told_apart(left: list[Field], right: list[Field]) -> list[Field]:
    """Fields of both, of which those with one name want their table's."""
    names = [f.name for f in [*left, *right]]
    return [replace(f, shared=f.shared or names.count(f.name) > 1) for f in [*left, *right]]


def marked(unique: list[Field] | None, fields: list[Field]) -> list[Field] | None:
    if unique is None:
        return None
    return [f for u in unique for f in fields if (f.table, f.name) == (u.table, u.name)]
