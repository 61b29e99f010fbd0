"""Models that misbehave to the end: the next one answers, or the built-in interpreter, or there is
a clear error. None hangs and none leaks a key.

Every request here has a deadline of its own inside the service, so a wait without an end is an
answer that is no 200, and fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_model as sm
from beside_models import (
    IR,
    KEY,
    QUESTION,
    RIGHT,
    SQL,
    TEXT,
    USED,
    World,
    config,
    right,
    rows,
    world,
)
from scripted_model import Behaviour, drafts, says, scripted, status
from service import serving

FAILS: dict[str, Behaviour] = {
    "no answer at all": sm.silent,
    "headers only": sm.headers_only,
    "stalls in the middle": sm.stalls,
    "a slow drip": sm.drips,
    "hangs up": sm.hangs_up,
    "resets in the middle": sm.resets,
    "half closed": sm.half_closes(TEXT),
    "broken off": sm.breaks_off(TEXT),
    "no HTTP": sm.garbage,
    "no UTF-8": sm.not_utf8,
    "malformed events": sm.malformed,
    "another protocol": sm.wrong_shape,
    "no choices": sm.no_choices,
    "no content": sm.no_content,
    "a refusal": sm.refuses,
    "a filter": sm.filtered,
    "cut off at its length": sm.cut_off,
    "a tool call": sm.calls_a_tool,
    "text without end": sm.endless,
    "an event without end": sm.endless_line,
    "an error without end": sm.endless_error,
    "a page of a portal": sm.page,
    "429 for ever": status(429, {"message": "quota", "code": "insufficient_quota"}),
    "500": status(500),
    "401 with the key": sm.key_in_error(401),
    "403 with the key": sm.key_in_error(403),
    "400 with the key and prompt": sm.key_in_error(400),
    "500 with the key": sm.key_in_error(500),
    "502 with the key in a page": sm.key_in_page,
    "the key in the stream": sm.key_in_stream,
    "the key in a broken event": sm.key_in_event,
    "404, no such model": status(404, {"message": "no", "code": "model_not_found"}),
    "context too long": status(400, {"message": "no", "code": "context_length_exceeded"}),
    "prose only": says("I think you should look at the orders."),
    "JSON of another schema": says('{"answer": 42}'),
    "an unknown table": drafts({**IR, "entities": ["pg_shadow"]}),
    "DDL": says("DROP TABLE orders"),
    "another schema in SQL": says("SELECT rolname, rolpassword FROM pg_catalog.pg_authid"),
    "a function that reads files": says("SELECT pg_read_file('/etc/passwd') AS x FROM orders"),
    "a function that sleeps": says("SELECT pg_sleep(100) FROM orders"),
    "a query without a bottom": says('{"ir": ' + '{"query": ' * 5000),
}


@pytest.mark.parametrize("name", FAILS)
def test_a_model_that_fails_is_followed_by_the_next(
    world: World, right: list[tuple[Any, ...]], name: str
) -> None:
    world.script.set(m_openai=[FAILS[name]], m_llama3=[RIGHT])
    answer = world.ask()
    assert rows(answer) == right
    assert answer["model"]["used"] == USED["llama3"], answer["model"]
    assert [tried["model"] for tried in answer["model"]["tried"]] == [
        USED["openai"],
        USED["llama3"],
    ]


@pytest.mark.parametrize("name", FAILS)
def test_where_all_fail_the_interpreter_answers_and_says_so(
    world: World, right: list[tuple[Any, ...]], name: str
) -> None:
    behave = FAILS[name]
    world.script.set(m_openai=[behave], m_llama3=[behave], m_sql=[behave])
    answer = world.ask()
    assert rows(answer) == right
    assert answer["model"]["used"] is None
    assert any("built-in interpreter" in said for said in answer["assumptions"]), answer


@pytest.mark.parametrize("name", FAILS)
def test_a_forced_model_that_fails_is_a_clear_error(world: World, name: str) -> None:
    world.script.set(m_openai=[FAILS[name]], m_llama3=[RIGHT], m_sql=[says(SQL)])
    answer = world.ask(force_model="openai")
    assert answer["state"] == "failed", answer
    assert answer["problem"]["code"] == "provider_unavailable"
    assert USED["openai"] in answer["reason"]
    assert world.script.of("m-llama3") == []
    assert "result" not in answer


def test_a_redirect_is_not_followed_and_no_key_goes_along(
    world: World, right: list[tuple[Any, ...]]
) -> None:
    with scripted() as other:
        other.script.set(m_openai=[RIGHT])
        world.script.set(m_openai=[sm.redirects(other.base)], m_llama3=[RIGHT])
        assert rows(world.ask()) == right
        assert other.script.asked == []


WRONG_PLACES = {
    "nobody listens": "http://127.0.0.1:9/v1",
    "no such host": "http://models.invalid/v1",
    "TLS with one that has none": "https://{host}/v1",
    "a path that is not there": "http://{host}/nowhere",
}


@pytest.mark.parametrize("name", WRONG_PLACES)
def test_a_wrong_place_is_followed_by_the_next(
    program: Path, tmp_path: Path, right: list[tuple[Any, ...]], name: str
) -> None:
    with scripted() as server:
        place = WRONG_PLACES[name].format(host=server.base.removeprefix("http://"))
        settings = config(server.base)
        settings["models"]["openai"]["base_url"] = place
        with serving(program, tmp_path, settings) as process:
            found = World(process, server, tmp_path)
            assert found.send("POST", "/v1/learn?datasource_id=shop").status == 200
            server.script.set(m_llama3=[RIGHT], m_openai=[status(404)])
            answer = found.ask()
            assert rows(answer) == right
            assert answer["model"]["used"] == USED["llama3"], answer["model"]


@pytest.fixture
def fragile(program: Path, tmp_path: Path) -> Iterator[World]:
    """A service that leaves a model alone after two failures."""
    calls = {"breaker_failures": 2, "retries": 0, "breaker_pause": "5s"}
    with (
        scripted() as server,
        serving(program, tmp_path, config(server.base, calls=calls)) as process,
    ):
        found = World(process, server, tmp_path)
        assert found.send("POST", "/v1/learn?datasource_id=shop").status == 200
        yield found


RESTING = 'air_model_resting{model="openai"}'


def test_a_model_that_failed_often_rests_and_comes_back(fragile: World) -> None:
    fragile.script.set(m_openai=[status(500)], m_llama3=[RIGHT])
    fragile.ask()
    fragile.ask()
    assert fragile.metrics()[RESTING] == 1
    assert "left alone" in fragile.ask()["model"]["tried"][0]["outcome"]
    assert len(fragile.script.of("m-openai")) == 2
    fragile.script.set(m_openai=[RIGHT], m_llama3=[RIGHT])
    back = sm.eventually(lambda: bool(fragile.ask()["model"]["used"] == USED["openai"]), 30)
    assert back, "one success closes it"
    assert fragile.metrics()[RESTING] == 0


def test_a_long_retry_after_is_kept_without_waiting_for_it(fragile: World) -> None:
    fragile.script.set(m_openai=[status(429, headers={"Retry-After": "3600"})], m_llama3=[RIGHT])
    assert fragile.ask()["model"]["used"] == USED["llama3"]
    assert fragile.metrics()[RESTING] == 1, "after one failure, since the server said so"
    assert fragile.ask()["model"]["used"] == USED["llama3"]
    assert len(fragile.script.of("m-openai")) == 1


def test_the_key_is_sent_and_found_nowhere_else(world: World) -> None:
    world.script.set(m_openai=[sm.key_as_name(IR)], m_llama3=[RIGHT])
    answer = world.ask()
    assert answer["state"] == "answer"
    assert world.script.of("m-openai")[0].key == KEY
    assert world.script.of("m-llama3") == [] or world.script.of("m-llama3")[0].key == ""
    run = world.send("GET", f"/v1/runs/{answer['result']['run_id']}")
    assert run.status == 200
    world.send("GET", "/metrics")
    world.send("GET", "/v1/scopes")
    found = [path for path in world.data.rglob("*") if path.is_file() and holds(path, KEY)]
    # The configuration is where it was written.
    assert [path.name for path in found] == ["config.yaml"]


def holds(path: Path, word: str) -> bool:
    return word.encode() in path.read_bytes()


def test_the_log_says_what_failed_without_its_words(world: World) -> None:
    log = (world.data / "stderr.log").read_text(encoding="utf-8")
    assert "a model did not answer" in log
    for word in (KEY, "Incorrect API key", "scripted 500", QUESTION, "I am sorry"):
        assert word not in log, word
