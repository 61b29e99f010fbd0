"""Rows that are equal to an earlier one.

Rows are first compared by a hash of 64 bits. Different hashes are different rows; rows with equal
hashes, mostly few, are then compared themselves, so the count is exact.
"""

from __future__ import annotations

import polars as pl

from .contract import EdaFigure
from .data import Data, Unreadable
from .figures import figure

METHOD = "rows equal to an earlier row"


def duplicate_rows(data: Data, names: list[str]) -> EdaFigure:
    """Null equals null, and NaN equals NaN. Columns of types that are not read are left out."""
    columns = []
    for name in names:
        try:
            columns.append(data.raw(name))
        except Unreadable:
            continue
    if not columns or data.rows < 2:
        return figure(0, METHOD, data.rows)
    frame = pl.DataFrame(columns)
    try:
        hashes = frame.hash_rows()
        again = hashes.is_duplicated()
        if not again.any():
            return figure(0, METHOD, data.rows)
        alike = frame.filter(again)
        return figure(alike.height - alike.n_unique(), METHOD, data.rows)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return figure(None, "rows of these types cannot be compared", data.rows)
