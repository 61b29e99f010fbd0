//! For agents: the functions, and the same ones by the Model Context Protocol.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::rows::json;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::ErrorCode;
use crate::mcp::{McpServer, Way};
use crate::problem::{ApiError, sentence};
use crate::tools;

pub(super) const OPERATIONS: &[Operation] = &[operation!(list_tools), operation!(mcp)];

async fn list_tools(call: Call) -> Answer {
    json(StatusCode::OK, &tools::list(&call.app, &call.principal).await?)
}

async fn mcp(call: Call) -> Answer {
    let bytes = serde_json::to_vec(&call.raw_body()).map_err(ApiError::internal)?;
    let mut request = Request::post("/mcp").body(Body::from(bytes)).map_err(ApiError::internal)?;
    *request.headers_mut() = call.headers.clone();
    // Who asks for nothing in particular can be given what the protocol's clients ask for.
    let accepted = request.headers().get(ACCEPT).map(HeaderValue::as_bytes);
    if accepted.is_none_or(|accepted| accepted == b"*/*") {
        let both = HeaderValue::from_static("application/json, text/event-stream");
        request.headers_mut().insert(ACCEPT, both);
    }
    request.extensions_mut().insert(call.principal.clone());
    let way = Way::Inside { app: Arc::clone(&call.app), principal: None };
    let server = McpServer::new(way);
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config(&call),
    );
    // What the token may is on the request; the answer is one message, so nothing stays open.
    let response = service.handle(request).await.map(Body::new);
    told(response).await
}

fn config(call: &Call) -> StreamableHttpServerConfig {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(usize::MAX);
    match call.app.authenticator.is_disabled() {
        // Without tokens a page in a browser could reach this service by a name of its own.
        true => config.enforce_origin_validation(),
        false => config.disable_allowed_hosts(),
    }
}

/// A message of the protocol as it is; what the transport refuses in plain words, as a problem.
async fn told(response: Response<Body>) -> Answer {
    let status = response.status();
    let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if status.is_success() || media.is_some_and(|media| media.starts_with("application/json")) {
        return Ok(response);
    }
    let code = match status.as_u16() {
        403 => ErrorCode::Forbidden,
        406 => ErrorCode::NotAcceptable,
        413 => ErrorCode::PayloadTooLarge,
        // The type of the body was checked before: 415 is what it says of JSON that is no message.
        415 => ErrorCode::Invalid,
        400..500 => ErrorCode::BadRequest,
        _ => ErrorCode::Internal,
    };
    let text = axum::body::to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    Err(ApiError::new(code, sentence(&String::from_utf8_lossy(&text))))
}
