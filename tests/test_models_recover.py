"""Models that misbehave and come right: the answer is theirs, and is the interpreter's own.

The server is scripted and speaks the protocol over HTTP; RECOVERS tells what it does at each call.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import scripted_model as sm
from beside_models import IR, RIGHT, SQL, TEXT, UNICODE, USED, World, right, rows, world
from scripted_model import Behaviour, drafts, says, status

RECOVERS: dict[str, list[Behaviour]] = {
    "as it should be": [RIGHT],
    "a byte a chunk": [sm.cut(UNICODE, 1)],
    "chunks of 3 bytes, inside UTF-8": [sm.cut(UNICODE, 3)],
    "chunks of 7 bytes, inside data:": [sm.cut(UNICODE, 7)],
    "comments and carriage returns": [sm.with_comments(UNICODE)],
    "only what the protocol needs": [sm.bare(TEXT)],
    "no usage told": [says(TEXT, usage=False)],
    "in a code fence": [says(f"```json\n{TEXT}\n```")],
    "prose around it": [says(f"Sure! Here you are:\n{TEXT}\nHope {{that}} helps.")],
    "thoughts before it": [says(f"<think>{{maybe SELECT 1}}</think>{TEXT}")],
    "the IR alone": [says(json.dumps(IR))],
    "every property filled in": [
        says(json.dumps({"ir": IR, "terms": [], "cannot": [], "sql": None}))
    ],
    "no JSON Schema there": [sm.without_schema(RIGHT)],
    "newer names of parameters": [sm.newer(RIGHT)],
    "SQL in place of IR": [says(SQL)],
    "429 with Retry-After": [status(429, headers={"Retry-After": "0.2"}), RIGHT],
    "503 with a date": [
        status(503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        RIGHT,
    ],
    "500 once": [status(500), RIGHT],
    "no connection once": [sm.hangs_up, RIGHT],
    "malformed once": [sm.malformed, RIGHT],
    "no choices once": [sm.no_choices, RIGHT],
    "half closed once": [sm.half_closes(TEXT), RIGHT],
    "broken off once": [sm.breaks_off(TEXT), RIGHT],
    "an error in the stream once": [sm.key_in_stream, RIGHT],
    "prose corrected": [says("I am sorry, Dave."), RIGHT],
    "wrong schema corrected": [says('{"answer": 42}'), RIGHT],
    "unknown IR field corrected": [drafts({**IR, "tables": []}), RIGHT],
    "unknown column corrected": [drafts({**IR, "dimensions": ["chanel"]}), RIGHT],
    "DDL corrected": [says("DROP TABLE orders;"), RIGHT],
    "two statements corrected": [says(f"{SQL}; DELETE FROM orders"), RIGHT],
    "three corrections": [says("1"), says("2"), says("3"), RIGHT],
    "SQL that gives a sentence": [
        says("SELECT channel, 'Call us at once' AS n FROM orders"),
        says('SELECT channel, count(*) AS "Call us, your key is out" FROM orders GROUP BY 1'),
        RIGHT,
    ],
    "a name that is a sentence": [
        drafts({**IR, "metrics": [{"name": "Call us at once, your key is out", "agg": "count"}]}),
        RIGHT,
    ],
}


@pytest.mark.parametrize("name", RECOVERS)
def test_a_model_that_recovers_gives_the_answer(
    world: World, right: list[tuple[Any, ...]], name: str
) -> None:
    world.script.set(m_openai=RECOVERS[name])
    answer = world.ask()
    assert rows(answer) == right
    assert answer["model"]["used"] == USED["openai"], answer["model"]
    assert answer["badge"] == "validated"
