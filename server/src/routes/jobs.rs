//! Jobs: how they stand, what they gave, and how one is cancelled.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::Value;

use super::asking::object;
use super::datasources::page;
use super::process::ASK_AGAIN;
use super::rows::{json, with_header};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::contract::types::{
    Cursor, Job, JobAttempt, JobKind, JobList, JobStatus, JobSummary, ListJobsQuery, Problem,
};
use crate::id::JobId;
use crate::jobs;
use crate::problem::ApiError;
use crate::store::{self, JobFilter};

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(list_jobs), operation!(get_job), operation!(cancel_job)];

/// The kinds of the store and those of the contract.
const KINDS: [(store::JobKind, JobKind); 5] = [
    (store::JobKind::Learn, JobKind::Learn),
    (store::JobKind::Analyze, JobKind::Analyze),
    (store::JobKind::BulkReports, JobKind::BulkReports),
    (store::JobKind::Query, JobKind::Query),
    (store::JobKind::Report, JobKind::Report),
];

pub(super) fn kind(kind: store::JobKind) -> JobKind {
    KINDS.iter().find(|(stored, _)| *stored == kind).map_or(JobKind::Query, |(_, shown)| *shown)
}

pub(super) fn status(status: store::JobStatus) -> JobStatus {
    match status {
        store::JobStatus::Queued => JobStatus::Queued,
        store::JobStatus::Running => JobStatus::Running,
        store::JobStatus::Completed => JobStatus::Completed,
        store::JobStatus::Failed => JobStatus::Failed,
        store::JobStatus::Cancelled => JobStatus::Cancelled,
    }
}

async fn list_jobs(call: Call) -> Answer {
    let query: ListJobsQuery = call.query()?;
    let wanted = |shown| KINDS.iter().find(|(_, kind)| *kind == shown).map(|(stored, _)| *stored);
    let stored = |shown| store::JobStatus::ALL.into_iter().find(|known| status(*known) == shown);
    let filter = JobFilter {
        owner: (!call.principal.may(Role::Admin)).then(|| call.principal.sub.clone()),
        kind: query.kind.and_then(wanted),
        status: query.status.and_then(stored),
        schedule_id: query.schedule_id,
    };
    let page = page(query.limit, query.cursor);
    let found = call.app.store.jobs().list(&filter, &page).await?;
    let items = found.items.into_iter().map(summary).collect();
    json(StatusCode::OK, &JobList { items, next: found.next.map(Cursor::new) })
}

fn summary(job: store::Job) -> JobSummary {
    JobSummary {
        kind: kind(job.kind),
        status: status(job.status),
        owner: job.owner,
        progress: u8::try_from(job.progress).unwrap_or(0).into(),
        current_step: job.current_step,
        estimated_remaining: job.estimated_remaining,
        attempts: u64::try_from(job.attempts).unwrap_or(0),
        cancel_requested: job.cancel_requested,
        schedule_id: job.schedule_id,
        scheduled_for: job.scheduled_for.map(|at| at.to_string()),
        created_at: job.created_at.to_string(),
        started_at: job.started_at.map(|at| at.to_string()),
        finished_at: job.finished_at.map(|at| at.to_string()),
        websocket_channel: job.kind.channel(&job.id).to_string(),
        job_id: job.id,
    }
}

async fn own(call: &Call) -> Result<store::Job, ApiError> {
    let id: JobId = call.path("id")?;
    let job = call.app.store.jobs().get(&id).await?;
    call.require_owner(&job.owner, "job", id.as_str())?;
    Ok(job)
}

/// A job with its log.
async fn shown(call: &Call, job: store::Job) -> Result<Job, ApiError> {
    let attempts = call.app.store.jobs().attempts(&job.id).await?;
    let run_ids = call.app.store.runs().of_job(&job.id).await?;
    // What came of it is for whom the same policies hold as for whom it was done.
    let alike = access::done_alike(&call.app, &call.principal, &job);
    let (input, result) = (job.input.clone(), job.result.clone().filter(|_| alike));
    let error = job.error.as_ref().filter(|_| alike);
    let error = error.and_then(|error| Problem::deserialize(error).ok());
    let summary = summary(job);
    Ok(Job {
        job_id: summary.job_id,
        kind: summary.kind,
        status: summary.status,
        owner: summary.owner,
        progress: summary.progress,
        current_step: summary.current_step,
        estimated_remaining: summary.estimated_remaining,
        attempts: summary.attempts,
        cancel_requested: summary.cancel_requested,
        schedule_id: summary.schedule_id,
        scheduled_for: summary.scheduled_for,
        created_at: summary.created_at,
        started_at: summary.started_at,
        finished_at: summary.finished_at,
        websocket_channel: summary.websocket_channel,
        input: object(input).unwrap_or_default(),
        result: result.unwrap_or(Value::Null),
        error,
        run_ids,
        attempt_log: attempts.into_iter().map(attempt).collect(),
    })
}

fn attempt(attempt: store::Attempt) -> JobAttempt {
    JobAttempt {
        attempt: u64::try_from(attempt.attempt).unwrap_or(0),
        process_id: attempt.process_id.to_string(),
        started_at: attempt.started_at.to_string(),
        ended_at: attempt.ended_at.map(|at| at.to_string()),
        outcome: attempt.outcome,
    }
}

async fn get_job(call: Call) -> Answer {
    let job = own(&call).await?;
    let is_over = job.status.is_over();
    let response = json(StatusCode::OK, &shown(&call, job).await?)?;
    match is_over {
        true => Ok(response),
        false => with_header(response, RETRY_AFTER, &ASK_AGAIN.to_string()),
    }
}

async fn cancel_job(call: Call) -> Answer {
    let job = own(&call).await?;
    let cancelled = jobs::cancel(&call.app, &job.id, &call.principal.sub).await?;
    json(StatusCode::ACCEPTED, &shown(&call, cancelled).await?)
}
