//! From an HTTP request to a [`Call`] that a handler may trust, and back to a response.
//!
//! In: a request on a route of the contract. Out: the handler's answer, or the problem. In this
//! order: who asks, whether the role may, the query, the body (type, size, depth, schema), and
//! whether it was done before. Each request runs in a task of its own, so that a client that goes
//! away interrupts nothing half way. Absent on purpose: what any one operation does.

mod body;
mod idempotency;
mod keyed;
mod principal;
mod query;
pub(crate) mod schema;
mod upgrade;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Instrument, field};

pub(crate) use self::idempotency::PREFERENCE_APPLIED;
use crate::audit::{self, Traced};
use crate::auth::Principal;
use crate::contract::routes::Route;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::{IdError, RequestId};
use crate::problem::{ApiError, field_error};
use crate::service::App;
use crate::telemetry;

pub(crate) use self::principal::{As, Peer};
pub(crate) use self::upgrade::{Place, Upgrade};

pub(crate) type Answer = Result<Response<Body>, ApiError>;
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Between the deadline of the work inside a request, which tells best what happened, and the
/// end of the request.
const SLACK: Duration = Duration::from_secs(2);
/// A longer name is of nothing.
const MAX_SUBJECT: usize = 256;
/// Learning reads every file of a source; where that takes longer, it is asked for as a job.
const LEARNING_FACTOR: u32 = 10;

/// A request that was let in and fits the contract.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) principal: Principal,
    pub(crate) request_id: RequestId,
    pub(crate) headers: HeaderMap,
    /// When the work must have ended.
    pub(crate) deadline: Instant,
    path: BTreeMap<String, String>,
    query: Value,
    body: Option<Value>,
    /// The body of an operation that reads it itself.
    stream: Mutex<Option<Body>>,
    upgrade: Option<Upgrade>,
}

impl Call {
    /// The query, in the contract's type.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        read(&self.query)
    }

    /// The query as it came, where it holds names that the contract does not list.
    pub(crate) fn raw_query(&self) -> &Value {
        &self.query
    }

    /// The body, in the contract's type.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        read(self.body.as_ref().unwrap_or(&Value::Null))
    }

    /// The body as it came, if there was one.
    pub(crate) fn raw_body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// The body as it comes, of an operation that reads it itself.
    pub(crate) fn take_body(&mut self) -> Option<Body> {
        // A body is not shared; the lock is what makes a call so.
        self.stream.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The connection, where it wants to become a socket.
    pub(crate) fn take_upgrade(&mut self) -> Option<Upgrade> {
        self.upgrade.take()
    }

    /// A name in the path. One that cannot be a name of the kind names nothing.
    pub(crate) fn path<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.path.get(name).map_or("", String::as_str);
        text.parse().map_err(|error: IdError| ApiError {
            errors: vec![field_error(
                format!("{{{name}}}"),
                FieldErrorCode::BadValue,
                error.to_string(),
            )],
            ..ApiError::new(ErrorCode::NotFound, "There is no such thing.")
        })
    }

    /// A header, where it is there and is text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the caller would rather have a job than wait (RFC 7240).
    pub(crate) fn wants_job(&self) -> bool {
        let asks = |value: &HeaderValue| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|part| {
                let name = part.split(';').next().unwrap_or_default();
                name.trim().eq_ignore_ascii_case("respond-async")
            })
        };
        self.headers.get_all(PREFER).iter().any(asks)
    }

    /// Whether the caller owns a thing or is an admin; otherwise it is not there for them.
    pub(crate) fn require_owner(&self, owner: &str, what: &str, id: &str) -> Result<(), ApiError> {
        match self.principal.owns_or_admin(owner) {
            true => Ok(()),
            false => Err(ApiError::not_found(what, id)),
        }
    }
}

/// What the schemas let pass fits the types; where the two differ, the caller is told.
fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    T::deserialize(value)
        .map_err(|error| ApiError::field("", FieldErrorCode::BadValue, error.to_string()))
}

/// Serves one request on a route.
pub(crate) async fn serve(
    app: Arc<App>,
    route: &'static Route,
    handler: Handler,
    path: BTreeMap<String, String>,
    request: Request<Body>,
) -> Response<Body> {
    let request_id = RequestId::new();
    let span = tracing::info_span!(
        "request",
        otel.name = route.operation_id,
        otel.kind = "server",
        otel.status_code = field::Empty,
        request.id = %request_id,
        operation = route.operation_id,
        http.request.method = route.method,
        http.route = route.path,
        http.response.status_code = field::Empty,
    );
    telemetry::take_over(&span, request.headers());
    let begin = Instant::now();
    let (task_app, task_id) = (Arc::clone(&app), request_id.clone());
    let work = async move {
        let (traced, subject) = (Traced::default(), subject(route, &path));
        let admitted = admitted(&task_app, route, handler, path, request, (&task_id, &traced));
        let answer = admitted.await;
        if let Some(due) = audit::entry(route, &subject, &traced, &task_id, &answer) {
            audit::write(&task_app, due).await;
        }
        answer
    };
    let answer = match app.tasks.spawn(work.instrument(span.clone())).await {
        Ok(answer) => answer,
        Err(lost) => Err(ApiError::internal(lost)),
    };
    let _entered = span.enter();
    let response = respond(answer, &request_id);
    let (duration, status) = (begin.elapsed(), response.status());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    app.metrics.request(route.operation_id, status.as_u16(), duration);
    let duration_ms = duration.as_secs_f64() * 1000.0;
    tracing::info!(
        method = route.method,
        path = route.path,
        status = status.as_u16(),
        duration_ms,
        "request"
    );
    response
}

/// The answer with the request's id; what went wrong inside goes to the log.
pub(crate) fn respond(answer: Answer, request_id: &RequestId) -> Response<Body> {
    let mut response = answer.unwrap_or_else(|error| {
        if let Some(cause) = &error.cause {
            tracing::error!(code = error.code.as_str(), cause = chain(cause.as_ref()), "fault");
        }
        error.response(request_id)
    });
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// What a path names: its last name.
fn subject(route: &Route, path: &BTreeMap<String, String>) -> String {
    let last = route.path.rsplit('/').find_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        path.get(name)
    });
    last.map(|name| name.chars().take(MAX_SUBJECT).collect()).unwrap_or_default()
}

async fn admitted(
    app: &Arc<App>,
    route: &'static Route,
    handler: Handler,
    path: BTreeMap<String, String>,
    request: Request<Body>,
    (request_id, traced): (&RequestId, &Traced),
) -> Answer {
    let limit = match route.operation_id {
        // A call by the protocol may be to learn, and a session learns its files.
        "learn" | "mcp" | "create_learning_session" => app.config.limits.request * LEARNING_FACTOR,
        // Its bytes come as fast as the line is.
        "upload_files" => app.config.limits.upload_time + app.config.limits.request,
        _ => app.config.limits.request,
    };
    let deadline = Instant::now() + limit;
    let work = async {
        let (mut parts, body) = request.into_parts();
        if let Some(Peer(peer)) = parts.extensions.get::<Peer>() {
            let _known = traced.peer.set(peer.to_string());
        }
        let mut upgrade = upgrade::read(route, &mut parts).await?;
        let principal = match keyed::of(app, route, &parts, &path, traced).await? {
            Some(publisher) => publisher,
            None => principal::of(app, route, &parts, upgrade.as_mut(), traced)?,
        };
        let query = query::read(&app.schemas, route, parts.uri.query())?;
        let (body, stream) = match body::is_streamed(route, &parts.headers)? {
            true => (None, Some(body)),
            false => (body::read(app, route, &parts.headers, body).await?, None),
        };
        let named = [body.as_ref(), Some(&query)];
        if let Some(id) = named.iter().flatten().find_map(|v| v["datasource_id"].as_str()) {
            let _known = traced.datasource.set(id.to_owned());
        }
        let call = Call {
            app: Arc::clone(app),
            principal,
            request_id: request_id.clone(),
            headers: parts.headers,
            deadline,
            path,
            query,
            body,
            stream: Mutex::new(stream),
            upgrade,
        };
        idempotency::once(route, &parts.uri, call, handler).await
    };
    let whole = tokio::time::timeout(limit + SLACK, Box::pin(work)).await;
    whole.unwrap_or_else(|_| Err(timed_out(limit)))
}

pub(crate) fn timed_out(limit: Duration) -> ApiError {
    let seconds = limit.as_secs_f64();
    let detail = format!("The request did not end within {seconds} s: narrow it by a filter.");
    ApiError::new(ErrorCode::Timeout, detail)
}
