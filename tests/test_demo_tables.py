"""The three questions of the demo: the rows the service answers with are those of DuckDB.

Only the question goes in, so this holds the whole way: words, IR, plan, run, result. What an
output column is called is the interpreter's choice and not compared; how many there are, what
they hold and in which order is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from comparison import differences
from oracle import Oracle
from service import Client

NOW = "2013-10-15T12:00:00Z"
ZONE = "America/New_York"


@dataclass(frozen=True)
class Question:
    """A question and an independent way to its rows."""

    text: str
    duckdb: str
    truncated: bool = False


QUESTIONS = [
    Question(
        "average departure delay by carrier name and month in 2013",
        """
        select a.name, ny(date_trunc('month', ny(f.time_hour))) as month, avg(f.dep_delay) as delay
        from flights f left join airlines a using (carrier)
        where year(ny(f.time_hour)) = 2013
        group by all order by 1, 2
        """,
    ),
    Question(
        "top 5 destinations by number of flights from JFK last summer",
        # Summer is June to August; the last one before October 2013 is that of 2013.
        """
        select dest, count(*) as flights
        from flights
        where origin = 'JFK' and ny(time_hour) >= '2013-06-01' and ny(time_hour) < '2013-09-01'
        group by all order by 2 desc, 1 limit 5
        """,
        truncated=True,
    ),
    Question(
        "share of flights delayed more than 30 minutes per origin airport",
        # Of all flights, those that never left included; with the two counts it is made of.
        """
        select origin, count(*) as flights, count(*) filter (dep_delay > 30) as late,
               count(*) filter (dep_delay > 30) / count(*)::double as share
        from flights
        group by all order by 1
        """,
    ),
]


def with_names(body: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The same result under the oracle's column names."""
    given = [column["name"] for column in body["columns"]]
    if len(given) != len(names):
        return body
    renamed = dict(zip(given, names, strict=True))
    columns = [column | {"name": renamed[column["name"]]} for column in body["columns"]]
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in body["rows"]]
    return body | {"columns": columns, "rows": rows}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_the_rows_are_right(question: Question, service: Client, oracle: Oracle) -> None:
    body = {"question": question.text, "datasource_id": "flights", "run": True, "now": NOW}
    reply = service.transport.send("POST", "/v1/ask", body)
    assert reply.status == 200, reply.body
    answer = reply.body
    assert answer["state"] == "answer", answer
    assert answer["badge"] == "validated", answer["result"]["qa"]
    expected = oracle.answer(question.duckdb)
    result = with_names(answer["result"], expected.columns)
    assert differences(expected, result, question.truncated, ZONE) == [], answer["ir"]
