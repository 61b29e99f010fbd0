//! A folder of files as a source.
//!
//! In: a folder under `files.base_path`. Out: its catalog, and for a run the tables it names, as
//! the files are at that moment: new files are there at once, changed ones are checked against
//! what was learned. Deliberately absent: writing, and remote storage.

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
pub(crate) mod root;
mod source;
mod table;
mod text;
pub mod wire;

pub use infer::csv_delimiter;
pub use learn::LearnOptions;

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
use object_store::ObjectStore;
use root::FilesRoot;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a listing may take before the source counts as unhealthy.
const HEALTH_LIMIT: Duration = Duration::from_secs(10);

/// A folder of CSV, Parquet and JSONL files, opened once and read-only.
#[derive(Debug)]
pub struct FilesSource {
    id: String,
    url: ObjectStoreUrl,
    folder: Arc<Folder>,
    store: Arc<dyn ObjectStore>,
    checked: check::Checked,
    shared: Option<PathBuf>,
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
        let bad = || SourceError::BadId { id: id.to_owned() };
        check_id(id)?;
        let url = ObjectStoreUrl::parse(format!("air-files://{id}")).map_err(|_| bad())?;
        let folder = Arc::new(Folder::open(files_base, base_path)?);
        let store = Arc::new(FilesRoot::new(Arc::clone(&folder)));
        let checked = check::Checked::default();
        Ok(Self { id: id.to_owned(), url, folder, store, checked, shared: None })
    }

    /// Says that workers find the same folder below their `files.base_path`.
    #[must_use]
    pub fn shared(self) -> Self {
        let below = PathBuf::from(self.folder.under());
        Self { shared: Some(below), ..self }
    }

    /// The URL of the source's store, and its folder below `files.base_path`, where workers find
    /// it too.
    pub fn shared_folder(&self) -> Option<(String, PathBuf)> {
        let below = self.shared.clone()?;
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

    /// Whether the folder is there, and how long it took to tell.
    pub async fn health(&self) -> Result<Health, SourceError> {
        let begin = Instant::now();
        let folder = Arc::clone(&self.folder);
        let listing = tokio::task::spawn_blocking(move || folder.walk("").map(|files| files.len()));
        let count = tokio::time::timeout(HEALTH_LIMIT, listing)
            .await
            .map_err(|_| SourceError::TimedOut {
                what: "listing the folder".to_owned(),
                seconds: HEALTH_LIMIT.as_secs(),
            })?
            .map_err(|e| SourceError::Engine { reason: e.to_string() })?
            .map_err(|e| SourceError::file_io(".", &e))?;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        Ok(Health { latency_ms, detail: format!("{count} files in the folder of \"{}\"", self.id) })
    }
}

/// For causes inside the engine.
pub(crate) fn from_engine(error: DataFusionError) -> SourceError {
    explain(&error)
}
