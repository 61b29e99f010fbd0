"""A column of text as each different text once, and the place of it for each row.

Parquet files and Arrow dictionaries keep repeated texts so. Counting and hashing then look at each
text once and not at each row, which is most of the work where few texts repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

# A dictionary this large beside the rows saves nothing.
MOST_OF_ROWS = 0.25


@dataclass(frozen=True)
class Coded:
    """`texts` may hold one text twice, and texts of no row. The code of null is −1."""

    texts: pl.Series
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def null_count(self) -> int:
        return int(np.count_nonzero(self.codes < 0))

    def counts(self) -> pl.Series:
        """Rows of each text."""
        found = np.bincount(self.codes + 1, minlength=len(self.texts) + 1)[1:]
        return pl.Series("count", found, dtype=pl.Int64)

    def hashes(self, seed: int) -> pl.Series:
        """Of each row: equal where the texts are, null's own where it is null."""
        each = pl.DataFrame({"v": pl.concat([pl.Series([None], dtype=pl.String), self.texts])})
        found = each.hash_rows(seed=seed).to_numpy()
        return pl.Series(found[self.codes + 1])


def coded(column: Any) -> Coded | None:  # noqa: ANN401 (pyarrow has no types)
    """None where the column keeps no texts apart, or too many for it to be worth it."""
    if not pa.types.is_dictionary(column.type) or not texts_of(column.type.value_type):
        return None
    try:
        one = column.unify_dictionaries()
    except pa.ArrowException:
        return None
    if not one.num_chunks:
        return None
    texts = one.chunk(0).dictionary
    if texts.null_count or len(texts) > MOST_OF_ROWS * len(column):
        return None
    places = pa.chunked_array([chunk.indices for chunk in one.chunks]).cast(pa.int64())
    codes = places.fill_null(-1).to_numpy()
    return Coded(pl.Series("text", texts).cast(pl.String), codes)


def texts_of(dtype: Any) -> bool:  # noqa: ANN401
    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype))
