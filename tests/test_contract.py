"""The whole contract against the live service, by a tool that makes up requests from it.

Schemathesis sends what the contract allows and what it forbids, and checks every answer: no 5xx,
no status, header, content type or body that the contract does not say, nothing taken that it
forbids, nothing shown without a token. The seed and the number of requests are fixed, so that a
failure comes again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from service import Client, Http, mint, serving, sources_config

SECRET = "only-for-tests-" * 5
EXAMPLES = 15
SEED = 2013
RUN_SECONDS = 600


def check(base: str, folder: Path, *options: str) -> None:
    """Runs the tool; what it found is the message of the failure."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{base}/openapi.yaml",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--checks=all",
        "--generation-deterministic",
        "--continue-on-failure",
        "--no-color",
        *options,
    ]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_without_authentication(program: Path, data: Path, tmp_path: Path) -> None:
    with serving(program, data, sources_config()) as process:
        client = Client(Http(process.base))
        client.learn("flights")
        check(process.base, tmp_path)
        assert client.transport.send("GET", "/healthz").status == 200


def test_with_tokens(program: Path, data: Path, tmp_path: Path) -> None:
    config = sources_config() | {"server": {"host": "127.0.0.1", "auth": {"jwt_secret": SECRET}}}
    with serving(program, data, config, auth="enabled") as process:
        token = mint(program, data, "ana", "admin")
        client = Client(Http(process.base, token))
        client.learn("flights")
        check(process.base, tmp_path, f"--header=Authorization: Bearer {token}")
        assert client.transport.send("GET", "/healthz").status == 200
