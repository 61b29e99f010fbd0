"""Uploads as an attacker, or a bad line, sends them to a running service.

Each ends in a problem that says what is wrong, or in a file that is ready; memory of the process
and room on the disk stay within bounds meanwhile, and of what was refused nothing is left: no
bytes, no folder, no row.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.client
import json
import os
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from service import Http, Process, Reply, serving

MB = 1_000_000
# What reading any one file may take beyond what the service holds anyway.
MEMORY = 400 * MB
PATIENCE = 120
LIMITS = {
    "limits": {
        "upload_file": "200MB",
        "upload_session": "300MB",
        "upload_user": "250MB",
        "uploads_per_user": 16,
        "memory_pool": "400MB",
        "request": "60s",
    }
}
READINGS = b"id,kwh\n1,2.5\n2,3.25\n"


@dataclass
class Place:
    """A running service and its folder of uploads."""

    process: Process
    data: Path

    @property
    def api(self) -> Http:
        return Http(self.process.base)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.process.base).netloc, timeout=PATIENCE)

    def upload(self, name: str, body: bytes | Iterator[bytes], **headers: str) -> Reply:
        """One file as the body itself."""
        sent = {"Content-Type": "application/octet-stream", **headers}
        connection = self.connection()
        try:
            connection.request("POST", f"/v1/files?name={quote(name)}", body, sent)
            answer = connection.getresponse()
            read = answer.read()
            return Reply(answer.status, json.loads(read) if read else None)
        finally:
            connection.close()

    def refused(self, name: str, body: bytes | Iterator[bytes], status: int = 422) -> str:
        """What a file that is refused is told; nothing of it is left."""
        reply = self.upload(name, body)
        assert reply.status == status, reply.body
        self.nothing_left()
        errors = reply.body.get("errors") or [reply.body]
        detail = str(errors[0]["detail"])
        assert "data." not in detail, detail
        assert str(self.data) not in detail, detail
        return detail

    def kept(self, name: str, body: bytes | Iterator[bytes]) -> dict[str, Any]:
        """A file that is ready, and removed again."""
        reply = self.upload(name, body)
        assert reply.status == 201, reply.body
        (file,) = reply.body["items"]
        assert file["state"] == "ready", file
        assert self.api.send("DELETE", f"/v1/files/{file['id']}").status == 204
        self.nothing_left()
        return dict(file)

    @property
    def folder(self) -> Path:
        return self.data / "uploads"

    def nothing_left(self) -> None:
        assert list(self.folder.iterdir()) == []
        assert self.api.send("GET", "/v1/files").body["items"] == []

    def disk(self) -> int:
        """Bytes in the folder of uploads now."""
        total = 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                try:
                    total += (Path(place) / name).stat().st_size
                except FileNotFoundError:
                    continue
        return total

    def memory(self) -> int:
        """The most memory the process had at once since `forget_memory`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    def forget_memory(self) -> int:
        """Counts anew from what the process has now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")
        return self.memory()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def place(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("uploads")
    with serving(program, data, LIMITS) as process:
        yield Place(process, data)


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def archive() -> bytes:
    """A zip archive of few bytes that unpacks to very many."""
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"1,2\n" * 10_000_000)
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return sink.getvalue()


def test_compressed_files_are_read(place: Place) -> None:
    table = pa.table({"id": [1, 2], "kwh": [2.5, 3.25]})
    lines = b'{"id":1}\n{"id":2,"name":"x"}\n'
    for name, content, wanted in [
        ("a.csv", READINGS, ("csv", "none", 2, 2)),
        ("a.csv.gz", gzip.compress(READINGS), ("csv", "gzip", 2, 2)),
        ("a.tsv.zst", zstd(READINGS.replace(b",", b"\t")), ("csv", "zstd", 2, 2)),
        (
            "a.jsonl.gz",
            gzip.compress(lines[:9]) + gzip.compress(lines[9:]),
            ("jsonl", "gzip", 2, 2),
        ),
        ("a.json", lines, ("jsonl", "none", 2, 2)),
        ("a.parquet", parquet(table), ("parquet", "none", 2, 2)),
        ("readings", READINGS, ("csv", "none", 2, 2)),
    ]:
        file = place.kept(name, content)
        found = (file["format"], file["compression"], file["rows"], file["columns"])
        assert found == wanted, name
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_bombs_are_refused_within_memory_and_disk(place: Place) -> None:
    rows = b"a,b\n" + b"1,2\n" * 30 * 1_000_000
    before = place.forget_memory()
    assert "more than is taken" in place.refused("bomb.csv.gz", gzip.compress(rows, 9))
    assert "more than is taken" in place.refused("bomb.csv.zst", zstd(rows))
    twice = gzip.compress(gzip.compress(rows, 9))
    assert "compressed twice" in place.refused("twice.csv.gz", twice)
    assert "archive (zip" in place.refused("bomb.csv", archive())
    assert "ends in .zip" in place.refused("bomb.zip", archive())
    text = pa.array(["x" * 1000] * 100_000)
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
    assert "unpack to" in place.refused("bomb.parquet", parquet(pa.table({"t": text}), **options))
    assert place.memory() - before < MEMORY


def test_what_is_cut_or_damaged_is_refused(place: Place) -> None:
    table = pa.table({"id": range(100_000), "name": [f"n{i}" for i in range(100_000)]})
    whole = parquet(table)
    for cut in (4, 8, 1000, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        assert "no whole Parquet file" in place.refused("cut.parquet", whole[:cut])
    damaged = bytearray(whole)
    damaged[200:4000] = os.urandom(3800)
    assert "damaged.parquet" in place.refused("damaged.parquet", bytes(damaged))
    packed = gzip.compress(READINGS * 10_000)
    assert "damaged or cut off" in place.refused("cut.csv.gz", packed[: len(packed) // 2])
    assert "compressed Parquet" in place.refused("a.parquet.gz", gzip.compress(whole))


def test_very_many_columns_take_little_memory(place: Place) -> None:
    before = place.forget_memory()
    wide = ",".join(f"column_{i}" for i in range(1_000_000)).encode() + b"\n"
    assert "longer than 1 MiB" in place.refused("wide.csv", wide)
    many = pa.table({f"c{i}": [1] for i in range(10_001)})
    assert "at most 10000" in place.refused("many.parquet", parquet(many))
    fields = {f"f{i}": None for i in range(9_000)}
    # Each row is short, and would be wide in memory.
    lines = json.dumps(fields).encode() + b"\n" + b'{"f1":1}\n' * 10_000
    file = place.kept("sparse.jsonl", lines)
    assert (file["rows"], file["columns"]) == (10_001, 9_000)
    row = b",".join([b"1"] * 9_000) + b"\n"
    header = ",".join(f"c{i}" for i in range(9_000)).encode() + b"\n"
    assert place.kept("table.csv", header + row * 1_500)["columns"] == 9_000
    assert place.memory() - before < MEMORY


def pieces(megabytes: int) -> Iterator[bytes]:
    """A CSV of about so many megabytes."""
    yield b"id,name,kwh\n"
    block = b"".join(b"%d,meter number %d,%d.25\n" % (i, i % 97, i) for i in range(40_000))
    for _ in range(max(1, megabytes * MB // len(block))):
        yield block


def test_a_large_file_is_not_held_in_memory(place: Place) -> None:
    before = place.forget_memory()
    file = place.kept("large.csv", pieces(180))
    assert file["bytes"] > 170 * MB
    assert place.memory() - before < MEMORY
    assert "limits.upload_file" in place.refused("larger.csv", pieces(201), status=413)
    assert place.memory() - before < MEMORY


def test_the_disk_is_within_the_limit_whatever_comes_at_once(place: Place) -> None:
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.is_set():
            most = max(most, place.disk())
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(8) as threads:
            replies = list(threads.map(lambda _: place.upload("same.csv", pieces(60)), range(8)))
    finally:
        over.set()
        watcher.join()
    kept = [reply.body["items"][0] for reply in replies if reply.status == 201]
    assert 1 <= len(kept) <= 4
    assert len({file["id"] for file in kept}) == len(kept), "each of one name is its own file"
    for reply in replies:
        assert reply.status in (201, 422), reply.body
        if reply.status == 422:
            assert "limits.upload_user" in reply.body["detail"], reply.body
    assert 0 < most <= 250 * MB
    for file in kept:
        assert place.api.send("DELETE", f"/v1/files/{file['id']}").status == 204
    place.nothing_left()


def raw(place: Place, head: str, body: bytes, *, half_close: bool = False) -> bytes:
    """What the service answers to bytes that no client library would send."""
    url = urlsplit(place.process.base)
    assert url.hostname is not None
    assert url.port is not None
    with socket.create_connection((url.hostname, url.port), timeout=PATIENCE) as line:
        begin = f"POST /v1/files?name=a.csv HTTP/1.1\r\nHost: {url.netloc}\r\n"
        answer = b""
        # A service that refuses closes at once, so that the rest of what is sent finds no reader:
        # every step after the first byte may meet the closed line.
        try:
            line.sendall(begin.encode() + head.encode() + b"\r\n" + body)
            if not half_close:
                return b""
            line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65536):
                answer += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
        return answer


def test_a_line_that_breaks_leaves_nothing(place: Place) -> None:
    media = "Content-Type: application/octet-stream\r\n"
    raw(place, media + "Content-Length: 100000000\r\n", b"a,b\n1,2\n" * 100_000)
    until(lambda: list(place.folder.iterdir()) == [], "what broke off is removed")
    cut = raw(place, media + "Content-Length: 1000\r\n", READINGS, half_close=True)
    assert b" 201 " not in cut.split(b"\r\n")[0]
    cut = raw(
        place, media + "Transfer-Encoding: chunked\r\n", b"8\r\na,b\n1,2\n\r\n", half_close=True
    )
    assert b" 201 " not in cut.split(b"\r\n")[0]
    for length in ("-1", "ten", "5\r\nContent-Length: 9"):
        answer = raw(place, media + f"Content-Length: {length}\r\n", READINGS, half_close=True)
        assert b" 400 " in answer.split(b"\r\n")[0], (length, answer)
    # What is behind the length that was said is no part of the file.
    checksum = f"X-Checksum-Sha256: {hashlib.sha256(READINGS).hexdigest()}\r\n"
    answer = raw(place, media + checksum + "Content-Length: 9\r\n", READINGS, half_close=True)
    assert b" 422 " in answer.split(b"\r\n")[0], answer
    huge = raw(place, media + f"X-Long: {'x' * 3_000_000}\r\n", b"", half_close=True)
    assert b" 201 " not in huge
    until(lambda: list(place.folder.iterdir()) == [], "nothing of any is left")
    place.nothing_left()
    assert place.kept("a.csv", READINGS)["rows"] == 2


def test_names_are_no_places(place: Place) -> None:
    for given, shown in [
        ("../../../etc/cron.d/a.csv", "a.csv"),
        ("/etc/passwd.csv", "passwd.csv"),
        ("..\\..\\a.csv", "a.csv"),
        ("a\0b.csv", "ab.csv"),
        ("x" * 900 + ".csv", None),
    ]:
        file = place.kept(given, READINGS)
        assert shown in (None, file["name"])
        assert len(file["name"]) < 200


def test_a_killed_service_leaves_no_half_file(program: Path, tmp_path: Path) -> None:
    process = Process(program, tmp_path, LIMITS)
    place = Place(process, tmp_path)
    try:
        reply = place.upload("kept.csv", READINGS)
        assert reply.status == 201, reply.body
        (file,) = reply.body["items"]
        going = threading.Thread(target=lambda: suppressed(place))
        going.start()
        until(lambda: place.disk() > MB, "half of a file is on the disk")
    finally:
        process.kill()
    going.join(PATIENCE)
    assert place.disk() > MB
    with serving(program, tmp_path, LIMITS) as process:
        place = Place(process, tmp_path)
        until(lambda: len(list(place.folder.iterdir())) == 1, "the half file is removed")
        items = place.api.send("GET", "/v1/files").body["items"]
        assert items == [file], "what was acknowledged is there"
        stored = place.folder / file["id"] / "data.csv"
        assert stored.read_bytes() == READINGS


def suppressed(place: Place) -> None:
    """An upload that never ends by itself, to a service that does."""

    def endless() -> Iterator[bytes]:
        yield b"a,b\n"
        for _ in range(150):
            yield b"1,2\n" * 100_000
            time.sleep(0.05)

    with pytest.raises((OSError, http.client.HTTPException)):
        place.upload("half.csv", endless())


def test_a_link_in_place_of_the_folder_does_not_start(program: Path, tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir()
    elsewhere.mkdir()
    (data / "uploads").symlink_to(elsewhere)
    with (
        pytest.raises(AssertionError, match="folder of uploads is a link"),
        serving(program, data, LIMITS),
    ):
        pass


# ------------------------------------------------------------------ aircli upload


def run(aircli: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(aircli), *arguments],
        env={"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_command_line_uploads(place: Place, aircli: Path, tmp_path: Path) -> None:
    csv, lines, bad = tmp_path / "a.csv", tmp_path / "b.jsonl.gz", tmp_path / "bad.csv"
    csv.write_bytes(READINGS)
    lines.write_bytes(gzip.compress(b'{"id":1}\n'))
    bad.write_bytes(b"a,b\n1\n")
    at = ("--url", place.process.base)
    done = run(aircli, tmp_path, "upload", str(csv), str(lines), *at)
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["items"]
    assert [(f["name"], f["state"], f["rows"]) for f in files] == [
        ("a.csv", "ready", 2),
        ("b.jsonl.gz", "ready", 1),
    ]
    assert files[0]["sha256"] == hashlib.sha256(READINGS).hexdigest()
    table = run(aircli, tmp_path, "upload", str(csv), "--name", "c.csv", "-o", "table", *at)
    assert (table.returncode, "c.csv" in table.stdout) == (0, True), table
    some = run(aircli, tmp_path, "upload", str(csv), str(bad), *at)
    assert (some.returncode, "line 2" in some.stderr) == (1, True), some
    assert [f["name"] for f in json.loads(some.stdout)["items"]] == ["a.csv"], "what was kept"
    missing = run(aircli, tmp_path, "upload", str(tmp_path / "none.csv"), *at)
    assert (missing.returncode, "none.csv cannot be read" in missing.stderr) == (2, True), missing
    assert run(aircli, tmp_path, "upload", str(tmp_path), *at).returncode == 2
    away = run(aircli, tmp_path, "upload", str(csv), "--url", "http://127.0.0.1:9")
    assert away.returncode == 5, away
    for file in place.api.send("GET", "/v1/files").body["items"]:
        assert place.api.send("DELETE", f"/v1/files/{file['id']}").status == 204
    place.nothing_left()


def test_a_backup_holds_the_files(program: Path, tmp_path: Path) -> None:
    data, other, backup = tmp_path / "data", tmp_path / "other", tmp_path / "backup"
    for folder in (data, other):
        folder.mkdir(mode=0o700)

    def air(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        (folder / "config.yaml").write_text("limits: {upload_file: 1MB}\n", encoding="utf-8")
        whole = [str(program), command, "--data", str(folder), "--auth", "disabled", str(backup)]
        return subprocess.run(  # noqa: S603
            whole, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    with serving(program, data, LIMITS) as process:
        (file,) = Place(process, data).upload("a.csv", READINGS).body["items"]
    made = air("backup", data)
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    assert (backup / "uploads" / f"{file['id']}.data.csv").read_bytes() == READINGS
    stray = other / "uploads" / "file_of_another"
    stray.mkdir(parents=True, mode=0o700)
    holds = air("restore", other)
    assert (holds.returncode, "holds other uploads" in holds.stderr) == (1, True), holds.stderr
    stray.rmdir()
    restored = air("restore", other)
    assert restored.returncode == 0, restored.stderr
    with serving(program, other, LIMITS) as process:
        place = Place(process, other)
        assert place.api.send("GET", "/v1/files").body["items"] == [file]
        assert (place.folder / file["id"] / "data.csv").read_bytes() == READINGS
