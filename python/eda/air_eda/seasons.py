"""Whether a series repeats with a season, by STL (Cleveland et al. 1990).

The strength is that of Wang, Smith and Hyndman (2006): how much of what is left without the trend
the season takes, from 0 to 1. Noise has some too, so Kruskal and Wallis' test says whether the
places within the season differ at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .contract import EdaUnit
from .line import Floats

# The usual seasons of a unit, in buckets.
PERIODS: dict[EdaUnit, tuple[int, ...]] = {
    "second": (60,),
    "minute": (60, 1440),
    "hour": (24, 168),
    "day": (7, 365),
    "week": (52,),
    "month": (12,),
    "quarter": (4,),
    "year": (),
}
# Whole seasons that must be there.
LEAST_SEASONS = 3


@dataclass(frozen=True)
class Season:
    period: int
    strength: float
    trend_strength: float
    p_value: float
    component: Floats


def strongest(values: Floats, periods: Sequence[int]) -> Season | None:
    """The season that takes most; none where there are not enough of any."""
    found = [s for p in periods if (s := season(values, p)) is not None]
    return max(found, key=lambda s: s.strength) if found else None


def season(values: Floats, period: int) -> Season | None:
    from statsmodels.tsa.seasonal import STL

    if len(values) < LEAST_SEASONS * period or values.min() == values.max():
        return None
    fitted = STL(values, period=period).fit()
    seasonal, trend = np.asarray(fitted.seasonal), np.asarray(fitted.trend)
    rest = np.asarray(fitted.resid)
    p_value = kruskal(values - trend, period)
    return Season(
        period,
        share_taken(rest, seasonal),
        share_taken(rest, trend),
        p_value,
        seasonal,
    )


def share_taken(rest: Floats, part: Floats) -> float:
    whole = float(np.var(rest + part))
    return max(0.0, 1.0 - float(np.var(rest)) / whole) if whole > 0 else 0.0


def kruskal(detrended: Floats, period: int) -> float:
    places = [detrended[i::period] for i in range(period)]
    try:
        return float(stats.kruskal(*places).pvalue)
    except ValueError:
        # All values are equal.
        return 1.0


def filled(values: Floats) -> Floats:
    """Without gaps: linear between the values around them."""
    there = ~np.isnan(values)
    places = np.arange(len(values), dtype=np.float64)
    return np.interp(places, places[there], values[there])
