//! Where the files of a source lie: what lists them and opens them.
//!
//! In: paths beneath a source's `base_path`. Out: the files that are there now, each with what
//! tells one version of it from another, and the bytes of one version. The paths of the bytes may
//! begin with a version (`@tag.time.size/…`): a file that is another one has another path, so
//! nothing that caches by path, size and time can answer for an older file. Deliberately absent:
//! any writing, and what a path means, which each place says itself.

use crate::error::SourceError;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::temporal_conversions::timestamp_ns_to_datetime;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How deep folders may nest, and how many files a source may have.
pub(crate) const MAX_DEPTH: usize = 16;
pub(crate) const MAX_FILES: usize = 100_000;

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) size: u64,
    /// In nanoseconds since 1970. Of a local file the later of modification and status change: a
    /// modification time can be set back, a status change cannot. Of a store's object the
    /// modification, in whole seconds, since the same object has them in one answer and not in
    /// another.
    pub(crate) changed_ns: i64,
    pub(crate) tag: Tag,
}

/// What a file's place calls a version of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    Inode(u64),
    /// An entity tag without its quotes.
    Entity(Arc<str>),
    /// A server that gives no entity tag: size and time are all there is.
    None,
}

/// A file that a listing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundFile {
    /// Relative to `base_path`.
    pub(crate) path: String,
    pub(crate) identity: Identity,
}

/// What a path without wildcards names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    File(FoundFile),
    /// Every file beneath a folder of that name; none where there is no such folder.
    Folder(Vec<FoundFile>),
}

/// See the module. One object serves all runs.
#[async_trait]
pub(crate) trait Place: fmt::Debug + Send + Sync + 'static {
    /// Every file at or beneath `path`, sorted by path; the whole source is the empty path, and a
    /// folder that is not there holds none. Hidden files, and folders that another program still
    /// writes to, are passed over.
    async fn walk(&self, path: &str) -> std::result::Result<Vec<FoundFile>, SourceError>;

    /// What `path` names now.
    async fn at(&self, path: &str) -> std::result::Result<At, SourceError>;

    /// Whether the place answers now, in words.
    async fn reach(&self) -> std::result::Result<String, SourceError>;

    /// The bytes of a file. With a version in `location`, of that version or an error that says
    /// the file changed; each error has a [`SourceError`] as its source.
    async fn get(&self, location: &Path, options: GetOptions) -> Result<GetResult>;

    /// The bytes of several ranges of a file.
    async fn ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>>;
}

/// Whether people see a file of this path: no name on it begins with a dot, none holds control
/// characters, and no folder begins with an underscore, which marks what is still being written.
pub(crate) fn is_shown(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let plain = |n: &str| !n.starts_with('.') && !n.contains(|c: char| c.is_control());
    let mut folders = folders.split('/').filter(|f| !f.is_empty());
    plain(name) && folders.all(|f| plain(f) && !f.starts_with('_'))
}

/// The path of one version of a file.
pub(crate) fn versioned(path: &str, id: &Identity) -> String {
    let tag = match &id.tag {
        Tag::Inode(inode) => format!("{inode:x}"),
        // An even number of digits, which "0" has not.
        Tag::Entity(tag) => tag.bytes().map(|b| format!("{b:02x}")).collect(),
        Tag::None => "0".to_owned(),
    };
    format!("@{tag}.{:x}.{:x}/{path}", id.changed_ns, id.size)
}

/// The version and the path without it; no version where the path has none.
pub(crate) fn parted(path: &str) -> (Option<&str>, &str) {
    let is_hex = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_hexdigit());
    match path.strip_prefix('@').and_then(|p| p.split_once('/')) {
        Some((version, plain))
            if version.split('.').count() == 3 && version.split('.').all(is_hex) =>
        {
            (Some(version), plain)
        }
        _ => (None, path),
    }
}

/// The path without its version.
pub(crate) fn plain_path(path: &str) -> &str {
    parted(path).1
}

/// What the store says of one version of a file.
pub(crate) fn object_meta(location: Path, id: &Identity) -> ObjectMeta {
    let last_modified =
        timestamp_ns_to_datetime(id.changed_ns).map(|t| t.and_utc()).unwrap_or_default();
    let e_tag = parted(&versioned("", id)).0.map(str::to_owned);
    ObjectMeta { location, last_modified, size: id.size, e_tag, version: None }
}

/// The object of a file that a listing found, by the path of its version.
pub(crate) fn versioned_meta(found: &FoundFile) -> Result<ObjectMeta> {
    Ok(object_meta(Path::parse(versioned(&found.path, &found.identity))?, &found.identity))
}

/// A place as a read-only object store, as the engine reads it.
#[derive(Debug, Clone)]
pub(crate) struct PlaceStore(pub(crate) Arc<dyn Place>);

fn read_only(what: &str) -> Error {
    Error::NotSupported { source: format!("{what}: sources are read-only").into() }
}

impl fmt::Display for PlaceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("files")
    }
}

#[async_trait]
impl ObjectStore for PlaceStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.ranges(location, ranges).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = Arc::clone(&self.0);
        let prefix = prefix.cloned().unwrap_or_default();
        stream::once(async move {
            let metas: Vec<Result<ObjectMeta>> = match place.walk(prefix.as_ref()).await {
                Ok(found) => found
                    .iter()
                    .map(|f| Ok(object_meta(Path::parse(&f.path)?, &f.identity)))
                    .collect(),
                Err(e) => vec![Err(Error::Generic { store: "files", source: Box::new(e) })],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_another_path() {
        let of = |tag| Identity { size: 10, changed_ns: 1_000_000_000, tag };
        let tags = [Tag::Inode(7), Tag::Entity("a-\"1".into()), Tag::None];
        let paths: Vec<String> = tags.map(|tag| versioned("k=New York/t.csv", &of(tag))).into();
        assert_eq!(paths[1], "@612d2231.3b9aca00.a/k=New York/t.csv");
        assert_eq!(paths[2], "@0.3b9aca00.a/k=New York/t.csv");
        for path in &paths {
            assert_eq!(plain_path(path), "k=New York/t.csv");
        }
        for plain in ["@me/t.csv", "@1.2/t.csv", "@1.2.x/t.csv", "t@1.2.3/u.csv"] {
            assert_eq!(parted(plain), (None, plain));
        }
    }

    #[test]
    fn hidden_and_unfinished_files_are_not_shown() {
        for path in ["t.csv", "a/_t.csv", "a/b=1/t.csv"] {
            assert!(is_shown(path), "{path}");
        }
        for path in [".t.csv", "a/.b/t.csv", "_a/t.csv", "a/_temporary/0/t.csv", "a/t\n.csv"] {
            assert!(!is_shown(path), "{path}");
        }
    }
}
