"""What is worth saying about the columns: findings of a profile and of an inference.

The kinds are those that profiling tools have settled on; each finding says how large what it found
is. Bounds that are not the effect sizes of `effects.py` stand here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from .contract import (
    EdaColumnProfile,
    EdaEffect,
    EdaEffectSize,
    EdaFigure,
    EdaFinding,
    EdaFindingKind,
    EdaSeverity,
)
from .effects import effect, size
from .report import share_text

# Of different texts, when there are this many and they are this share of the values.
MANY_TEXTS, MANY_SHARE = 50, 0.5
# One value holds nearly all: entropy, as a share of what it could be, is below this.
LOW_ENTROPY = 0.5
SKEWED = 2.0
MOST_ZEROS = 0.5
# Characters of a type's name.
LONG_TYPE = 80
# Texts that read as something else, and those that do not, when both are more than a few.
MIXED_FROM, MIXED_TO = 0.05, 0.95


def many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def finding(
    kind: EdaFindingKind,
    severity: EdaSeverity,
    columns: list[str],
    message: str,
    found: EdaEffect | None = None,
) -> EdaFinding:
    return EdaFinding(kind=kind, severity=severity, columns=columns, message=message, effect=found)


def whole(figures: dict[str, EdaFigure], name: str) -> int:
    """A count, 0 where it was not made."""
    found = figures.get(name)
    return int(str(found.value)) if found is not None and found.value is not None else 0


def real(figures: dict[str, EdaFigure], name: str) -> float | None:
    found = figures.get(name)
    return (
        float(found.value) if found is not None and isinstance(found.value, int | float) else None
    )


def of_profile(
    rows: int, columns: list[EdaColumnProfile], duplicates: EdaFigure
) -> list[EdaFinding]:
    """The gravest first; within that in the order of the columns."""
    found = [f for column in columns for f in of_column(rows, column)]
    if rows and isinstance(duplicates.value, int) and duplicates.value:
        share = duplicates.value / rows
        message = f"{many(duplicates.value, 'row')} ({share_text(share)}) repeat an earlier one."
        found.append(
            finding(
                "duplicates", "notice", [], message, effect("share", share, size("share", share))
            )
        )
    rank = {"warning": 0, "notice": 1, "info": 2}
    return sorted(found, key=lambda f: rank[f.severity])


def unsupported(name: str, arrow_type: str) -> EdaFinding:
    """Types of unions name all their members, so long names are cut."""
    shown = arrow_type if len(arrow_type) <= LONG_TYPE else f"{arrow_type[:LONG_TYPE]}…"
    message = f"{name} is not looked at: it is of a type that is not read, {shown}."
    return finding("unsupported", "notice", [name], message)


def of_column(rows: int, column: EdaColumnProfile) -> Iterator[EdaFinding]:
    name, figures = column.name, column.figures
    if column.type == "other":
        yield unsupported(name, column.arrow_type)
        return
    if not rows:
        return
    nulls = whole(figures, "nulls")
    if nulls == rows:
        yield finding("empty", "warning", [name], f"{name} has no value at all.")
        return
    yield from missing(rows, nulls, name)
    used = rows - nulls
    distinct = whole(figures, "distinct")
    if used > 1 and distinct == 1:
        yield finding("constant", "notice", [name], f"{name} has one value in every row.")
        return
    yield from special(used, column)
    yield from spread_of_values(used, distinct, column, whole_column=not nulls)
    if column.type == "text":
        yield from of_text(used, distinct, column)


def missing(rows: int, nulls: int, name: str) -> Iterator[EdaFinding]:
    if nulls:
        share = nulls / rows
        how = size("share", share)
        severity: EdaSeverity = "warning" if how == "large" else "notice"
        message = f"{name} is missing in {many(nulls, 'row')} ({share_text(share)})."
        yield finding("missing", severity, [name], message, effect("share", share, how))


def special(used: int, column: EdaColumnProfile) -> Iterator[EdaFinding]:
    name, figures = column.name, column.figures
    words: list[tuple[EdaFindingKind, str, str, EdaSeverity]] = [
        ("nan", "nan", "is not a number", "warning"),
        ("infinite", "infinite", "is infinite", "warning"),
    ]
    for kind, key, what, severity in words:
        if count := whole(figures, key):
            share = count / used
            message = f"{name} {what} in {many(count, 'row')} ({share_text(share)})."
            found = effect("share", share, size("share", share))
            yield finding(kind, severity, [name], message, found)
    zeros = whole(figures, "zeros")
    if zeros > used * MOST_ZEROS:
        share = zeros / used
        message = f"{name} is zero in {share_text(share)} of its values."
        yield finding("zeros", "notice", [name], message, effect("share", share, "large"))


def spread_of_values(
    used: int, distinct: int, column: EdaColumnProfile, *, whole_column: bool
) -> Iterator[EdaFinding]:
    name = column.name
    keys = ("text", "integer", "timestamp", "binary")
    if whole_column and used > 1 and distinct == used and column.type in keys:
        message = f"Every value of {name} is different: it can be a key."
        yield finding("unique", "info", [name], message)
        return
    skewness = real(column.figures, "skewness")
    if skewness is not None and abs(skewness) >= SKEWED:
        side = "high" if skewness > 0 else "low"
        message = (
            f"{name} has a long tail of {side} values (skewness {skewness:.3g}): its mean says "
            f"less than its median."
        )
        how: EdaEffectSize = "large" if abs(skewness) >= 5 else "medium"
        yield finding("skewed", "notice", [name], message, effect("skewness", skewness, how))
    yield from evenness(used, distinct, column)


def evenness(used: int, distinct: int, column: EdaColumnProfile) -> Iterator[EdaFinding]:
    """Of categories: one that holds nearly all, or all alike."""
    top = column.top_values
    if top is None or top.others or distinct < 2 or column.type not in ("text", "boolean"):
        return
    counts = [item.count for item in top.items]
    entropy = -sum(c / used * math.log(c / used) for c in counts) / math.log(distinct)
    if entropy < LOW_ENTROPY:
        share = counts[0] / used
        message = f"One value holds {share_text(share)} of {column.name}."
        found = effect("imbalance", 1 - entropy, size("strength", 1 - entropy))
        yield finding("imbalance", "notice", [column.name], message, found)
    expected = used / distinct
    chi2 = sum((c - expected) ** 2 / expected for c in counts)
    if used >= 5 * distinct and chi2 < distinct - 1:
        message = f"The {distinct} values of {column.name} are equally frequent."
        yield finding("uniform", "info", [column.name], message)


def of_text(used: int, distinct: int, column: EdaColumnProfile) -> Iterator[EdaFinding]:
    name, figures = column.name, column.figures
    if distinct > MANY_TEXTS and MANY_SHARE * used < distinct < used:
        message = f"{name} has {distinct:,} different texts in {used:,} values."
        found = effect("share", distinct / used, size("share", distinct / used))
        yield finding("high_cardinality", "info", [name], message, found)
    if padded := whole(figures, "padded"):
        message = f"{name} has space around it in {many(padded, 'row')}."
        found = effect("share", padded / used, size("share", padded / used))
        yield finding("padded", "notice", [name], message, found)
    if variants := whole(figures, "case_variants"):
        message = (
            f"{name} has {many(variants, 'text')} that differ from another only in case or space."
        )
        found = effect("share", variants / distinct, size("share", variants / distinct))
        yield finding("case_variants", "notice", [name], message, found)
    shortest, longest = whole(figures, "length_min"), whole(figures, "length_max")
    if shortest == longest and distinct > 1:
        message = f"Every text of {name} has {many(longest, 'character')}."
        yield finding("constant_length", "info", [name], message)
    yield from readable(column)


def readable(column: EdaColumnProfile) -> Iterator[EdaFinding]:
    share = real(column.figures, "reads_as_share") or 0.0
    kind = str(column.figures["reads_as"].value)
    name = column.name
    if share == 1.0 and kind in ("integer", "float"):
        yield finding("numbers_as_text", "notice", [name], f"{name} is text, but holds numbers.")
    elif share == 1.0 and kind in ("date", "timestamp"):
        yield finding("dates_as_text", "notice", [name], f"{name} is text, but holds dates.")
    elif MIXED_FROM < share < MIXED_TO:
        message = f"{share_text(share)} of {name} reads as {kind}, the rest does not."
        found = effect("share", min(share, 1 - share), size("share", min(share, 1 - share)))
        yield finding("mixed_types", "warning", [name], message, found)
    elif MIXED_TO <= share < 1.0:
        message = f"Nearly all of {name} reads as {kind}; {share_text(1 - share)} does not."
        found = effect("share", 1 - share, size("share", 1 - share))
        yield finding("mixed_types", "notice", [name], message, found)
