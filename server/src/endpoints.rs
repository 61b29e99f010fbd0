//! Published endpoints: saved reports that are called by their slug, with typed parameters.
//!
//! In: an endpoint's record, and what a caller gave in the query. Out: the parameters of its
//! report's run; and the endpoints as functions for models and as an OpenAPI document. Absent on
//! purpose: running, which is the report's, and publishing, which is a learning session's.

mod document;
mod given;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::contract::types::{self, EndpointParam, ResultColumn, Tool, ToolCall};
use crate::problem::ApiError;
use crate::service::App;
use crate::sessions::schema;
use crate::store::Endpoint;
use crate::tools;

pub(crate) use self::document::document;
pub(crate) use self::given::given;

/// Query parameters of the service's own, which no endpoint has.
pub(crate) const RESERVED: [&str; 3] = ["version", "format", "now"];

/// What begins the name of an endpoint as a function.
const FUNCTION: &str = "endpoint_";

/// The parameters of an endpoint.
pub(crate) fn params(endpoint: &Endpoint) -> Result<Vec<EndpointParam>, ApiError> {
    read(&endpoint.params)
}

fn columns(endpoint: &Endpoint) -> Result<Vec<ResultColumn>, ApiError> {
    read(&endpoint.columns)
}

fn read<T: DeserializeOwned>(kept: &Value) -> Result<T, ApiError> {
    T::deserialize(kept).map_err(ApiError::internal)
}

fn number(version: i64) -> types::VersionNumber {
    types::VersionNumber::try_from(version).unwrap_or(types::VersionNumber::MAX)
}

/// Where an endpoint is called.
pub(crate) fn url(endpoint: &Endpoint) -> String {
    format!("/v1/endpoints/{}", endpoint.slug)
}

/// An endpoint in the contract's form.
pub(crate) fn shown(endpoint: &Endpoint) -> Result<types::Endpoint, ApiError> {
    Ok(types::Endpoint {
        slug: endpoint.slug.clone(),
        version: number(endpoint.version),
        versions: endpoint.versions.iter().map(|version| number(*version)).collect(),
        title: endpoint.title.clone(),
        description: endpoint.description.clone(),
        owner: endpoint.owner.clone(),
        report_key: endpoint.slug.clone(),
        datasource_id: endpoint.datasource_id.clone(),
        session_id: endpoint.session_id.clone(),
        url: url(endpoint),
        params: params(endpoint)?,
        columns: columns(endpoint)?,
        created_at: endpoint.created_at.to_string(),
    })
}

/// Every endpoint as a function that a model can call.
pub(crate) async fn functions(app: &App) -> Result<Vec<(Tool, ToolCall)>, ApiError> {
    app.store.endpoints().all().await?.iter().map(function).collect()
}

fn function(endpoint: &Endpoint) -> Result<(Tool, ToolCall), ApiError> {
    let params = params(endpoint)?;
    let properties: Map<String, Value> =
        params.iter().map(|param| (param.name.clone(), defaulted(param))).collect();
    let parameters = json!({
        "type": "object",
        "additionalProperties": false,
        "required": wanted(&params),
        "properties": properties,
    });
    let call = ToolCall {
        method: "GET".to_owned(),
        path: url(endpoint),
        path_parameters: Vec::new(),
        query_parameters: params.iter().map(|param| param.name.clone()).collect(),
    };
    let name = format!("{FUNCTION}{}", endpoint.slug);
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    Ok((tools::function(&name, &told(endpoint), parameters), call))
}

/// The parameters that each call must give.
fn wanted(params: &[EndpointParam]) -> Vec<&str> {
    let wanted = params.iter().filter(|p| p.required == Some(true) && p.default.is_none());
    wanted.map(|param| param.name.as_str()).collect()
}

/// The schema of a parameter, with its default.
fn defaulted(param: &EndpointParam) -> Value {
    let mut schema = schema(param);
    if let Some(default) = &param.default {
        schema["default"] = default.clone();
    }
    schema
}

/// An endpoint in words.
fn told(endpoint: &Endpoint) -> String {
    let title = endpoint.title.trim_end_matches('.');
    match endpoint.description.as_deref().map(str::trim) {
        Some(more) if !more.is_empty() => format!("{title}. {more}"),
        _ => format!("{title}."),
    }
}
