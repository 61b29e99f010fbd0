"""A stand-in for Azure Blob Storage: the calls by which a container is listed and read.

It is not Azure. It checks the signature of the shared key over the request as Azure's
documentation tells it (version 2019-12-12 and later), lists by `restype=container&comp=list`, and
gives blobs, whole or in part, with `If-Match`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.server
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from xml.sax.saxutils import escape

from stores import serving_handler

ACCOUNT = "teststore"
KEY = base64.b64encode(b"only-for-tests-and-long-enough-0").decode()
HEADERS = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type",
    "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip
WHEN = formatdate(1_764_000_000, usegmt=True)


@dataclass
class Azure:
    """Blobs by container and name."""

    base: str = ""
    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def put(self, container: str, name: str, content: bytes) -> None:
        self.blobs.setdefault(container, {})[name] = content


def tag(content: bytes) -> str:
    return "0x" + hashlib.sha256(content).hexdigest()[:16].upper()


def signature(method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> str:
    """What a request must be signed with."""
    given = {name: headers.get(name, "") for name in HEADERS}
    if given["content-length"] == "0":
        given["content-length"] = ""
    own = sorted(name for name in headers if name.startswith("x-ms-"))
    lines = [method, *given.values(), *(f"{name}:{headers[name].strip()}" for name in own)]
    lines.append(f"/{ACCOUNT}{path}" + "".join(f"\n{k}:{query[k]}" for k in sorted(query)))
    made = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    azure: Azure

    def log_message(self, *parts: Any) -> None:
        """Says nothing."""

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    def refuse(self, status: int, code: str) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>"
        self.answer(status, body.encode(), Content_Type="application/xml")

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        parts = urllib.parse.urlsplit(self.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(parts.query).items()}
        wanted = f"SharedKey {ACCOUNT}:{signature(self.command, parts.path, query, headers)}"
        if headers.get("authorization") != wanted:
            self.refuse(403, "AuthenticationFailed")
            return
        container, _, name = urllib.parse.unquote(parts.path).strip("/").partition("/")
        blobs = self.azure.blobs.get(container)
        if blobs is None:
            self.refuse(404, "ContainerNotFound")
        elif query.get("comp") == "list":
            self.list(blobs, query.get("prefix", ""))
        elif name not in blobs:
            self.refuse(404, "BlobNotFound")
        else:
            self.give(blobs[name], headers)

    def do_HEAD(self) -> None:
        self.do_GET()

    def list(self, blobs: dict[str, bytes], prefix: str) -> None:
        one = (
            "<Blob><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified>"
            "<Etag>{}</Etag><Content-Length>{}</Content-Length>"
            "<Content-Type>application/octet-stream</Content-Type></Properties></Blob>"
        )
        found = "".join(
            one.format(escape(name), WHEN, tag(content), len(content))
            for name, content in sorted(blobs.items())
            if name.startswith(prefix)
        )
        text = f"<?xml version='1.0'?><EnumerationResults><Blobs>{found}</Blobs><NextMarker/>"
        self.answer(200, f"{text}</EnumerationResults>".encode())

    def give(self, content: bytes, headers: dict[str, str]) -> None:
        etag = f'"{tag(content)}"'
        if headers.get("if-match") not in (None, etag):
            self.refuse(412, "ConditionNotMet")
            return
        told = {"ETag": etag, "Last_Modified": WHEN}
        asked = headers.get("range") or headers.get("x-ms-range")
        if asked is None:
            length = str(len(content))
            self.answer(200, content, Content_Length=length, **told)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content)), len(content) - 1)
        told["Content_Range"] = f"bytes {start}-{end}/{len(content)}"
        self.answer(206, content[start : end + 1], **told)


@contextlib.contextmanager
def azure() -> Iterator[Azure]:
    """A running stand-in without containers."""
    found = Azure()
    with serving_handler(type("Bound", (Handler,), {"azure": found})) as base:
        found.base = base
        yield found
