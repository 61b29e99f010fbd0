"""Whether an engine's reply is what PostgreSQL itself says to the same text.

In: the server's own result and the reply of each engine. Out: a verdict. The rows are the same, in
the order of the keys that are shown, or the text is refused, by one rule. Two decisions of AIR are
known here (`engine/src/query/meaning.rs`): a quotient or average of decimals is a double, so that
it is the same to 1e-9; whole numbers are of 64 bits, so that what only PostgreSQL's shorter ones
cannot hold has rows. So may a FULL JOIN have that PostgreSQL has no way to run, and a text whose
types PostgreSQL has no function for, such as round(double, 1). Which rows and values are computed
before others is left to each engine, so that an error of one row may not come to pass. Names that
PostgreSQL gives twice are numbered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from libpq import Result
from random_irs.agreement import NO_REFUSALS, Verdict, codes, told
from random_irs.agreement import same as alike
from service import Reply

RELATIVE = ABSOLUTE = 1e-9
# The rows of an answer without LIMIT, as the service has it unless it is told otherwise.
MOST_ROWS = 5_000
# Words of the planner that no person should have to read.
INTERNAL = re.compile(r"[Ii]nternal error|bug in DataFusion|panic|likely caused by a bug")
LAXER = ("42883", "42804", "42725", "42P18", "42846")
NOT_THERE = ("smallint out of range", "integer out of range", "FULL JOIN is only supported")
# The present is written out where PostgreSQL is asked, and then called by its type.
PRESENT_NAMES = {"now": "timestamptz", "current_date": "date"}
# Where rows may be left out, or values not be computed, before what fails is.
MAY_SKIP = re.compile(r"\b(where|join|having|case|coalesce|limit|and|or|filter)\b|\bin \(")
OF_A_ROW = re.compile(r"[Dd]ivi(de|sion) by zero|more than one row")
# Errors that are of rows and not of the text.
OF_ROWS = ("22003", "22012", "22008", "22P02", "22007", "21000", "22011", "22023", "22001")


def judge(truth: Result, replies: dict[str, Reply], keys: list[int], text: str = "") -> Verdict:
    """The verdict over all engines: the first that differs, else refused or answered."""
    refused: dict[str, list[str]] = {}
    wider: dict[str, Reply] = {}
    for engine, reply in replies.items():
        verdict = judge_one(truth, reply, keys, text)
        if verdict.kind == "refused":
            refused.setdefault(bare(verdict.detail), []).append(engine)
        elif verdict.kind == "wider":
            wider[engine] = reply
        elif verdict.kind != "answered":
            return Verdict(verdict.kind, f"{engine}: {verdict.detail}")
    if found := apart(wider):
        return found
    if refused:
        said = "; ".join(f"{', '.join(engines)}: {why}" for why, engines in refused.items())
        kind = (
            "refused" if len(refused) == 1 and len(*refused.values()) == len(replies) else "partly"
        )
        return Verdict(kind, said)
    return Verdict("wider" if wider else "answered")


def apart(replies: dict[str, Reply]) -> Verdict | None:
    """Where PostgreSQL has no rows, those of the engines that have are the same."""
    rows = {engine: rows_of(reply.body) for engine, reply in replies.items()}
    for (first, ours), (engine, theirs) in pairwise(rows.items()):
        found = unpaired(ours, theirs, alike)
        if found is not None or len(ours) != len(theirs):
            said = found or f"{len(theirs)} rows instead of {len(ours)}"
            return Verdict("rows", f"{engine}: {said}, which is what {first} says")
    return None


def bare(detail: str) -> str:
    """A refusal without the names and numbers of its text."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "…", detail)[:110]


def judge_one(truth: Result, reply: Reply, keys: list[int], text: str = "") -> Verdict:
    if reply.status != 200:
        return judge_refusal(truth, reply, text)
    if truth.sqlstate is not None:
        if truth.sqlstate in LAXER or any(word in truth.message for word in NOT_THERE):
            return Verdict("wider")
        if truth.sqlstate in OF_ROWS and MAY_SKIP.search(text):
            return Verdict("wider")
        return Verdict("no_error", f"{truth.sqlstate} {truth.message}, and rows here")
    return differs(truth, reply.body, keys) or Verdict("answered")


def judge_refusal(truth: Result, reply: Reply, text: str) -> Verdict:
    said = told(reply)
    found = set(codes(reply))
    if OF_A_ROW.search(said) and MAY_SKIP.search(text):
        return Verdict("refused", said)
    if reply.status >= 500 or "internal" in found or INTERNAL.search(said):
        # The database may say no as PostgreSQL does.
        if "internal" not in found and truth.sqlstate in OF_ROWS and not INTERNAL.search(said):
            return Verdict("refused", said)
        return Verdict("failed", said)
    if truth.sqlstate is None and NO_REFUSALS & found:
        return Verdict("failed", said)
    return Verdict("refused", said)


def differs(truth: Result, body: Any, keys: list[int]) -> Verdict | None:
    names = [column["name"] for column in body["columns"]]
    if len(names) != len(truth.names):
        return Verdict("columns", f"{names} instead of {truth.names}")
    rows = rows_of(body)
    cut = body["truncated"] and len(truth.rows) > MOST_ROWS == len(rows)
    if len(rows) != len(truth.rows) and not cut:
        return Verdict("rows", f"{len(rows)} rows instead of {len(truth.rows)}")
    for number, (row, other) in enumerate(zip(rows, truth.rows, strict=not cut)):
        for key in (k for k in keys if k < len(names)):
            if not same(other[key], row[key]):
                return Verdict("order", f"row {number}: {row[key]!r} for {other[key]!r}")
            if isinstance(row[key], float):
                # Which of two is the greater may be a matter of the last digit.
                break
    if found := unpaired(truth.rows, rows, same):
        return Verdict("rows", f"{found} in PostgreSQL")
    if not same_names(truth.names, names):
        return Verdict("columns", f"{names} instead of {truth.names}")
    return None


Row = tuple[Any, ...]


def rows_of(body: Any) -> list[Row]:
    names = [column["name"] for column in body["columns"]]
    return [tuple(row.get(name) for name in names) for row in body["rows"]]


def unpaired(wanted: list[Row], rows: list[Row], same: Callable[[Any, Any], bool]) -> str | None:
    """The first row that has no equal among those wanted, whatever their order."""
    left = sorted(wanted, key=rough)
    for row in sorted(rows, key=rough):
        equal = (n for n, other in enumerate(left) if all(map(same, other, row)))
        found = next(equal, None)
        if found is None:
            return f"{row!r} stands for {left[0] if left else 'nothing'!r}"
        del left[found]
    return None


def rough(row: tuple[Any, ...]) -> list[tuple[int, Any]]:
    """A key that brings equal rows near to one another."""
    return [rough_value(value) for value in row]


def rough_value(value: Any) -> tuple[int, Any]:
    match value:
        case None:
            return 0, 0
        case bool():
            return 1, value
        case int() | float() | Decimal():
            number = float(value)
            return 2, float(f"{number:.6g}") if math.isfinite(number) else number
        case date():
            return 3, value.isoformat()[:10]
    try:
        number = float(value)
        return 2, float(f"{number:.6g}")
    except ValueError:
        return 3, value[:10] if re.match(r"\d{4}-\d\d-\d\d", value) else value


def same_names(theirs: list[str], ours: list[str]) -> bool:
    theirs = [name.replace("?column?", "column") for name in theirs]
    theirs = [
        got if PRESENT_NAMES.get(got) == name else name
        for name, got in zip(theirs, ours, strict=False)
    ]
    if len(theirs) != len(ours) or len(set(ours)) != len(ours):
        return False
    for wanted, got in zip(theirs, ours, strict=True):
        numbered = theirs.count(wanted) > 1 or got in theirs or wanted == "column"
        if got != wanted and not (numbered and re.fullmatch(re.escape(wanted) + r"_\d+", got)):
            return False
    return True


def same(wanted: Any, got: Any) -> bool:
    """Whether a JSON value is PostgreSQL's."""
    if wanted is None or got is None or isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    match wanted:
        case int() | Decimal():
            if isinstance(wanted, Decimal) and (isinstance(got, float) or wanted.is_nan()):
                return same_double(float(wanted), got)
            try:
                return Decimal(got) == wanted
            except (ArithmeticError, ValueError, TypeError):
                return False
        case float():
            return same_double(wanted, got)
        case datetime():
            return same_instant(wanted, got)
        case date():
            return bool(got == wanted.isoformat())
        case _:
            return bool(got == wanted)


def same_double(wanted: float, got: Any) -> bool:
    try:
        number = float(got)
    except (ValueError, TypeError):
        return False
    if isinstance(got, str) and math.isfinite(number):
        # JSON has no numbers for the others alone.
        return False
    if math.isnan(wanted):
        return math.isnan(number)
    return math.isclose(wanted, number, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def same_instant(wanted: datetime, got: Any) -> bool:
    if not isinstance(got, str) or "T" not in got:
        return False
    try:
        found = datetime.fromisoformat(got)
    except ValueError:
        return False
    # MariaDB holds instants before 1970 as clocks of UTC.
    if wanted.tzinfo and not found.tzinfo:
        found = found.replace(tzinfo=UTC)
    return found == wanted
