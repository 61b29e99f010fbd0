//! One life of the service: opening it, serving, and closing it.
//!
//! In: where its data lies and its configuration. Out: a router, or a server on a socket that
//! ends cleanly: it stops accepting, lets what runs finish for a bounded time, and marks the rest.

mod connections;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use air_engine::PlanCache;
use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::admission::schema::Schemas;
use crate::auth::Authenticator;
use crate::config::{Config, Environment, LoadOptions};
use crate::metrics::Metrics;
use crate::pipeline::engine::Engine;
use crate::pipeline::running::Running;
use crate::pipeline::sources;
use crate::routes;
use crate::secrets::DsnVault;
use crate::store::{DataDir, DataDirLock, NewDatasource, Store};
use crate::tools::Tools;

/// What every request can reach.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) authenticator: Authenticator,
    pub(crate) vault: DsnVault,
    pub(crate) schemas: Schemas,
    pub(crate) engine: Engine,
    pub(crate) running: Running,
    pub(crate) sources: sources::Cache,
    /// Plans of questions that were asked before.
    pub(crate) plans: PlanCache,
    /// Requests that are being worked on, whether their client waits or not.
    pub(crate) tasks: TaskTracker,
    /// The contract as a page.
    pub(crate) docs: String,
    /// What the service counts of itself.
    pub(crate) metrics: Metrics,
    /// The contract as functions that a model can call.
    pub(crate) tools: Tools,
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
        // What is not enforced must not look as if it were.
        anyhow::ensure!(
            config.policies.is_empty(),
            "policies: this version of AIR does not enforce policies yet; take them out, or keep \
             the sources they protect away from it"
        );
        let data = DataDir::open(&config.data_dir)?;
        let lock = data.lock()?;
        DataDir::folder(&config.execution.snapshot_dir)?;
        let store = Store::open(&config.control_plane.file).await?;
        let interrupted = store.runs().mark_interrupted().await?;
        store.idempotency_keys().release_interrupted().await?;
        if interrupted > 0 {
            tracing::warn!(runs = interrupted, "runs of an earlier life were marked failed");
        }
        let vault = DsnVault::new(&config.environment)?;
        store.datasources().sync_config(&configured(&config, &vault)?).await?;
        let app = Arc::new(App {
            authenticator: Authenticator::new(&config.server.auth)?,
            vault,
            schemas: Schemas::compile()?,
            engine: Engine::new(&config)?,
            running: Running::new(config.limits.runs_per_user, config.limits.runs),
            sources: sources::Cache::default(),
            plans: PlanCache::default(),
            tasks: TaskTracker::new(),
            docs: routes::documents::page()?,
            tools: Tools::read()?,
            metrics: Metrics::default(),
            draining: AtomicBool::new(false),
            store,
            config,
        });
        let router = routes::router(&app)?;
        Ok(Self { app, router, lock })
    }

    /// The whole service, without a socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What every request can reach, for callers inside this process.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
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
        let grace = self.app.config.server.shutdown_grace;
        if tokio::time::timeout(grace, open.finished()).await.is_err() {
            tracing::warn!("some connections were still busy and are closed");
        }
        self.close().await;
        Ok(())
    }

    /// Ends: what still runs is stopped and marked, and the control plane is closed.
    pub async fn close(self) {
        let app = &self.app;
        app.draining.store(true, Ordering::Relaxed);
        app.tasks.close();
        let grace = app.config.server.shutdown_grace;
        if tokio::time::timeout(grace, app.tasks.wait()).await.is_err() {
            app.running.cancel_all();
            // Marking a run takes no longer than a few writes.
            let marking = tokio::time::timeout(MARKING, app.tasks.wait()).await;
            if marking.is_err() {
                tracing::error!("some requests did not end; the next start marks their runs");
            }
        }
        app.store.close().await;
        drop(self.lock);
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

/// The sources of the configuration, as they are stored.
fn configured(config: &Config, vault: &DsnVault) -> anyhow::Result<Vec<NewDatasource>> {
    use secrecy::ExposeSecret;
    let one = |source: &crate::config::SourceConfig| {
        let dsn = source.dsn.as_ref();
        let dsn = dsn.map(|dsn| vault.seal(&source.id, dsn.written.expose_secret()));
        let relative = |path: &PathBuf| config.files.relative(path);
        Ok(NewDatasource {
            id: source.id.clone(),
            kind: source.kind,
            dsn: dsn.transpose().with_context(|| format!("the source {}", source.id))?,
            base_path: source.base_path.as_ref().and_then(relative),
            display_name: source.display_name.clone(),
            is_default: source.default,
            allow_superuser: source.allow_superuser,
            sample_values: source.sample_values,
        })
    };
    config.analytics_sources.iter().map(one).collect()
}
