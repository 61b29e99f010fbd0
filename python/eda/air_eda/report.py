"""Findings to read, in Markdown: sentences first, the few figures that matter in a table.

Who reads it decides something by it: the gravest comes first, what repeats is said once, and what
is beyond a screen is counted. The answer beside it has everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .contract import EdaColumnProfile, EdaFinding, EdaSampling

MOST_ROWS = 60
# Sentences of one severity.
MOST_SENTENCES = 12
# So many columns with gaps are told in one sentence.
MANY_GAPS = 4
MOST_GAPS = 8
# How effects are called where people know them by another name than the contract's.
NAMES = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
    "ks": "Kolmogorov-Smirnov",
    "tau": "Kendall's tau",
    "cohens_d": "Cohen's d",
    "cohens_h": "Cohen's h",
}
SEVERITIES = (("warning", "Look at these first"), ("notice", "Worth knowing"), ("info", "Also"))


def escaped(text: object) -> str:
    """Text of the data as Markdown shows it, in one line of a table."""
    plain = re.sub(r"\s+", " ", str(text))[:80]
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~])", r"\\\1", plain)


def findings(found: Sequence[EdaFinding]) -> str:
    """By severity; the effect stands behind what it belongs to."""
    if not found:
        return "Nothing stands out.\n"
    out = []
    for severity, title in SEVERITIES:
        here = [f for f in found if f.severity == severity]
        if here:
            told = sentences(here)
            out.append(f"**{title}**\n")
            out += [f"- {text}" for text in told[:MOST_SENTENCES]]
            if len(told) > MOST_SENTENCES:
                out.append(f"- … and {len(told) - MOST_SENTENCES} more.")
            out.append("")
    return "\n".join(out)


def sentences(found: Sequence[EdaFinding]) -> list[str]:
    """In their order; many columns with gaps as one sentence, where the first of them stands."""
    gaps = [f for f in found if f.kind == "missing" and f.effect is not None]
    if len(gaps) < MANY_GAPS:
        return [sentence(f) for f in found]
    first = found.index(gaps[0])
    rest = [sentence(f) for f in found if f not in gaps]
    before = sum(f not in gaps for f in found[:first])
    return [*rest[:before], all_gaps(gaps), *rest[before:]]


def all_gaps(gaps: Sequence[EdaFinding]) -> str:
    """The largest first."""
    shares = [(f.effect.value if f.effect else 0.0, escaped_message(f.columns[0])) for f in gaps]
    ranked = sorted(shares, key=lambda pair: -pair[0])
    shown = [f"{name} ({share_text(share)})" for share, name in ranked[:MOST_GAPS]]
    more = f" and {len(gaps) - MOST_GAPS} more" if len(gaps) > MOST_GAPS else ""
    return f"{len(gaps)} columns have missing values: {', '.join(shown)}{more}."


def share_text(share: float) -> str:
    """A share for people: never 0% of what is there, never 100% of what is not all."""
    percent = share * 100
    if 0 < percent < 0.1:
        return "under 0.1%"
    if 99.9 < percent < 100:
        return "over 99.9%"
    return f"{percent:.3g}%"


def sentence(found: EdaFinding) -> str:
    text = escaped_message(found.message)
    if found.effect is None or found.effect.name == "share":
        return text
    name = NAMES.get(found.effect.name, found.effect.name.replace("_", " "))
    return f"{text} ({found.effect.size} effect, {name} {found.effect.value:.2g})"


def escaped_message(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", re.sub(r"\s+", " ", text))


def section(title: str, lead: str, found: Sequence[EdaFinding], rest: str = "") -> str:
    parts = [f"## {title}\n", lead + "\n", findings(found)]
    if rest:
        parts.append(rest)
    return "\n".join(parts)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(escaped(c) for c in row) + " |" for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        out.append(f"\n… and {len(rows) - MOST_ROWS} more.")
    return "\n".join(out) + "\n"


def looked_at(sampling: EdaSampling) -> str:
    if not sampling.sampled:
        return f"All {sampling.rows_total:,} rows were looked at."
    return (
        f"{sampling.rows_used:,} of {sampling.rows_total:,} rows were looked at, "
        f"drawn at random (seed {sampling.seed})."
    )


def profile(rows: int, columns: Sequence[EdaColumnProfile], found: Sequence[EdaFinding]) -> str:
    lead = f"{rows:,} rows, {len(columns)} columns."
    head = ("column", "type", "missing", "distinct", "typical", "range")
    return section("Profile", lead, found, table(head, [summary(c) for c in columns]))


def summary(column: EdaColumnProfile) -> list[object]:
    def of(name: str) -> object:
        found = column.figures.get(name)
        return "" if found is None or found.value is None else short(found.value)

    typical = of("median")
    if typical == "" and column.top_values is not None and column.top_values.items:
        best = column.top_values.items[0]
        typical = f"{short(best.value)} ({share_text(best.share)})"
    span = f"{of('min')} to {of('max')}" if of("min") != "" else ""
    share = column.figures.get("null_share")
    missing = share.value if share is not None else None
    shown = share_text(missing) if isinstance(missing, int | float) else ""
    return [column.name, column.type, shown, of("distinct"), typical, span]


def short(value: object) -> object:
    """Numbers with as many digits as anybody reads; thousands apart."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else value
    if not isinstance(value, float):
        return value
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:.6g}"
