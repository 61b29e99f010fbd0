"""The signature of a request.

HMAC-SHA256, keyed by the shared secret, over five lines: the method, the path with `?` and the
query where there is one, the timestamp, the nonce, and the hex of the body's SHA-256. Whoever has
the secret may call; nothing here tells callers apart.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

TIMESTAMP = "x-air-timestamp"
NONCE = "x-air-nonce"
SIGNATURE = "x-air-signature"
# How far the two clocks may be apart, in seconds.
WINDOW = 300
EMPTY_BODY = hashlib.sha256(b"").hexdigest()


class Unsigned(Exception):
    """Why a request is not taken. It says nothing that helps to forge one."""


@dataclass(frozen=True)
class Claim:
    """What the headers of a request say, before the body is known."""

    timestamp: int
    nonce: str
    mac: str

    @classmethod
    def read(cls, headers: Mapping[str, str], now: float) -> Claim:
        stamp, nonce = headers.get(TIMESTAMP, ""), headers.get(NONCE, "")
        signature = headers.get(SIGNATURE, "")
        if not (stamp and nonce and signature):
            raise Unsigned("The request is not signed.")
        if not re.fullmatch(r"[0-9]{1,12}", stamp):
            raise Unsigned("X-Air-Timestamp must be Unix seconds.")
        if abs(int(stamp) - now) > WINDOW:
            raise Unsigned("The signature is too old, or the clocks differ by over 300 s.")
        if not re.fullmatch(r"[0-9a-f]{32}", nonce):
            raise Unsigned("X-Air-Nonce must be 16 bytes in hex.")
        if not re.fullmatch(r"v1=[0-9a-f]{64}", signature):
            raise Unsigned("X-Air-Signature must be v1= and 32 bytes in hex.")
        return cls(int(stamp), nonce, signature.removeprefix("v1="))

    def check(self, key: bytes, method: str, target: str, body_hash: str) -> None:
        expected = mac(key, method, target, str(self.timestamp), self.nonce, body_hash)
        if not hmac.compare_digest(expected, self.mac):
            raise Unsigned("The signature does not hold.")


def mac(key: bytes, method: str, target: str, timestamp: str, nonce: str, body_hash: str) -> str:
    text = "\n".join((method, target, timestamp, nonce, body_hash))
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256).hexdigest()


def sign(
    key: bytes, method: str, target: str, body: bytes = b"", now: float | None = None
) -> dict[str, str]:
    """The three headers for a request; `target` is the path, with the query where there is one."""
    stamp = str(int(time.time() if now is None else now))
    nonce = secrets.token_hex(16)
    found = mac(key, method, target, stamp, nonce, hashlib.sha256(body).hexdigest())
    return {
        "X-Air-Timestamp": stamp,
        "X-Air-Nonce": nonce,
        "X-Air-Signature": f"v1={found}",
    }
