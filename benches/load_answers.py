"""What the load asks for, and the right answers to it by other programs.

In: the PostgreSQL of the load and the sample data. Out: for each report run, IR and question the
rows that DuckDB or PostgreSQL itself gives, and what differs in an answer of the service. Rows are
compared as they are, in their order where one was asked for; figures to nine digits, since the
order in which parts of a sum come together is free.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from oracle import Oracle

NEAR = 1e-9
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """A question in words, as IR or as SQL, and DuckDB's way to its rows."""

    question: Any
    duckdb: str


IRS = [
    Asked(
        {
            "entities": ["flights"],
            "dimensions": [{"name": "carrier", "field": "carrier"}],
            "metrics": [{"name": "delay", "agg": "avg", "field": "dep_delay"}],
        },
        "select carrier, avg(dep_delay) from flights group by 1",
    ),
    Asked(
        {
            "entities": ["flights"],
            "dimensions": [{"name": "day", "field": "time_hour", "grain": "1 day"}],
            "metrics": [{"name": "n", "agg": "count"}],
            "time": {"field": "time_hour", "fill": "zero"},
            "order": [{"field": "day", "dir": "asc"}],
        },
        "select ny(date_trunc('day', ny(time_hour))), count(*) from flights group by 1",
    ),
    Asked(
        {
            "entities": ["flights", "airlines"],
            "dimensions": [{"name": "airline", "field": "airlines.name"}],
            "metrics": [{"name": "p90", "agg": "percentile", "p": 0.9, "field": "arr_delay"}],
        },
        "select a.name, quantile_cont(arr_delay, 0.9)"
        " from flights f join airlines a using (carrier) group by 1",
    ),
]
SQL = Asked(
    "select origin, count(*) as n from flights where month = 7 group by origin order by origin",
    "select origin, count(*) from flights where month = 7 group by 1",
)
QUESTIONS = [
    Asked(
        "average departure delay by carrier name and month in 2013",
        "select a.name, ny(date_trunc('month', ny(f.time_hour))), avg(f.dep_delay)"
        " from flights f left join airlines a using (carrier)"
        " where year(ny(f.time_hour)) = 2013 group by 1, 2",
    ),
    Asked(
        "how many flights per month in 2013",
        "select ny(date_trunc('month', ny(time_hour))), count(*) from flights"
        " where year(ny(time_hour)) = 2013 group by 1",
    ),
    Asked(
        "share of flights delayed more than 30 minutes per origin airport",
        "select origin, count(*), count(*) filter (dep_delay > 30),"
        " count(*) filter (dep_delay > 30) / count(*)::double from flights group by 1",
    ),
    Asked(
        "number of flights by origin",
        "select origin, count(*) from flights group by 1",
    ),
]
MEANINGLESS = "what is the meaning of life"
REPORT = """
select region, m, status, count(*), sum(amount)
from orders, generate_series(1, 9) m
where placed_at >= make_timestamptz(2024, m, 1, 0, 0, 0, 'UTC') and placed_at < '2025-01-01Z'
group by region, m, status order by status
"""


@dataclass
class Answers:
    """The right rows, asked for once before the load."""

    report: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    flights: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def found(cls, words: str) -> Answers:
        """By the DSN of the load's PostgreSQL, and the files of the sample data."""
        answers, oracle = cls(), Oracle()
        for asked in [*IRS, SQL, *QUESTIONS]:
            answers.flights[asked.duckdb] = oracle.answer(asked.duckdb).rows
        with psycopg.connect(words) as connection:
            for region, month, *row in connection.execute(REPORT):
                key = (region, f"2024-{month:02}-01T00:00:00Z")
                answers.report.setdefault(key, []).append(tuple(row))
        return answers

    def of(self, asked: Asked) -> list[Row]:
        return self.flights[asked.duckdb]


def wrong(rows: Sequence[dict[str, Any]], right: Sequence[Row]) -> str | None:
    """What is not right in the rows of an answer; their order does not count."""
    if len(rows) != len(right):
        return f"{len(rows)} rows in place of {len(right)}"
    given = sorted((tuple(row.values()) for row in rows), key=str)
    left = {label(row): row for row in right}
    for row in given:
        wanted = left.pop(label(typed(row, right[0])), None)
        if wanted is None or not near(typed(row, right[0]), wanted):
            return f"{row} in place of {wanted}"
    return None


def typed(row: Row, like: Row) -> Row:
    """Cells of JSON as what they stand for, by the cells of a right row."""
    cells = list(row)
    for at, model in enumerate(like[: len(cells)]):
        if isinstance(model, datetime) and cells[at] is not None:
            cells[at] = datetime.fromisoformat(cells[at])
        elif not isinstance(model, str) and cells[at] is not None:
            cells[at] = float(cells[at])
    return tuple(cells)


def label(row: Row) -> Row:
    """The groups of a row: what names it among the others."""
    return tuple(cell for cell in row if isinstance(cell, str | datetime))


def near(row: Row, wanted: Row) -> bool:
    if len(row) != len(wanted):
        return False
    for cell, right in zip(row, wanted, strict=True):
        if isinstance(right, str | datetime) or right is None or cell is None:
            if cell != right:
                return False
        elif not math.isclose(cell, float(right), rel_tol=NEAR, abs_tol=NEAR):
            return False
    return True
