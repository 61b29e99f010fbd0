"""Engines of the package over files that each session makes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import kinds
import pytest
from servers import READER, Postgres, postgres
from waiting import Waiting

import air


@pytest.fixture(scope="session")
def kinds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of every type, and a larger one."""
    folder = tmp_path_factory.mktemp("kinds")
    kinds.write(folder)
    return folder


@pytest.fixture
def engine(kinds_folder: Path) -> air.Engine:
    """An engine that has learned these files."""
    made = air.Engine(threads=2, time_filter="off", max_row_limit=1_000_000)
    made.register_files("kinds", kinds_folder)
    made.learn("kinds")
    return made


@pytest.fixture(scope="session")
def program() -> Path:
    """The built service, which AIR_BIN names."""
    named = os.environ.get("AIR_BIN")
    if not named or not Path(named).is_file():
        pytest.fail(f"AIR_BIN must name the built program `air`; it is {named!r}")
    return Path(named)


@pytest.fixture(scope="session")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL with a table to lock."""
    with postgres(tmp_path_factory.mktemp("waiting") / "pg") as server:
        server.sql(
            "postgres",
            "create table numbers as select n from generate_series(1, 100) n;"
            f"grant select on numbers to {READER}",
        )
        yield server


@pytest.fixture
def waiting(numbers: Postgres, kinds_folder: Path) -> Waiting:
    """An engine whose runs of `numbers` wait for as long as the test holds the table."""
    engine = air.Engine(threads=2, timeout=600)
    engine.register_source("pg", "postgres", numbers.dsn("postgres"))
    engine.learn("pg")
    engine.register_files("kinds", kinds_folder)
    engine.learn("kinds")
    return Waiting(numbers, engine, kinds_folder)
