"""Private database servers for the tests, on free ports and in temporary folders.

In: an empty folder. Out: a running server with a superuser for loading and the role `air_reader`
for AIR, which may read and nothing else. What is set on them is meant to be unlike what AIR would
choose: other time zones, another date style, a collation that is not that of the bytes, and zone
tables that are empty (MariaDB). A program that is missing fails, and the message names the Debian
package. Readiness is asked of the server itself, again and again until a deadline.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

READER = "air_reader"
PASSWORD = "only-for-tests"  # noqa: S105
LOADER = "air_loader"

START_SECONDS = 180
STOP_SECONDS = 90
POLL_SECONDS = 0.05
STATEMENT_SECONDS = 300

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
PACKAGES = {
    "postgresql": "postgresql-15",
    "mariadb": "mariadb-server mariadb-client",
    "redis": "redis-server",
}

POSTGRES_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "60",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "timezone": "Asia/Tokyo",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
}
# The modes of MySQL 8, which group more strictly than MariaDB's own.
MARIADB_MODES = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
MARIADB_SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "skip-log-bin": "1",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-buffer-pool-size": "256M",
    "innodb-log-file-size": "256M",
    "local-infile": "1",
    "default-time-zone": "+03:00",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    "sql-mode": MARIADB_MODES,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def binary(name: str, package: str, folder: Path | None = None) -> str:
    """The path of a program, or an error that says how to get it."""
    if folder is not None and (folder / name).is_file():
        return str(folder / name)
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        line = f"apt-get install -y {PACKAGES[package]}"
        raise AssertionError(
            f"{name} is missing, and no test may be left out for that: run `{line}`"
        )
    return found


def run(command: list[str], stdin: str | None = None) -> str:
    """Runs a program to its end; what it wrote, or an error with what it complained of."""
    done = subprocess.run(  # noqa: S603
        command,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=STATEMENT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr[-3000:]}")
    return done.stdout


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], log: Path) -> None:
    """Asks until the server answers; its end before that is an error, with its log."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL_SECONDS)
            raise AssertionError(f"the server ended: {log.read_text(errors='replace')[-3000:]}")
        if time.monotonic() > deadline:
            raise AssertionError(f"not ready in time: {log.read_text(errors='replace')[-3000:]}")


def succeeds(command: list[str]) -> bool:
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, timeout=START_SECONDS, check=False
    )
    return done.returncode == 0


def stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(STOP_SECONDS)


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL; `sql` runs as superuser over its socket."""

    port: int
    folder: Path

    def psql(self, database: str) -> list[str]:
        program = binary("psql", "postgresql", POSTGRES_BIN)
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-A", "-t", "-h", str(self.folder)]
        return [program, *options, "-p", str(self.port), "-U", LOADER, "-d", database]

    def sql(self, database: str, text: str) -> str:
        return run(self.psql(database), text)

    def dsn(self, database: str, password: str = PASSWORD) -> str:
        return f"postgres://{READER}:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"


@dataclass
class MariaDb:
    """A running MariaDB; `sql` runs as its root over the socket."""

    port: int
    folder: Path
    command: list[str]
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(self.command, stdout=out, stderr=out)  # noqa: S603
        ping = [*self.client(None), "-e", "select 1"]
        wait_until(lambda: succeeds(ping), self.child, self.log)

    def kill(self) -> None:
        """SIGKILL, as when a machine goes away."""
        assert self.child is not None
        self.child.kill()
        self.child.wait(STOP_SECONDS)

    def restart(self) -> None:
        """The same server again, on the same port and data."""
        self.start()

    def stop(self) -> None:
        if self.child is not None:
            stop(self.child)

    def client(self, database: str | None) -> list[str]:
        program = binary("mariadb", "mariadb")
        options = ["--no-defaults", "--batch", "--skip-column-names", "--local-infile=1"]
        place = [f"--socket={self.folder / 'm.sock'}", "--default-character-set=utf8mb4"]
        return [program, *options, *place, "-u", "root", *([database] if database else [])]

    def sql(self, database: str | None, text: str) -> str:
        return run(self.client(database), text)

    def dsn(self, database: str, password: str = PASSWORD) -> str:
        return f"mysql://{READER}:{password}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL 15; its log is beside `folder`.

    It refuses to run as root, so root hands it to the user `postgres`. Its data is then in a folder
    of its own: pytest closes the folders above its own to others each time another session begins.
    """
    as_root = os.geteuid() == 0
    user = ["runuser", "-u", "postgres", "--"] if as_root else []
    log = folder.parent / f"{folder.name}.log"
    with tempfile.TemporaryDirectory(prefix="air-postgres-") as own:
        if as_root:
            shutil.chown(own, "postgres", "postgres")
        with running_postgres(Path(own), user, log) as server:
            yield server


@contextlib.contextmanager
def running_postgres(folder: Path, user: list[str], log: Path) -> Iterator[Postgres]:
    data = folder / "data"
    made = ["-D", str(data), "-U", LOADER, "--auth-local=trust", "--auth-host=scram-sha-256"]
    # Not the order of the bytes, so that text in byte order is AIR's doing.
    made += ["-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
    run([*user, binary("initdb", "postgresql", POSTGRES_BIN), *made, "--no-sync"])
    port = free_port()
    settings = {**POSTGRES_SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    command = [*user, binary("postgres", "postgresql", POSTGRES_BIN), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: S603
    try:
        server = Postgres(port, folder)
        ping = [*server.psql("postgres"), "-c", "select 1"]
        wait_until(lambda: succeeds(ping), child, log)
        server.sql("postgres", f"create role {READER} login password '{PASSWORD}'")
        yield server
    finally:
        # A plain SIGTERM would wait for clients to leave.
        quickly = ["stop", "-m", "immediate", "-D", str(data)]
        succeeds([*user, binary("pg_ctl", "postgresql", POSTGRES_BIN), *quickly])
        stop(child)


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[MariaDb]:
    """A MariaDB in `folder`, its zone tables empty as an installation leaves them."""
    folder.mkdir(mode=0o700)
    user = ["--user=root"] if os.geteuid() == 0 else []
    data = folder / "data"
    server_program = binary("mariadbd", "mariadb")
    install = binary("mariadb-install-db", "mariadb")
    quick = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    run([install, "--no-defaults", f"--datadir={data}", *user, *quick])
    port = free_port()
    command = [server_program, "--no-defaults", *user, f"--datadir={data}", f"--port={port}"]
    command += [f"--socket={folder / 'm.sock'}", f"--pid-file={folder / 'm.pid'}"]
    # Beside another server in one folder, temporary tables of one can be swept by the other.
    (folder / "tmp").mkdir()
    command.append(f"--tmpdir={folder / 'tmp'}")
    command += [f"--{name}={value}" for name, value in MARIADB_SETTINGS.items()]
    server = MariaDb(port, folder, command)
    try:
        server.start()
        server.sql(None, f"create user '{READER}'@'127.0.0.1' identified by '{PASSWORD}'")
        yield server
    finally:
        server.stop()


@dataclass
class Redis:
    """A Redis that keeps nothing on disk, and can be ended and started again on its port."""

    port: int
    folder: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [binary("redis-server", "redis"), "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "no"]
        log = self.folder / "redis.log"
        with log.open("ab") as out:
            self.child = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: S603
        wait_until(lambda: self.answers("PING") == "PONG", self.child, log)

    def kill(self) -> None:
        """SIGKILL: what was in its memory is gone."""
        assert self.child is not None
        self.child.kill()
        self.child.wait(STOP_SECONDS)

    def answers(self, *command: str) -> str:
        """What it answers to a command, or nothing where it is not there."""
        client = [binary("redis-cli", "redis"), "-p", str(self.port), *command]
        done = subprocess.run(  # noqa: S603
            client, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """A Redis in `folder`."""
    folder.mkdir(mode=0o700)
    server = Redis(free_port(), folder)
    try:
        server.start()
        yield server
    finally:
        if server.child is not None:
            stop(server.child)
