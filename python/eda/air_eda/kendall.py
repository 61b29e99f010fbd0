"""The Mann-Kendall test for a trend, and its correction for values that hang together.

Mann (1945), Kendall (1975), with the variance for ties; Hamed and Rao (1998) for autocorrelation:
the variance grows with the significant autocorrelations of the ranks of the detrended values. A
finding needs to stand the more cautious of this and of a first-order process.
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
    # With the largest of the corrections: what a finding stands on.
    p_cautious: float


def mann_kendall(values: Floats, slope: float) -> Kendall:
    """Of at least three values in the order of time; `slope` is that of Theil and Sen."""
    n = len(values)
    s = score(values)
    variance = variance_of(values)
    detrended = values - slope * np.arange(1, n + 1)
    factor = inflation(detrended)
    most = max(1.0, factor, first_order(detrended))
    tau = s / (0.5 * n * (n - 1))
    p_values = [p_of(s, variance * f) for f in (1.0, factor, most)]
    return Kendall(tau, *p_values)


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


def first_order(detrended: Floats) -> float:
    """The same for a process of first order, as Yue and Wang (2004) have it.

    Hamed and Rao's sum is noisy and finds a trend too often where neighbours hang together.
    """
    n = len(detrended)
    near = min(max(float(autocorrelation(detrended)[1]), 0.0), 0.99)
    lags = np.arange(1, n, dtype=np.float64)
    return 1 + 2 * float(((1 - lags / n) * near**lags).sum())


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
