"""Random groups: GROUP BY in every form, aggregates, HAVING."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from random_sql.expressions import Expressions
from random_sql.scope import Field, Scope, written
from random_sql.tree import NOTHING, Node, maybe, of

if TYPE_CHECKING:
    from random_sql.queries import Selected

Item = Callable[[Node, int, Scope], tuple[Node, str]]
NUMBERS = ("int", "dec", "dbl")


class Groups:
    """Makes queries with groups over one scope."""

    def __init__(self, random: Random, makes: Expressions) -> None:
        self.random = random
        self.makes = makes

    def aggregate(self, kind: str) -> Node:
        """An aggregate of that kind of value."""
        a = self.makes.expr(kind)
        filtered: Node | str = ""
        if self.random.random() < 0.2:
            filtered = maybe(" filter (where ", self.makes.expr("bool"), ")")
        distinct = "distinct " if self.random.random() < 0.12 else ""
        forms: list[Callable[[], Node]] = []
        match kind:
            case "int":
                any_ = self.makes.expr(self.makes.any_kind())
                forms = [
                    lambda: of("int", "count(*)", filtered),
                    lambda: of("int", f"count({distinct}", any_, ")", filtered),
                    lambda: of("int", f"sum({distinct}", a, ")", filtered),
                    lambda: of("int", "max(", a, ")", filtered),
                ]
            case "dec":
                number = self.makes.expr(self.random.choice(["int", "dec"]))
                forms = [
                    lambda: of("dec", f"sum({distinct}", a, ")", filtered),
                    lambda: of("dec", f"avg({distinct}", number, ")", filtered),
                    lambda: of("dec", "min(", a, ")", filtered),
                ]
            case "dbl":
                number = self.makes.expr(self.random.choice(NUMBERS))
                name = self.random.choice(
                    ["stddev", "variance", "avg", "stddev_samp", "stddev_pop"]
                )
                forms = [
                    lambda: of("dbl", "sum(", a, ")", filtered),
                    lambda: of("dbl", f"{name}(", number, ")", filtered),
                    lambda: of("dbl", "max(", a, ")", filtered),
                ]
            case "bool":
                name = self.random.choice(["bool_and", "bool_or", "every", "max"])
                weights = [name]
                forms = [lambda: of("bool", f"{weights[0]}(", a, ")", filtered)]
            case _:
                name = self.random.choice(["min", "max"])
                forms = [lambda: of(kind, f"{name}(", a, ")", filtered)]
        return self.random.choice(forms)()

    def select(self, from_: Node, where: Node, scope: Scope, item: Item) -> Selected:
        from random_sql.queries import Selected

        random = self.random
        keys = [self.key() for _ in range(random.choice([0, 1, 1, 1, 2]))]
        items, fields, by = [], [], []
        for place, (value, kind) in enumerate(keys):
            node, name = item(value, place, scope)
            items.append(node)
            fields.append(Field(name, kind))
            form = random.random()
            if name and form < 0.25:
                by.append(of("key", written(random, name)))
            elif form < 0.7:
                by.append(of("key", str(place + 1)))
            else:
                by.append(of("key", value))
        for _ in range(random.randint(0 if keys else 1, 3)):
            kind = self.makes.any_kind()
            node, name = item(self.computed(kind, keys), len(items), scope)
            items.append(node)
            fields.append(Field(name, kind))
        grouped = of("part", " group by ", *joined(by)) if by else NOTHING
        having = NOTHING
        if random.random() < 0.2:
            having = maybe(" having ", self.condition())
        node = of("query", "select ", of("items", *joined(items)), from_, where, grouped, having)
        return Selected(node, fields, True)

    def key(self) -> tuple[Node, str]:
        kind = self.makes.any_kind()
        value = self.makes.column(kind) if self.random.random() < 0.6 else None
        return value or self.makes.expr(kind), kind

    def computed(self, kind: str, keys: list[tuple[Node, str]]) -> Node:
        """An aggregate, or an expression over aggregates and keys."""
        first = self.aggregate(kind)
        alike = [value for value, of_kind in keys if of_kind == kind]
        if self.random.random() < 0.65:
            return first
        other = self.random.choice(alike) if alike else self.aggregate(kind)
        if kind in NUMBERS:
            op = self.random.choice([" + ", " - ", " * ", " / "])
            return of(kind, "(", first, op, other, ")")
        if kind == "text":
            return of(kind, "(", first, " || ", other, ")")
        return of(kind, self.random.choice(["coalesce", "greatest"]), "(", first, ", ", other, ")")

    def condition(self) -> Node:
        kind = self.makes.any_kind()
        op = self.random.choice(["=", "<>", "<", ">=", "is distinct from"])
        return of("bool", self.aggregate(kind), f" {op} ", of(kind, self.makes.literal(kind)))


def joined(parts: list[Node]) -> list[Node | str]:
    found: list[Node | str] = []
    for part in parts:
        found += [", ", part] if found else [part]
    return found
