"""Rows go to other libraries without a copy: they read the memory that the engine wrote.

The engine tells the address of every buffer of its rows, and each library the addresses of what it
holds. Where a library keeps values in another form than Arrow's, it copies, and that is shown too.
"""

from __future__ import annotations

import gc
from typing import Any

import duckdb
import kinds
import pandas as pd
import polars as pl
import pyarrow as pa

import air

TEXT = "the text of row number {}"


def addresses(result: air.Result, column: str) -> set[int]:
    """Where the engine's rows lie."""
    return {address for name, address, size in result._rows.buffers() if name == column and size}


def arrow_addresses(column: Any) -> set[int]:
    """Where pyarrow's lie."""
    return {b.address for chunk in column.chunks for b in chunk.buffers() if b is not None}


def test_pyarrow_reads_the_engines_memory(engine: air.Engine) -> None:
    result = engine.run(kinds.many(), "kinds")
    before = pa.total_allocated_bytes()
    table = pa.table(result)
    assert table.num_rows == kinds.MANY
    assert pa.total_allocated_bytes() == before
    for name in ("n", "half", "word"):
        assert arrow_addresses(table[name]) == addresses(result, name), name


def test_nulls_are_not_copied_either(engine: air.Engine) -> None:
    result = engine.run(kinds.ir("i64", "flag", "money", "instant", "word"), "kinds")
    table = pa.table(result)
    for name in table.column_names:
        held = arrow_addresses(table[name])
        assert held, name
        assert held == addresses(result, name), name


def test_polars_reads_the_engines_memory(engine: air.Engine) -> None:
    """Polars tells no addresses, so its frame goes on to pyarrow by the same interface: rows that
    had been copied on either way would lie elsewhere."""
    result = engine.run(kinds.many(), "kinds")
    back = pa.table(pl.DataFrame(result))
    for name in ("n", "half", "word"):
        assert arrow_addresses(back[name]) == addresses(result, name), name


def test_pandas_reads_the_engines_memory_where_it_keeps_arrow(engine: air.Engine) -> None:
    result = engine.run(kinds.many(), "kinds")
    frame = pa.table(result).to_pandas(types_mapper=pd.ArrowDtype)
    for name in ("n", "half", "word"):
        held = frame[name].array._pa_array
        assert arrow_addresses(held) == addresses(result, name), name


def test_pandas_reads_numbers_in_place_as_numpy_too(engine: air.Engine) -> None:
    result = engine.run(kinds.many(), "kinds")
    numbers = pa.table(result)["n"].chunk(0).to_numpy(zero_copy_only=True)
    assert numbers.__array_interface__["data"][0] in addresses(result, "n")


def test_pandas_copies_what_it_keeps_as_numpy(engine: air.Engine) -> None:
    result = engine.run(kinds.many(), "kinds")
    frame = pd.DataFrame.from_arrow(result)
    place = frame["n"].to_numpy().__array_interface__["data"][0]
    assert place not in addresses(result, "n")
    assert frame["n"].sum() == kinds.MANY * (kinds.MANY - 1) // 2


def test_duckdb_reads_the_rows_by_the_same_interface(engine: air.Engine) -> None:
    """Addresses are not to be seen in DuckDB; Arrow gives no memory for rows on the way."""
    taken = pa.table(engine.run(kinds.many(), "kinds"))
    before = pa.total_allocated_bytes()
    assert taken.num_rows == kinds.MANY
    found = duckdb.sql("select count(*), sum(n), max(word) from taken").fetchone()
    assert found == (kinds.MANY, kinds.MANY * (kinds.MANY - 1) // 2, TEXT.format(99_999))
    assert pa.total_allocated_bytes() - before < taken["n"].nbytes / 100


def test_the_memory_outlives_result_and_engine(kinds_folder: Any) -> None:
    engine = air.Engine(threads=1, max_row_limit=kinds.MANY)
    engine.register_files("kinds", kinds_folder)
    engine.learn("kinds")
    result = engine.run(kinds.many(), "kinds")
    table, frame = pa.table(result), pl.DataFrame(result)
    del result, engine
    gc.collect()
    assert table["word"][kinds.MANY - 1].as_py() == TEXT.format(kinds.MANY - 1)
    assert frame["n"].sum() == kinds.MANY * (kinds.MANY - 1) // 2


def test_a_result_is_taken_several_times(engine: air.Engine) -> None:
    result = engine.run(kinds.many(10), "kinds")
    assert pa.table(result) == pa.table(result)
    capsule = result.__arrow_c_stream__()
    assert 'capsule object "arrow_array_stream"' in repr(capsule)
    assert 'capsule object "arrow_schema"' in repr(result.__arrow_c_schema__())
