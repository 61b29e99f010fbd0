"""Whether a result of `/v1/query` is the independent answer.

In: the oracle's columns and rows, the body of the reply, and the zone of its timestamps. Out: a
list of sentences, empty where they are equal. Order counts, of columns and of rows. Values follow
the contract: integers are JSON integers up to 2^53 and text beyond, decimals are text, doubles are
numbers equal to 1e-9 of their size, instants are RFC 3339 with the offset that the zone has then.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from oracle import Answer

# Integers up to this size survive a reader that knows doubles only.
SAFE_INTEGER = 2**53
RELATIVE = 1e-9
# For figures whose true value is zero, such as the spread of equal values.
ABSOLUTE = 1e-12
MOST_SENTENCES = 10

DECIMAL = re.compile(r"-?\d+(\.\d+)?")
INTEGER = re.compile(r"-?\d+")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def differences(expected: Answer, body: dict[str, Any], truncated: bool, zone: str) -> list[str]:
    """What is not equal, in at most ten sentences."""
    columns = [column["name"] for column in body["columns"]]
    if columns != expected.columns:
        return [f"columns are {columns}, expected {expected.columns}"]
    rows = body["rows"]
    found = []
    if body["row_count"] != len(rows):
        found.append(f"row_count is {body['row_count']} beside {len(rows)} rows")
    if body["truncated"] is not truncated:
        found.append(f"truncated is {body['truncated']}, expected {truncated}")
    if len(rows) != len(expected.rows):
        found.append(f"there are {len(rows)} rows, expected {len(expected.rows)}")
    tz = ZoneInfo(zone)
    for number, (wanted, row) in enumerate(zip(expected.rows, rows, strict=False)):
        if set(row) != set(columns):
            found.append(f"row {number} has the members {sorted(row)}")
            continue
        for name, value in zip(columns, wanted, strict=True):
            if not equal(value, row[name], tz):
                found.append(f"row {number}, {name}: {row[name]!r}, expected {value!r}")
    return found[:MOST_SENTENCES]


def equal(wanted: Any, got: Any, tz: ZoneInfo) -> bool:
    """Whether a JSON value is the value wanted, in the form of the contract."""
    match wanted:
        case None:
            return got is None
        case bool():
            return got is wanted
        case int():
            return equal_integer(wanted, got)
        case float():
            return equal_double(wanted, got)
        case Decimal():
            return isinstance(got, str) and bool(DECIMAL.fullmatch(got)) and Decimal(got) == wanted
        case datetime():
            return equal_instant(wanted, got, tz)
        case date():
            return bool(got == wanted.isoformat())
        case str():
            return bool(got == wanted)
        case _:
            raise TypeError(f"the oracle gave {wanted!r}, a kind no result has")


def equal_integer(wanted: int, got: Any) -> bool:
    if abs(wanted) > SAFE_INTEGER:
        return isinstance(got, str) and bool(INTEGER.fullmatch(got)) and int(got) == wanted
    return type(got) is int and got == wanted


def equal_double(wanted: float, got: Any) -> bool:
    if math.isnan(wanted):
        return bool(got == "NaN")
    if math.isinf(wanted):
        return bool(got == ("Infinity" if wanted > 0 else "-Infinity"))
    if type(got) not in (int, float):
        return False
    minus_zero = got == 0 and math.copysign(1, got) < 0
    return not minus_zero and math.isclose(wanted, got, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def equal_instant(wanted: datetime, got: Any, tz: ZoneInfo) -> bool:
    if not isinstance(got, str) or not INSTANT.fullmatch(got):
        return False
    instant = datetime.fromisoformat(got)
    return instant == wanted and instant.utcoffset() == wanted.astimezone(tz).utcoffset()
