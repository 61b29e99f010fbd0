//! The routes of the contract, each with its handler: one file a resource.
//!
//! In: nothing but the contract's list and the handlers' names. Out: the router. A route without
//! a handler, or a handler without a route, does not start; a test says so before.

mod agents;
mod asking;
mod audit;
mod catalog;
mod chat;
mod chat_members;
mod datasources;
pub(crate) mod documents;
mod drill;
mod endpoint_keys;
mod endpoints;
mod exports;
mod files;
mod jobs;
mod metrics;
mod planning;
mod process;
mod reports;
mod rows;
mod runs;
mod schedules;
mod scope_diff;
mod scopes;
mod service;
mod sessions;
mod sockets;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::header::ALLOW;
use axum::http::{Request, Response};
use axum::routing::{MethodFilter, on};

use crate::admission::{self, Handler};
use crate::contract::routes::{ROUTES, Route};
use crate::contract::types::ErrorCode;
use crate::id::RequestId;
use crate::problem::ApiError;
use crate::service::App;

/// An operation of the contract and what answers it.
pub(crate) type Operation = (&'static str, Handler);

/// A handler in the form the table holds.
macro_rules! operation {
    ($name:ident) => {
        (stringify!($name), |call| Box::pin($name(call)))
    };
}
pub(crate) use operation;

/// Every operation that has a handler.
pub(crate) fn operations() -> Vec<Operation> {
    [
        agents::OPERATIONS,
        asking::OPERATIONS,
        audit::OPERATIONS,
        catalog::OPERATIONS,
        chat::OPERATIONS,
        chat_members::OPERATIONS,
        datasources::OPERATIONS,
        documents::OPERATIONS,
        drill::OPERATIONS,
        endpoint_keys::OPERATIONS,
        endpoints::OPERATIONS,
        files::OPERATIONS,
        jobs::OPERATIONS,
        metrics::OPERATIONS,
        planning::OPERATIONS,
        process::OPERATIONS,
        reports::OPERATIONS,
        runs::OPERATIONS,
        schedules::OPERATIONS,
        scope_diff::OPERATIONS,
        scopes::OPERATIONS,
        service::OPERATIONS,
        sessions::OPERATIONS,
        sockets::OPERATIONS,
        versions::OPERATIONS,
    ]
    .concat()
}

/// The routes and the handlers do not match.
#[derive(Debug, thiserror::Error)]
#[error("the contract and the handlers differ at {0}")]
pub(crate) struct RouteFault(String);

/// The whole service as one router.
pub(crate) fn router(app: &Arc<App>) -> Result<Router, RouteFault> {
    let mut handlers: BTreeMap<&str, Handler> = operations().into_iter().collect();
    let mut router = Router::new();
    for route in ROUTES {
        let fault = || RouteFault(route.operation_id.to_owned());
        let handler = handlers.remove(route.operation_id).ok_or_else(fault)?;
        let method = method(route.method).ok_or_else(fault)?;
        router = router.route(route.path, on(method, served(Arc::clone(app), route, handler)));
    }
    match handlers.into_keys().next() {
        Some(name) => Err(RouteFault(name.to_owned())),
        None => Ok(router.fallback(unknown).method_not_allowed_fallback(unknown)),
    }
}

fn method(name: &str) -> Option<MethodFilter> {
    Some(match name {
        "GET" => MethodFilter::GET,
        "POST" => MethodFilter::POST,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => return None,
    })
}

type Served = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

fn served(
    app: Arc<App>,
    route: &'static Route,
    handler: Handler,
) -> impl Fn(RawPath, Request<Body>) -> Served + Clone {
    move |RawPath(path), request| {
        let app = Arc::clone(&app);
        Box::pin(async move {
            match path {
                Some(path) => admission::serve(app, route, handler, path, request).await,
                None => unknown(request).await,
            }
        })
    }
}

/// The path's names; none where one is no text.
struct RawPath(Option<BTreeMap<String, String>>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for RawPath {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let names = RawPathParams::from_request_parts(parts, state).await;
        let pairs = |names: RawPathParams| {
            names.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        Ok(Self(names.ok().map(pairs)))
    }
}

/// What no route answers: a path that is not there, or a method that the path does not have.
async fn unknown(request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    // As in the router, a path written out goes before one with a name in it.
    let exact = ROUTES.iter().any(|route| route.path == path);
    let fits = |route: &&Route| if exact { route.path == path } else { matches(route.path, path) };
    let allowed: Vec<&str> = ROUTES.iter().filter(fits).map(|route| route.method).collect();
    let error = match allowed.is_empty() || allowed.contains(&request.method().as_str()) {
        true => ApiError::new(ErrorCode::NotFound, "There is nothing at this path; see /docs."),
        false => {
            let allow = allowed.join(", ");
            let detail = format!("{} is not for this path; it has {allow}.", request.method());
            ApiError::new(ErrorCode::MethodNotAllowed, detail).with_header(ALLOW, &allow)
        }
    };
    admission::respond(Err(error), &RequestId::new())
}

/// A route, its handler, and the names of a path as they were written.
type Found = (&'static Route, Handler, Vec<(String, String)>);

/// What answers a path.
pub(crate) fn find(method: &str, path: &str) -> Option<Found> {
    let mut routes: Vec<&Route> =
        ROUTES.iter().filter(|r| r.method == method && matches(r.path, path)).collect();
    // As in the router, a path written out goes before one with a name in it.
    routes.sort_by_key(|route| route.path != path);
    let route = *routes.first()?;
    let (_, handler) = operations().into_iter().find(|(name, _)| *name == route.operation_id)?;
    let parts = route.path.split('/').zip(path.split('/'));
    let named = parts.filter_map(|(wanted, given)| {
        let name = wanted.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), given.to_owned()))
    });
    Some((route, handler, named.collect()))
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(w), Some(g)) if w == g || w.starts_with('{') && !g.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn routes_and_handlers_are_equal_both_ways() {
        let contract: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation_id).collect();
        let handled: BTreeSet<&str> = operations().into_iter().map(|(name, _)| name).collect();
        assert_eq!(contract, handled);
        assert_eq!(operations().len(), ROUTES.len(), "each has one handler");
    }
}
