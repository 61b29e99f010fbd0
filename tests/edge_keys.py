"""The tables of `edge` about keys, duplicates, nothing at all, other types, and names."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pyarrow as pa
from made import INSTANT, TEXT, Made, schema, schema_of

D = Decimal

# ------------------------------------------------------------------------------------------ keys

codes = Made(
    "codes",
    schema(code=[TEXT], label=TEXT),
    [
        ("A", "capital"),
        ("b", "small"),
        ("ß", "sharp"),
        ("i", "dotted"),
        ("", "empty"),
        ("unused", None),
        ("d ", "blank after"),
        ("O'Neil", "quote"),
    ],
    ["code"],
    comment="Codes that a careless collation would join with others' spellings",
)
uses = Made(
    "uses",
    schema(id=[pa.int64()], code=TEXT, n=[pa.int32()]),
    [
        (1, "A", 1),
        (2, "a", 2),
        (3, "A ", 4),
        (4, "b", 8),
        (5, "B", 16),
        (6, "ss", 32),
        (7, "ß", 64),
        (8, "I", 128),
        (9, "ı", 256),
        (10, "i", 512),
        (11, "", 1024),
        (12, None, 2048),
        (13, " ", 4096),
        (14, "d", 8192),
        (15, "d ", 16384),
        (16, "O'Neil", 32768),
        (17, "á", 65536),
    ],
    ["id"],
    [(["code"], "codes", ["code"], "code")],
)
parents = Made(
    "parents",
    schema(a=[TEXT], b=[pa.int32()], label=TEXT, weight=pa.decimal128(10, 2)),
    [
        ("x", 1, "x1", D("1.10")),
        ("x", 2, "x2", None),
        ("X", 1, "X1", D("3.30")),
        ("y", -1, None, D("4.40")),
        ("", 0, "nothing", D("5.50")),
        ("é", 1, "e", D("6.60")),
    ],
    ["a", "b"],
)
children = Made(
    "children",
    schema(
        id=[pa.int64()],
        pa=TEXT,
        pb=pa.int32(),
        amount=pa.decimal128(12, 2),
        day=pa.date32(),
        flag=pa.bool_(),
    ),
    [
        (1, "x", 1, D("10.00"), date(2024, 1, 31), True),
        (2, "x", 1, D("20.50"), date(2024, 2, 29), False),
        (3, "x", 2, None, date(2024, 2, 29), None),
        (4, "X", 1, D("-5.25"), None, True),
        (5, "y", -1, D("0.01"), date(2023, 12, 31), False),
        (6, "y", None, D("7.00"), date(2024, 1, 1), True),
        (7, None, 1, D("8.00"), date(2024, 1, 1), None),
        (8, None, None, D("9.00"), None, None),
        (9, "x", 3, D("11.00"), date(1969, 12, 31), True),
        (10, "e", 1, D("12.00"), date(1900, 1, 1), True),
        (11, "é", 1, D("13.00"), date(2024, 3, 1), False),
        (12, "", 0, D("99999999.99"), date(2024, 3, 1), True),
    ],
    ["id"],
    [(["pa", "pb"], "parents", ["a", "b"], "parent")],
    time_column="day",
)
leaves = Made(
    "leaves",
    schema(id=[pa.int64()], child_id=pa.int64(), kind=TEXT, w=pa.float64()),
    [
        (1, 1, "k", 0.5),
        (2, 1, "k", 1.5),
        (3, 1, "K", None),
        (4, 2, None, 2.0),
        (5, 3, "k", 4.0),
        (6, None, "k", 8.0),
        (7, 99, "m", 16.0),
        (8, 9, "m", 32.0),
        (9, 12, "", -64.0),
    ],
    ["id"],
    [(["child_id"], "children", ["id"], "child")],
)
nodes = Made(
    "nodes",
    schema(id=[pa.int64()], name=TEXT, above=pa.int64()),
    [
        (1, "root", None),
        (2, "left", 1),
        (3, "right", 1),
        (4, "Left", 2),
        (5, None, 3),
        (6, "loop", 6),
    ],
    ["id"],
    [(["above"], "nodes", ["id"], "above")],
)
links = Made(
    "links",
    schema(
        id=[pa.int64()],
        from_node=pa.int64(),
        to_node=pa.int64(),
        via_node=pa.int64(),
        cost=pa.int32(),
    ),
    [
        (1, 1, 2, None, 5),
        (2, 2, 1, 3, 7),
        (3, 2, 2, 2, 0),
        (4, None, 3, 1, -1),
        (5, 4, None, 99, 11),
        (6, 5, 5, 5, None),
        (7, 6, 4, None, 13),
        (8, None, None, None, 17),
    ],
    ["id"],
    [
        (["from_node"], "nodes", ["id"], "from"),
        (["to_node"], "nodes", ["id"], "to"),
        (["via_node"], "nodes", ["id"], "via"),
    ],
)
empties = Made(
    "empties",
    schema(
        id=[pa.int64()],
        g=TEXT,
        v=pa.int32(),
        amount=pa.decimal128(8, 2),
        happened=INSTANT,
        node_id=pa.int64(),
        flag=pa.bool_(),
    ),
    [],
    ["id"],
    [(["node_id"], "nodes", ["id"], "node")],
    time_column="happened",
)
dups = Made(
    "dups",
    schema(k=TEXT, v=pa.int32(), flag=pa.bool_(), x=pa.float64()),
    [
        ("a", 1, True, 0.5),
        ("a", 1, True, 0.5),
        ("a", 1, True, 0.5),
        ("a", 2, None, None),
        ("b", None, None, None),
        ("b", None, None, None),
        (None, 1, False, 1.5),
        (None, 1, False, 1.5),
        (None, None, None, None),
        (None, None, None, None),
        ("A", 1, False, 0.5),
        ("c", 0, True, -0.0),
        ("c", 0, False, 0.0),
    ],
    comment="No key, and rows that are there more than once",
)

# ----------------------------------------------------------------------------------- other types

kinds = Made(
    "kinds",
    schema(
        id=[pa.int64()],
        u=TEXT,
        j=TEXT,
        b=pa.bool_(),
        bits=pa.binary(),
        d=pa.date32(),
        tm=pa.time64("us"),
    ),
    [
        (1, "00000000-0000-0000-0000-000000000000", '{"a": 1}', True, b"", date(1, 1, 1), time(0)),
        (
            2,
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            '{"a":1}',
            False,
            b"\x00\xff",
            date(9999, 12, 31),
            time(23, 59, 59, 999999),
        ),
        (
            3,
            "0188d6a2-7c3a-7b3e-9c0a-1f2e3d4c5b6a",
            '[1, null, "é"]',
            None,
            b"'\\\"",
            date(1970, 1, 1),
            time(12),
        ),
        (
            4,
            "0188d6a2-7c3a-7b3e-9c0a-1f2e3d4c5b6a",
            "null",
            True,
            None,
            date(1969, 12, 31),
            time(12),
        ),
        (5, None, None, False, b"\x00", None, None),
        (
            6,
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            '"text"',
            None,
            b"abc",
            date(2024, 2, 29),
            time(0, 0, 0, 1),
        ),
        (7, None, "1.50", None, None, date(2000, 2, 29), time(1, 2, 3)),
    ],
    ["id"],
    declared={"u": "uuid", "j": "json"},
)
specials = Made(
    "specials",
    schema(id=[pa.int64()], g=TEXT, v=pa.float64()),
    [
        (1, "nan", float("nan")),
        (2, "nan", 1.0),
        (3, "inf", float("inf")),
        (4, "inf", 2.0),
        (5, "ninf", float("-inf")),
        (6, "ninf", None),
        (7, "both", float("inf")),
        (8, "both", float("-inf")),
        (9, "zero", -0.0),
        (10, "zero", 0.0),
        (11, None, float("nan")),
        (12, None, None),
    ],
    ["id"],
    comment="Doubles that are no numbers; MariaDB has none and holds null",
)

# ----------------------------------------------------------------------------------------- names

reserved = Made(
    "select",
    schema_of(
        {
            "from": [pa.int64()],
            "Order": TEXT,
            "GROUP": TEXT,
            "is null": pa.bool_(),
            "net.amount": pa.decimal128(10, 2),
            'quo"te': pa.int32(),
            "back`tick": pa.int32(),
            "semi;--": TEXT,
            "größe": pa.float64(),
            "percent%s": pa.int32(),
            "日本": TEXT,
            "o'clock": pa.int32(),
            "back\\slash": pa.int32(),
            "$1": pa.int32(),
            "?": pa.int32(),
            "limit": pa.int32(),
            " lead": pa.int32(),
            "count": pa.int32(),
            "123": pa.int32(),
            "CamelCase": pa.int32(),
            "{curly}": pa.int32(),
            "a-b": pa.int32(),
        }
    ),
    [
        (
            n,
            ["x", "y", None][n % 3],
            ["p", "P"][n % 2],
            [True, False, None][n % 3],
            D(n) / 4,
            n,
            n * 2,
            ["m", ";", None][n % 3],
            n / 8,
            n * 3,
            ["日", "本"][n % 2],
            n * 4,
            n * 5,
            n * 6,
            n * 7,
            n * 8,
            n * 9,
            n * 10,
            n * 11,
            n * 12,
            n * 13,
            n * 14,
        )
        for n in range(1, 9)
    ],
    ["from"],
    comment="A reserved word with columns of every spelling",
)
odd = Made(
    'Mixed "Case" `Tick` é',
    schema_of({"Id": [pa.int64()], "Select": pa.int64(), "Näme": TEXT}),
    [(1, 1, "one"), (2, 1, "two"), (3, 8, "three"), (4, None, None), (5, 99, "five")],
    ["Id"],
    [(["Select"], "select", ["from"], "chosen")],
)

TABLES = [
    codes, uses, parents, children, leaves, nodes, links, empties, dups, kinds, specials,
    reserved, odd,
]  # fmt: skip
