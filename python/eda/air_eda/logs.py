"""Structured logs: one JSON object a line, to standard error.

They tell of requests, workers and limits. They hold no values of rows, no names of columns, no
paths of files and no part of a signature.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def log(level: str, message: str, **fields: str | float | None) -> None:
    line = {"timestamp": datetime.now(UTC).isoformat(), "level": level, "message": message}
    sys.stderr.write(json.dumps({**line, **fields}) + "\n")
    sys.stderr.flush()
