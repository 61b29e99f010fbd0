"""How large an effect is, in words, and what many tests at once do to their p values.

The bounds are Cohen's (Statistical Power Analysis, 1988) for r, d and V; for the distance of
Kolmogorov-Smirnov, the same shift of a normal distribution: D = 2Φ(d/2) − 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .contract import EdaEffect, EdaEffectSize

SIZES: tuple[EdaEffectSize, ...] = ("negligible", "small", "medium", "large")
# The least of small, medium and large.
BOUNDS = {
    "r": (0.1, 0.3, 0.5),
    "d": (0.2, 0.5, 0.8),
    "eta": (0.1, 0.24, 0.37),
    "ks": (0.08, 0.2, 0.31),
    "share": (0.01, 0.05, 0.2),
    "strength": (0.3, 0.5, 0.7),
}


def size(kind: str, value: float) -> EdaEffectSize:
    """Of an effect whose sign does not matter; NaN is none."""
    bounds = BOUNDS[kind]
    return SIZES[sum(abs(value) >= bound for bound in bounds)]


def cramers_size(value: float, least_levels: int) -> EdaEffectSize:
    """Cramér's V has narrower bounds with more levels: w = V·sqrt(levels − 1)."""
    return size("r", value * math.sqrt(max(least_levels - 1, 1)))


def effect(name: str, value: float, how_large: EdaEffectSize) -> EdaEffect:
    return EdaEffect(name=name, value=float(value), size=how_large)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted for their number, step by step from the smallest; those without one stay so."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None and not math.isnan(p))
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        adjusted[i] = highest
    return adjusted
