"""`kill -9` of the service during jobs and runs, twenty times over one data folder.

Callers add jobs and run reports until their connection breaks. After the last kill the service is
started once more and left alone. Then every job that was acknowledged has ended well, and its log
shows it: attempts are numbered without a gap, each begins after the one before has ended, all but
the last were lost with their process, and the runs that a job made belong to the attempt of the
process that made them. So no job was worked on twice at the same time, and each was taken up once
after each loss.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from killed import BROKEN, prepare, rows, start
from service import Http

ROUNDS = 20
CALLERS = 6
# Beyond this a service that ends nothing is a failure, not a slow machine.
ROUND_SECONDS = 120
END_SECONDS = 300
# Acknowledged in a round before the kill may come.
OF_A_ROUND = 12
ROWS = 60_000
IR = {
    "entities": ["sales"],
    "metrics": [
        {"name": "total", "agg": "sum", "field": "amount"},
        {"name": "half", "agg": "median", "field": "amount"},
    ],
    "dimensions": ["shop"],
}
ASYNC = {"Prefer": "respond-async"}


@dataclass
class Acknowledged:
    """What the service said it has, and a way to wait until that is much."""

    jobs: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    refusals: list[Any] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    killing: threading.Event = field(default_factory=threading.Event)
    ended: int = 0

    def note(self, jobs: set[str], name: str) -> None:
        with self.changed:
            jobs.add(name)
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended += 1
            self.changed.notify_all()

    def wait(self) -> None:
        with self.changed:
            enough = self.changed.wait_for(
                lambda: len(self.jobs) >= OF_A_ROUND or self.ended == CALLERS, ROUND_SECONDS
            )
        assert enough, (len(self.jobs), self.refusals[:3])
        assert self.ended < CALLERS, self.refusals[:3]


@dataclass
class Caller:
    """One of the concurrent callers: it goes on until the service is gone."""

    base: str
    number: int
    done: Acknowledged

    def __call__(self) -> None:
        http = Http(self.base)
        call = (self.report, self.bulk, self.learn, self.run)[self.number % 4]
        try:
            while call(http):
                pass
        except BROKEN as broken:
            if not self.done.killing.is_set():
                self.done.refusals.append(repr(broken))
        finally:
            self.done.end()

    def job(self, http: Http, target: str, body: Any) -> bool:
        reply = http.send("POST", target, body, ASYNC)
        if reply.status != 202:
            self.done.refusals.append((target, reply.status, reply.body))
            return False
        self.done.note(self.done.jobs, reply.body["job_id"])
        # As many wait as can be done before the end; the kill falls into what is being done.
        return self.followed(http, reply.body["job_id"])

    def followed(self, http: Http, job: str) -> bool:
        begin = time.monotonic()
        while time.monotonic() - begin < ROUND_SECONDS:
            reply = http.send("GET", f"/v1/jobs/{job}")
            if reply.status != 200:
                self.done.refusals.append((job, reply.status, reply.body))
                return False
            if reply.body["status"] not in ("queued", "running"):
                return True
        self.done.refusals.append((job, "did not end"))
        return False

    def report(self, http: Http) -> bool:
        return self.job(http, "/v1/reports/totals/run", {})

    def bulk(self, http: Http) -> bool:
        reports = [{"key": "totals"} for _ in range(4)]
        return self.job(http, "/v1/process/bulk-reports", {"reports": reports})

    def learn(self, http: Http) -> bool:
        return self.job(http, "/v1/process/learn", {"datasource_ids": ["sales"]})

    def run(self, http: Http) -> bool:
        reply = http.send("POST", "/v1/reports/totals/run", {})
        if reply.status != 200:
            self.done.refusals.append((reply.status, reply.body))
            return False
        self.done.note(self.done.runs, reply.body["run_id"])
        return True


def ended(http: Http) -> None:
    """Waits until no job waits and none is worked on."""
    begin = time.monotonic()
    while True:
        left = []
        for status in ("queued", "running"):
            reply = http.send("GET", f"/v1/jobs?status={status}")
            assert reply.status == 200, reply.body
            left += reply.body["items"]
        if not left:
            return
        assert time.monotonic() - begin < END_SECONDS, left[:3]


def check_log(job: dict[str, Any], log: list[dict[str, Any]]) -> None:
    """One attempt after the other, each of another process, and the last one ended the job."""
    assert [line["attempt"] for line in log] == list(range(1, len(log) + 1)), job
    assert [line["outcome"] for line in log[:-1]] == ["lost"] * (len(log) - 1), (job, log)
    assert log[-1]["outcome"] == "completed", (job, log)
    assert job["attempts"] == len(log)
    assert job["losses"] == len(log) - 1
    assert len({line["process_id"] for line in log}) == len(log), log
    for before, after in itertools.pairwise(log):
        assert before["started_at"] <= before["ended_at"] <= after["started_at"], log


def check_runs(runs: list[dict[str, Any]], log: dict[tuple[str, int], dict[str, Any]]) -> None:
    """Each run of a job was made within an attempt, by the process of that attempt."""
    for run in runs:
        attempt = log[run["job_id"], run["job_attempt"]]
        assert run["process_id"] == attempt["process_id"], (run, attempt)
        assert attempt["started_at"] <= run["started_at"] <= attempt["ended_at"], (run, attempt)


def test_jobs_outlive_the_kills_of_their_process(program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sales").mkdir(parents=True)
    lines = "".join(f"shop {n % 40},{n % 997}\n" for n in range(ROWS))
    (data / "sales" / "sales.csv").write_text(f"shop,amount\n{lines}")
    process = start(program, data)
    jobs: set[str] = set()
    runs: set[str] = set()
    working = 0
    try:
        prepare(Http(process.base), IR)
        for turn in range(ROUNDS):
            done = Acknowledged()
            with ThreadPoolExecutor(CALLERS) as pool:
                for number in range(CALLERS):
                    pool.submit(Caller(process.base, number, done))
                try:
                    done.wait()
                finally:
                    done.killing.set()
                    process.kill()
            assert done.refusals == []
            jobs |= done.jobs
            runs |= done.runs
            found = rows(data, tmp_path / f"killed{turn}", "select status from jobs")
            working += sum(job["status"] == "running" for job in found)
            process = start(program, data)
        http = Http(process.base)
        ended(http)
        for run in runs:
            reply = http.send("GET", f"/v1/runs/{run}")
            assert (reply.status, reply.body["status"]) == (200, "completed"), reply.body
        for name in jobs:
            reply = http.send("GET", f"/v1/jobs/{name}")
            assert (reply.status, reply.body["status"]) == (200, "completed"), reply.body
    finally:
        process.kill()
    assert working > 0, "no kill fell into a job, so nothing was shown"

    copy = tmp_path / "ended"
    kept = rows(data, copy, "select id, status, attempts, losses, result_json from jobs")
    assert jobs <= {job["id"] for job in kept}, "what was acknowledged is there"
    log: dict[tuple[str, int], dict[str, Any]] = {}
    for line in rows(data, copy, "select * from job_attempts order by job_id, attempt"):
        log[line["job_id"], line["attempt"]] = line
    for job in kept:
        check_log(job, [line for (owner, _), line in log.items() if owner == job["id"]])
    made = rows(data, copy, "select * from report_runs where job_id is not null")
    check_runs(made, log)
    assert not rows(data, copy, "select id from report_runs where status = 'running'")
    for job in kept:
        result = json.loads(job["result_json"])
        assert result.get("failed", 0) == 0, result
    lost = sum(job["losses"] for job in kept)
    told = f"{len(jobs)} jobs and {len(runs)} runs, {ROUNDS} kills, {lost} attempts lost"
    print(told)  # noqa: T201
    assert lost == working, "each job that a kill fell into was taken up once"
