//! One life of the service: opening it, serving, and closing it.
//!
//! In: where its data lies and its configuration. Out: a router, or a server on a socket that
//! ends cleanly: it stops accepting, lets what runs finish for a bounded time, and marks the rest.

mod connections;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use air_engine::PlanCache;
use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::admission::schema::Schemas;
use crate::audit::Audit;
use crate::auth::Authenticator;
use crate::broker::{Broker, MemoryBroker, RedisBroker};
use crate::chat;
use crate::config::{Config, Environment, FilesPlace, LoadOptions};
use crate::eda::Eda;
use crate::events::{Event, Events, Hub};
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::pipeline::answers::Answers;
use crate::pipeline::ask::Dictionaries;
use crate::pipeline::engine::Engine;
use crate::pipeline::judge::Latest;
use crate::pipeline::running::Running;
use crate::pipeline::{retention, sources};
use crate::processes::Processes;
use crate::secrets::DsnVault;
use crate::sessions;
use crate::socket::Sockets;
use crate::store::{DataDir, DataDirLock, NewDatasource, Store};
use crate::tools::Tools;
use crate::uploads::{self, Uploads};
use crate::{jobs, routes};

/// What every request can reach.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) authenticator: Authenticator,
    pub(crate) vault: DsnVault,
    pub(crate) schemas: Schemas,
    pub(crate) engine: Engine,
    pub(crate) audit: Audit,
    pub(crate) running: Running,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) sources: sources::Cache,
    /// Language models, where there are any.
    pub(crate) models: Models,
    /// The EDA service, where there is one.
    pub(crate) eda: Eda,
    /// Plans of questions that were asked before.
    pub(crate) plans: PlanCache,
    /// Tells sockets what happens.
    pub(crate) events: Events,
    /// What is live: presence, typing, allowances.
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) chat: chat::State,
    /// The processes that share the data folder.
    pub(crate) processes: Arc<Processes>,
    /// The open sockets.
    pub(crate) sockets: Sockets,
    /// Answers that were given before.
    pub(crate) answers: Answers,
    /// How young tables are.
    pub(crate) latest: Latest,
    /// Values of rows that not everyone sees.
    pub(crate) dictionaries: Dictionaries,
    /// Requests that are being worked on, whether their client waits or not.
    pub(crate) tasks: TaskTracker,
    /// The contract as a page.
    pub(crate) docs: String,
    /// What the service counts of itself.
    pub(crate) metrics: Metrics,
    /// The contract as functions that a model can call.
    pub(crate) tools: Tools,
    /// Files that people upload.
    pub(crate) uploads: Uploads,
    draining: AtomicBool,
}

impl App {
    /// Whether the service is about to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// Where a service finds its data and configuration.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The configuration's file, inside the data folder unless absolute.
    pub config_file: PathBuf,
    /// Whether tokens are wanted; wins over the configuration.
    pub auth: Option<bool>,
    /// The environment's variables.
    pub environment: Vec<(String, String)>,
}

/// A service that is open: its data folder is locked until it is closed or dropped.
pub struct Service {
    app: Arc<App>,
    router: Router,
    lock: DataDirLock,
    watching: JoinSet<()>,
}

impl Service {
    /// Opens the data folder, brings the control plane up to date, and marks what an earlier life
    /// left unfinished.
    ///
    /// # Errors
    /// Whatever of the configuration or the data folder cannot be used, and what to do.
    pub async fn open(options: &ServiceOptions) -> anyhow::Result<Self> {
        let config = load(options)?;
        Self::start(config).await
    }

    pub(crate) async fn start(config: Config) -> anyhow::Result<Self> {
        let data = DataDir::open(&config.data_dir)?;
        // Several processes act as one through Redis; without it one has the folder to itself.
        let lock = if config.redis.enabled { data.lock_shared()? } else { data.lock()? };
        DataDir::folder(&config.execution.snapshot_dir)?;
        let store = Store::open(&config.control_plane.file).await?;
        let processes = Arc::new(Processes::open(data.path(), store.process())?);
        let (told, committed) = tokio::sync::mpsc::unbounded_channel();
        store.announce_to(told);
        processes.take_over(&store).await?;
        let vault = DsnVault::new(&config.environment)?;
        store.datasources().sync_config(&configured(&config, &vault)?).await?;
        let hub = Hub::new(store.clone());
        let broker = broker(&config, &store, &hub)?;
        let events = Events::new(store.clone(), Arc::clone(&broker), hub);
        let mut watching = JoinSet::new();
        watching.spawn(events.follow());
        let app = Arc::new(App {
            events,
            broker,
            chat: chat::State::default(),
            processes,
            sockets: Sockets::new(&config.websocket),
            authenticator: Authenticator::new(&config.server.auth)?,
            vault,
            schemas: Schemas::compile()?,
            engine: Engine::new(&config)?,
            audit: Audit::start(store.clone(), config.control_plane.audit_retention),
            running: Running::new(config.limits.runs_per_user, config.limits.runs),
            jobs: Arc::default(),
            sources: sources::Cache::default(),
            models: Models::new(&config.models),
            eda: Eda::start(&config)?,
            plans: PlanCache::default(),
            answers: Answers::new(config.execution.result_cache),
            latest: Latest::default(),
            dictionaries: Dictionaries::default(),
            tasks: TaskTracker::new(),
            docs: routes::documents::page()?,
            tools: Tools::read()?,
            uploads: Uploads::open(data.path())?,
            metrics: Metrics::default(),
            draining: AtomicBool::new(false),
            store,
            config,
        });
        sources::check_policies(&app).await;
        let router = routes::router(&app)?;
        jobs::start(&app);
        watching.spawn(Processes::watch(Arc::downgrade(&app)));
        watching.spawn(uploads::keep(Arc::downgrade(&app)));
        watching.spawn(announce(Arc::downgrade(&app), committed));
        watching.spawn(retention::turn(Arc::downgrade(&app)));
        watching.spawn(give_back());
        // Learning sessions talk through it also where there is no chat.
        watching.spawn(chat::keep(&app));
        sessions::tidy(&app).await;
        Ok(Self { app, router, lock, watching })
    }

    /// A service over a folder, without authentication, by the text of a configuration.
    #[cfg(test)]
    pub(crate) async fn for_tests(folder: &std::path::Path, config: &str) -> Self {
        std::fs::write(folder.join("config.yaml"), config).unwrap();
        let options = ServiceOptions {
            data_dir: folder.to_owned(),
            config_file: "config.yaml".into(),
            auth: Some(false),
            environment: Vec::new(),
        };
        Self::open(&options).await.unwrap()
    }

    /// What the operator's commands and the service's own tests look into.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The whole service, without a socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `shutdown` ends, then closes.
    ///
    /// # Errors
    /// Where the control plane could not be closed as it should.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> anyhow::Result<()> {
        let limits = &self.app.config.limits;
        let open = connections::serve(listener, self.router.clone(), limits, shutdown).await;
        self.app.draining.store(true, Ordering::Relaxed);
        tracing::info!(runs = self.app.running.count(), "shutting down");
        self.app.sockets.close().await;
        let grace = self.app.config.server.shutdown_grace;
        if tokio::time::timeout(grace, open.finished()).await.is_err() {
            tracing::warn!("some connections were still busy and are closed");
        }
        self.close().await;
        Ok(())
    }

    /// Ends: what still runs is stopped and marked, and the control plane is closed.
    pub async fn close(mut self) {
        let app = &self.app;
        app.draining.store(true, Ordering::Relaxed);
        app.sockets.close().await;
        app.uploads.end();
        app.tasks.close();
        app.jobs.close();
        let grace = app.config.server.shutdown_grace;
        if tokio::time::timeout(grace, ended(app)).await.is_err() {
            app.running.cancel_all();
            app.jobs.halt();
            // Marking a run, and giving a job back, takes no longer than a few writes.
            let marking = tokio::time::timeout(MARKING, ended(app)).await;
            if marking.is_err() {
                tracing::error!("some work did not end; the next start marks it");
            }
        }
        app.eda.close().await;
        self.watching.shutdown().await;
        app.audit.close().await;
        app.store.close().await;
        drop(self.lock);
    }
}

/// Ends when nothing works any more, neither requests nor jobs.
async fn ended(app: &App) {
    tokio::join!(app.tasks.wait(), app.jobs.ended());
}

/// Hands on events in the order they were committed, until the service is gone.
async fn announce(app: Weak<App>, mut events: UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        let Some(app) = app.upgrade() else { return };
        app.events.announce(event).await;
    }
}

/// Between two times that unused memory is given back.
const GIVING_BACK: std::time::Duration = std::time::Duration::from_mins(1);

/// Gives back what the allocator holds and nobody uses, for as long as the service runs.
async fn give_back() {
    let mut ticks = tokio::time::interval(GIVING_BACK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        // Whether there was any does not matter.
        let _ = tokio::task::spawn_blocking(air_heap::trim).await;
    }
}

/// How long runs that were stopped have to be marked.
const MARKING: std::time::Duration = std::time::Duration::from_secs(5);

/// The configuration, from options.
pub(crate) fn load(options: &ServiceOptions) -> anyhow::Result<Config> {
    let environment: Environment = options.environment.iter().cloned().collect();
    let config = Config::load(LoadOptions {
        data_dir: options.data_dir.clone(),
        file: options.config_file.clone(),
        auth: options.auth,
        environment,
    })?;
    Ok(config)
}

/// What is live, for this process alone or shared with others.
fn broker(config: &Config, store: &Store, hub: &Arc<Hub>) -> anyhow::Result<Arc<dyn Broker>> {
    let hub = Arc::clone(hub);
    Ok(match config.redis.enabled {
        true => Arc::new(RedisBroker::start(&config.redis, store.process(), hub)?),
        false => Arc::new(MemoryBroker::new(hub)),
    })
}

/// The sources of the configuration, as they are stored.
fn configured(config: &Config, vault: &DsnVault) -> anyhow::Result<Vec<NewDatasource>> {
    use secrecy::ExposeSecret;
    let one = |source: &crate::config::SourceConfig| {
        let dsn = source.dsn.as_ref();
        let dsn = dsn.map(|dsn| vault.seal(&source.id, dsn.written.expose_secret()));
        let place = |place: &FilesPlace| match place {
            FilesPlace::Folder(path) => config.files.relative(path),
            FilesPlace::Store(store) => Some(store.address.shown().to_owned()),
        };
        Ok(NewDatasource {
            id: source.id.clone(),
            kind: source.kind,
            dsn: dsn.transpose().with_context(|| format!("the source {}", source.id))?,
            base_path: source.place.as_ref().and_then(place),
            display_name: source.display_name.clone(),
            is_default: source.default,
            allow_superuser: source.allow_superuser,
            sample_values: source.sample_values,
            owner: None,
        })
    };
    config.analytics_sources.iter().map(one).collect()
}
