//! Out of quarantine: a file is read whole once, before anybody may use it.
//!
//! In: a file that is settled. Out: it is ready, with its rows and columns; or it is rejected with
//! the reason, and nothing of it is left on the disk. Few are read at once, each in a bounded
//! time, by the readers that every run uses.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use air_connectors::{FilesSource, LearnOptions, Source};
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::task::JoinHandle;

use super::content::Told;
use super::scan::{Bounds, scan};
use super::{Busy, remove};
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::FileId;
use crate::problem::{ApiError, field_error, sentence};
use crate::service::App;
use crate::store::{Settled, StoreError, Upload};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Ready,
    Rejected(String),
    /// The service ends, or the file was removed meanwhile.
    Open,
}

/// A file that is being read.
pub(crate) struct Reading {
    id: FileId,
    pointer: String,
    verdict: JoinHandle<Verdict>,
}

/// What a reader found.
struct Found {
    rows: u64,
    columns: u64,
}

/// Has a file read. Nobody else works on it as long as it is.
pub(super) fn begin(
    app: &Arc<App>,
    (settled, name, pointer): (Settled, String, String),
    busy: Option<Busy>,
) -> Reading {
    let id = settled.id.clone();
    let app_of_task = Arc::clone(app);
    let verdict = app.tasks.spawn(async move {
        let verdict = judged(&app_of_task, &settled, &name).await;
        drop(busy);
        verdict.unwrap_or_else(|error| {
            tracing::warn!(%error, file.id = %settled.id, "an upload stays in quarantine for now");
            Verdict::Open
        })
    });
    Reading { id, pointer, verdict }
}

/// Waits for files until a time, and gives them as they are then. Where one was rejected, none of
/// the request stays.
pub(crate) async fn ended(
    app: &App,
    readings: Vec<Reading>,
    until: Instant,
) -> Result<Vec<Upload>, ApiError> {
    let (mut ids, mut errors) = (Vec::new(), Vec::new());
    for Reading { id, pointer, verdict } in readings {
        ids.push(id);
        // What takes longer goes on; a task that was lost is taken up again.
        if let Ok(Ok(Verdict::Rejected(why))) = tokio::time::timeout_at(until.into(), verdict).await
        {
            errors.push(field_error(pointer, FieldErrorCode::BadValue, why));
        }
    }
    if !errors.is_empty() {
        app.store.uploads().discard(&ids).await?;
        for id in &ids {
            if !app.store.uploads().is_known(id).await? {
                remove(&app.uploads.place(id));
            }
        }
        return Err(ApiError::invalid(errors));
    }
    let mut files = Vec::new();
    for id in &ids {
        files.push(app.store.uploads().get(id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => {
                ApiError::new(ErrorCode::Unavailable, format!("{id} was removed meanwhile."))
            }
            other => other.into(),
        })?);
    }
    Ok(files)
}

async fn judged(app: &Arc<App>, file: &Settled, name: &str) -> Result<Verdict, StoreError> {
    let ending = app.uploads.ending.clone();
    let limit = app.config.limits.upload_read;
    let read = async {
        let Ok(_turn) = app.uploads.reading.acquire().await else { return None };
        let read = tokio::time::timeout(limit, read(app, file, name)).await;
        let late = |_| {
            format!(
                "Reading {name:?} did not end within {} s (limits.upload_read); upload it in parts.",
                limit.as_secs_f64()
            )
        };
        Some(read.map_err(late).flatten())
    };
    let read = tokio::select! {
        biased;
        () = ending.cancelled() => None,
        read = read => read,
    };
    let (uploads, id) = (app.store.uploads(), &file.id);
    match read {
        None => Ok(Verdict::Open),
        Some(Ok(Found { rows, columns })) => Ok(match uploads.ready(id, rows, columns).await? {
            true => Verdict::Ready,
            false => Verdict::Open,
        }),
        Some(Err(why)) => {
            // First the bytes, then the room that they hold.
            remove(&app.uploads.place(id));
            uploads.reject(id, &why).await?;
            Ok(Verdict::Rejected(why))
        }
    }
}

async fn read(app: &Arc<App>, file: &Settled, name: &str) -> Result<Found, String> {
    let folder = app.uploads.place(&file.id);
    let told =
        Told { form: file.format, packing: file.compression, stored_as: file.stored_as.clone() };
    let (path, bounds) = (folder.join(&file.stored_as), Bounds::new(&app.config.limits));
    // Cancelled when this future goes, for a thread does not end with who waits for it.
    let stop = app.uploads.ending.child_token();
    let _stopped = stop.clone().drop_guard();
    let scanned = tokio::task::spawn_blocking(move || scan(&path, &told, &bounds, &stop));
    // The reader of a hostile file may panic; that ends the file, not the service.
    let senseless = |_| "its content makes no sense to its reader; save it anew.".to_owned();
    let scanned = scanned.await.map_err(senseless).flatten();
    scanned.map_err(|why| format!("{name:?} cannot be used: {why}"))?;
    let found = learned(app, file, &folder).await.map_err(|why| {
        // The reader knows the file by our own name of it.
        let why = why.replace(&format!("{:?}", file.stored_as), &format!("{name:?}"));
        format!("{name:?} cannot be used: {why}")
    })?;
    let most = app.config.limits.file_columns as u64;
    if found.columns > most {
        return Err(format!(
            "{name:?} has {} columns, and at most {most} are read; upload fewer.",
            found.columns
        ));
    }
    Ok(found)
}

/// The engine knows the file as long as this is there.
struct Registered<'a>(&'a FilesSource, &'a RuntimeEnv);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.unregister(self.1);
    }
}

/// Reads every row as the engine does for a run.
async fn learned(app: &Arc<App>, file: &Settled, folder: &Path) -> Result<Found, String> {
    let said = |error: air_connectors::SourceError| sentence(&error.to_string());
    let source = FilesSource::open(file.id.as_str(), &app.uploads.folder, folder).map_err(said)?;
    let source = Arc::new(source);
    let options = LearnOptions {
        include_stats: false,
        sample_values: false,
        max_values: 0,
        infer_rows: usize::try_from(app.config.files.infer_rows).unwrap_or(usize::MAX),
        time_limit: app.config.limits.upload_read,
        find_keys: false,
    };
    let (runtime, reader) = (app.engine.runtime.clone(), Arc::clone(&source));
    let work = async move {
        let reader: &dyn Source = &*reader;
        reader.learn(&runtime.session(), &options, &|_: &str, _: u8| {}).await
    };
    let work = app.engine.spawn(work).ok_or("the service is shutting down.")?;
    let _registered = Registered(&source, app.engine.runtime.env());
    let catalog = work.await;
    let senseless = |_| "its content makes no sense to its reader; save it anew.".to_owned();
    let catalog = catalog.map_err(senseless)?.map_err(said)?;
    let table = catalog.tables.first().ok_or("it holds no table.")?;
    let rows = table.row_estimate.unwrap_or_default();
    Ok(Found { rows, columns: table.columns.len() as u64 })
}
