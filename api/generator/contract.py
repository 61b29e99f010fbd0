"""The contract as the generator sees it, and the spelling of names in Rust."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

API = Path(__file__).resolve().parent.parent
CONTRACT = API / "openapi.yaml"

NOTE = (
    "// Generated from api/openapi.yaml by api/generate."
    " Do not edit: change the contract, then run it.\n"
)
METHODS = ("get", "post", "put", "patch", "delete")
KEYWORDS = frozenset(
    {
        "as",
        "async",
        "await",
        "box",
        "const",
        "do",
        "enum",
        "final",
        "fn",
        "for",
        "if",
        "impl",
        "in",
        "let",
        "loop",
        "match",
        "mod",
        "move",
        "pub",
        "ref",
        "return",
        "static",
        "struct",
        "trait",
        "try",
        "type",
        "unsafe",
        "use",
        "where",
        "while",
        "yield",
    }
)

Json = dict[str, Any]


class ContractError(Exception):
    """Something in the contract that this generator does not understand, and where."""


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_\W]+", name))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def ident(name: str) -> str:
    plain = re.sub(r"\W", "_", name).lower()
    return f"r#{plain}" if plain in KEYWORDS else plain


def doc(text: str | None, indent: str = "") -> str:
    paragraphs = (text or "").strip().splitlines()
    lines = [line for p in paragraphs for line in (textwrap.wrap(p, 94) or [""])]
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines)


def names_in(value: object) -> set[str]:
    """Names of every schema that is referred to in `value`."""
    text = json.dumps(value)
    return set(re.findall(r'"#/components/schemas/(\w+)"', text))


@dataclass
class Operation:
    method: str
    path: str
    spec: Json
    params: list[Json]

    @property
    def id(self) -> str:
        return str(self.spec["operationId"])

    def parameters(self, place: str) -> list[Json]:
        return [p for p in self.params if p["in"] == place]

    @property
    def query_type(self) -> str | None:
        return pascal(self.id) + "Query" if self.parameters("query") else None


@dataclass
class Contract:
    document: Json
    schemas: Json = field(init=False)
    operations: list[Operation] = field(init=False)
    # What the EDA service serves to the server: no part of the router, nor of the client.
    internal: list[Operation] = field(init=False)

    def __post_init__(self) -> None:
        self.schemas = dict(self.document["components"]["schemas"])
        self.operations = self.operations_of("paths")
        self.internal = self.operations_of("x-internal-paths")

    def operations_of(self, key: str) -> list[Operation]:
        found: list[Operation] = []
        for path, item in self.document.get(key, {}).items():
            for method in METHODS:
                if spec := item.get(method):
                    raw = item.get("parameters", []) + spec.get("parameters", [])
                    params = [self.resolve(p) for p in raw]
                    found.append(Operation(method, path, spec, params))
        return found

    def reached(self, roots: object) -> set[str]:
        """Names of every schema that `roots` need, directly or through others."""
        seen: set[str] = set()
        waiting = names_in(roots)
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self.schemas:
                seen.add(name)
                waiting |= names_in(self.schemas[name])
        return seen

    def internal_only(self) -> set[str]:
        """Names of the schemas that no operation of the server itself needs."""
        components = self.document["components"]
        public = [self.document["paths"], components["responses"], components["parameters"]]
        internal = self.reached(self.document.get("x-internal-paths", {}))
        return internal - self.reached(public)

    def resolve(self, value: Json) -> Json:
        while "$ref" in value:
            found: Any = self.document
            for key in value["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            value = found
        return value

    def query_schemas(self) -> Json:
        """One closed object schema for the query of each operation that has one."""
        found: Json = {}
        for op in self.operations:
            if op.query_type:
                # A parameter that is an object in pieces (`explode`) stands for names that are
                # not listed here.
                every = op.parameters("query")
                queries = [p for p in every if not p.get("explode")]
                found[op.query_type] = {
                    "type": "object",
                    "description": f"The query of `{op.id}`.",
                    "additionalProperties": len(queries) < len(every),
                    "required": [p["name"] for p in queries if p.get("required")],
                    "properties": {
                        p["name"]: {**p["schema"], "description": p.get("description", "")}
                        for p in queries
                    },
                }
        return found

    def response(self, op: Operation) -> tuple[str, Json]:
        """The successful response: its status and what it holds."""
        responses = op.spec.get("responses", {})
        status = next((s for s in responses if s.startswith("2")), None)
        if status is None:
            raise ContractError(f"{op.id}: no response says what success is")
        return status, self.resolve(responses[status])


def read() -> Contract:
    return Contract(yaml.safe_load(CONTRACT.read_text(encoding="utf-8")))
