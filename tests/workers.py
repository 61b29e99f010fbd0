"""Workers of the program under test: started on free ports, watched, and killed.

In: the path of the program and a folder for each worker. Out: processes of `air worker`, each with
its address and the processor time it takes. This file alone knows the worker's arguments.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from service import START_SECONDS, STOP_SECONDS, first_line, write_config

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105
WORKING = re.compile(r"^working at (https?://[^\s]+)\s*$")
WAIT_SECONDS = 120
# One look at a process's time takes so long.
WINDOW_SECONDS = 0.25


def until(seen: Callable[[], bool], what: str) -> float:
    """Asks again and again; how long it took, or an error where it is not seen in time."""
    begin = time.monotonic()
    while not seen():
        assert time.monotonic() - begin < WAIT_SECONDS, f"not seen in {WAIT_SECONDS} s: {what}"
    return time.monotonic() - begin


def command(program: Path, data: Path, bind: str) -> list[str]:
    return [str(program), "worker", "--data", str(data), "--bind", bind]


class Worker:
    """One running worker."""

    def __init__(self, program: Path, data: Path, config: dict[str, Any], bind: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        write_config(data, config)
        errors = data / "stderr.log"
        with errors.open("wb") as log:
            self.child = subprocess.Popen(  # noqa: S603
                command(program, data, bind), stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            self.url = first_line(self.child, errors, WORKING)
        except AssertionError:
            self.kill()
            raise

    def ticks(self) -> int:
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:13])

    def works(self) -> bool:
        """Whether it takes a good part of a processor now."""
        begin = self.ticks()
        time.sleep(WINDOW_SECONDS)
        taken = (self.ticks() - begin) / os.sysconf("SC_CLK_TCK")
        return taken > WINDOW_SECONDS / 8

    def kill(self) -> None:
        """SIGKILL: nothing can be told any more."""
        self.child.kill()
        self.child.wait(STOP_SECONDS)

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait(STOP_SECONDS)


def worker_config(base: Path, **more: Any) -> dict[str, Any]:
    """A worker over the files below a folder."""
    execution = {"threads": 2, "worker": {"token": TOKEN, **more.pop("worker", {})}}
    return {"files": {"base_path": str(base)}, "execution": execution, **more}


@contextlib.contextmanager
def workers(
    program: Path, folder: Path, config: dict[str, Any], count: int = 2, host: str = "127.0.0.1"
) -> Iterator[list[Worker]]:
    """So many workers; what is left of them is stopped at the end."""
    started: list[Worker] = []
    try:
        for number in range(count):
            data = folder / f"worker-{number}"
            started.append(Worker(program, data, config, f"{host}:0"))
        yield started
    finally:
        for worker in started:
            if worker.child.poll() is None:
                worker.stop()


def distributed(found: list[str], **more: Any) -> dict[str, Any]:
    """The part of a server's `execution` that names workers; every file is worth two."""
    worker = {"token": TOKEN, **more.pop("worker", {})}
    return {
        "engine": "distributed",
        "workers": found,
        "bytes_per_part": 1,
        "threads": 2,
        "worker": worker,
        **more,
    }


def checked(program: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """What `air check` says of the configuration in `data`."""
    line = [str(program), "check", "--data", str(data), "--auth", "disabled"]
    return subprocess.run(  # noqa: S603
        line, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )


def openssl(folder: Path, options: str, *more: str) -> None:
    program = shutil.which("openssl")
    assert program, "openssl must be installed"
    subprocess.run(  # noqa: S603
        [program, *options.split(), *more],
        check=True, capture_output=True, timeout=START_SECONDS, cwd=folder,
    )  # fmt: skip


def certificates(folder: Path) -> dict[str, str]:
    """An authority of its own, and a certificate for `localhost` that it signed."""
    folder.mkdir(parents=True)
    new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl(folder, f"{new} -x509 -keyout ca.key -out ca.pem", "-subj", "/CN=an authority")
    openssl(
        folder,
        f"{new} -x509 -CA ca.pem -CAkey ca.key -keyout key.pem -out cert.pem -subj /CN=localhost",
        *("-addext", "subjectAltName=DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    return {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}
