"""Runs over several machines: `air serve` with `execution.engine: distributed`, and workers.

Every answer case runs over two workers and gives the rows of the independent tool. Workers are
killed in the middle, cancelled, given too little memory, another token, or no TLS. Every process
is the built program; the machines are processes on loopback that share a folder.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cases import Case, read_cases
from comparison import differences
from engines import configuration
from oracle import Oracle
from service import START_SECONDS, Client, Http, Process, Reply, serving, write_config
from workers import (
    Worker,
    certificates,
    checked,
    command,
    distributed,
    until,
    worker_config,
    workers,
)

AT_ONCE = 4
# Each number meets each other one of its group; worked on for some seconds by two workers.
NUMBERS, GROUPS = 48_000, 12
SLOW = (
    "SELECT a.grp, count(*) AS pairs FROM numbers a JOIN numbers b ON a.grp = b.grp"
    " WHERE a.num * 3 <> b.num + 7 GROUP BY a.grp ORDER BY a.grp"
)
# Worked on for hours, so that it ends only where it is ended.
ENDLESS = (
    "SELECT count(*) AS triples FROM numbers a JOIN numbers b ON a.grp = b.grp"
    " JOIN numbers c ON b.grp = c.grp WHERE a.num + b.num <> c.num"
)
QUICK = "SELECT grp, count(*) AS n, sum(num) AS total FROM numbers GROUP BY grp ORDER BY grp"


def executor(http: Http, reply: Reply) -> dict[str, Any]:
    """Who ran it, as the run's record says; the reply says the same."""
    assert reply.status == 200, reply.body
    record = http.send("GET", f"/v1/runs/{reply.body['run_id']}")
    assert record.status == 200, record.body
    found: dict[str, Any] = record.body["executor"]
    assert found == reply.body["executor"]
    return found


# ---------------------------------------------------------------- the same rows


@pytest.fixture(scope="module")
def cluster(
    program: Path,
    folders: dict[str, Path],
    work: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    """The service over the cases' files, with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    base = work / "files"
    with workers(program, folder, worker_config(base)) as started:
        sources = [
            {"id": name, "kind": "files", "base_path": str(path)} for name, path in folders.items()
        ]
        config = configuration(base, sources)
        config["execution"] |= distributed([worker.url for worker in started])
        data = folder / "data"
        data.mkdir()
        with serving(program, data, config) as process:
            client = Client(Http(process.base))
            for name in folders:
                client.learn(name)
            yield client


def test_every_answer_is_the_same_over_workers(cluster: Client, oracle: Oracle) -> None:
    cases = [case for case in read_cases() if "files" in case.engines]
    ask = lambda case: cluster.query(case.datasource, case.ir, case.params, case.now)  # noqa: E731
    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = list(pool.map(ask, cases))
    wrong: list[str] = []
    shared = 0
    reasons: dict[str, int] = {}
    for case, reply in zip(cases, replies, strict=True):
        wrong += [f"{case.id}: {line}" for line in found_wrong(case, reply, oracle)]
        if reply.status == 200:
            ran = reply.body["executor"]
            shared += ran["engine"] == "distributed"
            if reason := ran.get("reason"):
                reasons[reason] = reasons.get(reason, 0) + 1
    print(f"{shared} of {len(cases)} cases were divided; the others: {reasons}")  # noqa: T201
    assert not wrong, "\n".join(wrong[:40])
    assert shared > len(cases) / 2, reasons


def found_wrong(case: Case, reply: Reply, oracle: Oracle) -> list[str]:
    """How a reply differs from what the case wants."""
    refusal = case.refusal("files")
    if refusal is not None:
        return [] if reply.status == 422 else [f"{reply.status}, not refused with {refusal}"]
    if reply.status != 200:
        return [f"{reply.status}: {reply.body}"]
    assert case.duckdb is not None
    expected = oracle.answer(case.duckdb)
    if case.columns is not None:
        expected = replace(expected, columns=case.columns)
    return differences(expected, reply.body, case.truncated, case.zone)


# ---------------------------------------------------------------- workers that go away


@dataclass
class Numbers:
    """A service and two workers over one file of numbers."""

    process: Process
    workers: list[Worker]

    @property
    def http(self) -> Http:
        return Http(self.process.base)

    def running(self) -> str:
        """The run that is at work, as the control plane has it."""
        file = f"file:{self.process.data / 'air.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True)) as store:
            found = store.execute("select id from report_runs where status = 'running'").fetchone()
        run: str = found[0]
        return run

    def sql(self, text: str) -> Reply:
        return self.http.send("POST", "/v1/query", {"datasource_id": "numbers", "sql": text})


def numbers_config(base: Path, execution: dict[str, Any]) -> dict[str, Any]:
    source = {"id": "numbers", "kind": "files", "base_path": str(base / "numbers")}
    return {
        "files": {"base_path": str(base)},
        "limits": {"request": "300s"},
        "execution": {"query_timeout": "300s", **execution},
        "analytics_sources": [source],
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "numbers").mkdir()
    lines = [f"{n},{n % GROUPS}" for n in range(1, NUMBERS + 1)]
    (folder / "numbers" / "numbers.csv").write_text("num,grp\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def numbers(program: Path, base: Path, tmp_path: Path) -> Iterator[Numbers]:
    with workers(program, tmp_path, worker_config(base)) as started:
        execution = distributed([worker.url for worker in started])
        data = tmp_path / "data"
        data.mkdir()
        with serving(program, data, numbers_config(base, execution)) as process:
            Client(Http(process.base)).learn("numbers")
            yield Numbers(process, started)


def asked(numbers: Numbers, sql: str) -> tuple[threading.Thread, list[Reply]]:
    """A query that runs beside the test."""
    replies: list[Reply] = []
    asking = threading.Thread(target=lambda: replies.append(numbers.sql(sql)))
    asking.start()
    return asking, replies


def pairs() -> list[dict[str, Any]]:
    """What SLOW gives, counted by hand: all pairs but those with `3 a = b + 7`."""
    counts = []
    for group in range(GROUPS):
        members = range(group or GROUPS, NUMBERS + 1, GROUPS)
        met = sum(1 for a in members if 1 <= 3 * a - 7 <= NUMBERS and (3 * a - 7) % GROUPS == group)
        counts.append({"grp": group, "pairs": len(members) ** 2 - met})
    return counts


def test_a_worker_that_is_killed_in_the_middle_costs_one_more_attempt(numbers: Numbers) -> None:
    first, second = numbers.workers
    asking, replies = asked(numbers, SLOW)
    until(lambda: first.works() and second.works(), "both workers at work")
    first.kill()
    asking.join(START_SECONDS)
    assert replies, "the run never ended"
    ran = executor(numbers.http, replies[0])
    assert ran == {"engine": "distributed", "workers": [second.url], "attempts": 2}
    assert replies[0].body["rows"] == pairs()
    # The next run knows it already.
    again = executor(numbers.http, numbers.sql(QUICK))
    assert (again["workers"], again["attempts"]) == ([second.url], 1)


def test_where_all_workers_are_killed_the_run_fails_and_names_one(numbers: Numbers) -> None:
    asking, replies = asked(numbers, ENDLESS)
    until(lambda: all(worker.works() for worker in numbers.workers), "both workers at work")
    for worker in numbers.workers:
        worker.kill()
    asking.join(START_SECONDS)
    assert replies, "the run never ended"
    assert (replies[0].status, replies[0].body["code"]) == (503, "unavailable")
    assert any(worker.url in replies[0].body["detail"] for worker in numbers.workers)
    # The service itself lives on.
    assert numbers.http.send("GET", "/healthz").status == 200


def test_what_is_cancelled_ends_in_the_workers(numbers: Numbers) -> None:
    asking, replies = asked(numbers, ENDLESS)
    until(lambda: all(worker.works() for worker in numbers.workers), "both workers at work")
    run = numbers.running()
    assert numbers.http.send("DELETE", f"/v1/runs/{run}").status == 202
    asking.join(START_SECONDS)
    assert replies[0].status == 409, replies[0].body
    took = until(lambda: not any(w.works() for w in numbers.workers), "the end of the work")
    print(f"the workers were idle {took:.1f} s after the run was cancelled")  # noqa: T201
    assert executor(numbers.http, numbers.sql(QUICK))["engine"] == "distributed"


def test_a_deadline_ends_the_work_of_workers(program: Path, base: Path, tmp_path: Path) -> None:
    with workers(program, tmp_path, worker_config(base)) as started:
        execution = distributed([worker.url for worker in started], query_timeout="1s")
        data = tmp_path / "data"
        data.mkdir()
        config = numbers_config(base, {})
        config["execution"] = execution
        with serving(program, data, config) as process:
            Client(Http(process.base)).learn("numbers")
            reply = Numbers(process, started).sql(ENDLESS)
            assert (reply.status, reply.body["code"]) == (504, "timeout"), reply.body
            until(lambda: not any(worker.works() for worker in started), "the end of the work")


def test_a_worker_has_no_more_memory_than_it_is_given(
    program: Path, base: Path, tmp_path: Path
) -> None:
    small = worker_config(base, limits={"memory_pool": "200KB"})
    with workers(program, tmp_path, small) as started:
        execution = distributed([worker.url for worker in started])
        data = tmp_path / "data"
        data.mkdir()
        with serving(program, data, numbers_config(base, execution)) as process:
            Client(Http(process.base)).learn("numbers")
            reply = Numbers(process, started).sql(SLOW)
            assert (reply.status, reply.body["code"]) == (422, "limit_exceeded"), reply.body
            assert all(worker.child.poll() is None for worker in started)


def test_policies_hold_in_workers(program: Path, base: Path, tmp_path: Path) -> None:
    with workers(program, tmp_path, worker_config(base)) as started:
        config = numbers_config(base, distributed([worker.url for worker in started]))
        only = [{"field": "grp", "op": "=", "value": 3}]
        config["policies"] = [{"datasource": "numbers", "entity": "numbers", "rows": only}]
        data = tmp_path / "data"
        data.mkdir()
        with serving(program, data, config) as process:
            Client(Http(process.base)).learn("numbers")
            reply = Numbers(process, started).sql(QUICK)
            assert executor(Http(process.base), reply)["engine"] == "distributed"
            assert [row["grp"] for row in reply.body["rows"]] == [3]


# ---------------------------------------------------------------- who is let in


def test_another_token_is_refused(program: Path, base: Path, tmp_path: Path) -> None:
    other = worker_config(base, worker={"token": "another-token-of-32-characters!!"})
    with workers(program, tmp_path, other, count=1) as started:
        data = tmp_path / "data"
        data.mkdir()
        config = numbers_config(base, distributed([started[0].url]))
        with serving(program, data, config) as process:
            Client(Http(process.base)).learn("numbers")
            reply = Numbers(process, started).sql(QUICK)
            assert (reply.status, reply.body["code"]) == (503, "unavailable"), reply.body
            assert started[0].url in reply.body["detail"]
        said = checked(program, data)
        assert said.returncode == 1
        assert f"worker {started[0].url}" in said.stdout
        assert "Unauthenticated" in said.stdout


def test_check_asks_each_worker(program: Path, base: Path, tmp_path: Path) -> None:
    with workers(program, tmp_path, worker_config(base)) as started:
        data = tmp_path / "data"
        data.mkdir()
        write_config(data, numbers_config(base, distributed([w.url for w in started])))
        lines = [line.split() for line in checked(program, data).stdout.splitlines()]
        said = {line[1]: line[2] for line in lines if line[0] == "worker"}
        assert said == {worker.url: "ok" for worker in started}
        started[0].kill()
        lines = [line.split() for line in checked(program, data).stdout.splitlines()]
        said = {line[1]: line[2] for line in lines if line[0] == "worker"}
        assert said == {started[0].url: "wrong", started[1].url: "ok"}


def test_without_tls_only_loopback_is_listened_on(
    program: Path, base: Path, tmp_path: Path
) -> None:
    write_config(tmp_path, worker_config(base))
    refused = subprocess.run(  # noqa: S603
        command(program, tmp_path, "0.0.0.0:0"),
        capture_output=True, text=True, timeout=START_SECONDS, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "without TLS only loopback" in refused.stderr


def test_without_tls_only_loopback_is_spoken_to(program: Path, base: Path, tmp_path: Path) -> None:
    write_config(tmp_path, numbers_config(base, distributed(["http://10.0.0.7:9100"])))
    said = checked(program, tmp_path)
    assert said.returncode == 1
    assert "without TLS only loopback is spoken to" in said.stdout


def test_both_ends_show_certificates(program: Path, base: Path, tmp_path: Path) -> None:
    known, stranger = certificates(tmp_path / "known"), certificates(tmp_path / "stranger")
    config = worker_config(base, worker=known)
    with workers(program, tmp_path, config) as started:
        urls = [worker.url.replace("127.0.0.1", "localhost") for worker in started]
        assert all(url.startswith("https://") for url in urls)
        data = tmp_path / "data"
        data.mkdir()
        config = numbers_config(base, distributed(urls, worker=known))
        with serving(program, data, config) as process:
            Client(Http(process.base)).learn("numbers")
            ran = executor(Http(process.base), Numbers(process, started).sql(QUICK))
            assert (ran["engine"], ran["workers"]) == ("distributed", urls)
        # One whom another authority vouches for is let in nowhere, whatever his token is.
        mixed = {**stranger, "ca": known["ca"]}
        write_config(data, numbers_config(base, distributed(urls, worker=mixed)))
        said = checked(program, data)
        assert said.returncode == 1
        assert said.stdout.count("worker https://localhost") == 2
        assert " ok " not in "".join(
            line for line in said.stdout.splitlines() if line.startswith("worker")
        )
