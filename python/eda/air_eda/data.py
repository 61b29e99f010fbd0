"""The rows of a request, column by column.

In: an Arrow IPC stream, mapped rather than read, or a Parquet, CSV, JSON lines or Arrow file. Out:
columns, one at a time, so that memory holds those in use and not the whole. Text of CSV files is
read as the type that every value fits (`reading.py`). Too many rows or columns are refused before
anything is computed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .beneath import open_beneath
from .contract import EdaFormat, EdaType, FieldError
from .problem import Failure
from .reading import from_text

MAX_COLUMNS = 10_000
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
class Data:
    """Rows by column. `fetch` gives a column as Arrow has it; each call may read it again."""

    rows: int
    schema: Any
    fetch: Callable[[str], Any]
    # Whether text may hold other types, as that of CSV files may.
    texts: bool = False
    kept: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.schema.names)

    def raw(self, name: str) -> pl.Series:
        """A column with the type it was sent in."""
        column = self.fetch(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if getattr(column.type, "unit", None) == "s" and not fits_milliseconds(column):
            raise Unreadable(f"{column.type} with values beyond 292 million years")
        try:
            return pl.Series(name, column)
        except (pl.exceptions.PolarsError, TypeError, ValueError, NotImplementedError) as error:
            raise Unreadable(str(column.type)) from error

    def series(self, name: str) -> pl.Series:
        """A column with the type its values have."""
        if not self.texts:
            return self.raw(name)
        return from_text(self.raw(name))

    def chosen(self, columns: list[str] | None) -> list[str]:
        """The columns asked for, all if none were; unknown ones are an error each."""
        known = set(self.names)
        errors = [
            FieldError(pointer=f"/columns/{i}", code="unknown_column", detail="No such column.")
            for i, name in enumerate(columns or [])
            if name not in known
        ]
        if errors:
            raise Failure("invalid", f"{len(errors)} of the columns do not exist.", errors)
        return columns or self.names

    def one(self, name: str, pointer: str) -> pl.Series:
        if name not in self.names:
            error = FieldError(pointer=pointer, code="unknown_column", detail="No such column.")
            raise Failure("invalid", "The column does not exist.", [error])
        try:
            return self.series(name)
        except Unreadable as unreadable:
            error = FieldError(pointer=pointer, code="unreadable_column", detail="Its type.")
            raise Failure("invalid", f"Columns of type {unreadable} are not read.") from unreadable


def fits_milliseconds(column: Any) -> bool:  # noqa: ANN401 (pyarrow has no types)
    """Seconds become milliseconds, which would wrap around in silence."""
    if not (pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type)):
        return True
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    most = ((1 << 63) - 1) // 1000
    return all(end is None or -most <= end <= most for end in ends.values())


class Unreadable(Exception):
    """The type of a column that nothing here reads."""


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
        # The descriptor stays open for the job: columns are read through it.
        path = f"/proc/self/fd/{opened}"
        most = self.job.max_rows
        try:
            if kind == "parquet":
                return parquet(path, most)
            if kind == "arrow":
                return in_memory(mapped_file(path, most))
            return text_file(path, kind, Path(self.job.state_dir), most)
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            raise Failure("source_error", f"The file cannot be read as {kind}.") from error


def bounded(rows: int, columns: int, max_rows: int) -> None:
    if rows > max_rows:
        raise Failure("payload_too_large", f"At most {max_rows} rows are taken.")
    if columns > MAX_COLUMNS:
        raise Failure("payload_too_large", f"At most {MAX_COLUMNS} columns are taken.")


def checked(table: Any) -> Any:  # noqa: ANN401 (pyarrow has no types)
    names = table.schema.names
    if len(set(names)) < len(names):
        raise Failure("invalid", "Two columns have one name.")
    return table


def mapped_stream(path: str, max_rows: int) -> Any:  # noqa: ANN401
    """A table whose buffers are the mapped file, batch by batch, until there are too many rows."""
    try:
        reader = pa.ipc.open_stream(pa.memory_map(path))
        bounded(0, len(reader.schema.names), max_rows)
        batches, rows = [], 0
        for batch in reader:
            rows += batch.num_rows
            bounded(rows, 0, max_rows)
            batch.validate(full=True)
            batches.append(batch)
        return checked(pa.Table.from_batches(batches, reader.schema))
    except (pa.ArrowException, OSError) as error:
        raise Failure("bad_request", "The body is no Arrow IPC stream.") from error


def mapped_file(path: str, max_rows: int) -> Any:  # noqa: ANN401
    file = pa.memory_map(path)
    try:
        reader = pa.ipc.open_file(file)
    except pa.ArrowInvalid:
        return mapped_stream(path, max_rows)
    table = reader.read_all()
    bounded(table.num_rows, table.num_columns, max_rows)
    table.validate(full=True)
    return checked(table)


def in_memory(table: Any, *, texts: bool = False) -> Data:  # noqa: ANN401
    return Data(table.num_rows, table.schema, table.column, texts)


def parquet(path: str, max_rows: int) -> Data:
    file = pq.ParquetFile(path, memory_map=True)
    schema = file.schema_arrow
    bounded(file.metadata.num_rows, len(schema.names), max_rows)
    checked(schema.empty_table())
    return Data(file.metadata.num_rows, schema, lambda name: file.read(columns=[name]).column(name))


def text_file(path: str, kind: EdaFormat, folder: Path, max_rows: int) -> Data:
    """CSV or JSON lines as Arrow in a file without a name, which is mapped."""
    if kind == "csv":
        frame = pl.scan_csv(path, infer_schema=False)
    else:
        frame = pl.scan_ndjson(path, infer_schema_length=None)
    bounded(0, len(frame.collect_schema()), max_rows)
    made = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    here = f"/proc/self/fd/{made}"
    with os.fdopen(os.dup(made), "wb") as out:
        frame.sink_ipc(out, compression="uncompressed")
    table = mapped_file(here, max_rows)
    return in_memory(table, texts=kind == "csv")


def type_of(dtype: pl.DataType) -> EdaType:
    """The contract's name of a type of polars."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    if dtype.is_decimal():
        return "decimal"
    names: dict[type[pl.DataType], EdaType] = {
        pl.Boolean: "boolean",
        pl.String: "text",
        pl.Categorical: "text",
        pl.Enum: "text",
        pl.Date: "date",
        pl.Datetime: "timestamp",
        pl.Time: "time",
        pl.Duration: "duration",
        pl.Binary: "binary",
        pl.List: "list",
        pl.Array: "list",
        pl.Struct: "struct",
        pl.Null: "null",
    }
    return names.get(dtype.base_type(), "other")
