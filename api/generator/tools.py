"""Operations as functions that a model can call: those the contract marks with `x-air-tool`."""

from __future__ import annotations

import json

from .contract import Contract, ContractError, Json, Operation, names_in

# The rows' format is always JSON here, and a model has no use for a header.
LEFT_OUT = frozenset({"format"})


def tools_json(contract: Contract) -> str:
    """The tools with all that the server needs to offer and to call one."""
    tools = [tool(contract, op) for op in contract.operations if op.spec.get("x-air-tool")]
    return json.dumps(tools, indent=1, ensure_ascii=False) + "\n"


def tool(contract: Contract, op: Operation) -> Json:
    body = body_schema(contract, op)
    in_body = body.get("properties", {})
    queries = [
        p for p in op.parameters("query") if p["name"] not in LEFT_OUT and p["name"] not in in_body
    ]
    paths = op.parameters("path")
    if clash := {p["name"] for p in paths} & in_body.keys():
        raise ContractError(f"{op.id}: a tool cannot have {clash} in its path and in its body")
    properties = {p["name"]: described(p) for p in [*paths, *queries]} | in_body
    required = [p["name"] for p in [*paths, *queries] if p.get("required")]
    parameters: Json = {
        "type": "object",
        "additionalProperties": False,
        "required": required + body.get("required", []),
        "properties": properties,
    }
    if definitions := closure(contract, parameters):
        parameters["$defs"] = definitions
    return {
        "name": op.id,
        "description": description(op, body),
        "min_role": op.spec["x-roles"][0],
        "parameters": local(parameters),
        "call": {
            "method": op.method.upper(),
            "path": op.path,
            "path_parameters": [p["name"] for p in paths],
            "query_parameters": [p["name"] for p in queries],
        },
    }


def body_schema(contract: Contract, op: Operation) -> Json:
    """The schema of the JSON body, or an empty one."""
    content = op.spec.get("requestBody", {}).get("content", {})
    if not content:
        return {}
    if "application/json" not in content:
        raise ContractError(f"{op.id}: a tool's body must be JSON")
    return contract.resolve(content["application/json"]["schema"])


def described(param: Json) -> Json:
    schema: Json = {**param["schema"], "description": param.get("description", "")}
    return schema


def description(op: Operation, body: Json) -> str:
    """The summary, what else the contract says, and the combinations in words."""
    text = ". ".join(filter(None, [op.spec["summary"], op.spec.get("description", "").strip()]))
    choices = [one["required"] for one in body.get("oneOf", []) if one.keys() == {"required"}]
    if choices:
        names = " or ".join(" and ".join(f"`{n}`" for n in choice) for choice in choices)
        text = f"{text.rstrip('.')}. Give {names}, not both."
    return " ".join(text.split())


def closure(contract: Contract, schema: Json) -> Json:
    """Every schema that is reached from one, by name."""
    found: Json = {}
    waiting = names_in(schema)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = contract.schemas[name]
            waiting |= names_in(found[name])
    return dict(sorted(found.items()))


def local(value: object) -> object:
    """The schema with references into its own `$defs`."""
    if isinstance(value, dict):
        return {
            k: str(v).replace("#/components/schemas/", "#/$defs/") if k == "$ref" else local(v)
            for k, v in value.items()
            if k != "x-status"
        }
    return [local(v) for v in value] if isinstance(value, list) else value
