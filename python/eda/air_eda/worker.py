"""A worker process: reads jobs from standard input, one JSON line each, and answers on standard
output with a line that says how many bytes follow.

What it may allocate is bounded from the moment it is ready, by the kernel; a job that wants more
ends it. It opens what the parent names, and files below the base path.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import polars as pl
import pyarrow as pa
import pydantic
from pydantic import BaseModel

from . import correlations, drift, infer, outliers, profile, trends, validate
from .contract import (
    EdaCorrelationsRequest,
    EdaDriftRequest,
    EdaInferRequest,
    EdaOutliersRequest,
    EdaProfileRequest,
    EdaTrendsRequest,
    EdaValidateRequest,
    FieldError,
    FieldErrorCode,
)
from .problem import Failure
from .source import Job, Source

MIB = 1 << 20
PR_SET_PDEATHSIG = 1
THREAD_STACK = 2 * MIB
LARGE = Failure("payload_too_large", "It needs more memory than a request may use.")
# What Python says when there is no memory for the stack of a thread.
NO_THREAD = "can't start new thread"
# Of what pydantic calls its errors; the rest are bad values.
CODES: dict[str, FieldErrorCode] = {"extra_forbidden": "unknown_field", "missing": "missing_field"}


def answer(job: Job) -> BaseModel:
    """The operation's answer to a request that was checked."""
    source = Source.of(job)
    compute = OPERATIONS.get(job.operation)
    if compute is None:
        raise Failure("not_found", "There is no such operation.")
    return compute(source)


T = TypeVar(
    "T",
    EdaInferRequest,
    EdaProfileRequest,
    EdaCorrelationsRequest,
    EdaOutliersRequest,
    EdaTrendsRequest,
    EdaDriftRequest,
    EdaValidateRequest,
)


def operation(
    model: type[T], compute: Callable[[Source, T], BaseModel]
) -> Callable[[Source], BaseModel]:
    return lambda source: compute(source, read(model, source))


OPERATIONS = {
    "infer": operation(EdaInferRequest, infer.infer),
    "profile": operation(EdaProfileRequest, profile.profile),
    "correlations": operation(EdaCorrelationsRequest, correlations.correlations),
    "outliers": operation(EdaOutliersRequest, outliers.outliers),
    "trends": operation(EdaTrendsRequest, trends.trends),
    "drift": operation(EdaDriftRequest, drift.drift),
    "validate": operation(EdaValidateRequest, validate.validate),
}


def read(model: type[T], source: Source) -> T:
    try:
        request = model.model_validate_json(source.request_text())
    except pydantic.ValidationError as error:
        raise misfit(error) from error
    source.open(request.path, request.format)
    return request


def misfit(error: pydantic.ValidationError) -> Failure:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if any(e["type"] == "json_invalid" for e in found):
        return Failure("bad_request", "The request is no JSON.")
    errors = [
        FieldError(
            pointer="".join(f"/{part}" for part in e["loc"]),
            code=CODES.get(e["type"], "bad_type" if e["type"].endswith("_type") else "bad_value"),
            detail=e["msg"],
        )
        for e in found
    ]
    return Failure("invalid", f"{len(errors)} thing(s) in the request do not fit.", errors)


@dataclass(frozen=True)
class Attempt:
    """What became of a job. A fault says where it was, and no value of the data."""

    body: bytes
    ok: bool = False
    fault: str | None = None
    spent: bool = False


def attempt(text: bytes) -> Attempt:
    try:
        found = answer(Job.from_json(text)).model_dump_json(exclude_unset=True)
        return Attempt(found.encode(), ok=True)
    except Failure as failure:
        return Attempt(told(failure))
    except MemoryError:
        return Attempt(told(LARGE), spent=True)
    except (Exception, pl.exceptions.PanicException) as error:
        if str(error) == NO_THREAD:
            return Attempt(told(LARGE), spent=True)
        failed = Failure("internal", "The computation failed; the log says where.")
        return Attempt(told(failed), fault=place_of(error), spent=True)


def told(failure: Failure) -> bytes:
    return json.dumps(failure.to_json()).encode()


def place_of(error: BaseException) -> str:
    """The kind of error and the line of this package that it came from."""
    here = [f for f in traceback.extract_tb(error.__traceback__) if __package__ in f.filename]
    last = here[-1] if here else None
    where = f" in {Path(last.filename).name}:{last.lineno}" if last is not None else ""
    return type(error).__name__ + where


def private_memory() -> int:
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
        return next(int(line.split()[1]) for line in file if line.startswith("VmData:")) * 1024


def warm_up() -> None:
    """Starts the threads and loads what every job needs, so that no limit counts it."""
    threading.stack_size(THREAD_STACK)
    table = pa.table({"n": [1.5, 2.5], "t": ["a", "b"]})
    with tempfile.TemporaryFile() as file:
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        file.flush()
        job = Job("profile", f"/proc/self/fd/{file.fileno()}", "arrow", None, "", len(table))
        answer(job)


def serve(jobs: IO[bytes], answers: IO[bytes], memory_mb: int) -> None:
    warm_up()
    start = private_memory()
    most = start + memory_mb * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers.write(b'{"ready":true}\n')
    answers.flush()
    for line in jobs:
        found = attempt(line)
        gc.collect()
        # What one job leaves is not the next one's to miss: a worker that kept much makes room.
        retire = private_memory() - start > memory_mb * MIB // 2
        head = {
            "ok": found.ok,
            "bytes": len(found.body),
            "retire": retire or found.spent,
            "fault": found.fault,
        }
        answers.write(json.dumps(head).encode() + b"\n" + found.body)
        answers.flush()


def main() -> None:
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, answers, int(sys.argv[1]))


if __name__ == "__main__":
    main()
