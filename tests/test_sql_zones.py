"""SQL texts over sources in other zones than UTC, against PostgreSQL with that `TimeZone`.

In: `sql_zones.yaml`, and one table whose times lie around changes of the clock, in files, in
PostgreSQL and in MariaDB. Each zone is declared for a source of its own over the same rows. What
PostgreSQL answers comes as JSON, whose instants, timestamps and dates are written as the contract
writes them; so an offset too much or too few is a difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from made import INSTANT, LOCAL, Made, schema, write
from servers import PASSWORD, READER, MariaDb, Postgres, mariadb, postgres
from service import Client, Http, serving

CASES = yaml.safe_load((Path(__file__).parent / "sql_zones.yaml").read_text(encoding="utf-8"))
ZONES = {
    "berlin": "Europe/Berlin",
    "new_york": "America/New_York",
    "kolkata": "Asia/Kolkata",
    # Days begin twice and begin late here.
    "havana": "America/Havana",
    # A zone with summers, whose name is an abbreviation without any to PostgreSQL's AT TIME ZONE.
    "cet": "CET",
}
ENGINES = ("files", "postgres", "mysql")
# An ordinary time, and one in an hour that New York's clock shows twice.
NOWS = ("2024-07-01T22:45:30Z", "2024-11-03T06:20:00Z")

# Changes of the clocks, and starts of days, weeks, quarters and years on them.
MOMENTS = [
    "2023-12-31T18:30:00Z",
    "2023-12-31T23:00:00Z",
    "2024-01-01T05:00:00Z",
    "2024-03-10T05:00:00Z",
    "2024-03-10T07:00:00Z",
    "2024-03-31T01:00:00Z",
    "2024-04-01T04:00:00Z",
    "2024-06-30T18:30:00Z",
    "2024-06-30T22:00:00Z",
    "2024-07-01T22:15:00Z",
    "2024-10-27T01:00:00Z",
    "2024-11-03T05:00:00Z",
    "2024-11-03T06:00:00Z",
]
AROUND = [timedelta(hours=-24), timedelta(minutes=-30), timedelta(), timedelta(minutes=30)]
# Times that some clock here skips or shows twice, and plain ones.
SHOWN = [
    "2024-03-10T00:30:00",
    "2024-03-10T02:30:00",
    "2024-03-31T01:59:59.5",
    "2024-03-31T02:00:00",
    "2024-03-31T02:30:00",
    "2024-03-31T03:15:00",
    "2024-10-27T02:00:00",
    "2024-10-27T02:30:00",
    "2024-10-27T03:00:00",
    "2024-11-03T00:30:00",
    "2024-11-03T01:30:00",
    "2024-11-03T02:10:00",
    "2024-01-01T00:00:00",
    "2024-07-01T05:30:00",
    "2024-07-02T00:15:00",
]


def rows() -> list[tuple[int, datetime | None, datetime | None, date | None]]:
    found: list[tuple[int, datetime | None, datetime | None, date | None]] = []
    instants = [datetime.fromisoformat(m) + by for m in MOMENTS for by in AROUND]
    for number, at in enumerate(instants):
        shown = datetime.fromisoformat(SHOWN[number % len(SHOWN)])
        day = (at + timedelta(days=number % 3 - 1)).date()
        found.append((number, at, shown, day))
    return [*found, (len(found), None, datetime(2024, 3, 31), None), (len(found) + 1, *3 * (None,))]  # noqa: DTZ001


def inserted(values: str) -> str:
    def one(value: object) -> str:
        if isinstance(value, datetime):
            return f"'{value.astimezone(UTC) if value.tzinfo else value:%Y-%m-%d %H:%M:%S.%f}'"
        return "null" if value is None else f"'{value}'"

    lines = ", ".join(f"({', '.join(map(one, row))})" for row in rows())
    return f"{values} {lines};"


def into_postgres(server: Postgres) -> None:
    columns = "id bigint primary key, at timestamptz, shown timestamp, day date"
    lines = ["set time zone 'UTC'; set datestyle = 'ISO';", f"create table e ({columns});"]
    lines += [inserted("insert into e values"), f"grant select on e to {READER};"]
    server.sql("postgres", "\n".join(lines))


def into_mariadb(server: MariaDb) -> None:
    columns = "id bigint primary key, at timestamp(6) null default null"
    columns += ", shown datetime(6) null, day date null"
    lines = ["create database zones; use zones; set time_zone = '+00:00';"]
    lines += [f"create table e ({columns});", inserted("insert into e values")]
    lines.append(f"grant select on zones.* to '{READER}'@'127.0.0.1';")
    server.sql(None, "\n".join(lines))


def into_files(folder: Path) -> None:
    """The same rows once a zone."""
    table = Made(
        "e",
        schema(id=pa.int64(), at=INSTANT, shown=LOCAL, day=pa.date32()),
        list(rows()),
        primary_key=["id"],
    )
    for name, zone in ZONES.items():
        write(folder / name, name, [table], zone)


@dataclass
class World:
    """A service with a source for each zone and engine."""

    client: Client
    postgres: Postgres

    def answered(self, zone: str, engine: str, sql: str, now: str) -> Any:
        body = {"datasource_id": f"{zone}-{engine}", "sql": sql, "now": now}
        reply = self.client.transport.send("POST", "/v1/query", body)
        return reply.body["rows"] if reply.status == 200 else reply.body

    def wanted(self, zone: str, sql: str, now: str) -> Any:
        """PostgreSQL's own answer; it has no other present than its own, so that is written out."""
        at = f"timestamptz '{now}'"
        for word, value in [
            ("now()", f"({at})"),
            ("current_date", f"({at}::date)"),
            ("localtimestamp", f"({at}::timestamp)"),
        ]:
            sql = sql.replace(word, value)
        # Its merge join takes the skipped hour for an error of the order.
        settings = f"set time zone '{ZONES[zone]}'; set enable_mergejoin = off;"
        told = f"{settings} select coalesce(json_agg(answered), '[]') from ({sql}) answered"
        return json.loads(self.postgres.sql("postgres", told))


@pytest.fixture(scope="module")
def world(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("zones")
    files, data = folder / "files", folder / "air"
    data.mkdir()
    into_files(files)
    with postgres(folder / "pg") as pg, mariadb(folder / "my") as maria:
        into_postgres(pg)
        into_mariadb(maria)
        dsn = {"postgres": pg.dsn("postgres"), "mysql": maria.dsn("zones")}
        dsn = {
            engine: value.replace(PASSWORD, "${ZONES_PASSWORD}") for engine, value in dsn.items()
        }
        sources = [
            {"id": f"{zone}-files", "kind": "files", "base_path": str(files / zone)}
            for zone in ZONES
        ]
        sources += [
            {"id": f"{zone}-{engine}", "kind": engine, "dsn": where}
            for zone in ZONES
            for engine, where in dsn.items()
        ]
        config = {"files": {"base_path": str(files)}, "analytics_sources": sources}
        environment = {"ZONES_PASSWORD": PASSWORD}
        with serving(program, data, config, environment=environment) as process:
            client = Client(Http(process.base))
            for source in sources:
                client.learn(source["id"])
                if source["kind"] != "files":
                    declare(client, source["id"])
            yield World(client, pg)


def declare(client: Client, source: str) -> None:
    zone = ZONES[source.rsplit("-", 1)[0]]
    reply = client.transport.send("PATCH", f"/v1/catalog/{source}", {"time_zone": zone})
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", CASES["answered"])
def test_texts_mean_what_postgres_means(name: str, zone: str, world: World) -> None:
    sql = CASES["answered"][name]
    for now in NOWS if "now()" in sql or "current_date" in sql else NOWS[:1]:
        wanted = world.wanted(zone, sql, now)
        assert wanted, "a case without a row says nothing"
        for engine in ENGINES:
            assert world.answered(zone, engine, sql, now) == wanted, f"{engine}: {sql}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES["refused"])
def test_what_cannot_mean_the_same_is_refused(name: str, engine: str, world: World) -> None:
    sql, part = CASES["refused"][name]
    told = world.answered("berlin", engine, sql, NOWS[0])
    assert isinstance(told, dict), told
    assert part in json.dumps(told), told


def test_rows_lie_where_clocks_change() -> None:
    """The cases say something only while the rows are where they are."""
    instants = {at for _, at, _, _ in rows() if at is not None}
    assert {datetime.fromisoformat(m) for m in MOMENTS} <= instants
    assert {shown for _, _, shown, _ in rows()} >= {datetime.fromisoformat(s) for s in SHOWN}
