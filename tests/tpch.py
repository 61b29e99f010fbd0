"""The data of TPC-H as Parquet, CSV and JSON lines, made once a scale and kept.

In: a scale and a folder. Out: one folder a format, each with a `dataset.yaml` that says the types
and keys which CSV and JSON cannot. tpchgen-cli writes Parquet and CSV; DuckDB turns the Parquet
into JSON lines. A folder that is complete is used again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb

FORMATS = ["parquet", "csv", "jsonl"]

KEY = "int64"
MONEY = "decimal(15,2)"
TABLES: dict[str, dict[str, str]] = {
    "region": {"r_regionkey": KEY, "r_name": "text", "r_comment": "text"},
    "nation": {"n_nationkey": KEY, "n_name": "text", "n_regionkey": KEY, "n_comment": "text"},
    "supplier": {
        "s_suppkey": KEY, "s_name": "text", "s_address": "text", "s_nationkey": KEY,
        "s_phone": "text", "s_acctbal": MONEY, "s_comment": "text",
    },
    "customer": {
        "c_custkey": KEY, "c_name": "text", "c_address": "text", "c_nationkey": KEY,
        "c_phone": "text", "c_acctbal": MONEY, "c_mktsegment": "text", "c_comment": "text",
    },
    "part": {
        "p_partkey": KEY, "p_name": "text", "p_mfgr": "text", "p_brand": "text", "p_type": "text",
        "p_size": "int32", "p_container": "text", "p_retailprice": MONEY, "p_comment": "text",
    },
    "partsupp": {
        "ps_partkey": KEY, "ps_suppkey": KEY, "ps_availqty": "int32", "ps_supplycost": MONEY,
        "ps_comment": "text",
    },
    "orders": {
        "o_orderkey": KEY, "o_custkey": KEY, "o_orderstatus": "text", "o_totalprice": MONEY,
        "o_orderdate": "date", "o_orderpriority": "text", "o_clerk": "text",
        "o_shippriority": "int32", "o_comment": "text",
    },
    "lineitem": {
        "l_orderkey": KEY, "l_partkey": KEY, "l_suppkey": KEY, "l_linenumber": "int32",
        "l_quantity": MONEY, "l_extendedprice": MONEY, "l_discount": MONEY, "l_tax": MONEY,
        "l_returnflag": "text", "l_linestatus": "text", "l_shipdate": "date",
        "l_commitdate": "date", "l_receiptdate": "date", "l_shipinstruct": "text",
        "l_shipmode": "text", "l_comment": "text",
    },
}  # fmt: skip
PRIMARY = {
    "region": ["r_regionkey"], "nation": ["n_nationkey"], "supplier": ["s_suppkey"],
    "customer": ["c_custkey"], "part": ["p_partkey"], "partsupp": ["ps_partkey", "ps_suppkey"],
    "orders": ["o_orderkey"], "lineitem": ["l_orderkey", "l_linenumber"],
}  # fmt: skip
FOREIGN = {
    "nation": [("n_regionkey", "region", "r_regionkey")],
    "supplier": [("s_nationkey", "nation", "n_nationkey")],
    "customer": [("c_nationkey", "nation", "n_nationkey")],
    "partsupp": [("ps_partkey", "part", "p_partkey"), ("ps_suppkey", "supplier", "s_suppkey")],
    "orders": [("o_custkey", "customer", "c_custkey")],
    "lineitem": [
        ("l_orderkey", "orders", "o_orderkey"),
        ("l_partkey", "part", "p_partkey"),
        ("l_suppkey", "supplier", "s_suppkey"),
    ],
}


def dataset(form: str, scale: float) -> str:
    """The `dataset.yaml` of one format."""
    lines = ["version: 1", f"name: TPC-H at scale {scale:g} as {form}", "time_zone: UTC", "tables:"]
    for name, columns in TABLES.items():
        lines += [f"  {name}:", f"    files: {name}.{form}"]
        lines += [f"    primary_key: [{', '.join(PRIMARY[name])}]"]
        keys = [
            f"      - {{columns: [{column}], references: {{table: {there}, columns: [{key}]}}}}"
            for column, there, key in FOREIGN.get(name, [])
        ]
        lines += ["    foreign_keys:", *keys] if keys else []
        lines.append("    columns:")
        # Parquet has types of its own, and a declared one must not quarrel with them.
        lines += [f'      {c}: {{nullable: false, type: "{k}"}}' for c, k in columns.items()]
    return "\n".join(lines) + "\n"


def data(scale: float, folder: Path) -> dict[str, Path]:
    """The folder of each format, made where it is not there yet."""
    home = folder / f"tpch-{scale:g}"
    done = home / "complete"
    places = {form: home / form for form in FORMATS}
    if not done.exists():
        generate(scale, places)
        done.touch()
    for form, place in places.items():
        (place / "dataset.yaml").write_text(dataset(form, scale), encoding="utf-8")
    return places


def generate(scale: float, places: dict[str, Path]) -> None:
    generator = Path(sys.prefix) / "bin" / "tpchgen-cli"
    for form in ["parquet", "csv"]:
        command = [str(generator), form, "-s", f"{scale:g}", f"--output-dir={places[form]}"]
        subprocess.run(command, check=True)  # noqa: S603
    places["jsonl"].mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        for name in TABLES:
            source, target = (
                places["parquet"] / f"{name}.parquet",
                places["jsonl"] / f"{name}.jsonl",
            )
            connection.execute(f"copy (from '{source}') to '{target}' (format json)")
