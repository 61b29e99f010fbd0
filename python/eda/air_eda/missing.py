"""Whether more, or fewer, values are missing than before: nulls, and what is no finite number.

By Cohen's h of the two shares, and chi-square of two by two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .association import chi_square
from .contract import EdaColumnProfile, EdaEffectSize, EdaFigure
from .effects import size
from .figures import figure


@dataclass(frozen=True)
class Evidence:
    """What one test says of a column."""

    name: str
    p_value: float | None
    effect: EdaEffectSize
    n: int
    figures: dict[str, EdaFigure]


# A column, and the rows or values that its share is of.
Side = tuple[EdaColumnProfile, int]


def count(column: EdaColumnProfile, name: str) -> int:
    found = column.figures.get(name)
    return int(str(found.value)) if found is not None and found.value is not None else 0


def nulls(now: Side, then: Side) -> Evidence:
    shares = [(count(column, "nulls"), rows) for column, rows in (now, then)]
    return compared("null", "nulls over rows", "cohens_h", shares)


def not_finite(now: Side, then: Side) -> Evidence | None:
    """None where neither has values that are NaN or infinite."""
    shares = []
    for column, rows in (now, then):
        shares.append((count(column, "nan") + count(column, "infinite"), rows))
    if not any(found for found, _ in shares):
        return None
    values = [rows - count(column, "nulls") for column, rows in (now, then)]
    shares = [(found, n) for (found, _), n in zip(shares, values, strict=True)]
    return compared("not_finite", "NaN and infinities over values", "not_finite_h", shares)


def compared(name: str, method: str, effect: str, shares: list[tuple[int, int]]) -> Evidence:
    """Of how many each, now and before."""
    (a, n), (b, m) = shares
    figures: dict[str, EdaFigure] = {}
    if not n or not m:
        return Evidence(name, None, "negligible", 0, figures)
    p, q = a / n, b / m
    h = 2 * math.asin(math.sqrt(p)) - 2 * math.asin(math.sqrt(q))
    figures[f"{name}_share_now"] = figure(p, method, n)
    figures[f"{name}_share_before"] = figure(q, method, m)
    figures[effect] = figure(h, "Cohen's h of the two shares", n + m)
    p_value = None
    if 0 < a + b < n + m:
        p_value = float(stats.chi2.sf(chi_square(np.array([[a, n - a], [b, m - b]])), 1))
        figures[f"{name}_p"] = figure(p_value, "chi-square", n + m)
    return Evidence(name, p_value, size("d", h), n + m, figures)
