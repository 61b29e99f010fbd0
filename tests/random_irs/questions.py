"""Random IRs over a random dataset.

In: a schema and a source of randomness. Out: an IR that mostly means something: fields have the
types their place wants, values are mostly taken from the data, and what the rules refuse comes up
now and then, since a refusal has to be the same everywhere too. Every part of the IR has its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from random_irs.expressions import of_metrics, of_numbers, of_texts
from random_irs.schemas import NUMBERS, SMALL_NUMBERS, TIMES, WORDS, Column, Schema, Table, plain

ZONES = [
    "UTC", "UTC", "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Auckland", "Pacific/Apia",
]  # fmt: skip
GRAINS = [
    "1 day", "1 day", "1 week", "1 month", "1 month", "1 quarter", "1 year", "1 hour",
    "15 minutes", "30 minutes", "6 hours", "3 days", "2 weeks", "5 months", "2 quarters",
    "10 years",
]  # fmt: skip
PARTS = ["hour", "minute", "weekday", "day", "day_of_year", "week", "month", "quarter", "year"]
WEEKDAYS = ["monday", "sunday", "saturday", "wednesday"]
PERIODS = [
    "2024", "2023", "2024-Q1", "2024-02", "2024-03-10", "2024-11-03", "2024-W09",
    "2023-12..2024-03",
    "2024-02-29", "1969", "2000..2025", "2024-10-26..2024-10-28", "today", "this month",
    "previous quarter", "last 7 days", "last 3 months", "past 12 months", "year to date",
]  # fmt: skip
MOMENTS = ["2024-03-10", "2024-03-10T02:30:00", "2024-01-01T00:00:00Z"]
NOW = "2024-11-05T04:30:00Z"
NESTED_NAME = "inner_rows"


@dataclass
class Place:
    """A table as the question sees it: what its fields are prefixed with."""

    prefix: str
    table: Table

    def name(self, column: Column) -> str:
        return f"{self.prefix}.{column.name}" if self.prefix else column.name


@dataclass
class Output:
    """A column of the result."""

    name: str
    kind: str
    dimension: bool
    # Whether other metrics may compute with it.
    scalar: bool = False


@dataclass
class Question:
    """An IR in the making."""

    places: list[Place]
    ir: dict[str, Any]
    outputs: list[Output] = field(default_factory=list)


class Asker:
    """Makes one IR."""

    def __init__(self, random: Random, schema: Schema) -> None:
        self.random = random
        self.schema = schema

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def make(self) -> dict[str, Any]:
        root = self.random.choice(self.schema.tables)
        question = self.rooted(root)
        if self.chance(0.25):
            question.ir["time"] = self.time(root)
        elif self.chance(0.4):
            question.ir["time"] = {"timezone": self.random.choice(ZONES)}
        times = root.of(TIMES)
        if times and self.chance(0.3):
            self.over_time(question, self.random.choice(times))
        self.add_dimensions(question)
        self.add_metrics(question)
        if not question.outputs:
            self.add_metric(question, 0)
        self.add_filters(question)
        self.add_shape(question)
        if self.chance(0.08):
            return self.nested(question)
        return question.ir

    # ------------------------------------------------------------------- entities and joins

    def rooted(self, root: Table) -> Question:
        question = Question([Place("", root)], {"entities": [root.name]})
        if self.chance(0.4):
            return question
        question.places[0].prefix = root.name
        targets = [r.table for r in root.references]
        if len(set(targets)) < len(targets) or (targets and self.chance(0.3)):
            self.join_roles(question, root)
        else:
            for target in targets:
                if self.chance(0.7):
                    self.list_entity(question, self.schema.tables[target])
                    for further in self.schema.tables[target].references:
                        if self.chance(0.3):
                            self.list_entity(question, self.schema.tables[further.table])
        if self.chance(0.15):
            self.list_entity(question, self.random.choice(self.schema.tables))
        return question

    def list_entity(self, question: Question, table: Table) -> None:
        if table.name not in question.ir["entities"]:
            question.ir["entities"].append(table.name)
            question.places.append(Place(table.name, table))

    def join_roles(self, question: Question, root: Table) -> None:
        joins = []
        for number, reference in enumerate(root.references):
            parent = self.schema.tables[reference.table]
            role = self.random.choice([f"role{number}", f'r"{number}', f"r`{number}"])
            left = [f"{root.name}.{name}" for name in reference.columns]
            right = [f"{parent.name}.{name}" for name in parent.key]
            join = {
                "left": left if len(left) > 1 else left[0],
                "right": right if len(right) > 1 else right[0],
                "as": role,
                **({"kind": "inner"} if self.chance(0.3) else {}),
            }
            joins.append(join)
            question.places.append(Place(role, parent))
        question.ir["joins"] = joins

    def time(self, root: Table) -> dict[str, Any]:
        time: dict[str, Any] = {"timezone": self.random.choice(ZONES)}
        times = root.of(TIMES)
        if times and self.chance(0.7):
            name = self.random.choice(times).name
            time["field"] = f"{root.name}.{name}" if self.chance(0.5) else name
        if self.chance(0.3):
            time["week_start"] = self.random.choice(WEEKDAYS)
        if self.chance(0.2):
            time["year_start"] = self.random.randint(1, 12)
        if self.chance(0.15):
            time["fill"] = self.random.choice(["null", "zero", "previous"])
        return time

    def over_time(self, question: Question, column: Column) -> None:
        """The buckets that fill, windows and comparisons refer to."""
        time = question.ir.setdefault("time", {})
        time["field"] = question.places[0].name(column)
        if self.chance(0.35):
            time["fill"] = self.random.choice(["null", "zero", "previous"])
        grain = self.random.choice(["1 day", "1 week", "1 month", "1 month", "1 quarter", "1 year"])
        question.ir["grain"] = grain
        word = self.random.choice(["time", grain.split()[1]])
        self.put_dimension(question, word, "bucket")
        if self.chance(0.8):
            # Few enough buckets for filling them.
            period = self.random.choice(["2024", "2024-Q1", "2024-02", "2023-12..2024-03"])
            name = question.places[0].name(column)
            question.ir["filters"] = [{"field": name, "op": "during", "value": period}]

    # ------------------------------------------------------------------------------ columns

    def pick(self, question: Question, kinds: tuple[str, ...] = ()) -> tuple[Place, Column] | None:
        """A column of some place, the root's most often."""
        places = question.places if self.chance(0.4) else question.places[:1]
        found = [(p, c) for p in places for c in p.table.columns if not kinds or c.kind in kinds]
        return self.random.choice(found) if found else None

    def column(self, question: Question, *kinds: str) -> Column | None:
        """A column of the root that an expression may name."""
        place = question.places[0]
        found = [c for c in place.table.columns if c.plain and c.kind in kinds]
        return self.random.choice(found) if found else None

    def fresh(self, question: Question, stem: str) -> str:
        if self.chance(0.1):
            stem = self.random.choice(['o"', "o`", "SELECT", "ö", "a b", "N"])
        return f"{stem}{len(question.outputs)}"

    # --------------------------------------------------------------------------- dimensions

    def add_dimensions(self, question: Question) -> None:
        makers = [
            self.field_dimension, self.field_dimension, self.bucket, self.part, self.bins,
            self.value_dimension,
        ]  # fmt: skip
        for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])):
            self.random.choice(makers)(question)

    def put_dimension(self, question: Question, dimension: Any, kind: str) -> None:
        name = dimension if isinstance(dimension, str) else dimension["name"]
        if any(output.name == name for output in question.outputs):
            return
        question.ir.setdefault("dimensions", []).append(dimension)
        question.outputs.append(Output(name, kind, dimension=True))

    def field_dimension(self, question: Question) -> None:
        if (found := self.pick(question)) is None:
            return
        place, column = found
        if self.chance(0.6):
            self.put_dimension(question, place.name(column), column.kind)
        else:
            named = {"name": self.fresh(question, "d"), "field": place.name(column)}
            self.put_dimension(question, named, column.kind)

    def bucket(self, question: Question) -> None:
        if (found := self.pick(question, TIMES)) is None:
            return
        place, column = found
        grain = self.random.choice(GRAINS)
        if column.kind == "date" and grain.endswith(("hour", "hours", "minutes")):
            grain = "1 week"
        name = self.fresh(question, "b")
        self.put_dimension(
            question, {"name": name, "field": place.name(column), "grain": grain}, "bucket"
        )

    def part(self, question: Question) -> None:
        if (found := self.pick(question, TIMES)) is None:
            return
        place, column = found
        part = self.random.choice(PARTS[2:] if column.kind == "date" else PARTS)
        named = {"name": self.fresh(question, "p"), "field": place.name(column), "part": part}
        self.put_dimension(question, named, "int")

    def bins(self, question: Question) -> None:
        if (found := self.pick(question, SMALL_NUMBERS)) is None:
            return
        place, column = found
        bounds = sorted({self.random.choice([-10, -0.5, 0, 1, 2.5, 10, 100]) for _ in range(3)})
        named = {"name": self.fresh(question, "n"), "field": place.name(column), "bins": bounds}
        self.put_dimension(question, named, "text")

    def value_dimension(self, question: Question) -> None:
        numbers = self.chance(0.5)
        of = self.column(question, *(SMALL_NUMBERS if numbers else ("text",)))
        if of is None:
            return
        other = self.column(question, *(("int", "short") if numbers else ("text",)))
        make = of_numbers if numbers else of_texts
        text, kind = make(self.random, of.name, (other or of).name)
        self.put_dimension(question, {"name": self.fresh(question, "v"), "value": text}, kind)

    # ------------------------------------------------------------------------------ metrics

    def add_metrics(self, question: Question) -> None:
        for number in range(self.random.choice([0, 1, 1, 2, 2, 3, 4])):
            self.add_metric(question, number)
        scalars = [o for o in question.outputs if not o.dimension and o.scalar]
        if len(scalars) > 1 and self.chance(0.35):
            names = [o.name for o in scalars if o.name.isidentifier()]
            if names:
                expression = of_metrics(self.random, names)
                self.put_metric(question, {"expr": expression}, "double", scalar=True)
        if scalars and self.chance(0.5 if "grain" in question.ir else 0.1):
            self.add_derived(question, self.random.choice(scalars))

    def put_metric(
        self, question: Question, metric: dict[str, Any], kind: str, *, scalar: bool
    ) -> None:
        name = self.fresh(question, "m")
        question.ir.setdefault("metrics", []).append({"name": name, **metric})
        question.outputs.append(Output(name, kind, dimension=False, scalar=scalar))

    def add_metric(self, question: Question, number: int) -> None:
        metric, kind, scalar = self.aggregate(question)
        if self.chance(0.25):
            metric["filter"] = self.condition(question)
        if number == 0 and self.chance(0.3):
            metric, kind, scalar = {"agg": "count"}, "int", True
        self.put_metric(question, metric, kind, scalar=scalar)

    def aggregate(self, question: Question) -> tuple[dict[str, Any], str, bool]:
        agg = self.random.choice(
            ["count", "count_distinct", "sum", "sum", "avg", "min", "max", "median", "percentile",
             "stddev", "variance", "first", "last", "bool_and", "bool_or", "value"]
        )  # fmt: skip
        kinds: tuple[str, ...] = ()
        match agg:
            case "sum" | "avg":
                kinds = NUMBERS
            case "median" | "percentile" | "stddev" | "variance":
                kinds = SMALL_NUMBERS
            case "bool_and" | "bool_or":
                kinds = ("bool",)
            case "min" | "max":
                kinds = (*NUMBERS, "text", *TIMES, "time")
            case "value":
                return self.value_metric(question)
        if (found := self.pick(question, kinds)) is None:
            return {"agg": "count"}, "int", True
        place, column = found
        metric: dict[str, Any] = {"agg": agg, "field": place.name(column)}
        if agg == "percentile":
            metric["p"] = self.random.choice([0, 0.1, 0.25, 0.5, 0.9, 0.999, 1])
            if self.chance(0.3):
                metric["method"] = "disc"
        kept = agg in ("sum", "min", "max", "first", "last")
        kind = column.kind if kept else "int" if agg.startswith("count") else "double"
        return metric, kind, kind in (*NUMBERS, "double")

    def value_metric(self, question: Question) -> tuple[dict[str, Any], str, bool]:
        of, other = self.column(question, "int", "short", "cents"), self.column(question, "int")
        if of is None:
            return {"agg": "count"}, "int", True
        text, kind = of_numbers(self.random, of.name, (other or of).name)
        agg = self.random.choice(["sum", "avg", "min", "max", "count", "count_distinct"])
        if kind not in NUMBERS:
            agg = "count"
        return {"agg": agg, "value": text}, "double", True

    def add_derived(self, question: Question, of: Output) -> None:
        """A share, a window or a comparison of a metric."""
        dimensions = [o.name for o in question.outputs if o.dimension]
        random = self.random
        match random.randint(0, 3):
            case 0:
                within = random.sample(dimensions, k=min(len(dimensions), random.randint(0, 1)))
                share = {"of": of.name, **({"within": within} if within else {})}
                self.put_metric(question, {"share": share}, "double", scalar=False)
            case 1:
                agg, n = random.choice(["sum", "avg", "min", "max", "count"]), random.randint(1, 4)
                window = {"of": of.name, "agg": agg, "frame": "trailing", "n": n}
                self.put_metric(question, {"window": window}, "double", scalar=False)
            case 2:
                agg, unit = random.choice(["sum", "avg", "max"]), random.choice(["year", "month"])
                window = {"of": of.name, "agg": agg, "frame": "to_date", "unit": unit}
                self.put_metric(question, {"window": window}, "double", scalar=False)
            case _:
                offset = random.choice(["previous", "1 year", "1 month", "1 week"])
                compare = {"of": of.name, "offset": offset}
                if self.chance(0.7):
                    compare["as"] = random.choice(["value", "delta", "ratio"])
                self.put_metric(question, {"compare": compare}, "double", scalar=False)

    # ------------------------------------------------------------------------------ filters

    def add_filters(self, question: Question) -> None:
        filters = [self.tree(question, 2) for _ in range(self.random.choice([0, 0, 1, 1, 2]))]
        zone = question.ir.get("time", {}).get("timezone", "UTC")
        times = question.places[0].table.of(TIMES)
        if times and self.chance(0.6 if zone != "UTC" else 0.2):
            column = self.random.choice(times)
            filters.append(self.during(question.places[0].name(column)))
        if self.chance(0.12):
            filters.append(self.existence(question))
        if filters:
            question.ir["filters"] = question.ir.get("filters", []) + filters

    def tree(self, question: Question, depth: int) -> dict[str, Any]:
        if depth and self.chance(0.35):
            word = self.random.choice(["all", "any", "not"])
            if word == "not":
                return {"not": self.tree(question, depth - 1)}
            return {word: [self.tree(question, depth - 1) for _ in range(2)]}
        return self.condition(question)

    def condition(self, question: Question) -> dict[str, Any]:
        found = self.pick(question)
        assert found is not None
        place, column = found
        name = place.name(column)
        if self.chance(0.15):
            return {"field": name, "op": self.random.choice(["is_null", "not_null"])}
        if column.kind in TIMES and self.chance(0.5):
            return self.during(name)
        if column.kind == "text" and self.chance(0.5):
            ops = ["contains", "starts_with", "ends_with", "ieq", "icontains", "istarts_with"]
            op = self.random.choice([*ops, "iends_with"])
            return {"field": name, "op": op, "value": self.random.choice(WORDS)}
        value = self.value_of(place.table, column)
        if self.chance(0.25):
            values = [value(), value(), *([None] if self.chance(0.2) else [])]
            return {"field": name, "op": self.random.choice(["in", "not_in"]), "value": values}
        if column.kind == "bool":
            return {"field": name, "op": self.random.choice(["=", "!="]), "value": value()}
        if self.chance(0.2):
            return {"field": name, "op": "between", "value": [value(), value()]}
        op = self.random.choice(["=", "!=", "<", "<=", ">", ">="])
        return {"field": name, "op": op, "value": value()}

    def value_of(self, table: Table, column: Column) -> Callable[[], Any]:
        """Values to compare a column with: of the data, or near it."""
        there = table.values(column.name)

        def draw() -> Any:
            if there and self.chance(0.8):
                return written_value(column.kind, self.random.choice(there))
            match column.kind:
                case "text":
                    return self.random.choice(WORDS)
                case "bool":
                    return self.random.choice([True, False])
                case "date":
                    return "2024-02-29"
                case "instant" | "local":
                    return self.random.choice(MOMENTS)
                case "time":
                    return "12:00:00"
                case "cents" | "digits":
                    return self.random.choice(["0", "1.50", "-0.005", "100.001"])
                case _:
                    return self.random.choice([0, 1, -1, 2.5, 70_000, -3])

        return draw

    def during(self, name: str) -> dict[str, Any]:
        return {"field": name, "op": "during", "value": self.random.choice(PERIODS)}

    def existence(self, question: Question) -> dict[str, Any]:
        root = question.places[0].table
        number = self.schema.tables.index(root)
        children = [
            t for t in self.schema.tables if any(r.table == number for r in t.references)
        ] or [self.schema.tables[r.table] for r in root.references]
        if not children:
            return self.condition(question)
        child = self.random.choice(children)
        exists: dict[str, Any] = {"entity": child.name}
        if self.chance(0.6):
            exists["filters"] = [self.condition(Question([Place("", child)], {}))]
        found: dict[str, Any] = {"exists": exists}
        return {"not": found} if self.chance(0.4) else found

    # -------------------------------------------------------------------------------- shape

    def add_shape(self, question: Question) -> None:
        random, outputs = self.random, question.outputs
        metrics = [o for o in outputs if not o.dimension]
        dimensions = [o.name for o in outputs if o.dimension]
        numbers = [o for o in metrics if o.scalar]
        if numbers and self.chance(0.2):
            of = random.choice(numbers)
            ops = ["=", "!=", "<", "<=", ">", ">="]
            having: dict[str, Any] = {"metric": of.name, "op": random.choice(ops), "value": 1}
            if self.chance(0.2):
                having = {"metric": of.name, "op": random.choice(["is_null", "not_null"])}
            question.ir["having"] = [{"not": having} if self.chance(0.2) else having]
        if numbers and dimensions and self.chance(0.1):
            top: dict[str, Any] = {"n": random.randint(1, 3), "by": random.choice(numbers).name}
            if len(dimensions) > 1 and self.chance(0.5):
                top["per"] = [random.choice(dimensions)]
            if self.chance(0.5):
                top["other"] = self.chance(0.7)
            question.ir["top"] = top
        if self.chance(0.4):
            chosen = random.sample(outputs, k=min(len(outputs), random.randint(1, 2)))
            question.ir["order"] = [self.order(output.name) for output in chosen]
        if self.chance(0.25):
            question.ir["limit"] = random.randint(1, 6)
            if self.chance(0.4):
                question.ir["offset"] = random.randint(0, 4)

    def order(self, name: str) -> dict[str, Any]:
        order = {"field": name}
        if self.chance(0.6):
            order["dir"] = self.random.choice(["asc", "desc"])
        if self.chance(0.3):
            order["nulls"] = self.random.choice(["first", "last"])
        return order

    # ------------------------------------------------------------------------------- nested

    def nested(self, inner: Question) -> dict[str, Any]:
        """A question over the rows of another."""
        entity = {"query": inner.ir, "as": NESTED_NAME}
        ir: dict[str, Any] = {"entities": [entity], "metrics": [{"name": "rows", "agg": "count"}]}
        for number, output in enumerate(inner.outputs):
            if output.scalar and output.kind in NUMBERS:
                agg = self.random.choice(["sum", "max", "min", "avg"])
                ir["metrics"].append({"name": f"x{number}", "agg": agg, "field": output.name})
            elif output.dimension and "dimensions" not in ir and self.chance(0.5):
                ir["dimensions"] = [{"name": "k", "field": output.name}]
        if "timezone" in inner.ir.get("time", {}) and self.chance(0.5):
            ir["time"] = {"timezone": inner.ir["time"]["timezone"]}
        return ir


def written_value(kind: str, value: Any) -> Any:
    """A value of the data as an IR writes it; a large integer as text."""
    value = plain(value)
    if kind == "local":
        return f"{value}Z"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value


def make_question(seed: int, schema_number: int, number: int, schema: Schema) -> dict[str, Any]:
    random = Random(f"question {seed} {schema_number} {number}")  # noqa: S311
    return Asker(random, schema).make()
