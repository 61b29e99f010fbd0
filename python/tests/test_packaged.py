"""The package as it is used: its command, its example, its stubs and its sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import package_sample
import pytest

PACKAGE = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((PACKAGE / "examples").glob("*.ipynb"))
SECONDS = 300


def air(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "air", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    """Another process finds the package where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_the_command_shows_a_first_answer() -> None:
    shown = air()
    assert shown.returncode == 0, shown.stderr
    assert "Question: How many flights were there per airline name?" in shown.stdout
    assert "United Air Lines Inc." in shown.stdout
    assert "4637" in shown.stdout
    assert '"entities"' in shown.stdout


def test_the_command_asks_back() -> None:
    shown = air("average delay by carrier code")
    assert shown.returncode == 2
    assert "arr_delay" in shown.stderr
    assert shown.stdout == ""


def test_the_command_asks_other_files(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("region,amount\nn,1\ns,2\nn,3\n", encoding="utf-8")
    shown = air("--files", str(tmp_path), "total amount by region")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\n") > 5
    missing = air("--files", str(tmp_path / "none"))
    assert missing.returncode == 1
    assert "source_error" in missing.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
    client.execute(cwd=str(path.parent))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("text/html" in output.get("data", {}) for output in outputs)
    nbformat.validate(notebook)


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_the_stubs_are_those_of_the_compiled_part() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "air._air", "--mypy-config-file"]
    found = subprocess.run(
        [*command, str(PACKAGE / "pyproject.toml")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=PACKAGE,
        env={**os.environ, "MYPYPATH": str(PACKAGE), "PYTHONPATH": str(PACKAGE)},
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_sample_is_that_of_the_repository(tmp_path: Path) -> None:
    package_sample.make(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    packaged = PACKAGE / "air" / "sample"
    assert names == sorted(path.name for path in packaged.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (packaged / name).read_bytes(), name
