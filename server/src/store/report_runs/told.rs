//! The events of a run: each is written with the change that it tells of.

use serde_json::{Value, json};
use sqlx::{Sqlite, Transaction};

use super::{Run, RunStatus};
use crate::events::{Channel, Event, EventKind, Events};
use crate::store::StoreError;

/// Writes the event that tells how a run stands, in the transaction of its change.
pub(super) async fn told(
    transaction: &mut Transaction<'_, Sqlite>,
    run: &Run,
) -> Result<Event, StoreError> {
    let (kind, payload) = of(run);
    let channel = Channel::Run(run.id.clone());
    Events::append(transaction, &channel, kind, payload, Some(&run.owner)).await
}

/// What is told of a run as it stands.
pub(super) fn of(run: &Run) -> (EventKind, Value) {
    let mut payload = json!({
        "run_id": run.id,
        "run_url": format!("/v1/runs/{}", run.id),
        "status": run.status.as_str(),
        "job_id": run.job_id,
    });
    let kind = match run.status {
        RunStatus::Running | RunStatus::Cancelled => EventKind::Status,
        RunStatus::Completed => {
            payload["row_count"] = json!(run.row_count);
            payload["truncated"] = json!(run.truncated);
            payload["qa_status"] = json!(run.verdict.as_ref().map(|verdict| &verdict["status"]));
            EventKind::Result
        }
        RunStatus::Failed => {
            payload["error"] = json!(run.error);
            payload["detail"] = json!(run.error_text);
            EventKind::Error
        }
    };
    (kind, payload)
}
