"""What a column's profile must be, by Python's own numbers, scipy and pandas, from its values.

Nothing here is taken from the service. Whole numbers, decimals and times are computed as fractions;
scipy gets them as distances from one of them, which moments and ranges do not change.
"""

from __future__ import annotations

import itertools
import math
import re
import statistics
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from air_eda.contract import EdaColumnProfile

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (times of no zone)
Expected = dict[str, Any]


def figures(kind: str, values: list[Any]) -> Expected:
    """By the names of the contract; `values` as Python has them, null as None."""
    there = [v for v in values if v is not None]
    share = len(values) - len(there)
    found: Expected = {"nulls": share, "null_share": share / len(values)}
    if not there:
        return {**found, "distinct": 0}
    counts = Counter(key(v) for v in there)
    found |= {"distinct": len(counts), "unique": sum(n == 1 for n in counts.values())}
    if kind == "boolean":
        return {**found, "true_share": float(pd.Series(there, dtype=float).mean())}
    if kind == "text":
        return found | text(there)
    if kind in ("list", "binary"):
        return found | lengths([len(v) for v in there], median=False)
    found["order"] = order(there)
    if kind == "float":
        array = np.array(there)
        found |= {"nan": int(np.isnan(array).sum()), "infinite": int(np.isinf(array).sum())}
    finite = [v for v in there if not isinstance(v, float) or math.isfinite(v)]
    if not finite:
        return found
    if kind in ("date", "timestamp", "time", "duration"):
        return found | times([exact(v) for v in finite])
    return found | numbers([exact(v) for v in finite])


def key(value: object) -> object:
    """Every NaN is one value, and both zeros are."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return tuple(value) if isinstance(value, list) else value


def exact(value: Any) -> Fraction:
    """Times in nanoseconds from their beginning."""
    if isinstance(value, pd.Timestamp):
        return Fraction(value.value)
    if isinstance(value, datetime):
        here = value.astimezone(UTC) if value.tzinfo is not None else value
        return exact(here.replace(tzinfo=None) - EPOCH)
    if isinstance(value, date):
        return exact(datetime.combine(value, time()) - EPOCH)
    if isinstance(value, time):
        return exact(datetime.combine(EPOCH, value) - EPOCH)
    if isinstance(value, timedelta):
        return Fraction((value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1000)
    return Fraction(value)


def order(values: list[Any]) -> str | None:
    ranks = [(isinstance(v, float) and math.isnan(v), 0 if v != v else v) for v in values]
    pairs = list(itertools.pairwise(ranks))
    if not pairs:
        return None
    if all(a == b for a, b in pairs):
        return "constant"
    if all(a <= b for a, b in pairs):
        return "increasing"
    return "decreasing" if all(a >= b for a, b in pairs) else "none"


def numbers(values: list[Fraction]) -> Expected:
    n, base = len(values), min(values, key=abs)
    # To scale as well, since squares of doubles may not be doubles.
    scale = max(abs(v - base) for v in values) or Fraction(1)
    away = np.array([float((v - base) / scale) for v in values])
    total = sum(values)
    flat = min(values) == max(values)
    std = float(statistics.stdev(values)) if n > 1 else None
    found = {
        "min": min(values),
        "max": max(values),
        "sum": total,
        "mean": float(total / n),
        "median": statistics.median(values),
        "std": std,
        "skewness": None if flat else float(stats.skew(away)),
        "kurtosis": None if flat else float(stats.kurtosis(away)),
        "iqr": float(Fraction(float(stats.iqr(away))) * scale),
        "mad": float(Fraction(float(stats.median_abs_deviation(away))) * scale),
        "zeros": sum(v == 0 for v in values),
        "negative": sum(v < 0 for v in values),
    }
    if std is not None and total:
        found["variation"] = abs(std / float(total / n))
    return found


def times(values: list[Fraction]) -> Expected:
    return {
        "min": min(values),
        "max": max(values),
        "median": statistics.median(values),
        "mean": sum(values) / len(values),
        "span_steps": max(values) - min(values),
    }


def lengths(values: list[int], *, median: bool) -> Expected:
    series = pd.Series(values)
    found: Expected = {
        "length_min": int(series.min()),
        "length_max": int(series.max()),
        "length_mean": float(series.mean()),
    }
    return {**found, "length_median": float(series.median())} if median else found


def text(values: list[str]) -> Expected:
    different = set(values)
    kind, share = reads_as(values)
    return {
        **lengths([len(v) for v in values], median=True),
        "blank": sum(not v.strip() for v in values),
        "padded": sum(bool(v.strip()) and v != v.strip() for v in values),
        "case_variants": len(different) - len({v.strip().lower() for v in different}),
        "min": min(values),
        "max": max(values),
        "reads_as": kind,
        "reads_as_share": share,
    }


def reads_as(values: list[str]) -> tuple[str, float]:
    """The narrowest that all are, else what most are, by what Python takes."""
    tests: dict[str, Callable[[str], bool]] = {
        "boolean": lambda v: v.lower() in ("true", "false"),
        "integer": lambda v: takes(int, v) and v.isascii(),
        "float": lambda v: takes(float, v) and v.isascii(),
        "date": lambda v: len(v) == 10 and takes(date.fromisoformat, v),
        "timestamp": lambda v: len(v) > 10 and takes(datetime.fromisoformat, v),
    }
    shares = {k: sum(map(is_one, values)) / len(values) for k, is_one in tests.items()}
    whole = [k for k, share in shares.items() if share == 1.0]
    best = whole[0] if whole else max(shares, key=lambda k: shares[k])
    return (best, shares[best]) if shares[best] else ("text", 0.0)


def takes(parse: Any, value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def pattern(value: str) -> str:
    """By the general categories of Unicode."""
    classes = {"Lu": "A", "Ll": "a", "Nd": "9"}

    def of(character: str) -> str:
        category = unicodedata.category(character)
        return classes.get(category, "x" if category.startswith("L") else "")

    runs = itertools.groupby(re.sub(r"\s+", " ", value), key=lambda c: of(c) or c)
    out = []
    for shown, members in runs:
        count = len(list(members))
        is_class = shown in ("A", "a", "9", "x") and of(shown) != ""
        out.append((shown + "+" if count > 1 else shown) if is_class else shown * count)
    return "".join(out)


def quantiles(values: list[Fraction], probabilities: list[float]) -> list[Fraction]:
    """Type 7 of Hyndman and Fan, in fractions; numpy's where the values are doubles."""
    ordered, found = sorted(values), []
    for p in probabilities:
        place = Fraction(round(p * 100), 100) * (len(ordered) - 1)
        low = ordered[math.floor(place)]
        high = ordered[min(math.floor(place) + 1, len(ordered) - 1)]
        found.append(low + (high - low) * (place - math.floor(place)))
    return found


def shown(value: Any, column: EdaColumnProfile) -> Any:
    """A figure as a number again: times in nanoseconds."""
    if value is None or column.type in ("text", "boolean", "list", "binary"):
        return value
    if isinstance(value, str) and value in ("increasing", "decreasing", "none", "constant"):
        return value
    if column.type == "duration":
        return Fraction(round(value * 10**9))
    if column.type in ("date", "timestamp"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return nanoseconds(str(value))
    if column.type == "time":
        return nanoseconds(f"1970-01-01T{value}")
    return Fraction(Decimal(value)) if isinstance(value, str) else Fraction(value)


def nanoseconds(text: str) -> Fraction:
    whole, _, rest = text.removesuffix("Z").partition(".")
    return exact(datetime.fromisoformat(whole)) + int(f"{rest:0<9}" if rest else 0)
