"""Reading whole tables side by side: from a database's wire into Arrow batches.

In: the bench program (AIR_BENCH_BIN), the packages of requirements.txt, PostgreSQL 15 and MariaDB
10.11. Out: Markdown, and JSON with --json. One million and six million rows, narrow (4 columns)
and wide (16 columns of mixed types), from private servers with the tables in memory. Every reader
connects over TCP on this machine as the same user. Before anything is timed, every reader's rows
of the smallest tables are compared with AIR's, all columns of all rows; in every timed turn the
number of rows must be right. The floor is the server's own client that throws the rows away.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import connectorx
import databases
import duckdb
import pyarrow as pa
from measure import (
    Report,
    Spread,
    Worker,
    machine,
    program,
    ratios,
    say,
    seconds,
    table,
    take_turns,
)

Reader = Callable[[str], int]

# Name, AIR's type, PostgreSQL's, MariaDB's, and how DuckDB makes it from the row's number i.
COLUMNS = [
    (
        "id", "int64", "bigint not null", "bigint not null",
        "i",
    ),
    (
        "stamp", "timestamptz", "timestamptz", "timestamp(6) null",
        "timestamptz '2024-01-01 00:00:00Z' + to_microseconds(i * 1234567)",
    ),
    (
        "amount", "float64", "double precision", "double",
        "(hash(i) % 1000000) / 64.0",
    ),
    (
        "label", "text", "text", "varchar(40)",
        "'label-' || (hash(i) % 5000)",
    ),
    (
        "small", "int16", "smallint", "smallint",
        "(hash(i + 1) % 30000)::int",
    ),
    (
        "number", "int32", "integer", "int",
        "case when i % 11 = 0 then null else (hash(i + 2) % 2000000)::int end",
    ),
    (
        "big", "int64", "bigint", "bigint",
        "(hash(i + 3) % 9000000000000)::bigint",
    ),
    (
        "ratio", "float64", "double precision", "double",
        "case when i % 7 = 0 then null else i / 3.0 end",
    ),
    (
        "price", "decimal(12,2)", "numeric(12,2)", "decimal(12,2)",
        "((hash(i + 4) % 90000000) / 100.0)::decimal(12,2)",
    ),
    (
        "rate", "decimal(18,4)", "numeric(18,4)", "decimal(18,4)",
        "((hash(i + 5) % 90000000) / 10000.0)::decimal(18,4)",
    ),
    (
        "word", "text", "text", "varchar(40)",
        "case when i % 5 = 0 then null else 'w' || (hash(i + 6) % 100) end",
    ),
    (
        "note", "text", "text", "varchar(80)",
        "'a note of some length, number ' || hash(i + 7)",
    ),
    (
        "day", "date", "date", "date",
        "date '2010-01-01' + (hash(i + 8) % 5000)::int",
    ),
    (
        "clock", "timestamp", "timestamp", "datetime(6)",
        "timestamp '2012-01-01' + to_seconds((hash(i + 9) % 300000000)::int)",
    ),
    (
        "flag", "bool", "boolean", "tinyint(1)",
        "case when i % 13 = 0 then null else (hash(i + 10) % 2)::int end",
    ),
    (
        "code", "text", "text", "char(12)",
        "lpad((hash(i + 11) % 1000000)::varchar, 12, '0')",
    ),
]  # fmt: skip
SHAPES = {"narrow": 4, "wide": 16}
FLOAT_DIGITS = 6
AIR_WHOLE = "AIR, 1 connection"


@dataclass
class Place:
    """A server with the tables in it, and who reads from it."""

    name: str
    schema: str
    readers: dict[str, Reader]
    floor: str
    checks: dict[str, Callable[[str], pa.Table]]
    worker: Worker


def sized(shape: str, rows: int) -> str:
    return f"{shape}_{rows}"


def columns_of(table_name: str) -> list[tuple[str, str, str, str, str]]:
    return COLUMNS[: SHAPES[table_name.partition("_")[0]]]


def names_of(table_name: str) -> str:
    return ", ".join(column[0] for column in columns_of(table_name))


def select(table_name: str) -> str:
    return f"select {names_of(table_name)} from {table_name}"


def write_csv(table_name: str, folder: Path) -> Path:
    """The rows of a table as a CSV that both servers load; a null is \\N."""
    rows = int(table_name.partition("_")[2])
    made = ", ".join(f"{column[4]} as {column[0]}" for column in columns_of(table_name))
    path = folder / f"{table_name}.csv"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        shown = ", ".join(
            f"strftime({n}, '%Y-%m-%d %H:%M:%S.%f') as {n}" if n in {"stamp", "clock"} else n
            for n in (column[0] for column in columns_of(table_name))
        )
        connection.execute(
            f"copy (select {shown} from (select {made} from range({rows}) r(i))) to '{path}'"
            " (format csv, header false, nullstr '\\N')"
        )
    path.chmod(0o644)
    return path


# PostgreSQL


def load_postgres(server: Any, table_name: str, csv: Path) -> None:  # noqa: ANN401
    columns = ", ".join(f"{column[0]} {column[2]}" for column in columns_of(table_name))
    server.sql(
        "bench",
        f"set timezone = 'UTC'; create table {table_name} ({columns});"
        f"\n\\copy {table_name} from '{csv}' with (format csv, null '\\N')\n"
        f"vacuum (freeze, analyze) {table_name};",
    )


def copy_floor(server: Any) -> Reader:  # noqa: ANN401
    environment = {**os.environ, "PGPASSWORD": databases.PASSWORD}

    def read(table_name: str) -> int:
        copy = f"\\copy ({select(table_name)}) to '/dev/null' with (format binary)"
        command = ["psql", "-X", "-h", "127.0.0.1", "-p", str(server.port), "-U", databases.READER]
        done = subprocess.run(  # noqa: S603
            [*command, "-d", "bench", "-c", copy],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout.split()[1])

    return read


def drain(reader: pa.RecordBatchReader) -> int:
    return sum(batch.num_rows for batch in reader)


def adbc(uri: str) -> tuple[Reader, Callable[[str], pa.Table]]:
    connection = adbc_driver_postgresql.dbapi.connect(uri)

    def count(table_name: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(select(table_name))
            return drain(cursor.fetch_record_batch())

    def whole(table_name: str) -> pa.Table:
        with connection.cursor() as cursor:
            cursor.execute(select(table_name))
            return cursor.fetch_arrow_table()

    return count, whole


def connector_x(uri: str, partitions: int) -> tuple[Reader, Callable[[str], pa.Table]]:
    def read(table_name: str) -> pa.Table:
        divided = {"partition_on": "id", "partition_num": partitions} if partitions > 1 else {}
        return connectorx.read_sql(uri, select(table_name), return_type="arrow", **divided)

    return lambda t: read(t).num_rows, read


def duckdb_scanner(kind: str, words: str, threads: int) -> tuple[Reader, Callable[[str], pa.Table]]:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set threads = {threads}")
    databases.load_extension(connection, f"{kind}_scanner")
    connection.execute(f"attach '{words}' as remote (type {kind}, read_only)")
    home = "remote.public" if kind == "postgres" else "remote"

    def open_reader(table_name: str) -> pa.RecordBatchReader:
        query = f"select {names_of(table_name)} from {home}.{table_name}"
        return connection.execute(query).to_arrow_reader(65_536)

    return lambda t: drain(open_reader(t)), lambda t: open_reader(t).read_all()


def air(worker: Worker, schema: str, *, whole: bool = False) -> Reader:
    """AIR as it comes, which reads a large table of PostgreSQL in parts, or by one connection."""

    def read(table_name: str) -> int:
        told = worker.ask(**request(schema, table_name), whole=whole)
        if whole and told["parts"] != 1:
            sys.exit(f"{table_name} was read in {told['parts']} parts, and was to be read whole")
        rows: int = told["rows"]
        return rows

    return read


def request(schema: str, table_name: str) -> dict[str, Any]:
    """AIR's sessions have no search path: its SQL names schemas."""
    columns = [column[:2] for column in columns_of(table_name)]
    return {"table": f"{schema}.{table_name}", "columns": columns}


def place_postgres(server: Any) -> Place:  # noqa: ANN401
    uri = f"postgresql://{databases.READER}:{databases.PASSWORD}@127.0.0.1:{server.port}/bench"
    worker = Worker(
        program("AIR_BENCH_BIN"),
        "reading",
        "postgres",
        environment={"AIR_BENCH_DSN": server.dsn("bench")},
    )
    words = databases.postgres_words(server, "bench")
    peers = {
        "connectorx": connector_x(uri, 1),
        "connectorx, 2 connections": connector_x(uri, 2),
        "ADBC": adbc(uri),
        "DuckDB postgres": duckdb_scanner("postgres", words, os.cpu_count() or 1),
        "DuckDB postgres, 1 connection": duckdb_scanner("postgres", words, 1),
    }
    floor = "psql \\copy binary to null"
    readers = {
        "AIR": air(worker, "public"),
        AIR_WHOLE: air(worker, "public", whole=True),
        floor: copy_floor(server),
        **{n: p[0] for n, p in peers.items()},
    }
    return Place(
        "PostgreSQL", "public", readers, floor, {n: p[1] for n, p in peers.items()}, worker
    )


# MariaDB


def load_mariadb(server: Any, table_name: str, csv: Path) -> None:  # noqa: ANN401
    columns = ", ".join(f"{column[0]} {column[3]}" for column in columns_of(table_name))
    server.sql(
        "bench",
        f"create table {table_name} ({columns}, primary key (id)) charset utf8mb4;"
        f"load data local infile '{csv}' into table {table_name} "
        "fields terminated by ',' optionally enclosed by '\"';"
        f"analyze table {table_name};",
    )


def client_floor(server: Any) -> Reader:  # noqa: ANN401
    environment = {**os.environ, "MYSQL_PWD": databases.PASSWORD}
    command = [
        "mariadb",
        "--no-defaults",
        "--batch",
        "--quick",
        "--skip-column-names",
        "-h",
        "127.0.0.1",
        "-P",
        str(server.port),
        "-u",
        databases.READER,
        "bench",
        "-e",
    ]

    def read(table_name: str) -> int:
        subprocess.run(  # noqa: S603
            [*command, select(table_name)], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        return int(table_name.partition("_")[2])

    return read


def place_mariadb(server: Any) -> Place:  # noqa: ANN401
    uri = f"mysql://{databases.READER}:{databases.PASSWORD}@127.0.0.1:{server.port}/bench"
    worker = Worker(
        program("AIR_BENCH_BIN"),
        "reading",
        "mysql",
        environment={"AIR_BENCH_DSN": server.dsn("bench")},
    )
    words = databases.mariadb_words(server, "bench")
    peers = {
        "connectorx": connector_x(uri, 1),
        "connectorx, 2 connections": connector_x(uri, 2),
        "DuckDB mysql": duckdb_scanner("mysql", words, os.cpu_count() or 1),
    }
    floor = "mariadb --quick to null"
    readers = {
        "AIR": air(worker, "bench"),
        floor: client_floor(server),
        **{n: p[0] for n, p in peers.items()},
    }
    return Place("MariaDB", "bench", readers, floor, {n: p[1] for n, p in peers.items()}, worker)


# Equal rows


def plain(table_name: str) -> str:
    """Columns in one spelling: tools differ in the types they give, not in what they mean."""
    shown = []
    for name, data_type, *_ in columns_of(table_name):
        if data_type.startswith("decimal") or data_type == "float64":
            shown.append(f"round({name}::double, {FLOAT_DIGITS}) as {name}")
        elif data_type == "timestamptz":
            shown.append(f"epoch_us({name}::timestamptz) as {name}")
        elif data_type == "timestamp":
            shown.append(f"epoch_us({name}::timestamp) as {name}")
        elif data_type == "date":
            shown.append(f"{name}::date as {name}")
        elif data_type == "bool":
            shown.append(f"{name}::int::bool as {name}")
        else:
            shown.append(f"{name}::varchar as {name}")
    return ", ".join(shown)


def check(place: Place, table_name: str, folder: Path) -> None:
    """Refuses to go on where a reader's rows differ from AIR's in any column."""
    kept = folder / f"{place.name}-{table_name}.arrow"
    parts = place.worker.ask(**request(place.schema, table_name), keep=str(kept))["parts"]
    with pa.memory_map(str(kept)) as file:
        ours = pa.ipc.open_file(file).read_all()  # noqa: F841
        for name, whole in place.checks.items():
            theirs = whole(table_name)  # noqa: F841
            with duckdb.connect() as connection:
                connection.execute("set timezone = 'UTC'")
                connection.execute(f"create table a as select {plain(table_name)} from ours")
                connection.execute(f"create table b as select {plain(table_name)} from theirs")
                counts = "(select count(*) from a), (select count(*) from b)"
                both = "(select count(*) from (from a except all from b))"
                found = connection.execute(f"select {counts}, {both}").fetchone()
            rows = int(table_name.partition("_")[2])
            if found != (rows, rows, 0):
                sys.exit(f"{place.name}, {table_name}: {name} differs from AIR: {found}")
    kept.unlink()
    peers = ", ".join(place.checks)
    say(f"- {place.name}, {table_name}: {peers} give the rows AIR gives, which read {parts} parts")


def timed(reader: Reader, table_name: str) -> float:
    rows = int(table_name.partition("_")[2])
    read: list[int] = []
    taken = seconds(lambda: read.append(reader(table_name)))
    if read != [rows]:
        sys.exit(f"{read} rows of {table_name} were read, not {rows}")
    return taken


def measure(place: Place, tables: list[str], rounds: int, report: Report) -> None:
    say(f"## {place.name}\n")
    rows: dict[str, list[str]] = {name: [name] for name in place.readers}
    for table_name in tables:
        runners = {n: partial(timed, r, table_name) for n, r in place.readers.items()}
        take_turns(runners, 1)  # the first round fills caches and is thrown away
        given = take_turns(runners, rounds)
        for name, taken in given.items():
            spread, over = Spread.of(taken), ratios(taken, given[place.floor])
            rows[name].append(f"{spread.show(' s')}, ×{over.show()}")  # noqa: RUF001
            report.keep(f"{place.name}/{table_name}/{name}", taken)
        judge(place, table_name, given, report)
    say()
    table(["seconds: median (quartiles), times the floor", *tables], rows.values())


def judge(place: Place, table_name: str, given: dict[str, list[float]], report: Report) -> None:
    ours = given["AIR"]
    floor = ratios(ours, given[place.floor])
    if place.name == "PostgreSQL":
        report.goal(
            f"{place.name} {table_name}, over the floor",
            "≤ 1.15",
            floor.show(),
            met=floor.median <= 1.15,
        )
    own = {"AIR", AIR_WHOLE, place.floor}
    peers = {n: ratios(taken, ours) for n, taken in given.items() if n not in own}
    nearest = min(peers, key=lambda name: peers[name].median)
    report.goal(
        f"{place.name} {table_name}, faster than every peer",
        "> 1",
        f"{peers[nearest].show()} (nearest: {nearest})",
        met=peers[nearest].median > 1,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 6_000_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["postgres", "mariadb"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report = Report("Reading: whole tables into Arrow")
    machine(
        ["connectorx", "adbc-driver-postgresql", "duckdb", "pyarrow"],
        {"PostgreSQL": version("psql"), "MariaDB": version("mariadb")},
    )
    tables = [sized(shape, rows) for rows in chosen.rows for shape in SHAPES]
    kinds = {
        "postgres": (databases.postgres, load_postgres, place_postgres),
        "mariadb": (databases.mariadb, load_mariadb, place_mariadb),
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        csvs = {table_name: write_csv(table_name, folder) for table_name in tables}
        for kind, (start, load, place_of) in kinds.items():
            if chosen.only not in {None, kind}:
                continue
            with start(folder / kind, "bench") as server:
                for table_name, csv in csvs.items():
                    load(server, table_name, csv)
                place = place_of(server)
                for shape in SHAPES:
                    check(place, sized(shape, min(chosen.rows)), folder)
                measure(place, tables, chosen.rounds, report)
                place.worker.close()
    report.save(chosen.json)


def version(command: str) -> str:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


if __name__ == "__main__":
    main()
