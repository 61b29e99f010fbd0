"""A secret that is told nowhere: canaries in every password and key, and a search for them.

In: a PostgreSQL and a MariaDB whose passwords are canaries, the service with canaries for the key
of its tokens, its models and Redis, logging all it can. Out: it is used and misused widely, and
then nothing of it holds a canary: no answer, header, log, export or metric, and no file that it
wrote, the database among them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from oracle import SHOP
from servers import READER, MariaDb, Postgres, free_port, mariadb, postgres
from service import REPOSITORY, mint, serving

# Letters and digits alone, so that no encoding of addresses or JSON hides one.
CANARIES = {
    "CANARY_POSTGRES": "pgcanary7Qx2LmZp81",
    "CANARY_MARIADB": "mycanary3Wv9KtRe55",
    "CANARY_REDIS": "rdcanary6Ty4HbNs20",
    "CANARY_OPENAI": "sk-aicanary8Ju1GcFd37",
    "CANARY_JWT": "jwtcanary5Po0VxSw94" * 3,
    "CANARY_EDA": "edacanary2Mi6BqAz68" * 3,
}
# Given by a caller, and so not among the variables.
GIVEN = "apicanary1Uy7ZkOe43"
WRONG = "badcanary9Rn5XjCl76"
KEY = base64.b64encode(b"keycanary4Dh8WfIg12" + bytes(13)).decode()
FORMATS = ["json", "csv", "ndjson", "arrow", "parquet"]
COUNT = {"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]}
REQUEST_SECONDS = 180


@dataclass
class Heard:
    """Everything that the service said, by what it was said to."""

    base: str
    token: str
    said: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Any:
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.base + target, data=data, method=method)  # noqa: S310
        request.add_header("Authorization", f"Bearer {token or self.token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as reply:  # noqa: S310
                return self.heard(f"{method} {target}", reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return self.heard(
                    f"{method} {target}", refused.code, refused.headers, refused.read()
                )

    def heard(self, what: str, status: int, headers: Any, body: bytes) -> Any:
        self.statuses.add(status)
        self.said.append((what, body + str(headers).encode()))
        try:
            return json.loads(body)
        except ValueError:
            return body


def config(dsns: dict[str, str]) -> dict[str, Any]:
    """The service with every secret it can have."""
    databases = [
        {"id": name, "kind": "mysql" if name == "my" else "postgres", "dsn": dsn}
        for name, dsn in dsns.items()
    ]
    shop = {"id": "shop", "kind": "files", "base_path": str(SHOP), "default": True}
    return {
        "server": {"host": "127.0.0.1", "auth": {"jwt_secret": "${CANARY_JWT}"}},
        "files": {"base_path": str(REPOSITORY)},
        "analytics_sources": [shop, *databases],
        "redis": {"url": "redis://127.0.0.1:6379/0", "password": "${CANARY_REDIS}"},
        "models": {
            "openai": {
                "base_url": f"http://127.0.0.1:{free_port()}/v1",
                "api_key": "${CANARY_OPENAI}",
            }
        },
        "python": {"auth_shared_secret": "${CANARY_EDA}"},
        "telemetry": {"level": "trace"},
        "connectors": {"connect_timeout": "2s"},
    }


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, MariaDb]]:
    folder = tmp_path_factory.mktemp("databases")
    with ExitStack() as stack:
        pg = stack.enter_context(postgres(folder / "pg"))
        my = stack.enter_context(mariadb(folder / "my"))
        table = "create table orders (id int primary key, region varchar(20), amount int)"
        rows = "insert into orders values (1, 'north', 10), (2, 'south', 20)"
        pg.sql("postgres", f"alter role {READER} password '{CANARIES['CANARY_POSTGRES']}'")
        pg.sql("postgres", "create database shop")
        pg.sql("shop", f"{table}; {rows}; grant select on all tables in schema public to {READER}")
        my.sql(None, "create database shop")
        my.sql("shop", f"{table}; {rows}; grant select on shop.* to '{READER}'@'127.0.0.1'")
        secret = CANARIES["CANARY_MARIADB"]
        my.sql(None, f"alter user '{READER}'@'127.0.0.1' identified by '{secret}'")
        yield pg, my


def used(heard: Heard, pg: Postgres) -> None:
    """The service as it is meant to be used."""
    for source in ("shop", "pg", "my"):
        heard.call("POST", f"/v1/learn?datasource_id={source}", {"include_stats": True})
        heard.call("POST", f"/v1/datasources/{source}/health")
        heard.call("GET", f"/v1/datasources/{source}")
        heard.call("GET", f"/v1/schema/{source}")
        heard.call("GET", f"/v1/catalog/{source}")
        body = {"datasource_id": source, "ir": COUNT}
        assert heard.call("POST", "/v1/sql", body)["sql"]
        for kind in FORMATS:
            heard.call("POST", f"/v1/query?format={kind}", body)
        run = heard.call("POST", "/v1/query", body | {"max_age": 60})
        assert run["rows"], run
        heard.call("GET", f"/v1/runs/{run['run_id']}")
        heard.call("GET", f"/v1/runs/{run['run_id']}/rows?format=csv")
        heard.call("POST", "/v1/ask", {"datasource_id": source, "question": "how many orders"})
    heard.call("POST", "/v1/reports", {"key": "r", "title": "R"})
    version = {"datasource_id": "pg", "def": {"version": "1", "ir": COUNT}}
    heard.call("POST", "/v1/reports/r/versions", version)
    heard.call("POST", "/v1/reports/r/run", {}, {"Idempotency-Key": "k1"})
    for kind in ("json", "yaml"):
        heard.call("GET", f"/v1/reports/r/export?format={kind}")
    for target in ("/v1/datasources", "/v1/reports", "/v1/scopes", "/v1/audit?limit=500"):
        heard.call("GET", target)
    # The key encrypts what a caller gives; the database is reached with it.
    pg.sql("postgres", f"create role given login password '{GIVEN}'; grant {READER} to given")
    dsn = f"postgres://given:{GIVEN}@127.0.0.1:{pg.port}/shop?sslmode=disable"
    made = {"id": "given", "kind": "postgres", "dsn": dsn}
    assert heard.call("POST", "/v1/datasources", made)["id"] == "given"
    heard.call("POST", "/v1/learn?datasource_id=given")
    heard.call("POST", "/v1/query", {"datasource_id": "given", "ir": COUNT})
    heard.call("PATCH", "/v1/datasources/given", {"display_name": "Given", "dsn": dsn})


def misused(heard: Heard, pg: Postgres, my: MariaDb) -> None:
    """What goes wrong, and what is tried."""
    bad = [
        f"postgres://given:{WRONG}@127.0.0.1:{pg.port}/shop?sslmode=disable",
        f"postgres://given:{WRONG}@127.0.0.1:{free_port()}/shop?sslmode=disable",
        f"postgres://given:{WRONG}@127.0.0.1:{pg.port}/nothing?sslmode=require",
        f"postgres://given:{WRONG}@127.0.0.1:notaport/shop",
        f"postgres://given:{WRONG}@127.0.0.1/shop?options=x",
        f"postgres://given:{WRONG}@",
        f"host=127.0.0.1 password={WRONG}",
        f"mysql://{READER}:{WRONG}@127.0.0.1:{my.port}/shop",
        f"mysql://{READER}:{WRONG}@[::1/shop",
        f"{WRONG}",
    ]
    for number, dsn in enumerate(bad):
        kind = "mysql" if dsn.startswith("mysql") else "postgres"
        source = f"bad{number}"
        heard.call("POST", "/v1/datasources", {"id": source, "kind": kind, "dsn": dsn})
        heard.call("POST", f"/v1/datasources/{source}/health")
        heard.call("POST", f"/v1/learn?datasource_id={source}")
        heard.call("GET", f"/v1/datasources/{source}")
        heard.call("PATCH", "/v1/datasources/given", {"dsn": dsn})
        heard.call("PATCH", "/v1/datasources/shop", {"dsn": dsn})
    body = {"id": "x", "kind": "postgres", "dsn": {"password": WRONG}, "psw": WRONG}
    heard.call("POST", "/v1/datasources", body)
    heard.call("POST", "/v1/datasources", f'{{"dsn": "{WRONG}'.encode())
    for sql in ("select pg_sleep(1)", "select * from pg_authid", "select 1/0 as x", "drop table x"):
        heard.call("POST", "/v1/query", {"datasource_id": "pg", "sql": sql})
    asked = {"datasource_id": "pg", "question": "how many orders"}
    for provider in ("openai", "ollama"):
        heard.call("POST", "/v1/ask", asked | {"provider": provider})
    heard.call("POST", "/v1/ask", asked | {"force_model": "openai"})
    for token in ("nonsense", heard.token + "x", heard.token.rsplit(".", 1)[0] + "."):
        heard.call("GET", "/v1/datasources", token=token)
    heard.call("GET", "/v1/datasources?token=x")
    heard.call("GET", "/v1/nothing")
    my.kill()
    heard.call("POST", "/v1/query", {"datasource_id": "my", "ir": COUNT})
    heard.call("POST", "/v1/learn?datasource_id=my")
    heard.call("POST", "/v1/datasources/my/health")
    my.restart()


def told(program: Path, data: Path, environment: Mapping[str, str], *command: str) -> bytes:
    """What a command of the operator writes."""
    done = subprocess.run(  # noqa: S603
        [str(program), *command, "--data", str(data)],
        capture_output=True,
        timeout=REQUEST_SECONDS,
        check=False,
        env=environment,
    )
    return done.stdout + done.stderr


def forms(secret: str) -> set[bytes]:
    """A secret as it may stand somewhere."""
    text = secret.encode()
    whole = {text, base64.b64encode(text).rstrip(b"="), text.hex().encode(), text[::-1]}
    return whole | {base64.urlsafe_b64encode(text).rstrip(b"=")}


def found(where: bytes, secrets: Mapping[str, str]) -> list[str]:
    return [name for name, secret in secrets.items() if any(f in where for f in forms(secret))]


def test_no_secret_is_told(
    program: Path, tmp_path: Path, databases: tuple[Postgres, MariaDb]
) -> None:
    pg, my = databases
    data = tmp_path / "data"
    data.mkdir()
    environment = CANARIES | {"AIR_ENCRYPTION_KEY": KEY, "PATH": "/usr/bin:/bin"}
    dsns = {"pg": pg.dsn("shop", "${CANARY_POSTGRES}"), "my": my.dsn("shop", "${CANARY_MARIADB}")}
    with serving(program, data, config(dsns), auth="enabled", environment=environment) as process:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            token = mint(program, data, "ana", "admin")
        heard = Heard(process.base, token)
        used(heard, pg)
        misused(heard, pg, my)
        heard.call("GET", "/metrics")
        heard.call("GET", "/readyz")
        heard.call("GET", "/openapi.yaml")
        heard.call("GET", "/docs")
        assert {200, 201, 401, 404, 422} <= heard.statuses
        checked = told(program, data, environment, "check")
    assert b"policies" in checked, checked
    secrets = CANARIES | {"given": GIVEN, "wrong": WRONG, "key": KEY}
    signature = token.rsplit(".", 1)[1]
    for what, said in heard.said:
        assert not found(said, secrets | {"token": signature}), f"{what}: {said[:2000]!r}"
    assert not found(checked, secrets)
    # A search that finds nothing because nothing is there shows nothing.
    files = [file for file in data.rglob("*") if file.is_file()]
    assert {"air.db", "stderr.log"} <= {file.name for file in files}
    assert b"orders" in (data / "stderr.log").read_bytes() + (data / "air.db").read_bytes()
    for file in files:
        held = found(file.read_bytes(), secrets | {"token": signature})
        assert not held, f"{file.name} holds {held}"
