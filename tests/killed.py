"""A service over one source, whose process the tests kill; and what is on disk meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from service import Client, Http, Process

# Writes that meet a limit of the service are refused, not lost, and say nothing about durability.
LIMITS = {"runs_per_user": 200, "runs": 200}
# A connection that a killed process held ends in one of these, or within a reply.
BROKEN = (OSError, http.client.HTTPException, json.JSONDecodeError)


def start(program: Path, data: Path) -> Process:
    source = {"id": "sales", "kind": "files", "base_path": str(data / "sales"), "default": True}
    config = {"files": {"base_path": str(data)}, "analytics_sources": [source], "limits": LIMITS}
    return Process(program, data, config)


def prepare(http: Http, ir: dict[str, Any]) -> None:
    """Learns the source and saves the report that is run."""
    Client(http).learn("sales")
    assert http.send("POST", "/v1/reports", {"key": "totals", "title": "Totals"}).status == 201
    version = {"datasource_id": "sales", "def": {"version": "1", "ir": ir}}
    reply = http.send("POST", "/v1/reports/totals/versions", version)
    assert reply.status == 201, reply.body


def rows(data: Path, copy: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the control plane, those included that nobody was told of.

    Read from a copy, which is made once: opening the file itself would do the recovery that the
    service must do.
    """
    if not copy.exists():
        copy.mkdir()
        for name in ("air.db", "air.db-wal"):
            if (data / name).exists():
                shutil.copy(data / name, copy / name)
    with contextlib.closing(sqlite3.connect(copy / "air.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query).fetchall()]
