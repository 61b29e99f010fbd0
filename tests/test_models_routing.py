"""Which model is asked, in which form, and what it costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import scripted_model as sm
from beside_models import (
    IR,
    QUESTION,
    RIGHT,
    SQL,
    TEXT,
    USED,
    World,
    analyze,
    config,
    right,
    rows,
    world,
)
from scripted_model import says, scripted, status
from service import serving


def test_sql_of_a_model_is_read_against_the_catalog(
    world: World, right: list[tuple[Any, ...]]
) -> None:
    world.script.set(m_sql=[says(f"```sql\n{SQL};\n```")])
    answer = world.ask(force_model="sqlcoder")
    assert rows(answer) == right
    assert answer["model"]["used"] == USED["sqlcoder"]
    # The interpreter reads the same, so there is an IR, which can be saved.
    assert answer["ir"]["entities"] == ["orders"]


def test_models_of_sql_follow_those_of_chat(world: World, right: list[tuple[Any, ...]]) -> None:
    world.script.set(m_openai=[says("no")], m_llama3=[status(500)], m_sql=[says(SQL)])
    answer = world.ask()
    assert rows(answer) == right
    assert answer["model"]["used"] == USED["sqlcoder"]
    assert len(world.script.of("m-openai")) == 4, "three corrections"


def test_a_provider_may_be_named_and_builtin_asks_no_model(world: World) -> None:
    world.script.set(m_openai=[RIGHT], m_llama3=[RIGHT])
    assert world.ask(provider="ollama")["model"]["used"] == USED["llama3"]
    assert world.script.of("m-openai") == []
    assert "model" not in world.ask(provider="builtin")
    assert len(world.script.asked) == 1
    reply = world.send(
        "POST",
        "/v1/ask",
        {
            "question": QUESTION,
            "datasource_id": "shop",
            "provider": "openai",
            "force_model": "llama3",
        },
    )
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/force_model")


def test_a_provider_that_was_named_is_asked_alone(
    world: World, right: list[tuple[Any, ...]]
) -> None:
    world.script.set(m_openai=[RIGHT], m_llama3=[status(500)], m_sql=[status(500)])
    answer = world.ask(provider="ollama")
    assert rows(answer) == right
    assert any("ollama, which was asked for" in said for said in answer["assumptions"]), answer
    assert world.script.of("m-openai") == []
    assert [tried["model"] for tried in answer["model"]["tried"]] == [
        USED["llama3"],
        USED["sqlcoder"],
    ]
    unknown = world.ask("profit by channel", provider="ollama")
    assert "ollama, which was asked for" in unknown["reason"], unknown
    run = answer["result"]["run_id"]
    body = analyze(world, run, provider="ollama").body
    assert body["model_used"] is None
    assert "ollama, which was asked for" in body["analysis_md"]
    assert world.script.of("m-openai") == []


def test_sql_of_a_model_cannot_be_changed_by_a_follow_up(world: World) -> None:
    world.script.set(m_sql=[says("SELECT channel, sum(qty) AS n FROM orders GROUP BY channel")])
    body: dict[str, Any] = {"question": QUESTION, "datasource_id": "shop"}
    body |= {"now": "2023-03-03T00:00:00Z", "force_model": "sqlcoder"}
    asked = world.send("POST", "/v1/ask", body).body
    body["answers"] = {"reading": asked["questions"][0]["choices"][1]["value"]}
    answer = world.send("POST", "/v1/ask", body).body
    assert answer["state"] == "answer", answer
    assert answer.get("ir") is None
    previous = {"scope_version_id": answer["scope_version_id"]}
    body = {"question": "only paid", "datasource_id": "shop", "previous": previous}
    reply = world.send("POST", "/v1/ask", body)
    assert reply.status == 422, reply.body
    [error] = reply.body["errors"]
    assert error["pointer"] == "/previous"
    assert "SQL" in error["detail"]


def test_what_is_beyond_any_report_asks_no_model(world: World) -> None:
    world.script.set(m_openai=[RIGHT])
    answer = world.ask("forecast the number of orders for next year")
    assert answer["state"] == "cannot_answer", answer
    assert world.script.asked == []


def forms(world: World) -> list[Any]:
    return [asked.body.get("response_format", {}).get("type") for asked in world.script.asked]


def test_one_refusal_loosens_the_form_once_and_a_second_for_good(
    program: Path, tmp_path: Path
) -> None:
    with scripted() as server, serving(program, tmp_path, config(server.base)) as process:
        own = World(process, server, tmp_path)
        assert own.send("POST", "/v1/learn?datasource_id=shop").status == 200
        # For whatever reason: this server knows the form.
        own.script.set(m_openai=[status(400), RIGHT])
        own.ask()
        assert forms(own) == ["json_schema", "json_object"]
        own.script.set(m_openai=[RIGHT])
        own.ask()
        assert forms(own) == ["json_schema"]
        own.script.set(m_openai=[sm.without_schema(RIGHT)])
        own.ask()
        own.ask()
        own.ask()
        assert forms(own) == ["json_schema", "json_object"] * 2 + ["json_object"]


def test_tokens_of_a_reply_that_was_cut_off_are_counted(world: World) -> None:
    name = 'air_model_tokens_total{model="openai",kind="prompt"}'
    before = world.metrics()[name]
    world.script.set(m_openai=[sm.cut_off], m_llama3=[RIGHT])
    world.ask()
    assert world.metrics()[name] > before


def test_tokens_are_counted_with_the_answer_and_in_the_metrics(world: World) -> None:
    before = world.metrics()
    world.script.set(m_openai=[says("no"), RIGHT])
    answer = world.ask()
    made = answer["model"]
    assert (made["calls"], made["prompt_tokens"], made["completion_tokens"]) == (2, 200, 40)
    assert made["estimated"] is False
    assert re.fullmatch(r"draft@\w{12} sql@\w{12} correct@\w{12}", made["prompts"])
    scope = world.send("GET", f"/v1/scopes/{answer['scope_id']}").body
    assert scope["id"] == answer["scope_id"]
    after = world.metrics()
    name = 'air_model_tokens_total{model="openai",kind="prompt"}'
    assert after[name] - before[name] == 200
    world.script.set(m_openai=[sm.bare(TEXT)])
    estimated = world.ask()["model"]
    assert estimated["estimated"] is True
    assert estimated["prompt_tokens"] > 100


def test_the_same_question_has_the_same_draft(world: World) -> None:
    world.script.set(m_openai=[RIGHT])
    body = {"question": QUESTION, "datasource_id": "shop", "now": "2020-05-05T12:00:00Z"}
    first = world.send("POST", "/v1/ask", body).body
    again = world.send("POST", "/v1/ask", body).body
    assert (first["model"]["kept"], again["model"]["kept"]) == (False, True)
    assert again["ir"] == first["ir"]
    assert len(world.script.asked) == 1
