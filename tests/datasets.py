"""The datasets of the answer cases, and where each of them is once a session runs.

In: a temporary folder. Out: one folder a dataset below it, as the service reads files below one
base path only, and every table as a view of the oracle. Engines are named here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import edge
from made import views
from oracle import SAMPLE, SHOP, Oracle

DATASETS = ("flights", "shop", "edge")
# Where the same data is; the stand-in is a PostgreSQL with TimescaleDB's functions and views.
ENGINES = ("files", "postgres", "timescaledb", "mysql")


def prepare(folder: Path, oracle: Oracle) -> dict[str, Path]:
    """Copies or makes the files of every dataset below `folder`, and shows `edge` to the oracle."""
    folders = {name: folder / name for name in DATASETS}
    shutil.copytree(SAMPLE, folders["flights"])
    shutil.copytree(SHOP, folders["shop"])
    edge.make(folders["edge"])
    for statement in views(folders["edge"], edge.TABLES):
        oracle.connection.execute(statement)
    return folders


def source_id(dataset: str, engine: str) -> str:
    return dataset if engine == "files" else f"{dataset}-{engine}"
