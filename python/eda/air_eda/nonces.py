"""The nonces that were used, so that no request is taken twice.

They lie in a SQLite file, so every process that serves over one state folder shares them, and a
restart forgets none. A nonce is kept for as long as its timestamp could still be taken.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .signature import WINDOW

SWEEP_EVERY = 256


class Nonces:
    """Says of each nonce once that it is new."""

    def __init__(self, path: Path) -> None:
        self.used = 0
        self.file = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        self.file.execute("PRAGMA journal_mode=WAL")
        self.file.execute("PRAGMA synchronous=NORMAL")
        self.file.execute(
            "CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, until INTEGER NOT NULL)"
            " WITHOUT ROWID, STRICT"
        )

    def take(self, nonce: str, timestamp: int, now: float) -> bool:
        """Whether it is the first use. One statement, so two processes cannot both be first."""
        self.used += 1
        if self.used % SWEEP_EVERY == 1:
            self.file.execute("DELETE FROM nonces WHERE until < ?", (int(now),))
        done = self.file.execute(
            "INSERT OR IGNORE INTO nonces (nonce, until) VALUES (?, ?)",
            (nonce, timestamp + WINDOW + 1),
        )
        return done.rowcount == 1

    def close(self) -> None:
        self.file.close()
