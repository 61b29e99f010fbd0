"""What the server gets besides types: the table of routes, and the schemas to check against."""

from __future__ import annotations

import json

from .contract import NOTE, Contract, names_in, pascal

ROUTE_TYPES = """use crate::auth::Role;

/// The schemas of bodies and queries, as JSON Schema 2020-12 under `/components/schemas`.
pub(crate) const SCHEMAS: &str = include_str!("schemas.json");

/// An operation of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// With `{name}` for each parameter.
    pub(crate) path: &'static str,
    /// The handler's name.
    pub(crate) operation_id: &'static str,
    /// The least role that may call it; none for everyone, without a token.
    pub(crate) min_role: Option<Role>,
    /// The schema of its query; without one, no query parameter is known.
    pub(crate) query: Option<&'static str>,
    pub(crate) body: Option<Body>,
    /// Whether `Idempotency-Key` is understood.
    pub(crate) idempotency_key: bool,
}

/// What an operation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Body {
    /// The name of its schema.
    pub(crate) schema: &'static str,
    pub(crate) required: bool,
    /// The media types it is read in.
    pub(crate) media: &'static [&'static str],
    /// Whether the operation reads it itself, as it comes.
    pub(crate) streamed: bool,
}

/// By path, then by method.
"""


def routes(contract: Contract) -> str:
    """The table of routes the server's router is held against."""
    out = NOTE + "\n//! Every operation of the contract, and who may call it.\n\n" + ROUTE_TYPES
    out += "pub(crate) const ROUTES: &[Route] = &[\n"
    for op in contract.operations:
        roles = op.spec["x-roles"]
        role = f"Some(Role::{pascal(roles[0])})" if roles else "None"
        query = f'Some("{op.query_type}")' if op.query_type else "None"
        keyed = any(p["name"] == "Idempotency-Key" for p in op.params)
        body = "None"
        if request := op.spec.get("requestBody"):
            # A body of bytes has no schema.
            (name,) = names_in([m["schema"] for m in request["content"].values() if m])
            media = ", ".join(f'"{m}"' for m in request["content"])
            required = str(request.get("required", False)).lower()
            streamed = str("multipart/form-data" in request["content"]).lower()
            body = f"""Some(Body {{
                schema: "{name}",
                required: {required},
                media: &[{media}],
                streamed: {streamed},
            }})"""
        out += f"""Route {{
            method: "{op.method.upper()}",
            path: "{op.path}",
            operation_id: "{op.id}",
            min_role: {role},
            query: {query},
            body: {body},
            idempotency_key: {str(keyed).lower()},
        }},
        """
    return out + "];\n"


def schemas_json(contract: Contract) -> str:
    def stripped(value: object, names: bool = False) -> object:
        """Without what validates nothing. Below `properties` a key is a name, not a keyword."""
        if isinstance(value, dict):
            dropped = () if names else ("description", "x-status", "default")
            return {
                k: stripped(v, not names and k == "properties")
                for k, v in value.items()
                if k not in dropped
            }
        return [stripped(v) for v in value] if isinstance(value, list) else value

    hidden = contract.internal_only()
    public = {n: s for n, s in contract.schemas.items() if n not in hidden}
    every = {**public, **contract.query_schemas()}
    wrapped = {"components": {"schemas": {n: stripped(s) for n, s in every.items()}}}
    return json.dumps(wrapped, indent=1, ensure_ascii=False) + "\n"
