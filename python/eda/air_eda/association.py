"""Measures of association between two columns, over the rows where both have a value.

Pearson and Spearman with the p value of Student's t; Cramér's V with Bergsma's correction of bias
(2013) and the p value of chi-square without Yates's correction; the correlation ratio η with the p
value of the F test of one-way analysis of variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .line import Floats
from .sample import Codes


@dataclass(frozen=True)
class Association:
    value: float
    p_value: float | None
    n: int


def t_test(r: float, n: int) -> float | None:
    """Two-sided, of a correlation of `n` pairs."""
    if n < 3:
        return None
    if abs(r) >= 1.0:
        return 0.0
    t = r * math.sqrt((n - 2) / (1.0 - r * r))
    return float(2 * stats.t.sf(abs(t), n - 2))


def pearson(left: Floats, right: Floats) -> Association | None:
    """None where fewer than three pairs, or one of the two does not vary."""
    both = ~(np.isnan(left) | np.isnan(right))
    return product_moment(left[both], right[both])


def product_moment(left: Floats, right: Floats) -> Association | None:
    n = len(left)
    if n < 3 or left.min() == left.max() or right.min() == right.max():
        return None
    x, y = scaled(left), scaled(right)
    norm = math.sqrt(float(x @ x)) * math.sqrt(float(y @ y))
    if norm == 0.0:
        return None
    r = float(np.clip(float(x @ y) / norm, -1.0, 1.0))
    return Association(r, t_test(r, n), n)


def scaled(values: Floats) -> Floats:
    """Around their mean, the largest distance 1: nothing overflows."""
    largest = float(np.abs(values).max())
    off: Floats = values / largest if largest > 0 else values.copy()
    off -= off.mean()
    most = float(np.abs(off).max())
    if most > 0:
        off /= most
    return off


def dense(values: Floats) -> Codes:
    """Each value's place among the different ones; −1 for what is missing."""
    _, codes = np.unique(values, return_inverse=True)
    found: Codes = np.asarray(codes, dtype=np.int64).reshape(-1)
    found[np.isnan(values)] = -1
    return found


def average_ranks(codes: Codes) -> Floats:
    """Ranks from 1, ties in the middle, of places among different values."""
    counts = np.bincount(codes)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2.0
    ranks: Floats = middle[codes].astype(np.float64)
    return ranks


def spearman(left: Codes, right: Codes) -> Association | None:
    both = (left >= 0) & (right >= 0)
    if int(both.sum()) < 3:
        return None
    return product_moment(average_ranks(left[both]), average_ranks(right[both]))


def table(left: Codes, right: Codes, rows: int, columns: int) -> NDArray[np.int64]:
    """How often each pair is there; levels that no pair has are left out."""
    both = (left >= 0) & (right >= 0)
    flat = np.bincount(left[both] * columns + right[both], minlength=rows * columns)
    whole = flat.reshape(rows, columns)
    there: NDArray[np.int64] = whole[whole.sum(axis=1) > 0][:, whole.sum(axis=0) > 0]
    return there


def chi_square(observed: NDArray[np.int64]) -> float:
    total = observed.sum()
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / total
    return float(((observed - expected) ** 2 / expected).sum())


def cramers_v(observed: NDArray[np.int64]) -> Association | None:
    """None where one of the two has one level only."""
    n = int(observed.sum())
    r, k = observed.shape
    if n < 2 or r < 2 or k < 2:
        return None
    chi2 = chi_square(observed)
    phi2 = max(0.0, chi2 / n - (r - 1) * (k - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    least = min(rows, columns) - 1
    v = math.sqrt(phi2 / least) if least > 0 else 0.0
    return Association(min(v, 1.0), float(stats.chi2.sf(chi2, (r - 1) * (k - 1))), n)


def correlation_ratio(codes: Codes, values: Floats) -> Association | None:
    both = (codes >= 0) & ~np.isnan(values)
    groups, x = codes[both], values[both]
    n = len(x)
    if n < 3 or x.min() == x.max():
        return None
    x = scaled(x)
    counts = np.bincount(groups)
    there = counts > 0
    k = int(there.sum())
    if k < 2:
        return None
    means = np.bincount(groups, weights=x)[there] / counts[there]
    between = float((counts[there] * (means - x.mean()) ** 2).sum())
    total = float(((x - x.mean()) ** 2).sum())
    share = min(between / total, 1.0)
    return Association(math.sqrt(share), f_test(share, k, n), n)


def f_test(share: float, k: int, n: int) -> float | None:
    if n <= k:
        return None
    if share >= 1.0:
        return 0.0
    f = share / (k - 1) / ((1.0 - share) / (n - k))
    return float(stats.f.sf(f, k - 1, n - k))
