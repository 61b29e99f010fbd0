"""What the client gets besides types: its methods, and a test that the types hold the examples."""

from __future__ import annotations

import json

from .contract import NOTE, Contract, Json, Operation, doc, ident, names_in, pascal, snake
from .rust_types import Types


def client(contract: Contract) -> str:
    """One method of the client for each operation."""
    types = Types(contract, server=False)
    out = NOTE + "\n//! A method of [`Client`] for each operation of the contract.\n\n"
    out += "use reqwest::{Method, Response};\n\n"
    out += "use super::types::*;\nuse crate::{Client, Error};\n\nimpl Client {\n"
    # What speaks a protocol of its own is no call of this client.
    calls = [op for op in contract.operations if op.spec.get("x-air-client", True)]
    out += "\n".join(method(contract, types, op) for op in calls)
    return out + "}\n"


def method(contract: Contract, types: Types, op: Operation) -> str:
    args, steps = ["&self"], []
    for p in op.parameters("path"):
        args.append(f"{ident(p['name'])}: &{types.rust(p['schema'], op.id)[0]}")
    segments = ", ".join(
        f"{ident(s[1:-1])}.as_str()" if s.startswith("{") else f'"{s}"'
        for s in op.path.strip("/").split("/")
    )
    if op.query_type:
        args.append(f"query: &{op.query_type}")
        steps.append(".query(query)")
    if request := op.spec.get("requestBody"):
        (name,) = names_in([m["schema"] for m in request["content"].values()])
        required = request.get("required", False)
        args.append(f"body: &{name}" if required else f"body: Option<&{name}>")
        steps.append(".json(body)" if required else ".json_if(body)")
    for p in op.parameters("header"):
        args.append(f"{snake(pascal(p['name']))}: Option<&str>")
        steps.append(f'.header_if("{p["name"]}", {snake(pascal(p["name"]))})')
    _, response = contract.response(op)
    media = list(response.get("content", {}))
    verb = f"Method::{op.method.upper()}"
    call = f"self.call({verb}, &[{segments}]){''.join(steps)}"
    about = doc(op.spec["summary"] + ".\n\n" + op.spec.get("description", ""), "    ")

    def function(name: str, returns: str, end: str, about: str) -> str:
        signature = f"pub async fn {name}({', '.join(args)}) -> Result<{returns}, Error>"
        return f"{about}    {signature} {{ {call}{end} }}\n"

    if not media:
        return function(op.id, "()", ".done().await", about)
    if not media[0].endswith("json"):
        return function(op.id, "String", ".text().await", about)
    (name,) = names_in(response["content"][media[0]]["schema"])
    out = function(op.id, name, f'.accept("{media[0]}").typed().await', about)
    if len(media) > 1:
        other = doc(
            f"As [`Self::{op.id}`], in the format that the query names, as it comes.", "    "
        )
        out += "\n" + function(f"{op.id}_as", "Response", ".send().await", other)
    return out


def examples(contract: Contract) -> tuple[str, str]:
    """Every JSON example, and the test code that reads one into its type and writes it again."""
    found: list[Json] = []

    def collect(content: Json) -> None:
        for media, spec in content.items():
            if not media.endswith(("json", "yaml")) or "schema" not in spec:
                continue
            name = spec["schema"]["$ref"].rsplit("/", 1)[-1]
            for example in spec.get("examples", {}).values():
                pair = {"schema": name, "value": contract.resolve(example)["value"]}
                if pair not in found:
                    found.append(pair)

    for op in contract.operations:
        collect(op.spec.get("requestBody", {}).get("content", {}))
        for response in op.spec["responses"].values():
            collect(contract.resolve(response).get("content", {}))
    names = sorted({f["schema"] for f in found})
    arms = "".join(f'"{name}" => through::<{name}>(value),\n' for name in names)
    code = f"""{NOTE}
//! Reads JSON into a type by its schema's name, and writes it again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{{Error, Value}};

use super::types::*;

fn through<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, Error> {{
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}}

/// `None` where there is no such schema.
pub(crate) fn round_trip(schema: &str, value: Value) -> Option<Result<Value, Error>> {{
    Some(match schema {{
        {arms} _ => return None,
    }})
}}
"""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n", code
