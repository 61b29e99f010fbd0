"""Servers of files that behave oddly, for the tests of stores."""

from __future__ import annotations

import http.server
import urllib.parse
from typing import Any

from stores import Quiet


class Redirecting(Quiet):
    """Sends whoever asks for `/near/` to `/here/`, and for `/far/` to another origin."""

    elsewhere = ""

    def send_head(self) -> Any:
        for begin, target in (("/near/", "/here/"), ("/far/", f"{self.elsewhere}/here/")):
            if self.path.startswith(begin):
                self.send_response(302)
                self.send_header("Location", target + self.path.removeprefix(begin))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
        return super().send_head()


class Endless(http.server.BaseHTTPRequestHandler):
    """A bucket whose listing never ends: page after page of a thousand objects."""

    def log_message(self, *parts: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        page = int(query.get("continuation-token", ["0"])[0])
        one = (
            "<Contents><Key>d/{}-{}.csv</Key><LastModified>2026-11-29T09:00:00.000Z</LastModified>"
            '<ETag>"x"</ETag><Size>4</Size></Contents>'
        )
        listed = "".join(one.format(page, n) for n in range(1000))
        text = (
            f"<ListBucketResult>{listed}<NextContinuationToken>{page + 1}</NextContinuationToken>"
            "<IsTruncated>true</IsTruncated></ListBucketResult>"
        ).encode()
        status = 200 if "list-type" in query else 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(text) if status == 200 else 0))
        self.end_headers()
        self.wfile.write(text if status == 200 else b"")
