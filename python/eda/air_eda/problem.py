"""Errors as RFC 9457 says, with the codes of the contract."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from .contract import STATUS, ErrorCode, FieldError, Problem

TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


class Failure(Exception):
    """What ends a request, as the caller is told it. It crosses the pipe of a worker as JSON."""

    def __init__(self, code: ErrorCode, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.code: ErrorCode = code
        self.detail = detail
        self.errors = list(errors)

    def to_json(self) -> dict[str, object]:
        errors = [e.model_dump(exclude_unset=True) for e in self.errors]
        return {"code": self.code, "detail": self.detail, "errors": errors}

    @classmethod
    def from_json(cls, found: dict[str, object]) -> Failure:
        code, detail, errors = found["code"], found["detail"], found["errors"]
        problem = {"type": "", "title": "", "status": 500, "request_id": new_request_id()}
        read = Problem.model_validate({**problem, "code": code, "detail": detail, "errors": errors})
        return cls(read.code, read.detail, read.errors or [])


def new_request_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def response(failure: Failure, request_id: str) -> Response:
    status = STATUS[failure.code]
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "status": status,
        "code": failure.code,
        "detail": failure.detail,
        "request_id": request_id,
    }
    if failure.errors:
        body["errors"] = [e.model_dump(exclude_unset=True) for e in failure.errors]
    headers = {"X-Request-Id": request_id}
    if status == 401:
        headers["WWW-Authenticate"] = 'AIR-HMAC-SHA256 realm="air-eda"'
    if status == 503:
        headers["Retry-After"] = "2"
    return Response(
        json.dumps(body), status, headers=headers, media_type="application/problem+json"
    )
