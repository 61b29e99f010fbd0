"""The dataset `edge`: rows on the corners of every rule, text and numbers and times.

In: an empty folder. Out: the dataset's files in it. The zone is UTC, so that instants before 1970
have a column type on every engine. Nothing is random; a row is there because it once could have
gone wrong somewhere. Tables of keys, names and other types are in `edge_keys.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import edge_keys
import pyarrow as pa
from made import INSTANT, LOCAL, TEXT, Made, schema, write

D = Decimal

# ------------------------------------------------------------------------------------------ text

TEXTS = [
    None,
    "",
    " ",
    "a",
    "a ",
    " a",
    "A",
    "b",
    "B",
    "á",
    "a\u0301",  # the same sight, other code points
    "Á",
    "Å",
    "A\u030a",
    "\u212b",  # the sign for ångström
    "ß",
    "ss",
    "SS",
    "ẞ",
    "straße",
    "STRASSE",
    "İ",
    "i",
    "I",
    "ı",
    "Istanbul",
    "istanbul",
    "Σ",
    "σ",
    "ς",
    "ﬀ",
    "ff",
    "😀",
    "👩\u200d👩\u200d👧",
    "日本",
    "ÿ",
    "z",
    "Z",
    "O'Brien",
    "o'brien",
    "''",
    "'",
    '"quoted"',
    "`tick`",
    "\\",
    "\\\\",
    "\\'",
    "back\\slash",
    "%",
    "_",
    "100%",
    "100",
    "a_b",
    "axb",
    "a%b",
    "NULL",
    "null",
    "N\\A",
    "\\N",
    "tab\there",
    "line\nbreak",
    "carriage\rreturn",
    "comma,semicolon;",
    "{{a}}",
    "'; drop table texts; --",
    "\\' or 1=1 -- ",
    "a",
    "a",
    None,
    "",
    "0",
    "00",
    "1e3",
    "1000",
    "\u00a0",
    "\u200b",
    "x" * 300,
]
texts = Made(
    "texts",
    schema(id=[pa.int64()], t=TEXT, grp=[TEXT]),
    [(n + 1, t, ["x", "X", "x ", "é"][n % 4]) for n, t in enumerate(TEXTS)],
    ["id"],
    comment='Text that folds, sorts, escapes or joins in surprising ways; it\'s \\ "quoted" too',
)

# --------------------------------------------------------------------------------------- numbers

BIG = 2**63 - 1
SMALL = -(2**63)
UNSIGNED = 2**64 - 1
numbers = Made(
    "numbers",
    schema(
        id=[pa.int64()],
        g=TEXT,
        i8=pa.int8(),
        i16=pa.int16(),
        i32=pa.int32(),
        i64=pa.int64(),
        u8=pa.uint8(),
        u16=pa.uint16(),
        u32=pa.uint32(),
        # All beyond 2^53, so that each is text in JSON, whatever type an engine has for it.
        u64=pa.uint64(),
        f32=pa.float32(),
        f64=pa.float64(),
        d5=pa.decimal128(5, 2),
        d20=pa.decimal128(20, 0),
        d38=pa.decimal128(38, 10),
    ),
    [
        (
            1,
            "ends",
            -128,
            -32768,
            -(2**31),
            SMALL,
            0,
            0,
            0,
            2**53 + 1,
            -1.5,
            -1e300,
            D("-999.99"),
            D("-99999999999999999999"),
            D("-9999999999999999999999999999.9999999999"),
        ),
        (
            2,
            "ends",
            127,
            32767,
            2**31 - 1,
            BIG,
            255,
            65535,
            2**32 - 1,
            UNSIGNED,
            1.5,
            1e300,
            D("999.99"),
            D("99999999999999999999"),
            D("9999999999999999999999999999.9999999999"),
        ),
        (3, "zero", 0, 0, 0, 0, 0, 0, 0, 2**60, 0.0, 0.0, D("0"), D("0"), D("0")),
        (4, "zero", 0, 0, 0, 0, 0, 0, 0, 2**60, -0.0, -0.0, D("0"), D("0"), D("0")),
        (5, None, None, None, None, None, None, None, None, None, None, None, None, None, None),
        (6, "void", None, None, None, None, None, None, None, None, None, None, None, None, None),
        (
            7,
            "huge",
            1,
            1,
            1,
            BIG,
            1,
            1,
            1,
            UNSIGNED,
            16777216.0,
            1e15,
            D("0.01"),
            D("1"),
            D("0.0000000001"),
        ),
        (
            8,
            "huge",
            2,
            2,
            2,
            BIG,
            2,
            2,
            2,
            UNSIGNED,
            0.25,
            1e-15,
            D("0.02"),
            D("2"),
            D("0.0000000002"),
        ),
        (9, "half", 5, 5, 5, 5, 5, 5, 5, 2**63, 2.5, 2.5, D("2.5"), D("5"), D("2.5")),
        (10, "half", -5, -5, -5, -5, 5, 5, 5, 2**63, -2.5, -2.5, D("-2.5"), D("-5"), D("-2.5")),
        (11, "half", 5, 5, 5, 5, 5, 5, 5, 2**63, 0.125, 0.125, D("0.13"), D("5"), D("0.125")),
        (12, "safe", 3, 3, 3, 2**53, 3, 3, 3, 2**53 + 2, 0.5, 0.1, D("0.10"), D("3"), D("0.1")),
        (13, "safe", 3, 3, 3, 2**53 + 1, 3, 3, 3, 2**53 + 2, 0.5, 0.2, D("0.20"), D("3"), D("0.2")),
        (
            14,
            "safe",
            3,
            3,
            3,
            -(2**53) - 1,
            3,
            3,
            3,
            2**53 + 4,
            0.5,
            0.3,
            D("0.30"),
            D("3"),
            D("0.3"),
        ),
        (
            15,
            "thirds",
            7,
            7,
            7,
            7,
            7,
            7,
            7,
            2**61,
            7.0,
            1 / 3,
            D("0.33"),
            D("1"),
            D("0.3333333333"),
        ),
        (
            16,
            "thirds",
            2,
            2,
            2,
            2,
            2,
            2,
            2,
            2**61,
            2.0,
            2 / 3,
            D("0.67"),
            D("2"),
            D("0.6666666667"),
        ),
        (17, "thirds", None, 1, None, 1, None, 1, None, 2**61, None, 1.0, None, D("0"), None),
    ],
    ["id"],
    comment="The ends of every number type, halves, thirds, zeroes with a sign, and nulls",
)

# --------------------------------------------------------------------------------------- moments


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


INSTANTS = [
    None,
    utc(1850, 6, 15, 12),
    utc(1899, 12, 31, 23, 59, 59, 999999),
    utc(1900, 1, 1),
    utc(1900, 2, 28, 12),
    utc(1900, 3, 1),
    utc(1969, 7, 20, 20, 17, 40),
    utc(1969, 12, 31, 23, 59, 59, 500000),
    utc(1970, 1, 1),
    utc(1970, 1, 1, 0, 0, 0, 1),
    utc(1999, 12, 20),
    utc(1999, 12, 27),
    utc(1999, 12, 31, 23, 59, 59, 999999),
    utc(2000, 1, 1),
    utc(2000, 1, 2),
    utc(2000, 1, 3),
    utc(2000, 2, 29, 6),
    utc(2004, 12, 31),
    utc(2005, 1, 1),
    utc(2005, 1, 2, 23, 59, 59, 999999),
    utc(2008, 12, 29),
    utc(2010, 1, 3),
    utc(2010, 1, 4),
    utc(2011, 12, 30, 9, 59, 59),  # Apia leaves out a day
    utc(2011, 12, 30, 10),
    utc(2012, 2, 29),
    utc(2015, 12, 31, 12),
    utc(2016, 1, 3, 12),
    utc(2016, 2, 29, 23, 59, 59, 999999),
    utc(2020, 12, 31),
    utc(2021, 1, 3),
    utc(2024, 2, 29),
    utc(2024, 3, 1),
    utc(2024, 3, 10, 6, 59, 59, 999999),  # New York goes forward at 7
    utc(2024, 3, 10, 7),
    utc(2024, 3, 31, 0, 59, 59, 999999),  # Berlin goes forward at 1
    utc(2024, 3, 31, 1),
    utc(2024, 4, 6, 14, 59, 59),  # Lord Howe goes back by half an hour at 15
    utc(2024, 4, 6, 15),
    utc(2024, 4, 6, 15, 29),
    utc(2024, 10, 5, 15, 30),
    utc(2024, 10, 27, 0, 30),  # Berlin goes back at 1
    utc(2024, 10, 27, 1, 30),
    utc(2024, 11, 3, 5, 30),  # New York goes back at 6
    utc(2024, 11, 3, 6, 30),
    utc(2024, 12, 31, 18, 14, 59),  # midnight in Kathmandu is a quarter past 18
    utc(2024, 12, 31, 18, 15),
    utc(2038, 1, 19, 3, 14, 7),
    utc(2038, 1, 19, 3, 14, 8),
    utc(2100, 2, 28, 23),
    utc(2100, 3, 1),
    None,
]
moments = Made(
    "moments",
    schema(
        id=[pa.int64()],
        happened=INSTANT,
        local=LOCAL,
        # Within what MariaDB's TIMESTAMP can hold.
        seen=INSTANT,
        d=pa.date32(),
        tm=pa.time64("us"),
        g=[TEXT],
    ),
    [
        (
            n + 1,
            at,
            at and at.replace(tzinfo=None),
            at if at and 1971 <= at.year < 2037 else None,
            at and at.date(),
            at and at.time(),
            "odd" if n % 2 else "even",
        )
        for n, at in enumerate(INSTANTS)
    ],
    ["id"],
    time_column="happened",
    comment="Leap days, ends of centuries, years and ISO years, clocks that change, before 1970",
)


def quarters(start: datetime, until: datetime, leave_out: int) -> Iterator[datetime]:
    at, n = start, 0
    while at < until:
        if leave_out == 0 or n % leave_out:
            yield at
        at, n = at + timedelta(minutes=15), n + 1


def readings_rows() -> Iterator[tuple[Any, ...]]:
    spans = [
        ("north", utc(2024, 3, 9, 12), utc(2024, 3, 11), 0),
        ("north", utc(2024, 11, 2, 20), utc(2024, 11, 4), 5),
        ("south", utc(2024, 3, 30, 18), utc(2024, 4, 1), 7),
        ("south", utc(2024, 10, 26, 20), utc(2024, 10, 28), 0),
        ("leap", utc(2024, 2, 28, 20), utc(2024, 3, 1, 4), 3),
        ("leap", utc(2023, 12, 31, 20), utc(2024, 1, 1, 4), 0),
        ("Leap", utc(2024, 2, 29), utc(2024, 2, 29, 2), 0),
    ]
    for meter, start, until, leave_out in spans:
        for n, at in enumerate(quarters(start, until, leave_out)):
            kwh = None if n % 11 == 5 else D(n % 17) * D("0.125") - D("0.5")
            yield meter, at, kwh, None if n % 13 == 7 else n % 3 == 0


readings = Made(
    "readings",
    schema(meter=[TEXT], ts=[INSTANT], kwh=pa.decimal128(9, 3), ok=pa.bool_()),
    list(readings_rows()),
    ["meter", "ts"],
    time_column="ts",
    comment="A time series with gaps, over days of 23, 24 and 25 hours and a leap day",
)

TABLES = [texts, numbers, moments, readings, *edge_keys.TABLES]


def make(folder: Path) -> None:
    for made in TABLES:
        for row in made.rows:
            assert len(row) == len(made.schema), (made.name, row)
    write(folder, "edge", TABLES)
