//! Sources that can be asked: opened, learned, and prepared for planning, each once.
//!
//! In: a source's id. Out: its catalog with people's edits laid over it, and the source itself.
//! Absent on purpose: databases, whose connectors follow; they are registered and say so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use air_connectors::FilesSource;
use air_engine::ask::Lexicon;
use air_engine::{Dialect, Prepared};
use air_ir::{Catalog, CatalogEdits};

use crate::config::SourceKind;
use crate::contract::types::ErrorCode;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{CatalogRecord, Datasource, StoreError};

/// A source with all that a plan and a run need.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) source: Arc<FilesSource>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) prepared: Arc<Prepared>,
}

/// What was opened and prepared before.
#[derive(Default)]
pub(crate) struct Cache {
    /// By id, with the path they were opened at.
    files: Mutex<HashMap<DatasourceId, (PathBuf, Arc<FilesSource>)>>,
    /// By id, with the tag of the catalog's record.
    prepared: Mutex<HashMap<DatasourceId, (String, Arc<Prepared>)>>,
    /// By id, with the catalog's version.
    lexicons: Mutex<HashMap<DatasourceId, (String, Arc<Lexicon>)>>,
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A map of whole entries is whole after a panic too.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The source, if it was learned and can be run on.
pub(crate) async fn ready(app: &App, id: &DatasourceId) -> Result<Ready, ApiError> {
    let datasource = app.store.datasources().get(id).await?;
    let source = open(app, &datasource)?;
    let prepared = prepared(app, id).await?;
    Ok(Ready { source, catalog: Arc::clone(prepared.catalog()), prepared })
}

/// The dialect a source's SQL is shown in.
pub(crate) fn dialect(kind: SourceKind) -> Dialect {
    match kind {
        SourceKind::Files => Dialect::Datafusion,
        SourceKind::Postgres => Dialect::Postgres,
        SourceKind::Timescaledb => Dialect::Timescaledb,
        SourceKind::Mysql => Dialect::Mysql,
    }
}

/// The catalog made ready for planning.
pub(crate) async fn prepared(app: &App, id: &DatasourceId) -> Result<Arc<Prepared>, ApiError> {
    let record = record(app, id).await?;
    let tag = record.tag();
    if let Some((known, prepared)) = held(&app.sources.prepared).get(id)
        && *known == tag
    {
        return Ok(Arc::clone(prepared));
    }
    let prepared = Arc::new(Prepared::new(Arc::new(edited(&record)?)));
    held(&app.sources.prepared).insert(id.clone(), (tag, Arc::clone(&prepared)));
    Ok(prepared)
}

/// The words of a catalog, indexed once a version. Indexing takes time; give it a thread.
pub(crate) fn lexicon(app: &App, id: &DatasourceId, catalog: &Catalog) -> Arc<Lexicon> {
    if let Some((version, lexicon)) = held(&app.sources.lexicons).get(id)
        && *version == catalog.version
    {
        return Arc::clone(lexicon);
    }
    let lexicon = Arc::new(Lexicon::new(catalog));
    let entry = (catalog.version.clone(), Arc::clone(&lexicon));
    held(&app.sources.lexicons).insert(id.clone(), entry);
    lexicon
}

/// The record of a source's catalog; a source that was not learned is told so.
pub(crate) async fn record(app: &App, id: &DatasourceId) -> Result<CatalogRecord, ApiError> {
    // First whether there is such a source at all.
    app.store.datasources().get(id).await?;
    app.store.catalogs().get(id).await.map_err(|error| match error {
        StoreError::NotFound { .. } => {
            let detail =
                format!("The source {id} was not learned yet: POST /v1/learn?datasource_id={id}.");
            ApiError::new(ErrorCode::NotLearned, detail)
        }
        other => other.into(),
    })
}

/// What was learned, with people's edits laid over it.
pub(crate) fn edited(record: &CatalogRecord) -> Result<Catalog, ApiError> {
    let mut catalog: Catalog =
        serde_json::from_value(record.catalog.clone()).map_err(ApiError::internal)?;
    edits(record)?.apply(&mut catalog);
    catalog.version = record.tag();
    Ok(catalog)
}

pub(crate) fn edits(record: &CatalogRecord) -> Result<CatalogEdits, ApiError> {
    serde_json::from_value(record.edits.clone()).map_err(ApiError::internal)
}

/// The source's files, opened once for as long as its path stays.
pub(crate) fn open(app: &App, datasource: &Datasource) -> Result<Arc<FilesSource>, ApiError> {
    let Some(base_path) = datasource.base_path.as_deref() else {
        return Err(ApiError::new(ErrorCode::Unsupported, unsupported(datasource.kind)));
    };
    let files_base = &app.config.files.base_path;
    let path = files_base.join(Path::new(base_path));
    if let Some((known, source)) = held(&app.sources.files).get(&datasource.id)
        && *known == path
    {
        return Ok(Arc::clone(source));
    }
    let source = Arc::new(FilesSource::open(datasource.id.as_str(), files_base, &path)?);
    source.register(app.engine.runtime.env());
    let entry = (path, Arc::clone(&source));
    held(&app.sources.files).insert(datasource.id.clone(), entry);
    Ok(source)
}

/// What is said of a kind that has no connector yet.
pub(crate) fn unsupported(kind: SourceKind) -> String {
    format!(
        "Sources of kind {kind} can be registered, but this version of AIR reads files only; \
         their connectors come with the next one."
    )
}

/// Forgets what was opened, after a source was changed or removed.
pub(crate) fn forget(app: &App, id: &DatasourceId) {
    held(&app.sources.files).remove(id);
    held(&app.sources.prepared).remove(id);
    held(&app.sources.lexicons).remove(id);
}
