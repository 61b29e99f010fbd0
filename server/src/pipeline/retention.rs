//! Rows of runs go some time after the runs. The records stay longer, each with its sample and the
//! hash of its rows.
//!
//! In: `execution.snapshot_retention` and `execution.run_retention`, the time, and the files there
//! are. Out: files that are too old, or that a run left which did not end well, away, and records
//! of runs that are older still. Any process over the control plane does it. Absent on purpose: files that are named after no run of this control plane.

use std::path::Path;
use std::sync::Weak;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use crate::contract::types::ErrorCode;
use crate::id::RunId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Run, StoreError};

const AT_LEAST: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_secs(600);
/// How often the folder is looked through for what no record names.
const LOOK_THROUGH: Duration = Duration::from_secs(24 * 3600);
/// Files that are asked about at once.
const PAGE: usize = 500;

/// Removes what is to go until the service ends.
pub(crate) async fn turn(app: Weak<App>) {
    let Some((rows, records)) = app.upgrade().map(|app| {
        let execution = &app.config.execution;
        (execution.snapshot_retention, execution.run_retention)
    }) else {
        return;
    };
    let shortest = rows.into_iter().chain(records).min();
    let every = shortest.map_or(AT_MOST, |retention| (retention / 10).clamp(AT_LEAST, AT_MOST));
    let mut look = interval(every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked: Option<Instant> = None;
    loop {
        look.tick().await;
        let Some(app) = app.upgrade() else { return };
        if looked.is_none_or(|at| at.elapsed() >= LOOK_THROUGH) {
            looked = Some(Instant::now());
            told(left(&app).await);
        }
        if let Some(retention) = rows {
            told(old(&app, retention).await);
        }
        if let Some(retention) = records {
            told(app.store.runs().forget(before(retention)).await);
        }
    }
}

fn told(done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "what of old runs is to go could not be removed");
    }
}

fn before(retention: Duration) -> Timestamp {
    Timestamp::now().checked_sub(retention).unwrap_or(Timestamp::MIN)
}

/// Removes the rows of runs that ended longer ago than the retention.
async fn old(app: &App, retention: Duration) -> Result<(), StoreError> {
    loop {
        let files = app.store.runs().forget_rows(before(retention)).await?;
        if files.is_empty() {
            return Ok(());
        }
        for file in files {
            remove(app, &file).await;
        }
    }
}

/// Removes the files of runs that ended without rows: they were cancelled, or their process died,
/// after the file was written.
pub(super) async fn left(app: &App) -> Result<(), StoreError> {
    let folder = app.config.execution.snapshot_dir.clone();
    let files = tokio::task::spawn_blocking(move || files(&folder)).await.unwrap_or_default();
    for some in files.chunks(PAGE) {
        let ids: Vec<RunId> = some.iter().map(|(id, _)| id.clone()).collect();
        let without = app.store.runs().without_rows(&ids).await?;
        for (_, file) in some.iter().filter(|(id, _)| without.contains(id)) {
            remove(app, file).await;
        }
    }
    Ok(())
}

/// The files that are named after runs, whole or not.
fn files(folder: &Path) -> Vec<(RunId, String)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let id = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".part"))?;
        Some((id.parse().ok()?, name.clone()))
    });
    named.collect()
}

/// Why there are no rows of a run that has ended.
pub(crate) fn gone(run: &Run) -> ApiError {
    let detail = match run.snapshot_hash {
        Some(_) => format!(
            "The rows of {} are kept no longer (execution.snapshot_retention); run it again.",
            run.id
        ),
        None => "The run kept no rows.".to_owned(),
    };
    ApiError::new(ErrorCode::NotFound, detail)
}

/// Removes the rows of a run that did not end well. They stay where its record names them, and
/// where nobody can tell.
pub(super) async fn discard(app: &App, id: &RunId, file: &str) {
    if let Ok(false) = app.store.runs().names_rows(id).await {
        remove(app, file).await;
    }
}

/// Removes a file of rows. One that cannot be removed is found again by `left`.
async fn remove(app: &App, file: &str) {
    let path = app.config.execution.snapshot_dir.join(file);
    if let Err(error) = tokio::fs::remove_file(&path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file, %error, "a file of rows could not be removed");
    }
}
