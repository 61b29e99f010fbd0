"""The operator's commands: `air check`, `air backup` and `air restore`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from service import Client, Http, serving, sources_config, write_config

SECONDS = 180
IR = {
    "entities": ["flights"],
    "dimensions": ["origin"],
    "metrics": [{"name": "n", "agg": "count"}],
}
SECRET = "canary-" + "s3cret" * 8


def air(
    program: Path, *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(program), *(str(argument) for argument in arguments)]
    return subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, **(env or {})},
    )


def folder(path: Path, config: dict[str, Any] | None = None) -> Path:
    path.mkdir(mode=0o700)
    write_config(path, config or sources_config())
    return path


def rows(http: Http, run: str) -> Any:
    reply = http.send("GET", f"/v1/runs/{run}/rows")
    assert reply.status == 200, reply
    return reply.body["items"]


def query(http: Http) -> str:
    reply = Client(http).query("flights", IR)
    assert reply.status == 200, reply
    return str(reply.body["run_id"])


def test_a_backup_of_a_running_service_is_whole(program: Path, tmp_path: Path) -> None:
    """Runs end while the copy is made; each run that it holds has its rows, in another folder."""
    data, backup, other = folder(tmp_path / "data"), tmp_path / "backup", folder(tmp_path / "other")
    with serving(program, data, sources_config()) as process:
        http = Http(process.base)
        Client(http).learn("flights")
        before = [query(http) for _ in range(3)]
        wanted = {run: rows(http, run) for run in before}
        ending = threading.Event()
        during: list[str] = []

        def keep_asking() -> None:
            while not ending.is_set():
                during.append(query(http))

        asker = threading.Thread(target=keep_asking)
        asker.start()
        try:
            wait_until(lambda: len(during) > 2)
            made = air(program, "backup", "--data", data, "--auth", "disabled", backup)
            count = len(during)
            wait_until(lambda: len(during) > count)
        finally:
            ending.set()
            asker.join(SECONDS)
        assert made.returncode == 0, made.stderr
        assert made.stderr == "", "no file that the copy names was missing"
        refused = air(program, "restore", "--data", data, "--auth", "disabled", backup)
        assert refused.returncode == 1
        assert "uses the data folder" in refused.stderr, refused.stderr
    manifest = json.loads((backup / "manifest.json").read_text())
    kept = {name for name in manifest["files"] if name.startswith("snapshots/")}
    assert {f"snapshots/{run}.parquet" for run in before} <= kept
    restored = air(program, "restore", "--data", other, "--auth", "disabled", backup)
    assert restored.returncode == 0, restored.stderr
    with serving(program, other, sources_config()) as process:
        http = Http(process.base)
        assert {run: rows(http, run) for run in before} == wanted
        for name in kept:
            assert rows(http, Path(name).stem) == wanted[before[0]]
        query(http)


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def backup(program: Path, tmp_path: Path) -> Path:
    """A backup of a folder with one run."""
    data, backup = folder(tmp_path / "data"), tmp_path / "backup"
    with serving(program, data, sources_config()) as process:
        Client(Http(process.base)).learn("flights")
        query(Http(process.base))
    made = air(program, "backup", "--data", data, "--auth", "disabled", backup)
    assert made.returncode == 0, made.stderr
    return backup


def test_a_restore_loses_nothing(program: Path, tmp_path: Path, backup: Path) -> None:
    data = tmp_path / "data"
    before = (data / "air.db").read_bytes()
    full = air(program, "restore", "--data", data, "--auth", "disabled", backup)
    assert (full.returncode, "there already" in full.stderr) == (1, True), full.stderr
    assert (data / "air.db").read_bytes() == before
    other = folder(tmp_path / "other")
    (other / "snapshots").mkdir()
    (other / "snapshots" / "run_another.parquet").write_bytes(b"rows")
    holds = air(program, "restore", "--data", other, "--auth", "disabled", backup)
    assert (holds.returncode, "rows of other runs" in holds.stderr) == (1, True), holds.stderr
    again = air(program, "backup", "--data", data, "--auth", "disabled", backup)
    assert (again.returncode, "there already" in again.stderr) == (1, True), again.stderr


def test_a_damaged_backup_is_refused(program: Path, tmp_path: Path, backup: Path) -> None:
    snapshot = next(iter((backup / "snapshots").iterdir()))
    inside = json.loads((backup / "manifest.json").read_text())
    outside = inside["files"].copy()
    outside["snapshots/../../stolen"] = outside[f"snapshots/{snapshot.name}"]
    damages: list[tuple[Path, Callable[[Path], object], str]] = [
        (backup / "air.db", lambda path: flip(path, 5000), "damaged"),
        (snapshot, lambda path: flip(path, 10), "damaged"),
        (snapshot, lambda path: path.unlink(), "cannot be read"),
        (backup / "manifest.json", lambda path: path.write_text("{"), "damaged"),
        (backup / "manifest.json", lambda path: path.unlink(), "no backup"),
        (
            backup / "manifest.json",
            lambda path: path.write_text(json.dumps(inside | {"files": outside})),
            "damaged",
        ),
    ]
    for number, (file, damage, told) in enumerate(damages):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(backup, copy)
        damage(copy / file.relative_to(backup))
        target = folder(tmp_path / f"target{number}")
        refused = air(program, "restore", "--data", target, "--auth", "disabled", copy)
        assert (refused.returncode, told in refused.stderr) == (1, True), (told, refused.stderr)
        assert sorted(path.name for path in target.iterdir()) == ["config.yaml"], told


def flip(path: Path, at: int) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 0xFF
    path.write_bytes(damaged)


def check(
    program: Path, data: Path, env: dict[str, str] | None = None
) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and each part's status and detail."""
    done = air(program, "check", "--data", data, "--auth", "disabled", "--json", env=env)
    found = json.loads(done.stdout)
    assert (found["status"] == "ok") == (done.returncode == 0)
    return done.returncode, {p["part"]: (p["status"], p["detail"]) for p in found["parts"]}


def test_check_tells_each_part(program: Path, tmp_path: Path) -> None:
    data = folder(tmp_path / "data")
    code, parts = check(program, data)
    assert code == 0, parts
    statuses = {part: status for part, (status, _) in parts.items()}
    wanted = {
        "configuration": "ok",
        "server.auth": "off",
        "encryption": "off",
        "data folder": "ok",
        "disk": "ok",
        "control_plane": "off",
        "files": "ok",
        "source flights": "ok",
        "source shop": "ok",
        "redis": "off",
        "eda": "off",
    }
    assert wanted.items() <= statuses.items(), statuses
    assert "ms" in parts["source flights"][1]
    text = air(program, "check", "--data", data, "--auth", "disabled").stdout
    for part in wanted:
        assert any(line.startswith(part) for line in text.splitlines()), part


def test_check_finds_what_is_wrong_and_shows_no_secret(program: Path, tmp_path: Path) -> None:
    config = sources_config()
    config["analytics_sources"].append(
        {"id": "pg", "kind": "postgres", "dsn": f"postgres://u:{SECRET}@127.0.0.1:9/d"}
    )
    config["redis"] = {"enabled": True, "url": f"redis://:{SECRET}@127.0.0.1:9/0"}
    config["python"] = {
        "enabled": True,
        "base_url": "http://127.0.0.1:9",
        "auth_shared_secret": SECRET,
    }
    data = folder(tmp_path / "data", config)
    key = {"AIR_ENCRYPTION_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
    code, parts = check(program, data, key)
    assert code == 1
    wrong = {part for part, (status, _) in parts.items() if status == "wrong"}
    assert {"source pg", "redis", "eda"} <= wrong, parts
    assert parts["source flights"][0] == "ok"
    assert parts["encryption"][0] == "ok"
    assert SECRET not in str(parts)
    (data / "air.db").write_bytes(b"no database")
    assert check(program, data, key)[1]["control_plane"][0] == "wrong"
    write_config(data, {"serevr": {}})
    code, parts = check(program, data)
    assert (code, list(parts)) == (1, ["configuration"])
    assert "server" in parts["configuration"][1]
    assert air(program, "check", "--no-such-flag").returncode == 2


@contextmanager
def redis(work: Path, password: str) -> Iterator[int]:
    """A private redis-server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = shutil.which("redis-server")
    assert program, "redis-server must be installed"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(work)]
    child = subprocess.Popen([program, *options, "--requirepass", password])  # noqa: S603
    try:
        wait_until(lambda: answers(port))
        yield port
    finally:
        child.terminate()
        child.wait(SECONDS)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def test_check_reaches_redis(program: Path, tmp_path: Path) -> None:
    with redis(tmp_path, SECRET) as port:
        url = f"redis://127.0.0.1:{port}/0"
        right = sources_config() | {"redis": {"enabled": True, "url": url, "password": SECRET}}
        status, detail = check(program, folder(tmp_path / "right", right))[1]["redis"]
        assert (status, detail.startswith("Redis ")) == ("ok", True), detail
        wrong = sources_config() | {"redis": {"enabled": True, "url": url, "password": "other"}}
        status, detail = check(program, folder(tmp_path / "wrong", wrong))[1]["redis"]
        assert (status, "redis.password" in detail) == ("wrong", True), detail
