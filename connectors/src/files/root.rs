//! A folder as a read-only object store.
//!
//! In: object paths, which may begin with a version (`@inode.time.size/…`). Out: the bytes of that
//! very version, or an error that says the file changed. The version makes the path another one
//! when the file is another one, so nothing that caches by path, size and time can answer for an
//! older file. Blocking calls run on threads kept for them. Deliberately absent: any writing.

use super::beneath::{Folder, FoundFile, Identity};
use crate::error::SourceError;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::temporal_conversions::timestamp_ns_to_datetime;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::BTreeSet;
use std::fmt;
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
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        Self { folder }
    }

    async fn open(&self, location: &Path) -> Result<Opened> {
        let (folder, path) = (Arc::clone(&self.folder), location.to_string());
        blocking(location, move || {
            let plain = plain_path(&path);
            let (file, identity) = folder.file(plain)?;
            if plain.len() != path.len() && versioned(plain, identity) != path {
                let changed = SourceError::Changed { file: plain.to_owned() };
                return Err(io::Error::other(changed));
            }
            Ok(Opened { file: Arc::new(file), identity })
        })
        .await
    }
}

struct Opened {
    file: Arc<File>,
    identity: Identity,
}

/// The path of one version of a file.
pub(crate) fn versioned(path: &str, id: Identity) -> String {
    format!("@{:x}.{:x}.{:x}/{path}", id.inode, id.changed_ns, id.size)
}

/// The path without its version.
pub(crate) fn plain_path(path: &str) -> &str {
    let is_hex = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_hexdigit());
    match path.strip_prefix('@').and_then(|p| p.split_once('/')) {
        Some((version, plain))
            if version.split('.').count() == 3 && version.split('.').all(is_hex) =>
        {
            plain
        }
        _ => path,
    }
}

/// What the store says of one version of a file.
pub(crate) fn object_meta(location: Path, id: Identity) -> Result<ObjectMeta> {
    let last_modified =
        timestamp_ns_to_datetime(id.changed_ns).map(|t| t.and_utc()).unwrap_or_default();
    let e_tag = Some(format!("{:x}.{:x}.{:x}", id.inode, id.changed_ns, id.size));
    Ok(ObjectMeta { location, last_modified, size: id.size, e_tag, version: None })
}

/// The object of a file that a listing found, by the path of its version.
pub(crate) fn versioned_meta(found: &FoundFile) -> Result<ObjectMeta> {
    object_meta(Path::parse(versioned(&found.path, found.identity))?, found.identity)
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
    let file = plain_path(location.as_ref());
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

fn read_only(what: &str) -> Error {
    Error::NotSupported { source: format!("{what}: sources are read-only").into() }
}

impl fmt::Display for FilesRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("files")
    }
}

#[async_trait]
impl ObjectStore for FilesRoot {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let opened = self.open(location).await?;
        let meta = object_meta(location.clone(), opened.identity)?;
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

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let opened = self.open(location).await?;
        let ranges = ranges.to_vec();
        blocking(location, move || {
            ranges.into_iter().map(|range| read_at(&opened.file, range)).collect()
        })
        .await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let folder = Arc::clone(&self.folder);
        let prefix = prefix.cloned().unwrap_or_default();
        stream::once(async move {
            let path = prefix.to_string();
            let found = blocking(&prefix, move || match folder.walk(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                other => other,
            })
            .await;
            let metas: Vec<Result<ObjectMeta>> = match found {
                Ok(found) => {
                    found.iter().map(|f| object_meta(Path::parse(&f.path)?, f.identity)).collect()
                }
                Err(e) => vec![Err(e)],
            };
            stream::iter(metas)
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let mut folders = BTreeSet::new();
        let mut objects = Vec::new();
        let mut listing = self.list(Some(&prefix));
        while let Some(meta) = listing.next().await {
            let meta = meta?;
            let parts: Vec<_> = meta.location.prefix_match(&prefix).into_iter().flatten().collect();
            match parts.as_slice() {
                [_] => objects.push(meta),
                [first, ..] => {
                    folders.insert(prefix.clone().join(first.clone()));
                }
                [] => {}
            }
        }
        Ok(ListResult { common_prefixes: folders.into_iter().collect(), objects })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only("delete")) }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}
