//! The audit log: an entry for every write, every run and every refusal.
//!
//! In: a request that was answered, with who asked and what came of it. Out: rows of `audit_log`,
//! which name things and hold no rows, parameters, questions or secrets. A write that was
//! acknowledged has its entry on disk before it is answered. Runs, which have a record of their
//! own, and refusals, which anyone can cause at any rate, go through a bounded queue and are
//! written together; what does not fit into it is counted, and the count is an entry.

mod told;
mod writing;

use std::sync::OnceLock;

use axum::body::Body;
use axum::http::Response;

pub(crate) use self::writing::Audit;

use crate::admission::Answer;
use crate::auth::Principal;
use crate::contract::routes::Route;
use crate::id::RequestId;
use crate::service::App;
use crate::store::NewAuditEntry;

/// What of a request is known when its entry is written, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    pub(crate) principal: OnceLock<Principal>,
    /// The source that the body or the query names.
    pub(crate) datasource: OnceLock<String>,
    /// The other end, for who is not known.
    pub(crate) peer: OnceLock<String>,
}

/// How an entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Before the answer goes out.
    Now,
    Queued,
}

/// Operations that run something, and have a record of it.
const RUNS: [&str; 5] = ["query", "run_report", "ask", "post_session_message", "call_endpoint"];
/// Operations by POST that change nothing.
const READS: [&str; 2] = ["plan_sql", "check_datasource"];

/// An entry and how it is to be written.
pub(crate) struct Due(Way, NewAuditEntry);

/// Writes an entry. What cannot be written is in the log: the request was done, and its answer
/// says so.
pub(crate) async fn write(app: &App, Due(way, entry): Due) {
    match way {
        Way::Queued => app.audit.queue(entry),
        Way::Now => {
            if let Err(fault) = app.store.audit_log().add(&[entry]).await {
                tracing::error!(cause = %fault, "an audit entry could not be written");
            }
        }
    }
}

/// The entry of a request, where it has one.
pub(crate) fn entry(
    route: &Route,
    subject: &str,
    traced: &Traced,
    request_id: &RequestId,
    answer: &Answer,
) -> Option<Due> {
    let done = route.method != "GET" && !READS.contains(&route.operation_id);
    let is_run = RUNS.contains(&route.operation_id);
    let (way, action) = match answer {
        Ok(_) if is_run => (Way::Queued, route.operation_id),
        Ok(_) if done => (Way::Now, route.operation_id),
        Ok(_) => return None,
        Err(error) => match told::refusal(error.code) {
            Some(action) => (Way::Queued, action),
            None if is_run => (Way::Queued, route.operation_id),
            None => return None,
        },
    };
    let principal = traced.principal.get();
    let subject = match (subject, traced.datasource.get()) {
        ("", Some(datasource)) => datasource.clone(),
        ("", None) => answer.as_ref().ok().and_then(location).unwrap_or_default(),
        (subject, _) => subject.to_owned(),
    };
    let entry = NewAuditEntry {
        actor: principal.map(|p| p.sub.clone()).unwrap_or_default(),
        role: principal.map(|p| p.role.as_str().to_owned()).unwrap_or_default(),
        action: action.to_owned(),
        subject,
        detail: told::detail(route, traced, answer),
        request_id: Some(request_id.clone()),
    };
    Some(Due(way, entry))
}

/// The id of what was made: the end of its address.
fn location(response: &Response<Body>) -> Option<String> {
    let location = response.headers().get(axum::http::header::LOCATION)?.to_str().ok()?;
    location.rsplit('/').next().map(str::to_owned)
}
