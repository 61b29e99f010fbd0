"""The stand-in for TimescaleDB: its buckets and views are those of TimescaleDB 2.x.

What is expected here was worked out from TimescaleDB's documentation, not from the stand-in.
"""

from __future__ import annotations

import pytest
from engines import Loaded, stand_in

BUCKETS = [
    ("time_bucket('1 day', timestamp '2024-02-29 23:59:59.999999')", "2024-02-29 00:00:00"),
    ("time_bucket('3 days', timestamp '1999-12-31 23:00')", "1999-12-31 00:00:00"),
    ("time_bucket('3 days', timestamp '1999-12-30 23:00')", "1999-12-28 00:00:00"),
    ("time_bucket('1 week', timestamp '2024-02-29')", "2024-02-26 00:00:00"),
    ("time_bucket('1 week', timestamp '2024-02-29', timestamp '2000-01-02')", "2024-02-25 00:00:00"),
    ("time_bucket('5 minutes', timestamp '1969-12-31 23:59:59.5')", "1969-12-31 23:55:00"),
    ("time_bucket('1 month', timestamp '1899-12-31')", "1899-12-01 00:00:00"),
    ("time_bucket('5 months', timestamp '1999-12-31')", "1999-08-01 00:00:00"),
    ("time_bucket('3 months', timestamp '2024-01-15', timestamp '2000-02-01')", "2023-11-01 00:00:00"),
    ("time_bucket('1 year', timestamp '2024-03-31', timestamp '2000-04-01')", "2023-04-01 00:00:00"),
    ("time_bucket('10 years', date '1969-07-20')", "1960-01-01"),
    ("time_bucket('14 days', date '1999-12-20', date '2000-01-03')", "1999-12-20"),
    ("time_bucket('1 day', timestamptz '2024-03-10 06:59:59Z', 'America/New_York')", "2024-03-10 05:00:00+00"),
    ("time_bucket('1 day', timestamptz '2024-03-11 03:59:59Z', 'America/New_York')", "2024-03-10 05:00:00+00"),
    ("time_bucket('1 day', timestamptz '2024-03-11 04:00:00Z', 'America/New_York')", "2024-03-11 04:00:00+00"),
    ("time_bucket('1 month', timestamptz '2024-12-31 18:15Z', 'Asia/Kathmandu')", "2024-12-31 18:15:00+00"),
    (
        "time_bucket('7 days', timestamptz '2024-11-03 12:00Z', 'Europe/Berlin', timestamp '2000-01-02' at time zone 'Europe/Berlin')",
        "2024-11-02 23:00:00+00",
    ),
    ("time_bucket('1 day', timestamptz '2024-02-29 12:00Z', 'UTC', null, '6 hours')", "2024-02-29 06:00:00+00"),
    ("time_bucket('1 day', timestamptz '2024-02-29 23:30Z')", "2024-02-29 00:00:00+00"),
    ("time_bucket('1 day', null::timestamptz, 'UTC')", ""),
]  # fmt: skip
REFUSED = [
    ("time_bucket('1 month 1 day', timestamp '2024-01-01')", "month intervals cannot have day"),
    ("time_bucket('0 days', timestamp '2024-01-01')", "period must be greater than 0"),
    ("time_bucket('-1 month', timestamp '2024-01-01')", "period must be greater than 0"),
    ("time_bucket('6 hours', date '2024-01-01')", "must be a multiple of a day"),
]
SETTINGS = "set timezone = 'UTC'; set datestyle = 'ISO';\n"


def ask(loaded: Loaded, sql: str) -> str:
    assert loaded.servers.postgres is not None
    return loaded.servers.postgres.sql(stand_in("edge"), SETTINGS + sql).strip()


@pytest.mark.parametrize("engine", ["timescaledb"])
@pytest.mark.parametrize(("call", "wanted"), BUCKETS)
def test_a_bucket(call: str, wanted: str, engine: str, loaded: Loaded) -> None:
    assert engine in loaded.engines
    assert ask(loaded, f"select {call}") == wanted


@pytest.mark.parametrize("engine", ["timescaledb"])
@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_a_width_that_is_none(call: str, words: str, engine: str, loaded: Loaded) -> None:
    assert engine in loaded.engines
    with pytest.raises(AssertionError, match=words):
        ask(loaded, f"select {call}")


@pytest.mark.parametrize("engine", ["timescaledb"])
def test_the_views_tell_of_hypertables(engine: str, loaded: Loaded) -> None:
    assert engine in loaded.engines
    tables = ask(
        loaded,
        "select h.hypertable_schema, h.hypertable_name, d.column_name, d.dimension_type, d.time_interval "
        "from timescaledb_information.hypertables h join timescaledb_information.dimensions d "
        "using (hypertable_schema, hypertable_name)",
    )
    assert tables == "public|readings|ts|Time|7 0:00:00"
    whole = (
        "select count(*) from readings r where not exists (select from timescaledb_information.chunks c "
        "where r.ts >= c.range_start and r.ts < c.range_end)"
    )
    assert ask(loaded, whole) == "0"
    lengths = "select distinct range_end - range_start from timescaledb_information.chunks"
    assert ask(loaded, lengths) == "7 0:00:00"
