"""What can go wrong, a class for each stage.

Each exception carries `code`, which is the service's code for the same problem; `location`: a JSON
pointer into the IR, an argument, a rule of the guard or the id of a source; and `advice`: what to
do. No password of a source is in any of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class AirError(Exception):
    """Anything that AIR raises; as such, a fault of AIR itself."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "internal",
        location: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.location = location
        self.advice = advice

    def __str__(self) -> str:
        where = f" (at {self.location})" if self.location else ""
        said = self.advice and self.advice.rstrip(".").lower() in self.message.lower()
        what = f" {self.advice}" if self.advice and not said else ""
        return f"{self.code}: {self.message}{where}{what}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_made_again, (type(self), self.message, dict(self.__dict__)))


class UsageError(AirError, ValueError):
    """An argument does not fit, or the engine was made before a fork."""


class _IrErrors(AirError):  # noqa: N818 - nobody raises it as such
    """Everything that is wrong with an IR, in `errors`: `code`, `pointer`, `detail`, `nearest`."""

    def __init__(
        self, message: str, *, errors: Iterable[dict[str, Any]] = (), **named: Any
    ) -> None:
        super().__init__(message, **named)
        self.errors = list(errors)


class IrError(_IrErrors):
    """This is no IR, or its parameters do not fit."""


class PlanError(_IrErrors):
    """The IR asks for what the catalog does not hold, or a source cannot do."""


class GuardError(AirError):
    """The plan was refused; `safety_report` says how each rule came out."""

    def __init__(
        self, message: str, *, safety_report: Iterable[dict[str, Any]] = (), **named: Any
    ) -> None:
        super().__init__(message, **named)
        self.safety_report = list(safety_report)


class SourceError(AirError):
    """A source cannot be opened, reached, learned or read."""


class RunError(AirError):
    """The run outgrew its time or memory, or a number its type."""


class ClarificationNeeded(AirError):  # noqa: N818 - it is no fault
    """The question has several readings that would give different rows.

    `questions` are those to ask back: `id`, `text`, `choices` (each `value` and `label`) and the
    `recommended` value. Ask again with `answers={id: value}`. `draft` is what the recommended
    answers would come to; nothing of it was run.
    """

    def __init__(
        self,
        message: str,
        *,
        questions: Iterable[dict[str, Any]] = (),
        draft: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(message, **named)
        self.questions = list(questions)
        self.draft = draft


class CannotAnswer(AirError):  # noqa: N818 - it is the service's name of this state
    """The source does not hold what is asked for; `missing` are the words it has no name for."""

    def __init__(self, message: str, *, missing: Iterable[str] = (), **named: Any) -> None:
        super().__init__(message, **named)
        self.missing = list(missing)


def _made_again(kind: type[AirError], message: str, state: dict[str, Any]) -> AirError:
    """An exception as it came from another process."""
    error = kind(message)
    error.__dict__.update(state)
    return error
