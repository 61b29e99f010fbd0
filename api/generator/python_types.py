"""The contract's internal part as pydantic models, for the EDA service.

Constraints are in the models too: what they take is what the contract allows. Of JSON Schema only
what the contract uses is understood; anything else stops the run with the place.
"""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Iterator

from .contract import API, Contract, ContractError, Json, names_in

NOTE = '''"""What the EDA service takes and gives, as the contract says.

Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.
"""
'''
HEAD = '''
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue


class Closed(BaseModel):
    """Refuses members it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def not_null(value: object) -> object:
    if value is None:
        raise ValueError("it may be left out, but not null")
    return value


# Of what may be left out: absent is None here, and null is refused as the contract has it.
ABSENT = BeforeValidator(not_null)
'''
PLAIN = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"}
CONSTRAINTS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_length",
    "maxItems": "max_length",
}


class Models:
    """Python source of the models that the internal operations need."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        problem = {"$ref": "#/components/schemas/Problem"}
        self.wanted = contract.reached([op.spec for op in contract.internal] + [problem])

    def ordered(self) -> Iterator[str]:
        """Each name after those that it is built of."""
        done: set[str] = set()

        def visit(name: str) -> Iterator[str]:
            if name in done:
                return
            done.add(name)
            for other in sorted(names_in(self.contract.schemas[name])):
                yield from visit(other)
            yield name

        for name in self.contract.schemas:
            if name in self.wanted:
                yield from visit(name)

    def type_of(self, schema: Json | bool, where: str) -> str:
        if isinstance(schema, bool):
            return "JsonValue"
        if ref := schema.get("$ref"):
            return str(ref.rsplit("/", 1)[-1])
        if "anyOf" in schema:
            return " | ".join(self.type_of(s, where) for s in schema["anyOf"])
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "enum" in schema:
            return f"Literal[{', '.join(repr(v) for v in schema['enum'])}]"
        kinds = schema.get("type")
        if kinds is None:
            if {"oneOf", "allOf", "properties"} & schema.keys():
                raise ContractError(f"{where}: this is not understood")
            return "JsonValue"
        parts = [self.plain(k, schema, where) for k in ([kinds] if type(kinds) is str else kinds)]
        return " | ".join(parts)

    def plain(self, kind: str, schema: Json, where: str) -> str:
        if kind == "null":
            return "None"
        if kind in PLAIN:
            return annotated(PLAIN[kind], schema)
        if kind == "array":
            return annotated(f"list[{self.type_of(schema['items'], where)}]", schema)
        if kind == "object" and "properties" not in schema:
            values = schema.get("additionalProperties", True)
            return f"dict[str, {self.type_of(values, where)}]"
        raise ContractError(f"{where}: type {kind} is not understood")

    def item(self, name: str) -> str:
        schema = self.contract.schemas[name]
        about = schema.get("description", "")
        if "properties" not in schema:
            return f"\n{comment(about)}{name} = {self.type_of(schema, name)}\n"
        required = set(schema.get("required", []))
        out = f'\nclass {name}(Closed):\n    """{about}"""\n\n'
        for key, spec in schema["properties"].items():
            kind = self.type_of(spec, f"{name}/{key}")
            end = ""
            if key not in required:
                default = spec.get("default")
                if default is None and not free(spec):
                    kind = f"Annotated[{kind} | None, ABSENT]"
                end = f" = {default!r}"
            out += comment(spec.get("description", ""), "    ") + f"    {key}: {kind}{end}\n"
        return out

    def tables(self) -> str:
        codes = self.contract.schemas["ErrorCode"]["x-status"]
        pairs = ", ".join(f"{code!r}: {status}" for code, status in codes.items())
        out = "\n# The HTTP status of each kind of error.\n"
        out += f"STATUS: dict[ErrorCode, int] = {{{pairs}}}\n"
        out += "\n# Method, path and name of each internal operation.\nOPERATIONS = (\n"
        for op in self.contract.internal:
            out += f"    ({op.method.upper()!r}, {op.path!r}, {op.id!r}),\n"
        return out + ")\n"

    def file(self) -> str:
        body = "\n".join(self.item(name) for name in self.ordered())
        return formatted(NOTE + HEAD + body + self.tables())


def free(spec: Json) -> bool:
    """Whether null is one of its values."""
    kinds = spec.get("type")
    return (not kinds and "$ref" not in spec) or (isinstance(kinds, list) and "null" in kinds)


def annotated(kind: str, schema: Json) -> str:
    found = [f"{py}={schema[js]!r}" for js, py in CONSTRAINTS.items() if js in schema]
    return f"Annotated[{kind}, Field({', '.join(found)})]" if found else kind


def comment(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(text, 94 - len(indent))
    return "".join(f"{indent}# {line}\n" for line in lines)


def formatted(code: str) -> str:
    command = ["ruff", "format", "--line-length", "100", "-"]
    done = subprocess.run(  # noqa: S603 (a fixed command; the code goes in by stdin)
        command, input=code, text=True, capture_output=True, cwd=API.parent, check=False
    )
    if done.returncode != 0:
        raise ContractError(f"ruff refuses what was made:\n{done.stderr}")
    return done.stdout
