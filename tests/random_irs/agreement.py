"""Whether the engines agree on one question.

In: each engine's reply. Out: nothing where all gave the same rows in the same order, or refused
with the same codes; else what differs. Doubles may differ by 1e-9 of their size, decimals in the
zeroes at their end, and nothing else. Rows that are ordered by a double may stand in another order
where their doubles differ by no more than that: which of them is the greater is then a matter of
the last digit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service import Reply

RELATIVE = 1e-9
ABSOLUTE = 1e-9
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
# A failure is none of the refusals that rules give.
NO_REFUSALS = {"source_error", "internal", "unavailable", "timeout"}
UNSUPPORTED = "unsupported_on_engine"
# Of IRs only the first two; what the others are, `random_sql/agreement.py` says.
AGREE = ("answered", "refused", "partly", "wider")


@dataclass(frozen=True)
class Verdict:
    """`kind` is one of `AGREE`, where the engines agree; else it says how they do not."""

    kind: str
    detail: str = ""

    @property
    def agrees(self) -> bool:
        return self.kind in AGREE


def codes(reply: Reply) -> list[str]:
    """What a problem says, its parts first."""
    if not isinstance(reply.body, dict):
        return [f"status {reply.status}"]
    parts = [error["code"] for error in reply.body.get("errors", [])]
    return sorted(set(parts)) or [reply.body.get("code", f"status {reply.status}")]


def judge(replies: dict[str, Reply], ir: dict[str, Any]) -> Verdict:
    """The verdict over all engines; the first one named is what the others are held against."""
    for engine, reply in replies.items():
        if reply.status >= 500 or (reply.status != 200 and NO_REFUSALS & set(codes(reply))):
            return Verdict("failed", f"{engine}: {told(reply)}")
    refused = {engine: codes(r) for engine, r in replies.items() if r.status != 200}
    if refused:
        return judge_refusals(replies, refused)
    first, *others = replies
    for engine in others:
        if found := differs(replies[first].body, replies[engine].body, ir):
            kind, detail = found
            return Verdict(kind, f"{engine} against {first}: {detail}")
    return Verdict("answered")


def judge_refusals(replies: dict[str, Reply], refused: dict[str, list[str]]) -> Verdict:
    said = {tuple(found) for found in refused.values()}
    if len(refused) == len(replies) and len(said) == 1:
        return Verdict("refused", ", ".join(said.pop()))
    for engine, found in refused.items():
        if UNSUPPORTED in found:
            return Verdict("unsupported", f"{engine}: {told(replies[engine])}")
    lines = [f"{engine}: {told(replies[engine])}" for engine in refused]
    return Verdict("refusals", "; ".join(lines))


def told(reply: Reply) -> str:
    if not isinstance(reply.body, dict):
        return f"{reply.status}"
    parts = [f"{e['code']}: {e.get('detail', '')}" for e in reply.body.get("errors", [])]
    return "; ".join(parts) or f"{reply.body.get('code')}: {reply.body.get('detail')}"


def differs(a: Any, b: Any, ir: dict[str, Any]) -> tuple[str, str] | None:
    """The first difference of two results."""
    names = [column["name"] for column in a["columns"]]
    others = [column["name"] for column in b["columns"]]
    if names != others:
        return "columns", f"{others} instead of {names}"
    if len(a["rows"]) != len(b["rows"]):
        return "rows", f"{len(b['rows'])} rows instead of {len(a['rows'])}"
    if a["truncated"] != b["truncated"]:
        return "rows", f"truncated is {b['truncated']}"
    keys = through_last_double(a["rows"], ir)
    for run in runs(a["rows"], keys):
        ours, theirs = a["rows"][run.start : run.stop], b["rows"][run.start : run.stop]
        # Of rows that are as good as equal, a limit or an offset may take others.
        cut = (run.start == 0 and ir.get("offset")) or (
            run.stop == len(a["rows"]) and a["truncated"]
        )
        looked_at = keys if cut and len(run) > 1 else names
        if len(run) > 1:
            theirs = paired(ours, theirs, looked_at)
        for number, (row, other) in enumerate(zip(ours, theirs, strict=True), run.start):
            for name in looked_at:
                if not same(row.get(name), other.get(name)):
                    return (
                        "rows",
                        f"row {number}, {name}: {other.get(name)!r} for {row.get(name)!r}",
                    )
    return None


def through_last_double(rows: list[Any], ir: dict[str, Any]) -> list[str]:
    """What the rows are ordered by, as far as the last key that is a double."""
    keys = [order["field"] for order in ir.get("order", [])]
    doubles = [n for n, k in enumerate(keys) if any(isinstance(row.get(k), float) for row in rows)]
    return keys[: doubles[-1] + 1] if doubles else []


def runs(rows: list[Any], keys: list[str]) -> Iterator[range]:
    """The places of rows that stand together because their keys are the same answer."""
    start = 0
    for number in range(1, len(rows) + 1):
        together = number < len(rows) and keys
        if together and all(same(rows[number - 1].get(k), rows[number].get(k)) for k in keys):
            continue
        yield range(start, number)
        start = number


def paired(ours: list[Any], theirs: list[Any], names: list[str]) -> list[Any]:
    """Their rows, each in the place of its equal among ours; what has none fills the others."""
    left = list(theirs)
    found: list[Any] = []
    for row in ours:
        equal = (r for r in left if all(same(row.get(n), r.get(n)) for n in names))
        match = next(equal, None)
        if match is not None:
            left.remove(match)
        found.append(match)
    return [left.pop(0) if match is None else match for match in found]


def same(a: Any, b: Any) -> bool:
    """Whether two values of JSON are the same answer."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        if a == b:
            return True
        numbers = DECIMAL.fullmatch(a) and DECIMAL.fullmatch(b) and "." in a + b
        return bool(numbers) and Decimal(a) == Decimal(b)
    if isinstance(a, float) or isinstance(b, float):
        both = isinstance(a, (int, float)) and isinstance(b, (int, float))
        return both and math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(a) is type(b) and bool(a == b)
