"""Figures as the contract has them: a value that JSON holds exactly, and how it was found."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from pydantic import JsonValue

from .contract import EdaFigure, EdaSampling

# Beyond it not every whole number is a double, and so not every JSON reader has it.
EXACT = 1 << 53


def plain(value: object) -> JsonValue:
    """A value of a column as JSON; what JSON has no exact form for is text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        whole = int(value)
        return whole if -EXACT <= whole <= EXACT else str(whole)
    if isinstance(value, float | np.floating):
        return number(float(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return text_of(value)


def text_of(value: object) -> JsonValue:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def number(value: float) -> JsonValue:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def instant(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def figure(
    value: object, method: str, n_used: int, *, exact: bool = True, seed: int | None = None
) -> EdaFigure:
    return EdaFigure(value=plain(value), method=method, exact=exact, n_used=n_used, seed=seed)


def sampling(rows: int, most: int, seed: int) -> EdaSampling:
    """How many rows are looked at, and how they are chosen."""
    if rows <= most:
        return EdaSampling(
            rows_total=rows, rows_used=rows, sampled=False, method="all rows", seed=None
        )
    method = "a simple random sample without replacement, drawn by PCG64"
    return EdaSampling(rows_total=rows, rows_used=most, sampled=True, method=method, seed=seed)


def sampled_rows(chosen: EdaSampling) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """The rows of the sample in their order; none where all are looked at."""
    if not chosen.sampled:
        return None
    generator = np.random.Generator(np.random.PCG64(chosen.seed))
    drawn = generator.choice(chosen.rows_total, chosen.rows_used, replace=False, shuffle=False)
    return np.sort(drawn).astype(np.int64)
