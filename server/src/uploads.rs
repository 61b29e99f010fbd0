//! Uploaded files: from the body of a request to a file that a session may use.
//!
//! In: bodies, as they come. Out: files of the caller's own that were read whole once, each in a
//! folder of its own below `uploads` of the data folder, under a name that AIR chose. A row of
//! the store is the truth: it is there before the folder and goes before it, so what has no row
//! is rubbish, and is swept away. What a body may take of the disk is set aside in the store
//! before it is written, so uploads at once stay within the limits. Absent on purpose: what is
//! made of the files, and any look at a name as a place.

mod cells;
mod content;
mod inspect;
mod keep;
mod multipart;
mod name;
mod pieces;
mod reception;
mod request;
mod scan;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) use self::inspect::ended;
pub(crate) use self::keep::keep;
pub(crate) use self::request::{Incoming, receive};

use crate::auth::Principal;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::FileId;
use crate::problem::{ApiError, field_error};
use crate::service::App;
use crate::store::{DataDir, FileForm, FileState, Packing, StoreError, Upload};

pub(crate) const FOLDER: &str = "uploads";
/// Files that are read at once: each may take a good part of what the engine has.
const READ_AT_ONCE: usize = 2;

/// What this process does with files now.
pub(crate) struct Uploads {
    folder: PathBuf,
    /// Files that are received or read.
    busy: Arc<Mutex<HashSet<FileId>>>,
    /// Requests that are received, by user.
    seats: Arc<Mutex<HashMap<String, usize>>>,
    reading: Semaphore,
    ending: CancellationToken,
}

/// A file that can be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredFile {
    pub(crate) id: FileId,
    /// For people.
    pub(crate) name: String,
    /// A regular file, read-only: `uploads/<id>/data.<ending>`, which the connectors know by its
    /// ending. It does not change as long as it is held.
    pub(crate) path: PathBuf,
    pub(crate) format: FileForm,
    pub(crate) compression: Packing,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) rows: Option<u64>,
    pub(crate) state: FileState,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    // Sets and counts are whole after a panic too.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who works on a file; nobody else does as long as it is there.
#[derive(Debug)]
struct Busy {
    busy: Arc<Mutex<HashSet<FileId>>>,
    id: FileId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        held(&self.busy).remove(&self.id);
    }
}

impl Uploads {
    /// The folder, which must be one: a link in its place would lead files elsewhere.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let folder = data_dir.join(FOLDER);
        let what = "the folder of uploads is a link or no folder; move it away";
        let refused = |source| StoreError::DataDir { what, path: folder.clone(), source };
        match std::fs::symlink_metadata(&folder) {
            Ok(found) if !found.is_dir() => {
                return Err(refused(io::Error::from(io::ErrorKind::NotADirectory)));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
            _ => DataDir::folder(&folder)?,
        }
        Ok(Self {
            folder,
            busy: Arc::default(),
            seats: Arc::default(),
            reading: Semaphore::new(READ_AT_ONCE),
            ending: CancellationToken::new(),
        })
    }

    /// The service ends: what comes is broken off, and what was not read is read in its next life.
    pub(crate) fn end(&self) {
        self.ending.cancel();
    }

    fn place(&self, id: &FileId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    /// The right to work on a file, unless somebody does.
    fn take(&self, id: &FileId) -> Option<Busy> {
        let new = held(&self.busy).insert(id.clone());
        new.then(|| Busy { busy: Arc::clone(&self.busy), id: id.clone() })
    }
}

/// Removes what lies in the place of a file, whatever it is; links are not followed.
fn remove(place: &Path) {
    let gone = match std::fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(place),
        Ok(_) => std::fs::remove_file(place),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "a file's folder cannot be removed; the next start tries again");
        }
        _ => {}
    }
}

/// Removes a file that nobody uses, first its row.
pub(crate) async fn delete(app: &App, id: &FileId) -> Result<(), ApiError> {
    app.store.uploads().delete(id).await?;
    remove(&app.uploads.place(id));
    Ok(())
}

/// The caller's own files, in the order of their ids, each ready to be read; 404 for one that is
/// not there or is somebody else's, 422 for one that is not ready.
pub(crate) async fn of(
    app: &App,
    principal: &Principal,
    ids: &[FileId],
) -> Result<Vec<StoredFile>, ApiError> {
    let mut found = Vec::with_capacity(ids.len());
    let mut errors = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let file = app.store.uploads().get(id).await?;
        if file.owner != principal.sub {
            return Err(ApiError::not_found("file", id));
        }
        match stored(app, file) {
            Ok(file) => found.push(file),
            Err(why) => errors.push(field_error(format!("/{at}"), FieldErrorCode::BadValue, why)),
        }
    }
    match errors.is_empty() {
        true => Ok(found),
        false => Err(ApiError::invalid(errors)),
    }
}

fn stored(app: &App, file: Upload) -> Result<StoredFile, String> {
    let id = &file.id;
    let again = format!("remove it by DELETE /v1/files/{id} and upload it again.");
    match file.state {
        FileState::Ready => {}
        FileState::Rejected => {
            return Err(format!("{id} was rejected: {}", file.reason.unwrap_or_default()));
        }
        _ => {
            return Err(format!(
                "{id} was not read yet; GET /v1/files/{id} tells when it is ready."
            ));
        }
    }
    let (Some(format), Some(compression), Some(stored_as), Some(sha256)) =
        (file.format, file.compression, file.stored_as, file.sha256)
    else {
        return Err(format!("the record of {id} is not whole; {again}"));
    };
    let path = app.uploads.place(id).join(stored_as);
    let (count, bytes) = (|n: i64| u64::try_from(n).ok(), u64::try_from(file.bytes).ok());
    match std::fs::symlink_metadata(&path) {
        Ok(there) if there.is_file() && Some(there.len()) == bytes => {}
        _ => return Err(format!("what is stored of {id} is not what was uploaded; {again}")),
    }
    Ok(StoredFile {
        id: file.id,
        name: file.name,
        path,
        format,
        compression,
        bytes: bytes.unwrap_or_default(),
        sha256,
        rows: file.rows.and_then(count),
        state: file.state,
    })
}

/// One thing wrong with the file at a place of the request.
fn refused(pointer: &str, detail: String) -> ApiError {
    ApiError::field(pointer, FieldErrorCode::BadValue, detail)
}

/// The service is about to end.
fn ending() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The service is shutting down; upload again.")
        .retry_after(5)
}
