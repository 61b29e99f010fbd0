"""Rows by column.

One column is in memory at a time, so that memory holds those in use and not the whole. Text of CSV
files is read as the type that every value fits (`reading.py`). `opening.py` gives the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from .coded import Coded, coded
from .contract import EdaType, FieldError
from .problem import Failure
from .reading import from_text

# What polars says of a type that it does not take. Where it has no words it panics, which is no
# `Exception`, and would end every other column with this one.
UNREAD = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    pa.ArrowException,
    TypeError,
    ValueError,
    NotImplementedError,
)
# Digits of the widest decimal of polars.
MOST_DIGITS = 38


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
        return self.read(name, self.fetch(name))

    def read(self, name: str, column: Any) -> pl.Series:  # noqa: ANN401
        column = narrow(spelled_out(column))
        if getattr(column.type, "unit", None) == "s" and not fits_milliseconds(column):
            raise Unreadable(f"{column.type} with values beyond 292 million years")
        try:
            return pl.Series(name, column)
        except UNREAD as error:
            raise Unreadable(str(column.type)) from error

    def values(self, name: str) -> pl.Series | Coded:
        """As `series`, but text whose different texts are kept apart from the rows as it is."""
        if self.texts:
            return self.series(name)
        column = self.fetch(name)
        return coded(column) or self.read(name, column)

    def series(self, name: str) -> pl.Series:
        """A column with the type its values have."""
        if not self.texts:
            return self.raw(name)
        return from_text(self.raw(name))

    def chosen(self, columns: list[str] | None) -> list[str]:
        """The columns asked for, all if none were; unknown and repeated ones are an error each."""
        known, errors = set(self.names), []
        before: set[str] = set()
        for i, name in enumerate(columns or []):
            at = f"/columns/{i}"
            if name not in known:
                detail = "No such column."
                errors.append(FieldError(pointer=at, code="unknown_column", detail=detail))
            elif name in before:
                detail = "It is named before; name each column once."
                errors.append(FieldError(pointer=at, code="duplicate_name", detail=detail))
            before.add(name)
        if errors:
            told = f"{len(errors)} of the columns do not exist, or are named twice."
            raise Failure("invalid", told, errors)
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


def spelled_out(column: Any) -> Any:  # noqa: ANN401 (pyarrow has no types)
    """A dictionary's values in their places; `cast` does this for few types."""
    if not pa.types.is_dictionary(column.type):
        return column
    try:
        pieces = [piece.dictionary.take(piece.indices) for piece in column.chunks]
    except pa.ArrowException as error:
        raise Unreadable(str(column.type)) from error
    return pa.chunked_array(pieces, column.type.value_type)


def narrow(column: Any) -> Any:  # noqa: ANN401
    """A decimal of 256 bits as one of 128, where every value fits."""
    if not pa.types.is_decimal256(column.type):
        return column
    try:
        return column.cast(pa.decimal128(MOST_DIGITS, column.type.scale))
    except pa.ArrowException as error:
        raise Unreadable(str(column.type)) from error


def fits_milliseconds(column: Any) -> bool:  # noqa: ANN401 (pyarrow has no types)
    """Seconds become milliseconds, which would wrap around in silence."""
    if not (pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type)):
        return True
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    most = ((1 << 63) - 1) // 1000
    return all(end is None or -most <= end <= most for end in ends.values())


class Unreadable(Exception):
    """The type of a column that nothing here reads."""


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
