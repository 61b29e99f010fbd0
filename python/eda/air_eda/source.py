"""A job as a worker gets it: where its request and its rows are."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .beneath import open_beneath
from .contract import EdaFormat, FieldError
from .data import Data
from .opening import in_memory, mapped_file, mapped_stream, parquet, readable, text_file
from .problem import Failure

MAX_REQUEST_BYTES = 16 << 20
OPTIONS = b"air.request"
ENDINGS: dict[str, EdaFormat] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


@dataclass(frozen=True)
class Job:
    """What the parent hands to a worker."""

    operation: str
    body: str
    media: str
    base_path: str | None
    state_dir: str
    max_rows: int

    @classmethod
    def from_json(cls, text: bytes) -> Job:
        return cls(**json.loads(text))


@dataclass
class Source:
    """Where a request's options and rows come from."""

    job: Job
    table: Any = None
    data_: Data | None = None

    @classmethod
    def of(cls, job: Job) -> Source:
        source = cls(job)
        if job.media == "arrow":
            source.table = mapped_stream(job.body, job.max_rows)
        return source

    def request_text(self) -> str:
        """The request as JSON: the body, or what the schema of the stream carries."""
        if self.table is not None:
            found = (self.table.schema.metadata or {}).get(OPTIONS, b"{}")
            return str(found.decode("utf-8", "replace"))
        if os.stat(self.job.body).st_size > MAX_REQUEST_BYTES:  # noqa: PTH116
            raise Failure("payload_too_large", "A request as JSON is at most 16 MiB.")
        return Path(self.job.body).read_text(encoding="utf-8", errors="replace")

    def open(self, path: str | None, format: EdaFormat | None) -> None:  # noqa: A002
        """Takes the rows that came, or those of the file that the request names."""
        if (path is None) == (self.table is None):
            given = "`path` goes with a body of JSON" if path else "`path` is missing"
            error = FieldError(pointer="/path", code="missing_field", detail=given)
            raise Failure("invalid", "The rows come as Arrow, or from the file of `path`.", [error])
        if path is None:
            self.data_ = in_memory(self.table)
        else:
            self.data_ = self.file(path, format, "/path")

    @property
    def data(self) -> Data:
        if self.data_ is None:
            raise Failure("internal", "The rows were not opened.")
        return self.data_

    def file(self, name: str, format: EdaFormat | None, pointer: str) -> Data:  # noqa: A002
        kind = format or ENDINGS.get(Path(name).suffix.lower())
        if kind is None:
            detail = "Its ending says no format; give `format`."
            error = FieldError(pointer=pointer, code="missing_field", detail=detail)
            raise Failure("invalid", detail, [error])
        base = self.job.base_path
        opened = open_beneath(Path(base) if base else None, name)
        path = f"/proc/self/fd/{opened}"
        most = self.job.max_rows
        try:
            with readable(kind):
                if kind == "parquet":
                    return parquet(path, most)
                if kind == "arrow":
                    return in_memory(mapped_file(path, most))
                return text_file(path, kind, Path(self.job.state_dir), most)
        finally:
            # Whoever reads on has opened or mapped it for itself.
            os.close(opened)
