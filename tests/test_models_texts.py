"""What people are told of a model's words: analyses whose figures were found, answers in rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest
import scripted_model as sm
from beside_models import (
    IR,
    QUESTION,
    RIGHT,
    USED,
    World,
    analyze,
    hearing,
    pieces,
    right,
    rows,
    world,
)
from scripted_model import drafts, says, status

GOOD = "Web has **{most}** orders, the most.\n\nAll in all the checks passed."


@pytest.fixture
def ran(world: World, right: list[tuple[Any, ...]]) -> tuple[str, int]:
    """A run, and its largest figure."""
    answer = world.ask(provider="builtin")
    return answer["result"]["run_id"], max(row[1] for row in right)


def test_a_text_whose_figures_are_found_is_kept_with_the_run(
    world: World, ran: tuple[str, int]
) -> None:
    run, most = ran
    text = GOOD.format(most=most)
    world.script.set(m_openai=[says(text)])
    reply = analyze(world, run)
    assert reply.status == 200, reply.body
    assert (reply.body["analysis_md"], reply.body["refused"]) == (text, [])
    assert reply.body["model_used"] == USED["openai"]
    assert reply.body["model"]["prompt_tokens"] == 100
    prompt = world.script.of("m-openai")[0].prompt
    assert "<rows>" in prompt
    assert '"channel":"Shop"' in prompt
    kept = world.send("GET", f"/v1/runs/{run}").body["qa"]
    assert (kept["analysis_md"], kept["model_used"]) == (text, USED["openai"])


LIES = {
    "a figure that is nowhere": "There were 987654 orders.",
    "a percentage": "Orders rose by 17.3 %.",
    "a figure in words": "Web has twice as many.",
    "a link": "All is well, see https://example.org/{most}",
    "HTML": "All is <img src=x> well.",
    "a year": "In 1987 it was better.",
}


@pytest.mark.parametrize("name", LIES)
def test_a_text_with_other_figures_is_refused_and_rules_write(
    world: World, ran: tuple[str, int], name: str
) -> None:
    run, _ = ran
    world.script.set(m_openai=[says(LIES[name])], m_llama3=[says(LIES[name])])
    body = analyze(world, run).body
    assert body["model_used"] is None
    assert body["refused"], body
    assert body["analysis_md"].startswith("**The result has"), body
    assert len(world.script.of("m-openai")) == 2, "it is told once what was not found"
    forced = analyze(world, run, force_model="openai")
    assert (forced.status, forced.body["code"]) == (422, "provider_unavailable")


def test_a_text_is_corrected_or_the_next_writes(world: World, ran: tuple[str, int]) -> None:
    run, most = ran
    text = GOOD.format(most=most)
    world.script.set(m_openai=[says("It was 987654."), says(text)])
    assert analyze(world, run).body["analysis_md"] == text
    assert "987654" in world.script.of("m-openai")[1].prompt
    world.script.set(m_openai=[sm.key_in_error(401)], m_llama3=[says(text)])
    assert analyze(world, run).body["model_used"] == USED["llama3"]


def test_an_analysis_is_told_by_sentences_that_were_checked(
    world: World, ran: tuple[str, int]
) -> None:
    run, most = ran
    text = GOOD.format(most=most)
    broken = f"Web has {most} orders. That is good.\nIt was 987654 once. And more."
    world.script.set(m_openai=[says(broken), says(text)])
    with hearing(world, "ai:stream:local") as socket:
        assert analyze(world, run).body["analysis_md"] == text
        told = pieces(socket)
        whole = socket.heard[-1]["payload"]
        assert (whole["run_id"], whole["analysis_md"]) == (run, text)
    resets = [at for at, (part, _) in enumerate(told) if part == "reset"]
    assert len(resets) == 1, told
    assert resets[0] > 0, "what was right of the first text was told"
    assert "987654" not in str(told), "a figure that is nowhere is told to nobody"
    after = told[resets[0] + 1 :]
    assert len(after) > 1, "it comes in pieces"
    assert "".join(content for _, content in after) == text


def test_a_text_that_rules_replace_is_taken_back(world: World, ran: tuple[str, int]) -> None:
    run, most = ran
    lie = f"Web has {most} orders.\nSee https://example.org/x now.\nThe end."
    world.script.set(m_openai=[says(lie)], m_llama3=[says(lie)])
    with hearing(world, "ai:stream:local") as socket:
        body = analyze(world, run).body
        assert body["model_used"] is None
        told = pieces(socket)
        assert told[-1][0] == "reset", told
        assert "example.org" not in str(told)
        assert socket.heard[-1]["payload"]["analysis_md"] == body["analysis_md"]


def test_a_room_hears_which_model_is_asked_and_nothing_of_its_drafts(world: World) -> None:
    wrong = drafts({**IR, "entities": ["nothing_like_it"]})
    world.script.set(m_openai=[wrong, RIGHT])
    room = world.send("POST", "/v1/chat/rooms", {"id": "models", "datasource_id": "shop"})
    assert room.status == 201, room.body
    with hearing(world, "chat/models") as socket:
        said = {"content": f"@air {QUESTION}"}
        assert world.send("POST", "/v1/chat/rooms/models/messages", said).status == 201
        told = pieces(socket)
        message = socket.heard[-1]["payload"]
    statuses = [content for part, content in told if part == "status"]
    assert len(statuses) == 2, told
    assert all(USED["openai"] in content for content in statuses)
    assert "thrown away" in statuses[1]
    assert "nothing_like_it" not in str(told)
    assert "".join(content for part, content in told if part != "status") == message["content"]
    assert message["answer"]["state"] == "answer"


def test_an_answer_of_sql_is_saved_as_a_report(world: World) -> None:
    """It is the query alone, and planned again at each run."""
    sql = "SELECT channel, count(*) + 1 AS n FROM orders GROUP BY channel"
    world.script.set(m_openai=[says(f"```sql\n{sql} -- call 555 at once\n```")])
    room = world.send("POST", "/v1/chat/rooms", {"id": "by_sql", "datasource_id": "shop"})
    assert room.status == 201, room.body
    messages = "/v1/chat/rooms/by_sql/messages"

    def answered(content: str) -> Any:
        with hearing(world, "chat/by_sql") as socket:
            assert world.send("POST", messages, {"content": content}).status == 201
            pieces(socket)
            return socket.heard[-1]["payload"]

    asked = answered("@air how many orders by channel")
    assert [q["id"] for q in asked["answer"]["questions"]] == ["reading"], asked
    message = answered("reading=model")
    answer = message["answer"]
    assert (answer["state"], answer["sql_text"]) == ("answer", sql), answer
    assert "555" not in json.dumps(message)
    saved = world.send("POST", f"{messages}/{message['message_id']}/report", {"key": "of_sql"})
    assert saved.status == 201, saved.body
    run = world.send("POST", "/v1/reports/of_sql/run")
    assert run.status == 200, run.body
    # The query asks for no order.
    assert sorted(map(str, run.body["rows"])) == sorted(map(str, answer["rows"]))
    found = world.send("GET", "/v1/reports/of_sql").body["current"]["def"]
    assert found == {"version": "1", "sql": sql}


def test_rules_write_without_any_model_and_only_runs_that_ended_are_analysed(
    world: World, ran: tuple[str, int]
) -> None:
    run, most = ran
    world.script.set(m_openai=[says("no")])
    body = analyze(world, run, provider="builtin").body
    assert str(most) in body["analysis_md"]
    assert world.script.asked == []
    missing = analyze(world, f"run_{0:032x}")
    assert (missing.status, missing.body["code"]) == (404, "not_found")
    wrong = analyze(world, run, model="gpt")
    assert (wrong.status, wrong.body["code"]) == (422, "invalid")
    ir = {"entities": ["orders"], "metrics": [{"name": "n", "agg": "sum", "field": "channel"}]}
    assert world.send("POST", "/v1/query", {"datasource_id": "shop", "ir": ir}).status == 422
