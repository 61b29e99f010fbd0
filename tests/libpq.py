"""PostgreSQL's own client library, for tests that ask the server itself.

In: a connection string and one statement as it stands. Out: names, and rows of plain Python
values by their types (instants as aware datetimes), or the server's error with its SQLSTATE. What
Python has no value for, such as a year of five digits or an interval, is left as text.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

SET_UP = (
    "set timezone = 'UTC'",
    "set datestyle = 'ISO, YMD'",
    "set intervalstyle = 'postgres'",
    "set statement_timeout = '20s'",
)
CONNECTED, COMMAND_OK, TUPLES_OK = 0, 1, 2
SQLSTATE = ord("C")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


READ: dict[int, Callable[[str], Any]] = {
    16: lambda text: text == "t",
    20: int,
    21: int,
    23: int,
    700: float,
    701: float,
    1082: date.fromisoformat,
    1114: instant,
    1184: instant,
    1700: Decimal,
}


@dataclass(frozen=True)
class Result:
    """Rows with their columns' names, or an error."""

    names: list[str]
    rows: list[tuple[Any, ...]]
    sqlstate: str | None = None
    message: str = ""


def library() -> Any:
    name = ctypes.util.find_library("pq")
    if name is None:
        raise AssertionError("libpq is missing, which comes with PostgreSQL's client: run `make`")
    pq = ctypes.CDLL(name)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    pq.PQconnectdb.restype = handle
    pq.PQexecParams.restype = handle
    pq.PQexecParams.argtypes = [handle, text, number, *[handle] * 4, number]
    for call in ("PQstatus", "PQresultStatus", "PQnfields", "PQntuples"):
        getattr(pq, call).argtypes = [handle]
    for call, more in (("PQfname", 1), ("PQgetvalue", 2), ("PQresultErrorField", 1)):
        getattr(pq, call).argtypes = [handle, *[number] * more]
        getattr(pq, call).restype = text
    for call in ("PQerrorMessage", "PQresultErrorMessage"):
        getattr(pq, call).argtypes = [handle]
        getattr(pq, call).restype = text
    pq.PQftype.argtypes = [handle, number]
    pq.PQgetisnull.argtypes = [handle, number, number]
    pq.PQclear.argtypes = pq.PQfinish.argtypes = [handle]
    return pq


class Connection:
    """One connection in UTC."""

    def __init__(self, dsn: str) -> None:
        self.pq = library()
        self.handle = self.pq.PQconnectdb(dsn.encode())
        if self.pq.PQstatus(self.handle) != CONNECTED:
            raise AssertionError(self.pq.PQerrorMessage(self.handle).decode())
        for statement in SET_UP:
            done = self.ask(statement)
            assert done.sqlstate is None, done.message

    def ask(self, text: str) -> Result:
        """The answer to one statement."""
        none = [None] * 4
        result = self.pq.PQexecParams(self.handle, text.encode(), 0, *none, 0)
        try:
            return self.read(result)
        finally:
            self.pq.PQclear(result)

    def read(self, result: Any) -> Result:
        pq = self.pq
        if pq.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
            state = pq.PQresultErrorField(result, SQLSTATE) or b"08000"
            message = pq.PQresultErrorMessage(result).decode(errors="replace").strip()
            return Result([], [], state.decode(), message)
        columns = range(pq.PQnfields(result))
        kinds = [pq.PQftype(result, n) for n in columns]
        rows = [
            tuple(self.value(result, row, n, kinds[n]) for n in columns)
            for row in range(pq.PQntuples(result))
        ]
        return Result([pq.PQfname(result, n).decode() for n in columns], rows)

    def value(self, result: Any, row: int, column: int, kind: int) -> Any:
        if self.pq.PQgetisnull(result, row, column):
            return None
        text = self.pq.PQgetvalue(result, row, column).decode()
        with suppress(ValueError):
            return READ.get(kind, str)(text)
        return text

    def close(self) -> None:
        self.pq.PQfinish(self.handle)
