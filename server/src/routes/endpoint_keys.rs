//! Keys of published endpoints: made, listed, revoked, by who published or an admin.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{Response, StatusCode};
use secrecy::ExposeSecret;

use super::datasources::page;
use super::rows::{json, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::auth::endpoint_key;
use crate::contract::types::{
    Cursor, EndpointKey, EndpointKeyCreate, EndpointKeyCreated, EndpointKeyList, ErrorCode,
    ListEndpointKeysQuery,
};
use crate::endpoints;
use crate::id::{EndpointKeyId, ReportKey};
use crate::jobs::kept;
use crate::problem::ApiError;
use crate::store::{self, Endpoint, NewEndpointKey};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_endpoint_keys),
    operation!(create_endpoint_key),
    operation!(delete_endpoint_key),
];

/// The endpoint, if the caller may hand out keys of it.
async fn own(call: &Call) -> Result<Endpoint, ApiError> {
    let slug: ReportKey = call.path("slug")?;
    let endpoint = call.app.store.endpoints().get(&slug, None).await?;
    match call.principal.owns_or_admin(&endpoint.owner) {
        true => Ok(endpoint),
        false => {
            let detail = "Who published an endpoint, or an admin, has its keys.";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}

async fn list_endpoint_keys(call: Call) -> Answer {
    let query: ListEndpointKeysQuery = call.query()?;
    let endpoint = own(&call).await?;
    let page = page(query.limit, query.cursor);
    let found = call.app.store.endpoint_keys().list(&endpoint.report_id, &page).await?;
    let items = found.items.into_iter().map(shown).collect();
    json(StatusCode::OK, &EndpointKeyList { items, next: found.next.map(Cursor::new) })
}

fn shown(key: store::EndpointKey) -> EndpointKey {
    EndpointKey {
        id: key.id,
        slug: key.slug,
        name: key.name,
        created_by: key.created_by,
        created_at: key.created_at.to_string(),
        last_used_at: key.last_used_at.map(|at| at.to_string()),
    }
}

async fn create_endpoint_key(call: Call) -> Answer {
    let body: EndpointKeyCreate = call.body()?;
    let endpoint = own(&call).await?;
    let is_publisher = call.principal.sub == endpoint.owner;
    let own = is_publisher.then(|| kept(&call.principal));
    let Some(principal) = own.or(endpoint.principal.clone()) else {
        let detail = "The endpoint was published before there were keys; let its owner make the \
                      key, or publish it again.";
        return Err(ApiError::new(ErrorCode::Unsupported, detail));
    };
    let id = EndpointKeyId::new();
    let key = endpoint_key::make(&id)?;
    let new = NewEndpointKey {
        hash: endpoint_key::hash(key.expose_secret()),
        id,
        report_id: endpoint.report_id.clone(),
        name: body.name,
        principal,
        created_by: call.principal.sub.clone(),
    };
    let made = shown(call.app.store.endpoint_keys().create(&new).await?);
    let at = format!("{}/keys/{}", endpoints::url(&endpoint), made.id);
    let made = EndpointKeyCreated {
        id: made.id,
        slug: made.slug,
        name: made.name,
        created_by: made.created_by,
        created_at: made.created_at,
        key: key.expose_secret().to_owned(),
    };
    let response = with_header(json(StatusCode::CREATED, &made)?, LOCATION, &at)?;
    with_header(response, CACHE_CONTROL, "no-store")
}

async fn delete_endpoint_key(call: Call) -> Answer {
    let endpoint = own(&call).await?;
    let id: EndpointKeyId = call.path("key_id")?;
    call.app.store.endpoint_keys().revoke(&endpoint.report_id, &id).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
