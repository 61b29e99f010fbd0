//! A local folder as a place of files.
//!
//! In: paths beneath the folder. Out: the bytes of the very version that a path names, or an error
//! that says the file changed. Blocking calls run on threads kept for them.

use super::beneath::Folder;
use super::place::{At, FoundFile, Identity, Place, object_meta, parted, versioned};
use crate::error::SourceError;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetResult, GetResultPayload, Result};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes read at once when a file is streamed.
const CHUNK: u64 = 1 << 20;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct FilesRoot {
    folder: Arc<Folder>,
}

impl FilesRoot {
    pub(crate) fn new(folder: Folder) -> Self {
        Self { folder: Arc::new(folder) }
    }

    async fn open(&self, location: &Path) -> Result<Opened> {
        let (folder, path) = (Arc::clone(&self.folder), location.to_string());
        blocking(location, move || {
            let (version, plain) = parted(&path);
            let (file, identity) = folder.file(plain)?;
            if version.is_some() && versioned(plain, &identity) != path {
                let changed = SourceError::Changed { file: plain.to_owned() };
                return Err(io::Error::other(changed));
            }
            Ok(Opened { file: Arc::new(file), identity })
        })
        .await
    }

    /// Looks into the folder on a thread kept for it.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Folder) -> std::result::Result<T, SourceError> + Send + 'static,
    ) -> std::result::Result<T, SourceError> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || look(&folder))
            .await
            .map_err(|e| SourceError::Engine { reason: e.to_string() })?
    }
}

struct Opened {
    file: Arc<File>,
    identity: Identity,
}

/// Runs blocking work on a thread kept for it.
async fn blocking<T: Send + 'static>(
    location: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|e| io_error(location, e)),
        Err(e) => Err(Error::JoinError { source: e }),
    }
}

fn io_error(location: &Path, error: io::Error) -> Error {
    let file = parted(location.as_ref()).1;
    let known = error.get_ref().and_then(|e| e.downcast_ref::<SourceError>()).cloned();
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let source = Box::new(known.unwrap_or_else(|| SourceError::file_io(file, &error)));
    if is_missing {
        Error::NotFound { path: location.to_string(), source }
    } else {
        Error::Generic { store: "files", source }
    }
}

fn read_at(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length =
        usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
    let mut buffer = vec![0; length];
    file.read_exact_at(&mut buffer, range.start)?;
    Ok(buffer.into())
}

/// The bytes of a range, chunk by chunk, the next one being read while one is worked on.
fn chunks(file: Arc<File>, location: Path, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    let starts = (range.start..range.end).step_by(CHUNK as usize);
    stream::iter(starts)
        .map(move |start| {
            let (file, location) = (Arc::clone(&file), location.clone());
            let part = start..range.end.min(start + CHUNK);
            async move { blocking(&location, move || read_at(&file, part)).await }
        })
        .buffered(2)
        .boxed()
}

/// Every file at or beneath `path`; a folder beneath the source's that is not there holds none.
fn walk(folder: &Folder, path: &str) -> std::result::Result<Vec<FoundFile>, SourceError> {
    match folder.walk(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && !path.is_empty() => Ok(Vec::new()),
        other => {
            other.map_err(|e| SourceError::file_io(if path.is_empty() { "." } else { path }, &e))
        }
    }
}

#[async_trait]
impl Place for FilesRoot {
    async fn walk(&self, path: &str) -> std::result::Result<Vec<FoundFile>, SourceError> {
        let path = path.to_owned();
        self.look(move |folder| walk(folder, &path)).await
    }

    async fn at(&self, path: &str) -> std::result::Result<At, SourceError> {
        let path = path.to_owned();
        self.look(move |folder| match folder.file(&path) {
            Ok((_, identity)) => Ok(At::File(FoundFile { path, identity })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(At::Folder(Vec::new())),
            // What the path is no file for is said of it, where it is no folder either.
            Err(e) => {
                folder.walk(&path).map(At::Folder).map_err(|_| SourceError::file_io(&path, &e))
            }
        })
        .await
    }

    async fn reach(&self) -> std::result::Result<String, SourceError> {
        let found = self.look(|folder| walk(folder, "")).await?;
        Ok(format!("{} files in the folder", found.len()))
    }

    async fn get(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let opened = self.open(location).await?;
        let meta = object_meta(location.clone(), &opened.identity);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|e| Error::Generic { store: "files", source: Box::new(e) })?,
            None => 0..meta.size,
        };
        let payload = if options.head {
            stream::empty().boxed()
        } else {
            chunks(opened.file, location.clone(), range.clone())
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload),
            meta,
            range,
            attributes: Default::default(),
        })
    }

    async fn ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let opened = self.open(location).await?;
        let ranges = ranges.to_vec();
        blocking(location, move || {
            ranges.into_iter().map(|range| read_at(&opened.file, range)).collect()
        })
        .await
    }
}
