"""Takes signed requests only, and gives the application their bodies as files.

A body is read as a stream: each piece is counted, hashed and written to a file without a name, so
memory does not grow with it and nothing stays behind. The signature covers the whole body, so it is
checked at the end; only then does the request exist for anyone else.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import log
from .nonces import Nonces
from .problem import Failure, new_request_id, response
from .settings import Settings
from .signature import Claim, Unsigned

MIB = 1 << 20


@dataclass
class Body:
    """A body that was read: an open file without a name, and its hash."""

    file: int
    size: int = 0
    digest: str = ""

    @property
    def path(self) -> str:
        """Where a worker finds it."""
        return f"/proc/{os.getpid()}/fd/{self.file}"


def nameless(folder: Path) -> int:
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)


class SignedRequests:
    """The middleware in front of everything, paths that do not exist included."""

    def __init__(self, app: ASGIApp, settings: Settings, nonces: Nonces) -> None:
        self.app = app
        self.settings = settings
        self.nonces = nonces
        self.reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if re.fullmatch(r"req_[0-9a-f]{32}", given) else new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id
        try:
            async with self.checked(scope, headers, receive) as body:
                scope["state"]["body"] = body
                await self.app(scope, emptied(receive), send)
        except (Failure, Unsigned) as error:
            failure = Failure("unauthorized", str(error)) if isinstance(error, Unsigned) else error
            log("warn", "refused", request_id=request_id, code=failure.code)
            await response(failure, request_id)(scope, receive, send)

    @asynccontextmanager
    async def checked(
        self, scope: Scope, headers: dict[str, str], receive: Receive
    ) -> AsyncIterator[Body]:
        claim = Claim.read(headers, time.time())
        if self.reading >= self.settings.workers + self.settings.waiting:
            raise Failure("unavailable", "Too many requests are being read; try again shortly.")
        self.reading += 1
        body = Body(nameless(self.settings.state_dir))
        try:
            async with asyncio.timeout(self.settings.seconds):
                await self.read(body, headers, receive)
            self.verify(claim, scope, body)
            yield body
        except TimeoutError as error:
            raise Failure("timeout", "The body did not arrive in time.") from error
        finally:
            self.reading -= 1
            os.close(body.file)

    def verify(self, claim: Claim, scope: Scope, body: Body) -> None:
        path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        target = (path + b"?" + query if query else path).decode("latin-1")
        claim.check(self.settings.secret, scope["method"], target, body.digest)
        if not self.nonces.take(claim.nonce, claim.timestamp, time.time()):
            raise Unsigned("The nonce was used before.")
        if path.decode("latin-1") != scope["path"]:
            raise Failure("forbidden", "No path of this service has anything to escape.")

    async def read(self, body: Body, headers: dict[str, str], receive: Receive) -> None:
        most = self.settings.max_body_mb * MIB
        large = Failure("payload_too_large", f"A body is at most {self.settings.max_body_mb} MiB.")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise large
        digest = hashlib.sha256()
        more = True
        while more:
            message: Message = await receive()
            if message["type"] != "http.request":
                raise Failure("bad_request", "The caller went away.")
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            body.size += len(piece)
            if body.size > most:
                raise large
            digest.update(piece)
            write(body.file, piece)
        body.digest = digest.hexdigest()


def write(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError as error:
        raise Failure("unavailable", f"The body cannot be kept: {error.strerror}.") from error


def emptied(receive: Receive) -> Receive:
    """What the application receives: no body, then whatever comes (that the caller went away)."""
    first = True

    async def after() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        return await receive()

    return after
