"""Which columns go together: the operation `correlations`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from . import report
from .alerts import finding
from .association import (
    Association,
    correlation_ratio,
    cramers_v,
    dense,
    pearson,
    spearman,
    table,
)
from .contract import (
    EdaCorrelations,
    EdaCorrelationsRequest,
    EdaEffectSize,
    EdaFinding,
    EdaMeasure,
    EdaPair,
    EdaSampling,
    EdaSkipped,
)
from .effects import cramers_size, effect, holm, size
from .figures import figure, sampled_rows, sampling
from .sample import Category, Codes, Column, Numeric, column, skipped
from .source import Source

METHODS: dict[EdaMeasure, str] = {
    "pearson": "Pearson, rows where both have a value",
    "spearman": "Spearman, ranks of the rows where both have a value",
    "cramers_v": "Cramér's V, corrected for bias (Bergsma)",
    "correlation_ratio": "correlation ratio η, categories explain the number",
}
SIGNIFICANT = 0.01
Found = tuple[str, str, EdaMeasure, Association, EdaEffectSize]


def correlations(source: Source, request: EdaCorrelationsRequest) -> EdaCorrelations:
    data = source.data
    chosen = sampling(data.rows, request.sample_rows, request.seed)
    rows = sampled_rows(chosen)
    left_out: list[EdaSkipped] = []
    columns: list[Numeric | Category] = []
    for name in data.chosen(request.columns):
        if len(columns) == request.max_columns:
            left_out.append(skipped(name, f"only {request.max_columns} columns are compared"))
            continue
        found: Column = column(data, name, rows)
        left_out.append(found) if isinstance(found, EdaSkipped) else columns.append(found)
    pairs = judged(list(associations(columns)), chosen)
    findings = list(findings_of(pairs))
    return EdaCorrelations(
        rows=data.rows,
        sampling=chosen,
        pairs=pairs,
        skipped=left_out,
        findings=findings,
        report_md=report.section("Correlations", report.looked_at(chosen), findings),
    )


def associations(columns: list[Numeric | Category]) -> Iterator[Found]:
    ranks = {c.name: dense(c.values) for c in columns if isinstance(c, Numeric)}
    for a, b in combinations(columns, 2):
        if isinstance(a, Numeric) and isinstance(b, Numeric):
            yield from of_numbers(a, b, ranks)
        elif isinstance(a, Category) and isinstance(b, Category):
            counts = table(a.codes, b.codes, a.levels, b.levels)
            if (found := cramers_v(counts)) is not None:
                how = cramers_size(found.value, min(counts.shape))
                yield a.name, b.name, "cramers_v", found, how
        else:
            group, number = (a, b) if isinstance(a, Category) else (b, a)
            if isinstance(group, Category) and isinstance(number, Numeric):
                ratio = correlation_ratio(group.codes, number.values)
                if ratio is not None:
                    how = size("eta", ratio.value)
                    yield group.name, number.name, "correlation_ratio", ratio, how


def of_numbers(a: Numeric, b: Numeric, ranks: dict[str, Codes]) -> Iterator[Found]:
    measures: list[tuple[EdaMeasure, partial[Association | None]]] = [
        ("pearson", partial(pearson, a.values, b.values)),
        ("spearman", partial(spearman, ranks[a.name], ranks[b.name])),
    ]
    for measure, compute in measures:
        if (found := compute()) is not None:
            yield a.name, b.name, measure, found, size("r", found.value)


def judged(found: list[Found], chosen: EdaSampling) -> list[EdaPair]:
    """With p values for all pairs at once, strongest first."""
    adjusted = holm([association.p_value for _, _, _, association, _ in found])
    pairs = [
        EdaPair(
            left=left,
            right=right,
            measure=measure,
            figure=figure(
                association.value,
                METHODS[measure],
                association.n,
                exact=not chosen.sampled,
                seed=chosen.seed,
            ),
            p_value=association.p_value,
            p_adjusted=p,
            effect=how,
        )
        for (left, right, measure, association, how), p in zip(found, adjusted, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -abs(strength(pair)))


def strength(pair: EdaPair) -> float:
    value = pair.figure.value
    return float(value) if isinstance(value, int | float) else 0.0


def findings_of(pairs: list[EdaPair]) -> Iterator[EdaFinding]:
    """One for each two columns, by the measure that shows most; only what is sure and not small."""
    seen: set[frozenset[str]] = set()
    for pair in pairs:
        both = frozenset((pair.left, pair.right))
        sure = pair.p_adjusted is not None and pair.p_adjusted < SIGNIFICANT
        if both in seen or not sure or pair.effect not in ("medium", "large"):
            continue
        seen.add(both)
        value = strength(pair)
        yield finding(
            "correlated",
            "notice" if pair.effect == "large" else "info",
            [pair.left, pair.right],
            sentence(pair, value),
            effect(pair.measure, value, pair.effect),
        )


def sentence(pair: EdaPair, value: float) -> str:
    left, right = pair.left, pair.right
    if pair.measure == "cramers_v":
        return f"{left} and {right} depend on one another."
    if pair.measure == "correlation_ratio":
        return f"{right} differs between the values of {left}, which explain {value**2:.0%} of it."
    how = "rise together" if value > 0 else "go opposite ways"
    if abs(value) > 0.999:
        return f"{left} and {right} {how} so closely that one says all of the other."
    curve = ", though not in a straight line" if pair.measure == "spearman" else ""
    return f"{left} and {right} {how}{curve}."
