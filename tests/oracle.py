"""The independent answer: DuckDB over the same files.

In: a case's SQL over the tables of `data/sample/` and `tests/data/shop/`, all as views of one
connection. Out: column names, and rows of plain Python values (instants as aware datetimes). The
macro `ny(t)` turns an instant into the local clock of New York, and back; SQL for other zones
says `timezone(zone, t)` itself. Nothing here knows the IR.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

TESTS = Path(__file__).resolve().parent
SAMPLE = TESTS.parent / "data" / "sample"
SHOP = TESTS / "data" / "shop"

# Written out again, so that a wrong type in dataset.yaml shows as a difference.
VIEWS = f"""
create view flights as from read_parquet('{SAMPLE}/flights.parquet');
create view weather as from read_json('{SAMPLE}/weather.jsonl.gz', columns={{
  origin: 'varchar', year: 'smallint', month: 'smallint', day: 'smallint', hour: 'smallint',
  temp: 'double', dewp: 'double', humid: 'double', wind_dir: 'smallint', wind_speed: 'double',
  wind_gust: 'double', precip: 'decimal(5,2)', pressure: 'double', visib: 'double',
  time_hour: 'timestamptz'}});
create view airlines as from read_csv('{SAMPLE}/airlines.csv', header=true,
  columns={{carrier: 'varchar', name: 'varchar'}});
create view airports as from read_csv('{SAMPLE}/airports.csv', header=true, columns={{
  faa: 'varchar', name: 'varchar', lat: 'double', lon: 'double', alt: 'integer', tz: 'smallint',
  dst: 'varchar', tzone: 'varchar'}});
create view planes as from read_csv('{SAMPLE}/planes.csv', header=true, columns={{
  tailnum: 'varchar', year: 'smallint', type: 'varchar', manufacturer: 'varchar',
  model: 'varchar', engines: 'smallint', seats: 'smallint', speed: 'smallint',
  engine: 'varchar'}});
create view customers as from read_csv('{SHOP}/customers.csv', header=true, columns={{
  id: 'bigint', name: 'varchar', vip: 'boolean', born: 'date', region: 'varchar'}});
create view orders as select * replace (timezone('Europe/Berlin', placed_at) as placed_at)
  from read_csv('{SHOP}/orders.csv', header=true, columns={{
  id: 'bigint', customer_id: 'bigint', placed_at: 'timestamp', ordered_on: 'date',
  shipped_on: 'date', amount: 'decimal(10,2)', qty: 'integer', paid: 'boolean',
  rating: 'double', channel: 'varchar'}});
create view refunds as from read_csv('{SHOP}/refunds.csv', header=true, columns={{
  id: 'bigint', order_id: 'bigint', customer_id: 'bigint', refunded_at: 'timestamptz',
  amount: 'decimal(10,2)'}});
create view visits as from read_csv('{SHOP}/visits.csv', header=true, columns={{
  id: 'bigint', customer_id: 'bigint', visited_at: 'timestamptz', pages: 'integer',
  score: 'double'}});
create macro ny(t) as timezone('America/New_York', t);
"""


@dataclass(frozen=True)
class Answer:
    """Columns and rows, in order."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Oracle:
    """One DuckDB connection in UTC over every table of the cases."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(VIEWS)
        self.answers: dict[str, Answer] = {}

    def answer(self, sql: str) -> Answer:
        """The rows of a query; the files do not change, so each is run once."""
        if sql not in self.answers:
            self.answers[sql] = self.run(sql)
        return self.answers[sql]

    def run(self, sql: str) -> Answer:
        relation = self.connection.sql(sql)
        # Through Arrow, since DuckDB's own way to aware datetimes wants another package; but
        # Arrow has no integer of 128 bits, which is what a sum of integers is.
        huge = [str(kind) == "HUGEINT" for kind in relation.types]
        table = relation.to_arrow_table()
        columns = [
            [None if value is None else int(value) for value in column.to_pylist()]
            if is_huge
            else column.to_pylist()
            for column, is_huge in zip(table.columns, huge, strict=True)
        ]
        return Answer(table.column_names, list(zip(*columns, strict=True)))
