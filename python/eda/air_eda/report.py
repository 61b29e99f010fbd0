"""Findings to read, in Markdown: sentences first, the few figures that matter in a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .contract import EdaColumnProfile, EdaFinding, EdaSampling

MOST_ROWS = 60
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
            out.append(f"**{title}**\n")
            out += [f"- {sentence(f)}" for f in here[:MOST_ROWS]]
            if len(here) > MOST_ROWS:
                out.append(f"- … and {len(here) - MOST_ROWS} more.")
            out.append("")
    return "\n".join(out)


def sentence(found: EdaFinding) -> str:
    text = escaped_message(found.message)
    if found.effect is None or found.effect.name == "share":
        return text
    name = found.effect.name.replace("_", " ")
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
        f"{sampling.rows_used:,} of {sampling.rows_total:,} rows were looked at: "
        f"{sampling.method}, seed {sampling.seed}."
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
        typical = f"{short(best.value)} ({best.share:.0%})"
    span = f"{of('min')} to {of('max')}" if of("min") != "" else ""
    share = column.figures.get("null_share")
    missing = share.value if share is not None else None
    shown = f"{missing:.1%}" if isinstance(missing, int | float) else ""
    return [column.name, column.type, shown, of("distinct"), typical, span]


def short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
