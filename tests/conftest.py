"""Fixtures that start once: the independent tool, and the service where a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from cases import Case
from datasets import ENGINES, prepare
from engines import Engines, Loaded, Replies, loaded_servers, serving_engines
from oracle import Oracle
from service import SOURCES, Client, running


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's folder."""
    return tmp_path_factory.mktemp("session")


@pytest.fixture(scope="session")
def tool() -> Oracle:
    """The independent tool, without the dataset that is made when a session runs."""
    return Oracle()


@pytest.fixture(scope="session")
def folders(work: Path, tool: Oracle) -> dict[str, Path]:
    """Where the files of each dataset are."""
    return prepare(work / "files", tool)


@pytest.fixture(scope="session")
def oracle(tool: Oracle, folders: dict[str, Path]) -> Oracle:
    """The independent tool over every dataset."""
    assert folders
    return tool


@pytest.fixture(scope="session")
def program() -> Path:
    """The built program `air`, which AIR_BIN names."""
    return built("air", "AIR_BIN")


@pytest.fixture(scope="session")
def aircli() -> Path:
    """The built program `aircli`, which AIRCLI_BIN names."""
    return built("aircli", "AIRCLI_BIN")


def built(name: str, variable: str) -> Path:
    named = os.environ.get(variable)
    if not named or not Path(named).is_file():
        pytest.fail(f"{variable} must name the built program `{name}`; it is {named!r}")
    return Path(named)


@pytest.fixture(scope="session")
def service(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The program started on the cases' files, with every source learned."""
    with running(program, tmp_path_factory.mktemp("air")) as client:
        for source in SOURCES:
            client.learn(source)
        yield client


@pytest.fixture(scope="session")
def loaded(
    request: pytest.FixtureRequest, work: Path, oracle: Oracle, folders: dict[str, Path]
) -> Iterator[Loaded]:
    """The same data in every engine that a test of this session names."""
    named = {
        item.callspec.params.get("engine")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    }
    wanted = [engine for engine in ENGINES if engine in named]
    with loaded_servers(work, oracle, folders, wanted) as found:
        yield found


@pytest.fixture(scope="session")
def engines(program: Path, work: Path, loaded: Loaded) -> Iterator[Engines]:
    """The service over that data."""
    with serving_engines(program, work, loaded) as found:
        yield found


@pytest.fixture(scope="session")
def replies(request: pytest.FixtureRequest, engines: Engines) -> Iterator[Replies]:
    """The replies to every case of this session, asked for in the background."""
    asked = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and "replies" in item.fixturenames
    ]
    runs = [(cast(Case, one["case"]), cast(str, one["engine"])) for one in asked]
    found = Replies(engines, runs)
    yield found
    found.close()
