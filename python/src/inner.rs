//! The engine of one `air.Engine`: its threads and limits, and the sources that were registered.
//!
//! Absent on purpose: Python. All of it may be used by several threads at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use air_connectors::running::Member;
use air_connectors::{FilesSource, MysqlSource, PostgresSource, Source, StoreAddress};
use air_engine::ask::Lexicon;
use air_engine::{PlanCache, Prepared, Runtime};
use air_ir::catalog::SourceKind;
use air_ir::{Catalog, nearest};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::fault::{Fault, Stage};
use crate::settings::Settings;
use crate::stores;

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) runtime: Runtime,
    pub(crate) plans: PlanCache,
    threads: Option<tokio::runtime::Runtime>,
    sources: Mutex<BTreeMap<String, Registered>>,
    /// Threads do not come along where a process is forked.
    process: u32,
}

/// One source.
#[derive(Clone)]
pub(crate) struct Registered {
    id: String,
    pub(crate) kind: SourceKind,
    pub(crate) source: Arc<dyn Source>,
    connections: Arc<Semaphore>,
    learned: Option<Arc<Learned>>,
}

impl Registered {
    /// The source as runs take it.
    fn member(self, learned: &Learned) -> Member {
        let Self { source, connections, .. } = self;
        Member { source, catalog: Arc::clone(learned.catalog()), connections }
    }
}

/// What is known of a source.
pub(crate) struct Learned {
    pub(crate) prepared: Arc<Prepared>,
    lexicon: OnceLock<Lexicon>,
}

impl Learned {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { prepared: Arc::new(Prepared::new(Arc::new(catalog))), lexicon: OnceLock::new() }
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        self.prepared.catalog()
    }

    /// The words of the catalog, indexed by the first question.
    pub(crate) fn lexicon(&self) -> &Lexicon {
        self.lexicon.get_or_init(|| Lexicon::new(self.catalog()))
    }
}

/// Sources with all that a plan and a run need.
#[derive(Clone)]
pub(crate) struct Ready {
    /// The one that is asked first; others where an IR names them.
    pub(crate) members: Vec<Member>,
    pub(crate) prepared: Arc<Prepared>,
}

impl Inner {
    pub(crate) fn new(settings: Settings) -> Result<Self, Fault> {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.threads())
            .thread_name("air-query")
            .enable_all()
            .build()
            .map_err(Fault::internal)?;
        let runtime = Runtime::new(&settings.limits()).map_err(|cause| {
            Fault::setting("spill_dir", format!("the folder for spilling cannot be used: {cause}"))
        })?;
        Ok(Self {
            settings,
            runtime,
            plans: PlanCache::default(),
            threads: Some(threads),
            sources: Mutex::default(),
            process: std::process::id(),
        })
    }

    /// Starts work on the engine's threads; it stops when the handle is dropped.
    pub(crate) fn spawn<F>(&self, work: F) -> Result<AbortOnDropHandle<F::Output>, Fault>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let here = self.threads.as_ref().filter(|_| self.is_here());
        let Some(threads) = here else {
            let message =
                "this engine is of the process before the fork, and its threads are there";
            let advice = "Make an Engine after the fork, or start processes by \"spawn\".";
            let fault = Fault::new(Stage::Usage, "unavailable", message);
            return Err(Fault { advice: Some(advice.to_owned()), ..fault });
        };
        Ok(AbortOnDropHandle::new(threads.spawn(work)))
    }

    fn is_here(&self) -> bool {
        std::process::id() == self.process
    }

    pub(crate) fn add_files(&self, id: &str, folder: &Path) -> Result<(), Fault> {
        let source = FilesSource::open(id, folder, folder).map_err(|error| {
            let fault = Fault::from(error).at_source(id);
            // The connectors speak of the service's configuration.
            let advice = "Give a folder that holds CSV, Parquet or JSONL files.".to_owned();
            Fault { advice: Some(advice), ..fault }
        })?;
        source.register(self.runtime.env());
        self.add(id, SourceKind::Files, Arc::new(source));
        Ok(())
    }

    /// Files at an address; nothing is reached before the source is asked.
    pub(crate) fn add_store(
        &self,
        id: &str,
        address: &str,
        store: Option<&str>,
    ) -> Result<(), Fault> {
        let options = store.map(stores::options).transpose()?.unwrap_or_default();
        let address = StoreAddress::parse(address).map_err(|what| Fault::setting("path", what))?;
        let source = FilesSource::remote(id, address, &options);
        let source = source.map_err(|error| Fault::from(error).at_source(id))?;
        source.register(self.runtime.env());
        self.add(id, SourceKind::Files, Arc::new(source));
        Ok(())
    }

    /// Nothing is connected to before the source is asked.
    pub(crate) fn add_database(
        &self,
        id: &str,
        kind: &str,
        dsn: &SecretString,
        allow_superuser: bool,
    ) -> Result<(), Fault> {
        let kind = database_kind(kind)?;
        let options = self.settings.database(allow_superuser)?;
        let source: Result<Arc<dyn Source>, _> = match kind {
            SourceKind::Mysql => MysqlSource::open(id, dsn, options).map(|s| Arc::new(s) as _),
            kind => PostgresSource::open(id, kind, dsn, options).map(|s| Arc::new(s) as _),
        };
        self.add(id, kind, source.map_err(|error| Fault::from(error).at_source(id))?);
        Ok(())
    }

    fn add(&self, id: &str, kind: SourceKind, source: Arc<dyn Source>) {
        let connections = usize::try_from(self.settings.connections).unwrap_or(usize::MAX);
        let connections = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        let id = id.to_owned();
        let registered = Registered { id: id.clone(), kind, source, connections, learned: None };
        self.held().insert(id, registered);
    }

    /// Keeps what was learned, unless the source was registered anew meanwhile.
    pub(crate) fn keep(&self, of: &Registered, learned: Arc<Learned>) {
        if let Some(registered) = self.held().get_mut(&of.id)
            && Arc::ptr_eq(&registered.source, &of.source)
        {
            registered.learned = Some(learned);
        }
    }

    /// Ids and kinds.
    pub(crate) fn sources(&self) -> Vec<(String, SourceKind)> {
        self.held().values().map(|one| (one.id.clone(), one.kind)).collect()
    }

    pub(crate) fn registered(&self, id: &str) -> Result<Registered, Fault> {
        let sources = self.held();
        if let Some(registered) = sources.get(id) {
            return Ok(registered.clone());
        }
        let near = nearest(id, sources.keys().map(String::as_str)).join(", ");
        let advice = match near.as_str() {
            "" => "Register it first, by register_files or register_source.".to_owned(),
            near => format!("Known sources that come near: {near}."),
        };
        let message = format!("There is no source \"{id}\"");
        let fault = Fault::new(Stage::Source, "not_found", message).at_source(id);
        Err(Fault { advice: Some(advice), ..fault })
    }

    pub(crate) fn learned(&self, id: &str) -> Result<(Registered, Arc<Learned>), Fault> {
        let registered = self.registered(id)?;
        if let Some(learned) = registered.learned.clone() {
            return Ok((registered, learned));
        }
        let message = format!("The source \"{id}\" was not learned yet");
        let fault = Fault::new(Stage::Source, "not_learned", message).at_source(id);
        Err(Fault { advice: Some(format!("Call engine.learn(\"{id}\").")), ..fault })
    }

    /// The source and those an IR names beside it. One that is not there is left to the planner
    /// to name.
    pub(crate) fn ready(&self, id: &str, others: &[String]) -> Result<Ready, Fault> {
        let (first, learned) = self.learned(id)?;
        let mut members = vec![first.member(&learned)];
        for other in others {
            if members.iter().any(|member| member.catalog.source == *other) {
                continue;
            }
            if self.held().contains_key(other) {
                let (other, learned) = self.learned(other)?;
                members.push(other.member(&learned));
            }
        }
        let prepared = match members.as_slice() {
            [_] => Arc::clone(&learned.prepared),
            [first, rest @ ..] => {
                let rest = rest.iter().map(|member| Arc::clone(&member.catalog)).collect();
                Arc::new(Prepared::federated(Arc::clone(&first.catalog), rest))
            }
            [] => Arc::clone(&learned.prepared),
        };
        Ok(Ready { members, prepared })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Registered>> {
        // A map of whole entries is whole after a panic too.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(threads) = self.threads.take() else { return };
        match self.is_here() {
            // The interpreter does not wait for work that nobody asks for any more.
            true => threads.shutdown_background(),
            // In a forked child there is nobody to tell, and a lock may be held for ever.
            false => std::mem::forget(threads),
        }
    }
}

/// The contract's kinds; `mysql` is MariaDB too.
fn database_kind(kind: &str) -> Result<SourceKind, Fault> {
    const KINDS: [(&str, SourceKind); 3] = [
        ("postgres", SourceKind::Postgres),
        ("timescaledb", SourceKind::Timescaledb),
        ("mysql", SourceKind::Mysql),
    ];
    if let Some((_, found)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return Ok(*found);
    }
    let fault = Fault::setting("kind", format!("there is no kind of source \"{kind}\""));
    let advice = "One of \"postgres\", \"timescaledb\" and \"mysql\", which is MariaDB too; files \
                  are registered by register_files.";
    Err(Fault { advice: Some(advice.to_owned()), ..fault })
}

/// The contract's name of a kind.
pub(crate) fn kind_name(kind: SourceKind) -> String {
    serde_json::json!(kind).as_str().unwrap_or_default().to_owned()
}
