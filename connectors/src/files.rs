//! A folder of files as a source.
//!
//! In: a folder under `files.base_path`, or of an object store or a web server. Out: its catalog,
//! and for a run the tables it names, as the files are at that moment: new files are there at once,
//! changed ones are checked against what was learned. Deliberately absent: writing.

mod beneath;
mod check;
mod clock;
mod convert;
mod dataset;
mod fault;
mod guess;
mod infer;
mod learn;
mod locate;
mod parquet;
pub(crate) mod place;
mod remote;
mod root;
mod source;
mod table;
mod text;
pub mod wire;

pub use infer::csv_delimiter;
pub use learn::LearnOptions;
pub use remote::{StoreAddress, StoreKind, StoreOptions};

use crate::database::check_id;
use crate::error::{SourceError, explain};
use air_ir::catalog::Found;
use air_ir::{Catalog, nearest};
use beneath::Folder;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::StreamExt;
use object_store::{GetOptions, ObjectStore};
use place::{Place, PlaceStore};
use remote::RemotePlace;
use root::FilesRoot;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a listing may take before the source counts as unhealthy.
const HEALTH_LIMIT: Duration = Duration::from_secs(10);

/// CSV, Parquet and JSONL files of one place, opened once and read-only.
#[derive(Debug)]
pub struct FilesSource {
    id: String,
    url: ObjectStoreUrl,
    place: Arc<dyn Place>,
    store: Arc<dyn ObjectStore>,
    checked: check::Checked,
    /// The folder below `files.base_path`, where it is one of this machine.
    below: Option<PathBuf>,
    is_shared: bool,
}

/// How a source answers now.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    pub latency_ms: f64,
    pub detail: String,
}

impl FilesSource {
    /// Opens `base_path`, which lies under `files_base` and is given from there or as a whole.
    pub fn open(id: &str, files_base: &Path, base_path: &Path) -> Result<Self, SourceError> {
        check_id(id)?;
        let folder = Folder::open(files_base, base_path)?;
        let below = Some(PathBuf::from(folder.under()));
        Ok(Self { below, ..Self::of(id, Arc::new(FilesRoot::new(folder)))? })
    }

    /// Opens a folder of an object store or a web server. Nothing is reached yet.
    ///
    /// # Errors
    /// The setting that is wrong, and what to do.
    pub fn remote(
        id: &str,
        address: StoreAddress,
        options: &StoreOptions,
    ) -> Result<Self, SourceError> {
        check_id(id)?;
        Self::of(id, Arc::new(RemotePlace::open(address, options)?))
    }

    fn of(id: &str, place: Arc<dyn Place>) -> Result<Self, SourceError> {
        let bad = |_| SourceError::BadId { id: id.to_owned() };
        let url = ObjectStoreUrl::parse(format!("air-files://{id}")).map_err(bad)?;
        let store = Arc::new(PlaceStore(Arc::clone(&place)));
        let checked = check::Checked::default();
        Ok(Self { id: id.to_owned(), url, place, store, checked, below: None, is_shared: false })
    }

    /// Says that workers find the same folder below their `files.base_path`.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// The URL of the source's store, and its folder below `files.base_path`, where workers find
    /// it too.
    pub fn shared_folder(&self) -> Option<(String, PathBuf)> {
        let below = self.below.clone().filter(|_| self.is_shared)?;
        Some((self.url.as_str().to_owned(), below))
    }

    /// Makes the source's files known to an engine's runtime, as `air-files://<id>/`.
    pub fn register(&self, env: &RuntimeEnv) {
        env.register_object_store(self.url.as_ref(), Arc::clone(&self.store));
    }

    /// Takes that back; what still reads goes on.
    pub fn unregister(&self, env: &RuntimeEnv) {
        // One that was not registered is not there, as is wished.
        let _ = env.deregister_object_store(self.url.as_ref());
    }

    /// Reads every file once and tells what the folder holds. `progress` hears of each step and
    /// its share of the whole in percent.
    pub async fn learn(
        &self,
        session: &SessionContext,
        options: &LearnOptions,
        progress: impl Fn(&str, u8) + Send + Sync,
    ) -> Result<Catalog, SourceError> {
        self.register(&session.runtime_env());
        learn::Learning { source: self, session, options, progress: &progress }.catalog().await
    }

    /// The named tables of the catalog, each over the files that are there now.
    pub async fn tables(
        &self,
        catalog: &Catalog,
        names: &[String],
    ) -> Result<HashMap<String, Arc<dyn TableProvider>>, SourceError> {
        let mut tables: HashMap<String, Arc<dyn TableProvider>> = HashMap::new();
        for name in names {
            let Found::One(table) = catalog.table(name) else {
                let known: Vec<String> = catalog.table_names().collect();
                let nearest = nearest(name, known.iter().map(String::as_str));
                return Err(SourceError::UnknownTable { name: name.clone(), nearest });
            };
            let current = self.current(table).await?;
            self.check(catalog, table, &current).await?;
            let provider = self.provider(table, catalog.time_zone.as_deref(), &current)?;
            tables.insert(table.qualified_name(), Arc::new(provider));
        }
        Ok(tables)
    }

    /// What a run over the named tables failed of. Parquet says no file when its pages are damaged
    /// or hold what does not fit, so the files are then read one by one to find it.
    pub async fn explain(
        &self,
        session: &SessionContext,
        catalog: &Catalog,
        names: &[String],
        error: &DataFusionError,
    ) -> SourceError {
        let mut told = explain(error);
        for name in names {
            let SourceError::Engine { .. } = told else {
                break;
            };
            let Found::One(table) = catalog.table(name) else {
                continue;
            };
            let Ok(current) = self.current(table).await else {
                continue;
            };
            told =
                self.at_fault(session, table, catalog.time_zone.as_deref(), &current, told).await;
        }
        told
    }

    /// Whether the place of the files answers, and how long it took to tell.
    pub async fn health(&self) -> Result<Health, SourceError> {
        let begin = Instant::now();
        let reached = tokio::time::timeout(HEALTH_LIMIT, self.place.reach()).await;
        let detail = reached.map_err(|_| SourceError::TimedOut {
            what: "listing the folder".to_owned(),
            seconds: HEALTH_LIMIT.as_secs(),
        })??;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        Ok(Health { latency_ms, detail: format!("\"{}\": {detail}", self.id) })
    }

    /// The text of a small file beneath the place; nothing where it is not there.
    async fn text(&self, file: &str, most: usize) -> Result<Option<String>, SourceError> {
        let failed = |e| text::store_error(file, e);
        let location = object_store::path::Path::from(file);
        let mut bytes = match self.store.get_opts(&location, GetOptions::default()).await {
            Ok(got) => got.into_stream(),
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let mut all = Vec::new();
        while let Some(piece) = bytes.next().await {
            all.extend_from_slice(&piece.map_err(failed)?);
            if all.len() > most {
                let reason = format!("it is larger than {} MiB", most >> 20);
                return Err(SourceError::File { file: file.to_owned(), reason });
            }
        }
        let not_utf8 = |_| SourceError::NotUtf8 { file: file.to_owned(), line: 1 };
        String::from_utf8(all).map(Some).map_err(not_utf8)
    }
}

/// For causes inside the engine.
pub(crate) fn from_engine(error: DataFusionError) -> SourceError {
    explain(&error)
}
