"""The demo of several processes checks itself: it ends with 0, and leaves nothing running."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from service import REPOSITORY


def test_two_processes_lose_nothing(program: Path) -> None:
    ran = subprocess.run(  # noqa: S603
        [sys.executable, str(REPOSITORY / "scripts" / "demo_cluster.py")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "AIR_BIN": str(program)},
    )
    assert ran.returncode == 0, f"{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
    accounts = re.findall(r"(\d+) of (\d+) messages, (\d+) missed, (\d+) double", ran.stdout)
    assert len(accounts) == 2, ran.stdout
    for had, kept, missed, double in accounts:
        assert (had, missed, double) == (kept, "0", "0")
    pids = {int(pid) for pid in re.findall(r"pid (\d+)", ran.stdout)}
    assert len(pids) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
