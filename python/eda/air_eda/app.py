"""The application: routes as the contract lists them, behind the signature.

A handler only hands the request to a worker and passes the answer on; the models of the contract
are checked where the answer is made, in the worker.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from . import __version__
from .contract import OPERATIONS, EdaHealth, EdaLimits, EdaWorkers
from .logs import log
from .nonces import Nonces
from .pool import Pool
from .problem import Failure, response
from .settings import Settings
from .signed import Body, SignedRequests

MEDIA = {"application/vnd.apache.arrow.stream": "arrow", "application/json": "json"}
LIBRARIES = ("numpy", "polars", "pyarrow", "scikit-learn", "scipy", "statsmodels")


@dataclass
class Service:
    """What the handlers share."""

    settings: Settings
    pool: Pool
    started: float = field(default_factory=time.monotonic)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)

    async def compute(self, request: Request, operation: str) -> Response:
        body: Body = request.state.body
        media = MEDIA.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
        if media is None:
            raise Failure("unsupported_media_type", f"Send one of {', '.join(MEDIA)}.")
        base = self.settings.base_path
        job: dict[str, object] = {
            "operation": operation,
            "body": body.path,
            "media": media,
            "base_path": str(base) if base else None,
            "state_dir": str(self.settings.state_dir),
            "max_rows": self.settings.max_rows,
        }
        answer = await self.unless_gone(request, job)
        return Response(answer, media_type="application/json")

    async def unless_gone(self, request: Request, job: dict[str, object]) -> bytes:
        """Runs the job; when the caller goes away, its worker is stopped and replaced."""
        running = asyncio.create_task(self.pool.run(job))
        leaving = asyncio.create_task(gone(request))
        try:
            await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise Failure("bad_request", "The caller went away.")
            return running.result()
        finally:
            leaving.cancel()
            running.cancel()
            await asyncio.wait({running, leaving})

    async def health(self) -> EdaHealth:
        settings, pool = self.settings, self.pool
        workers = EdaWorkers(
            size=settings.workers,
            idle=pool.idle.qsize(),
            busy=pool.busy,
            starting=len(pool.starting),
            replaced=pool.replaced,
        )
        return EdaHealth(
            status="degraded" if pool.starting else "ok",
            version=__version__,
            uptime_seconds=round(time.monotonic() - self.started, 3),
            workers=workers,
            limits=EdaLimits(
                memory_mb=settings.memory_mb,
                rows=settings.max_rows,
                seconds=settings.seconds,
                body_mb=settings.max_body_mb,
            ),
            libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        )

    def metrics(self) -> str:
        lines = ["# HELP air_eda_requests_total Answers by operation and status."]
        lines += ["# TYPE air_eda_requests_total counter"]
        for (name, status), count in sorted(self.answers.items()):
            lines.append(f'air_eda_requests_total{{operation="{name}",status="{status}"}} {count}')
        lines += ["# HELP air_eda_request_seconds_total Time spent, by operation."]
        lines += ["# TYPE air_eda_request_seconds_total counter"]
        for name, spent in sorted(self.seconds.items()):
            lines.append(f'air_eda_request_seconds_total{{operation="{name}"}} {spent:.6f}')
        for name, kind, about, value in (
            ("workers_replaced_total", "counter", "Workers replaced.", self.pool.replaced),
            ("workers_idle", "gauge", "Workers that wait for work.", self.pool.idle.qsize()),
            ("workers_busy", "gauge", "Workers at work.", self.pool.busy),
            ("waiting", "gauge", "Requests that wait for a worker.", self.pool.waiting),
        ):
            lines += [f"# HELP air_eda_{name} {about}", f"# TYPE air_eda_{name} {kind}"]
            lines.append(f"air_eda_{name} {value}")
        return "\n".join(lines) + "\n"


async def gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def answered(service: Service, request: Request, name: str) -> Response:
    """Does one request, counts it and writes its line in the log."""
    started = time.monotonic()
    request_id: str = request.state.request_id
    try:
        if name == "health":
            found = Response(
                (await service.health()).model_dump_json(), media_type="application/json"
            )
        elif name == "metrics":
            found = Response(service.metrics(), media_type="text/plain; version=0.0.4")
        else:
            found = await service.compute(request, name)
        found.headers["X-Request-Id"] = request_id
    except Failure as failure:
        found = response(failure, request_id)
    spent = time.monotonic() - started
    service.answers[name, found.status_code] += 1
    service.seconds[name] += spent  # type: ignore[assignment]
    body: Body = request.state.body
    log(
        "info",
        "answered",
        request_id=request_id,
        operation=name,
        status=found.status_code,
        duration_ms=round(spent * 1000, 1),
        body_bytes=body.size,
    )
    return found


def make(settings: Settings) -> ASGIApp:
    """The whole service, signature included."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    nonces = Nonces(settings.state_dir / "nonces.sqlite")
    service = Service(settings, Pool(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.pool.start()
        yield
        await service.pool.close()
        nonces.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    for method, path, operation_id in OPERATIONS:
        add(app, service, method, path, operation_id)

    @app.exception_handler(HTTPException)
    async def not_here(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            failure = Failure("method_not_allowed", "This path has no such method.")
        else:
            failure = Failure("not_found", "There is no such path.")
        found = response(failure, request.state.request_id)
        found.headers.update(error.headers or {})
        return found

    return SignedRequests(app, settings, nonces)


def add(app: FastAPI, service: Service, method: str, path: str, operation_id: str) -> None:
    name = operation_id.removeprefix("eda_")

    async def handler(request: Request) -> Response:
        return await answered(service, request, name)

    app.add_api_route(path, handler, methods=[method], operation_id=operation_id)
