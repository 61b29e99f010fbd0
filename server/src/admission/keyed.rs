//! The key of a published endpoint in the place of a token.
//!
//! In: `Authorization: Bearer air_key_…` or `X-API-Key`. Out: who published the endpoint that the
//! key is for, who calls it then. A key opens nothing else. Each is read from the control plane at
//! each call, so that a revoked one is refused at once, in every process.

use std::collections::BTreeMap;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::As;
use crate::allowance;
use crate::audit::Traced;
use crate::auth::{AuthError, Principal, bearer, endpoint_key};
use crate::broker::Allowance;
use crate::contract::routes::Route;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;

/// The operation that keys are for.
const OPERATION: &str = "call_endpoint";
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Whom a request with a key acts for; none where it has no key.
pub(super) async fn of(
    app: &App,
    route: &Route,
    parts: &Parts,
    path: &BTreeMap<String, String>,
    traced: &Traced,
) -> Result<Option<Principal>, ApiError> {
    let is_inside = parts.extensions.get::<As>().is_some();
    let Some(given) = given(&parts.headers).filter(|_| route.min_role.is_some() && !is_inside)
    else {
        return Ok(None);
    };
    if route.operation_id != OPERATION {
        // Another service's key may well come along.
        return match given.starts_with(endpoint_key::PREFIX) {
            true => Err(AuthError::KeyElsewhere.into()),
            false => Ok(None),
        };
    }
    let id = endpoint_key::id_of(given).ok_or(AuthError::NoSuchKey)?;
    let keys = app.store.endpoint_keys();
    let key = keys.find(&id).await?;
    let key = key.filter(|key| endpoint_key::is_same(&key.hash, &endpoint_key::hash(given)));
    let key = key.ok_or(AuthError::NoSuchKey)?;
    let publisher: Principal =
        serde_json::from_value(key.principal.clone()).map_err(ApiError::internal)?;
    let principal = Principal { key: Some(id), ..publisher };
    let _known = traced.principal.set(principal.clone());
    if path.get("slug").map(String::as_str) != Some(key.slug.as_str()) {
        let detail = "The key is of another endpoint.";
        return Err(ApiError::new(ErrorCode::Forbidden, detail));
    }
    allowance::take(app, key.id.as_str(), Allowance::EndpointCalls).await?;
    keys.used(&key).await?;
    Ok(Some(principal))
}

/// The key that a request gives. A token goes before the header for keys.
fn given(headers: &HeaderMap) -> Option<&str> {
    match headers.get(AUTHORIZATION) {
        Some(value) => {
            let token = bearer(value.to_str().ok()).ok()?;
            token.starts_with(endpoint_key::PREFIX).then_some(token)
        }
        // One that is no text is none that there is.
        None => headers.get(&X_API_KEY).map(|value| value.to_str().unwrap_or_default()),
    }
}
