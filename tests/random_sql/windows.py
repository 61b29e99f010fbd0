"""Random window functions, with an order that leaves no choice where the answer hangs on it."""

from __future__ import annotations

from random import Random

from random_sql.expressions import Expressions
from random_sql.scope import Scope, reference
from random_sql.tree import Node, listed, maybe, of

FRAMES = [
    "rows between unbounded preceding and current row", "rows between 1 preceding and 1 following",
    "rows 2 preceding", "rows between current row and unbounded following",
    "rows between unbounded preceding and unbounded following",
    "rows between 3 preceding and 1 preceding",
]  # fmt: skip
BY_VALUE = [
    "range between unbounded preceding and current row",
    "range between unbounded preceding and unbounded following",
    "groups between 1 preceding and current row",
]


def windowed(random: Random, makes: Expressions, scope: Scope) -> tuple[Node, str]:
    """A function over a window, and its kind."""
    partition = maybe("partition by ", listed("list", [makes.leaf(makes.any_kind())]), " ")
    if random.random() < 0.4:
        partition = of("part", "")
    # Ties are equal for these, whatever their order.
    tied: list[tuple[Node | str, str]] = [("rank()", "int"), ("dense_rank()", "int")]
    tied += [("percent_rank()", "dbl"), ("cume_dist()", "dbl")]
    if scope.unique is None or random.random() < 0.4:
        order = keys(random, makes, scope, total=False)
        if random.random() < 0.5:
            aggregate, kind = over(random, makes)
            frame = random.choice(["", "", *BY_VALUE]) if order else ""
            ordered: Node | str = order if order and random.random() < 0.5 else ""
            if not ordered:
                frame = ""
            return of(kind, aggregate, " over (", partition, ordered, f" {frame})"), kind
        call, kind = random.choice(tied)
        return of(kind, call, " over (", partition, order, ")"), kind
    order = keys(random, makes, scope, total=True)
    kind = makes.any_kind()
    value = makes.leaf(kind)
    aggregate, of_aggregate = over(random, makes)
    frame = f" {random.choice(FRAMES)}"
    choices: list[tuple[list[Node | str], str, str]] = [
        (["row_number()"], "int", ""),
        (["ntile(3)"], "int", ""),
        (["lag(", value, ")"], kind, ""),
        (["lead(", value, ", 2)"], kind, ""),
        (["lag(", value, ", 1, ", makes.leaf(kind), ")"], kind, ""),
        (["first_value(", value, ")"], kind, random.choice(["", frame])),
        (["last_value(", value, ")"], kind, random.choice(["", frame])),
        (["nth_value(", value, ", 2)"], kind, ""),
        ([aggregate], of_aggregate, frame),
        ([aggregate], of_aggregate, frame),
    ]
    call_parts, shown, frame = random.choice(choices)
    return of(shown, *call_parts, " over (", partition, order, f"{frame})"), shown


def over(random: Random, makes: Expressions) -> tuple[Node, str]:
    number = makes.any_kind(("int", "dec", "dbl"))
    summed = "dec" if number == "int" else number
    value = makes.leaf(number)
    filtered: Node | str = ""
    if random.random() < 0.15:
        filtered = maybe(" filter (where ", makes.expr("bool"), ")")
    return random.choice(
        [
            (of("int", "count(*)", filtered), "int"),
            (of("int", "count(", makes.leaf(makes.any_kind()), ")", filtered), "int"),
            (of(summed, "sum(", value, ")", filtered), summed),
            (of("dbl", "avg(", value, ")", filtered), "dbl"),
            (of(number, random.choice(["min", "max"]), "(", value, ")", filtered), number),
        ]
    )


def keys(random: Random, makes: Expressions, scope: Scope, *, total: bool) -> Node:
    way = random.choice(["", "", " desc", " desc nulls last", " nulls first"])
    found = [of("key", makes.leaf(makes.any_kind()), way)]
    if total and scope.unique:
        found += [of("key", reference(random, f)) for f in scope.unique]
        # None of these may be left out when it is made small.
        parts: list[Node | str] = []
        for key in found:
            parts += [", ", key] if parts else [key]
        return of("part", "order by ", *parts)
    return of("part", "order by ", listed("keys", found))
