"""The engine as its callers see it.

In: questions, IRs and catalogs as dicts or JSON text. Out: `Result`, `Draft` and dicts. The work is
done by `air._air` on threads of its own, with the interpreter's lock released; Ctrl-C ends it and
leaves the engine in use. Absent on purpose: models, policies, HTTP, and keeping anything on disk.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from os import PathLike, fspath
from typing import Any, Literal

from air import _air
from air.errors import UsageError
from air.result import Result

Json = dict[str, Any]
Ir = Mapping[str, Any] | str


@dataclass(frozen=True)
class Draft:
    """What a question was taken to mean."""

    ir: Json
    interpretation: str
    assumptions: list[str]
    confidence: float
    """0 to 1."""


class Engine:
    """Threads, memory and sources for questions; safe to use from several threads at once.

    The defaults are the service's. Sizes are bytes, times are seconds:

    - `threads`: 0 takes one a processor. `memory`: of all runs together; beyond it they spill to
      `spill_dir` (the system's folder for temporary files), up to `max_spill`.
    - `timeout`: of a run, and of each query sent to a database. `max_result`: of a run's rows.
    - `default_row_limit` is that of an IR without a limit, `max_row_limit` the highest of any.
    - `time_filter`: what becomes of a large time series asked for without a bounded time: "inject"
      adds the last `time_filter_days` days and says so, "refuse" refuses, "off" lets it run.
    - `pushdown`: whether databases do what they can of a question.
    - `allowed_hosts`: which hosts a DSN may name; by default any but link-local and metadata
      addresses. `connections`: to one source at once. `connect_timeout`: for reaching it.

    An engine's threads do not survive a fork: its child gets a `UsageError`.
    """

    def __init__(
        self,
        *,
        threads: int = 0,
        memory: int = 2_000_000_000,
        spill_dir: str | PathLike[str] | None = None,
        max_spill: int = 20_000_000_000,
        timeout: float = 30.0,
        default_row_limit: int = 5_000,
        max_row_limit: int = 100_000,
        max_result: int = 256_000_000,
        time_filter: Literal["inject", "refuse", "off"] = "inject",
        time_filter_days: int = 370,
        pushdown: bool = True,
        allowed_hosts: Sequence[str] | None = None,
        connections: int = 8,
        connect_timeout: float = 5.0,
    ) -> None:
        settings = {
            "threads": threads,
            "memory": memory,
            "spill_dir": fspath(spill_dir or tempfile.gettempdir()),
            "max_spill": max_spill,
            "timeout": timeout,
            "default_row_limit": default_row_limit,
            "max_row_limit": max_row_limit,
            "max_result": max_result,
            "time_filter": time_filter,
            "time_filter_days": time_filter_days,
            "pushdown": pushdown,
            "allowed_hosts": None if allowed_hosts is None else list(allowed_hosts),
            "connections": connections,
            "connect_timeout": connect_timeout,
        }
        self._engine = _air.Engine(_text(settings, "settings"))

    def register_files(
        self,
        id: str,
        path: str | PathLike[str],
        *,
        store: Mapping[str, Any] | None = None,
        catalog: Ir | None = None,
    ) -> None:
        """A folder of CSV, Parquet and JSONL files, read-only; a `dataset.yaml` may tell of them.

        `path` may be an address (`s3://bucket/folder`, `gs`, `az`, `abfss`, `https`): then `store`
        holds what the service's configuration calls so (`region`, `access_key_id`, ...; times in
        seconds). The environment is not asked for keys unless it says `from_environment`.

        `catalog` is what was learned before; without it, `learn` comes first. An id that is there
        already is given to the new source. Raises `SourceError`.
        """
        settings = None if store is None else _text(dict(store), "store")
        self._engine.register_files(id, path, settings)
        if catalog is not None:
            self._engine.load(id, _text(catalog, "catalog"))

    def register_source(
        self,
        id: str,
        kind: Literal["postgres", "timescaledb", "mysql"],
        dsn: str,
        *,
        catalog: Ir | None = None,
        allow_superuser: bool = False,
    ) -> None:
        """A database; "mysql" is MariaDB too. Nothing is connected to before it is asked.

        A user with more rights than reading needs is refused unless `allow_superuser`. Raises
        `SourceError`, which names what is wrong with the DSN and never its password.
        """
        self._engine.register_source(id, kind, dsn, allow_superuser)
        if catalog is not None:
            self._engine.load(id, _text(catalog, "catalog"))

    @property
    def sources(self) -> dict[str, str]:
        """The kinds of what was registered, by id."""
        return dict(self._engine.sources())

    def learn(
        self,
        id: str,
        *,
        include_stats: bool = True,
        sample_values: bool = True,
        find_keys: bool = False,
        timeout: float | None = None,
    ) -> Json:
        """Reads what the source holds: tables, types, keys, figures and values of text columns.

        `find_keys` looks for keys that files hold and nobody declared. Gives the number of tables
        and columns, the columns that cannot be read, and the catalog's version. Raises
        `SourceError`.
        """
        wanted = {
            "include_stats": include_stats,
            "sample_values": sample_values,
            "find_keys": find_keys,
            "timeout": timeout,
        }
        return _dict(self._engine.learn(id, _text(wanted, "learn")))

    def catalog(self, id: str) -> Json:
        """What was learned, fit to be kept and given to `register_files` or `register_source`."""
        return _dict(self._engine.catalog(id))

    def interpret(
        self,
        question: str,
        id: str,
        *,
        answers: Mapping[str, str] | None = None,
        previous: Ir | Draft | Result | None = None,
        now: datetime | str | None = None,
    ) -> Draft:
        """What a question means, without running it; it is read without a model.

        `answers` are those to the questions of a `ClarificationNeeded`; `previous` is what the
        question may change. Raises `ClarificationNeeded` or `CannotAnswer`, and never guesses.
        """
        said = self._engine.interpret(
            question, id, _text(dict(answers or {}), "answers"), _previous(previous), _now(now)
        )
        return Draft(**json.loads(said))

    def ask(
        self,
        question: str,
        id: str,
        *,
        answers: Mapping[str, str] | None = None,
        previous: Ir | Draft | Result | None = None,
        now: datetime | str | None = None,
    ) -> Result:
        """The answer to a question: what `interpret` makes of it, run. Raises what both raise."""
        draft = self.interpret(question, id, answers=answers, previous=previous, now=now)
        rows, about = self._engine.run(_text(draft.ir, "ir"), id, "{}", _now(now))
        return Result(rows, json.loads(about), draft.ir, draft)

    def sql(
        self,
        ir: Ir,
        id: str,
        params: Mapping[str, Any] | None = None,
        *,
        now: datetime | str | None = None,
    ) -> list[Json]:
        """What each source would be asked: `source`, `dialect`, `sql` and its `params`.

        Nothing is sent. Raises `IrError`, `PlanError` or `GuardError`.
        """
        said: list[Json] = json.loads(
            self._engine.sql(_text(ir, "ir"), id, _text(dict(params or {}), "params"), _now(now))
        )
        return said

    def run(
        self,
        ir: Ir,
        id: str,
        params: Mapping[str, Any] | None = None,
        *,
        now: datetime | str | None = None,
    ) -> Result:
        """The rows of an IR about the source `id`, and any it names beside it.

        `params` are the values of `"{{name}}"`; the filters of one that is None fall away. `now` is
        what `today` refers to. Raises `IrError`, `PlanError`, `GuardError`, `SourceError` or
        `RunError`.
        """
        text = _text(ir, "ir")
        bound = _text(dict(params or {}), "params")
        rows, about = self._engine.run(text, id, bound, _now(now))
        return Result(rows, json.loads(about), _dict(text), None)

    def __repr__(self) -> str:
        return f"<air.Engine of {', '.join(self.sources) or 'no sources yet'}>"


def _text(value: object, name: str) -> str:
    """JSON text of what may be such text already."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"{name} cannot be written as JSON: {error}"
        raise UsageError(message, code="invalid", location=name) from None


def _plain(value: object) -> object:
    """What IRs write as text or number."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    message = f"there is no form for {type(value).__name__}"
    raise TypeError(message)


def _dict(text: str) -> Json:
    found: Json = json.loads(text)
    return found


def _now(now: datetime | str | None) -> str | None:
    if isinstance(now, datetime):
        return now.isoformat()
    return now


def _previous(previous: Ir | Draft | Result | None) -> str | None:
    if previous is None:
        return None
    if isinstance(previous, Draft | Result):
        previous = previous.ir
    return _text(previous, "previous")
