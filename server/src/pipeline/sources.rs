//! Sources that can be asked: opened, learned, and prepared for planning, each once.
//!
//! In: a source's id. Out: its catalog with people's edits laid over it, and the source itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use air_connectors::{
    DatabaseOptions, FilesSource, MysqlSource, PostgresSource, Source, SourceError,
};
use air_engine::ask::Lexicon;
use air_engine::{Dialect, Prepared};
use air_ir::{Catalog, CatalogEdits};
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::config::{Config, SourceKind};
use crate::contract::types::ErrorCode;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{CatalogRecord, Datasource, StoreError};

/// Sources with all that a plan and a run need.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    /// The one that is asked first; others where an IR names them.
    pub(crate) members: Vec<Member>,
    pub(crate) prepared: Arc<Prepared>,
}

/// One source of a run.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) source: Arc<dyn Source>,
    /// A run takes one for each query it sends, all at once, before it sends the first: runs that
    /// hold a connection while they wait for another would wait for each other.
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) catalog: Arc<Catalog>,
}

/// What was opened and prepared before.
#[derive(Default)]
pub(crate) struct Cache {
    opened: Mutex<HashMap<DatasourceId, Opened>>,
    /// By id, with the tag of the catalog's record.
    prepared: Mutex<HashMap<DatasourceId, (String, Arc<Prepared>)>>,
    /// Of several sources, by the ids and tags of their catalogs.
    joined: Mutex<HashMap<String, Arc<Prepared>>>,
    /// By id, with the catalog's version.
    lexicons: Mutex<HashMap<DatasourceId, (String, Arc<Lexicon>)>>,
}

/// A source that was opened.
#[derive(Clone)]
struct Opened {
    /// Version of the record it was opened by.
    version: i64,
    source: Arc<dyn Source>,
    connections: Arc<Semaphore>,
}

/// Connections that runs hold, by source.
pub(crate) fn connections(app: &App) -> Vec<(DatasourceId, usize)> {
    let all = usize::from(app.config.connectors.pool_size);
    let opened = held(&app.sources.opened);
    let mut found: Vec<_> = opened
        .iter()
        .map(|(id, one)| (id.clone(), all - one.connections.available_permits().min(all)))
        .collect();
    found.sort();
    found
}

/// How many combinations of sources stay prepared.
const MOST_JOINED: usize = 64;

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A map of whole entries is whole after a panic too.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The source and those an IR names beside it, if they were learned and can be run on.
pub(crate) async fn ready(
    app: &App,
    id: &DatasourceId,
    others: &[String],
) -> Result<Ready, ApiError> {
    let mut members = Vec::new();
    for id in named(id, others) {
        let Some(datasource) = known(app, &id, members.is_empty()).await? else { continue };
        let Opened { source, connections, .. } = cached(app, &datasource)?;
        let catalog = Arc::clone(prepared(app, &id).await?.catalog());
        members.push(Member { source, connections, catalog });
    }
    Ok(Ready { members, prepared: joined(app, id, others).await? })
}

/// The catalogs of a source and of those an IR names beside it, made ready for planning.
pub(crate) async fn joined(
    app: &App,
    id: &DatasourceId,
    others: &[String],
) -> Result<Arc<Prepared>, ApiError> {
    let default = prepared(app, id).await?;
    let mut catalogs = Vec::new();
    for other in named(id, others).into_iter().skip(1) {
        if known(app, &other, false).await?.is_some() {
            catalogs.push(Arc::clone(prepared(app, &other).await?.catalog()));
        }
    }
    if catalogs.is_empty() {
        return Ok(default);
    }
    let tag = |catalog: &Arc<Catalog>| format!("{}@{}", catalog.source, catalog.version);
    let all = std::iter::once(default.catalog()).chain(&catalogs);
    let tags = all.map(tag).collect::<Vec<_>>().join(" ");
    if let Some(prepared) = held(&app.sources.joined).get(&tags) {
        return Ok(Arc::clone(prepared));
    }
    let prepared = Arc::new(Prepared::federated(Arc::clone(default.catalog()), catalogs));
    let mut joined = held(&app.sources.joined);
    if joined.len() >= MOST_JOINED {
        joined.clear();
    }
    joined.insert(tags, Arc::clone(&prepared));
    Ok(prepared)
}

/// The source itself, then the others, each once. What is no id is left to the planner to name.
fn named(id: &DatasourceId, others: &[String]) -> Vec<DatasourceId> {
    let mut ids = vec![id.clone()];
    for other in others.iter().filter_map(|other| other.parse().ok()) {
        if !ids.contains(&other) {
            ids.push(other);
        }
    }
    ids
}

/// A source's record; one that an IR names and that is not there is left to the planner to name.
async fn known(app: &App, id: &DatasourceId, must: bool) -> Result<Option<Datasource>, ApiError> {
    match app.store.datasources().get(id).await {
        Ok(datasource) => Ok(Some(datasource)),
        Err(StoreError::NotFound { .. }) if !must => Ok(None),
        Err(error) => Err(error.into()),
    }
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

/// The source, opened once for as long as its record stays as it is. A database is reached only
/// when it is asked.
pub(crate) fn open(app: &App, datasource: &Datasource) -> Result<Arc<dyn Source>, ApiError> {
    Ok(cached(app, datasource)?.source)
}

fn cached(app: &App, datasource: &Datasource) -> Result<Opened, ApiError> {
    if let Some(opened) = held(&app.sources.opened).get(&datasource.id)
        && opened.version == datasource.version
    {
        return Ok(opened.clone());
    }
    let source: Arc<dyn Source> = match datasource.kind {
        SourceKind::Files => files(app, datasource)?,
        kind => database(app, kind, datasource)?,
    };
    let connections = Arc::new(Semaphore::new(usize::from(app.config.connectors.pool_size)));
    let opened = Opened { version: datasource.version, source, connections };
    held(&app.sources.opened).insert(datasource.id.clone(), opened.clone());
    Ok(opened)
}

fn files(app: &App, datasource: &Datasource) -> Result<Arc<FilesSource>, ApiError> {
    let base_path = datasource.base_path.as_deref().unwrap_or_default();
    let files_base = &app.config.files.base_path;
    let path = files_base.join(Path::new(base_path));
    let source = Arc::new(FilesSource::open(datasource.id.as_str(), files_base, &path)?);
    source.register(app.engine.runtime.env());
    Ok(source)
}

fn database(
    app: &App,
    kind: SourceKind,
    datasource: &Datasource,
) -> Result<Arc<dyn Source>, ApiError> {
    let Some(stored) = &datasource.dsn else {
        let detail = format!("The source {} has no DSN; give it one.", datasource.id);
        return Err(ApiError::new(ErrorCode::SourceError, detail));
    };
    let dsn = app.vault.open(&datasource.id, stored)?;
    let options = database_options(&app.config, datasource.allow_superuser);
    Ok(opened(kind, datasource.id.as_str(), &dsn, options)?)
}

/// A database by its DSN; nothing is reached yet.
pub(crate) fn opened(
    kind: SourceKind,
    id: &str,
    dsn: &SecretString,
    options: DatabaseOptions,
) -> Result<Arc<dyn Source>, SourceError> {
    use air_ir::catalog::SourceKind as Named;
    Ok(match kind {
        SourceKind::Mysql => Arc::new(MysqlSource::open(id, dsn, options)?),
        SourceKind::Timescaledb => {
            Arc::new(PostgresSource::open(id, Named::Timescaledb, dsn, options)?)
        }
        SourceKind::Postgres | SourceKind::Files => {
            Arc::new(PostgresSource::open(id, Named::Postgres, dsn, options)?)
        }
    })
}

/// How databases are reached.
pub(crate) fn database_options(config: &Config, allow_superuser: bool) -> DatabaseOptions {
    let connectors = &config.connectors;
    DatabaseOptions {
        max_connections: usize::from(connectors.pool_size),
        connect_timeout: connectors.connect_timeout,
        statement_timeout: config.execution.query_timeout,
        allowed_hosts: connectors.allowed_hosts.clone(),
        allow_superuser,
    }
}

/// Forgets what was opened, after a source was changed or removed.
pub(crate) fn forget(app: &App, id: &DatasourceId) {
    held(&app.sources.opened).remove(id);
    held(&app.sources.prepared).remove(id);
    held(&app.sources.lexicons).remove(id);
}
