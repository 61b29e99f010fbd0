//! The rows of a run, kept in a file beside the control plane.

use super::Finished;
use crate::contract::types::ErrorCode;
use crate::id::RunId;
use crate::problem::ApiError;
use crate::results::{Rows, write_kept};
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

/// Why there are no rows of a run that has ended.
pub(crate) fn none(run: &Run) -> ApiError {
    let detail = match run.snapshot_hash {
        Some(_) => format!(
            "The rows of {} are kept no longer (execution.snapshot_retention); run it again.",
            run.id
        ),
        None => "The run kept no rows.".to_owned(),
    };
    ApiError::new(ErrorCode::NotFound, detail)
}

/// Removes the rows of a run that did not end well. They stay where its record names them.
pub(super) async fn discard(app: &App, id: &RunId, file: &str) {
    let named = app.store.runs().get(id).await.map(|run| run.snapshot_file.is_some());
    if matches!(named, Ok(false)) {
        remove(app, file).await;
    }
}

/// Removes a file of rows. One that cannot be removed is found again by `retention`.
pub(super) async fn remove(app: &App, file: &str) {
    let path = app.config.execution.snapshot_dir.join(file);
    if let Err(error) = tokio::fs::remove_file(&path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file, %error, "a file of rows could not be removed");
    }
}
