"""The EDA service as the server uses it: started by it, and real.

In: the program with `python.autostart` over a small folder of readings, in which one reading is far
out and many are missing. Out: analyses with every part, findings in the verdict of a run, drift
against the analysis before; jobs that end clearly when the service is killed, held or away; and no
secret in any log or process. Without the service the rest of an analysis is there, and what is
missing is named.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers import free_port
from service import REPOSITORY, Http, Process, mint, serving, write_config

PARTS = ["profile", "correlations", "outliers", "trends", "drift"]
PATIENCE = 300.0
POLL_SECONDS = 0.05
READINGS = 400
CANARY = "edacanary5Rk8TbVm13" * 3
JWT = "jwtcanary8Wd2LfQs47" * 3
ALL = {
    "datasource_id": "meters",
    "sql": "SELECT id, taken_at, meter, kwh, note FROM readings ORDER BY id LIMIT 1000",
}


def python() -> str:
    """The Python that has what the EDA service needs; `make eda-venv` makes it."""
    found = Path(os.environ.get("AIR_EDA_PYTHON", Path.home() / ".cache/air/eda-venv/bin/python"))
    if not found.is_file():
        pytest.fail(f"{found} is not there: make eda-venv, or set AIR_EDA_PYTHON")
    return str(found)


def readings(folder: Path, *, shift: int = 0) -> None:
    """Hours of readings: a rising sum of few values, one far out, and notes that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,taken_at,meter,kwh,secret_rate,note"]
    for n in range(READINGS):
        kwh = 5000 if n == 200 else 100 + n % 7 + n // 40 + shift
        note = "" if n % 5 else f"checked {n % 3}"
        hour = f"2024-01-{1 + n // 24:02d}T{n % 24:02d}:00:00Z"
        lines.append(f"{n},{hour},m{n % 4},{kwh},{n % 11},{note}")
    (folder / "readings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def config(data: Path, **python_keys: Any) -> dict[str, Any]:
    files = data / "files"
    readings(files / "meters")
    return {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": JWT}, "shutdown_grace": "5s"},
        "files": {"base_path": str(files)},
        "analytics_sources": [
            {"id": "meters", "kind": "files", "base_path": str(files / "meters"), "default": True}
        ],
        "python": {
            "enabled": True,
            "autostart": True,
            "command": python(),
            "module_path": str(REPOSITORY / "python" / "eda"),
            "resource_limits": {"workers": 1},
            **python_keys,
        },
    }


@contextmanager
def started(
    program: Path, tmp_path: Path, *, wait: bool = True, auth: str = "disabled", **changes: Any
) -> Iterator[tuple[Process, Http]]:
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    whole = config(data) | changes
    with serving(program, data, whole, auth=auth) as process:
        http = Http(process.base)
        if wait:
            until("the EDA service is up", lambda: part(http)["status"] == "ok")
        if auth == "disabled":
            assert http.send("POST", "/v1/learn?datasource_id=meters").status == 200
        yield process, http


def until(what: str, holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(POLL_SECONDS)
    return found


def part(http: Http) -> Any:
    ready = http.send("GET", "/readyz").body
    assert ready["status"] == "ready", "without the EDA service the rest goes on"
    return ready["parts"]["eda"]


def child(process: Process) -> int:
    """The process of the EDA service that the server started last."""
    found = [pid for pid in processes() if parent(pid) == process.pid and "air_eda" in line(pid)]
    assert len(found) == 1, found
    return found[0]


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def lives(pid: int) -> bool:
    return "air_eda" in line(pid)


def accepted(http: Http, body: dict[str, Any]) -> str:
    reply = http.send("POST", "/v1/process/analyze", body)
    assert reply.status == 202, reply.body
    return str(reply.body["job_url"])


def until_asked_for_the_profile(http: Http, url: str) -> None:
    def asked() -> bool:
        return bool(http.send("GET", url).body["current_step"] == "readings: profile")

    until("the profile is asked for", asked)


def ended(http: Http, url: str) -> Any:
    def over() -> Any:
        job = http.send("GET", url).body
        return job if job["status"] in ("completed", "failed", "cancelled") else None

    return until(f"{url} ends", over)


def analyzed(http: Http, body: dict[str, Any]) -> Any:
    job = ended(http, accepted(http, body))
    assert job["status"] == "completed", job
    return job["result"]


def kinds(found: Any) -> set[str]:
    return {finding["kind"] for finding in found["findings"]}


def test_a_source_is_analyzed_and_drift_is_told_the_next_time(
    program: Path, tmp_path: Path
) -> None:
    with started(program, tmp_path) as (process, http):
        first = analyzed(http, {"datasource_id": "meters", "scope": "Meters"})
        assert first["eda"] == {"status": "ok", "detail": "", "missing": []}
        (table,) = first["tables"]
        found = table["eda"]
        assert (found["rows"], found["cut"], found["missing"]) == (READINGS, False, [])
        assert found["run_id"] not in table["run_ids"], "its rows are of a run of their own"
        run = http.send("GET", f"/v1/runs/{found['run_id']}").body
        assert (run["status"], run["row_count"]) == ("completed", READINGS)
        columns = {column["name"]: column for column in found["profile"]["columns"]}
        # From the rows as they were written above.
        assert columns["note"]["figures"]["nulls"]["value"] == READINGS - READINGS // 5
        assert columns["kwh"]["figures"]["max"]["value"] == 5000
        assert {"outliers", "missing"} <= kinds(found), kinds(found)
        assert found["trends"]["time"] == "taken_at"
        assert found["correlations"]["pairs"]
        assert found["drift"] is None
        assert any("No earlier profile" in note for note in found["notes"]), found["notes"]
        text = first["analysis_md"]
        for words in ("# Analysis of Meters", "| kwh |", "### Profile", "### Outliers"):
            assert words in text, words
        assert "Not looked at" not in text

        again = analyzed(http, {"datasource_id": "meters"})
        drift = again["tables"][0]["eda"]["drift"]
        assert drift["against"]["run_id"] == found["run_id"]
        assert not any(column["drifted"] for column in drift["columns"])
        readings(tmp_path / "data" / "files" / "meters", shift=400)
        options = {"correlations": False, "outliers": False, "trends": False}
        third = analyzed(http, {"datasource_id": "meters", "options": options})
        found = third["tables"][0]["eda"]
        assert set(found) & set(PARTS) == {"profile", "drift"}
        drifted = {c["name"] for c in found["drift"]["columns"] if c["drifted"]}
        assert drifted == {"kwh"}, found["drift"]
        assert "### Drift" in third["analysis_md"]
        with sqlite3.connect(process.data / "air.db") as store:
            (kept,) = store.execute("select count(*) from eda_profiles").fetchone()
        assert kept == 3


def test_progress_names_the_parts_and_goes_on(program: Path, tmp_path: Path) -> None:
    with started(program, tmp_path) as (process, http):
        url = accepted(http, {"datasource_id": "meters"})
        ended(http, url)
        job = url.rpartition("/")[2]
        with sqlite3.connect(process.data / "air.db") as store:
            rows = store.execute(
                "select json_extract(payload_json, '$.progress'),"
                " json_extract(payload_json, '$.step') from events where channel = ? order by seq",
                (f"process/{job}",),
            ).fetchall()
        progress = [percent for percent, _ in rows]
        assert progress == sorted(progress), rows
        assert progress[-1] == 100
        steps = [step for _, step in rows if step and step.startswith("readings: ")]
        told = [step.removeprefix("readings: ") for step in steps]
        assert told, rows
        assert told == sorted(told, key=PARTS.index), "each part after the one before"


def test_findings_of_a_run_are_checks_of_its_analyses(program: Path, tmp_path: Path) -> None:
    with started(program, tmp_path) as (_, http):
        run = http.send("POST", "/v1/query", ALL).body
        before = http.send("GET", f"/v1/runs/{run['run_id']}/rows").body["items"]
        path = f"/v1/runs/{run['run_id']}/analyze"

        def whole() -> Any:
            reply = http.send("POST", path, {"provider": "builtin"})
            assert reply.status == 200, reply.body
            # Who waits for it is not kept waiting long: on a busy machine it is told without.
            late = any("they took too long" in note for note in reply.body["notes"])
            return None if late else reply

        written = until("the rows were looked at in time", whole)
        assert written.body["notes"] == []
        found = {check["id"]: check for check in written.body["verdict"]["checks"]}
        assert {"not_checked", "eda_missing", "eda_outliers"} <= set(found)
        assert found["eda_missing"]["status"] == "warn"
        outliers = [c for c in written.body["verdict"]["checks"] if c["id"] == "eda_outliers"]
        assert ["kwh"] in [check["evidence"]["columns"] for check in outliers]
        assert "eda_missing (warned): note is missing" in written.body["analysis_md"]
        record = http.send("GET", f"/v1/runs/{run['run_id']}").body
        assert record["qa_status"] == run["qa"]["status"], "the run's own judgement stays"

        result = analyzed(http, {"run_id": run["run_id"]})
        (rows,) = result["tables"]
        assert rows["eda"]["missing"] == []
        assert rows["eda"]["drift"] is None, "these rows are of no report"
        record = http.send("GET", f"/v1/runs/{run['run_id']}").body
        assert record["qa"]["analysis_md"] == result["analysis_md"]
        assert "eda_outliers" in str(record["qa"]["checks"])
        after = http.send("GET", f"/v1/runs/{run['run_id']}/rows").body["items"]
        assert after == before


def test_runs_of_a_report_are_compared_with_each_other(program: Path, tmp_path: Path) -> None:
    ir = {
        "entities": ["readings"],
        "dimensions": ["meter", "id"],
        "metrics": [{"name": "kwh", "agg": "sum"}],
        "filters": [{"field": "id", "op": ">=", "value": "{{from}}"}],
    }
    schema = {"type": "object", "properties": {"from": {"type": "integer"}}, "required": ["from"]}
    with started(program, tmp_path) as (_, http):
        assert http.send("POST", "/v1/reports", {"key": "kwh", "title": "Readings"}).status == 201
        definition = {"version": "1", "ir": ir, "params": {"schema": schema}}
        body = {"datasource_id": "meters", "def": definition}
        made = http.send("POST", "/v1/reports/kwh/versions", body)
        assert made.status == 201, made.body
        runs = [
            http.send("POST", "/v1/reports/kwh/run", {"params": {"from": start}}).body["run_id"]
            for start in (0, 200)
        ]
        drifts = [
            analyzed(http, {"run_id": run})["tables"][0]["eda"]["drift"]
            for run in (runs[0], runs[0], runs[1])
        ]
        assert drifts[:2] == [None, None], "a run is not compared with itself"
        assert drifts[2]["against"]["run_id"] == runs[0]
        assert "id" in {c["name"] for c in drifts[2]["columns"] if c["drifted"]}


def test_policies_hold_for_what_is_looked_at(program: Path, tmp_path: Path) -> None:
    policies = [
        {"datasource": "meters", "entity": "readings", "roles": ["admin", "editor"]},
        {
            "datasource": "meters",
            "entity": "readings",
            "roles": ["viewer"],
            "rows": [{"field": "meter", "op": "=", "value": "m1"}],
            "hide": ["secret_rate"],
        },
    ]
    with started(program, tmp_path, auth="enabled", policies=policies) as (process, _):
        admin = Http(process.base, mint(program, process.data, "ada", "admin"))
        viewer = Http(process.base, mint(program, process.data, "vic", "viewer"))
        assert admin.send("POST", "/v1/learn?datasource_id=meters").status == 200
        whole = analyzed(admin, {"datasource_id": "meters"})
        assert "secret_rate" in str(whole)
        assert whole["tables"][0]["eda"]["rows"] == READINGS
        seen = analyzed(viewer, {"datasource_id": "meters"})
        assert "secret_rate" not in str(seen)
        found = seen["tables"][0]["eda"]
        assert found["rows"] == READINGS // 4
        assert found["drift"] is None, "what another has analyzed is nobody else's"
        (meter,) = [c for c in found["profile"]["columns"] if c["name"] == "meter"]
        assert [item["value"] for item in meter["top_values"]["items"]] == ["m1"]


def test_a_killed_service_comes_back_and_the_job_ends_whole(program: Path, tmp_path: Path) -> None:
    with started(program, tmp_path) as (process, http):
        first = child(process)
        # Held, so that the kill falls into a part that is being computed.
        os.kill(first, signal.SIGSTOP)
        url = accepted(http, {"datasource_id": "meters"})
        until_asked_for_the_profile(http, url)
        assert part(http)["status"] == "degraded"
        os.kill(first, signal.SIGKILL)
        job = ended(http, url)
        assert job["status"] == "completed", job
        assert job["result"]["eda"] == {"status": "ok", "detail": "", "missing": []}
        assert part(http)["status"] == "ok"
        second = child(process)
        assert second != first
        assert not lives(first)
        process.stop()
        until("it ends with the server", lambda: not lives(second))


def test_a_cancelled_job_lets_go_of_the_service(program: Path, tmp_path: Path) -> None:
    with started(program, tmp_path) as (process, http):
        pid = child(process)
        os.kill(pid, signal.SIGSTOP)
        url = accepted(http, {"datasource_id": "meters"})
        until_asked_for_the_profile(http, url)
        assert http.send("DELETE", url).status == 202
        job = ended(http, url)
        assert (job["status"], job["result"]) == ("cancelled", None)
        os.kill(pid, signal.SIGCONT)
        until("the EDA service answers", lambda: part(http)["status"] == "ok")
        result = analyzed(http, {"datasource_id": "meters"})
        assert result["eda"]["status"] == "ok"
        assert child(process) == pid


def test_it_ends_however_the_server_ends(program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    process = Process(program, data, config(data))
    try:
        until("the EDA service is up", lambda: part(Http(process.base))["status"] == "ok")
        pid = child(process)
    finally:
        process.kill()
    until("it ends with a server that was killed", lambda: not lives(pid))


@pytest.mark.parametrize("away", ["nobody", "off", "broken"])
def test_without_the_service_the_rest_is_there(program: Path, tmp_path: Path, away: str) -> None:
    all_keys: dict[str, dict[str, Any]] = {
        "nobody": {
            "enabled": True,
            "base_url": f"http://127.0.0.1:{free_port()}",
            "auth_shared_secret": CANARY,
        },
        "off": {"enabled": False},
        "broken": {"enabled": True, "autostart": True, "command": "/bin/false"},
    }
    changes: dict[str, Any] = {"python": all_keys[away], "execution": {"jobs": {"retries": 0}}}
    with started(program, tmp_path, wait=False, **changes) as (_, http):
        shown = until("it was tried", lambda: settled(http, away))
        wanted = {
            "nobody": ("degraded", "nothing listens there"),
            "off": ("off", "python.enabled is false"),
            "broken": ("degraded", "ended with 1"),
        }[away]
        assert shown["status"] == wanted[0]
        assert wanted[1] in shown["detail"], shown
        result = analyzed(http, {"datasource_id": "meters", "options": {"trends": False}})
        missing = [name for name in PARTS if name != "trends"]
        assert result["eda"]["missing"] == missing
        assert result["eda"]["status"] == ("off" if away == "off" else "away")
        assert wanted[1] in result["eda"]["detail"] or away == "off"
        (table,) = result["tables"]
        assert table["rows"] == READINGS
        assert "| kwh |" in result["analysis_md"]
        assert "## Not looked at" in result["analysis_md"]
        run = http.send("POST", "/v1/query", ALL).body
        written = http.send("POST", f"/v1/runs/{run['run_id']}/analyze").body
        assert "eda_" not in str(written["verdict"])
        assert bool(written["notes"]) is (away != "off"), written["notes"]


def settled(http: Http, away: str) -> Any:
    found = part(http)
    return found if away != "broken" or "started again" in found["detail"] else None


def test_its_secret_and_ours_are_told_nowhere(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    whole = config(data) | {"telemetry": {"level": "trace"}}
    whole["python"] |= {"auth_shared_secret": "${CANARY_EDA}"}
    whole["server"]["auth"] |= {"jwt_secret": "${CANARY_JWT}"}
    monkeypatch.setenv("CANARY_EDA", CANARY)
    monkeypatch.setenv("CANARY_JWT", JWT)
    with serving(program, data, whole) as process:
        http = Http(process.base)
        until("the EDA service is up", lambda: part(http)["status"] == "ok")
        http.send("POST", "/v1/learn?datasource_id=meters")
        said = [str(analyzed(http, {"datasource_id": "meters"}))]
        pid = child(process)
        held = Path(f"/proc/{pid}/environ").read_bytes().decode()
        assert CANARY in held, "that it is looked for here shows that it would be found"
        assert JWT not in held
        assert JWT not in line(pid)
        assert CANARY not in line(pid)
        os.kill(pid, signal.SIGKILL)
        until("it is back", lambda: not lives(pid) and part(http)["status"] == "ok")
        said += [str(http.send("GET", path).body) for path in ("/readyz", "/v1/audit", "/metrics")]
    for text in said:
        assert CANARY not in text
    files = [file for file in data.rglob("*") if file.is_file() and file.name != "config.yaml"]
    names = {file.name for file in files}
    assert {"air.db", "stderr.log", "nonces.sqlite"} <= names, names
    log = (data / "stderr.log").read_bytes()
    assert b"answered" in log, "the log of the EDA service is in ours"
    for file in files:
        held_there = file.read_bytes()
        assert CANARY.encode() not in held_there, file
        assert JWT.encode() not in held_there, file


def test_check_looks_at_what_would_be_started(program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    wrong = {"command": "/bin/false"}
    lost = {"module_path": str(tmp_path), "command": "/usr/bin/python3"}
    for keys, status, words in [
        ({}, "ok", "the server starts it"),
        (wrong, "wrong", "requirements.txt"),
        (lost, "wrong", "python.module_path"),
        ({"command": "/no/such/python"}, "wrong", "python.command"),
    ]:
        write_config(data, config(data, **keys))
        done = subprocess.run(  # noqa: S603
            [str(program), "check", "--data", str(data), "--auth", "disabled"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        (found,) = [row for row in done.stdout.splitlines() if row.startswith("eda ")]
        assert found.split()[1] == status, found
        assert words in found, found
