//! A request from inside the process, which passes everything that one over HTTP passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response};
use percent_encoding::percent_decode_str;

use super::Asked;
use crate::admission::{self, As};
use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::id::RequestId;
use crate::problem::ApiError;
use crate::routes;
use crate::service::App;

/// Carries out a request for a principal that was let in already.
pub(crate) async fn send(app: &Arc<App>, principal: &Principal, asked: &Asked) -> Response<Body> {
    let answer = route(principal, asked);
    match answer {
        Ok((found, request)) => {
            let (route, handler, path) = found;
            admission::serve(Arc::clone(app), route, handler, path, request).await
        }
        Err(error) => admission::respond(Err(error), &RequestId::new()),
    }
}

type Found =
    (&'static crate::contract::routes::Route, admission::Handler, BTreeMap<String, String>);

fn route(principal: &Principal, asked: &Asked) -> Result<(Found, Request<Body>), ApiError> {
    let path = asked.target.split('?').next().unwrap_or_default();
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let (route, handler, names) = routes::find(&asked.method, path).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, "There is nothing at this path; see /docs.")
    })?;
    let names = names.into_iter().map(|(name, part)| (name, decoded(&part))).collect();
    let body = match &asked.body {
        Some(body) => Body::from(serde_json::to_vec(body).map_err(ApiError::internal)?),
        None => Body::empty(),
    };
    let mut request = Request::new(body);
    *request.uri_mut() = asked.target.parse().map_err(ApiError::internal)?;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
    request.headers_mut().insert(CONTENT_TYPE, json);
    request.extensions_mut().insert(As(principal.clone()));
    Ok(((route, handler, names), request))
}
