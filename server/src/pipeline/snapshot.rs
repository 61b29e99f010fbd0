//! The rows of a run, kept in a file beside the control plane.

use sha2::{Digest, Sha256};

use super::Finished;
use crate::contract::types::ResultFormat;
use crate::problem::ApiError;
use crate::results::{EncodeError, write_parquet};
use crate::service::App;

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
    let work = move || -> Result<String, EncodeError> {
        write_parquet(&rows, &path)?;
        let digest = Sha256::digest(ResultFormat::Csv.encode(&rows)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let written = tokio::task::spawn_blocking(work).await;
    let hash = written.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    Ok(Some(Kept { file, hash }))
}
