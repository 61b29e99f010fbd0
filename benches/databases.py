"""Private PostgreSQL and MariaDB for the benches: those of the tests, set as one would to work.

In: a folder. Out: a running server, its reader allowed to read everything, and connection strings
for the peers. The tests set servers oddly on purpose (zones, date styles, empty caches); here every
tool gets UTC, ISO dates and memory enough that the disk is no part of what is measured.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import servers
from tpch import load_extension as load_extension

READER, PASSWORD, LOADER = servers.READER, servers.PASSWORD, servers.LOADER

# The tests' module holds one set of settings a kind, which a program may change before the start.
servers.POSTGRES_SETTINGS.update(
    {
        "shared_buffers": "2GB",
        "max_wal_size": "8GB",
        "work_mem": "64MB",
        "timezone": "UTC",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
    }
)
servers.MARIADB_SETTINGS.update(
    {
        "innodb-buffer-pool-size": "2G",
        "innodb-log-file-size": "1G",
        "default-time-zone": "+00:00",
        "max-allowed-packet": "256M",
    }
)


@contextlib.contextmanager
def postgres(folder: Path, database: str) -> Iterator[servers.Postgres]:
    """A PostgreSQL with an empty database that the reader may read, whatever is made in it."""
    with servers.postgres(folder) as server:
        server.sql("postgres", f"create database {database}")
        server.sql(
            database,
            f"alter default privileges grant select on tables to {READER};"
            f"alter default privileges grant usage on schemas to {READER}",
        )
        yield server


@contextlib.contextmanager
def mariadb(folder: Path, database: str) -> Iterator[servers.MariaDb]:
    """A MariaDB with an empty database that the reader may read."""
    with servers.mariadb(folder) as server:
        server.sql(None, f"create database {database}")
        server.sql(None, f"grant select on {database}.* to '{READER}'@'127.0.0.1'")
        yield server


def postgres_words(server: servers.Postgres, database: str) -> str:
    """The reader's connection in libpq's key words, over TCP as AIR connects."""
    place = f"host=127.0.0.1 port={server.port} dbname={database}"
    return f"{place} user={READER} password={PASSWORD} sslmode=disable"


def mariadb_words(server: servers.MariaDb, database: str) -> str:
    """The reader's connection as DuckDB's scanner wants it."""
    place = f"host=127.0.0.1 port={server.port} database={database}"
    return f"{place} user={READER} passwd={PASSWORD}"
