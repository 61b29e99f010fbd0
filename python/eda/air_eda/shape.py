"""Figures of values on a line: moments, quantiles, histogram, most frequent values.

Moments are those of the finite values. Variance is the sample's (n − 1); skewness and kurtosis are
the population's (g1 and g2 of Fisher, Joanes and Gill 1998), kurtosis as the excess over 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from .contract import EdaFigure, EdaHistogram, EdaQuantiles, EdaTopValues, EdaValueCount
from .figures import figure, plain
from .line import Floats, Integers, Line

PERCENTS = range(101)
# Beyond these a square, or a fourth power, may not be a double any more.
LARGE, SMALL = 1e75, 1e-75
# So many values at once, which with what is computed of them stay in a processor's cache.
PIECE = 1 << 14


@dataclass(frozen=True)
class Moments:
    mean: float
    std: float
    skewness: float | None
    kurtosis: float | None


def moments(values: Floats) -> Moments:
    """Of at least one finite value, in order; undefined is None, or NaN for `std` of one."""
    largest = max(abs(float(values[0])), abs(float(values[-1])))
    scale = largest if largest > LARGE or 0.0 < largest < SMALL else 1.0
    scaled = values / scale if scale != 1.0 else values
    mean = float(scaled.mean())
    # The second look at the mean takes away what rounding left of it.
    # What rounding left of the mean: the moments are moved by it.
    rest, s2, s3, s4 = powers(scaled, mean)
    mean += rest
    m2 = max(s2 - rest**2, 0.0)
    m3 = s3 - 3 * rest * s2 + 2 * rest**3
    m4 = s4 - 4 * rest * s3 + 6 * rest**2 * s2 - 3 * rest**4
    n = len(values)
    std = math.sqrt(m2 * n / (n - 1)) * scale if n > 1 else math.nan
    # What is left of equal values after rounding is no spread.
    flat = m2 <= (np.finfo(np.float64).eps * max(abs(mean), 1e-300)) ** 2 or values[0] == values[-1]
    if flat:
        return Moments(mean * scale, 0.0 if n > 1 else math.nan, None, None)
    if m2**2 == 0.0:
        return Moments(mean * scale, std, None, None)
    return Moments(mean * scale, std, m3 / m2**1.5, m4 / m2**2 - 3.0)


def powers(values: Floats, middle: float) -> list[float]:
    """The means of the first four powers of the distances from `middle`."""
    sums = np.zeros(4)
    for start in range(0, len(values), PIECE):
        off = values[start : start + PIECE] - middle
        square = off * off
        sums += (off.sum(), square.sum(), (square * off).sum(), (square * square).sum())
    return [float(s) for s in sums / len(values)]


def centre(line: Line) -> dict[str, EdaFigure]:
    """Mean, spread and form."""
    n, steps = line.n, line.steps
    found = moments(line.offsets)
    finite = "of the finite values"
    mean = line.total / n / steps if line.whole else found.mean
    std = found.std / steps
    figures = {
        "mean": figure(mean, f"arithmetic mean {finite}", n),
        "std": figure(std if n > 1 else None, f"sample standard deviation {finite}", n),
        "skewness": figure(found.skewness, f"g1 {finite}", n),
        "kurtosis": figure(found.kurtosis, f"g2, excess over 3, {finite}", n),
    }
    if n > 1 and mean != 0 and math.isfinite(std / mean):
        figures["variation"] = figure(std / abs(mean), "standard deviation over mean", n)
    return figures


def temporal_centre(line: Line) -> dict[str, EdaFigure]:
    mean = int(line.total) // line.n
    spread = line.at(line.n - 1) - line.at(0)
    return {
        "mean": figure(line.show(mean), "arithmetic mean, cut to the unit", line.n),
        "span_steps": figure(spread, "largest less smallest, in units of the type", line.n),
    }


def deviation(line: Line) -> float:
    """Median of the distances from the median, in steps of the line."""
    offsets = line.offsets
    middle = float(line.quantile(50) - line.pivot)
    # Both ways from the median the distances are in order, so none has to be sorted again.
    split = int(np.searchsorted(offsets, middle))
    below, above = offsets[:split], offsets[split:]
    ends = ((line.n + 1) // 2, line.n // 2 + 1)
    low, high = (nearest(below, above, middle, k) for k in ends)
    return low / 2 + high / 2


def nearest(below: Floats, above: Floats, middle: float, k: int) -> float:
    """The k-th smallest distance from `middle` (from 1) of values in order around it."""
    fewest, most = max(0, k - len(above)), min(k, len(below))
    while fewest < most:
        taken = (fewest + most) // 2
        # The next of below must not be nearer than the last that is taken of above.
        if middle - float(below[-1 - taken]) < float(above[k - taken - 1]) - middle:
            fewest = taken + 1
        else:
            most = taken
    left = middle - float(below[-fewest]) if fewest else -math.inf
    right = float(above[k - fewest - 1]) - middle if k > fewest else -math.inf
    return max(left, right)


def spread(line: Line) -> dict[str, EdaFigure]:
    n, show = line.n, line.show
    figures = {
        "min": figure(show(line.at(0)), "smallest", n),
        "max": figure(show(line.at(n - 1)), "largest", n),
        "median": figure(show(line.quantile(50)), "median", n),
    }
    if line.temporal:
        return figures
    iqr = float((line.quantile(75) - line.quantile(25)) / line.steps)
    figures["iqr"] = figure(iqr, "third less first quartile", n)
    method = "median of the distances from the median"
    figures["mad"] = figure(deviation(line) / line.steps, method, n)
    figures["sum"] = figure(show(line.total), "sum", n)
    below, upto = line.search(0, "left"), line.search(0, "right")
    figures["zeros"] = figure(upto - below, "count of zeros", n)
    figures["negative"] = figure(below, "count of values below zero", n)
    return figures


def quantiles(line: Line) -> EdaQuantiles:
    values = [line.show(line.quantile(p)) for p in PERCENTS]
    return EdaQuantiles(
        probabilities=[p / 100 for p in PERCENTS],
        values=values,
        method="linear interpolation (type 7)",
        exact=True,
        n_used=line.n,
        seed=None,
    )


def edges_of(line: Line, bins: int) -> list[int | float]:
    low, high = line.at(0), line.at(line.n - 1)
    if low == high:
        return [low, high]
    if not line.whole:
        if math.isfinite(high - low):
            return [float(e) for e in np.linspace(low, high, bins + 1)]
        inner = np.linspace(low / 2, high / 2, bins + 1)[1:-1] * 2
        return [low, *(float(e) for e in inner), high]
    first, last = int(low), int(high)
    if last - first < bins:
        return list(range(first, last + 2))
    return [first + (last - first) * i // bins for i in range(bins + 1)]


def histogram(line: Line, bins: int) -> EdaHistogram:
    """Bins of equal width, each with its lower edge, the last with its upper edge too."""
    edges = edges_of(line, bins)
    inner = [line.search(edge, "left") for edge in edges[1:-1]]
    bounds = [0, *inner, line.n]
    counts = [after - before for before, after in pairwise(bounds)]
    return EdaHistogram(
        edges=[line.show(edge) for edge in edges],
        counts=counts,
        method="bins of equal width",
        exact=True,
        n_used=line.n,
        seed=None,
    )


def runs(line: Line) -> tuple[pl.Series | Floats | Integers, Integers]:
    """Each different value in order, and how often it is there."""
    array = line.ordered
    if isinstance(array, pl.Series):
        found = array.rle().struct.unnest()
        return found["value"], found["len"].cast(pl.Int64).to_numpy()
    if not line.n:
        return array, np.empty(0, np.int64)
    changes = array[1:] != array[:-1]
    if changes.all():
        return array, np.ones(line.n, np.int64)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    return array[starts], np.diff(starts, append=line.n)


def most_frequent(counts: Integers, most: int) -> Integers:
    """Places of the largest counts, largest first; equal ones in the order they have."""
    if most == 0 or not len(counts):
        return np.empty(0, np.int64)
    if most < len(counts):
        # Mostly nearly all are 1, and what is equal takes long to part.
        several = counts[counts > 1]
        place = len(several) - most
        least = np.partition(several, place)[place] if place >= 0 else 1
        above = np.flatnonzero(counts > least)
        level = np.flatnonzero(counts == least)[: most - len(above)]
        places = np.concatenate((above, level))
    else:
        places = np.arange(len(counts))
    return places[np.lexsort((places, -counts[places]))]


def top_values(items: list[tuple[object, int]], total: int) -> EdaTopValues:
    """`total` is the number of values that are not null."""
    named = sum(count for _, count in items)
    return EdaTopValues(
        items=[
            EdaValueCount(value=plain(value), count=count, share=count / total)
            for value, count in items
        ],
        others=total - named,
        method="count",
        exact=True,
        n_used=total,
        seed=None,
    )
