"""The contract's schemas as Rust types, for the client and for the server.

Of JSON Schema only what the contract uses is understood; anything else stops the run with the
place. Constraints beyond the type (lengths, patterns, `oneOf`) are not in the types: the server
holds requests against the schemas themselves.
"""

from __future__ import annotations

from .contract import NOTE, Contract, ContractError, Json, doc, ident, names_in, pascal, snake

OBJECT = "serde_json::Map<String, serde_json::Value>"

# Types the server has already; its copy of the contract names them in place of its own, and
# leaves out what only they hold.
SERVER_TYPES = {
    "DatasourceId": "crate::id::DatasourceId",
    "ReportKey": "crate::id::ReportKey",
    "RunId": "crate::id::RunId",
    "JobId": "crate::id::JobId",
    "ScheduleId": "crate::id::ScheduleId",
    "FileId": "crate::id::FileId",
    "LearningSessionId": "crate::id::LearningSessionId",
    "EndpointKeyId": "crate::id::EndpointKeyId",
    "EndpointSlug": "crate::id::ReportKey",
    "ReportId": "crate::id::ReportId",
    "ReportVersionId": "crate::id::ReportVersionId",
    "ScopeId": "crate::id::ScopeId",
    "ScopeVersionId": "crate::id::ScopeVersionId",
    "AnalysisId": "crate::id::AnalysisId",
    "RequestId": "crate::id::RequestId",
    "ChatRoomId": "crate::id::ChatRoomId",
    "ChatMessageId": "crate::id::ChatMessageId",
    "Catalog": "air_ir::Catalog",
    "CatalogPatch": "air_ir::CatalogEdits",
    "DatasourceKind": "air_ir::catalog::SourceKind",
    "DataType": "air_ir::DataType",
    "ColumnRole": "air_ir::catalog::Role",
    "Verdict": "air_ir::Verdict",
    "CheckStatus": "air_ir::CheckStatus",
}


class Types:
    """Rust types of the contract's schemas."""

    def __init__(self, contract: Contract, *, server: bool) -> None:
        self.contract = contract
        self.server = server
        self.vis = "pub(crate)" if server else "pub"
        self.replaced = SERVER_TYPES if server else {}
        self.schemas = {**contract.schemas, **contract.query_schemas()}

    def named(self, ref: str) -> str:
        name = ref.rsplit("/", 1)[-1]
        if name not in self.schemas:
            raise ContractError(f"{ref}: there is no such schema")
        return self.replaced.get(name, name)

    def rust(self, schema: Json | bool, where: str) -> tuple[str, bool]:
        """The Rust type of a schema, and whether null is one of its values."""
        if isinstance(schema, bool):
            return "serde_json::Value", False
        if ref := schema.get("$ref"):
            target = self.schemas.get(ref.rsplit("/", 1)[-1], {})
            if "anyOf" in target and "properties" not in target:
                return self.rust(target, where)
            return self.named(ref), False
        if "anyOf" in schema and "properties" not in schema:
            rest = [s for s in schema["anyOf"] if s != {"type": "null"}]
            if len(rest) != 1:
                raise ContractError(f"{where}: anyOf is understood for one type or null only")
            return self.rust(rest[0], where)[0], len(rest) < len(schema["anyOf"])
        kind = schema.get("type")
        nullable = isinstance(kind, list)
        if isinstance(kind, list):
            (kind,) = [k for k in kind if k != "null"]
        return self.plain(kind, schema, where), nullable

    def plain(self, kind: str | None, schema: Json, where: str) -> str:
        simple = {"string": "String", "number": "f64", "boolean": "bool"}
        if "enum" in schema or "properties" in schema:
            raise ContractError(f"{where}: name this in components/schemas")
        if kind in simple:
            return simple[kind]
        if kind == "integer":
            return integer(schema)
        if kind == "array":
            return f"Vec<{self.rust(schema['items'], where + '/items')[0]}>"
        if kind == "object":
            values = schema.get("additionalProperties", True)
            value = self.rust(values, where + "/additionalProperties")[0]
            return OBJECT if values is True else f"BTreeMap<String, {value}>"
        if kind is not None or {"oneOf", "allOf", "const"} & schema.keys():
            raise ContractError(f"{where}: type {kind} is not understood")
        return "serde_json::Value"

    def merged(self, schema: Json) -> Json:
        """An object schema with its `allOf` parts put together."""
        if "allOf" not in schema:
            return schema
        whole: Json = {"description": schema.get("description"), "properties": {}, "required": []}
        for ref in schema["allOf"]:
            part = self.merged(self.contract.resolve(ref))
            whole["properties"].update(part.get("properties", {}))
            whole["required"] += part.get("required", [])
        return whole

    def wanted(self) -> list[str]:
        """Names of the schemas to write: all, or for the server those it does not have."""
        if not self.server:
            return [n for n in self.schemas if n not in self.contract.internal_only()]
        seen: set[str] = set()
        paths = [self.contract.document[k] for k in ("paths", "x-internal-paths")]
        roots = [*paths, self.contract.query_schemas()]
        waiting = names_in([*roots, self.contract.document["components"]["responses"]])
        waiting |= set(self.contract.query_schemas())
        while waiting:
            name = waiting.pop()
            if name not in seen and name not in self.replaced and name in self.schemas:
                seen.add(name)
                waiting |= names_in(self.schemas[name])
        return [n for n in self.schemas if n in seen]

    def item(self, name: str) -> str:
        schema = self.merged(self.schemas[name])
        about = doc(schema.get("description"))
        if "properties" in schema:
            return about + self.struct(name, schema)
        if "enum" in schema:
            return about + self.enum(name, schema)
        if "anyOf" in schema:
            return ""
        if schema.get("type") == "string" and "pattern" in schema:
            return f"text_type! {{\n{doc(schema.get('description'), '    ')}    {name}\n}}\n"
        if schema.get("type") == "object" and schema.get("additionalProperties") is not True:
            raise ContractError(f"{name}: an object without properties must be open")
        return f"{about}{self.vis} type {name} = {self.rust(schema, name)[0]};\n"

    def struct(self, name: str, schema: Json) -> str:
        required = set(schema.get("required", []))
        closed = schema.get("additionalProperties") is False
        default = "" if required else ", Default"
        out = f"#[derive(Debug, Clone, PartialEq, Serialize, Deserialize{default})]\n"
        out += "#[serde(deny_unknown_fields)]\n" if closed else ""
        out += f"{self.vis} struct {name} {{\n"
        for key, spec in schema["properties"].items():
            rust, nullable = self.rust(spec, f"{name}/{key}")
            spec_doc = spec.get("description") if isinstance(spec, dict) else None
            out += doc(spec_doc, "    ")
            if key not in required:
                out += '    #[serde(default, skip_serializing_if = "Option::is_none")]\n'
            if ident(key).removeprefix("r#") != key:
                out += f'    #[serde(rename = "{key}")]\n'
            optional = nullable or key not in required
            out += f"    {self.vis} {ident(key)}: {f'Option<{rust}>' if optional else rust},\n"
        return out + "}\n" + self.constructor(name, schema, required)

    def constructor(self, name: str, schema: Json, required: set[str]) -> str:
        """`new` with the required members, for request bodies that also have optional ones."""
        optional = [k for k in schema["properties"] if k not in required]
        if (
            self.server
            or not required
            or not optional
            or schema.get("additionalProperties") is not False
        ):
            return ""
        needed = [k for k in schema["properties"] if k in required]
        args = ", ".join(
            f"{ident(k)}: {self.rust(schema['properties'][k], name)[0]}" for k in needed
        )
        members = ", ".join([ident(k) for k in needed] + [f"{ident(k)}: None" for k in optional])
        return f"""impl {name} {{
            /// With the required members alone.
            pub fn new({args}) -> Self {{ Self {{ {members} }} }}
        }}
        """

    def enum(self, name: str, schema: Json) -> str:
        values: list[str] = schema["enum"]
        for value in values:
            if snake(pascal(value)) != value and pascal(value).lower() != value:
                raise ContractError(f"{name}: {value} is not snake_case")
        arms = "".join(f'Self::{pascal(v)} => "{v}",' for v in values)
        return f"""#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        {self.vis} enum {name} {{ {", ".join(pascal(v) for v in values)} }}

        impl {name} {{
            /// Every value.
            {self.vis} const ALL: &[Self] = &[{", ".join(f"Self::{pascal(v)}" for v in values)}];

            /// The name in the contract.
            {self.vis} fn as_str(self) -> &'static str {{ match self {{ {arms} }} }}
            {self.status(name, schema)}
        }}

        impl fmt::Display for {name} {{
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
                f.write_str(self.as_str())
            }}
        }}
        """

    def status(self, name: str, schema: Json) -> str:
        """The HTTP status of each value, where the contract gives one."""
        statuses = schema.get("x-status")
        if statuses is None:
            return ""
        if set(statuses) != set(schema["enum"]):
            raise ContractError(f"{name}: x-status must name each value once")
        arms = ""
        for status in sorted(set(statuses.values())):
            values = [f"Self::{pascal(v)}" for v in schema["enum"] if statuses[v] == status]
            arms += f"{' | '.join(values)} => {status},"
        return f"""
            /// The HTTP status that goes with it.
            {self.vis} fn status(self) -> u16 {{ match self {{ {arms} }} }}
        """

    def file(self) -> str:
        items = [self.item(name) for name in self.wanted()]
        out = NOTE + "\n//! The contract's schemas as Rust types.\n\n"
        if self.server:
            out += (
                '#![expect(dead_code, reason = "the contract says more than the server reads")]\n\n'
            )
        body = "\n".join(i for i in items if i)
        out += "use std::fmt;\n" + (
            "use std::collections::BTreeMap;\n" if "BTreeMap<" in body else ""
        )
        out += "\nuse serde::{Deserialize, Serialize};\n\n"
        if "text_type!" in body:
            out += TEXT_TYPE.replace("pub ", f"{self.vis} ") + "\n"
        return out + body


TEXT_TYPE = """/// A text of one kind, so that two cannot be swapped. The server checks its form.
macro_rules! text_type {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
"""


def integer(schema: Json) -> str:
    top = schema.get("maximum")
    sign = "u" if schema.get("minimum", -1) >= 0 else "i"
    if top is None:
        return f"{sign}64"
    return f"{sign}{next(bits for bits in (16, 32, 64) if top < 2 ** (bits - 1))}"
