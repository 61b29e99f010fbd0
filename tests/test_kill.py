"""`kill -9` in the middle of 200 concurrent writers, ten times over one data folder.

What was acknowledged must be there after each restart, and no run may stay `running`. Every
writer goes on until its connection breaks, so that the kill always falls between writes; it comes
once a number of writes, and some of each kind, were acknowledged, more in each round.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from killed import BROKEN, prepare, rows, start
from service import Http, Reply

WRITERS = 200
ROUNDS = 10
# Beyond this a service that acknowledges nothing more is a failure, not a slow machine.
ROUND_SECONDS = 120

IR = {
    "entities": ["sales"],
    "metrics": [{"name": "total", "agg": "sum", "field": "amount"}],
    "dimensions": ["shop"],
}
ROWS = [{"shop": "north", "total": 5}, {"shop": "south", "total": 2}]


@dataclass
class Acknowledged:
    """What the service said it has, and a way to wait until that is much."""

    scopes: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str | None] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    refusals: list[Any] = field(default_factory=list)
    count: int = 0
    ended: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    killing: threading.Event = field(default_factory=threading.Event)

    def note(self) -> None:
        with self.changed:
            self.count += 1
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended += 1
            self.changed.notify_all()

    def wait_for(self, number: int, of_each: int) -> None:
        """Until so many writes were acknowledged; an error where the writers have all ended."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.enough(number, of_each) or self.ended == WRITERS, ROUND_SECONDS
            )
            assert self.enough(number, of_each), (
                f"{self.count} writes, {len(self.runs)} of them runs, when {self.ended} writers had"
                f" ended or {ROUND_SECONDS} s were over; refused: {self.refusals[:3]}"
            )

    def enough(self, number: int, of_each: int) -> bool:
        least = min(len(self.scopes), len(self.reports), len(self.runs))
        return self.count >= number and least >= of_each


class Writer:
    """One of the concurrent callers: it writes until the service is gone."""

    def __init__(self, base: str, number: int, turn: int, done: Acknowledged) -> None:
        self.http = Http(base)
        self.number = number
        self.turn = turn
        self.done = done

    def __call__(self) -> None:
        write = (self.scope, self.report, self.run)[self.number % 3]
        step = 0
        try:
            while write(step):
                step += 1
        except BROKEN as broken:
            if not self.done.killing.is_set():
                self.done.refusals.append(repr(broken))
        finally:
            self.done.end()

    def post(self, target: str, body: Any, wanted: int) -> Reply | None:
        reply = self.http.send("POST", target, body)
        if reply.status != wanted:
            self.done.refusals.append((target, reply.status, reply.body))
            return None
        return reply

    def scope(self, step: int) -> bool:
        text = f"# Question\n\nround {self.turn}, writer {self.number}, scope {step}\n"
        reply = self.post("/v1/scopes", {"scope_md": text}, 201)
        if reply is None:
            return False
        self.done.scopes[reply.body["id"]] = text
        self.done.note()
        return True

    def report(self, step: int) -> bool:
        """A report, then its version: two acknowledgements."""
        key = f"r{self.turn}-{self.number}-{step}"
        if self.post("/v1/reports", {"key": key, "title": key}, 201) is None:
            return False
        self.done.reports[key] = None
        self.done.note()
        version = {"datasource_id": "sales", "def": {"version": "1", "ir": IR}}
        reply = self.post(f"/v1/reports/{key}/versions", version, 201)
        if reply is None:
            return False
        self.done.reports[key] = reply.body["checksum"]
        self.done.note()
        return True

    def run(self, _step: int) -> bool:
        reply = self.post("/v1/reports/totals/run", {}, 200)
        if reply is None:
            return False
        self.done.runs.append(reply.body["run_id"])
        self.done.note()
        return True


def losses(http: Http, done: Acknowledged) -> list[str]:
    """Every acknowledged write that is not there as it was acknowledged."""
    lost = []
    for scope, text in done.scopes.items():
        reply = http.send("GET", f"/v1/scopes/{scope}")
        if reply.status != 200 or reply.body["versions"][0]["scope_md"] != text:
            lost.append(f"scope {scope}: {reply.status} {reply.body}")
    for key, checksum in done.reports.items():
        reply = http.send("GET", f"/v1/reports/{key}")
        current = reply.body["current"] if reply.status == 200 else None
        if reply.status != 200 or (checksum and (current or {}).get("checksum") != checksum):
            lost.append(f"report {key}: {reply.status} {reply.body}")
    for run in done.runs:
        reply = http.send("GET", f"/v1/runs/{run}")
        if (
            reply.status != 200
            or reply.body["status"] != "completed"
            or reply.body["sample"] != ROWS
        ):
            lost.append(f"run {run}: {reply.status} {reply.body}")
    return lost


def statuses(data: Path, copy: Path) -> dict[str, int]:
    """How many runs there are of each status, those included that nobody was told of."""
    found = rows(data, copy, "select status, count(*) as runs from report_runs group by 1")
    return {row["status"]: row["runs"] for row in found}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "sales").mkdir(parents=True)
    (folder / "sales" / "sales.csv").write_text("shop,amount\nnorth,2\nnorth,3\nsouth,2\n")
    return folder


def test_what_was_acknowledged_is_there_after_a_kill(
    program: Path, data: Path, tmp_path: Path
) -> None:
    process = start(program, data)
    everything: list[Acknowledged] = []
    interrupted = 0
    try:
        prepare(Http(process.base), IR)
        for turn in range(ROUNDS):
            done = Acknowledged()
            everything.append(done)
            with ThreadPoolExecutor(WRITERS) as pool:
                for number in range(WRITERS):
                    pool.submit(Writer(process.base, number, turn, done))
                try:
                    done.wait_for(100 + 25 * turn, 1 + 3 * turn)
                finally:
                    done.killing.set()
                    process.kill()
            assert done.refusals == []
            interrupted += statuses(data, tmp_path / f"killed{turn}").get("running", 0)
            process = start(program, data)
            http = Http(process.base)
            running = http.send("GET", "/v1/reports/totals/runs?status=running")
            assert (running.status, running.body["items"]) == (200, [])
            assert "running" not in statuses(data, tmp_path / f"started{turn}")
            assert losses(http, done) == []
        assert interrupted > 0, "no kill fell into a run, so nothing was shown of those"
        # What the first rounds wrote has lived through the later kills as well.
        for done in everything:
            assert losses(Http(process.base), done) == []
    finally:
        process.kill()
