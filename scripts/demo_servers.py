"""The servers of the federated demo: parts of the sample data in PostgreSQL and MariaDB.

In: an empty folder. Out: both servers running on free ports, flights in PostgreSQL, planes and
airlines in MariaDB, and the file `ready` in the folder, whose lines name the two DSNs. They stop
when this program is told to end (SIGTERM, or its standard input closing). The weather stays a
file: the service reads it where it is.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLE = REPOSITORY / "data" / "sample"
sys.path.insert(0, str(REPOSITORY / "tests"))
import servers  # noqa: E402

FLIGHTS = """
create table flights (
  year smallint not null, month smallint not null, day smallint not null, dep_time smallint,
  sched_dep_time smallint not null, dep_delay smallint, arr_time smallint,
  sched_arr_time smallint not null, arr_delay smallint, carrier text not null,
  flight smallint not null, tailnum text, origin text not null, dest text not null,
  air_time smallint, distance smallint not null, hour smallint not null, minute smallint not null,
  time_hour timestamptz not null, primary key (time_hour, carrier, flight));
comment on table flights is 'One row for each flight scheduled to leave New York City in 2013';
comment on column flights.dep_delay is 'departure delay in minutes; negative is early';
"""

FLEET = """
create table airlines (carrier varchar(2) primary key, name varchar(100) not null)
  comment 'Airlines by their two-character code';
create table planes (tailnum varchar(10) primary key, year smallint, type varchar(40) not null,
  manufacturer varchar(60) not null, model varchar(40) not null, engines smallint not null,
  seats smallint not null comment 'seats of the model', speed smallint, engine varchar(40) not null)
  comment 'Planes by their tail number';
"""


def load_flights(server: servers.Postgres, folder: Path) -> None:
    server.sql("postgres", "create database flights")
    csv = folder / "flights.csv"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        columns = "* replace (strftime(time_hour, '%Y-%m-%d %H:%M:%SZ') as time_hour)"
        source = f"select {columns} from '{SAMPLE / 'flights.parquet'}'"
        connection.execute(f"copy ({source}) to '{csv}' (header false)")
    server.sql(
        "flights",
        f"{FLIGHTS}\\copy flights from '{csv}' with (format csv)\nanalyze;"
        f"grant select on flights to {servers.READER};",
    )


def load_fleet(server: servers.MariaDb, folder: Path) -> None:
    server.sql(None, "create database fleet character set utf8mb4")
    server.sql("fleet", FLEET)
    for table in ["airlines", "planes"]:
        csv = folder / f"{table}.csv"
        with duckdb.connect() as connection:
            source = f"from read_csv('{SAMPLE / table}.csv', header = true, all_varchar = true)"
            connection.execute(f"copy ({source}) to '{csv}' (header false, nullstr '\\N')")
        server.sql(
            "fleet",
            f"load data local infile '{csv}' into table {table} "
            "fields terminated by ',' optionally enclosed by '\"'",
        )
    server.sql(None, f"grant select on fleet.* to '{servers.READER}'@'127.0.0.1'")


def main() -> None:
    folder = Path(sys.argv[1])
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(servers.postgres(folder / "postgres"))
        load_flights(postgres, folder)
        mariadb = stack.enter_context(servers.mariadb(folder / "mariadb"))
        load_fleet(mariadb, folder)
        written = folder / "ready.part"
        written.write_text(f"{postgres.dsn('flights')}\n{mariadb.dsn('fleet')}\n")
        written.rename(folder / "ready")
        sys.stdin.read()


if __name__ == "__main__":
    main()
