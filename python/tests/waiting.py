"""A run that waits for as long as a test wants: PostgreSQL holds a lock on the table it reads."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from servers import READER, Postgres

import air

IR = {"entities": ["numbers"], "metrics": [{"name": "n", "agg": "count"}]}
SECONDS = 120


def until(seen: Callable[[], bool], what: str) -> None:
    """Asks again and again, up to a generous limit."""
    begin = time.monotonic()
    while not seen():
        assert time.monotonic() - begin < SECONDS, f"not seen in {SECONDS} s: {what}"


@dataclass
class Waiting:
    """An engine over a database whose one table can be locked, and over the tests' files."""

    server: Postgres
    engine: air.Engine
    folder: Path
    ir: dict[str, object] = field(default_factory=lambda: dict(IR))
    holder: subprocess.Popen[str] | None = None

    @property
    def dsn(self) -> str:
        return self.server.dsn("postgres")

    @property
    def catalog(self) -> str:
        return json.dumps(self.engine.catalog("pg"))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody reads the table in here, until `release`."""
        self.holder = subprocess.Popen(
            self.server.psql("postgres"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self.say("begin; lock table numbers in access exclusive mode; select 'locked';")
            assert self.holder.stdout is not None
            assert self.holder.stdout.readline() == "locked\n"
            yield
        finally:
            self.release()
            self.holder.wait(SECONDS)

    def release(self) -> None:
        """The lock is gone, and who waits for it goes on."""
        if self.holder is not None and self.holder.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.holder.stdin.close()

    def say(self, text: str) -> None:
        assert self.holder is not None
        assert self.holder.stdin is not None
        self.holder.stdin.write(f"{text}\n")
        self.holder.stdin.flush()

    def asking(self) -> int:
        """How many of the engine's queries the server has, that it has not answered."""
        shown = "select count(*) from pg_stat_activity where state = 'active'"
        query = f"{shown} and usename = '{READER}' and query like '%numbers%'"
        return int(self.server.sql("postgres", query))

    def until_asked(self) -> None:
        until(lambda: self.asking() > 0, "the query in the server")

    def until_nobody_asks(self) -> None:
        until(lambda: self.asking() == 0, "the end of the query in the server")
