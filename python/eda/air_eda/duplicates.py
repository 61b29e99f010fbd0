"""Rows that are equal to an earlier one.

Rows are first compared by a hash of 64 bits, put together while the columns are read. Different
hashes are different rows; rows with equal hashes, mostly none, are then read again and compared
themselves, so the count is exact. Null equals null, and NaN equals NaN.
"""

from __future__ import annotations

import threading

import numpy as np
import polars as pl

from .coded import Coded
from .contract import EdaFigure
from .data import Data
from .figures import figure

METHOD = "rows equal to an earlier row"


class RowHashes:
    """Takes columns in any order, from several threads."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.names: list[str] = []
        self.sums: pl.Series | None = None
        self.comparable = True
        self.lock = threading.Lock()

    def add(self, name: str, values: pl.Series | Coded) -> None:
        """Columns whose types are not read are not added: they are no part of the comparison."""
        # Another seed for each column, since the order in which they come is no one's choice.
        seed = self.data.names.index(name)
        try:
            if isinstance(values, Coded):
                hashes = values.hashes(seed)
            else:
                hashes = pl.DataFrame({"v": values}).hash_rows(seed=seed)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            self.comparable = False
            return
        with self.lock:
            self.names.append(name)
            self.sums = hashes if self.sums is None else self.sums ^ hashes

    def duplicates(self) -> EdaFigure:
        rows = self.data.rows
        if not self.comparable:
            return figure(None, "rows of these types cannot be compared", rows)
        if self.sums is None or rows < 2:
            return figure(0, METHOD, rows)
        ordered = np.sort(self.sums.to_numpy())
        if not (ordered[1:] == ordered[:-1]).any():
            return figure(0, METHOD, rows)
        again = self.sums.is_duplicated()
        alike = pl.DataFrame([self.data.series(n).filter(again).alias(n) for n in self.names])
        return figure(alike.height - alike.n_unique(), METHOD, rows)
