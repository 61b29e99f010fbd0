"""Loads random datasets into every engine and serves them.

In: running servers and a few schemas. Out: a way to ask one question of all engines at once. A
service knows a handful of datasets and is then stopped, so that neither its sources nor the
servers' databases pile up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
from datasets import ENGINES, source_id
from engines import (
    PASSWORD_VARIABLE,
    Engines,
    Servers,
    configuration,
    load,
    stand_in,
)
from loading import read_dataset
from made import views, write
from servers import PASSWORD
from service import Client, Http, Reply, serving

from random_irs.agreement import Verdict, judge
from random_irs.questions import NOW
from random_irs.schemas import Schema


class Asking:
    """Asks one question of every engine."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.pool = ThreadPoolExecutor(len(ENGINES))

    def replies(self, dataset: str, ir: dict[str, Any]) -> dict[str, Reply]:
        def ask(engine: str) -> Reply:
            return self.engines.query(dataset, engine, ir, None, NOW)

        return dict(zip(ENGINES, self.pool.map(ask, ENGINES), strict=True))

    def verdict(self, dataset: str, ir: dict[str, Any]) -> Verdict:
        return judge(self.replies(dataset, ir), ir)

    def sql(self, dataset: str, ir: dict[str, Any]) -> dict[str, Any]:
        """The SQL each engine is sent, or why there is none."""
        found = {}
        for engine in ENGINES:
            body = {"ir": ir, "datasource_id": source_id(dataset, engine), "now": NOW}
            reply = self.engines.client.transport.send("POST", "/v1/sql", body)
            found[engine] = reply.body.get("sql", reply.body)
        return found


@contextlib.contextmanager
def serving_schemas(
    program: Path,
    work: Path,
    servers: Servers,
    schemas: dict[str, Schema],
    policies: Sequence[dict[str, Any]] = (),
    kinds: Sequence[str] = ENGINES,
) -> Iterator[Asking]:
    """The service over these datasets in these engines; they are gone afterwards."""
    data, files, scratch = work / "air", work / "files", work / "loading"
    for folder in (data, files, scratch):
        folder.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    datasets = {}
    for name, schema in schemas.items():
        tables = schema.made()
        write(files / name, name, tables)
        for statement in views(files / name, tables, prefix=f"{name}/"):
            connection.execute(statement)
        datasets[name] = read_dataset(files / name, connection, prefix=f"{name}/")
        load(servers, datasets[name], connection, scratch, prefix=f"{name}/")
    sources = [servers.source(name, engine, files / name) for name in schemas for engine in kinds]
    config = configuration(files, sources) | {"policies": list(policies)}
    try:
        with serving(program, data, config, environment={PASSWORD_VARIABLE: PASSWORD}) as process:
            engines = Engines(Client(Http(process.base)), datasets)
            for name in schemas:
                for engine in kinds:
                    engines.learn(name, engine)
            yield Asking(engines)
    finally:
        connection.close()
        drop(servers, list(schemas))


def drop(servers: Servers, names: list[str]) -> None:
    assert servers.postgres is not None
    assert servers.mariadb is not None
    for name in names:
        for database in (name, stand_in(name)):
            servers.postgres.sql("postgres", f'drop database "{database}" with (force)')
        servers.mariadb.sql(None, f"drop database `{name}`")
