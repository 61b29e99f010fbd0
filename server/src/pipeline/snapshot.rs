//! The rows of a run, kept in a file beside the control plane.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::retention;
use crate::id::RunId;
use crate::problem::ApiError;
use crate::results::{self, EncodeError, Rows, write_kept};
use crate::service::App;
use crate::store::Run;

/// Rows on their way to a file. Where no record names the file in the end, it goes again.
pub(super) struct Keeping {
    app: Arc<App>,
    run: RunId,
    file: String,
    /// The hash of the rows, whatever wrote them.
    writing: Option<JoinHandle<Result<String, EncodeError>>>,
    is_named: bool,
}

impl Keeping {
    /// Begins to write at most `execution.snapshot_rows` rows; none where that is 0. The record of
    /// the run is there before, so that the file is found also if this process dies.
    pub(super) fn begin(app: &Arc<App>, run: &RunId, rows: &RecordBatch) -> Option<Self> {
        let execution = &app.config.execution;
        let most = usize::try_from(execution.snapshot_rows).unwrap_or(usize::MAX);
        if most == 0 {
            return None;
        }
        let rows = rows.slice(0, rows.num_rows().min(most));
        let file = format!("{run}.parquet");
        let path = execution.snapshot_dir.join(&file);
        let writing = tokio::task::spawn_blocking(move || write_kept(Rows::held(rows), &path));
        let (app, run, writing) = (Arc::clone(app), run.clone(), Some(writing));
        Some(Self { app, run, file, writing, is_named: false })
    }

    /// The file below `execution.snapshot_dir`, once it is whole and on disk, and the hash.
    pub(super) async fn done(&mut self) -> Result<(String, String), ApiError> {
        let Some(writing) = &mut self.writing else {
            let lost = std::io::Error::other("the rows were waited for before");
            return Err(ApiError::internal(lost));
        };
        let written = writing.await;
        self.writing = None;
        let hash = written.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
        Ok((self.file.clone(), hash))
    }

    /// The record names the file now.
    pub(super) fn named(mut self) {
        self.is_named = true;
    }

    /// Removes the file, unless the record names it after all.
    pub(super) async fn discard(mut self) {
        self.is_named = true;
        retention::discard(&self.app, &self.run, &self.file).await;
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        // Without a runtime the service is over, and the next one looks what was left.
        let Some(runtime) = Handle::try_current().ok().filter(|_| !self.is_named) else { return };
        let (app, run) = (Arc::clone(&self.app), self.run.clone());
        let (file, writing) = (std::mem::take(&mut self.file), self.writing.take());
        let discarding = async move {
            if let Some(writing) = writing {
                // What is left of it goes, however it ended.
                let _ = writing.await;
            }
            retention::discard(&app, &run, &file).await;
        };
        self.app.tasks.spawn_on(discarding, &runtime);
    }
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
