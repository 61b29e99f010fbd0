"""What the tests share: one service for those that change nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from measuring import Asking
from running import Service, serving


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base path of the shared service."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, AIR__FILES__BASE_PATH=str(files)) as running:
        yield running


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path)
