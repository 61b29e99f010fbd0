"""What people do to the service under load, and whether what comes back is right.

In: where the service listens, tokens, the right answers. Out: per step, what was asked, every
status, and a `Fault` with what was wrong: another status than there must be, rows that are not
those of the independent answer, a chat message that was missed or came twice. Each driver is a
`World` of its own.
"""

from __future__ import annotations

import csv
import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow.ipc
import pyarrow.parquet
from load_answers import IRS, MEANINGLESS, QUESTIONS, SQL, Answers, wrong
from runs import parameters
from service import Http, Reply
from websockets.sync.client import ClientConnection, connect

ROOM = "load"
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.2
# The service may say that it is too busy: that is an answer, counted, and not looked at further.
BUSY = (429, 503)
FORMATS = ["csv", "ndjson", "arrow", "parquet", "json", "html"]
REGIONS = ("north", "south", "west")


class Fault(Exception):  # noqa: N818
    """The service did what it must not."""


class Busy(Exception):  # noqa: N818
    """The service said so; the step ends."""


@dataclass
class World:
    """One driver: who it asks as, what came of it, and how far it has heard the room."""

    base: str
    viewers: list[str]
    editors: list[str]
    answers: Answers
    seed: int
    statuses: Counter[str] = field(default_factory=Counter)
    said: int = 0
    asked: int = 0
    heard: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311

    def viewer(self) -> Http:
        return Http(self.base, self.rng.choice(self.viewers))

    def editor(self) -> Http:
        return Http(self.base, self.rng.choice(self.editors))

    def note(self, what: str, reply: Reply, *wanted: int) -> Any:  # noqa: ANN401
        """The body of a reply with a status that is right."""
        self.statuses[f"{what} {reply.status}"] += 1
        if reply.status in wanted:
            return reply.body
        if reply.status in BUSY:
            raise Busy
        raise Fault(f"{what}: {reply.status} {str(reply.body)[:500]}")

    def holds(self, what: str, fault: object) -> None:
        if fault:
            raise Fault(f"{what}: {str(fault)[:500]}")


def report_run(world: World) -> None:
    given = parameters(world.rng.randrange(450))
    reply = world.viewer().send("POST", "/v1/reports/orders_by_status/run", {"params": given})
    found = world.note("report", reply, 200)
    world.holds("report", wrong(found["rows"], right_report(world, given)))


def right_report(world: World, given: dict[str, str]) -> list[tuple[Any, ...]]:
    return world.answers.report[given["region"], given["from"]]


def ir(world: World) -> None:
    asked, http = world.rng.choice(IRS), world.viewer()
    body: dict[str, Any] = {"datasource_id": "flights", "ir": asked.question}
    if world.rng.random() < 0.3:
        body["max_age"] = 30
    found = world.note("query", http.send("POST", "/v1/query", body), 200)
    right = world.answers.of(asked)
    world.holds("query", wrong(found["rows"], right))
    form = world.rng.choice(FORMATS)
    reply = http.send("GET", f"/v1/runs/{found['run_id']}/rows?format={form}")
    body = world.note(f"rows {form}", reply, 200)
    count = counted(form, body)
    world.holds(f"rows {form}", count != len(right) and f"{count} rows of {len(right)}")


def counted(form: str, body: Any) -> int:  # noqa: ANN401
    """The rows of an export, as a reader of its format finds them."""
    if form == "json":
        return len(body["items"])
    if form == "csv":
        return len(list(csv.reader(io.StringIO(body.decode())))) - 1
    if form == "ndjson":
        return len([json.loads(line) for line in body.decode().splitlines()])
    if form == "arrow":
        return int(pyarrow.ipc.open_stream(body).read_all().num_rows)
    if form == "parquet":
        return int(pyarrow.parquet.read_table(io.BytesIO(body)).num_rows)
    page = body.decode()
    whole = page.rstrip().endswith("</html>")
    return page[page.index("<tbody") :].partition("</tbody>")[0].count("<tr") if whole else 0


def sql(world: World) -> None:
    body = {"datasource_id": "flights", "sql": SQL.question}
    found = world.note("sql", world.viewer().send("POST", "/v1/query", body), 200)
    world.holds("sql", wrong(found["rows"], world.answers.of(SQL)))


def question(world: World) -> None:
    body: dict[str, Any] = {"datasource_id": "flights", "run": world.rng.random() < 0.7}
    if world.rng.random() < 0.1:
        body["question"] = MEANINGLESS
        found = world.note("ask", world.viewer().send("POST", "/v1/ask", body), 200)
        world.holds("ask", found["state"] != "cannot_answer" and found)
        return
    asked = world.rng.choice(QUESTIONS)
    body["question"] = asked.question
    found = world.note("ask", world.viewer().send("POST", "/v1/ask", body), 200)
    world.holds("ask", found["state"] != "answer" and found)
    if body["run"]:
        world.holds("ask", wrong(found["result"]["rows"], world.answers.of(asked)))


class Room:
    """A socket in the room that goes on from where its driver was, and misses nothing."""

    def __init__(self, world: World, wire: ClientConnection) -> None:
        self.world, self.wire = world, wire
        self.messages: dict[str, dict[str, Any]] = {}
        wish = {"type": "subscribe", "channel": f"chat/{ROOM}", "after": world.heard}
        wire.send(json.dumps(wish))

    def until(self, message_id: str) -> dict[str, Any]:
        """Reads to a message; every event before it must follow the one before."""
        deadline = time.monotonic() + WAIT_SECONDS
        while message_id not in self.messages:
            left = deadline - time.monotonic()
            if left < 0:
                raise Fault(f"chat: {message_id} did not come in {WAIT_SECONDS:.0f} s")
            self.take(json.loads(self.wire.recv(left)))
        return self.messages[message_id]

    def take(self, event: dict[str, Any]) -> None:
        if event["channel"] != f"chat/{ROOM}" or event["seq"] == 0:
            return
        before, self.world.heard = self.world.heard, event["seq"]
        self.messages[event["payload"]["message_id"]] = event["payload"]
        if event["seq"] != before + 1:
            raise Fault(f"chat: {event['seq']} came after {before}")


def chat(world: World) -> None:
    asked = world.rng.choice(QUESTIONS) if world.rng.random() < 0.5 else None
    http = world.viewer()
    with connect(
        world.base.replace("http://", "ws://") + "/v1/ws",
        additional_headers={"Authorization": f"Bearer {http.token}"},
        max_size=None,
    ) as wire:
        room = Room(world, wire)
        content = f"hello {world.seed} {world.said}" if asked is None else asked.question
        body = {"content": content, "ask": asked is not None}
        posted = world.note("chat", http.send("POST", messages(), body), 201)
        world.said += 1
        world.asked += asked is not None
        message = room.until(posted["message_id"])
        world.holds("chat", message["content"] != content and message)
        if asked is not None:
            answer = room.until(posted["answer_id"])["answer"]
            world.holds("chat answer", answer["state"] != "answer" and answer)
            short = answer.get("row_count") != len(answer["rows"])
            if not short:
                world.holds("chat answer", wrong(answer["rows"], world.answers.of(asked)))


def messages() -> str:
    return f"/v1/chat/rooms/{ROOM}/messages"


def ended(world: World, http: Http, job_id: str) -> dict[str, Any]:
    """A job at its end."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] = world.note("job", http.send("GET", f"/v1/jobs/{job_id}"), 200)
        if found["status"] not in ("queued", "running"):
            return found
        time.sleep(POLL_SECONDS)
    raise Fault(f"job {job_id} did not end in {WAIT_SECONDS:.0f} s")


def bulk(world: World) -> None:
    given = [parameters(world.rng.randrange(450)) for _ in range(5)]
    wanted = [{"key": "orders_by_status", "params": one} for one in given]
    http = world.viewer()
    reply = http.send("POST", "/v1/process/bulk-reports", {"reports": wanted})
    job_id = world.note("bulk", reply, 202)["job_id"]
    if world.rng.random() < 0.3:
        # It may have ended before it is cancelled, which is 409.
        world.note("cancel job", http.send("DELETE", f"/v1/jobs/{job_id}"), 200, 202, 204, 409)
        state = ended(world, http, job_id)["status"]
        world.holds("cancel job", state not in ("cancelled", "completed") and state)
        return
    job = ended(world, http, job_id)
    world.holds("bulk", job["status"] != "completed" and job)
    world.holds("bulk", len(job["run_ids"]) != len(given) and job)
    for run, one in zip(job["run_ids"], given, strict=True):
        rows = world.note("rows json", http.send("GET", f"/v1/runs/{run}/rows?format=json"), 200)
        world.holds("bulk", wrong(rows["items"], right_report(world, one)))


def later(world: World) -> None:
    asked, http = IRS[1], world.viewer()
    body = {"datasource_id": "flights", "ir": asked.question}
    reply = http.send("POST", "/v1/query", body, {"Prefer": "respond-async"})
    job = ended(world, http, world.note("later", reply, 202)["job_id"])
    world.holds("later", job["status"] != "completed" and job)
    path = f"/v1/runs/{job['run_ids'][-1]}/rows?format=json"
    found = world.note("rows json", http.send("GET", path), 200)
    world.holds("later", wrong(found["items"], world.answers.of(asked)))


def mistakes(world: World) -> None:
    http = world.viewer()
    unknown = {"datasource_id": "flights", "ir": {"entities": ["flihgts"], "metrics": []}}
    world.note("unknown table", http.send("POST", "/v1/query", unknown), 422)
    world.note("unknown report", http.send("GET", "/v1/reports/there-is-none"), 404)
    dropping = {"datasource_id": "flights", "sql": "drop table flights"}
    world.note("refused", http.send("POST", "/v1/query", dropping), 422)
    world.note("not allowed", http.send("POST", "/v1/learn?datasource_id=flights"), 403)
    world.note("nobody", Http(world.base, "not.a.token").send("GET", "/v1/reports"), 401)


def learn(world: World) -> None:
    source = world.rng.choice(["pg", "flights"])
    reply = world.editor().send("POST", f"/v1/learn?datasource_id={source}")
    world.note("learn", reply, 200)


def upload(world: World) -> None:
    """A file comes, is asked about, and goes with its session."""
    http, sums = world.editor(), dict.fromkeys(REGIONS, 0)
    lines = ["sale_id,region,amount"]
    for number in range(500):
        region, amount = world.rng.choice(REGIONS), world.rng.randrange(10_000)
        sums[region] += amount
        lines.append(f"{number},{region},{amount}")
    reply = http.upload("sales.csv", "\n".join(lines).encode())
    file = world.note("upload", reply, 200, 201)["items"][0]["id"]
    reply = http.send("POST", "/v1/learning-sessions", {"file_ids": [file]})
    path = f"/v1/learning-sessions/{world.note('session', reply, 201)['id']}"
    reply = http.send("POST", f"{path}/messages", {"text": "total amount by region"})
    found = world.note("session asks", reply, 200, 201)
    world.holds("session asks", found["state"] != "answer" and found)
    world.holds("session asks", wrong(found["result"]["rows"], list(sums.items())))
    world.note("session goes", http.send("DELETE", path), 204)
    world.note("file goes", http.send("DELETE", f"/v1/files/{file}"), 204)


def leaves_rudely(world: World) -> None:
    """Sockets that end without a word, in the middle of what they asked for."""
    token = world.rng.choice(world.viewers)
    wire = connect(
        world.base.replace("http://", "ws://") + "/v1/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
    )
    for channel in (f"chat/{ROOM}", "presence:online"):
        wire.send(json.dumps({"type": "subscribe", "channel": channel}))
    wire.send("{not json")
    wire.socket.close()
    world.statuses["rude socket"] += 1


def looks_around(world: World) -> None:
    http = world.viewer()
    for path in ("/v1/reports", "/v1/jobs", "/v1/scopes", "/v1/catalog/flights", "/v1/ai/tools"):
        world.note(f"GET {path}", http.send("GET", path), 200)


# What is done, and how often beside the others.
MIX: list[tuple[Callable[[World], None], float]] = [
    (report_run, 8),
    (ir, 5),
    (sql, 2),
    (question, 4),
    (chat, 3),
    (bulk, 1),
    (later, 1),
    (mistakes, 1),
    (looks_around, 1),
    (leaves_rudely, 0.5),
    (upload, 0.3),
    (learn, 0.05),
]
