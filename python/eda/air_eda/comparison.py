"""Tests of one column against its earlier state.

Numbers by Kolmogorov and Smirnov: exactly on the rows of two files; against a profile, by the
largest distance that its quantiles prove, which is never more than the true one. Categories by
chi-square on the listed values and the rest. PSI goes with the bound that chance alone would cross
with probability alpha, (1/n + 1/m)·χ², since a fixed bound is wrong for few rows and for many.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy import stats

from .association import chi_square
from .contract import EdaColumnProfile, EdaFigure, EdaTopValues
from .effects import size
from .figures import figure
from .line import TICKS, Line, Number
from .missing import Evidence

# Cells of a chi-square table should be expected to hold so many.
LEAST_EXPECTED = 5.0
EPOCH = date(1970, 1, 1).toordinal()


def categories(now: EdaColumnProfile, then: EdaColumnProfile, alpha: float) -> Evidence | None:
    """None where one of the two has no values."""
    if now.top_values is None or then.top_values is None:
        return None
    new, old = paired(now.top_values, then.top_values)
    n, m = int(new.sum()), int(old.sum())
    if not n or not m:
        return None
    figures = {"new_share": fresh(now.top_values, then.top_values, n)}
    observed = pooled(np.vstack([new, old]))
    if observed.shape[1] < 2:
        return Evidence("distribution", None, "negligible", n + m, figures)
    chi2 = chi_square(observed)
    p_value = float(stats.chi2.sf(chi2, observed.shape[1] - 1))
    v = math.sqrt(chi2 / (n + m))
    figures["chi_square"] = figure(chi2, "chi-square, rare values together", n + m)
    figures["cramers_v"] = figure(v, "Cramér's V of then and now", n + m)
    figures["p_value"] = figure(p_value, "chi-square", n + m)
    figures |= psi(observed[0], observed[1], alpha)
    return Evidence("distribution", p_value, size("r", v), n + m, figures)


def paired(now: EdaTopValues, then: EdaTopValues) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts of each value that both sides can count, and of the rest.

    A value that one side does not list is none there, if that side lists all; otherwise it may be
    in its rest, so it is counted as rest on both sides.
    """
    new = {repr(i.value): i.count for i in now.items}
    old = {repr(i.value): i.count for i in then.items}
    keys = [k for k in dict.fromkeys([*new, *old]) if known(k, new, now) and known(k, old, then)]
    listed = [[side.get(k, 0) for k in keys] for side in (new, old)]
    totals = (sum(new.values()) + now.others, sum(old.values()) + then.others)
    rest = [total - sum(side) for total, side in zip(totals, listed, strict=True)]
    return (
        np.array([*listed[0], rest[0]], dtype=np.int64),
        np.array([*listed[1], rest[1]], dtype=np.int64),
    )


def known(key: str, side: dict[str, int], values: EdaTopValues) -> bool:
    return key in side or values.others == 0


def fresh(now: EdaTopValues, then: EdaTopValues, n: int) -> EdaFigure:
    """Which share of the values is new; only of the listed ones where not all are."""
    method = "listed values that were not there before"
    if then.others:
        return figure(None, "unknown: the earlier profile does not list all values", n)
    old = {repr(i.value) for i in then.items}
    new = sum(i.count for i in now.items if repr(i.value) not in old)
    return figure((new + now.others) / n, method, n)


def pooled(observed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values too rare for the test are put together."""
    observed = observed[:, observed.sum(axis=0) > 0]
    totals = observed.sum(axis=1, keepdims=True)
    expected = totals * observed.sum(axis=0) / max(int(totals.sum()), 1)
    rare = expected.min(axis=0) < LEAST_EXPECTED
    if rare.sum() < 2:
        return observed
    return np.column_stack([observed[:, ~rare], observed[:, rare].sum(axis=1)])


def psi(new: NDArray[np.int64], old: NDArray[np.int64], alpha: float) -> dict[str, EdaFigure]:
    """The population stability index; half a value is added where a bin is empty."""
    n, m = int(new.sum()), int(old.sum())
    bins = len(new)
    empty = (new == 0) | (old == 0)
    p = np.where(empty, new + 0.5, new) / n
    q = np.where(empty, old + 0.5, old) / m
    value = float(((p - q) * np.log(p / q)).sum())
    bound = (1 / n + 1 / m) * float(stats.chi2.ppf(1 - alpha, max(bins - 1, 1)))
    return {
        "psi": figure(value, f"population stability index over {bins} bins", n + m),
        "psi_threshold": figure(bound, f"what chance crosses with probability {alpha:g}", n + m),
    }


def numbers(
    line: Line, dtype: pl.DataType, now: EdaColumnProfile, then: EdaColumnProfile, alpha: float
) -> Evidence | None:
    """Against the quantiles and the histogram of a profile."""
    if then.quantiles is None or not then.quantiles.n_used:
        return None
    read = [back(dtype, value) for value in then.quantiles.values]
    grid = [value for value in read if value is not None]
    if len(grid) < len(read) or len(grid) < 2 or not is_grid(grid, then.quantiles.probabilities):
        return None
    m = then.quantiles.n_used
    distance = proven(line, grid, then.quantiles.probabilities, m)
    p_value = kolmogorov(distance, line.n, m)
    method = "Kolmogorov-Smirnov, the least that the earlier quantiles allow"
    figures = {
        "ks": figure(distance, method, line.n + m, exact=False),
        "p_value": figure(p_value, method, line.n + m, exact=False),
        **medians(now, then, line.n, m),
        **binned(line, dtype, then, alpha),
    }
    return Evidence("distribution", p_value, size("ks", distance), line.n + m, figures)


def is_grid(grid: list[Number], probabilities: list[float]) -> bool:
    """Whether what a caller kept is still a profile's: both in order, of one length."""
    if len(grid) != len(probabilities):
        return False
    rising = all(a < b for a, b in pairwise(probabilities))
    inside = probabilities[0] >= 0 and probabilities[-1] <= 1
    return rising and inside and all(a <= b for a, b in pairwise(grid))


def medians(now: EdaColumnProfile, then: EdaColumnProfile, n: int, m: int) -> dict[str, EdaFigure]:
    sides = (("median_now", now, n), ("median_before", then, m))
    return {
        key: figure(column.figures["median"].value, "median", used)
        for key, column, used in sides
        if "median" in column.figures
    }


def proven(line: Line, grid: list[Number], probabilities: list[float], m: int) -> float:
    """The largest distance of two distributions, one known at its quantiles alone.

    At a quantile q the earlier share of values up to q lies between two bounds: at least the values
    up to the one below q are, and none beyond the next different quantile.
    """
    ranks = [math.floor(p * (m - 1) + 1e-9) for p in probabilities]
    most = 0.0
    for i, bound in enumerate(grid):
        later = next((j for j in range(i + 1, len(grid)) if grid[j] > bound), None)
        same = later - 1 if later is not None else len(grid) - 1
        least_share = (ranks[same] + 1) / m
        most_share = 1.0 if later is None else min(1.0, (ranks[later] + 1) / m)
        here = line.upto(bound) / line.n
        most = max(most, here - most_share, least_share - here)
        # Just below q: no more than the values before the first that can be q.
        earlier = next((j for j in range(i, -1, -1) if grid[j] < bound), None)
        below = line.below(bound) / line.n
        first = 0.0 if earlier is None else (ranks[earlier] + 1) / m
        first_upper = max(first, (ranks[first_of(grid, i)] + 1) / m) if i else 0.0
        most = max(most, below - first_upper, first - below)
    return most


def first_of(grid: list[Number], i: int) -> int:
    while i > 0 and grid[i - 1] == grid[i]:
        i -= 1
    return i


def kolmogorov(distance: float, n: int, m: int) -> float:
    """Two-sided p value, as scipy's `ks_2samp` has it for large samples."""
    return float(np.clip(stats.kstwo.sf(distance, max(round(n * m / (n + m)), 1)), 0.0, 1.0))


def binned(
    line: Line, dtype: pl.DataType, then: EdaColumnProfile, alpha: float
) -> dict[str, EdaFigure]:
    """PSI over the bins of the earlier histogram, what lies outside in the outermost."""
    if then.histogram is None or len(then.histogram.counts) < 2:
        return {}
    edges = [back(dtype, edge) for edge in then.histogram.edges]
    known_edges = [e for e in edges if e is not None]
    counts = then.histogram.counts
    if len(known_edges) < len(edges) or len(edges) != len(counts) + 1 or not sum(counts):
        return {}
    inner = [line.below(edge) for edge in known_edges[1:-1]]
    bounds = np.array([0, *inner, line.n])
    observed = pooled(np.vstack([np.diff(bounds), np.array(counts)]))
    return psi(observed[0], observed[1], alpha) if observed.shape[1] > 1 else {}


def two_samples(new: pl.Series, old: pl.Series, found: Evidence) -> Evidence:
    """The exact test, on the rows of both, in place of what a profile allows."""
    a, b = finite(new), finite(old)
    n, m = len(a), len(b)
    if not n or not m:
        return found
    ranks = pl.concat([a, b]).rank("dense").to_numpy().astype(np.int64)
    levels = int(ranks.max()) + 1
    shares = [
        np.cumsum(np.bincount(side, minlength=levels)) / len(side)
        for side in (ranks[:n], ranks[n:])
    ]
    distance = float(np.abs(shares[0] - shares[1]).max())
    p_value = kolmogorov(distance, n, m)
    figures = {
        **found.figures,
        "ks": figure(distance, "two-sample Kolmogorov-Smirnov", n + m),
        "p_value": figure(p_value, "two-sample Kolmogorov-Smirnov, asymptotic", n + m),
    }
    return Evidence("distribution", p_value, size("ks", distance), n + m, figures)


def finite(series: pl.Series) -> pl.Series:
    values = series.drop_nulls().rename("v")
    if isinstance(values.dtype, pl.Decimal) or values.dtype.is_temporal():
        values = values.to_physical()
    return values.filter(values.is_finite()) if values.dtype.is_float() else values


def back(dtype: pl.DataType, value: JsonValue) -> Number | None:
    """A number on the line, of how it was shown."""
    try:
        if dtype.is_float():
            return float(str(value))
        if dtype.is_integer():
            return Fraction(str(value))
        if isinstance(dtype, pl.Decimal):
            return Fraction(str(value)) * int(10**dtype.scale)
        return moment_of(dtype, str(value))
    except ValueError:
        return None


def moment_of(dtype: pl.DataType, text: str) -> Number | None:
    if isinstance(dtype, pl.Date):
        return date.fromisoformat(text).toordinal() - EPOCH
    if isinstance(dtype, pl.Duration):
        return round(float(text) * TICKS[dtype.time_unit])
    ticks = (
        TICKS["ns"] if isinstance(dtype, pl.Time) else TICKS.get(getattr(dtype, "time_unit", ""), 0)
    )
    head, _, fraction = text.removesuffix("Z").partition(".")
    if isinstance(dtype, pl.Time):
        clock = time.fromisoformat(head)
        seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    else:
        seconds = int(datetime.fromisoformat(head).replace(tzinfo=UTC).timestamp())
    return seconds * ticks + int(Fraction(f"0.{fraction or 0}") * ticks)
