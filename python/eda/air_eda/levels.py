"""Where the level of a series changes: optimal partitioning (Jackson et al. 2005).

The partition into pieces of one mean each that has the least squared error plus a penalty for each
change, found exactly. The penalty is 3σ²·log n, where σ² is the long-run variance: it grows when
neighbours hang together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .line import Floats
from .shape import LARGE, SMALL

# A piece has so many values at least.
LEAST = 5
PENALTY = 3.0
NORMAL_MAD = 1.4826
# An autocorrelation beyond this is taken for this.
MOST_TOGETHER = 0.95
# Of the curves that levels must be better than.
DEGREES = (1, 2, 3)


@dataclass(frozen=True)
class Change:
    # The first value of the new level.
    at: int
    before: float
    after: float
    # Cohen's d of the two levels.
    d: float
    p_value: float | None


def changes(values: Floats) -> list[Change]:
    """Of a series without gaps; empty where a smooth curve says it better, or nothing changes."""
    n = len(values)
    # Beyond these the square of a double may be none.
    largest = float(np.abs(values).max())
    scale = largest if largest > LARGE or 0.0 < largest < SMALL else 1.0
    values = values / scale
    variance = noise(values)
    if n < 4 * LEAST or (variance == 0.0 and values.min() == values.max()):
        return []
    floor = float(np.var(values)) * 1e-6
    starts = partition(values, PENALTY * max(variance, floor) * math.log(n))
    if not starts or curve_is_better(values, starts):
        return []
    bounds = [0, *starts, n]
    return [
        change(values[bounds[i - 1] : at], values[at : bounds[i + 1]], at, scale)
        for i, at in enumerate(starts, start=1)
    ]


def noise(values: Floats) -> float:
    """The long-run variance of what is around the levels, as of a process of first order.

    Differences to the next value are small where neighbours hang together, differences over
    several values are not: from the two follow variance and autocorrelation.
    """
    near, far = of_differences(values, 1), of_differences(values, LEAST)
    if far <= near:
        return near
    together = min(1.0 - near / far, MOST_TOGETHER)
    return far * (1 + together) / (1 - together)


def of_differences(values: Floats, lag: int) -> float:
    """A variance that a few changes of level hardly touch."""
    steps = values[lag:] - values[:-lag]
    if len(steps) < 3:
        return 0.0
    middle = np.median(steps)
    return float((NORMAL_MAD * np.median(np.abs(steps - middle))) ** 2 / 2)


def partition(values: Floats, penalty: float, least: int = LEAST) -> list[int]:
    """Where pieces start, the first left out: the least of error and penalties."""
    n = len(values)
    off = values - values.mean()
    sums = np.concatenate(([0.0], np.cumsum(off)))
    squares = np.concatenate(([0.0], np.cumsum(off * off)))
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(n + 1, dtype=np.int64)
    for end in range(least, n + 1):
        start = np.arange(0, end - least + 1)
        total = sums[end] - sums[start]
        cost = squares[end] - squares[start] - total * total / (end - start)
        whole = best[start] + cost + penalty
        choice = int(np.argmin(whole))
        best[end], previous[end] = whole[choice], choice
    starts: list[int] = []
    place = int(previous[n])
    while place > 0:
        starts.append(place)
        place = int(previous[place])
    return starts[::-1]


def curve_is_better(values: Floats, starts: list[int]) -> bool:
    """By the criterion of Bayes: what rises smoothly is no staircase."""
    n = len(values)
    x = np.linspace(-1.0, 1.0, n)
    smooth = min(
        criterion(float(((values - np.polyval(np.polyfit(x, values, d), x)) ** 2).sum()), d + 1, n)
        for d in DEGREES
    )
    pieces = np.split(values, starts)
    stepped = float(sum(((p - p.mean()) ** 2).sum() for p in pieces))
    return smooth <= criterion(stepped, 2 * len(starts) + 1, n)


def criterion(error: float, parameters: int, n: int) -> float:
    return n * math.log(max(error / n, 1e-300)) + parameters * math.log(n)


def change(before: Floats, after: Floats, at: int, scale: float) -> Change:
    n, m = len(before), len(after)
    error = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    spread = math.sqrt(error / max(n + m - 2, 1))
    step = float(after.mean() - before.mean())
    d = step / spread if spread > 0 else math.copysign(1e6, step)
    p_value = float(stats.mannwhitneyu(before, after).pvalue)
    return Change(at, float(before.mean()) * scale, float(after.mean()) * scale, d, p_value)
