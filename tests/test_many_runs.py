"""Many federated runs at once under a memory limit, while one source dies in the middle.

In: a Postgres, a MariaDB and the service, whose writable memory is held to 1 GiB by the system.
Eight runs join Postgres to MariaDB and eight ask Postgres alone. MariaDB is killed when it is seen
to work on a query of theirs. The runs without it end well; those with it end well or with an error
that names it; no connection is left working in Postgres's own view, and once MariaDB is back the
same report runs again.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
from servers import READER, MariaDb, Postgres, mariadb, postgres
from service import REPOSITORY, Http, Reply, serving

GIBIBYTE = 1 << 30
# Passwords in DSNs are stored encrypted with it.
KEY = {"AIR_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode()}
RUNS = 8
ORDERS = 1_000_000
WAIT_SECONDS = 180

POSTGRES_DATA = f"""
create table customers (id bigint primary key, segment text not null);
insert into customers select n, 'segment ' || n % 7 from generate_series(1, 5000) n;
create table payments (
  id bigint primary key, customer_id bigint references customers, paid numeric(12,2));
insert into payments select n, 1 + n % 5000, n % 1000 from generate_series(1, 200000) n;
analyze;
grant select on all tables in schema public to {READER};
"""
MARIADB_DATA = f"""
create table orders (id bigint primary key, customer_id bigint not null, amount decimal(12,2));
insert into orders select seq, 1 + seq % 5000, seq % 1000 from seq_1_to_{ORDERS};
grant select on ops.* to '{READER}'@'127.0.0.1';
"""

# Median needs every row here, so that MariaDB is still sending when it is killed.
ACROSS = {
    "entities": [
        {"entity": "orders", "source": "ops"},
        {"entity": "customers", "source": "sales", "as": "buyer"},
    ],
    "joins": [{"left": "orders.customer_id", "right": "buyer.id"}],
    "dimensions": ["buyer.segment"],
    "metrics": [
        {"name": "orders", "agg": "count"},
        {"name": "amount", "agg": "sum", "field": "orders.amount"},
        {"name": "median", "agg": "median", "field": "orders.amount"},
    ],
}
ALONE = {
    "entities": ["payments", "customers"],
    "dimensions": ["customers.segment"],
    "metrics": [{"name": "paid", "agg": "sum", "field": "paid"}],
}


def config(pg: Postgres, maria: MariaDb) -> dict[str, object]:
    return {
        "files": {"base_path": str(REPOSITORY)},
        "limits": {"runs_per_user": 64, "memory_pool": "512MB", "request": "120s"},
        "execution": {"query_timeout": "100s"},
        "analytics_sources": [
            {"id": "sales", "kind": "postgres", "dsn": pg.dsn("postgres"), "default": True},
            {"id": "ops", "kind": "mysql", "dsn": maria.dsn("ops")},
        ],
    }


def until(seen: Callable[[], bool], what: str) -> None:
    """Asks again and again; an error where it is not seen in time."""
    deadline = monotonic() + WAIT_SECONDS
    while not seen():
        assert monotonic() < deadline, f"not seen in {WAIT_SECONDS} s: {what}"


def working(maria: MariaDb) -> bool:
    queries = "select count(*) from information_schema.processlist"
    query = f"{queries} where user = '{READER}' and info like '%orders%'"
    return int(maria.sql(None, query)) > 0


def busy(pg: Postgres) -> int:
    query = f"select count(*) from pg_stat_activity where usename = '{READER}' and state <> 'idle'"
    return int(pg.sql("postgres", query))


def connections(pg: Postgres) -> int:
    query = f"select count(*) from pg_stat_activity where usename = '{READER}'"
    return int(pg.sql("postgres", query))


def segments(reply: Reply, name: str) -> dict[str, str]:
    assert reply.status == 200, reply.body
    segment = reply.body["columns"][0]["name"]
    return {row[segment]: row[name] for row in reply.body["rows"]}


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("many") / "pg") as server:
        server.sql("postgres", POSTGRES_DATA)
        yield server


def test_one_source_dies_and_the_other_runs_end(
    program: Path, tmp_path: Path, pg: Postgres
) -> None:
    with mariadb(tmp_path / "maria") as maria:
        maria.sql(None, "create database ops")
        maria.sql("ops", MARIADB_DATA)
        with serving(program, tmp_path, config(pg, maria), environment=KEY) as process:
            limit = f"--data={GIBIBYTE}"
            subprocess.run(["prlimit", limit, "--pid", str(process.pid)], check=True)  # noqa: S603, S607
            http = Http(process.base)
            for source in ("sales", "ops"):
                reply = http.send("POST", f"/v1/learn?datasource_id={source}")
                assert reply.status == 200, reply.body

            def ask(ir: dict[str, object]) -> Reply:
                return http.send("POST", "/v1/query", {"datasource_id": "sales", "ir": ir})

            whole = segments(ask(ACROSS), "orders")
            assert sum(int(n) for n in whole.values()) == ORDERS
            paid = segments(ask(ALONE), "paid")

            with ThreadPoolExecutor(2 * RUNS) as pool:
                across = [pool.submit(ask, ACROSS) for _ in range(RUNS)]
                until(lambda: working(maria), "a query in MariaDB")
                alone = [pool.submit(ask, ALONE) for _ in range(RUNS)]
                maria.kill()
                for run in alone:
                    assert segments(run.result(), "paid") == paid
                failed = 0
                for run in across:
                    reply = run.result()
                    if reply.status == 200:
                        assert segments(reply, "orders") == whole
                        continue
                    failed += 1
                    assert reply.status in (502, 503), reply.body
                    assert '"ops"' in reply.body["detail"], reply.body
                assert failed > 0
            until(lambda: busy(pg) == 0, "Postgres at rest")
            assert connections(pg) <= 8
            assert ask(ACROSS).status in (502, 503)
            maria.restart()
            assert segments(ask(ACROSS), "orders") == whole
            peak = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            told = [line for line in peak.splitlines() if line.startswith("VmHWM")]
            sys.stdout.write(f"{told}\n")
