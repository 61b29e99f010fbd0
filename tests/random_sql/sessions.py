"""Random datasets in every engine, and in a PostgreSQL that is asked directly.

In: running servers and a few schemas. Out: a way to ask one text of AIR on each engine and of the
server itself. The server's own database orders text by its bytes, as AIR does on every engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datasets import source_id
from engines import Engines, Servers
from libpq import Connection, Result
from random_irs.agreement import Verdict
from random_irs.questions import NOW
from random_irs.schemas import Schema
from random_irs.sessions import serving_schemas
from servers import LOADER, POSTGRES_BIN, Postgres, binary, run
from service import Reply

from random_sql.agreement import judge

# The stand-in for TimescaleDB takes the same texts as PostgreSQL.
KINDS = ("files", "postgres", "mysql")
PRESENT = {"now()": f"timestamptz '{NOW}'", "current_date": f"date '{NOW[:10]}'"}


class Asking:
    """Asks one text of everybody."""

    def __init__(self, engines: Engines, direct: dict[str, Connection]) -> None:
        self.engines = engines
        self.direct = direct
        self.pool = ThreadPoolExecutor(len(KINDS))

    def truth(self, dataset: str, text: str) -> Result:
        for word, value in PRESENT.items():
            text = text.replace(word, value)
        return self.direct[dataset].ask(text)

    def replies(self, dataset: str, text: str) -> dict[str, Reply]:
        def ask(engine: str) -> Reply:
            body = {"datasource_id": source_id(dataset, engine), "sql": text, "now": NOW}
            return self.engines.client.transport.send("POST", "/v1/query", body)

        return dict(zip(KINDS, self.pool.map(ask, KINDS), strict=True))

    def verdict(self, dataset: str, text: str, keys: list[int]) -> Verdict:
        asked = self.pool.submit(self.truth, dataset, text)
        replies = self.replies(dataset, text)
        return judge(asked.result(), replies, keys, text)


@contextlib.contextmanager
def asking_schemas(
    program: Path, work: Path, servers: Servers, schemas: dict[str, Schema]
) -> Iterator[Asking]:
    """The service over these datasets, and the server beside it; both are gone afterwards."""
    assert servers.postgres is not None
    with contextlib.ExitStack() as stack:
        service = serving_schemas(program, work, servers, schemas, kinds=KINDS)
        engines = stack.enter_context(service).engines
        direct = {
            name: stack.enter_context(copied(servers.postgres, name, work / f"{name}.sql"))
            for name in schemas
        }
        yield Asking(engines, direct)


@contextlib.contextmanager
def copied(server: Postgres, name: str, file: Path) -> Iterator[Connection]:
    """A copy of a loaded database whose text is in the order of its bytes."""
    copy = f"{name}_direct"
    locale = "locale_provider libc lc_collate 'C' lc_ctype 'C.UTF-8'"
    server.sql("postgres", f'create database "{copy}" template template0 {locale}')
    place = ["-h", str(server.folder), "-p", str(server.port), "-U", LOADER]
    dump = [binary("pg_dump", "postgresql", POSTGRES_BIN), *place, "-f", str(file), name]
    run(dump)
    server.sql(copy, file.read_text(encoding="utf-8"))
    connection = Connection(
        f"host={server.folder} port={server.port} user={LOADER} dbname={copy} client_encoding=UTF8"
    )
    try:
        yield connection
    finally:
        connection.close()
        server.sql("postgres", f'drop database "{copy}" with (force)')
