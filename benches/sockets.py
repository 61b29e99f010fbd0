"""Fan-out over sockets: AIR beside python-socketio, 2,000 connections in rooms of 10 and of 500.

In: the program `air` built for release. Out, for each room size: deliveries a second a core (of
the server's own processor time, so that a slow client does not flatter or harm), kilobytes a
connection, and whether every message reached every member once and in order, also those who were
cut off in the middle and came back with their last number. The two take turns.

AIR is measured twice: `chat` messages, each on disk before it is told, and `typing`, which nobody
keeps, as python-socketio keeps nothing. Not for CI: it takes both processors of a small machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from measure import Report, Spread, machine, ratios, say, short, table, take_turns
from socket_clients import Crowd
from socket_servers import TICKS, USERS, Server, air, air_socket, post, socketio, socketio_socket

DELIVERIES_GOAL, KILOBYTES_GOAL = 50_000, 20
MISSED_ROUNDS = 20
# AIR tells no sooner again that somebody types.
TYPES_AGAIN_SECONDS = 1.05
KEPT = b'"content":"message'

# What the sender of a room says in a round, and which of its members that is.
Say = Callable[[str, int], tuple[int, str]]


@dataclass(frozen=True)
class Found:
    """What one turn of a server gave: rates by what was said, memory, what was resumed."""

    rates: dict[str, float]
    kilobytes: float
    busy_kilobytes: float
    resumed: int = 0


def measured(server: Server, crowd: Crowd, mark: bytes, rounds: int, message: Say) -> float:
    """Deliveries a second of the server's processor time; one message a room and round."""
    size, rooms = len(crowd.clients), crowd.rooms
    begin = server.cpu()
    for number in range(rounds):
        for at, room in enumerate(rooms):
            member, text = message(room, number)
            crowd.clients[at + member * len(rooms)].send(text)
        crowd.hear(mark, size)
    spent = server.cpu() - begin
    return size * rounds / max(spent, 1 / TICKS)


def chat(room: str, number: int) -> tuple[int, str]:
    said = {"type": "chat_message", "room": room, "content": f"message {number}"}
    return 0, json.dumps(said)


class Typing:
    """Members of each room begin and end to type, one after the other."""

    def __init__(self, members: int) -> None:
        self.people = min(members, USERS)
        self.told: dict[tuple[str, int], float] = {}

    def __call__(self, room: str, number: int) -> tuple[int, str]:
        member, begins = number // 2 % self.people, number % 2 == 0
        if begins:
            again = self.told.get((room, member), 0.0) + TYPES_AGAIN_SECONDS
            time.sleep(max(0.0, again - time.monotonic()))
            self.told[room, member] = time.monotonic()
        return member, json.dumps({"type": "typing", "room": room, "is_typing": begins})


def told(room: str, number: int) -> tuple[int, str]:
    said = {"room": room, "content": f"message {number}"}
    return 0, f"42{json.dumps(['say', said])}"


def bench_air(options: argparse.Namespace, members: int) -> Found:
    rooms = [f"room{n}" for n in range(options.connections // members)]
    with air(options.air, options.connections) as (server, tokens):
        post_all(server, tokens, rooms, options.connections)
        crowd = Crowd(rooms)
        before = server.kilobytes()
        for at in range(options.connections):
            user = f"u{at // len(rooms) % USERS}"
            crowd.add(air_socket(server, tokens[user], crowd.room(at)))
        idle = server.kilobytes() - before
        kept = measured(server, crowd, KEPT, options.rounds, chat)
        passing = measured(server, crowd, b'"type":"typing"', options.rounds, Typing(members))
        busy = server.kilobytes() - before
        resumed = resume(server, crowd, tokens)
    each = options.connections
    return Found({"chat": kept, "typing": passing}, idle / each, busy / each, resumed)


def post_all(server: Server, tokens: dict[str, str], rooms: list[str], connections: int) -> None:
    """Makes the rooms, and each user a member of those they will listen to."""
    for at, room in enumerate(rooms):
        post(server, tokens["u0"], "/v1/chat/rooms", {"id": room, "name": room})
        users = {f"u{n // len(rooms) % USERS}" for n in range(at, connections, len(rooms))}
        for user in sorted(users - {"u0"}):
            post(server, tokens[user], f"/v1/chat/rooms/{room}/members", {})


def resume(server: Server, crowd: Crowd, tokens: dict[str, str]) -> int:
    """Cuts every second connection, goes on talking, and lets them come back: how many messages
    they had missed. One that is lost, twice or out of order ends the bench."""
    senders = len(crowd.rooms)
    cut = [at for at in range(senders, len(crowd.clients)) if at % 2]
    for at in cut:
        crowd.clients[at].wire.close()
    stays = crowd.part([at for at in range(len(crowd.clients)) if at not in set(cut)])
    for number in range(MISSED_ROUNDS):
        for at in range(senders):
            crowd.clients[at].send(chat(crowd.rooms[at], number)[1])
        stays.hear(KEPT, len(stays.clients))
    back = Crowd(crowd.rooms)
    for at in cut:
        user = f"u{at // senders % USERS}"
        client = air_socket(server, tokens[user], crowd.room(at), crowd.last[at])
        back.add(client, crowd.last[at])
    back.hear(KEPT, MISSED_ROUNDS * len(cut))
    back.are_each(MISSED_ROUNDS)
    return MISSED_ROUNDS * len(cut)


def bench_socketio(options: argparse.Namespace, members: int) -> Found:
    rooms = [f"room{n}" for n in range(options.connections // members)]
    with socketio() as server:
        crowd = Crowd(rooms)
        before = server.kilobytes()
        for at in range(options.connections):
            crowd.add(socketio_socket(server, crowd.room(at)))
        idle = server.kilobytes() - before
        rate = measured(server, crowd, b"message ", options.rounds, told)
        busy = server.kilobytes() - before
    return Found({"message": rate}, idle / options.connections, busy / options.connections)


def tell(given: dict[str, list[Found]], report: Report, members: int) -> None:
    """The table of one room size, and the goals."""
    rows, rates = [], dict[str, list[float]]()
    for name, turns in given.items():
        for what in turns[0].rates:
            rates[f"{name}, {what}"] = values = [turn.rates[what] for turn in turns]
            idle = Spread.of([turn.kilobytes for turn in turns])
            busy = Spread.of([turn.busy_kilobytes for turn in turns])
            rows.append([f"{name}, {what}", Spread.of(values).show(), idle.show(), busy.show()])
    head = [
        f"rooms of {members}",
        "deliveries a second a core",
        "KB a connection",
        "after the load",
    ]
    table(head, rows)
    for what in ("chat", "typing"):
        rate = Spread.of(rates[f"AIR, {what}"]).median
        goal = f"≥ {DELIVERIES_GOAL:,} a second a core"
        report.goal(f"{what} in rooms of {members}", goal, short(rate), met=rate >= DELIVERIES_GOAL)
        if "python-socketio" in given:
            over = ratios(rates[f"AIR, {what}"], rates["python-socketio, message"])
            say(f"- {what} over python-socketio: {over.show()} times as many")
    size = Spread.of([turn.kilobytes for turn in given["AIR"]]).median
    goal = f"≤ {KILOBYTES_GOAL}"
    report.goal("KB a connection", goal, f"{size:.1f}", met=size <= KILOBYTES_GOAL)
    say(f"- {sum(turn.resumed for turn in given['AIR']):,} missed messages came once, in order\n")
    report.keep(
        f"rooms of {members}", {name: [vars(turn) for turn in t] for name, t in given.items()}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--air", type=Path, required=True, help="`air`, built for release")
    parser.add_argument("--connections", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=50, help="messages of each room in a turn")
    parser.add_argument("--turns", type=int, default=3, help="of each server")
    parser.add_argument("--rooms", type=int, nargs="+", default=[10, 500], help="their sizes")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--without-peer", action="store_true")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report = Report(f"Fan-out over {options.connections:,} sockets")
    machine([] if options.without_peer else ["python-socketio", "uvicorn"])
    for members in options.rooms:
        contestants: dict[str, Callable[[], Any]] = {"AIR": partial(bench_air, options, members)}
        if not options.without_peer:
            contestants["python-socketio"] = partial(bench_socketio, options, members)
        tell(take_turns(contestants, options.turns), report, members)
    report.save(options.json)


if __name__ == "__main__":
    main()
