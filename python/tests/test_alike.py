"""The package's answers are the service's: the same IRs, by both, over the same data.

The cases are those of `tests/answers` on two of its datasets, on files, PostgreSQL and MariaDB.
That the service's own answers are right, `tests/test_answers.py` holds.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edge
import pytest
from cases import Case, read_cases
from datasets import source_id
from engines import PASSWORD_VARIABLE, Engines, Loaded, loaded_servers, serving_engines
from made import views
from oracle import SHOP, Oracle
from servers import PASSWORD

import air

DATASETS = ("shop", "edge")
ENGINES = ("files", "postgres", "mysql")
CASES = [
    pytest.param(case, engine, id=f"{engine}/{case.id}")
    for case in read_cases()
    for engine in case.engines
    if case.datasource in DATASETS and engine in ENGINES
]
RELATIVE = 1e-12


@dataclass
class Both:
    """The service and the package over the same servers and files."""

    service: Engines
    package: air.Engine

    def ask(self, case: Case, engine: str) -> tuple[Any, Any]:
        """What each says: columns, rows and whether there are more; or the codes of an error."""
        reply = self.service.query(case.datasource, engine, case.ir, case.params, case.now)
        return of_service(reply.body), self.of_package(case, engine)

    def of_package(self, case: Case, engine: str) -> Any:
        source = source_id(case.datasource, engine)
        try:
            result = self.package.run(case.ir, source, case.params, now=case.now)
        except air.AirError as error:
            return {error.code, *(e["code"] for e in getattr(error, "errors", []))}
        names = result.column_names
        return [names, result.rows(result.num_rows), result.truncated, result.columns]


def of_service(body: Any) -> Any:
    if "rows" not in body:
        return {body["code"], *(error["code"] for error in body.get("errors", []))}
    names = [column["name"] for column in body["columns"]]
    rows = [[row[name] for name in names] for row in body["rows"]]
    return [names, rows, body["truncated"], body["columns"]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alike")


@pytest.fixture(scope="module")
def loaded(work: Path) -> Iterator[Loaded]:
    oracle = Oracle()
    folders = {name: work / "files" / name for name in DATASETS}
    shutil.copytree(SHOP, folders["shop"])
    edge.make(folders["edge"])
    for statement in views(folders["edge"], edge.TABLES):
        oracle.connection.execute(statement)
    with loaded_servers(work, oracle, folders, list(ENGINES)) as found:
        yield found


@pytest.fixture(scope="module")
def both(program: Path, work: Path, loaded: Loaded) -> Iterator[Both]:
    with serving_engines(program, work, loaded) as service:
        yield Both(service, package(loaded))


def package(loaded: Loaded) -> air.Engine:
    """An engine with every source that the service has, learned and edited alike."""
    engine = air.Engine(threads=2, time_filter="off", timeout=120)
    for name, dataset in loaded.datasets.items():
        engine.register_files(name, dataset.folder)
        engine.learn(name)
        for kind in ("postgres", "mysql"):
            source = source_id(name, kind)
            dsn = loaded.servers.dsn(name, kind).replace(f"${{{PASSWORD_VARIABLE}}}", PASSWORD)
            engine.register_source(source, kind, dsn)
            engine.learn(source)
            catalog = edited(engine.catalog(source), dataset.edits())
            engine.register_source(source, kind, dsn, catalog=catalog)
    return engine


def edited(catalog: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """What no database says of itself, told to the catalog."""
    tables = [{**t, **edits.get("tables", {}).get(t["name"], {})} for t in catalog["tables"]]
    zone = {"time_zone": edits["time_zone"]} if "time_zone" in edits else {}
    return {**catalog, **zone, "tables": tables}


@pytest.mark.parametrize(("case", "engine"), CASES)
def test_the_package_answers_as_the_service(case: Case, engine: str, both: Both) -> None:
    service, package = both.ask(case, engine)
    if isinstance(service, set) or isinstance(package, set):
        # The service calls by `invalid` what is wrong with an IR wherever it is found.
        assert package - {"invalid"} == service - {"invalid"}
        return
    assert package[0] == service[0]
    assert package[2:] == service[2:]
    assert len(package[1]) == len(service[1])
    for mine, its in zip(package[1], service[1], strict=True):
        assert all(map(equal, mine, its)), (mine, its)


def equal(mine: Any, its: Any) -> bool:
    """Sums of doubles depend on the order of parallel parts in their last digit."""
    if isinstance(mine, float) and isinstance(its, int | float):
        return math.isclose(mine, its, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return type(mine) is type(its) and mine == its
