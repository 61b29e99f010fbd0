"""An hour of mixed load, and whether the service's memory stays flat under it.

In: the service (AIR_BIN), PostgreSQL 15, the sample data. Out: Markdown, to --out too: what was
done how often and how long it took, every status, what the service took over time, what was wrong,
and a verdict; beside it the samples as JSON lines, written as they are taken. Users of several
roles run reports on PostgreSQL, IRs and SQL on files, questions, exports, chat with answers,
sockets that come back and that break off, jobs, cancels, learning, uploads, and requests that are
wrong; every answer is checked (`load_answers.py`). The pace is set, so that it can run beside other
work; what is judged is the trend, not the speed. A fault is noted and the load goes on; it ends
with 1 where there was one, or memory grew.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import databases
import service
from load_answers import Answers
from load_steps import MIX, ROOM, WAIT_SECONDS, Busy, World
from load_trend import Trend, Watched
from measure import Report, machine, program, say, table
from oracle import SAMPLE
from runs import DEFINITION, ORDERS

SECRET = "only-for-benches-" * 4
VIEWERS, EDITORS = 6, 2
SAMPLE_SECONDS = 5.0
OUT = Path.home() / ".cache/air/bench-data/load.md"
FAULTS_TOLD = 20
# After this many there is nothing more to be learned.
FAULTS_MOST = 500
ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class Found:
    """What came of the load, from all drivers."""

    times: dict[str, list[float]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    steps: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.steps += 1
            self.times.setdefault(kind, []).append(seconds)

    def fault(self, kind: str, fault: BaseException) -> None:
        with self.lock:
            text = f"{kind}: {type(fault).__name__}: {fault}"[:600]
            # Faults are told by what they are, and not apart for each id.
            self.faults[ID.sub("…", text)] += 1

    def wrong(self) -> int:
        with self.lock:
            return self.faults.total()


def drive(world: World, until: float, pace: float, found: Found) -> None:
    """Steps at a set pace. What is late is not caught up, so that no burst follows a pause."""
    kinds, weights = zip(*MIX, strict=True)
    while time.monotonic() < until and found.wrong() < FAULTS_MOST and not found.over.is_set():
        kind, begun = world.rng.choices(kinds, weights)[0], time.monotonic()
        try:
            kind(world)
        except Busy:
            found.busy += 1
        except Exception as fault:
            found.fault(kind.__name__, fault)
        found.note(kind.__name__, time.monotonic() - begun)
        time.sleep(max(0.0, begun + pace - time.monotonic()))


def loaded(
    drivers: list[World], process: service.Process, chosen: argparse.Namespace, kept: TextIO | None
) -> tuple[Found, Trend]:
    """The load, to its end, to the service's, or until somebody stops it: what there is, counts."""
    watched, found = Watched(process.pid, process.data), Found()
    until, pace = watched.begin + chosen.minutes * 60, len(drivers) / chosen.rate
    threads = [
        threading.Thread(target=drive, args=(one, until, pace, found), daemon=True)
        for one in drivers
    ]
    trend = Trend(kept, chosen.minutes / 12)
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            trend.add(watched.sample(found.steps, found.wrong()))
            pause = time.monotonic() + SAMPLE_SECONDS
            for thread in threads:
                thread.join(max(0.0, pause - time.monotonic()))
        trend.add(watched.sample(found.steps, found.wrong()))
    except OSError as gone:
        found.fault("service", RuntimeError(f"it ended with {process.child.poll()}: {gone}"))
    except KeyboardInterrupt:
        say("\n- stopped before its time")
    found.over.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    return found, trend


def account(http: service.Http, drivers: list[World], found: Found) -> None:
    """Every chat message that was acknowledged is kept, and every question answered once."""
    items: list[dict[str, Any]] = []
    while True:
        after = items[-1]["seq"] if items else 0
        path = f"/v1/chat/rooms/{ROOM}/messages?after={after}&limit=100"
        page = http.send("GET", path).body["items"]
        if not page:
            break
        items += page
    said, asked = sum(one.said for one in drivers), sum(one.asked for one in drivers)
    replies = Counter(item["in_reply_to"] for item in items if item["type"] == "ai")
    told = sum(item["type"] == "user" for item in items)
    say(f"- chat: {told:,} messages kept of {said:,}, {len(replies):,} answers to {asked:,}")
    if told != said or len(replies) != asked or replies.total() != asked:
        found.fault(
            "chat", RuntimeError(f"{told} of {said} kept, {replies.total()} of {asked} answered")
        )
    if [item["seq"] for item in items] != list(range(1, len(items) + 1)):
        found.fault("chat", RuntimeError("the numbers of the room have holes"))


def tell(found: Found, drivers: list[World], report: Report) -> None:
    rows = []
    for kind, times in sorted(found.times.items()):
        middle, late = statistics.median(times), sorted(times)[int(len(times) * 0.99)]
        rows.append([kind, f"{len(times):,}", f"{middle * 1000:.0f}", f"{late * 1000:.0f}"])
    table(["step", "times", "median ms", "99 of 100 below, ms"], rows)
    statuses = sum((one.statuses for one in drivers), Counter[str]())
    table(["answer", "times"], [[what, f"{n:,}"] for what, n in sorted(statuses.items())])
    report.keep("statuses", statuses)
    for what, often in found.faults.most_common(FAULTS_TOLD):
        say(f"- FAULT, {often} times: {what}")
    report.goal("faults", "0", str(found.wrong()), met=not found.faults)
    share = found.busy / max(found.steps, 1)
    report.goal("steps that were told to come later", "≤ 1%", f"{share:.2%}", met=share <= 0.01)


def configured(sample: Path) -> dict[str, Any]:
    return {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}},
        "files": {"base_path": str(sample)},
        "analytics_sources": [
            {"id": "pg", "kind": "postgres", "dsn": "${PG_DSN}"},
            {"id": "flights", "kind": "files", "base_path": str(sample)},
        ],
        "limits": {"messages_per_minute": 1_000, "ai_requests_per_minute": 1_000},
        "telemetry": {"level": "warn"},
    }


def set_up(base: str, people: list[str]) -> None:
    http = service.Http(base, people[0])
    for source in ["pg", "flights"]:
        service.Client(http).learn(source)
    for path, what in [
        ("/v1/reports", {"key": "orders_by_status", "title": "Orders by status"}),
        ("/v1/reports/orders_by_status/versions", {"def": DEFINITION, "datasource_id": "pg"}),
        ("/v1/chat/rooms", {"id": ROOM, "name": ROOM, "datasource_id": "flights"}),
    ]:
        reply = http.send("POST", path, what)
        if reply.status != 201:
            raise RuntimeError(f"{path}: {reply.status} {reply.body}")
    for token in people[1:]:
        service.Http(base, token).send("POST", f"/v1/chat/rooms/{ROOM}/members", {})


def run(folder: Path, chosen: argparse.Namespace, report: Report, kept: TextIO | None) -> None:
    data, sample, air = folder / "air", folder / "sample", program("AIR_BIN")
    data.mkdir(mode=0o700)
    # A copy: what touches the sample in the hour that this takes would be told as a fault.
    shutil.copytree(SAMPLE, sample)
    with databases.postgres(folder / "pg", "bench") as pg:
        pg.sql("bench", ORDERS.format(rows=200_000))
        answers = Answers.found(databases.postgres_words(pg, "bench"))
        # The configuration names it, for `air token` too.
        os.environ["PG_DSN"] = pg.dsn("bench")
        with service.serving(air, data, configured(sample), auth="enabled") as process:
            viewers = [service.mint(air, data, f"viewer{n}", "viewer") for n in range(VIEWERS)]
            editors = [service.mint(air, data, f"editor{n}", "editor") for n in range(EDITORS)]
            set_up(process.base, [*editors, *viewers])
            drivers = [
                World(process.base, viewers, editors, answers, n) for n in range(chosen.drivers)
            ]
            found, trend = loaded(drivers, process, chosen, kept)
            try:
                account(service.Http(process.base, editors[0]), drivers, found)
            except (OSError, KeyError) as fault:
                found.fault("chat", fault)
            # Before the servers are stopped, which may go wrong too.
            trend.judge(report)
            tell(found, drivers, report)
            log = (data / "stderr.log").read_text(encoding="utf-8", errors="replace").splitlines()
            say(f"- {len(log):,} warnings and errors in the service's log; the last of them:\n")
            for line in log[-5:]:
                say(f"    {line[:300]}")
            report.save(chosen.json)


class Both:
    """Standard output, and a file that holds the same."""

    def __init__(self, path: Path) -> None:
        self.file, self.screen = path.open("w", encoding="utf-8"), sys.stdout

    def write(self, text: str) -> int:
        self.file.write(text)
        return self.screen.write(text)

    def flush(self) -> None:
        self.file.flush()
        self.screen.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10, help="steps a second, of all drivers")
    parser.add_argument("--drivers", type=int, default=4)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--out", type=Path, default=OUT, help="what is printed, too")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    both, samples = Both(chosen.out), chosen.out.with_suffix(".samples.jsonl")
    with (
        contextlib.redirect_stdout(both),
        samples.open("w", encoding="utf-8") as kept,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        report = Report(f"Mixed load for {chosen.minutes:g} minutes")
        machine([], {"PostgreSQL": "15"})
        say(f"- {chosen.drivers} drivers, {chosen.rate:g} steps a second; samples in {samples}\n")
        run(folder, chosen, report, kept)
        both.flush()
    return 0 if all(goal["met"] for goal in report.figures["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
