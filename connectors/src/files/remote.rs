//! A folder of an object store, or of a web server, as a place of files.
//!
//! In: an address and settings. Out: listings that are bounded, and bytes of the version that was
//! listed. What lies beside the folder is not reached. Deliberately absent: writing, and keeping
//! what was listed, since a new file is to be seen at once.

mod address;
mod client;
mod fault;
mod open;
mod reading;

pub use address::{StoreAddress, StoreKind};
pub use open::StoreOptions;

use super::locate::format_of;
use super::place::{At, FoundFile, MAX_DEPTH, MAX_FILES, Place, is_shown};
use crate::error::{SourceError, StoreFault};
use async_trait::async_trait;
use bytes::Bytes;
use fault::{fault_of, is_missing, is_no_list};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Attribute, GetOptions, GetResult, ObjectMeta, ObjectStore};
use reading::identity;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Files that are asked for at once where there is no list.
const AT_ONCE: usize = 8;

/// See the module.
#[derive(Clone)]
pub(crate) struct RemotePlace {
    inner: Arc<dyn ObjectStore>,
    address: Arc<StoreAddress>,
    /// Where the settings name the files.
    files: Arc<[String]>,
}

impl fmt::Debug for RemotePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own text may hold keys.
        write!(f, "RemotePlace({})", self.address.shown())
    }
}

impl RemotePlace {
    /// Nothing is reached yet.
    pub(crate) fn open(address: StoreAddress, options: &StoreOptions) -> Result<Self, SourceError> {
        let refused = |fault| {
            let place = address.shown().to_owned();
            SourceError::Store { place, file: None, fault }
        };
        let inner = open::open(&address, options).map_err(refused)?;
        let is_beneath = |path: &String| Path::parse(path).is_ok() && !path.is_empty();
        if let Some(bad) = options.files.iter().find(|path| !is_beneath(path)) {
            let what = format!("files: \"{bad}\" is no path beneath base_path");
            return Err(refused(StoreFault::Settings { what }));
        }
        let files = options.files.iter().map(|f| f.trim_start_matches('/').to_owned()).collect();
        Ok(Self { inner, address: Arc::new(address), files })
    }

    fn about(&self, file: Option<&str>, fault: StoreFault) -> SourceError {
        let place = self.address.shown().to_owned();
        SourceError::Store { place, file: file.map(str::to_owned), fault }
    }

    /// The key of a path, which never leads beside the folder.
    fn inside(&self, path: &str) -> Result<Path, SourceError> {
        let beneath = Path::parse(path).map_err(|_| SourceError::File {
            file: path.to_owned(),
            reason: "the path leads out of the source's folder".to_owned(),
        })?;
        Ok(self.address.prefix.parts().chain(beneath.parts()).collect())
    }

    /// An object beneath the folder as a file that people see.
    fn found(&self, meta: &ObjectMeta) -> Result<Option<FoundFile>, SourceError> {
        let Some(parts) = meta.location.prefix_match(&self.address.prefix) else {
            return Ok(None);
        };
        let names: Vec<_> = parts.collect();
        let path = names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/");
        if path.is_empty() || !is_shown(&path) {
            return Ok(None);
        }
        let identity = identity(meta).map_err(|fault| self.about(Some(&path), fault))?;
        Ok(Some(FoundFile { path, identity }))
    }

    /// All objects at or beneath a key: of a store in pages, of a web server folder by folder.
    async fn objects(&self, key: &Path) -> Result<Vec<ObjectMeta>, SourceError> {
        let failed = |e: &object_store::Error| self.about(None, fault_of(e));
        if self.address.kind == StoreKind::Http {
            return self.folders(key).await;
        }
        let mut listing = self.inner.list(Some(key));
        let mut objects = Vec::new();
        while let Some(meta) = listing.next().await {
            objects.push(meta.map_err(|e| failed(&e))?);
            self.bounded(objects.len())?;
        }
        Ok(objects)
    }

    async fn folders(&self, key: &Path) -> Result<Vec<ObjectMeta>, SourceError> {
        let mut objects = Vec::new();
        let mut left = vec![(key.clone(), 0)];
        while let Some((folder, depth)) = left.pop() {
            let listed = self.inner.list_with_delimiter(Some(&folder)).await;
            let listed = listed.map_err(|e| {
                let fault = if is_no_list(&e) { StoreFault::NoList } else { fault_of(&e) };
                self.about(None, fault)
            })?;
            objects.extend(listed.objects);
            // A folder that is listed as its own would never end.
            let within = |f: &Path| f.prefix_match(&folder).is_some_and(|p| p.count() == 1);
            let deeper = listed.common_prefixes.into_iter().filter(within);
            left.extend(deeper.filter(|_| depth < MAX_DEPTH).map(|f| (f, depth + 1)));
            self.bounded(objects.len() + left.len())?;
        }
        Ok(objects)
    }

    fn bounded(&self, count: usize) -> Result<(), SourceError> {
        match count > MAX_FILES {
            true => Err(self.about(None, StoreFault::TooMany { most: MAX_FILES })),
            false => Ok(()),
        }
    }

    /// What the store says of one file; nothing where it is not there.
    async fn head(&self, path: &str) -> Result<Option<GetResult>, SourceError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.inner.get_opts(&self.inside(path)?, options).await {
            Ok(head) => Ok(Some(head)),
            Err(e) if is_missing(&e) => Ok(None),
            Err(e) => Err(self.about(Some(path), fault_of(&e))),
        }
    }

    /// The files that the settings name, each as it is now.
    async fn named_files(&self, path: &str) -> Result<Vec<FoundFile>, SourceError> {
        let beneath = |file: &&String| {
            let rest = file.strip_prefix(path);
            path.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        // Owned before they are awaited: a borrow here would tie the whole to one thread.
        let asked: Vec<_> =
            self.files.iter().filter(beneath).map(|f| self.clone().named_file(f.clone())).collect();
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    async fn named_file(self, path: String) -> Result<FoundFile, SourceError> {
        let Some(head) = self.head(&path).await? else {
            let reason = "there is no such file, though store.files names it".to_owned();
            return Err(SourceError::File { file: path, reason });
        };
        let identity = identity(&head.meta).map_err(|fault| self.about(Some(&path), fault))?;
        Ok(FoundFile { path, identity })
    }
}

/// Whether an answer is a page that shows a folder, as web servers give it.
fn is_page(head: &GetResult) -> bool {
    let kind = head.attributes.get(&Attribute::ContentType);
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

#[async_trait]
impl Place for RemotePlace {
    async fn walk(&self, path: &str) -> Result<Vec<FoundFile>, SourceError> {
        let mut files = match self.files.is_empty() {
            true => {
                let objects = self.objects(&self.inside(path)?).await?;
                let found: Result<Vec<_>, _> = objects.iter().map(|o| self.found(o)).collect();
                found?.into_iter().flatten().collect()
            }
            false => self.named_files(path).await?,
        };
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(files)
    }

    async fn at(&self, path: &str) -> Result<At, SourceError> {
        // What has no ending of data is no file that is read, so it need not be asked for.
        let head = match format_of(path) {
            Some(_) => self.head(path).await?,
            None => None,
        };
        let Some(head) = head else {
            return match self.walk(path).await {
                // A file that is not there is told as one, list or no list.
                Err(e) if e.is_no_list() => Ok(At::Folder(Vec::new())),
                other => other.map(At::Folder),
            };
        };
        if self.address.kind == StoreKind::Http && is_page(&head) {
            return self.walk(path).await.map(At::Folder);
        }
        let identity = identity(&head.meta).map_err(|fault| self.about(Some(path), fault))?;
        Ok(At::File(FoundFile { path: path.to_owned(), identity }))
    }

    async fn reach(&self) -> Result<String, SourceError> {
        let told = |what: &str| Ok(format!("{} {what}", self.address.shown()));
        if let Some(first) = self.files.first() {
            return match self.head(first).await? {
                Some(_) => told("answers"),
                None => Err(self.about(Some(first), StoreFault::Nothing)),
            };
        }
        let prefix = Some(&self.address.prefix);
        let is_there = match self.address.kind {
            StoreKind::Http => match self.inner.list_with_delimiter(prefix).await {
                Err(e) if is_no_list(&e) => {
                    return match self.head(super::dataset::FILE).await? {
                        Some(_) => told("answers, and gives no list of its files"),
                        None => Err(self.about(None, StoreFault::NoList)),
                    };
                }
                listed => listed.map(|l| !(l.objects.is_empty() && l.common_prefixes.is_empty())),
            },
            _ => self.inner.list(prefix).next().await.transpose().map(|first| first.is_some()),
        };
        match is_there.map_err(|e| self.about(None, fault_of(&e)))? {
            true => told("answers"),
            false => Err(self.about(None, StoreFault::Nothing)),
        }
    }

    async fn get(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.read(location, options).await
    }

    async fn ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> object_store::Result<Vec<Bytes>> {
        self.parts(location, ranges).await
    }
}
