"""The settings, read once from the environment.

The names are those of AIR's own configuration, so that one environment serves both programs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECRET = "change-me-in-production"  # noqa: S105 (it is what is refused)
SECRET_KEY = "AIR__PYTHON__AUTH_SHARED_SECRET"  # noqa: S105 (a name)
# The server waits `timeout`; a request is ended before that, so that the answer still arrives.
SHARE_OF_TIMEOUT = 0.9
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class SettingsError(Exception):
    """A setting that cannot be used, and what to do about it."""


@dataclass(frozen=True)
class Settings:
    """How the service runs. Sizes are in MiB of 2^20 bytes."""

    secret: bytes
    base_path: Path | None
    state_dir: Path
    memory_mb: int = 2048
    workers: int = 2
    seconds: float = 81.0
    max_rows: int = 50_000_000
    max_body_mb: int = 2048
    # Requests that wait for a worker; one more is refused.
    waiting: int = 16

    @classmethod
    def read(cls, environ: Mapping[str, str], state_dir: Path) -> Settings:
        base = environ.get("AIR__FILES__BASE_PATH")
        return cls(
            secret=secret(environ.get(SECRET_KEY, "")),
            base_path=Path(base).resolve() if base else None,
            state_dir=state_dir,
            memory_mb=number(environ, "AIR__PYTHON__RESOURCE_LIMITS__MEMORY_MB", 2048, 64),
            workers=number(environ, "AIR__PYTHON__RESOURCE_LIMITS__WORKERS", 2, 1),
            seconds=duration(environ, "AIR__PYTHON__TIMEOUT", 90.0) * SHARE_OF_TIMEOUT,
            max_rows=number(environ, "AIR_EDA_MAX_ROWS", 50_000_000, 1),
            max_body_mb=number(environ, "AIR_EDA_MAX_BODY_MB", 2048, 1),
            waiting=number(environ, "AIR_EDA_WAITING", 16, 0),
        )


def secret(text: str) -> bytes:
    """The shared secret; the sample and what is short do not start."""
    if not text:
        raise SettingsError(f"{SECRET_KEY} is not set: set it to the random text AIR has too")
    if text == SAMPLE_SECRET:
        raise SettingsError(f"{SECRET_KEY} is the sample secret, which everyone knows: change it")
    if len(text.encode()) < 16:
        raise SettingsError(f"{SECRET_KEY} is shorter than 16 bytes: use 32 random ones")
    return text.encode()


def number(environ: Mapping[str, str], key: str, default: int, least: int) -> int:
    text = environ.get(key, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,18}", text) or int(text) < least:
        raise SettingsError(f"{key} must be a whole number from {least}; it is {text!r}")
    return int(text)


def duration(environ: Mapping[str, str], key: str, default: float) -> float:
    """Seconds; as in AIR's configuration `90s`, `500ms`, `2m`."""
    text = environ.get(key, "")
    if not text:
        return default
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if found is None or float(found[1]) <= 0:
        raise SettingsError(f"{key} must be a duration as 90s; it is {text!r}")
    return float(found[1]) * UNITS[found[2]]
