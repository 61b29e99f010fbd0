//! Work that takes long: what is always a job, and how a job is answered with.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use serde::Serialize;

use super::rows::{json, with_header};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call, PREFERENCE_APPLIED};
use crate::contract::types::{
    BulkReportsRequest, ErrorCode, FieldErrorCode, JobAccepted, LearnRequest,
    ProcessAnalyzeRequest, ProcessLearnRequest,
};
use crate::id::DatasourceId;
use crate::jobs::kinds::{AnalyzeJob, BulkJob, LearnJob, Subject};
use crate::jobs::{self, short};
use crate::pipeline::order::{ReportWanted, instant};
use crate::pipeline::{retention, sources};
use crate::problem::{ApiError, field_error};
use crate::store::{self, JobKind, Moment};

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(process_learn), operation!(process_analyze), operation!(process_bulk_reports)];

/// Seconds after which a job is worth asking for.
pub(super) const ASK_AGAIN: u32 = 1;

/// Adds a job and answers with where it is.
pub(super) async fn accepted(call: &Call, kind: JobKind, input: &impl Serialize) -> Answer {
    let job = jobs::add(&call.app, &call.principal, kind, input).await?;
    let usual = call.app.store.jobs().usual_seconds(kind).await?;
    let usual = usual.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let job_url = format!("/v1/jobs/{}", job.id);
    let body = JobAccepted {
        kind: super::jobs::kind(job.kind),
        status: super::jobs::status(job.status),
        job_url: job_url.clone(),
        websocket_channel: kind.channel(&job.id).to_string(),
        estimated_duration: usual.map(short),
        job_id: job.id,
    };
    let response = with_header(json(StatusCode::ACCEPTED, &body)?, LOCATION, &job_url)?;
    let response = with_header(response, RETRY_AFTER, &ASK_AGAIN.to_string())?;
    match call.wants_job() {
        true => with_header(response, PREFERENCE_APPLIED, "respond-async"),
        false => Ok(response),
    }
}

async fn process_learn(call: Call) -> Answer {
    let body: ProcessLearnRequest = call.body()?;
    let mut errors = Vec::new();
    for (at, id) in body.datasource_ids.iter().enumerate() {
        let pointer = format!("/datasource_ids/{at}");
        if body.datasource_ids.iter().take(at).any(|earlier| earlier == id) {
            let detail = format!("{id} is named twice.");
            errors.push(field_error(pointer, FieldErrorCode::Conflict, detail));
        } else if !is_there(&call, id).await? {
            let detail = format!("There is no datasource {id}.");
            errors.push(field_error(pointer, FieldErrorCode::BadValue, detail));
        }
    }
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    let options = body.options.unwrap_or_default();
    let input = LearnJob {
        datasource_ids: body.datasource_ids,
        request: LearnRequest {
            include_stats: options.include_stats.or(options.deep),
            sample_values: options.sample_values,
        },
        single: false,
    };
    accepted(&call, JobKind::Learn, &input).await
}

async fn is_there(call: &Call, id: &DatasourceId) -> Result<bool, ApiError> {
    match sources::datasource(&call.app, &call.principal, id).await {
        Ok(_) => Ok(true),
        Err(error) if error.code == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

async fn process_analyze(call: Call) -> Answer {
    let body: ProcessAnalyzeRequest = call.body()?;
    let tables = body.tables.unwrap_or_default();
    let subject = match (body.run_id, body.datasource_id) {
        (Some(run), _) => {
            if !tables.is_empty() {
                let detail = "A run has no tables; name them with a source.";
                return Err(ApiError::field("/tables", FieldErrorCode::Conflict, detail));
            }
            check_run(&call, &run).await?;
            Subject::Run(run)
        }
        (None, Some(datasource_id)) => {
            check_tables(&call, &datasource_id, &tables).await?;
            Subject::Source { datasource_id, tables }
        }
        (None, None) => {
            let detail = "Name a run or a source.";
            return Err(ApiError::field("/datasource_id", FieldErrorCode::MissingField, detail));
        }
    };
    let input = AnalyzeJob {
        subject,
        scope: body.scope,
        options: body.options.unwrap_or_default(),
        now: Moment::now().to_string(),
    };
    accepted(&call, JobKind::Analyze, &input).await
}

async fn check_run(call: &Call, id: &crate::id::RunId) -> Result<(), ApiError> {
    let run = call.app.store.runs().get(id).await?;
    call.require_owner(&run.owner, "run", id.as_str())?;
    access::require_same(&call.app, &call.principal, &run)?;
    if run.status == store::RunStatus::Running {
        return Err(ApiError::new(ErrorCode::NotFinished, "The run has not ended yet."));
    }
    match run.snapshot_file {
        Some(_) => Ok(()),
        None => Err(retention::gone(&run)),
    }
}

async fn check_tables(call: &Call, id: &DatasourceId, wanted: &[String]) -> Result<(), ApiError> {
    let prepared = sources::prepared(&call.app, &call.principal, id).await?;
    let known: Vec<String> =
        prepared.catalog().tables.iter().map(air_ir::Table::qualified_name).collect();
    let unknown = wanted.iter().enumerate().filter(|(_, name)| !known.contains(name));
    let errors: Vec<_> = unknown
        .map(|(at, name)| {
            let near = air_ir::nearest(name, known.iter().map(String::as_str));
            let detail = format!("The source {id} has no table {name}.");
            let pointer = format!("/tables/{at}");
            crate::contract::types::FieldError {
                nearest: (!near.is_empty()).then_some(near),
                ..field_error(pointer, FieldErrorCode::UnknownEntity, detail)
            }
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(errors)) }
}

async fn process_bulk_reports(call: Call) -> Answer {
    let body: BulkReportsRequest = call.body()?;
    let asked = Moment::now().to_string();
    let mut reports = Vec::new();
    for (at, report) in body.reports.into_iter().enumerate() {
        if instant(report.now.as_deref()).is_err() {
            let detail = "This is no instant in RFC 3339 that AIR can count from.";
            let pointer = format!("/reports/{at}/now");
            return Err(ApiError::field(pointer, FieldErrorCode::BadValue, detail));
        }
        reports.push(ReportWanted {
            key: report.key,
            version: report.version,
            // The source of all is that of each portable report that names none.
            datasource_id: report.datasource_id.or_else(|| body.datasource_id.clone()),
            params: report.params,
            now: Some(report.now.unwrap_or_else(|| asked.clone())),
        });
    }
    accepted(&call, JobKind::BulkReports, &BulkJob { reports }).await
}
