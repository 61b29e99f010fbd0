//! What each kind of job does: one file a kind.
//!
//! In: a task, whose input is the kind's own. Out: what the job's row keeps as its result, or the
//! problem. A kind stops when its task is to stop, and may be done again from its last checkpoint.

mod analyze;
mod bulk;
mod learn;
mod query;
mod report;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::analyze::{AnalyzeJob, Subject};
pub(crate) use self::bulk::BulkJob;
pub(crate) use self::learn::LearnJob;
pub(crate) use self::query::QueryJob;
pub(crate) use self::report::ReportJob;
use super::Task;
use crate::id::RequestId;
use crate::pipeline::Finished;
use crate::problem::ApiError;
use crate::store::JobKind;

/// Does a job.
pub(super) async fn perform(task: Arc<Task>) -> Result<Value, ApiError> {
    match task.job.kind {
        JobKind::Learn => learn::perform(&task).await,
        JobKind::Analyze => Box::pin(analyze::perform(&task)).await,
        JobKind::BulkReports => Box::pin(bulk::perform(&task)).await,
        JobKind::Query => query::perform(&task).await,
        JobKind::Report => report::perform(&task).await,
    }
}

/// A run in few words; its rows stay with the run.
fn summary(finished: &Finished) -> Value {
    json!({
        "run_id": finished.run_id,
        "run_url": format!("/v1/runs/{}", finished.run_id),
        "rows_url": format!("/v1/runs/{}/rows", finished.run_id),
        "row_count": finished.rows.num_rows(),
        "truncated": finished.truncated,
        "qa_status": finished.verdict.status,
        "as_of": finished.as_of.to_string(),
        "params": finished.order.params,
    })
}

/// A problem as a part of a result.
fn problem(error: &ApiError) -> Value {
    if let Some(cause) = &error.cause {
        tracing::error!(%cause, "a part of a job failed inside");
    }
    json!(error.problem(&RequestId::new()))
}

/// The share of `done` of `all`, in percent.
fn percent(done: usize, all: usize) -> u8 {
    u8::try_from(done.saturating_mul(100) / all.max(1)).unwrap_or(100)
}
