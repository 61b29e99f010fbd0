"""Which Arrow type each type of a source becomes, with its values, nulls and zone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import kinds
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import air

# What text becomes is Arrow's newer form of it, whose short values need no second place.
# A single is computed with as a double; a time without a zone is one of its source's zone.
INSTANT = pa.timestamp("us", tz=kinds.ZONE)
BECOMES = {
    "word": pa.string_view(),
    "f32": pa.float64(),
    "instant": INSTANT,
    "local": INSTANT,
}


@pytest.mark.parametrize("name", [name for name, _, _ in kinds.KINDS])
def test_a_type_is_kept_with_its_values_and_nulls(engine: air.Engine, name: str) -> None:
    kind, values = next((kind, values) for known, kind, values in kinds.KINDS if known == name)
    table = pa.table(engine.run(kinds.ir(name), "kinds"))
    column = table[name]
    assert column.type == BECOMES.get(name, kind)
    assert column.null_count == 1
    if column.type == INSTANT:
        # Of two equal clocks in autumn, Python compares none with an instant of another zone.
        column = column.cast(pa.timestamp("us", tz="UTC"))
        zone = ZoneInfo(kinds.ZONE)
        values = [v if v.tzinfo else v.replace(tzinfo=zone).astimezone(UTC) for v in values]
    assert column.to_pylist() == [*values, None]


def test_instants_are_shown_in_the_zone_of_the_ir(engine: air.Engine) -> None:
    ir = {**kinds.ir("instant"), "time": {"timezone": "America/New_York"}}
    result = engine.run(ir, "kinds")
    assert result.time_zone == "America/New_York"
    first = pa.table(result)["instant"][0].as_py()
    assert first == datetime(2024, 3, 30, 20, 30, tzinfo=ZoneInfo("America/New_York"))
    assert first.utcoffset() == ZoneInfo("America/New_York").utcoffset(first)
    assert result.rows()[0][1] == "2024-03-30T20:30:00-04:00"


def test_polars_keeps_decimals_zones_and_unsigned(engine: air.Engine) -> None:
    frame = pl.DataFrame(engine.run(kinds.ir("money", "instant", "u64", "day", "word"), "kinds"))
    assert frame.schema == {
        "id": pl.Int32(),
        "money": pl.Decimal(10, 2),
        "instant": pl.Datetime("us", kinds.ZONE),
        "u64": pl.UInt64(),
        "day": pl.Date(),
        "word": pl.String(),
    }
    assert frame["money"].to_list() == [Decimal("-0.05"), Decimal("12345678.90"), None]
    assert frame["u64"].to_list() == [0, 2**64 - 1, None]
    assert frame.null_count().row(0) == (0, 1, 1, 1, 1, 1)


def test_pandas_keeps_decimals_zones_and_unsigned(engine: air.Engine) -> None:
    result = engine.run(kinds.ir("money", "instant", "u64"), "kinds")
    frame = pa.table(result).to_pandas(types_mapper=pd.ArrowDtype)
    assert str(frame["money"].dtype) == "decimal128(10, 2)[pyarrow]"
    assert str(frame["instant"].dtype) == f"timestamp[us, tz={kinds.ZONE}][pyarrow]"
    assert frame["u64"].tolist()[1] == 2**64 - 1
    assert frame["money"].isna().tolist() == [False, False, True]
    plain = pd.DataFrame.from_arrow(result)
    assert plain["instant"].dtype == pd.DatetimeTZDtype("us", kinds.ZONE)


def test_duckdb_keeps_decimals_zones_and_unsigned(engine: air.Engine) -> None:
    taken = engine.run(kinds.ir("money", "instant", "u64", "day", "word"), "kinds")
    found = duckdb.sql("from taken order by id")
    assert [str(kind) for kind in found.types] == [
        "INTEGER",
        "DECIMAL(10,2)",
        "TIMESTAMP WITH TIME ZONE",
        "UBIGINT",
        "DATE",
        "VARCHAR",
    ]
    row = duckdb.sql("select money, u64, word from taken where id = 2").fetchone()
    assert row == (Decimal("12345678.90"), 2**64 - 1, kinds.KINDS[-1][2][1])
    assert taken.num_rows == 3


def test_an_empty_answer_keeps_its_columns(engine: air.Engine) -> None:
    ir = {**kinds.ir("money"), "filters": [{"field": "id", "op": ">", "value": 99}]}
    table = pa.table(engine.run(ir, "kinds"))
    assert table.num_rows == 0
    assert table.schema.field("money").type == pa.decimal128(10, 2)


def test_the_schema_comes_alone_too(engine: air.Engine) -> None:
    result = engine.run(kinds.ir("money", "word"), "kinds")
    assert pa.schema(result) == pa.table(result).schema
