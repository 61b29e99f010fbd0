//! The published endpoints as an OpenAPI document of their own.
//!
//! In: the endpoints. Out: OpenAPI 3.1 in which each is a path with its typed parameters, its rows
//! with their columns, and the problems it may answer.

use air_ir::DataType;
use serde_json::{Map, Value, json};

use super::{columns, defaulted, params, told, url};
use crate::contract::types::{EndpointParam, ResultColumn, ResultFormat};
use crate::problem::ApiError;
use crate::store::Endpoint;

/// The document of some endpoints.
pub(crate) fn document(endpoints: &[Endpoint]) -> Result<Value, ApiError> {
    let mut paths = Map::new();
    for endpoint in endpoints {
        paths.insert(url(endpoint), json!({"get": operation(endpoint)?}));
    }
    let formats: Vec<&str> = ResultFormat::ALL.iter().map(|format| format.as_str()).collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AIR endpoints",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Answers that were published, to be called with parameters.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"endpoint_key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer",
                    "description": "A token, or the endpoint's own key."},
                "endpoint_key": {"type": "apiKey", "in": "header", "name": "X-API-Key",
                    "description": "A key that the endpoint's owner made for it."},
            },
            "parameters": {
                "format": {"name": "format", "in": "query",
                    "description": "The format of the rows; it wins over `Accept`. JSON if neither says.",
                    "schema": {"type": "string", "enum": formats}},
                "now": {"name": "now", "in": "query",
                    "description": "The instant that `today` and the like refer to.",
                    "schema": {"type": "string", "format": "date-time"}},
            },
            "responses": {"Problem": {
                "description": "What is wrong, as RFC 9457 says.",
                "content": {"application/problem+json": {"schema":
                    {"$ref": "#/components/schemas/Problem"}}},
            }},
            "schemas": {"Problem": problem()},
        },
    }))
}

fn problem() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": text, "title": text, "status": {"type": "integer"}, "code": text,
            "detail": text, "request_id": text,
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": text, "code": text, "detail": text,
                    "nearest": {"type": "array", "items": text}},
            }},
        },
    })
}

fn operation(endpoint: &Endpoint) -> Result<Value, ApiError> {
    let (params, columns) = (params(endpoint)?, columns(endpoint)?);
    let mut parameters: Vec<Value> = params.iter().map(parameter).collect();
    parameters.push(json!({
        "name": "version", "in": "query",
        "description": "The version; the newest if it is not given.",
        "schema": {"type": "integer", "enum": endpoint.versions},
    }));
    parameters.push(json!({"$ref": "#/components/parameters/format"}));
    parameters.push(json!({"$ref": "#/components/parameters/now"}));
    let mut responses = json!({"200": {"description": "The rows.", "content": content(&columns)}});
    for status in ["400", "401", "403", "404", "406", "422", "429", "500", "503", "504"] {
        responses[status] = json!({"$ref": "#/components/responses/Problem"});
    }
    Ok(json!({
        "operationId": format!("endpoint_{}", endpoint.slug),
        "summary": endpoint.title,
        "description": told(endpoint),
        "x-version": endpoint.version,
        "x-report-key": endpoint.slug,
        "parameters": parameters,
        "responses": responses,
    }))
}

fn parameter(param: &EndpointParam) -> Value {
    let mut shown = json!({
        "name": param.name,
        "in": "query",
        "required": param.required == Some(true) && param.default.is_none(),
        "schema": defaulted(param),
    });
    if let Some(description) = &param.description {
        shown["description"] = json!(description);
    }
    if param.many == Some(true) {
        shown["style"] = json!("form");
        shown["explode"] = json!(true);
    }
    shown
}

fn content(columns: &[ResultColumn]) -> Value {
    let row = row(columns);
    let result = json!({
        "type": "object",
        "required": ["run_id", "columns", "rows", "row_count", "truncated", "as_of"],
        "properties": {
            "run_id": {"type": "string"},
            "version": {"type": "integer"},
            "columns": {"type": "array", "items": {"type": "object"}},
            "rows": {"type": "array", "items": row},
            "row_count": {"type": "integer"},
            "truncated": {"type": "boolean"},
            "as_of": {"type": "string", "format": "date-time"},
            "params": {"type": "object"},
        },
    });
    let mut content = Map::new();
    for format in ResultFormat::ALL {
        let media = format.media_type().split(';').next().unwrap_or_default().to_owned();
        let schema = match format {
            ResultFormat::Json => json!({"schema": result}),
            ResultFormat::Arrow | ResultFormat::Parquet => json!({}),
            _ => json!({"schema": {"type": "string"}}),
        };
        content.insert(media, schema);
    }
    Value::Object(content)
}

/// A row, its columns in their order.
fn row(columns: &[ResultColumn]) -> Value {
    let properties: Map<String, Value> = columns
        .iter()
        .map(|column| {
            let mut schema = value(column.r#type);
            schema["x-type"] = json!(column.r#type);
            schema["x-role"] = json!(column.role);
            (column.name.clone(), schema)
        })
        .collect();
    let names: Vec<&String> = columns.iter().map(|column| &column.name).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

/// A value of a type as rows in JSON have it; any may be null.
fn value(kind: DataType) -> Value {
    match kind {
        DataType::Bool => json!({"type": ["boolean", "null"]}),
        // Beyond 2^53 a whole number is a string; NaN and infinities are.
        kind if kind.is_integer() => json!({"type": ["integer", "string", "null"]}),
        kind if kind.is_float() => json!({"type": ["number", "string", "null"]}),
        DataType::Date => json!({"type": ["string", "null"], "format": "date"}),
        DataType::Timestamptz => json!({"type": ["string", "null"], "format": "date-time"}),
        DataType::Json => json!({}),
        _ => json!({"type": ["string", "null"]}),
    }
}
