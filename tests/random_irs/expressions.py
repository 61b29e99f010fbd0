"""Random expressions: over the fields of a row, and over the metrics of a group."""

from __future__ import annotations

from random import Random

TEXT_LITERALS = ["'a'", "'A'", "''", "'it''s'", "'é'", "'\\'", "'%'", "' '", "'ss'"]


def of_numbers(random: Random, a: str, b: str) -> tuple[str, str]:
    """An expression over two number columns, and the kind of its value."""
    forms = [
        (f"{a} + {b}", "int"),
        (f"{a} - {b} * 2", "int"),
        (f"{a} * {b}", "int"),
        (f"-{a}", "int"),
        (f"{a} / {b}", "double"),
        (f"{a} / 4", "double"),
        (f"abs({a})", "int"),
        (f"coalesce({a}, 0)", "int"),
        (f"nullif({a}, 1)", "int"),
        (f"least({a}, {b})", "int"),
        (f"greatest({a}, {b}, 0)", "int"),
        (f"round({a} / 8, 1)", "double"),
        (f"floor({a} / 3)", "double"),
        (f"ceil({a} / 3)", "double"),
        (f"round({a})", "double"),
        (f"case when {a} > {b} then {a} when {a} is null then 0 else {b} end", "int"),
        (f"case when {a} in (0, 1, 2) and not {b} = 1 then 'few' else 'many' end", "text"),
        (f"case when {a} >= 0 or {b} is not null then 1 end", "int"),
    ]
    return random.choice(forms)


def of_texts(random: Random, a: str, b: str) -> tuple[str, str]:
    """An expression over two text columns, and the kind of its value."""
    word = random.choice(TEXT_LITERALS)
    forms = [
        (f"length({a})", "int"),
        (f"substr({a}, 1, {random.randint(1, 3)})", "text"),
        (f"substr({a}, {random.randint(2, 3)})", "text"),
        (f"trim({a})", "text"),
        (f"concat({a}, {word})", "text"),
        (f"concat({a}, {b})", "text"),
        (f"coalesce({a}, {b}, {word})", "text"),
        (f"nullif({a}, {word})", "text"),
        (f"case when {a} = {word} then 'same' when {a} is null then 'none' else {b} end", "text"),
        (f"case when contains({a}, {word}) then 'in' end", "text"),
        (f"case when starts_with({a}, {b}) then 'at' else {b} end", "text"),
        (f"case when {a} < {b} then {a} else {b} end", "text"),
        (f"case when ends_with({a}, {word}) then length({a}) else 0 end", "int"),
        (f"case when {a} in ({word}, 'b', 'B') then 1 else 0 end", "int"),
    ]
    return random.choice(forms)


def of_metrics(random: Random, names: list[str]) -> str:
    """An expression over metrics."""
    a, b = random.choice(names), random.choice(names)
    forms = [
        f"{a} / {b}",
        f"{a} + {b}",
        f"{a} - {b}",
        f"{a} * 2",
        f"-{a}",
        f"{a} / 0",
        f"round({a} / {b}, 2)",
        f"coalesce({a}, 0) + 1",
        f"nullif({a}, {b})",
        f"abs({a} - {b})",
        f"least({a}, {b})",
        f"greatest({a}, 0)",
        f"({a} + {b}) / 2",
    ]
    return random.choice(forms)
