"""Row filters of policies on every engine, held to data from which the rows were removed.

In: random tables twice, whole with a policy on each, and without the rows that the policies leave
out. Out: for random questions, the same rows or the same refusal from both, on files, PostgreSQL, a
TimescaleDB stand-in and MariaDB. No row outside a policy influences anything.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from datasets import ENGINES, source_id
from engines import running_servers
from random_irs.agreement import judge
from random_irs.questions import make_question
from random_irs.schemas import Column, Schema, Table, make_schema
from random_irs.sessions import serving_schemas
from servers import READER, postgres
from service import Client, Http, serving

SEED = 4
SCHEMAS = 3
QUESTIONS = 60
WHOLE, LESS = "whole", "less"


def rule(random: Random, column: Column) -> tuple[dict[str, Any], Any]:
    """A filter on a column, and what it says of a value that is not null."""
    name = column.name
    match column.kind:
        case "text":
            words = random.choice([["a", "A", "", "ss"], ["b", "á", "O'Brien", "%"]])
            form: dict[str, Any] = {"field": name, "op": "in", "value": words}
            if random.random() < 0.5:
                return form, lambda value: value in words
            return {"not": form}, lambda value: value not in words
        case "bool":
            return {"field": name, "op": "=", "value": True}, lambda value: value is True
        case _:
            return {"field": name, "op": ">=", "value": 0}, lambda value: value >= 0


def limited(random: Random, table: Table) -> tuple[list[dict[str, Any]], Table]:
    """A policy's filters on a table, and the table without the rows that they leave out."""
    kinds = ("text", "bool", "int", "short", "cents", "double")
    columns = [c for c in table.of(kinds) if c.plain and c.name not in table.key]
    if not columns:
        return [], table
    column = random.choice(columns)
    at = [c.name for c in table.columns].index(column.name)
    form, holds = rule(random, column)
    rows = [row for row in table.rows if row[at] is not None and holds(row[at])]
    return [form], replace(table, rows=rows)


def pair(number: int) -> tuple[Schema, Schema, dict[str, list[dict[str, Any]]]]:
    """A random schema, the same with fewer rows, and the filters between them, by table."""
    random = Random(f"policies {SEED} {number}")  # noqa: S311
    whole = make_schema(SEED, number)
    rules, tables = {}, []
    for table in whole.tables:
        rules[table.name], less = limited(random, table)
        tables.append(less)
    return whole, Schema(tables), rules


@pytest.mark.parametrize("number", range(SCHEMAS))
def test_rows_outside_a_policy_influence_nothing(
    program: Path, tmp_path: Path, number: int
) -> None:
    whole, less, rules = pair(number)
    assert any(rules.values()), "a schema without a policy shows nothing"
    policies = [
        {"datasource": source_id(WHOLE, engine), "entity": entity, "rows": filters}
        for engine in ENGINES
        for entity, filters in rules.items()
        if filters
    ]
    schemas = {WHOLE: whole, LESS: less}
    answered = 0
    with (
        running_servers(tmp_path, list(ENGINES)) as servers,
        serving_schemas(program, tmp_path / "run", servers, schemas, policies) as asking,
    ):
        for question in range(QUESTIONS):
            ir = make_question(SEED, number, question, whole)
            replies = {f"less {e}": r for e, r in asking.replies(LESS, ir).items()}
            replies |= {f"whole {e}": r for e, r in asking.replies(WHOLE, ir).items()}
            verdict = judge(replies, ir)
            assert verdict.agrees, f"{verdict.kind}: {verdict.detail}\n{ir}\n{rules}"
            answered += verdict.kind == "answered"
    assert answered > QUESTIONS // 3


def test_an_error_of_the_estimate_names_no_hidden_column(program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with postgres(tmp_path / "pg") as pg:
        pg.sql(
            "postgres",
            "create table people (id int primary key, grade_canary int);"
            " insert into people select n, n from generate_series(1, 3) n;"
            f" grant select on people to {READER};",
        )
        policy = {
            "datasource": "pg",
            "entity": "people",
            "rows": [{"field": "grade_canary", "op": ">=", "value": 2}],
            "hide": ["grade_canary"],
        }
        config = {
            "safety": {"explain": True},
            "analytics_sources": [{"id": "pg", "kind": "postgres", "dsn": pg.dsn("postgres")}],
            "policies": [policy],
        }
        key = {"AIR_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode()}
        with serving(program, data, config, environment=key) as process:
            client = Client(Http(process.base))
            client.learn("pg")
            ir = {"entities": ["people"], "metrics": [{"name": "n", "agg": "count"}]}
            assert client.query("pg", ir).body["rows"] == [{"n": 2}]
            pg.sql("postgres", "alter table people rename column grade_canary to other")
            refused = client.query("pg", ir)
            assert refused.status >= 400
            assert "canary" not in json.dumps(refused.body), refused.body
