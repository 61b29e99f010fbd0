"""The socket as a client of another make sees it, with one process and with two over one Redis."""

from __future__ import annotations

import fcntl
import json
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from listening import SECRET, Place, figure, opened, place, ready, token, until
from servers import Redis
from servers import redis as running_redis
from service import Http, Process
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

NOTHING = b""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path / "redis") as found:
        yield found


@pytest.fixture
def alone(program: Path, tmp_path: Path) -> Iterator[Place]:
    with place(program, tmp_path) as found:
        yield found


@pytest.fixture
def shared(program: Path, tmp_path: Path, server: Redis) -> Iterator[Place]:
    with place(program, tmp_path, server) as found:
        yield found


def redis_is(process: Process, status: str) -> bool:
    return bool(ready(process)["redis"]["status"] == status)


def test_a_killed_process_loses_nothing(shared: Place) -> None:
    """One of two is killed with -9; its client goes on at the other from its last number."""
    one, two = shared.start(), shared.start()
    for process in (one, two):
        until("Redis is there", partial(redis_is, process, "ok"))
    channel = f"run/{shared.run(one, 'ana')}"
    begun = shared.tell(channel, 5)
    with opened(two.base, "ana") as stays:
        stays.subscribe(channel, 0)
        with opened(one.base, "ana") as client:
            client.subscribe(channel, 0)
            assert client.read_to(channel, begun) == list(range(1, begun + 1))
            one.kill()
            end = shared.tell(channel, 400)
            # What the killed process still sent is with the client; the rest is not.
            with pytest.raises(ConnectionClosedError):
                client.read_to_end()
            assert client.connection.close_code == 1006, "nobody said goodbye"
        last = client.numbers(channel)[-1]
        with opened(two.base, "ana") as again:
            again.subscribe(channel, last)
            assert again.read_to(channel, end) == list(range(last + 1, end + 1))
            end = shared.tell(channel, 3)
            again.read_to(channel, end)
            assert client.numbers(channel) + again.numbers(channel) == list(range(1, end + 1))
        assert stays.read_to(channel, end) == list(range(1, end + 1))


def test_who_is_there_is_known_to_both(shared: Place) -> None:
    one, two = shared.start(), shared.start()
    for process in (one, two):
        until("Redis is there", partial(redis_is, process, "ok"))
    with opened(one.base, "eva", "admin") as watcher:
        watcher.subscribe("presence:online")
        with opened(two.base, "ana"):
            while not watcher.heard or watcher.heard[-1]["user_id"] != "ana":
                watcher.read()
            assert watcher.heard[-1]["payload"] == {"user_id": "ana", "online": True}
        while watcher.heard[-1]["payload"] != {"user_id": "ana", "online": False}:
            watcher.read()


def test_who_is_gone_with_a_killed_process_is_told(shared: Place) -> None:
    """Nobody says goodbye for them, and Redis still holds their sockets."""
    one, two = shared.start(), shared.start()
    for process in (one, two):
        until("Redis is there", partial(redis_is, process, "ok"))
    with opened(two.base, "eva", "admin") as watcher:
        watcher.subscribe("presence:online")
        with opened(one.base, "ana") as client:
            while not watcher.heard or watcher.heard[-1]["user_id"] != "ana":
                watcher.read()
            one.kill()
            with pytest.raises(ConnectionClosedError):
                client.read_to_end()
        while watcher.heard[-1]["payload"] != {"user_id": "ana", "online": False}:
            watcher.read()
        # Who comes back is told again.
        with opened(two.base, "ana"):
            while watcher.heard[-1]["payload"] != {"user_id": "ana", "online": True}:
                watcher.read()


def is_refused(process: Process, user: str) -> bool:
    """Whether one more socket of a user is one too many."""
    try:
        with opened(process.base, user):
            return False
    except InvalidStatus as error:
        if error.response.status_code != 429:
            raise
        return True


def test_sockets_of_a_user_are_counted_over_all_processes(shared: Place) -> None:
    shared.config["limits"] = {"sockets_per_user": 2}
    one, two = shared.start(), shared.start()
    for process in (one, two):
        until("Redis is there", partial(redis_is, process, "ok"))
    with opened(one.base, "ana"), opened(two.base, "ana"):
        for process in (one, two):
            assert is_refused(process, "ana")
            assert not is_refused(process, "bob")
    until("what ended counts no more", lambda: not is_refused(one, "ana"))
    with opened(one.base, "ana") as first, opened(one.base, "ana"):
        until("both are known", partial(is_refused, two, "ana"))
        one.kill()
        with pytest.raises(ConnectionClosedError):
            first.read_to_end()
        # What a dead process had counts no more, though Redis still holds it.
        until("the dead one's places are free", lambda: not is_refused(two, "ana"))


def test_redis_is_restarted_in_the_middle(shared: Place, server: Redis) -> None:
    one, two = shared.start(), shared.start()
    for process in (one, two):
        until("Redis is there", partial(redis_is, process, "ok"))
    channel = f"run/{shared.run(one, 'ana')}"
    shared.tell(channel, 3)
    with opened(one.base, "ana") as here, opened(two.base, "ana") as there:
        for client in (here, there):
            client.subscribe(channel, 0)
        server.kill()
        for process in (one, two):
            until("the absence is told", partial(redis_is, process, "failing"))
            # It goes on, and is ready for work.
            reply = Http(process.base).send("GET", "/readyz")
            assert (reply.status, reply.body["status"]) == (200, "ready")
        while_away = shared.tell(channel, 20)
        for client in (here, there):
            assert client.read_to(channel, while_away) == list(range(1, while_away + 1))
        shared.run(two, "ana")
        server.start()
        for process in (one, two):
            until("Redis is back", partial(redis_is, process, "ok"))
        end = shared.tell(channel, 2)
        for client in (here, there):
            assert client.read_to(channel, end) == list(range(1, end + 1))
        with opened(one.base, "eva", "admin") as watcher:
            watcher.subscribe("presence:online")
            with opened(two.base, "bob"):
                while not watcher.heard or watcher.heard[-1]["user_id"] != "bob":
                    watcher.read()


def test_what_a_dead_process_left_running_is_taken_over(shared: Place) -> None:
    """No restart is needed: the living one marks the run, and tells who follows it."""
    one, two = shared.start(), shared.start()
    run = shared.run(one, "ana")
    one.kill()
    with opened(two.base, "ana") as client:
        client.subscribe(f"run/{run}")
        with shared.database() as base:
            # As it was while the first process worked on it.
            done = base.execute(
                "update report_runs set status = 'running', finished_at = null where id = ?", [run]
            )
            assert done.rowcount == 1
        asked = Http(two.base, token("ana"))
        until(
            "the run is marked",
            lambda: asked.send("GET", f"/v1/runs/{run}").body["status"] == "failed",
        )
        while not client.heard:
            client.read()
        assert client.heard[-1]["payload"]["status"] == "failed"


def test_a_living_process_keeps_its_runs(shared: Place) -> None:
    one, two = shared.start(), shared.start()
    run = shared.run(one, "ana")
    # Another process, which lives as long as its file is locked and does nothing else.
    other = f"proc_{'1' * 32}"
    asked = Http(two.base, token("ana"))
    with (shared.data / "processes" / f"{other}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with shared.database() as base:
            taken = "status = 'running', finished_at = null, process_id = ?"
            base.execute(f"update report_runs set {taken} where id = ?", [other, run])
        three = shared.start()
        for process in (one, two, three):
            shared.run(process, "bob")
            reply = Http(process.base, token("ana")).send("GET", f"/v1/runs/{run}")
            assert reply.body["status"] == "running"
    until(
        "the run is marked, once the process has ended",
        lambda: asked.send("GET", f"/v1/runs/{run}").body["status"] == "failed",
    )


def test_without_redis_a_folder_is_one_process(alone: Place) -> None:
    alone.start()
    with pytest.raises(AssertionError, match="another air process uses the data folder"):
        alone.start()


def test_a_slow_reader_is_bounded_and_goes_on_later(program: Path, tmp_path: Path) -> None:
    # A client that reads nothing answers no ping either: there must be time for the rest before.
    patience = {"ping_period": "4s", "pong_wait": "8s", "buffer_size": 64}
    with place(program, tmp_path, websocket=patience) as found:
        process = found.start()
        channel = f"run/{found.run(process, 'ana')}"
        with opened(process.base, "ana", compression=None, max_size=None) as quick:
            quick.subscribe(channel, 0)
            with opened(process.base, "ana", compression=None, max_queue=1) as slow:
                slow.subscribe(channel, 0)
                # More than a connection holds, while the reader does not read.
                end = found.tell(channel, 400, 100_000)
                assert quick.read_to(channel, end) == list(range(1, end + 1))
                until("it was given up", lambda: figure(process, "air_sockets_slow_total") == 1)
                code, reason = slow.closed()
                assert (code, reason.split(":")[0]) == (1013, "slow reader")
                had = slow.numbers(channel)
                assert had == list(range(1, len(had) + 1))
            with opened(process.base, "ana", compression=None, max_size=None) as again:
                again.subscribe(channel, had[-1] if had else 0)
                again.read_to(channel, end)
                assert had + again.numbers(channel) == list(range(1, end + 1))


def test_a_token_that_ends(alone: Place) -> None:
    process = alone.start()
    url = process.base.replace("http://", "ws://") + "/v1/ws"
    with connect(url) as connection:
        connection.send(json.dumps({"type": "auth", "token": token("ana", seconds=5)}))
        assert json.loads(connection.recv(30))["payload"]["ready"] is True
        with pytest.raises(ConnectionClosedError, match="the token has expired"):
            connection.recv(30)
    # The same token opens nothing afterwards.
    refused = Http(process.base, token("ana", seconds=-60)).send("GET", "/v1/ws")
    assert refused.status == 401


FRAMES = {
    "no mask": b"\x81\x02{}",
    "reserved bits": b"\xf1\x80\x00\x00\x00\x00",
    "unknown opcode": b"\x83\x80\x00\x00\x00\x00",
    "a huge length": b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
    "a length with its sign": b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
    "a continuation of nothing": b"\x80\x80\x00\x00\x00\x00",
    "a ping in pieces": b"\x09\x80\x00\x00\x00\x00",
    "a ping that is too large": b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126,
    "text that is no UTF-8": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
    "a close of one byte": b"\x88\x81\x00\x00\x00\x00\x03",
    "a close code that nobody may send": b"\x88\x82\x00\x00\x00\x00\x03\xed",
    "two messages at once": b"\x01\x81\x00\x00\x00\x00a\x81\x81\x00\x00\x00\x00b",
    "compressed, though nothing was agreed": b"\xc1\x82\x00\x00\x00\x00\x4a\x04",
    "half a frame": b"\x81\xfe\x01",
    "endless pieces": b"\x01\x81\x00\x00\x00\x00x" + b"\x00\x81\x00\x00\x00\x00x" * 20_000,
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_hostile_frames_end_their_own_socket_alone(hostile: Place, frame: bytes) -> None:
    process = hostile.started[0]
    with opened(process.base, "bob") as other:
        host, port = process.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as wire:
            request = (
                f"GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Authorization: Bearer {token('ana')}\r\n\r\n"
            )
            wire.sendall(request.encode())
            assert wire.recv(1) == b"H"
            try:
                wire.sendall(frame)
                wire.shutdown(socket.SHUT_WR)
                while wire.recv(65536) != NOTHING:
                    pass
            except OSError:
                # The service may end it before it was told everything.
                pass
        until("it has ended", lambda: figure(process, "air_sockets") <= 1)
        assert other.answer(type="ping")["payload"] == {"reply_to": "ping"}


@pytest.fixture(scope="module")
def hostile(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(program, tmp_path_factory.mktemp("hostile")) as found:
        found.start()
        yield found


def test_the_command_line_follows_a_channel_across_processes(shared: Place, aircli: Path) -> None:
    """It connects again by itself, to the same address, and goes on from its last number."""
    one = shared.start()
    channel = f"run/{shared.run(one, 'ana')}"
    first = shared.tell(channel, 5)
    port = one.base.rsplit(":", 1)[1]
    environment = {"AIR_URL": one.base, "AIR_TOKEN": token("ana"), "HOME": str(shared.data)}
    command = [str(aircli), "ws", "--channel", channel, "--after", "0", "--count", str(first + 7)]
    with subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        lines = [json.loads(follower.stdout.readline()) for _ in range(first)]
        one.kill()
        shared.tell(channel, 7)
        shared.start(port)
        try:
            out, errors = follower.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            follower.kill()
            out, errors = follower.communicate()
    lines += [json.loads(line) for line in out.splitlines()]
    assert follower.returncode == 0, errors
    assert [line["seq"] for line in lines] == list(range(1, first + 8))
    assert "connecting again" in errors
    assert SECRET not in out + errors


def test_the_command_line_says_why_it_may_not(alone: Place, aircli: Path) -> None:
    process = alone.start()
    run = alone.run(process, "ana")
    for sub, channel, code in [
        ("bob", f"run/{run}", 1),
        ("bob", "ai:stream:ana", 4),
        ("bob", "nonsense", 1),
        (None, "presence:online", 4),
    ]:
        environment = {"AIR_URL": process.base, "HOME": str(alone.data)}
        if sub is not None:
            environment["AIR_TOKEN"] = token(sub)
        done = subprocess.run(  # noqa: S603
            [str(aircli), "ws", "--channel", channel],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
