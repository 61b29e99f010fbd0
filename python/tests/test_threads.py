"""The interpreter's lock is released while the engine works, and Ctrl-C ends a run.

Slow work is a query that a database answers only when it is told to, so that nothing here depends
on how fast the machine is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kinds
import pyarrow as pa
import pytest
from waiting import Waiting

import air

SECONDS = 120
HERE = Path(__file__).resolve().parent


def test_another_thread_goes_on_while_a_run_waits(waiting: Waiting) -> None:
    """The run cannot end before the other Python thread lets it."""
    with ThreadPoolExecutor(1) as pool, waiting.held():
        running = pool.submit(waiting.engine.run, waiting.ir, "pg")
        waiting.until_asked()
        counted = sum(1 for _ in range(10_000))
        assert counted == 10_000
        assert not running.done()
        waiting.release()
        assert running.result(SECONDS).num_rows == 1


def test_two_threads_run_at_once(waiting: Waiting) -> None:
    """One run waits in the database while another of the same engine begins and ends."""
    with ThreadPoolExecutor(2) as pool, waiting.held():
        held = pool.submit(waiting.engine.run, waiting.ir, "pg")
        waiting.until_asked()
        free = pool.submit(waiting.engine.run, kinds.ir("i64"), "kinds")
        assert free.result(SECONDS).num_rows == 3
        assert not held.done()
        waiting.release()
        assert held.result(SECONDS).num_rows == 1


def test_many_threads_and_two_engines_agree(engine: air.Engine, kinds_folder: Path) -> None:
    other = air.Engine(threads=1, max_row_limit=kinds.MANY)
    other.register_files("kinds", kinds_folder, catalog=engine.catalog("kinds"))
    expected = pa.table(engine.run(kinds.many(1_000), "kinds"))
    with ThreadPoolExecutor(8) as pool:
        runs = [
            pool.submit(which.run, kinds.many(1_000), "kinds")
            for _ in range(10)
            for which in (engine, other)
        ]
        assert all(pa.table(run.result(SECONDS)) == expected for run in runs)


def test_engines_hold_their_own_sources(engine: air.Engine) -> None:
    other = air.Engine(threads=1)
    assert engine.sources == {"kinds": "files"}
    assert other.sources == {}
    with pytest.raises(air.SourceError):
        other.run(kinds.ir(), "kinds")


def test_ctrl_c_ends_a_run_and_leaves_the_engine_in_use(waiting: Waiting) -> None:
    """A process of its own waits for a lock of the database, is interrupted, and runs again."""
    command = [sys.executable, str(HERE / "interrupted.py")]
    named = {"DSN": waiting.dsn, "FOLDER": str(waiting.folder), "CATALOG": waiting.catalog}
    with waiting.held():
        child = subprocess.Popen(
            command,
            env={**os.environ, **named, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            waiting.until_asked()
            child.send_signal(signal.SIGINT)
            # The lock is still held: only the interrupt can end the run.
            out, err = child.communicate(timeout=SECONDS)
        finally:
            child.kill()
        assert child.returncode == 0, err
        assert out.splitlines() == ["KeyboardInterrupt", "3 rows"], (out, err)
        waiting.until_nobody_asks()


def test_a_forked_child_is_told(engine: air.Engine) -> None:
    """Threads do not come along in a fork: the child gets an error and does not hang."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = b"no error"
        try:
            engine.run(kinds.ir(), "kinds")
        except air.UsageError as error:
            said = error.code.encode()
        finally:
            os.write(writing, said)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"unavailable"
    os.waitpid(child, 0)
    assert engine.run(kinds.ir(), "kinds").num_rows == 3


def test_a_thread_that_was_started_before_its_engine(engine: air.Engine) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(engine.run(kinds.ir(), "kinds"))))
    thread.start()
    thread.join(SECONDS)
    assert found == [3]
