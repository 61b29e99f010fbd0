"""The service as the benches drive it: started on a configuration, asked over HTTP.

In: a configuration. Out: for each question the answer, the seconds the caller waited, and the
milliseconds the service itself says planning and running took. The difference is what a query of
the service does besides: checks of the result, its durable record, JSON.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import program

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import service

# Large files on a slow machine; a bench measures how long it takes instead of refusing it.
PATIENCE = {
    "execution": {"query_timeout": "10m", "max_result_bytes": "1GB"},
    "limits": {"request": "10m", "memory_pool": "8GB"},
    "files": {"max_rows_return_json": 100_000},
    "telemetry": {"level": "warn"},
}
STAGES = ["plan", "guard", "unparse", "execute"]
service.REQUEST_SECONDS = 1_200


@dataclass(frozen=True)
class Answered:
    """One answer, and how long it took: for the caller, and in the pipeline up to the rows."""

    body: dict[str, Any]
    wall: float
    engine: float


class Refused(Exception):  # noqa: N818
    """The service's own words for why it gives no rows."""


@dataclass(frozen=True)
class Asker:
    http: service.Http

    def learn(self, source: str) -> float:
        started = time.perf_counter()
        service.Client(self.http).learn(source)
        return time.perf_counter() - started

    def query(self, source: str, question: dict[str, Any]) -> Answered:
        started = time.perf_counter()
        reply = self.http.send("POST", "/v1/query", {"datasource_id": source, **question})
        wall = time.perf_counter() - started
        if reply.status != 200:
            raise Refused(f"{reply.status}: {str(reply.body)[:600]}")
        timings = reply.body["timings_ms"]
        return Answered(reply.body, wall, sum(timings.get(stage, 0) for stage in STAGES) / 1e3)

    def metrics(self) -> str:
        body = self.http.send("GET", "/metrics").body
        return body.decode() if isinstance(body, bytes) else str(body)


@contextlib.contextmanager
def asking(
    folder: Path, config: dict[str, Any], environment: Mapping[str, str] | None = None
) -> Iterator[Asker]:
    """The program that AIR_BIN names, on a free port, until the end of the block."""
    folder.mkdir(mode=0o700, exist_ok=True)
    whole = config | {part: keys | config.get(part, {}) for part, keys in PATIENCE.items()}
    with service.serving(program("AIR_BIN"), folder, whole, environment=environment) as process:
        yield Asker(service.Http(process.base))
