"""Stand-ins for what files may lie in: an object store, a WebDAV server, a plain web server.

In: a folder of files. Out: a running server with those files. None of these is the real thing:

- `s3` is moto, which answers as Amazon S3 does; it also answers the XML interface of Google Cloud
  Storage, which is the same one but for the signatures, so that it stands in for that too.
- `azure` is `azure_stand_in.py`, a few calls of Azure Blob Storage that check the key's signature.
- `webdav` is wsgidav, and `web` is Python's own web server, which lists nothing.
- `Between` is a proxy before any of them that can meddle: it tells what was asked, and a test may
  change a file between two requests.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cheroot import wsgi
from servers import free_port, stop, wait_until
from wsgidav.wsgidav_app import WsgiDAVApp  # type: ignore[import-untyped]

SECONDS = 60
USER = "reader"
SECRET = "a-secret-of-tests"  # noqa: S105


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, acl: str = "public-read"
) -> bytes:
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310
    request.add_header("Content-Type", "application/octet-stream")
    # Who asks without a key is shown what is open to everyone.
    request.add_header("x-amz-acl", acl)
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
        content: bytes = reply.read()
        return content


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file beneath a folder, by its path from there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@dataclass(frozen=True)
class S3:
    """A running moto."""

    base: str

    def bucket(self, name: str) -> None:
        fetch(f"{self.base}/{name}", "PUT", b"")

    def put(self, bucket: str, key: str, content: bytes, acl: str = "public-read") -> None:
        fetch(f"{self.base}/{bucket}/{urllib.parse.quote(key)}", "PUT", content, acl)

    def delete(self, bucket: str, key: str) -> None:
        fetch(f"{self.base}/{bucket}/{urllib.parse.quote(key)}", "DELETE")

    def fill(self, bucket: str, prefix: str, folder: Path) -> None:
        for path, content in files_of(folder).items():
            self.put(bucket, f"{prefix}/{path}", content)

    def iam(self, action: str, **values: str) -> str:
        """A call of the service that makes users, as a form."""
        form = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **values})
        request = urllib.request.Request(  # noqa: S310
            f"{self.base}/", data=form.encode(), method="POST"
        )
        # By this moto knows which service is meant; it is not looked at yet.
        scope = "Credential=nobody/20260101/us-east-1/iam/aws4_request"
        request.add_header(
            "Authorization", f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
        )
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            answer: str = reply.read().decode()
            return answer


@contextlib.contextmanager
def s3(folder: Path, open_requests: int | None = None) -> Iterator[S3]:
    """A moto; with `open_requests` it wants a right signature after so many requests."""
    port = free_port()
    log = folder / f"moto-{port}.log"
    environment = {**os.environ}
    if open_requests is not None:
        environment["INITIAL_NO_AUTH_ACTION_COUNT"] = str(open_requests)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603
            command, stdout=out, stderr=subprocess.STDOUT, env=environment
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), child, log)
        yield S3(f"http://127.0.0.1:{port}")
    finally:
        stop(child)


def answers(url: str) -> bool:
    try:
        fetch(url)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextlib.contextmanager
def webdav(folder: Path, password: str | None = None) -> Iterator[str]:
    """The address of a WebDAV server over a folder, which may want a password of `USER`."""
    known = True if password is None else {USER: {"password": password}}
    config = {
        "provider_mapping": {"/": str(folder)},
        "simple_dc": {"user_mapping": {"*": known}},
        "http_authenticator": {"accept_digest": False, "default_to_digest": False},
        "property_manager": True,
        "lock_storage": True,
        "logging": {"enable": False},
        "verbose": 0,
    }
    port = free_port()
    server = wsgi.Server(("127.0.0.1", port), WsgiDAVApp(config), numthreads=8)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join(SECONDS)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own handler of files, which keeps its log to itself."""

    def log_message(self, *parts: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def serving_handler(handler: Any) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS)


@contextlib.contextmanager
def web(folder: Path) -> Iterator[str]:
    """The address of a web server over a folder: files one by one, whole, and no list."""
    with serving_handler(partial(Quiet, directory=str(folder))) as base:
        yield base


@dataclass
class Between:
    """A proxy that passes every request on, tells what was asked, and may act before one."""

    target: str
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    before: Callable[[str, str], None] | None = None
    base: str = ""

    def pass_on(self, request: http.server.BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.command, request.path, headers))
        if self.before is not None:
            self.before(request.command, request.path)
        length = int(headers.get("content-length") or 0)
        body = request.rfile.read(length) if length else None
        parts = urllib.parse.urlsplit(self.target)
        assert parts.hostname is not None
        upstream = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
        try:
            upstream.request(request.command, request.path, body, dict(request.headers.items()))
            reply = upstream.getresponse()
            content = reply.read()
        finally:
            upstream.close()
        request.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                request.send_header(name, value)
        told = reply.getheader("Content-Length") if request.command == "HEAD" else None
        request.send_header("Content-Length", told or str(len(content)))
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(content)


@contextlib.contextmanager
def between(target: str) -> Iterator[Between]:
    """A proxy before the server at `target`."""
    proxy = Between(target)

    def log_message(_: Any, *parts: Any) -> None:
        """Says nothing."""

    methods = ("GET", "HEAD", "PUT", "POST", "DELETE", "PROPFIND")
    calls: dict[str, Any] = {
        f"do_{method}": lambda request: proxy.pass_on(request) for method in methods
    }
    kind = (http.server.BaseHTTPRequestHandler,)
    handler = type("Handler", kind, {**calls, "log_message": log_message})
    with serving_handler(handler) as base:
        proxy.base = base
        yield proxy
