"""Chat from outside: people over REST, the socket and `aircli chat`, and a killed service.

The rules of rooms, limits and questions back are held by the server's own tests; here is what
people rely on end to end. Every wait is for a condition and has a deadline.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from listening import SECRET, Socket, opened
from oracle import SHOP
from service import REPOSITORY, Client, Http, Process, mint, read_lines

WAIT_SECONDS = 180
ROOMS = "/v1/chat/rooms"

Found = TypeVar("Found")


def config(**more: Any) -> dict[str, Any]:
    shop = {"id": "shop", "kind": "files", "base_path": str(SHOP), "default": True}
    return {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}},
        "files": {"base_path": str(REPOSITORY)},
        "analytics_sources": [shop],
        **more,
    }


def until(what: str, look: Callable[[], Found | None]) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come in {WAIT_SECONDS} s")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Served:
    """A service that can be killed and comes back at the same address."""

    program: Path
    aircli: Path
    data: Path
    told: dict[str, Any]
    port: int
    process: Process

    def http(self, user: str, role: str = "viewer") -> Http:
        return Http(self.process.base, mint(self.program, self.data, user, role))

    def token(self, user: str, role: str = "viewer") -> str:
        return mint(self.program, self.data, user, role)

    def kill_and_start(self) -> None:
        self.process.kill()
        self.process = start(self.program, self.data, self.told, self.port)


def start(program: Path, data: Path, told: dict[str, Any], port: int) -> Process:
    return Process(program, data, told, auth="enabled", port=str(port))


@contextlib.contextmanager
def served(program: Path, aircli: Path, data: Path, **more: Any) -> Iterator[Served]:
    port, told = free_port(), config(**more)
    service = Served(program, aircli, data, told, port, start(program, data, told, port))
    try:
        Client(service.http("eva", "editor")).learn("shop")
        yield service
    finally:
        service.process.stop()


@pytest.fixture
def service(program: Path, aircli: Path, tmp_path: Path) -> Iterator[Served]:
    with served(program, aircli, tmp_path) as service:
        yield service


def made(http: Http, **room: Any) -> str:
    reply = http.send("POST", ROOMS, room)
    assert reply.status == 201, reply.body
    name: str = reply.body["id"]
    return name


def said(http: Http, room: str, content: str, **more: Any) -> dict[str, Any]:
    reply = http.send("POST", f"{ROOMS}/{room}/messages", {"content": content, **more})
    assert reply.status == 201, reply.body
    posted: dict[str, Any] = reply.body
    return posted


def behind(http: Http, room: str, seq: int) -> list[dict[str, Any]]:
    reply = http.send("GET", f"{ROOMS}/{room}/messages?after={seq}&limit=500")
    assert reply.status == 200, reply.body
    items: list[dict[str, Any]] = reply.body["items"]
    return items


def answer(http: Http, room: str, posted: dict[str, Any]) -> dict[str, Any]:
    """The answer to a message, once it is there."""

    def look() -> dict[str, Any] | None:
        found = [m for m in behind(http, room, posted["seq"]) if m["type"] == "ai"]
        mine = [m for m in found if m["in_reply_to"] == posted["message_id"]]
        return mine[0] if mine else None

    return until(f"the answer to {posted}", look)


class Chat:
    """`aircli chat` in a pipe: what it prints is read as it comes."""

    def __init__(self, service: Served, user: str, room: str | None, *options: str) -> None:
        place = [] if room is None else ["--room", room]
        role = "editor" if user == "eva" else "viewer"
        self.child = subprocess.Popen(  # noqa: S603
            [str(service.aircli), "chat", *place, "--timeout", f"{WAIT_SECONDS}s", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"AIR_URL": service.process.base, "AIR_TOKEN": service.token(user, role)},
        )
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.said: queue.Queue[str | None] = queue.Queue()
        for source, lines in ((self.child.stdout, self.lines), (self.child.stderr, self.said)):
            threading.Thread(target=read_lines, args=(source, lines), daemon=True).start()

    def say(self, text: str) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()

    def next(self) -> dict[str, Any]:
        line = self.lines.get(timeout=WAIT_SECONDS)
        assert line is not None, f"the chat has ended: {self.rest(self.said)}"
        message: dict[str, Any] = json.loads(line)
        return message

    def ends(self) -> tuple[int, str, str]:
        """Closes its input; the exit code, and the rest of what it printed and said."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        code = self.child.wait(WAIT_SECONDS)
        return code, self.rest(self.lines), self.rest(self.said)

    @staticmethod
    def rest(lines: queue.Queue[str | None]) -> str:
        text = ""
        while (line := lines.get(timeout=WAIT_SECONDS)) is not None:
            text += line
        return text

    def __enter__(self) -> Chat:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait(WAIT_SECONDS)


def test_two_people_and_an_answer(service: Served) -> None:
    ann, bob = service.http("ann"), service.http("bob")
    room = made(ann, id="general", members=["bob"])
    posted = said(ann, room, "@air number of orders by channel")
    shown = answer(bob, room, posted)
    assert shown["answer"]["state"] == "answer", shown
    assert shown["answer"]["row_count"] == len(shown["answer"]["rows"])
    assert "| channel |" in shown["content"]
    only = answer(ann, room, said(ann, room, "@air only web"))
    assert only["answer"]["scope_id"] == shown["answer"]["scope_id"], only
    assert [m["seq"] for m in behind(bob, room, 0)] == [1, 2, 3, 4]


def test_a_conversation_in_a_pipe_ends_in_a_report(service: Served) -> None:
    with Chat(service, "eva", None) as chat:
        chat.say("number of orders by channel")
        first = chat.next()
        assert first["answer"]["state"] == "answer", first
        # The channel is written in three ways, which are three values.
        chat.say("only web")
        asked = chat.next()
        assert asked["answer"]["state"] == "clarify", asked
        chat.say("1")
        only = chat.next()
        assert only["answer"].get("row_count") == 1, only["content"]
        chat.say("/save web_orders Orders over the web")
        assert chat.next()["key"] == "web_orders"
        chat.say("/rows")
        row = chat.next()
        chat.say("/scope")
        code, rest, _ = chat.ends()
        assert code == 0
        assert "# Question" in rest
    run = service.http("ann").send("POST", "/v1/reports/web_orders/run", {})
    assert (run.status, run.body["rows"]) == (200, [row])


def test_a_question_back_in_a_pipe(service: Served) -> None:
    with Chat(service, "ann", None) as chat:
        chat.say("which channel was the best")
        back = chat.next()
        assert back["answer"]["state"] == "clarify", back
        code, _, told = chat.ends()
        assert (code, "asked back" in told) == (7, True), told
    with Chat(service, "ann", back["room"]) as chat:
        chat.say(", ".join("you decide" for _ in back["answer"]["questions"]))
        assert chat.next()["answer"]["state"] == "answer"
        assert chat.ends()[0] == 0


def test_answers_are_text_for_people(service: Served) -> None:
    with Chat(service, "ann", None, "--output", "table") as chat:
        chat.say("number of orders by channel")
        chat.say("/sql")
        code, shown, _ = chat.ends()
    assert code == 0
    assert shown.index("Number of orders") < shown.index("| channel |") < shown.index("QA ")
    assert "-- shop, datafusion" in shown


def test_the_room_hears_what_one_of_them_asks(service: Served) -> None:
    ann = service.http("ann")
    room = made(ann, id="general", private=True, members=["bob"])
    with Chat(service, "bob", room) as bobs:
        until("bob", lambda: online(ann, room, "bob") or None)
        posted = said(ann, room, "@air number of orders")
        heard, answered = bobs.next(), bobs.next()
        assert (heard["message_id"], heard["user_id"]) == (posted["message_id"], "ann")
        assert (answered["in_reply_to"], answered["user_id"]) == (posted["message_id"], "air")
        assert answered["message_id"] == posted["answer_id"]
    until("bob's leaving", lambda: not online(ann, room, "bob") or None)
    stranger = Chat(service, "cat", room)
    with stranger:
        code, _, told = stranger.ends()
        assert (code, "There is no room" in told) == (1, True), told


def online(http: Http, room: str, user: str) -> bool:
    reply = http.send("GET", f"{ROOMS}/{room}/presence")
    assert reply.status == 200, reply.body
    return any(one["online"] for one in reply.body["items"] if one["user_id"] == user)


def heard(socket: Socket, kind: str, **payload: Any) -> dict[str, Any]:
    """The first event of a kind with these members, waited for."""
    at = 0
    while True:
        for event in socket.heard[at:]:
            if event["type"] == kind and payload.items() <= event["payload"].items():
                return event
        at = len(socket.heard)
        socket.read()


def test_pieces_typing_and_acknowledgements_over_the_socket(
    program: Path, aircli: Path, tmp_path: Path
) -> None:
    with served(program, aircli, tmp_path, chat={"typing_timeout": "300ms"}) as service:
        ann, base = service.http("ann"), service.process.base
        room = made(ann, id="general", members=["bob"])
        with opened(base, "ann") as anns, opened(base, "bob") as bobs:
            bobs.subscribe(f"chat/{room}")
            anns.subscribe("ai:stream:ann")
            assert anns.answer(type="typing", room=room)["type"] == "status"
            heard(bobs, "typing", user_id="ann", is_typing=True)
            heard(bobs, "typing", user_id="ann", is_typing=False)

            question = {"content": "number of orders by channel", "ask": True, "client_ref": "1"}
            kept = anns.answer(type="chat_message", room=room, **question)["payload"]
            assert (kept["seq"], kept["client_ref"]) == (1, "1")
            again = anns.answer(type="chat_message", room=room, **question)["payload"]
            assert again == kept, "sent again it is one message"
            whole = heard(bobs, "ai_complete", message_id=kept["answer_id"])
            pieces = [e["payload"] for e in bobs.heard if e["type"] == "ai_stream"]
            assert [piece["index"] for piece in pieces] == list(range(len(pieces)))
            assert len(pieces) >= 3
            assert "".join(piece["content"] for piece in pieces) == whole["payload"]["content"]
            assert bobs.numbers(f"chat/{room}") == [1, 2]
            own = heard(anns, "ai_complete", message_id=kept["answer_id"])
            assert own["channel"] == "ai:stream:ann"
            stored = answer(ann, room, {"seq": 1, "message_id": kept["message_id"]})
            assert stored["answer"] == whole["payload"]["answer"] == own["payload"]["answer"]
            wrong = bobs.answer(type="chat_message", room="elsewhere", content="x")
            assert (wrong["type"], wrong["payload"]["code"]) == ("error", "not_found")


def test_who_was_taken_out_hears_no_more(service: Served) -> None:
    ann, base = service.http("ann"), service.process.base
    room = made(ann, id="board", private=True, members=["bob"])
    with opened(base, "bob") as bobs:
        bobs.subscribe(f"chat/{room}")
        out = ann.send("DELETE", f"{ROOMS}/{room}/members?user_id=bob")
        assert out.status == 204, out.body
        # At once, and not only when the socket is looked at again.
        said(ann, room, "among ourselves")
        while not bobs.said or bobs.said[-1]["type"] != "error":
            bobs.read()
        assert bobs.said[-1]["payload"]["code"] == "not_found"
        assert bobs.answer(type="ping")["type"] == "status"
        assert "among ourselves" not in json.dumps(bobs.heard)
        again = bobs.answer(type="subscribe", channel=f"chat/{room}")
        assert (again["type"], again["payload"]["code"]) == ("error", "not_found")


def test_a_client_comes_back_by_itself_and_misses_nothing(service: Served) -> None:
    ann = service.http("ann")
    room = made(ann, id="general", members=["bob"])
    with Chat(service, "bob", room) as bobs:
        until("bob", lambda: online(ann, room, "bob") or None)
        seen = []
        for turn in range(3):
            said(ann, room, f"before {turn}")
            service.kill_and_start()
            ann = service.http("ann")
            said(ann, room, f"after {turn}")
            seen += [bobs.next(), bobs.next()]
        assert [message["content"] for message in seen] == [
            f"{when} {turn}" for turn in range(3) for when in ("before", "after")
        ]
        assert [message["seq"] for message in seen] == list(range(1, 7))


@pytest.mark.parametrize("turn", range(5))
def test_every_acknowledged_question_is_answered_once(service: Served, turn: int) -> None:
    """The service is killed while it answers; whatever it acknowledged is answered, once."""
    ann = service.http("ann")
    room = made(ann, id="general", ai="always")
    posted = [said(ann, room, f"number of orders {turn}, {n}") for n in range(turn + 1)]
    with contextlib.suppress(OSError, http.client.HTTPException):
        posted.append(said(ann, room, "number of orders by channel", client_ref="last"))
        service.process.kill()
    service.kill_and_start()
    ann = service.http("ann")
    again = said(ann, room, "number of orders by channel", client_ref="last")
    assert again == posted[-1], "the same message, not another"
    for one in posted:
        assert answer(ann, room, one)["message_id"] == one["answer_id"]
    replies = [m["in_reply_to"] for m in behind(ann, room, 0) if m["type"] == "ai"]
    assert sorted(replies) == sorted(one["message_id"] for one in posted)


def test_limits_are_of_a_user(program: Path, aircli: Path, tmp_path: Path) -> None:
    limits = {"messages_per_minute": 2, "ai_requests_per_minute": 1}
    with served(program, aircli, tmp_path, limits=limits) as service:
        ann, bob = service.http("ann"), service.http("bob")
        room = made(ann, id="general", members=["bob"])
        said(ann, room, "@air number of orders")
        refused = ann.send("POST", f"{ROOMS}/{room}/messages", {"content": "@air more"})
        assert (refused.status, refused.body["code"]) == (429, "too_many_requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        said(bob, room, "hello")
        with Chat(service, "ann", room) as chat:
            chat.say("@air more")
            code, _, told = chat.ends()
            assert (code, "a minute" in told) == (1, True), told
