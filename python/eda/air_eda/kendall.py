"""The Mann-Kendall test for a trend, and its correction for values that hang together.

Mann (1945), Kendall (1975), with the variance for ties; Hamed and Rao (1998) for autocorrelation:
the variance grows with the significant autocorrelations of the ranks of the detrended values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .line import Floats

# An autocorrelation counts when it is beyond this share of the normal distribution.
CONFIDENCE = 0.05


@dataclass(frozen=True)
class Kendall:
    tau: float
    p_value: float
    # With the correction for autocorrelation.
    p_corrected: float


def mann_kendall(values: Floats, slope: float) -> Kendall:
    """Of at least three values in the order of time; `slope` is that of Theil and Sen."""
    n = len(values)
    s = score(values)
    variance = variance_of(values)
    grown = variance * inflation(values - slope * np.arange(1, n + 1))
    tau = s / (0.5 * n * (n - 1))
    return Kendall(tau, p_of(s, variance), p_of(s, grown))


def score(values: Floats) -> int:
    """Pairs that rise less pairs that fall."""
    rising = sum(int(np.sign(values[i + 1 :] - values[i]).sum()) for i in range(len(values) - 1))
    return int(rising)


def variance_of(values: Floats) -> float:
    n = len(values)
    _, ties = np.unique(values, return_counts=True)
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return (n * (n - 1) * (2 * n + 5) - tied) / 18


def p_of(s: int, variance: float) -> float:
    if variance <= 0 or s == 0:
        return 1.0
    z = (s - math.copysign(1, s)) / math.sqrt(variance)
    return float(2 * stats.norm.sf(abs(z)))


def autocorrelation(values: Floats) -> Floats:
    """At every lag from 0, around the mean, over n (and not n less the lag)."""
    n = len(values)
    off = values - values.mean()
    size = 1 << (2 * n - 1).bit_length()
    transformed = np.fft.rfft(off, size)
    products = np.fft.irfft(transformed * np.conjugate(transformed), size)[:n]
    zero = float(products[0])
    return products / zero if zero > 0 else np.zeros(n)


def inflation(detrended: Floats) -> float:
    """How many times as large the variance is for autocorrelation."""
    n = len(detrended)
    found = autocorrelation(stats.rankdata(detrended))
    bound = float(stats.norm.ppf(1 - CONFIDENCE / 2)) / math.sqrt(n)
    lags = np.arange(1, n, dtype=np.float64)
    counted = np.abs(found[1:]) > bound
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    total = float((weights * found[1:])[counted].sum())
    factor = 1 + 2 / (n * (n - 1) * (n - 2)) * total
    # Negative sums can take all of the variance away, which no series has.
    return factor if factor > 0 else 1.0
