//! Sources that can be asked: opened, learned, and prepared for planning, each once.
//!
//! In: a source's id. Out: its catalog with people's edits laid over it, and the source itself.

mod hidden;
mod reader;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use air_connectors::running::Member;
use air_connectors::{
    DatabaseOptions, FilesSource, MysqlSource, PostgresSource, Source, SourceError, StoreAddress,
};
use air_engine::ask::Lexicon;
use air_engine::{Dialect, Prepared};
use air_ir::{Catalog, CatalogEdits};
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::Semaphore;

pub(crate) use self::reader::{Reader, datasource};

use self::reader::{known, tagged};
use super::order::Pace;
use crate::access;
use crate::config::{Config, FilesPlace, SourceKind};
use crate::contract::types::ErrorCode;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::sessions;
use crate::store::{CatalogRecord, Datasource, Moment, StoreError};

pub(crate) use self::hidden::{Hidden, hidden};

/// Sources with all that a plan and a run need.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    /// The one that is asked first; others where an IR names them. Their catalogs are whole, since
    /// rows that are not shown are read to be left out.
    pub(crate) members: Vec<Member>,
    /// Of the records that the members were opened by, in their order.
    versions: Vec<Stamp>,
    /// The catalogs as the principal sees them.
    pub(crate) prepared: Arc<Prepared>,
    /// Whether policies keep something of them from the principal.
    pub(crate) restricted: bool,
}

impl Ready {
    /// The sources, each in the state that it was opened in.
    pub(crate) fn opened(&self) -> Vec<(&String, Stamp)> {
        let ids = self.members.iter().map(|member| &member.catalog.source);
        ids.zip(self.versions.iter().copied()).collect()
    }
}

/// What was used lately.
type Recent<K, V> = quick_cache::sync::Cache<K, V>;

/// What was opened and prepared before.
pub(crate) struct Cache {
    opened: Mutex<HashMap<(DatasourceId, Pace), Opened>>,
    /// By id, with the tag of the catalog's record.
    prepared: Recent<DatasourceId, (String, Arc<Prepared>)>,
    /// Of several sources, or as not everyone sees them: by the ids and tags of their catalogs,
    /// and by what is seen of them.
    joined: Recent<String, Arc<Prepared>>,
    /// By id and the catalog's version, which is another one where not all of it is seen.
    lexicons: Recent<(DatasourceId, String), Arc<Lexicon>>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            opened: Mutex::default(),
            prepared: Recent::new(MOST_PREPARED),
            joined: Recent::new(MOST_JOINED),
            lexicons: Recent::new(MOST_LEXICONS),
        }
    }
}

/// A state of a source's record. Its version alone tells none apart: a source that was removed and
/// made again begins to count again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Stamp(i64, Moment);

impl Stamp {
    fn of(datasource: &Datasource) -> Self {
        Self(datasource.version, datasource.updated_at)
    }
}

/// A source that was opened.
#[derive(Clone)]
struct Opened {
    /// Of the record it was opened by.
    version: Stamp,
    source: Arc<dyn Source>,
    connections: Arc<Semaphore>,
}

/// Connections that runs hold, by source.
pub(crate) fn connections(app: &App) -> Vec<(DatasourceId, usize)> {
    let all = usize::from(app.config.connectors.pool_size);
    let opened = held(&app.sources.opened);
    let mut found: BTreeMap<DatasourceId, usize> = BTreeMap::new();
    for ((id, _), one) in opened.iter() {
        let taken = all - one.connections.available_permits().min(all);
        *found.entry(id.clone()).or_default() += taken;
    }
    found.into_iter().collect()
}

/// How many sources stay prepared; of each uploaded file there may be one.
const MOST_PREPARED: usize = 256;
/// How many combinations of sources, and views of them, stay prepared.
const MOST_JOINED: usize = 64;
const MOST_LEXICONS: usize = 64;

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A map of whole entries is whole after a panic too.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The source and those an IR names beside it, if they were learned and can be run on.
pub(crate) async fn ready(
    app: &App,
    reader: impl Into<Reader<'_>>,
    id: &DatasourceId,
    others: &[String],
    pace: Pace,
) -> Result<Ready, ApiError> {
    let reader: Reader<'_> = reader.into();
    let (mut members, mut versions, mut views) = (Vec::new(), Vec::new(), Vec::new());
    for id in named(id, others) {
        // One that is named beside the first and is not there is left to the planner to name.
        let (datasource, tag) = match members.is_empty() {
            true => tagged(app, reader, &id).await?,
            false => match known(app, reader, &id).await? {
                Some(found) => found,
                None => continue,
            },
        };
        let Opened { source, connections, version } = cached(app, &datasource, pace)?;
        let view = whole_of(app, &id, tag).await?;
        let catalog = Arc::clone(view.catalog());
        members.push(Member { source, catalog, connections });
        versions.push(version);
        views.push(view);
    }
    let (prepared, restricted) = seen(app, reader, &views);
    Ok(Ready { members, versions, prepared, restricted })
}

/// The catalogs of a source and of those an IR names beside it, as a principal sees them, made
/// ready for planning.
pub(crate) async fn joined(
    app: &App,
    reader: impl Into<Reader<'_>>,
    id: &DatasourceId,
    others: &[String],
) -> Result<Arc<Prepared>, ApiError> {
    let reader: Reader<'_> = reader.into();
    let (_, tag) = tagged(app, reader, id).await?;
    let mut views = vec![whole_of(app, id, tag).await?];
    for other in named(id, others).into_iter().skip(1) {
        if let Some((_, tag)) = known(app, reader, &other).await? {
            views.push(whole_of(app, &other, tag).await?);
        }
    }
    Ok(seen(app, reader, &views).0)
}

/// Whole catalogs of sources that are there for the reader, the default one first, as he sees them
/// together, and whether something of them is not seen.
fn seen(app: &App, reader: Reader<'_>, views: &[Arc<Prepared>]) -> (Arc<Prepared>, bool) {
    let all = || views.iter().map(|view| view.catalog());
    let policies = &app.config.policies;
    let access: Vec<_> = all().flat_map(|c| access::of(policies, reader.principal, c)).collect();
    let restricted = !access.is_empty();
    if let [only] = views
        && !restricted
    {
        return (Arc::clone(only), false);
    }
    let tag = |catalog: &Arc<Catalog>| format!("{}@{}", catalog.source, catalog.version);
    let tags = all().map(tag).collect::<Vec<_>>().join(" ");
    let key = format!("{tags} {}", serde_json::json!(access));
    if let Some(prepared) = app.sources.joined.get(&key) {
        return (prepared, restricted);
    }
    let others: Vec<_> = all().skip(1).cloned().collect();
    let prepared = Arc::new(Prepared::seen(views[0].catalog(), &others, &access));
    app.sources.joined.insert(key, Arc::clone(&prepared));
    (prepared, restricted)
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

/// The dialect a source's SQL is shown in.
pub(crate) fn dialect(kind: SourceKind) -> Dialect {
    match kind {
        SourceKind::Files => Dialect::Datafusion,
        SourceKind::Postgres => Dialect::Postgres,
        SourceKind::Timescaledb => Dialect::Timescaledb,
        SourceKind::Mysql => Dialect::Mysql,
    }
}

/// The catalog as a principal sees it, made ready for planning.
pub(crate) async fn prepared(
    app: &App,
    reader: impl Into<Reader<'_>>,
    id: &DatasourceId,
) -> Result<Arc<Prepared>, ApiError> {
    joined(app, reader, id, &[]).await
}

/// The whole catalog, which is shown to nobody as such: the service's own view. Of one that is
/// held, only the tag is read.
async fn whole(app: &App, id: &DatasourceId) -> Result<Arc<Prepared>, ApiError> {
    whole_of(app, id, app.store.catalogs().tag(id).await?).await
}

/// The same, by the tag of its record.
async fn whole_of(
    app: &App,
    id: &DatasourceId,
    tag: Option<String>,
) -> Result<Arc<Prepared>, ApiError> {
    let known = app.sources.prepared.get(id);
    if let Some((known, prepared)) = &known
        && Some(known) == tag.as_ref()
    {
        return Ok(Arc::clone(prepared));
    }
    let record = record(app, id).await?;
    let tag = record.tag();
    let prepared = Arc::new(Prepared::new(Arc::new(edited(&record)?)));
    access::warn(&app.config.policies, prepared.catalog());
    app.sources.prepared.insert(id.clone(), (tag, Arc::clone(&prepared)));
    if let Some((_, older)) = known {
        app.plans.forget(&older);
    }
    Ok(prepared)
}

/// Says of which sources the policies are that cannot be held to what was learned.
pub(crate) async fn check_policies(app: &App) {
    let ids: std::collections::BTreeSet<_> =
        app.config.policies.iter().map(|policy| &policy.datasource).collect();
    for id in ids {
        // What does not fit is said where the catalog is made ready.
        if let Err(error) = whole(app, id).await {
            tracing::warn!(source.id = %id, "policies of a source that is not there: {}", error.detail);
        }
    }
}

/// The words of a catalog, indexed once a version. Indexing takes time; give it a thread.
pub(crate) fn lexicon(app: &App, id: &DatasourceId, catalog: &Catalog) -> Arc<Lexicon> {
    let key = (id.clone(), catalog.version.clone());
    if let Some(lexicon) = app.sources.lexicons.get(&key) {
        return lexicon;
    }
    let lexicon = Arc::new(Lexicon::new(catalog));
    // Those of a source that was learned or edited since are asked for no more.
    let whole = whole_version(&catalog.version);
    let is_old =
        |(known, version): &(DatasourceId, String)| known == id && whole_version(version) != whole;
    app.sources.lexicons.retain(|key, _| !is_old(key));
    app.sources.lexicons.insert(key, Arc::clone(&lexicon));
    lexicon
}

/// The version of a catalog that not everyone sees begins with that of the whole.
fn whole_version(version: &str) -> &str {
    version.split_once('-').map_or(version, |(whole, _)| whole)
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
pub(crate) fn open(
    app: &App,
    datasource: &Datasource,
    pace: Pace,
) -> Result<Arc<dyn Source>, ApiError> {
    Ok(cached(app, datasource, pace)?.source)
}

/// The source with a catalog that was learned just now, all of it: for the service's own look.
pub(super) fn as_learned(
    app: &App,
    datasource: &Datasource,
    catalog: Arc<Catalog>,
    pace: Pace,
) -> Result<Ready, ApiError> {
    let Opened { source, connections, version } = cached(app, datasource, pace)?;
    let prepared = Arc::new(Prepared::new(Arc::clone(&catalog)));
    let members = vec![Member { source, catalog, connections }];
    Ok(Ready { members, versions: vec![version], prepared, restricted: false })
}

/// A database is opened once for requests and once for jobs: its sessions hold their own time
/// limit, and jobs that read for long leave the connections of requests alone.
fn cached(app: &App, datasource: &Datasource, pace: Pace) -> Result<Opened, ApiError> {
    let pace = if datasource.kind == SourceKind::Files { Pace::Request } else { pace };
    let key = (datasource.id.clone(), pace);
    if let Some(opened) = held(&app.sources.opened).get(&key)
        && opened.version == Stamp::of(datasource)
    {
        return Ok(opened.clone());
    }
    let source: Arc<dyn Source> = match datasource.kind {
        SourceKind::Files => files(app, datasource)?,
        kind => database(app, kind, datasource, pace)?,
    };
    let connections = Arc::new(Semaphore::new(usize::from(app.config.connectors.pool_size)));
    let opened = Opened { version: Stamp::of(datasource), source, connections };
    held(&app.sources.opened).insert(key, opened.clone());
    Ok(opened)
}

fn files(app: &App, datasource: &Datasource) -> Result<Arc<FilesSource>, ApiError> {
    let base_path = datasource.base_path.as_deref().unwrap_or_default();
    let source = match (&datasource.owner, StoreAddress::is_one(base_path)) {
        (None, true) => in_store(app, datasource, base_path)?,
        // A session's files lie in the data folder, and those of everybody below files.base_path.
        (Some(_), _) => folder(datasource, &sessions::folder(app), base_path)?,
        (None, false) => folder(datasource, &app.config.files.base_path, base_path)?,
    };
    // Workers share files.base_path; what people upload lies with this service alone.
    let source = Arc::new(if datasource.owner.is_some() { source } else { source.shared() });
    source.register(app.engine.runtime.env());
    Ok(source)
}

fn folder(datasource: &Datasource, base: &Path, path: &str) -> Result<FilesSource, ApiError> {
    Ok(FilesSource::open(datasource.id.as_str(), base, &base.join(Path::new(path)))?)
}

/// Files of an object store or a web server: how it is reached stands in the configuration alone.
fn in_store(app: &App, datasource: &Datasource, address: &str) -> Result<FilesSource, ApiError> {
    let id = &datasource.id;
    let configured = app.config.analytics_sources.iter().find(|source| source.id == *id);
    match configured.and_then(|source| source.place.as_ref()) {
        Some(FilesPlace::Store(store)) if store.address.shown() == address => {
            Ok(FilesSource::remote(id.as_str(), store.address.clone(), &store.options)?)
        }
        _ => {
            let detail = format!(
                "How {address} is reached is not in the configuration: put the source {id} into \
                 analytics_sources, or remove it here."
            );
            Err(ApiError::new(ErrorCode::SourceError, detail))
        }
    }
}

fn database(
    app: &App,
    kind: SourceKind,
    datasource: &Datasource,
    pace: Pace,
) -> Result<Arc<dyn Source>, ApiError> {
    let Some(stored) = &datasource.dsn else {
        let detail = format!("The source {} has no DSN; give it one.", datasource.id);
        return Err(ApiError::new(ErrorCode::SourceError, detail));
    };
    let dsn = app.vault.open(&datasource.id, stored)?;
    let options = database_options(&app.config, datasource.allow_superuser, pace);
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
pub(crate) fn database_options(
    config: &Config,
    allow_superuser: bool,
    pace: Pace,
) -> DatabaseOptions {
    let connectors = &config.connectors;
    DatabaseOptions {
        max_connections: usize::from(connectors.pool_size),
        connect_timeout: connectors.connect_timeout,
        statement_timeout: pace.limit(config),
        allowed_hosts: connectors.allowed_hosts.clone(),
        allow_superuser,
    }
}

/// Forgets what was opened, after a source was changed or removed.
pub(crate) fn forget(app: &App, id: &DatasourceId) {
    held(&app.sources.opened).retain(|(known, _), _| known != id);
    if let Some((_, (_, prepared))) = app.sources.prepared.remove(id) {
        app.plans.forget(&prepared);
    }
    app.sources.lexicons.retain(|(known, _), _| known != id);
}
