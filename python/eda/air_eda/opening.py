"""Where rows come from: an Arrow IPC stream, mapped rather than read, or a file.

Too many rows or columns are refused before anything is computed. What text files hold becomes Arrow
in a file without a name, which is mapped too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from .contract import EdaFormat
from .data import Data
from .problem import Failure

MAX_COLUMNS = 10_000
# Bytes of a dictionary of a row group in Parquet. Larger ones may be cut off in the middle.
SMALL_DICTIONARY = 1 << 18


@contextmanager
def readable(kind: EdaFormat) -> Iterator[None]:
    """Turns what the readers raise into what the caller is told, but for want of memory."""
    try:
        yield
    except MemoryError:
        raise
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
    except MemoryError:
        raise
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
    file = pq.ParquetFile(path, memory_map=True, read_dictionary=few_texts(file))

    def fetch(name: str) -> Any:  # noqa: ANN401 (pyarrow has no types)
        with readable("parquet"):
            return file.read(columns=[name]).column(name)

    return Data(file.metadata.num_rows, schema, fetch)


def few_texts(file: Any) -> list[str]:  # noqa: ANN401
    """Columns of text that the file keeps as a small dictionary: they are read as they are kept."""
    texts = {
        field.name for field in file.schema_arrow if field.type in (pa.string(), pa.large_string())
    }
    if not texts or not file.metadata.num_row_groups:
        return []
    group = file.metadata.row_group(0)
    chunks = (group.column(i) for i in range(group.num_columns))
    return [c.path_in_schema for c in chunks if c.path_in_schema in texts and small(c)]


def small(chunk: Any) -> bool:  # noqa: ANN401
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else None
    return start is not None and 0 < chunk.data_page_offset - start <= SMALL_DICTIONARY


def text_file(path: str, kind: EdaFormat, folder: Path, max_rows: int) -> Data:
    """CSV or JSON lines as Arrow in a file without a name, which is mapped."""
    if kind == "csv":
        frame = pl.scan_csv(path, infer_schema=False)
    else:
        frame = pl.scan_ndjson(path, infer_schema_length=None)
    bounded(0, len(frame.collect_schema()), max_rows)
    made = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with os.fdopen(made, "wb") as out:
        frame.sink_ipc(out, compression="uncompressed")
        out.flush()
        table = mapped_file(f"/proc/self/fd/{made}", max_rows)
    return in_memory(table, texts=kind == "csv")
