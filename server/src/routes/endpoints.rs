//! Published endpoints: listed, called, described, and taken out of use.

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{Response, StatusCode};

use super::datasources::page;
use super::exports::run_answer;
use super::rows::{bytes, format, json, max_age, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    CallEndpointQuery, Cursor, EndpointList, ErrorCode, FieldErrorCode, ListEndpointsQuery,
};
use crate::endpoints;
use crate::id::ReportKey;
use crate::pipeline::order::{self, ReportWanted};
use crate::pipeline::{self, Order};
use crate::problem::ApiError;
use crate::store::Endpoint;

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_endpoints),
    operation!(get_endpoints_openapi),
    operation!(call_endpoint),
    operation!(delete_endpoint),
];

async fn list_endpoints(call: Call) -> Answer {
    let query: ListEndpointsQuery = call.query()?;
    let page = page(query.limit, query.cursor);
    let found = call.app.store.endpoints().list(&page).await?;
    let items = found.items.iter().map(endpoints::shown).collect::<Result<_, _>>()?;
    json(StatusCode::OK, &EndpointList { items, next: found.next.map(Cursor::new) })
}

/// What is answered once an endpoint was published.
pub(super) fn published(endpoint: &Endpoint) -> Answer {
    let response = json(StatusCode::CREATED, &endpoints::shown(endpoint)?)?;
    with_header(response, LOCATION, &endpoints::url(endpoint))
}

async fn get_endpoints_openapi(call: Call) -> Answer {
    let document = endpoints::document(&call.app.store.endpoints().all().await?)?;
    let text = serde_saphyr::to_string(&document).map_err(ApiError::internal)?;
    Ok(bytes("application/yaml", text))
}

async fn call_endpoint(call: Call) -> Answer {
    let query: CallEndpointQuery = call.query()?;
    let format = format(&call, query.format)?;
    let slug: ReportKey = call.path("slug")?;
    let endpoint = call.app.store.endpoints().get(&slug, query.version).await?;
    let params = endpoints::given(&endpoints::params(&endpoint)?, call.raw_query())?;
    let wanted = ReportWanted {
        key: slug,
        version: u32::try_from(endpoint.version).ok(),
        datasource_id: None,
        params: Some(params),
        now: query.now,
    };
    let order = order::of_report(&call.app, &call.principal, wanted, call.deadline).await;
    let order = order.map_err(in_query)?;
    let order = Order { max_age: max_age(&call, None), ..order };
    let finished = pipeline::report(&call.app, order).await?;
    run_answer(&call.app, &finished, format)
}

/// What is wrong with the parameters of a report is wrong with the query.
fn in_query(mut error: ApiError) -> ApiError {
    for one in &mut error.errors {
        let name = one.pointer.strip_prefix("/params/").or(one.pointer.strip_prefix("/now"));
        if let Some(name) = name {
            let name = name.split('/').next().unwrap_or_default();
            one.pointer = format!("?{}", if name.is_empty() { "now" } else { name });
            one.detail = one.detail.replace("The report", "The endpoint");
        }
        if one.code == FieldErrorCode::UnknownField {
            one.code = FieldErrorCode::UnknownParameter;
        }
    }
    error
}

async fn delete_endpoint(call: Call) -> Answer {
    let slug: ReportKey = call.path("slug")?;
    let endpoint = call.app.store.endpoints().get(&slug, None).await?;
    if !call.principal.owns_or_admin(&endpoint.owner) {
        let detail = "Who published an endpoint, or an admin, takes it out of use.";
        return Err(ApiError::new(ErrorCode::Forbidden, detail));
    }
    call.app.store.endpoints().delete(&slug).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
