"""Random queries: SELECT with all its clauses, set operations, WITH, and queries in queries.

In: a schema, a seed and a number. Out: a tree, and the outputs by whose values the rows are
ordered first. Where LIMIT or OFFSET cuts, all outputs order the rows, so that equal rows alone
could stand in the place of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from random_irs.schemas import Schema

from random_sql.expressions import Expressions
from random_sql.groups import Groups, joined
from random_sql.scope import EVERY, Field, Scope, words_of, written
from random_sql.sources import Known, Sources
from random_sql.tree import NOTHING, Node, listed, maybe, of
from random_sql.windows import windowed

ALIASES = ["a", "b", "n", "total", "Ü", "A b", "x", "key", "value", "year"]
SETS = ["union", "union all", "intersect", "except", "union distinct", "except all"]


@dataclass
class Selected:
    node: Node
    fields: list[Field]
    distinct: bool = False
    # The scope behind the outputs, where ORDER BY may speak of it.
    scope: Scope | None = None


class Queries:
    """Makes one text."""

    def __init__(self, random: Random, schema: Schema) -> None:
        self.random = random
        self.words = words_of(schema)
        # Most texts are of forms that AIR takes alone, as one that it does not refuses all.
        self.bold = random.random() < 0.12
        self.sources = Sources(random, schema, self.words, self.bold)
        self.sources.derived = self.derived
        self.nested = 0

    def text(self) -> Node:
        named: Node | str = NOTHING
        if self.random.random() < 0.15:
            named = self.with_()
        selected = self.sets() if self.random.random() < 0.12 else self.select(None)
        return of("text", named, selected.node, self.ending(selected))

    # ------------------------------------------------------------------ queries in queries

    def with_(self) -> Node:
        parts = []
        for n in range(self.random.choice([1, 1, 2])):
            query, fields = self.derived()
            name = self.random.choice(["c", "Known", "t"]) + str(n)
            parts.append(of("cte", f"{written(self.random, name)} as (", query, ")"))
            self.sources.known.append(Known(name, fields))
        return of("part", "with ", listed("with", parts), " ")

    def derived(self) -> tuple[Node, list[Field]]:
        self.nested += 1
        selected = self.select(None, named=True)
        self.nested -= 1
        node = selected.node
        if self.random.random() < 0.15:
            node = of("query", node, self.cut(selected.fields))
        return node, selected.fields

    def cut(self, fields: list[Field]) -> Node:
        places = ", ".join(str(n + 1) for n in range(len(fields)))
        return maybe(f" order by {places} limit {self.random.randint(0, 5)}")

    def subquery(self, scope: Scope, kinds: list[str], single: bool) -> Node:
        self.nested += 1
        try:
            if single and self.random.random() < 0.75:
                return self.one_group(scope, kinds[0])
            selected = self.select(scope, kinds, star=False)
            node = selected.node
            if self.random.random() < 0.15:
                # What speaks of the query around stands deeper than the subquery itself.
                node = of("query", "select * from (", node, ") as within")
            if single:
                return of("query", node, f" order by 1 limit {self.random.choice('0111')}")
            return node
        finally:
            self.nested -= 1

    def one_group(self, outside: Scope, kind: str) -> Node:
        """A query of exactly one row."""
        from_, scope = self.sources.from_(outside, 0)
        groups = Groups(self.random, self.expressions(scope, 1))
        return of("query", "select ", groups.aggregate(kind), from_, self.where(scope))

    # ------------------------------------------------------------------ one SELECT

    def expressions(self, scope: Scope, deep: int) -> Expressions:
        made = Expressions(self.random, scope, deep, self.words, self.bold)
        if self.nested < 2 and self.random.random() < 0.3:
            made.subquery = self.subquery
        return made

    def where(self, scope: Scope) -> Node:
        if self.random.random() < 0.45:
            return NOTHING
        return maybe(" where ", self.expressions(scope, self.random.randint(1, 2)).bool_())

    def select(
        self,
        outside: Scope | None,
        kinds: list[str] | None = None,
        *,
        named: bool = False,
        star: bool = True,
    ) -> Selected:
        if outside is None and self.random.random() < 0.04:
            from_, scope = NOTHING, Scope([], None)
        else:
            from_, scope = self.sources.from_(outside, 2 - self.nested)
        if kinds is None and scope.fields and self.random.random() < 0.3:
            return Groups(self.random, self.expressions(scope, 2)).select(
                from_, self.where(scope), scope, self.named if named else self.item
            )
        if star and kinds is None and scope.fields and self.random.random() < 0.06 and not named:
            node = of("query", "select *", from_, self.where(scope))
            # Columns of kinds that no expression names are among them, so no place is known.
            return Selected(node, [])
        return self.plain(from_, scope, kinds, named)

    def plain(self, from_: Node, scope: Scope, kinds: list[str] | None, named: bool) -> Selected:
        random = self.random
        makes = self.expressions(scope, random.choice([0, 1, 1, 2, 2, 3]))
        wanted = kinds or [makes.any_kind() for _ in range(random.randint(1, 3))]
        items, fields = [], []
        distinct = random.random() < 0.1
        for place, kind in enumerate(wanted):
            value = None
            if kinds is None and scope.fields and random.random() < 0.15:
                value, kind = windowed(random, makes, scope)
            value = value or makes.expr(kind)
            item, name = (self.named if named else self.item)(value, place, scope)
            items.append(item)
            fields.append(Field(name, kind))
        word: Node | str = "select distinct " if distinct else "select "
        if not distinct and kinds is None and not named and scope.fields and random.random() < 0.04:
            return self.first_rows(makes, from_, scope)
        node = of("query", word, listed("items", items), from_, self.where(scope))
        return Selected(node, fields, distinct, scope)

    def first_rows(self, makes: Expressions, from_: Node, scope: Scope) -> Selected:
        """DISTINCT ON columns in an order of all outputs, so that equal rows alone are left out."""
        kinds = [makes.any_kind() for _ in range(self.random.randint(1, 3))]
        columns = [column for kind in kinds if (column := makes.column(kind)) is not None]
        if not columns:
            return self.plain(from_, scope, kinds, True)
        listed_ = listed("items", [of("item", column) for column in columns])
        keys = listed("items", [of("item", column) for column in columns])
        on = of("part", "distinct on (", columns[0], ") ")
        node = of("query", "select ", on, listed_, from_, self.where(scope), " order by ", keys)
        return Selected(node, [])

    def item(self, value: Node, _place: int, scope: Scope) -> tuple[Node, str]:
        """An output, perhaps under a name; the name is empty where it is PostgreSQL's."""
        chance = self.random.random()
        if chance < 0.45:
            return of("item", value), ""
        name = self.random.choice(ALIASES)
        if chance > 0.88 and scope.fields:
            name = self.random.choice(scope.fields).name
        return of("item", value, maybe(f" as {written(self.random, name)}")), name

    def named(self, value: Node, place: int, _scope: Scope) -> tuple[Node, str]:
        """An output under a name of its own."""
        name = f"{self.random.choice(ALIASES)}{place}"
        return of("item", value, f" as {written(self.random, name)}"), name

    # ------------------------------------------------------------------ what follows

    def sets(self) -> Selected:
        kinds = [self.random.choice(EVERY) for _ in range(self.random.randint(1, 3))]
        first = self.select(None, kinds)
        node = first.node
        for _ in range(self.random.choice([1, 1, 2])):
            other = self.select(None, kinds)
            op = self.random.choices(SETS, [4, 4, 3, 3, 1, 0.3 if self.bold else 0])[0]
            node = of("query", node, f" {op} ", other.node)
        return Selected(node, first.fields, True)

    def ending(self, selected: Selected) -> Node:
        """ORDER BY, LIMIT and OFFSET."""
        random = self.random
        if not selected.fields:
            return NOTHING
        places = list(range(len(selected.fields)))
        random.shuffle(places)
        if random.random() < 0.25:
            keys = [self.direction(of(f"key {place}", str(place + 1))) for place in places]
            cut = maybe(f" limit {random.choice([0, 1, 3, 10, 100])}")
            offset = maybe(f" offset {random.randint(0, 4)}")
            cuts = [cut, offset] if random.random() < 0.4 else [cut]
            return of("part", " order by ", of("keys", *joined(keys)), *cuts)
        if random.random() < 0.4:
            return NOTHING
        places = places[: random.randint(1, 2)]
        keys = [self.direction(self.key(selected, place)) for place in places]
        if selected.scope is not None and not selected.distinct and random.random() < 0.25:
            makes = Expressions(random, selected.scope, 1, self.words)
            keys.append(self.direction(makes.expr(makes.any_kind())))
        return maybe(" order by ", of("keys", *joined(keys)))

    def key(self, selected: Selected, place: int) -> Node:
        name = selected.fields[place].name
        names = [f.name for f in selected.fields]
        if name and names.count(name) == 1 and self.random.random() < 0.6:
            return of(f"key {place}", written(self.random, name))
        return of(f"key {place}", str(place + 1))

    def direction(self, key: Node) -> Node:
        way = self.random.choice(["", "", " asc", " desc", " desc"])
        nulls = self.random.choice(["", "", " nulls first", " nulls last"])
        return of("direction", key, way, nulls)


def make_text(seed: int, schema_number: int, number: int, schema: Schema) -> Node:
    return Queries(Random(f"sql {seed} {schema_number} {number}"), schema).text()  # noqa: S311


def keys_of(text: Node) -> list[int]:
    """Places of the outputs by whose values the rows are ordered first."""
    kinds = [node.kind for node in text.inner() if node.kind.startswith("key ")]
    return [int(kind.removeprefix("key ")) for kind in kinds]
