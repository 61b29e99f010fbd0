//! The contract itself, for programs and for people.

use std::fmt::Write;

use serde_json::Value;

use super::rows::bytes;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::problem::ApiError;
use crate::results::escape;

pub(super) const OPERATIONS: &[Operation] = &[operation!(get_openapi), operation!(get_docs)];

const OPENAPI: &str = include_str!("../../../api/openapi.yaml");

async fn get_openapi(_call: Call) -> Answer {
    Ok(bytes("application/yaml", OPENAPI))
}

async fn get_docs(call: Call) -> Answer {
    Ok(bytes("text/html; charset=utf-8", call.app.docs.clone()))
}

/// The contract as one page that loads nothing from elsewhere.
pub(crate) fn page() -> Result<String, ApiError> {
    let contract: Value = serde_saphyr::from_str(OPENAPI).map_err(ApiError::internal)?;
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>AIR</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>\
         body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         code,pre{font-family:ui-monospace,monospace;font-size:.9em}\
         pre{background:#f4f4f4;padding:.8rem;overflow:auto}\
         details{border-top:1px solid #ddd;padding:.4rem 0}summary{cursor:pointer}\
         .m{display:inline-block;min-width:4.5em;font-weight:600}</style>",
    );
    let _ = write!(
        html,
        "<h1>AIR {}</h1><pre>{}</pre><p><a href=\"/openapi.yaml\">openapi.yaml</a></p>",
        text(&contract["info"]["version"]),
        text(&contract["info"]["description"])
    );
    for tag in contract["tags"].as_array().into_iter().flatten() {
        section(&mut html, &contract, tag);
    }
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in contract["components"]["schemas"].as_object().into_iter().flatten() {
        let shown = serde_json::to_string_pretty(schema).unwrap_or_default();
        let name = escape(name);
        let _ = write!(
            html,
            "<details id=\"{name}\"><summary><code>{name}</code> {}</summary><pre>{}</pre></details>",
            text(&schema["description"]),
            escape(&shown)
        );
    }
    html.push_str("</html>");
    Ok(html)
}

fn section(html: &mut String, contract: &Value, tag: &Value) {
    let name = tag["name"].as_str().unwrap_or_default();
    let _ = write!(html, "<h2>{}</h2><p>{}</p>", escape(name), text(&tag["description"]));
    for (path, item) in contract["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "patch", "delete"] {
            let operation = &item[method];
            let tags = operation["tags"].as_array();
            if tags.is_some_and(|tags| tags.iter().any(|t| t == name)) {
                operation_of(html, method, path, operation);
            }
        }
    }
}

fn operation_of(html: &mut String, method: &str, path: &str, operation: &Value) {
    let roles = serde_json::to_string(&operation["x-roles"]).unwrap_or_default();
    let _ = write!(
        html,
        "<details><summary><span class=\"m\">{}</span><code>{}</code> {}</summary><p>{}</p>\
         <p>Roles: <code>{}</code></p>",
        method.to_ascii_uppercase(),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"]),
        escape(&roles)
    );
    let mut rest = serde_json::Map::new();
    for part in ["parameters", "requestBody", "responses"] {
        if let Some(value) = operation.get(part) {
            rest.insert(part.to_owned(), value.clone());
        }
    }
    let shown = serde_json::to_string_pretty(&rest).unwrap_or_default();
    let _ = write!(html, "<pre>{}</pre></details>", escape(&shown));
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}
