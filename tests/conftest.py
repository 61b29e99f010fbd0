"""Fixtures that start once: the independent tool, and the service where a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle import Oracle
from service import SOURCES, Client, running


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="session")
def program() -> Path:
    """The built program `air`, which AIR_BIN names."""
    named = os.environ.get("AIR_BIN")
    if not named or not Path(named).is_file():
        pytest.fail(f"AIR_BIN must name the built program `air`; it is {named!r}")
    return Path(named)


@pytest.fixture(scope="session")
def service(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The program started on the cases' files, with every source learned."""
    with running(program, tmp_path_factory.mktemp("air")) as client:
        for source in SOURCES:
            client.learn(source)
        yield client
