"""Whether rules hold: the operation `validate`.

Rules are data and each is checked over all rows. What is null is checked by `not_null` and
`null_share` alone; every other rule looks at the values that are there. A rule that does not fit
the data is an `error` of its own and stops no other.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from . import report
from .alerts import finding, many
from .bounds import RuleError
from .contract import EdaFinding, EdaRule, EdaRuleResult, EdaValidateRequest, EdaValidation
from .data import Data, Unreadable
from .effects import effect, size
from .report import share_text
from .rules import CHECKS, Outcome
from .source import Source


def validate(source: Source, request: EdaValidateRequest) -> EdaValidation:
    data = source.data
    results = [checked(data, i, rule, request.failing_rows) for i, rule in enumerate(request.rules)]
    holding = sum(r.status == "pass" for r in results)
    findings = [f for r, rule in zip(results, request.rules, strict=True) for f in told(r, rule)]
    lead = f"{holding} of {many(len(results), 'rule')} hold over {data.rows:,} rows."
    head = ("rule", "check", "status", "rows that break it")
    rows = [(r.index, r.check, r.status, f"{r.failed:,}") for r in results]
    return EdaValidation(
        rows=data.rows,
        passed=holding == len(results),
        rules=results,
        findings=findings,
        report_md=report.section("Rules", lead, findings, report.table(head, rows)),
    )


def checked(data: Data, index: int, rule: EdaRule, most: int) -> EdaRuleResult:
    try:
        outcome = CHECKS[rule.check](data, rule)
    except (RuleError, Unreadable) as error:
        return result(index, rule, None, str(error), [])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return result(index, rule, None, "the rule does not fit the values", [])
    rows = outcome.breaking.arg_true().head(most).to_list()
    return result(index, rule, outcome, "", rows)


def result(
    index: int, rule: EdaRule, outcome: Outcome | None, fault: str, rows: list[int]
) -> EdaRuleResult:
    failed = int(outcome.breaking.sum()) if outcome is not None else 0
    used = outcome.checked if outcome is not None else 0
    broken = outcome is not None and (failed > 0 if outcome.holds is None else not outcome.holds)
    return EdaRuleResult(
        index=index,
        check=rule.check,
        status="error" if outcome is None else "fail" if broken else "pass",
        checked=used,
        failed=failed,
        share=failed / used if used else 0.0,
        message=f"{fault[:1].upper()}{fault[1:]}." if outcome is None else outcome.message,
        rows=rows,
    )


def told(found: EdaRuleResult, rule: EdaRule) -> Iterator[EdaFinding]:
    columns = [c for c in (rule.column, *(rule.columns or []), rule.other) if c is not None]
    if found.status == "error":
        message = f"Rule {found.index} ({found.check}) could not be checked: {found.message}"
        yield finding("rule_error", "warning", columns, message)
    elif found.status == "fail":
        message = f"Does not hold: {found.message}"
        if found.failed:
            message += f" {many(found.failed, 'row')} ({share_text(found.share)}) differ."
        how = effect("share", found.share, size("share", found.share)) if found.failed else None
        yield finding("broken_rule", "warning", columns, message, how)
