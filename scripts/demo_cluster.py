"""The demo of several processes: two services over one Redis, and a room with a person at each.

In: AIR_BIN. Out: a transcript in the order of time, of what the two clients say and hear. Ann's
process is killed with -9 as it takes a question of hers; she goes on at the other from her last
number. Redis is killed and started again. Ends with 1 where a client missed an event, heard one
twice or out of order, an answer is not what DuckDB says, or anything does not come in time.
Everything that was started is ended, and its folder removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))
import servers  # noqa: E402
from demo_room import Member, Transcript, Wrong, until  # noqa: E402
from oracle import SAMPLE, Oracle  # noqa: E402
from service import Client, Http, Process, mint  # noqa: E402

ROOM = "delays"
ROOMS = "/v1/chat/rooms"
# Each question with an independent way to its rows.
BY_ORIGIN = (
    "number of flights by origin",
    "select origin, count(*) from flights group by all order by 1",
)
BY_AIRLINE = (
    "average departure delay by carrier name",
    "select a.name, avg(f.dep_delay) from flights f join airlines a using (carrier)"
    " group by all order by 1",
)
FARTHEST = (
    "maximum distance by origin",
    "select origin, max(distance) from flights group by all order by 1",
)


class Cluster:
    """The processes on one data folder, by the letters they have in the transcript."""

    def __init__(self, program: Path, data: Path, redis: servers.Redis, log: Transcript) -> None:
        self.program, self.data, self.redis, self.log = program, data, redis, log
        self.processes: dict[str, Process] = {}
        flights = {"id": "flights", "kind": "files", "base_path": str(SAMPLE), "default": True}
        self.config: dict[str, Any] = {
            "server": {"host": "127.0.0.1", "auth": {"jwt_secret": secrets.token_urlsafe(48)}},
            "files": {"base_path": str(SAMPLE)},
            "analytics_sources": [flights],
            "redis": {"enabled": True, "url": redis.url},
        }

    def start(self, letter: str) -> None:
        process = Process(self.program, self.data, self.config, auth="enabled")
        self.processes[letter] = process
        self.log.tell(f"process {letter}", f"up, pid {process.pid}, {process.base}")
        self.redis_is(letter, "ok")

    def kill(self, letter: str) -> None:
        process = self.processes.pop(letter)
        process.kill()
        self.log.tell(f"process {letter}", f"killed with -9, pid {process.pid}")

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()

    def token(self, user: str, role: str = "viewer") -> str:
        return mint(self.program, self.data, user, role)

    def http(self, letter: str, user: str, role: str = "viewer") -> Http:
        return Http(self.processes[letter].base, self.token(user, role))

    def member(self, user: str, letter: str, earlier: Member | None = None) -> Member:
        base = self.processes[letter].base
        return Member(user, self.token(user), letter, base, ROOM, self.log, earlier)

    def redis_is(self, letter: str, status: str) -> None:
        """Waits until the process says so of Redis, and sees that it serves all the while."""

        def look() -> bool:
            reply = Http(self.processes[letter].base).send("GET", "/readyz")
            if reply.status != 200 or reply.body["status"] != "ready":
                raise Wrong(f"process {letter} is not ready: {reply.status} {reply.body}")
            return bool(reply.body["parts"]["redis"]["status"] == status)

        until(f"process {letter} says that Redis is {status}", look)
        self.log.tell(f"process {letter}", f"/readyz: 200 ready, redis {status}")


def asked(
    cluster: Cluster, oracle: Oracle, who: Member, other: Member, what: tuple[str, str]
) -> None:
    """A question whose answer comes in pieces to both, whose rows are those of DuckDB."""
    posted = who.ask(what[0])
    for member in (who, other):
        message = member.complete(posted["answer_id"])
        pieces = member.pieces(posted["answer_id"])
        judged(oracle, what[1], message)
        cluster.log.check(
            f"{pieces} pieces came to {member.place} and are the answer, its rows right"
        )


def judged(oracle: Oracle, sql: str, message: dict[str, Any]) -> None:
    """An error unless an answer's rows, in any order, are those of the SQL."""
    answer = message["answer"]
    if answer["state"] != "answer":
        raise Wrong(f"it was not answered: {message['content']}")
    given = sorted(tuple(row.values()) for row in answer["rows"])
    for row, right in zip(given, oracle.answer(sql).rows, strict=True):
        near = [
            abs(float(one) - float(two)) < 1e-9 for one, two in zip(row[1:], right[1:], strict=True)
        ]
        if row[0] != right[0] or not all(near):
            raise Wrong(f"{row} should be {right}")


def who_is_there(cluster: Cluster, ann: Member, bob: Member) -> None:
    here = {"user_id": "bob", "online": True}
    ann.waits("is told that bob is there", lambda: ann.has_heard("presence", **here))
    reply = cluster.http("B", "bob").send("GET", f"{ROOMS}/{ROOM}/presence")
    there = sorted(one["user_id"] for one in reply.body["items"] if one["online"])
    if there != ["ann", "bob"]:
        raise Wrong(f"process B knows of {there}")
    cluster.log.check("ann at A is told that bob came at B, and B knows that ann is there")
    typing(cluster, bob, ann)


def typing(cluster: Cluster, who: Member, other: Member) -> None:
    for state in (True, False):
        who.types(other, state)
    cluster.log.check(f"{other.place} saw {who.place} begin to type, and end")


def killed(cluster: Cluster, oracle: Oracle, ann: Member, bob: Member) -> Member:
    """Process A dies with a question of ann's; she misses nothing at B."""
    posted = ann.ask(BY_AIRLINE[0])
    cluster.kill("A")
    ann.broken()
    last = ann.last()
    cluster.log.tell(ann.place, f"the connection broke; the last number she has is {last}")
    first = bob.say("ann, are you there?")
    bob.say("your process is gone, come over to B")
    bob.complete(posted["answer_id"])
    again = cluster.member("ann", "B", ann)
    judged(oracle, BY_AIRLINE[1], again.complete(posted["answer_id"]))
    again.reads_to(bob.last())
    missed = [seq for seq in again.numbers() if seq > last]
    cluster.log.check(
        f"{len(missed)} messages after {last} came to ann@B once and in order: {missed}"
    )
    replies = again.replies(posted["message_id"])
    if len(replies) != 1:
        raise Wrong(f"the question that A had acknowledged was answered {len(replies)} times")
    # Numbers are given as messages are kept: one behind bob's was given after A had died.
    by = "B, since A did not come to it" if replies[0] > first["seq"] else "A, as its last deed"
    cluster.log.check(f"the question that A had acknowledged is answered once, by {by}")
    return again


def redis_away(cluster: Cluster, oracle: Oracle, ann: Member, bob: Member) -> None:
    cluster.redis.kill()
    cluster.log.tell("redis", "killed with -9; it keeps nothing on disk")
    for letter in cluster.processes:
        cluster.redis_is(letter, "failing")
    bob.say("does this arrive without Redis?")
    ann.say("it does, by way of the database")
    for member in (ann, bob):
        member.reads_to(max(ann.last(), bob.last()))
    cluster.log.check("without Redis what is said at one process still comes to the other")
    cluster.redis.start()
    cluster.log.tell("redis", "started again, empty, on its port")
    for letter in cluster.processes:
        cluster.redis_is(letter, "ok")
    typing(cluster, ann, bob)
    typing(cluster, bob, ann)
    asked(cluster, oracle, bob, ann, FARTHEST)


def accounts(cluster: Cluster, members: list[Member]) -> None:
    """Every message of the room came to everybody once, in order, and as it is kept."""
    reply = cluster.http("B", "ann").send("GET", f"{ROOMS}/{ROOM}/messages?after=0&limit=500")
    kept = [(m["seq"], m["message_id"], m["content"]) for m in reply.body["items"]]
    for member in members:
        member.reads_to(kept[-1][0])
        had = [
            (seq, m["message_id"], m["content"])
            for seq, m in zip(member.numbers(), member.messages(), strict=True)
        ]
        double = len(had) - len(set(had))
        cluster.log.tell(
            member.place,
            f"{len(had)} of {len(kept)} messages, "
            f"{len(set(kept) - set(had))} missed, {double} double",
        )
        if had != kept or member.numbers() != list(range(1, len(kept) + 1)):
            raise Wrong(f"{member.place} had {member.numbers()} of {[seq for seq, _, _ in kept]}")
    cluster.log.check("nobody missed a message or had one twice, and all were in order")


def show(cluster: Cluster) -> None:
    log, oracle = cluster.log, Oracle()
    log.head("Two processes on one data folder and one Redis")
    for letter in ("A", "B"):
        cluster.start(letter)
    Client(cluster.http("A", "eva", "editor")).learn("flights")
    room = cluster.http("A", "ann").send(
        "POST", ROOMS, {"id": ROOM, "private": True, "members": ["bob"]}
    )
    if room.status != 201:
        raise Wrong(f"the room was not made: {room.body}")
    log.head("Ann at A and bob at B: who is there, who is typing, an answer in pieces")
    ann = cluster.member("ann", "A")
    bob = cluster.member("bob", "B")
    who_is_there(cluster, ann, bob)
    ann.say("good morning, bob")
    asked(cluster, oracle, ann, bob, BY_ORIGIN)
    log.head("Process A is killed as it takes a question; ann goes on at B from her last number")
    ann = killed(cluster, oracle, ann, bob)
    log.head("Another process takes its place, and bob moves there")
    cluster.start("C")
    bob.leaves()
    ann.say("bob, I hear you are moving")
    bob = cluster.member("bob", "C", bob)
    bob.reads_to(ann.last())
    log.head("Redis is killed, and comes back")
    redis_away(cluster, oracle, ann, bob)
    log.head("The account")
    accounts(cluster, [ann, bob])
    for member in (ann, bob):
        member.leaves()


def ended(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def main() -> int:
    signal.signal(signal.SIGTERM, ended)
    program = Path(os.environ["AIR_BIN"])
    log = Transcript()
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(servers.redis(work / "redis"))
        log.tell("redis", f"up at {redis.url}")
        data = work / "data"
        data.mkdir(mode=0o700)
        cluster = Cluster(program, data, redis, log)
        stack.callback(cluster.end)
        try:
            show(cluster)
        except (Wrong, AssertionError) as wrong:
            log.tell("WRONG", str(wrong))
            return 1
    log.head(f"{log.checks} checks, all right; every process is ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
