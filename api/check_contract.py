"""Hold openapi.yaml against OpenAPI 3.1, its own examples, and the habits of this contract.

In: the contract. Out: one line for each fault, and exit code 1 if there is one. Absent: whether
the running server keeps the contract; a test against the live service does that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from generator.contract import Contract, ContractError, Json, Operation, names_in, read
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

ROLES = ["viewer", "editor", "admin"]
# What can go wrong with any request that carries a body.
WITH_BODY = {"400", "413", "415", "422"}


class Checker:
    """Collects faults, each as a place and a sentence."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.faults: list[str] = []

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")

    @cached_property
    def schemas(self) -> Json:
        return self.contract.schemas

    def validate(self, schema: Json, value: object, where: str) -> None:
        """Holds `value` against `schema`, formats included."""
        whole = {**schema, "components": self.contract.document["components"]}
        checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for error in checker.iter_errors(value):
            self.fault(f"{where}{error.json_path[1:]}", error.message[:200])

    def content(self, content: Json, where: str) -> None:
        """Every body that is JSON or text shows an example, and every example validates."""
        for media, spec in content.items():
            if "schema" not in spec:
                continue
            if not spec.get("examples"):
                self.fault(f"{where} {media}", "has no example")
            for name, example in spec.get("examples", {}).items():
                value = self.contract.resolve(example)["value"]
                self.validate(spec["schema"], value, f"{where} {media} example {name}")

    def parameters(self, op: Operation) -> None:
        for param in op.params:
            where = f"{op.id} parameter {param['name']}"
            if "example" in param:
                self.validate(param["schema"], param["example"], where)
            elif not names_in(param["schema"]) & {"Cursor"}:
                # A cursor cannot be shown: it belongs to one list of one server.
                self.fault(where, "has no example")
        templated = set(re.findall(r"{(\w+)}", op.path))
        if templated != {p["name"] for p in op.parameters("path")}:
            self.fault(op.id, f"path parameters are not those of {op.path}")

    def roles(self, op: Operation) -> None:
        roles = op.spec.get("x-roles")
        is_open = op.spec.get("security") == []
        if roles is None or roles != ROLES[len(ROLES) - len(roles) :]:
            self.fault(op.id, f"x-roles must be the upper end of {ROLES}, or []")
        elif is_open != (roles == []):
            self.fault(op.id, "no roles and no security go together")

    def signed(self, op: Operation) -> None:
        """What is internal is signed, and no one's role."""
        if op.spec.get("security") != [{"air_signature": []}] or "x-roles" in op.spec:
            self.fault(op.id, "is internal: it needs air_signature, and no x-roles")

    def statuses(self, op: Operation) -> None:
        wanted = {"500"}
        if op.spec.get("x-roles"):
            wanted |= {"400", "401", "403", "503"}
        if "x-roles" not in op.spec:
            wanted |= {"401", "403", "503"}
        if "requestBody" in op.spec:
            wanted |= WITH_BODY
        if op.parameters("query"):
            wanted |= {"400", "422"}
        if op.parameters("path"):
            wanted |= {"404"}
        if any(p["name"] == "Idempotency-Key" for p in op.params):
            wanted |= {"409", "422"}
        if any(p["name"] == "If-Match" for p in op.params):
            wanted |= {"412"}
        if len(self.contract.response(op)[1].get("content", {})) > 1:
            wanted |= {"406"}
        if missing := wanted - set(op.spec["responses"]):
            self.fault(op.id, f"does not list {', '.join(sorted(missing))}")

    def responses(self, op: Operation) -> None:
        codes = self.schemas["ErrorCode"]["x-status"]
        for status, ref in op.spec["responses"].items():
            response = self.contract.resolve(ref)
            self.content(response.get("content", {}), f"{op.id} {status}")
            for name, raw in response.get("headers", {}).items():
                header = self.contract.resolve(raw)
                self.validate(header["schema"], header["example"], f"{op.id} {status} {name}")
            problem = response.get("content", {}).get("application/problem+json", {})
            for name, example in problem.get("examples", {}).items():
                value = self.contract.resolve(example)["value"]
                if not str(value["status"]) == status == str(codes[value["code"]]):
                    self.fault(f"{op.id} {status} example {name}", "status and code do not agree")

    def closed(self) -> None:
        """Whatever a request holds refuses members it does not know."""
        waiting = {
            name
            for op in self.contract.operations + self.contract.internal
            for name in names_in(op.spec.get("requestBody", {}))
        }
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            schema = self.schemas[name]
            waiting |= names_in(schema) - seen
            if "properties" in schema and schema.get("additionalProperties") is not False:
                self.fault(f"schema {name}", "is in a request and must be closed")

    def operation(self, op: Operation) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", op.id):
            self.fault(op.id, "operationId must be snake_case")
        if not op.spec.get("summary") or not op.spec.get("tags"):
            self.fault(op.id, "needs a summary and a tag")
        self.signed(op) if op in self.contract.internal else self.roles(op)
        self.parameters(op)
        self.statuses(op)
        self.content(op.spec.get("requestBody", {}).get("content", {}), f"{op.id} request")
        self.responses(op)

    def unused(self) -> Iterator[str]:
        used = names_in(self.contract.document)
        yield from (name for name in self.schemas if name not in used)

    def run(self) -> list[str]:
        internal = self.contract.document.get("x-internal-paths", {})
        for paths in (self.contract.document["paths"], internal):
            whole = {**self.contract.document, "paths": paths}
            for error in OpenAPIV31SpecValidator(whole).iter_errors():
                self.fault(getattr(error, "json_path", "$"), error.message[:200])
        if self.faults:
            return self.faults
        every = self.contract.operations + self.contract.internal
        for op in every:
            self.operation(op)
        self.closed()
        for name in self.unused():
            self.fault(f"schema {name}", "is used nowhere")
        ids: list[Any] = [op.id for op in every]
        for name in {i for i in ids if ids.count(i) > 1}:
            self.fault(name, "is the operationId of several operations")
        return self.faults


def main() -> int:
    try:
        faults = Checker(read()).run()
    except ContractError as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"openapi.yaml: {fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
