//! Who sends a request, and whether their role may.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::upgrade::{self, Upgrade};
use crate::audit::Traced;
use crate::auth::{Principal, Role};
use crate::contract::routes::Route;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// Whether the caller itself is on this machine, not only a proxy that it came through.
    fn is_here(self, headers: &HeaderMap) -> bool {
        let forwarded = ["forwarded", "x-forwarded-for"];
        self.0.to_canonical().is_loopback() && !forwarded.iter().any(|h| headers.contains_key(*h))
    }
}

/// Whom a request from inside this process acts for. None that comes over a socket has one.
#[derive(Debug, Clone)]
pub(crate) struct As(pub(crate) Principal);

/// Somebody who is not known, with a role.
pub(super) fn anyone(role: Role) -> Principal {
    Principal::new("anyone", role, serde_json::Map::new())
}

pub(super) fn of(
    app: &App,
    route: &Route,
    parts: &Parts,
    upgrade: Option<&mut Upgrade>,
    traced: &Traced,
) -> Result<Principal, ApiError> {
    let headers = &parts.headers;
    let Some(least) = route.min_role else { return Ok(anyone(Role::Viewer)) };
    if let Some(As(principal)) = parts.extensions.get::<As>() {
        let _known = traced.principal.set(principal.clone());
        return allowed(principal.clone(), least);
    }
    if let Some(upgrade) = upgrade
        && let Some(principal) = upgrade::principal(app, headers, upgrade)?
    {
        let _known = traced.principal.set(principal.clone());
        return Ok(principal);
    }
    // Figures of the service are open to its own machine, so that a collector needs no token.
    let open_here = route.operation_id == "metrics" && !headers.contains_key(AUTHORIZATION);
    let peer = parts.extensions.get::<Peer>();
    if open_here && peer.is_some_and(|peer| peer.is_here(headers)) {
        return Ok(anyone(least));
    }
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let principal = app.authenticator.request(header)?;
    let _known = traced.principal.set(principal.clone());
    allowed(principal, least)
}

/// The principal, if it has the role.
fn allowed(principal: Principal, least: Role) -> Result<Principal, ApiError> {
    match principal.may(least) {
        true => Ok(principal),
        false => {
            let detail = format!("This needs the role {least}; the token has {}.", principal.role);
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}
