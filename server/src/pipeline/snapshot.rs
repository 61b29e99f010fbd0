//! The rows of a run, kept in a file beside the control plane.

use datafusion::arrow::array::RecordBatch;

use super::Finished;
use crate::problem::ApiError;
use crate::results::{self, Rows, write_kept};
use crate::service::App;
use crate::store::Run;

pub(super) struct Kept {
    /// Below `execution.snapshot_dir`.
    pub(super) file: String,
    /// Of the rows, whatever wrote them.
    pub(super) hash: String,
}

/// Keeps at most `execution.snapshot_rows` rows; none where that is 0.
pub(super) async fn keep(app: &App, finished: &Finished) -> Result<Option<Kept>, ApiError> {
    let execution = &app.config.execution;
    let most = usize::try_from(execution.snapshot_rows).unwrap_or(usize::MAX);
    if most == 0 {
        return Ok(None);
    }
    let rows = finished.rows.slice(0, finished.rows.num_rows().min(most));
    let file = format!("{}.parquet", finished.run_id);
    let path = execution.snapshot_dir.join(&file);
    let written = tokio::task::spawn_blocking(move || write_kept(Rows::held(rows), &path)).await;
    let hash = written.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    Ok(Some(Kept { file, hash }))
}

/// The rows that a run kept, at most as many as a run may give; none where it kept none.
pub(crate) async fn rows(app: &App, run: &Run) -> Result<Option<RecordBatch>, ApiError> {
    let Some(file) = &run.snapshot_file else { return Ok(None) };
    let most = usize::try_from(app.config.safety.max_row_limit).unwrap_or(usize::MAX);
    let path = app.config.execution.snapshot_dir.join(file);
    let read = tokio::task::spawn_blocking(move || {
        let kept = results::Kept::open(&path)?;
        kept.batch(0..kept.row_count().min(most))
    });
    let read = read.await;
    Ok(Some(read.map_err(ApiError::internal)?.map_err(ApiError::internal)?))
}
