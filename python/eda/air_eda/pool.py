"""Worker processes, one request at a time in each, and the limits that hold them.

A worker that goes over its memory or time, or dies, is killed and replaced at once; the request it
had ends with what happened. `worker.py` is the other side of the pipe.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .logs import log
from .problem import Failure
from .settings import Settings

MIB = 1 << 20
# How often the memory of a working worker is looked at, in seconds.
WATCH_EVERY = 0.05
# How long a worker may take to be ready.
START_SECONDS = 120.0
# Columns go side by side already: threads of the linear algebra only wait for one another.
OF_WORKERS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
# What a program says when it could not get memory; no other word of a worker is looked at.
NO_MEMORY = (b"memory allocation of", b"Cannot allocate memory", b"MemoryError", b"OutOfMemory")


class Died(Exception):
    """A worker ended without an answer."""


@dataclass
class Worker:
    process: asyncio.subprocess.Process
    # Bytes of memory it had when it was ready, before any request.
    baseline: int = 0
    last_words: bytes = b""
    over_memory: bool = False
    # The most it was seen to hold in its present job, above the baseline.
    most: int = 0
    listening: asyncio.Task[None] | None = None
    # Names this very process, so that no other can be hit when its number is used again.
    handle: int = field(init=False)

    def __post_init__(self) -> None:
        self.handle = os.pidfd_open(self.process.pid)
        weakref.finalize(self, os.close, self.handle)

    @classmethod
    async def start(cls, memory_mb: int) -> Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "air_eda.worker",
            str(memory_mb),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **OF_WORKERS},
            limit=MIB,
        )
        worker = cls(process)
        worker.listening = asyncio.create_task(worker.listen())
        try:
            async with asyncio.timeout(START_SECONDS):
                await worker.line()
        except BaseException:
            # Also when the service ends meanwhile.
            worker.end()
            raise
        worker.baseline = anonymous_memory(process.pid)
        return worker

    async def listen(self) -> None:
        """Keeps the last of what it says to standard error, which may quote values: for no log."""
        stderr = self.process.stderr
        while stderr is not None and (piece := await stderr.read(4096)):
            self.last_words = (self.last_words + piece)[-4096:]

    async def line(self) -> dict[str, Any]:
        stdout = self.process.stdout
        line = await stdout.readline() if stdout is not None else b""
        if not line.endswith(b"\n"):
            raise Died
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise Died from error
        return found

    async def ask(self, job: dict[str, object]) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise Died
        try:
            stdin.write(json.dumps(job).encode() + b"\n")
            await stdin.drain()
            head = await self.line()
            return head, await stdout.readexactly(int(head["bytes"]))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise Died from error

    async def watch(self, memory_mb: int) -> None:
        """Kills it when it holds more than it may. Its own rlimit comes first, mostly."""
        while self.process.returncode is None:
            held = anonymous_memory(self.process.pid) - self.baseline
            self.most = max(self.most, held)
            if held > memory_mb * MIB:
                self.over_memory = True
                self.end()
                return
            await asyncio.sleep(WATCH_EVERY)

    def end(self) -> None:
        """Kills it. `Process.kill` may collect what became of it and so hide that from `wait`."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)

    async def kill(self) -> int:
        self.end()
        code = await self.process.wait()
        if self.listening is not None:
            await self.listening
        return code

    async def out_of_memory(self, memory_mb: int) -> bool:
        """Of one that died: whether it was for memory, its own limit or the machine's."""
        code = await self.kill()
        said = any(words in self.last_words for words in NO_MEMORY)
        by_system = code == -signal.SIGKILL and self.most > memory_mb * MIB // 2
        return self.over_memory or said or by_system


def anonymous_memory(pid: int) -> int:
    """Bytes of memory that are its own, mapped files left out; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


@dataclass
class Pool:
    """As many workers as the settings say, idle ones in a queue."""

    settings: Settings
    idle: asyncio.Queue[Worker] = field(default_factory=asyncio.Queue)
    busy: int = 0
    waiting: int = 0
    replaced: int = 0
    closing: bool = False
    starting: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        for _ in range(self.settings.workers):
            self.add()

    def add(self) -> None:
        task = asyncio.create_task(self.started())
        self.starting.add(task)
        task.add_done_callback(self.starting.discard)

    async def started(self) -> None:
        """Puts a new worker into the queue, however often it takes."""
        while not self.closing:
            try:
                worker = await Worker.start(self.settings.memory_mb)
            except (Died, TimeoutError, OSError):
                log("error", "a worker did not start")
                await asyncio.sleep(1.0)
                continue
            if self.closing:
                await worker.kill()
            else:
                self.idle.put_nowait(worker)
            return

    async def run(self, job: dict[str, object]) -> bytes:
        """The answer as JSON; `Failure` where there is none.

        To wait for a worker and to compute may each take as long as the limit says.
        """
        worker = await self.free_worker(time.monotonic() + self.settings.seconds)
        self.busy += 1
        healthy = False
        worker.most = 0
        watching = asyncio.create_task(worker.watch(self.settings.memory_mb))
        try:
            async with asyncio.timeout(self.settings.seconds):
                head, answer = await worker.ask(job)
            healthy = not head["retire"]
            if head["fault"] is not None:
                log("error", "a computation failed", fault=head["fault"])
            if head["ok"]:
                return answer
            raise Failure.from_json(json.loads(answer))
        except TimeoutError as error:
            limit = f"{self.settings.seconds:g} s"
            raise Failure("timeout", f"It did not end within {limit}; send fewer rows.") from error
        except Died as error:
            raise await self.cause(worker) from error
        finally:
            watching.cancel()
            self.busy -= 1
            self.put_back(worker, healthy=healthy)

    async def cause(self, worker: Worker) -> Failure:
        if await worker.out_of_memory(self.settings.memory_mb):
            limit = f"{self.settings.memory_mb} MiB"
            return Failure("payload_too_large", f"It needs more than {limit} of memory.")
        code = worker.process.returncode
        log("error", "a worker died", code=code)
        if code == -signal.SIGKILL:
            return Failure("unavailable", "The worker was ended from outside; try again.")
        return Failure("internal", "The worker that computed this died; it was replaced.")

    async def free_worker(self, deadline: float) -> Worker:
        if self.idle.empty() and self.waiting >= self.settings.waiting:
            raise Failure("unavailable", "Every worker is busy, and enough requests wait.")
        self.waiting += 1
        try:
            while True:
                async with asyncio.timeout(deadline - time.monotonic()):
                    worker = await self.idle.get()
                if worker.process.returncode is None:
                    return worker
                self.put_back(worker, healthy=False)
        except TimeoutError as error:
            raise Failure("unavailable", "No worker became free in time.") from error
        finally:
            self.waiting -= 1

    def put_back(self, worker: Worker, *, healthy: bool) -> None:
        if healthy and worker.process.returncode is None and not self.closing:
            self.idle.put_nowait(worker)
            return
        worker.end()
        if not self.closing:
            self.replaced += 1
            self.add()

    async def close(self) -> None:
        self.closing = True
        for task in list(self.starting):
            task.cancel()
        await asyncio.gather(*self.starting, return_exceptions=True)
        while not self.idle.empty():
            await self.idle.get_nowait().kill()
