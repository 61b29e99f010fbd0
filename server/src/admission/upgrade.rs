//! A request that wants to become a WebSocket, and where its token is.
//!
//! A token comes in the `Authorization` header, as the subprotocol `bearer.<token>` (a page in a
//! browser can set no header), or in the first message.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use tokio::sync::OwnedSemaphorePermit;
use yawc::IncomingUpgrade;

use super::principal::anyone;
use crate::auth::{Principal, Role};
use crate::contract::routes::Route;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;

/// The operation that becomes a socket.
const OPERATION: &str = "open_socket";
/// What a client may name beside its token; it is what is answered then.
const PROTOCOL: &str = "air";
const BEARER: &str = "bearer.";

/// A connection's place among those that may be open, which a socket goes on holding.
#[derive(Debug, Clone)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

impl Place {
    pub(crate) fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(permit))
    }
}

/// What is needed to take a connection over.
pub(crate) struct Upgrade {
    pub(crate) incoming: IncomingUpgrade,
    pub(crate) place: Option<Place>,
    /// The subprotocol to answer, where the client named any.
    pub(crate) protocol: Option<String>,
    /// Whether the caller is known; otherwise the first message says who it is.
    pub(crate) known: bool,
    token: Option<String>,
}

/// The wish for a socket, where the operation is one and the headers say so.
pub(super) async fn read(route: &Route, parts: &mut Parts) -> Result<Option<Upgrade>, ApiError> {
    let wanted = parts.headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    let wanted = wanted.is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    if route.operation_id != OPERATION || !wanted {
        return Ok(None);
    }
    let incoming = IncomingUpgrade::from_request_parts(parts, &()).await.map_err(|_| {
        let detail = "This is no handshake of WebSocket 13 over HTTP/1.1.";
        ApiError::new(ErrorCode::BadRequest, detail)
    })?;
    let offered = protocols(&parts.headers);
    let bearer = offered.iter().find(|name| name.starts_with(BEARER));
    let token = bearer.map(|name| name[BEARER.len()..].to_owned());
    let plain = offered.iter().find(|name| *name == PROTOCOL);
    let protocol = plain.or(bearer).cloned();
    let place = parts.extensions.get::<Place>().cloned();
    Ok(Some(Upgrade { incoming, place, protocol, known: true, token }))
}

fn protocols(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let names = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Who wants it; `None`: the header says, as for any request.
pub(super) fn principal(
    app: &App,
    headers: &HeaderMap,
    upgrade: &mut Upgrade,
) -> Result<Option<Principal>, ApiError> {
    if app.authenticator.is_disabled() {
        return of_this_place(headers).map(|()| None);
    }
    if headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    if let Some(token) = &upgrade.token {
        return Ok(Some(app.authenticator.token(token)?));
    }
    upgrade.known = false;
    Ok(Some(anyone(Role::Viewer)))
}

/// Where everyone is admin, a page of another place that runs in a browser here is not: browsers
/// let any page open a socket to anywhere, and tell where the page is from.
fn of_this_place(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(&ORIGIN) else { return Ok(()) };
    let place = origin.split_once("://").map(|(_, place)| place);
    match place.is_some() && place == text(&HOST) {
        true => Ok(()),
        false => {
            let detail = "A page of another origin may not open a socket without a token.";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}
