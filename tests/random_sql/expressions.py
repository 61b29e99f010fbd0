"""Random expressions of SQL, of a kind that is asked for.

In: the scope, and how deep it may go. Out: a tree. Most forms are on AIR's list
(`engine/src/query/expressions.rs`); some are not, or mean something that has to be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import ClassVar

from random_irs.schemas import WORDS

from random_sql.scope import EVERY, Scope, plain_text, qualified, reference
from random_sql.tree import Node, listed, maybe, of

NUMBERS = ("int", "dec", "dbl")
COMPARISONS = ["=", "<>", "<", "<=", ">", ">=", "!="]
TRUTHS = ["true", "false", "unknown", "not true", "not false", "not unknown"]
UNITS = ["minute", "hour", "day", "week", "month", "quarter", "year"]
OTHER_UNITS = ["second", "decade", "MONTH"]
PARTS = ["year", "quarter", "month", "week", "day", "dow", "doy"]
PARTS_OF_CLOCKS = [*PARTS, "hour", "minute"]
OTHER_PARTS = ["isodow", "second", "epoch", "hour"]
INTERVALS = ["1 day", "2 months", "1 month 2 days", "36 hours", "90 minutes", "1 year", "-1 week"]
OTHER_INTERVALS = ["1.5 days", "P1D", "1 day ago", "01:30:00", "1 fortnight"]
DATES = ["2024-02-29", "2024-01-31", "2023-12-31", "1969-12-31", "2024-03-10"]
CLOCKS = ["2024-02-29 23:59:59.999999", "2024-01-31 12:30:00", "2023-11-05", "1970-01-01 00:00:00"]
PATTERNS = [
    "a%", "%a", "_", "%", "", "%\\%%", "a\\_b", "%é%", "A%", "%''%", "\\\\%", "_%b", "%SS%", "i%",
]  # fmt: skip
INTS = ["0", "1", "2", "3", "-1", "7", "10", "100", "2147483647", "2147483648", "-2", "1000000"]
DECIMALS = ["1.5", "0.1", "-2.25", "1e2", "1.5e-3", ".5", "0.0", "3.", "1000000.000001", "0.05"]
TYPES = {
    "int": ["int", "integer", "bigint", "smallint", "int4"],
    "dec": ["numeric(12, 2)", "decimal(20, 4)", "numeric(38, 10)", "numeric(5)"],
    "dbl": ["double precision", "float8"],
    "text": ["text", "varchar"],
    "bool": ["boolean"],
    "date": ["date"],
    "ts": ["timestamp", "timestamp without time zone"],
    "tz": ["timestamptz", "timestamp with time zone"],
}
OTHER_TYPES = {"dec": ["numeric"], "dbl": ["real"], "text": ["varchar(3)", "char(2)"]}
CASTS = {
    "int": ["int", "int", "dec"],
    "dec": ["int", "dec"],
    "dbl": ["int", "dec", "dbl"],
    "text": ["int", "dec", "text", "date"],
    "bool": ["bool"],
    "date": ["ts", "date", "tz"],
    "ts": ["date", "ts", "tz"],
    "tz": ["ts", "date", "tz"],
}
OTHER_CASTS = {
    "int": ["text", "dbl", "bool"], "dec": ["text", "dbl"], "dbl": ["text"],
    "text": ["bool", "dbl", "ts", "tz"], "bool": ["int", "text"], "date": ["text"], "ts": ["text"],
}  # fmt: skip


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Expressions:
    """Makes expressions over one scope."""

    def __init__(
        self, random: Random, scope: Scope, deep: int, words: list[str], bold: bool = False
    ) -> None:
        self.random = random
        self.scope = scope
        self.deep = deep
        self.words = words
        # Whether forms come up that AIR does not take.
        self.bold = bold
        # Makes a query of some kinds of outputs, where expressions may hold one.
        self.subquery: Callable[[Scope, list[str], bool], Node] | None = None

    def expr(self, kind: str) -> Node:
        """An expression; brackets stand where precedence would need them."""
        if self.deep <= 0 or self.random.random() < 0.3:
            return self.leaf(kind)
        self.deep -= 1
        try:
            if self.random.random() < 0.2:
                return self.of_any(kind)
            return self.makers[kind](self)
        finally:
            self.deep += 1

    def any_kind(self, kinds: tuple[str, ...] = EVERY) -> str:
        """A kind, more often one that there are columns of."""
        known = sorted({f.kind for f in self.scope.fields if f.kind in kinds})
        return self.random.choice(known if known and self.random.random() < 0.85 else list(kinds))

    def column(self, kind: str) -> Node | None:
        inside = self.scope.of(kind)
        outside = [f for f in self.scope.outside if f.kind == kind]
        if outside and (not inside or self.random.random() < 0.3):
            return qualified(self.random, self.random.choice(outside))
        return reference(self.random, self.random.choice(inside)) if inside else None

    def leaf(self, kind: str) -> Node:
        found = self.column(kind)
        if found is not None and self.random.random() < 0.75:
            return found
        return of(kind, "null") if self.random.random() < 0.06 else of(kind, self.literal(kind))

    def literal(self, kind: str) -> str:
        random = self.random
        match kind:
            case "int":
                return random.choice(INTS)
            case "dec":
                return random.choice(DECIMALS)
            case "dbl":
                return f"cast({random.choice([*INTS, *DECIMALS])} as double precision)"
            case "text":
                return self.text_literal()
            case "bool":
                return random.choice(["true", "false"])
            case "date":
                return random.choice(["current_date", *(f"date '{d}'" for d in DATES)])
            case "ts":
                return f"timestamp '{random.choice(CLOCKS)}'"
            case _:
                return random.choice(["now()", f"timestamptz '{random.choice(CLOCKS[:2])}+00'"])

    def text_literal(self) -> str:
        word = self.random.choice(
            self.words if self.words and self.random.random() < 0.6 else WORDS
        )
        word = plain_text(word)
        if self.other(0.1):
            return "E" + quoted(word.replace("\\", "\\\\"))
        return quoted(word)

    # ------------------------------------------------------------------ of every kind

    def of_any(self, kind: str) -> Node:
        a, b = self.expr(kind), self.expr(kind)
        choices: list[Callable[[], Node]] = [
            lambda: of(kind, "coalesce(", listed("list", [a, b, self.leaf(kind)]), ")"),
            lambda: of(kind, "nullif(", a, ", ", b, ")"),
            lambda: of(kind, self.random.choice(["greatest", "least"]), "(", a, ", ", b, ")"),
            lambda: self.case(kind),
            lambda: self.case(kind),
            lambda: self.case_of(kind),
            lambda: self.cast(kind),
        ]
        if self.subquery is not None:
            choices.append(lambda: self.scalar(kind))
        return self.random.choice(choices)()

    def case(self, kind: str) -> Node:
        whens = [
            of("when", " when ", self.condition(), " then ", self.expr(kind))
            for _ in range(self.random.randint(1, 2))
        ]
        otherwise = maybe(" else ", self.leaf(kind)) if self.random.random() < 0.7 else ""
        return of(kind, "case", listed("whens", whens, ""), otherwise, " end")

    def condition(self) -> Node:
        """Mostly no bare truth value."""
        return self.bool_() if self.deep > 0 or self.random.random() < 0.7 else self.leaf("bool")

    def case_of(self, kind: str) -> Node:
        asked = self.any_kind(("int", "text", "bool", "date"))
        whens = [
            of("when", " when ", self.leaf(asked), " then ", self.leaf(kind)) for _ in range(2)
        ]
        otherwise = maybe(" else ", self.leaf(kind))
        return of(kind, "case ", self.expr(asked), listed("whens", whens, ""), otherwise, " end")

    def other(self, chance: float = 0.2) -> bool:
        """Whether a form comes now that AIR does not take."""
        return self.bold and self.random.random() < chance

    def cast(self, kind: str) -> Node:
        value = self.expr(self.random.choice(CASTS[kind]))
        wanted = self.random.choice(TYPES[kind])
        if self.other() and kind in OTHER_CASTS:
            value = self.expr(self.random.choice(OTHER_CASTS[kind]))
        if self.other() and kind in OTHER_TYPES:
            wanted = self.random.choice(OTHER_TYPES[kind])
        if self.random.random() < 0.5:
            return of(kind, "(", value, f")::{wanted}")
        return of(kind, "cast(", value, f" as {wanted})")

    def scalar(self, kind: str) -> Node:
        assert self.subquery is not None
        return of(kind, "(", self.subquery(self.scope, [kind], True), ")")

    # ------------------------------------------------------------------ numbers

    def call(self, kind: str, names: list[str], *args: Node | str) -> Node:
        name = self.random.choice(names)
        return of(kind, name, "(", *args, ")")

    def operated(self, kind: str, a: Node, ops: str, b: Node) -> Node:
        return of(kind, "(", a, f" {self.random.choice(ops.split())} ", b, ")")

    def int_(self) -> Node:
        a, b = self.expr("int"), self.expr("int")
        if self.other():
            return self.random.choice(
                [
                    of("int", "mod(", a, ", ", b, ")"),
                    of("int", "sign(", a, ")"),
                    of("int", "strpos(", self.expr("text"), ", ", self.leaf("text"), ")"),
                    of("int", "(", a, " # ", b, ")"),
                ]
            )
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("int", a, "+ - *", b),
            lambda: self.operated("int", a, "/ %", b),
            lambda: of("int", a, f" {self.random.choice('+-*/%')} ", b),
            lambda: of("int", "(- ", a, ")"),
            lambda: self.call("int", ["abs"], a),
            lambda: self.call("int", ["length", "char_length"], self.expr("text")),
            self.part,
            lambda: self.operated("int", self.expr("date"), "-", self.expr("date")),
            lambda: of("int", "cast(round(", self.expr("dec"), ") as bigint)"),
        ]
        return self.random.choices(choices, [6, 6, 3, 2, 2, 3, 3, 2, 2])[0]()

    def part(self) -> Node:
        kind = self.any_kind(("date", "ts", "tz"))
        part = self.random.choice(PARTS if kind == "date" else PARTS_OF_CLOCKS)
        if self.other():
            part = self.random.choice(OTHER_PARTS)
        form = self.random.choice(["extract({} from ", "date_part('{}', "]).format(part)
        if self.random.random() < 0.7:
            return of("int", "cast(", form, self.expr(kind), ") as int)")
        return of("int", form, self.expr(kind), ")")

    def dec(self) -> Node:
        a, b = self.expr("dec"), self.expr(self.any_kind(NUMBERS[:2]))
        if self.other():
            return self.random.choice(
                [of("dec", "(", a, " % ", b, ")"), of("dec", "trunc(", a, ", 1)")]
            )
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("dec", a, "+ - *", b),
            lambda: self.operated("dec", b, "+ - *", a),
            lambda: self.operated("dec", a, "/", b),
            lambda: of("dec", "round(", a, f", {self.random.randint(0, 3)})"),
            lambda: self.call("dec", ["round", "floor", "ceil", "ceiling", "abs"], a),
            lambda: of("dec", "(- ", a, ")"),
        ]
        return self.random.choices(choices, [6, 4, 4, 4, 4, 2])[0]()

    def dbl(self) -> Node:
        a, b = self.expr("dbl"), self.expr(self.any_kind(NUMBERS))
        if self.other():
            return self.call("dbl", ["sqrt", "round", "trunc", "sign"], a)
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("dbl", a, "+ - *", b),
            lambda: self.operated("dbl", b, "+ - * /", a),
            lambda: self.operated("dbl", a, "/", b),
            lambda: self.call("dbl", ["floor", "ceil", "abs"], a),
            lambda: of("dbl", "(- ", a, ")"),
        ]
        return self.random.choices(choices, [5, 4, 4, 3, 2])[0]()

    # ------------------------------------------------------------------ text

    def text(self) -> Node:
        a, b = self.expr("text"), self.expr("text")
        start, count = self.random.randint(1, 3), self.random.randint(0, 3)
        if self.other():
            return self.other_text(a, b)
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("text", a, "||", b),
            lambda: self.operated("text", a, "||", self.leaf(self.any_kind(("int", "text")))),
            lambda: of("text", "concat(", listed("list", [a, b, self.leaf("text")]), ")"),
            lambda: self.call("text", ["lower", "upper", "trim", "btrim"], a),
            lambda: of("text", "substr(", a, f", {start}", maybe(f", {count}"), ")"),
            lambda: of("text", "substring(", a, f" from {start}", maybe(f" for {count}"), ")"),
            lambda: of("text", "substring(", a, f", {start}", maybe(f", {count}"), ")"),
            lambda: of("text", "cast(", self.expr(self.any_kind(("int", "dec"))), " as text)"),
        ]
        return self.random.choices(choices, [4, 1, 3, 4, 2, 2, 1, 3])[0]()

    def other_text(self, a: Node, b: Node) -> Node:
        start, count = self.random.randint(-1, 3), self.random.randint(-1, 3)
        return self.random.choice(
            [
                of("text", "replace(", a, ", ", b, ", 'x')"),
                of("text", "left(", a, f", {count})"),
                self.call("text", ["ltrim", "rtrim", "reverse", "initcap"], a),
                of("text", "substr(", a, f", {start}, {count})"),
                of("text", "substr(", a, ", ", self.leaf("int"), ")"),
                of("text", "(", a, " || ", self.leaf(self.any_kind()), ")"),
                of("text", "concat(", a, ", ", self.leaf(self.any_kind()), ")"),
                of("text", "cast(", self.expr(self.any_kind()), " as text)"),
                of("text", "trim(both 'a' from ", a, ")"),
            ]
        )

    # ------------------------------------------------------------------ times

    def date(self) -> Node:
        a = self.expr("date")
        if self.other(0.3):
            return self.operated("date", a, "+ -", self.leaf("int"))
        choices: list[Callable[[], Node]] = [
            lambda: of("date", "cast(", self.expr(self.any_kind(("ts", "tz"))), " as date)"),
            lambda: of("date", "cast(date_trunc(", self.unit(), ", ", a, ") as date)"),
            lambda: self.operated("date", a, "+ -", of("int", str(self.random.randint(-40, 40)))),
        ]
        return self.random.choice(choices)()

    def ts(self) -> Node:
        value = self.expr(self.any_kind(("date", "ts")))
        if self.other():
            return of("ts", "(", self.expr("tz"), " at time zone 'UTC')")
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("ts", value, "+ -", self.interval()),
            lambda: of("ts", "date_trunc(", self.unit(), ", ", self.expr("ts"), ")"),
            lambda: of("ts", "cast(", self.expr("date"), " as timestamp)"),
        ]
        return self.random.choices(choices, [5, 4, 2])[0]()

    def tz(self) -> Node:
        value = self.expr(self.any_kind(("date", "tz")))
        choices: list[Callable[[], Node]] = [
            lambda: self.operated("tz", self.expr("tz"), "+ -", self.interval()),
            lambda: of("tz", "date_trunc(", self.unit(), ", ", value, ")"),
            lambda: of("tz", "cast(", self.expr("ts"), " as timestamptz)"),
        ]
        return self.random.choice(choices)()

    def unit(self) -> str:
        return quoted(self.random.choice(OTHER_UNITS if self.other() else UNITS))

    def interval(self) -> Node:
        if self.other():
            return of("interval", f"interval '{self.random.choice(OTHER_INTERVALS)}'")
        return of("interval", f"interval '{self.random.choice(INTERVALS)}'")

    # ------------------------------------------------------------------ truth

    def bool_(self) -> Node:
        choices: list[Callable[[], Node]] = [
            self.compared, self.compared, self.compared, self.mixed, self.written_as_text,
            self.joined, self.joined, self.negated, self.in_list, self.in_list, self.between,
            self.distinct, self.truth, self.null_test, self.like, self.like,
        ]  # fmt: skip
        if self.subquery is not None:
            choices += [self.exists, self.in_query, self.in_query]
        return self.random.choice(choices)()

    def compared(self) -> Node:
        kind = self.any_kind()
        op = self.random.choice(COMPARISONS)
        return of("bool", "(", self.expr(kind), f" {op} ", self.expr(kind), ")")

    def mixed(self) -> Node:
        """Kinds that are compared as one of them, or not at all."""
        groups = [NUMBERS, NUMBERS, ("date", "ts", "tz"), ("int", "text"), ("bool", "int")]
        group = self.random.choice(groups if self.bold else groups[:3])
        a, b = self.random.choice(group), self.random.choice(group)
        op = self.random.choice(COMPARISONS)
        return of("bool", "(", self.expr(a), f" {op} ", self.expr(b), ")")

    def written_as_text(self) -> Node:
        """A constant in quotes, whose type is the other side's."""
        kind = self.any_kind(("int", "dec", "dbl", "date", "ts", "tz", "bool"))
        texts = {
            "int": ["5", " 7 ", "0"], "dec": ["1.50", "2", "1e1"], "dbl": ["1.5", "2"],
            "date": DATES, "ts": [*CLOCKS, *DATES], "tz": [*DATES, "2024-01-01 00:00:00+02"],
            "bool": ["t", "false", "yes"],
        }  # fmt: skip
        text = quoted(self.random.choice(texts[kind]))
        op = self.random.choice(COMPARISONS)
        return of("bool", "(", self.expr(kind), f" {op} {text})")

    def joined(self) -> Node:
        op = self.random.choice([" and ", " or "])
        parts = [self.expr("bool") for _ in range(self.random.randint(2, 3))]
        return of("bool", "(", listed("list", parts, op), ")")

    def negated(self) -> Node:
        return of("bool", "(not ", self.expr("bool"), ")")

    def in_list(self) -> Node:
        kind = self.any_kind()
        items = [self.leaf(kind) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.25:
            items.append(of(kind, "null"))
        word = self.random.choice([" in (", " not in ("])
        return of("bool", "(", self.expr(kind), word, listed("list", items), "))")

    def between(self) -> Node:
        kind = self.any_kind(("int", "dec", "dbl", "text", "date", "ts", "tz"))
        word = self.random.choice([" between ", " not between "])
        if self.other():
            word += "symmetric "
        return of(
            "bool", "(", self.expr(kind), word, self.leaf(kind), " and ", self.leaf(kind), ")"
        )

    def distinct(self) -> Node:
        kind = self.any_kind()
        word = self.random.choice([" is distinct from ", " is not distinct from "])
        return of("bool", "(", self.expr(kind), word, self.leaf(kind), ")")

    def truth(self) -> Node:
        return of("bool", "(", self.expr("bool"), f" is {self.random.choice(TRUTHS)})")

    def null_test(self) -> Node:
        word = self.random.choice([" is null", " is not null"])
        return of("bool", "(", self.expr(self.any_kind()), f"{word})")

    def like(self) -> Node:
        word = self.random.choice(["like", "not like", "ilike", "not ilike"])
        pattern = f"'{self.random.choice(PATTERNS)}'"
        return of("bool", "(", self.expr("text"), f" {word} {pattern})")

    def exists(self) -> Node:
        assert self.subquery is not None
        word = self.random.choice(["exists (", "not exists ("])
        return of("bool", "(", word, self.subquery(self.scope, [self.any_kind()], False), "))")

    def in_query(self) -> Node:
        assert self.subquery is not None
        kind = self.any_kind()
        word = self.random.choice([" in (", " in (", " not in ("])
        if self.other():
            word = " = any ("
        return of(
            "bool", "(", self.expr(kind), word, self.subquery(self.scope, [kind], False), "))"
        )

    makers: ClassVar[dict[str, Callable[[Expressions], Node]]] = {
        "int": int_, "dec": dec, "dbl": dbl, "text": text, "bool": bool_, "date": date,
        "ts": ts, "tz": tz,
    }  # fmt: skip
