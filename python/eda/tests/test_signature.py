"""Who has not the secret, or says something again, is not served."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from running import ARROW, EDA, SECRET, Service, command, free_port, serving, stream

from air_eda.nonces import Nonces
from air_eda.signature import EMPTY_BODY, mac, sign

KEY = SECRET.encode()
PROFILE = "/internal/v1/profile"
BODY = stream(pa.table({"a": [1, 2, 3]}), {})


def signed(method: str = "POST", target: str = PROFILE, body: bytes = BODY) -> dict[str, str]:
    return {"Content-Type": ARROW, **sign(KEY, method, target, body)}


def test_a_signed_request_is_served(service: Service) -> None:
    assert service.raw("POST", PROFILE, BODY, signed()).status == 200


@pytest.mark.parametrize("missing", ["X-Air-Timestamp", "X-Air-Nonce", "X-Air-Signature"])
def test_without_a_part_of_the_signature(service: Service, missing: str) -> None:
    headers = signed()
    del headers[missing]
    reply = service.raw("POST", PROFILE, BODY, headers)
    assert (reply.status, reply.body["code"]) == (401, "unauthorized")
    assert "HMAC" in reply.headers["www-authenticate"]


def test_without_a_signature(service: Service) -> None:
    for method, target in [("GET", "/internal/v1/health"), ("GET", "/internal/v1/metrics")]:
        assert service.raw(method, target).status == 401
    assert service.raw("POST", PROFILE, BODY, {"Content-Type": ARROW}).status == 401
    assert service.raw("GET", "/").status == 401, "what does not exist is not told either"


@pytest.mark.parametrize("secret", [b"", b"change-me-in-production", KEY[:-1], KEY + b"x"])
def test_with_another_secret(service: Service, secret: bytes) -> None:
    headers = {"Content-Type": ARROW, **sign(secret, "POST", PROFILE, BODY)}
    assert service.raw("POST", PROFILE, BODY, headers).status == 401


@pytest.mark.parametrize("signature", ["v1=" + "0" * 64, "v1=", "v2=" + "0" * 64, "0" * 64, "é"])
def test_with_a_made_up_signature(service: Service, signature: str) -> None:
    headers = {**signed(), "X-Air-Signature": signature.encode().decode("latin-1")}
    assert service.raw("POST", PROFILE, BODY, headers).status == 401


@pytest.mark.parametrize("off", [-301, -100_000, 302, 100_000])
def test_stale_or_from_the_future(service: Service, off: int) -> None:
    headers = {"Content-Type": ARROW, **sign(KEY, "POST", PROFILE, BODY, now=time.time() + off)}
    assert service.raw("POST", PROFILE, BODY, headers).status == 401


@pytest.mark.parametrize("off", [-280, 280])
def test_clocks_may_differ_a_little(service: Service, off: int) -> None:
    headers = {"Content-Type": ARROW, **sign(KEY, "POST", PROFILE, BODY, now=time.time() + off)}
    assert service.raw("POST", PROFILE, BODY, headers).status == 200


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-5", "9" * 30, "٣"])
def test_a_timestamp_that_is_none(service: Service, stamp: str) -> None:
    headers = {**signed(), "X-Air-Timestamp": stamp.encode().decode("latin-1")}
    assert service.raw("POST", PROFILE, BODY, headers).status == 401


@pytest.mark.parametrize("nonce", ["00", "0" * 31, "0" * 33, "g" * 32, "A" * 32])
def test_a_nonce_that_is_none(service: Service, nonce: str) -> None:
    stamp = str(int(time.time()))
    found = mac(KEY, "POST", PROFILE, stamp, nonce, EMPTY_BODY)
    headers = {"X-Air-Timestamp": stamp, "X-Air-Nonce": nonce, "X-Air-Signature": f"v1={found}"}
    assert service.raw("POST", PROFILE, b"", headers).status == 401


def test_replayed(service: Service) -> None:
    headers = signed()
    assert service.raw("POST", PROFILE, BODY, headers).status == 200
    for _ in range(3):
        assert service.raw("POST", PROFILE, BODY, headers).status == 401


def test_a_wrong_request_does_not_use_up_a_nonce(service: Service) -> None:
    headers = signed()
    assert service.raw("POST", PROFILE, BODY + b"x", headers).status == 401
    assert service.raw("POST", PROFILE, BODY, headers).status == 200


def test_another_body_path_query_or_method(service: Service) -> None:
    other = stream(pa.table({"a": [1, 2, 4]}), {})
    assert service.raw("POST", PROFILE, other, signed()).status == 401
    assert service.raw("POST", PROFILE, b"", signed()).status == 401
    assert service.raw("POST", "/internal/v1/infer", BODY, signed()).status == 401
    assert service.raw("POST", PROFILE + "?seed=1", BODY, signed()).status == 401
    assert service.raw("POST", PROFILE, BODY, signed(target=PROFILE + "?seed=1")).status == 401
    assert service.raw("PUT", PROFILE, BODY, signed()).status == 401


@pytest.mark.parametrize(
    "target",
    [
        "/internal/v1/%70rofile",
        "/internal/v1/x/../profile",
        "/internal/v1/x/%2e%2e/profile",
        "//internal/v1/profile",
        "/internal/v1/profile/",
        "/internal%2Fv1/profile",
        "/internal/v1/profile%00",
    ],
)
def test_the_path_written_otherwise(service: Service, target: str) -> None:
    """Signed for the plain path it is no signature; signed as it stands it is no path."""
    assert service.raw("POST", target, BODY, signed()).status == 401
    assert service.raw("POST", target, BODY, signed(target=target)).status in (403, 404)


def test_a_query_is_part_of_what_is_signed(service: Service) -> None:
    target = "/internal/v1/health?probe=1"
    assert service.raw("GET", target, b"", signed("GET", target, b"")).status == 200


def test_a_replay_is_known_after_a_restart(tmp_path: Path) -> None:
    headers = signed("GET", "/internal/v1/health", b"")
    with serving(tmp_path) as service:
        assert service.raw("GET", "/internal/v1/health", b"", headers).status == 200
    with serving(tmp_path) as service:
        assert service.raw("GET", "/internal/v1/health", b"", headers).status == 401


def test_processes_share_nonces(tmp_path: Path) -> None:
    one, other = Nonces(tmp_path / "n.sqlite"), Nonces(tmp_path / "n.sqlite")
    now = time.time()
    assert one.take("a" * 32, int(now), now)
    assert not other.take("a" * 32, int(now), now)
    assert other.take("b" * 32, int(now), now)
    assert not one.take("b" * 32, int(now), now)


def test_nonces_are_forgotten_when_their_time_is_over(tmp_path: Path) -> None:
    nonces, now = Nonces(tmp_path / "n.sqlite"), 1_000_000.0
    for i in range(300):
        assert nonces.take(f"{i:032x}", int(now), now)
    assert not nonces.take(f"{0:032x}", int(now), now + 299)
    for i in range(300, 900):
        nonces.take(f"{i:032x}", int(now + 700), now + 700)
    kept = nonces.file.execute("SELECT count(*) FROM nonces WHERE nonce < ?", (f"{300:032x}",))
    assert kept.fetchone() == (0,)


@pytest.mark.parametrize(
    ("secret", "told"), [("", "not set"), ("change-me-in-production", "sample"), ("x", "shorter")]
)
def test_a_secret_that_is_none_does_not_start(tmp_path: Path, secret: str, told: str) -> None:
    environment = {
        **os.environ,
        "AIR__PYTHON__AUTH_SHARED_SECRET": secret,
        "PYTHONPATH": str(EDA),
    }
    done = subprocess.run(
        command(tmp_path, free_port()), env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert not secret or secret == "x" or secret not in done.stderr


def test_only_loopback_unless_it_is_asked_for(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AIR__PYTHON__AUTH_SHARED_SECRET": SECRET,
        "PYTHONPATH": str(EDA),
    }
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org"):  # noqa: S104 (that is refused)
        done = subprocess.run(
            [*command(tmp_path, free_port()), "--host", host],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2, host
        assert "loopback" in done.stderr


def test_health_from_the_command_line(service: Service) -> None:
    environment = {
        **os.environ,
        "AIR__PYTHON__AUTH_SHARED_SECRET": SECRET,
        "PYTHONPATH": str(EDA),
    }
    asked = [sys.executable, "-m", "air_eda", "health", "--url"]
    for port, code in ((service.port, 0), (free_port(), 1)):
        done = subprocess.run(
            [*asked, f"http://127.0.0.1:{port}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
