//! Runs: their records, their rows, and how one is cancelled.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::asking::{drafter, model_use, object};
use super::datasources::page;
use super::exports::{Facts, file_answer, json_answer, page_answer, titled};
use super::reports::find;
use super::rows::{format, json, number};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::contract::types::{
    Analysis, AnalyzeRequest, Cursor, ErrorCode, FieldErrorCode, GetRunRowsQuery,
    ListReportRunsQuery, Problem, ResultColumn, ResultFormat, RowPage, Run, RunList, RunStatus,
    RunSummary, SafetyRule, SourceSql,
};
use crate::id::{RequestId, RunId};
use crate::pipeline::{analyze, retention};
use crate::problem::ApiError;
use crate::results::{EncodeError, Kept, PAGE_ROWS, Page};
use crate::store::{self, RunFilter};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_report_runs),
    operation!(get_run),
    operation!(cancel_run),
    operation!(get_run_rows),
    operation!(analyze_run),
];

/// Rows on a page.
const DEFAULT_ROWS: u32 = 1_000;

async fn list_report_runs(call: Call) -> Answer {
    let query: ListReportRunsQuery = call.query()?;
    let report = find(&call).await?;
    let filter = RunFilter {
        owner: (!call.principal.may(Role::Admin)).then(|| call.principal.sub.clone()),
        report_id: Some(report.id),
        status: query.status.map(stored),
    };
    let page = page(query.limit, query.cursor);
    let found = call.app.store.runs().list(&filter, &page).await?;
    let mut items = Vec::new();
    for run in &found.items {
        items.push(summary(&call, run).await?);
    }
    let next = found.next.map(Cursor::new);
    json(StatusCode::OK, &RunList { items, next })
}

fn stored(status: RunStatus) -> store::RunStatus {
    match status {
        RunStatus::Running => store::RunStatus::Running,
        RunStatus::Completed => store::RunStatus::Completed,
        RunStatus::Failed => store::RunStatus::Failed,
        RunStatus::Cancelled => store::RunStatus::Cancelled,
    }
}

fn shown(status: store::RunStatus) -> RunStatus {
    match status {
        store::RunStatus::Running => RunStatus::Running,
        store::RunStatus::Completed => RunStatus::Completed,
        store::RunStatus::Failed => RunStatus::Failed,
        store::RunStatus::Cancelled => RunStatus::Cancelled,
    }
}

/// The key and version of the report that was run.
async fn report_of(call: &Call, run: &store::Run) -> Result<Option<(String, i64)>, ApiError> {
    let (Some(report), Some(version)) = (&run.report_id, &run.report_version_id) else {
        return Ok(None);
    };
    let reports = call.app.store.reports();
    let key = reports.get(report).await?.key.to_string();
    Ok(Some((key, reports.version_by_id(version).await?.version)))
}

pub(super) async fn summary(call: &Call, run: &store::Run) -> Result<RunSummary, ApiError> {
    let report = report_of(call, run).await?;
    let verdict: Option<air_ir::Verdict> = stored_json(run.verdict.as_ref());
    let (key, version) = report.unzip();
    Ok(RunSummary {
        run_id: run.id.clone(),
        status: shown(run.status),
        owner: run.owner.clone(),
        datasource_id: run.datasource_id.clone(),
        report_id: run.report_id.clone(),
        report_key: key.and_then(|key| key.parse().ok()),
        job_id: run.job_id.clone(),
        version: version.map(number),
        params: object(run.params.clone()).unwrap_or_default(),
        row_count: run.row_count.and_then(|count| u64::try_from(count).ok()),
        truncated: run.truncated,
        qa_status: verdict.map(|verdict| verdict.status),
        started_at: run.started_at.to_string(),
        finished_at: run.finished_at.map(|at| at.to_string()),
    })
}

/// What a column of the record holds, in the contract's type.
fn stored_json<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
    T::deserialize(value?).ok()
}

async fn record(call: &Call, run: &store::Run) -> Result<Run, ApiError> {
    let summary = summary(call, run).await?;
    let sample = call.app.store.runs().sample(&run.id).await?;
    // The last analysis is part of the verdict.
    let analyses = call.app.store.analyses().list(&run.id).await?;
    let analysed = analyses.last().and_then(|last| stored_json(Some(&last.verdict)));
    Ok(Run {
        run_id: summary.run_id,
        status: summary.status,
        owner: summary.owner,
        datasource_id: summary.datasource_id,
        report_id: summary.report_id,
        report_key: summary.report_key,
        job_id: summary.job_id,
        version: summary.version,
        params: summary.params,
        row_count: summary.row_count,
        truncated: summary.truncated,
        qa_status: summary.qa_status,
        started_at: summary.started_at,
        finished_at: summary.finished_at,
        now: run.frozen_now.timestamp().to_string(),
        ir: run.ir.clone().and_then(object),
        sql: stored_json(run.plan.sql.as_ref()).unwrap_or_default(),
        safety_report: stored_json(run.plan.safety.as_ref()).unwrap_or_default(),
        columns: stored_json(run.columns.as_ref()).unwrap_or_default(),
        sample: sample.into_iter().filter_map(object).collect(),
        as_of: run.as_of.map(|at| at.to_string()),
        qa: analysed.or_else(|| stored_json(run.verdict.as_ref())),
        timings_ms: stored_json(run.timings.as_ref()),
        executor: stored_json(run.executor.as_ref()),
        error: problem(run),
    })
}

/// The problem of a run that failed; one that was interrupted has a text alone.
fn problem(run: &store::Run) -> Option<Problem> {
    if run.status != store::RunStatus::Failed {
        return None;
    }
    stored_json(run.error.as_ref()).or_else(|| {
        let text = run.error_text.clone().unwrap_or_default();
        let error = ApiError::new(ErrorCode::Unavailable, crate::problem::sentence(&text));
        Some(error.problem(&RequestId::new()))
    })
}

pub(super) async fn own(call: &Call) -> Result<store::Run, ApiError> {
    let id: RunId = call.path("id")?;
    let run = call.app.store.runs().get(&id).await?;
    call.require_owner(&run.owner, "run", id.as_str())?;
    Ok(run)
}

async fn analyze_run(call: Call) -> Answer {
    let run = own(&call).await?;
    access::require_same(&call.app, &call.principal, &run)?;
    // A body is not wanted where there is nothing to say.
    let body: AnalyzeRequest = match call.raw_body() {
        Some(_) => call.body()?,
        None => AnalyzeRequest { provider: None, force_model: None },
    };
    let drafter = drafter(&call.app, body.provider, body.force_model)?;
    drafter.allowed(&call.app, &call.principal.sub).await?;
    let done =
        analyze::analyze(&call.app, &run, (&call.principal.sub, drafter), call.deadline).await?;
    let body = Analysis {
        analysis_id: done.analysis.id,
        run_id: run.id,
        analysis_md: done.analysis.analysis_md.unwrap_or_default(),
        model_used: done.analysis.model_used,
        refused: done.refused,
        notes: done.notes,
        verdict: done.verdict,
        model: model_use(done.made),
        created_at: done.analysis.created_at.to_string(),
    };
    json(StatusCode::OK, &body)
}

async fn get_run(call: Call) -> Answer {
    let run = own(&call).await?;
    access::require_same(&call.app, &call.principal, &run)?;
    json(StatusCode::OK, &record(&call, &run).await?)
}

async fn cancel_run(call: Call) -> Answer {
    let run = own(&call).await?;
    let cancelled = call.app.store.runs().cancel(&run.id, &call.principal.sub).await?;
    call.app.running.cancel(&run.id);
    let record = record(&call, &cancelled).await?;
    // Whoever may cancel a run need not see what it was made of.
    let shown = match access::made_alike(&call.app, &call.principal, &cancelled) {
        true => record,
        false => Run { ir: None, sql: Vec::new(), safety_report: Vec::new(), ..record },
    };
    json(StatusCode::ACCEPTED, &shown)
}

async fn get_run_rows(call: Call) -> Answer {
    let query: GetRunRowsQuery = call.query()?;
    let format = format(&call, query.format)?;
    if format != ResultFormat::Json && (query.limit.is_some() || query.cursor.is_some()) {
        let detail = "Only JSON comes in pages; the other formats give all rows at once.";
        return Err(ApiError::field("?limit", FieldErrorCode::Conflict, detail));
    }
    let run = own(&call).await?;
    access::require_same(&call.app, &call.principal, &run)?;
    let kept = kept_rows(&call, &run).await?;
    let all = run.row_count.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let facts = Facts {
        run_id: run.id.to_string(),
        datasource: run.datasource_id.clone(),
        report: report_of(&call, &run).await?,
        params: object(run.params.clone()).unwrap_or_default(),
        as_of: run.as_of.map(|at| at.to_string()),
        row_count: kept.row_count(),
        truncated: run.truncated.unwrap_or(false) || kept.row_count() < all,
    };
    match format {
        ResultFormat::Json => {
            let begin = offset(query.cursor.as_ref(), &run.id)?.min(kept.row_count());
            let limit = usize::try_from(query.limit.unwrap_or(DEFAULT_ROWS)).unwrap_or(usize::MAX);
            let end = begin.saturating_add(limit).min(kept.row_count());
            let page = RowPage {
                run_id: run.id.clone(),
                columns: stored_json(run.columns.as_ref()).unwrap_or_default(),
                items: Vec::new(),
                row_count: kept.row_count() as u64,
                truncated: facts.truncated,
                next: (end < kept.row_count()).then(|| cursor(end, &run.id)),
            };
            json_answer(&page, "items", read(move || kept.rows(begin..end)).await?, &facts)
        }
        ResultFormat::Html => run_page(&call, &run, kept, &facts).await,
        _ => {
            let all = 0..kept.row_count();
            file_answer(format, read(move || kept.rows(all)).await?, &facts)
        }
    }
}

/// The rows that a run kept; of them only where they begin and end is read.
pub(super) async fn kept_rows(call: &Call, run: &store::Run) -> Result<Kept, ApiError> {
    if run.status == store::RunStatus::Running {
        let detail = "The run has not ended yet.";
        return Err(ApiError::new(ErrorCode::NotFinished, detail));
    }
    let Some(file) = &run.snapshot_file else { return Err(retention::gone(run)) };
    let file = call.app.config.execution.snapshot_dir.join(file);
    read(move || Kept::open(&file)).await
}

/// What reads a file has a thread for it.
pub(super) async fn read<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EncodeError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

async fn run_page(call: &Call, run: &store::Run, kept: Kept, facts: &Facts) -> Answer {
    let all = kept.row_count();
    let rows = read(move || kept.batch(0..all.min(PAGE_ROWS))).await?;
    let reports = call.app.store.reports();
    let report = match (&run.report_id, &run.report_version_id) {
        (Some(report), Some(version)) => {
            Some((reports.get(report).await?, reports.version_by_id(version).await?))
        }
        _ => None,
    };
    let report = report.as_ref().map(|(report, version)| (report, version));
    let (title, visuals) = titled(report, &run.datasource_id);
    let verdict: Option<air_ir::Verdict> = stored_json(run.verdict.as_ref());
    let columns: Vec<ResultColumn> = stored_json(run.columns.as_ref()).unwrap_or_default();
    let sql: Vec<SourceSql> = stored_json(run.plan.sql.as_ref()).unwrap_or_default();
    let safety: Vec<SafetyRule> = stored_json(run.plan.safety.as_ref()).unwrap_or_default();
    let page = Page {
        title: &title,
        facts: facts.shown(),
        verdict: verdict.as_ref(),
        notes: &[],
        columns: &columns,
        rows: &rows,
        row_count: all,
        visuals: &visuals,
        sql: &sql,
        safety: &safety,
    };
    page_answer(&page, facts)
}

/// A cursor of a run's rows: they never change, so a position is enough.
fn cursor(position: usize, run: &RunId) -> Cursor {
    Cursor::new(URL_SAFE_NO_PAD.encode(format!("{run}\n{position}")))
}

fn offset(cursor: Option<&Cursor>, run: &RunId) -> Result<usize, ApiError> {
    let Some(cursor) = cursor else {
        return Ok(0);
    };
    let position = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor.as_str()).ok()?).ok()?;
        let (name, position) = text.split_once('\n')?;
        position.parse().ok().filter(|_| name == run.as_str())
    };
    position().ok_or_else(|| {
        let detail = "The cursor is not one that this list gave.";
        ApiError::field("?cursor", FieldErrorCode::BadValue, detail)
    })
}
