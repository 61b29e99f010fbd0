//! The rows that are looked at: of a table, by a run of the caller, or those that a run kept.

use air_ir::Table;
use datafusion::arrow::array::RecordBatch;

use super::run;
use crate::access;
use crate::contract::types::ErrorCode;
use crate::id::{DatasourceId, RunId};
use crate::jobs::Task;
use crate::pipeline::{first_rows, order};
use crate::problem::ApiError;
use crate::store::{ProfileKey, Run, canonical_json};

/// Where the rows take more memory than a result may, so many times fewer are looked at.
const FEWER: u64 = 10;

/// Rows, and what is known of them.
pub(super) struct Looked {
    pub(super) rows: RecordBatch,
    pub(super) run: RunId,
    /// Whether there are more rows than these.
    pub(super) cut: bool,
    /// The column that says when, where the catalog knows it.
    pub(super) time: Option<String>,
    /// What an earlier profile of the same is found by; none where nothing is the same again.
    pub(super) key: Option<ProfileKey>,
    pub(super) notes: Vec<String>,
}

/// The first rows of a table, as many as a result may have, by a run that is held to all that the
/// caller's runs are: policies, the guard, limits and deadlines.
pub(super) async fn of_table(
    task: &Task,
    id: &DatasourceId,
    table: &Table,
    now: &str,
) -> Result<Looked, ApiError> {
    let most = task.app.config.safety.max_row_limit;
    match first(task, id, table, now, most).await {
        Err(error) if error.code == ErrorCode::LimitExceeded && most > FEWER => {
            first(task, id, table, now, most / FEWER).await
        }
        read => read,
    }
}

async fn first(
    task: &Task,
    id: &DatasourceId,
    table: &Table,
    now: &str,
    most: u64,
) -> Result<Looked, ApiError> {
    let (shown, all) = first_rows::columns(table);
    let question = order::question(None, Some(first_rows::text(table, &shown, most)), None)?;
    let finished = run(task, id, question, now).await?;
    let principal = task.principal()?;
    let mut notes = Vec::new();
    if finished.truncated {
        let rows = finished.rows.num_rows();
        notes.push(format!("The first {rows} rows were looked at, which are no random ones."));
    }
    if all > shown.len() {
        notes.push(format!("The first {} of {all} columns were looked at.", shown.len()));
    }
    Ok(Looked {
        rows: finished.rows,
        run: finished.run_id,
        cut: finished.truncated,
        time: table.time_column.clone(),
        key: Some(ProfileKey {
            access: access::fingerprint(&task.app.config.policies, &principal, id),
            owner: principal.sub,
            datasource_id: id.clone(),
            subject: format!("table {}", table.qualified_name()),
        }),
        notes,
    })
}

/// The rows that a run kept.
pub(super) fn of_run(task: &Task, run: &Run, rows: RecordBatch) -> Result<Looked, ApiError> {
    let kept = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
    let cut = run.row_count.is_some_and(|all| all > kept) || run.truncated == Some(true);
    let owner = task.principal()?.sub;
    // A report's runs are of one thing; what was asked once is the same as nothing else.
    let key = run.report_id.as_ref().map(|report| ProfileKey {
        owner,
        datasource_id: run.datasource_id.clone(),
        subject: format!("report {report}"),
        access: run.access.as_ref().map(canonical_json).unwrap_or_default(),
    });
    Ok(Looked { rows, run: run.id.clone(), cut, time: None, key, notes: Vec::new() })
}
