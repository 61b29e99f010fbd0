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
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The program that AIR_BIN names, started on the cases' files, with every source learned."""
    program = os.environ.get("AIR_BIN")
    if not program or not Path(program).is_file():
        pytest.fail(f"AIR_BIN must name the built program `air`; it is {program!r}")
    with running(Path(program), tmp_path_factory.mktemp("air")) as client:
        for source in SOURCES:
            client.learn(source)
        yield client
