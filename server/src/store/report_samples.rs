//! The first rows of a run, kept with it. Written with the run's end, in its transaction.

use serde_json::Value;
use sqlx::types::Json;

use super::error::StoreError;
use super::reading::Readers;
use crate::id::RunId;

/// How many rows of a run are kept.
pub(super) const SAMPLE_ROWS: usize = 50;

pub(super) async fn list(reader: &Readers, run: &RunId) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<Json<Value>> =
        sqlx::query_scalar("SELECT row_json FROM report_samples WHERE run_id = ? ORDER BY seq")
            .bind(run)
            .fetch_all(reader)
            .await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}
