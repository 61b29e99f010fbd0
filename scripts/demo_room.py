"""A person in a room of the demo, and the transcript they share.

In: where a process listens, a token, a room. Out: what the socket hears, kept with its numbers and
told as it comes. A member listens in a thread of its own; every wait is for a condition and has a
deadline. The client is the `websockets` library, which knows nothing of AIR.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE = 120.0
POLL_SECONDS = 0.05
WIDTH = 100


class Wrong(Exception):  # noqa: N818
    """What the demo set out to show did not happen."""


def until(what: str, holds: Callable[[], object]) -> None:
    """Polls until it holds; an error after a while."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise Wrong(f"not in {PATIENCE:.0f} s: {what}")
        time.sleep(POLL_SECONDS)


class Transcript:
    """Lines in the order of time, from several threads."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.lock = threading.Lock()
        self.checks = 0

    def tell(self, who: str, what: str) -> None:
        line = " ".join(what.split())
        line = line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        with self.lock:
            sys.stdout.write(f"{time.monotonic() - self.begun:7.2f} s  {who:<10} {line}\n")
            sys.stdout.flush()

    def head(self, text: str) -> None:
        with self.lock:
            sys.stdout.write(f"\n{text}\n")

    def check(self, text: str) -> None:
        self.checks += 1
        self.tell("checked", text)


class Member:
    """A user's socket at one process, subscribed to the room.

    `earlier` is a socket that the same user had: this one goes on from its last number, and keeps
    what both heard in one list.
    """

    def __init__(
        self,
        user: str,
        token: str,
        letter: str,
        base: str,
        room: str,
        log: Transcript,
        earlier: Member | None = None,
    ) -> None:
        self.user, self.room, self.log = user, room, log
        self.place = f"{user}@{letter}"
        self.events: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.kept: list[dict[str, Any]] = [] if earlier is None else list(earlier.kept)
        self.ended: str | None = None
        self.refs = 0
        self.changed = threading.Condition()
        headers = {"Authorization": f"Bearer {token}"}
        url = base.replace("http://", "ws://") + "/v1/ws"
        self.connection = connect(url, additional_headers=headers)
        threading.Thread(target=self.listen, daemon=True).start()
        after = self.last()
        log.tell(self.place, f"connects and asks for what came after {after}")
        self.command(type="subscribe", channel=f"chat/{room}", after=after)

    def listen(self) -> None:
        """Keeps and tells everything that comes, until the connection ends."""
        try:
            for text in self.connection:
                with self.changed:
                    self.take(json.loads(text))
                    self.changed.notify_all()
            self.ended = "closed"
        except ConnectionClosed as end:
            self.ended = str(end)
        with self.changed:
            self.changed.notify_all()

    def take(self, event: dict[str, Any]) -> None:
        payload = event["payload"]
        if "reply_to" in payload:
            self.answers[payload["ref"]] = event
        elif event["channel"] == f"chat/{self.room}":
            if event["seq"] > 0:
                self.kept.append(event)
            self.events.append(event)
            self.tell(event)

    def tell(self, event: dict[str, Any]) -> None:
        payload, seq = event["payload"], event["seq"]
        if seq > 0:
            answers = " (the whole answer)" if payload["type"] == "ai" else ""
            self.log.tell(
                self.place, f"[{seq}] {payload['user_id']}{answers}: {payload['content']}"
            )
        elif event["type"] == "ai_stream":
            piece = f"piece {payload['index']}, {payload['part']}: {payload['content']}"
            self.log.tell(self.place, f"    {piece}")
        elif payload.get("user_id") != self.user and event["type"] == "presence":
            there = "is there" if payload["online"] else "is gone"
            self.log.tell(self.place, f"    {payload['user_id']} {there}")
        elif payload.get("user_id") != self.user and event["type"] == "typing":
            types = "is typing …" if payload["is_typing"] else "types no more"
            self.log.tell(self.place, f"    {payload['user_id']} {types}")

    def waits(self, what: str, holds: Callable[[], object]) -> None:
        """Waits until what was heard makes it hold, and sees that at once."""
        with self.changed:
            if not self.changed.wait_for(holds, PATIENCE):
                raise Wrong(f"not in {PATIENCE:.0f} s: {self.place} {what}")

    def command(self, **message: Any) -> dict[str, Any]:  # noqa: ANN401
        """Says something to the service, and gives the payload of its answer."""
        self.refs += 1
        ref = str(self.refs)
        self.connection.send(json.dumps({**message, "ref": ref}))
        self.waits(f"is answered to {message}", lambda: ref in self.answers)
        answer = self.answers.pop(ref)
        if answer["type"] != "status":
            raise Wrong(f"{self.place} said {message} and was answered {answer}")
        payload: dict[str, Any] = answer["payload"]
        return payload

    def say(self, content: str) -> dict[str, Any]:
        return self.command(type="chat_message", room=self.room, content=content)

    def ask(self, question: str) -> dict[str, Any]:
        """A question to AIR: `answer_id` names the message that will answer it."""
        message = {"type": "chat_message", "room": self.room, "content": question, "ask": True}
        return self.command(**message)

    def types(self, other: Member, state: bool) -> None:
        """Begins or ends to type, and waits until the other sees it. It is told to whoever
        listens just now and kept by nobody: so it is said again until then."""

        def look() -> bool:
            self.command(type="typing", room=self.room, is_typing=state)
            return other.has_heard("typing", user_id=self.user, is_typing=state)

        until(f"{other.place} sees whether {self.place} types", look)

    def leaves(self) -> None:
        self.connection.close()
        self.log.tell(self.place, "leaves")

    def broken(self) -> None:
        self.waits("notices that its process is gone", lambda: self.ended is not None)

    def last(self) -> int:
        return self.numbers()[-1] if self.kept else 0

    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.kept]

    def messages(self) -> list[dict[str, Any]]:
        return [event["payload"] for event in self.kept]

    def replies(self, message_id: str) -> list[int]:
        """The numbers of the messages that answer one."""
        found = [event for event in self.kept if event["payload"]["in_reply_to"] == message_id]
        return [event["seq"] for event in found]

    def has_heard(self, kind: str, **payload: object) -> bool:
        """Whether an event of a kind with these members came over this connection."""
        return any(
            event["type"] == kind and payload.items() <= event["payload"].items()
            for event in list(self.events)
        )

    def reads_to(self, seq: int) -> None:
        """Waits for an event with that number: all before it must have come, once and in order."""
        self.waits(f"has {seq}", lambda: self.last() >= seq)
        if self.numbers() != list(range(1, self.last() + 1)):
            raise Wrong(f"{self.place} had {self.numbers()}")

    def complete(self, message_id: str) -> dict[str, Any]:
        """A message of the room, once it is there."""

        def look() -> list[dict[str, Any]]:
            return [one for one in self.messages() if one["message_id"] == message_id]

        self.waits(f"has the message {message_id}", look)
        return look()[0]

    def pieces(self, message_id: str) -> int:
        """How many pieces an answer came in, once they are what it says: each once, in order."""
        content = self.complete(message_id)["content"]

        def found() -> list[dict[str, Any]]:
            streamed = [e["payload"] for e in self.events if e["type"] == "ai_stream"]
            return [piece for piece in streamed if piece["message_id"] == message_id]

        def text() -> str:
            return "".join(piece["content"] for piece in found() if piece["part"] != "status")

        # Pieces are passed on apart from what is kept, so the last may come behind the whole.
        self.waits("has all pieces of the answer", lambda: len(text()) >= len(content))
        numbers = [piece["index"] for piece in found()]
        if numbers != list(range(len(numbers))) or text() != content:
            raise Wrong(f"{self.place} had the pieces {numbers}, which say {text()!r}")
        return len(numbers)
