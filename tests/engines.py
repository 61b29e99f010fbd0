"""One service over the same data in every engine.

In: the built program, the datasets' files and the engines that are wanted. Out: private servers
with the data loaded, the service configured with a source for each dataset and engine, and each
source learned when it is first asked. What no database says of itself, its zone and the time
columns of its tables, is told to the catalog the way a person would.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from cases import Case
from datasets import source_id
from loading import Dataset, Loader, read_dataset
from oracle import Oracle
from servers import PASSWORD, MariaDb, Postgres, mariadb, postgres
from service import Client, Http, Reply, serving

# As many runs as the service gives one user.
AT_ONCE = 4
# A configuration holds no password in clear.
PASSWORD_VARIABLE = "AIR_TEST_PASSWORD"  # noqa: S105


@dataclass
class Servers:
    """The servers that run; one that nobody wanted is not there."""

    postgres: Postgres | None = None
    mariadb: MariaDb | None = None

    def source(self, dataset: str, engine: str, folder: Path) -> dict[str, Any]:
        """An entry of `analytics_sources`."""
        base = {"id": source_id(dataset, engine), "kind": engine}
        if engine == "files":
            return {**base, "base_path": str(folder)}
        return {**base, "dsn": self.dsn(dataset, engine)}

    def dsn(self, dataset: str, engine: str) -> str:
        password = f"${{{PASSWORD_VARIABLE}}}"
        if engine == "mysql":
            assert self.mariadb is not None
            return self.mariadb.dsn(dataset, password)
        assert self.postgres is not None
        database = dataset if engine == "postgres" else stand_in(dataset)
        return self.postgres.dsn(database, password)


def stand_in(dataset: str) -> str:
    """The database with the stand-in for TimescaleDB."""
    return f"{dataset}_timescaledb"


@contextlib.contextmanager
def running_servers(folder: Path, engines: list[str]) -> Iterator[Servers]:
    """Starts what the engines need."""
    servers = Servers()
    with contextlib.ExitStack() as stack:
        if {"postgres", "timescaledb"} & set(engines):
            servers.postgres = stack.enter_context(postgres(folder / "pg"))
        if "mysql" in engines:
            servers.mariadb = stack.enter_context(mariadb(folder / "my"))
        yield servers


def load(
    servers: Servers, dataset: Dataset, views: duckdb.DuckDBPyConnection, scratch: Path,
    prefix: str = "",
) -> None:  # fmt: skip
    """Loads a dataset into every server that runs, both at once."""

    def into_postgres() -> None:
        assert servers.postgres is not None
        loader = Loader(dataset, views.cursor(), scratch, prefix)
        loader.into_postgres(servers.postgres, dataset.name)
        loader.into_timescaledb(servers.postgres, dataset.name, stand_in(dataset.name))

    def into_mariadb() -> None:
        assert servers.mariadb is not None
        loader = Loader(dataset, views.cursor(), scratch, prefix)
        loader.into_mariadb(servers.mariadb, dataset.name)

    tasks = []
    if servers.postgres is not None:
        tasks.append(into_postgres)
    if servers.mariadb is not None:
        tasks.append(into_mariadb)
    at_once(tasks)


def at_once(tasks: list[Callable[[], None]]) -> None:
    """Runs the tasks beside one another; the first that fails, fails."""
    failed: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failed:
        raise error


@dataclass(frozen=True)
class Loaded:
    """Servers that hold the datasets."""

    servers: Servers
    datasets: dict[str, Dataset]
    engines: list[str]


@dataclass
class Engines:
    """The service over loaded servers, and what has been learned so far."""

    client: Client
    datasets: dict[str, Dataset]
    learned: set[str] = field(default_factory=set)
    learning: dict[str, threading.Lock] = field(default_factory=dict)

    def query(
        self,
        dataset: str,
        engine: str,
        ir: dict[str, Any],
        params: dict[str, Any] | None = None,
        now: str | None = None,
    ) -> Reply:
        self.learn(dataset, engine)
        return self.client.query(source_id(dataset, engine), ir, params, now)

    def learn(self, dataset: str, engine: str) -> None:
        source = source_id(dataset, engine)
        with self.learning.setdefault(source, threading.Lock()):
            self.learn_once(source, dataset, engine)

    def learn_once(self, source: str, dataset: str, engine: str) -> None:
        if source in self.learned:
            return
        self.client.learn(source)
        edits = self.datasets[dataset].edits()
        if engine != "files" and edits:
            reply = self.client.transport.send("PATCH", f"/v1/catalog/{source}", edits)
            if reply.status != 200:
                raise AssertionError(f"editing {source} gave {reply.status}: {reply.body}")
        self.learned.add(source)


class Replies:
    """The replies to many cases, asked for ahead and beside one another, in their order."""

    def __init__(self, engines: Engines, runs: list[tuple[Case, str]]) -> None:
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.futures = {
            (case.id, engine): self.pool.submit(
                engines.query, case.datasource, engine, case.ir, case.params, case.now
            )
            for case, engine in runs
        }

    def of(self, case: Case, engine: str) -> Reply:
        return self.futures[case.id, engine].result()

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)


def configuration(base: Path, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """A service over these sources. Hypertables are asked without a time range here, since the
    same question goes to every engine; the guard's rule for them has tests of its own."""
    return {
        "files": {"base_path": str(base)},
        "analytics_sources": sources,
        "safety": {"time_filter": "off"},
        # Several slow questions run beside one another, on a machine that may be busy.
        "execution": {"query_timeout": "120s"},
        "limits": {"request": "150s"},
    }


@contextlib.contextmanager
def loaded_servers(
    work: Path, oracle: Oracle, folders: dict[str, Path], engines: list[str]
) -> Iterator[Loaded]:
    """Servers with the data in them."""
    scratch = work / "loading"
    scratch.mkdir()
    datasets = {name: read_dataset(folder, oracle.connection) for name, folder in folders.items()}
    with running_servers(work, engines) as servers:
        for dataset in datasets.values():
            load(servers, dataset, oracle.connection, scratch)
        yield Loaded(servers, datasets, engines)


@contextlib.contextmanager
def serving_engines(program: Path, work: Path, loaded: Loaded) -> Iterator[Engines]:
    """The service over loaded servers."""
    data = work / "air"
    data.mkdir()
    sources = [
        loaded.servers.source(name, engine, dataset.folder)
        for name, dataset in loaded.datasets.items()
        for engine in loaded.engines
    ]
    config = configuration(work / "files", sources)
    with serving(program, data, config, environment={PASSWORD_VARIABLE: PASSWORD}) as process:
        yield Engines(Client(Http(process.base)), loaded.datasets)
