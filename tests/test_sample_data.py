"""The sample tables are those of the package, and `dataset.yaml` says what is true of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from oracle import SAMPLE, SHOP, Oracle
from sample_data import write_sample

COUNTS = {"flights": 336_776, "weather": 26_115, "airlines": 16, "airports": 1_458, "planes": 3_322}


def declared(folder: Path) -> dict[str, Any]:
    text = (folder / "dataset.yaml").read_text(encoding="utf-8")
    tables: dict[str, Any] = yaml.safe_load(text)["tables"]
    return tables


TABLES = {**declared(SAMPLE), **declared(SHOP)}


def one(oracle: Oracle, sql: str) -> Any:
    return oracle.answer(sql).rows[0][0]


def test_the_package_gives_the_same_rows(oracle: Oracle, tmp_path: Path) -> None:
    assert write_sample(tmp_path) == COUNTS
    for name in COUNTS:
        file = TABLES[name]["files"]
        # Parquet and gzip bytes follow the writer's version; the rows do not.
        for a, b in [(SAMPLE, tmp_path), (tmp_path, SAMPLE)]:
            extra = f"select count(*) from (from '{a / file}' except all from '{b / file}')"
            assert one(oracle, extra) == 0, name
        assert one(oracle, f"select count(*) from '{SAMPLE / file}'") == COUNTS[name]


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_declared_and_nullable_as_said(name: str, oracle: Oracle) -> None:
    columns = TABLES[name]["columns"]
    assert list(columns) == oracle.answer(f"from {name} limit 0").columns
    for column, told in columns.items():
        nulls = one(oracle, f"select count(*) - count({column}) from {name}")
        assert (nulls > 0) is told["nullable"], column


@pytest.mark.parametrize("name", TABLES)
def test_primary_keys_are_unique(name: str, oracle: Oracle) -> None:
    key = ", ".join(TABLES[name]["primary_key"])
    doubled = f"select count(*) from (select 1 from {name} group by {key} having count(*) > 1)"
    assert one(oracle, doubled) == 0


@pytest.mark.parametrize("name", TABLES)
def test_foreign_keys_lead_to_a_primary_key(name: str, oracle: Oracle) -> None:
    for key in TABLES[name].get("foreign_keys", []):
        target = TABLES[key["references"]["table"]]
        assert key["references"]["columns"] == target["primary_key"]
        on = " and ".join(
            f"a.{left} = b.{right}"
            for left, right in zip(key["columns"], key["references"]["columns"], strict=True)
        )
        pairs = f"select count(*) from {name} a join {key['references']['table']} b on {on}"
        assert one(oracle, pairs) > 0, key["role"]
