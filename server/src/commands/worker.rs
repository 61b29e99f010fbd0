//! `air worker`: carries out parts of the runs of servers.
//!
//! It takes the servers' configuration: `files.base_path`, where it must find what they find,
//! `limits.memory_pool` and the threads and room to spill of `execution`. It has no control plane
//! and no data folder of its own but the one that it spills to.

use air_distributed::{Ways, WorkerOptions, serve};
use anyhow::{Context, bail};
use clap::Args;
use tokio::net::TcpListener;

use super::serve::shutdown;
use super::{AuthMode, Place, say};
use crate::config::Config;
use crate::pipeline::engine;
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
pub(super) struct Worker {
    #[command(flatten)]
    place: Place,
    /// Where to listen; wins over execution.worker.bind. Port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<std::net::SocketAddr>,
}

impl Worker {
    pub(super) fn run(self) -> anyhow::Result<()> {
        // It serves no HTTP, so it wants no secret of tokens.
        let place = Place { auth: Some(AuthMode::Disabled), ..self.place };
        let mut config = place.load()?;
        if let Some(bind) = self.bind {
            config.execution.worker.bind = bind;
        }
        let telemetry = Telemetry::start(&config.telemetry)?;
        let threads = engine::threads(&config);
        // Threads that compute look at their connections after each piece of work, and two more
        // are there for these alone: a cancelled run is heard of at once, and a busy worker is not
        // taken for a lost one.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads + 2)
            .event_interval(1)
            .thread_name("air-worker")
            .enable_all()
            .build()?;
        let worked = runtime.block_on(work(&config, threads));
        telemetry.stop();
        // What is half done is for nobody.
        runtime.shutdown_background();
        worked
    }
}

async fn work(config: &Config, threads: usize) -> anyhow::Result<()> {
    let worker = &config.execution.worker;
    let tls = worker.tls()?;
    if tls.is_none() && worker.is_open() {
        bail!(
            "execution.worker.bind {} can be reached by others, and without TLS only loopback is \
             listened on; give execution.worker.ca, cert and key",
            worker.bind
        );
    }
    let token = worker.token.clone();
    let token = token.context("execution.worker.token is missing; it keeps others out")?;
    let ways = Ways::new(&token, tls.as_ref()).context("execution.worker.token cannot be sent")?;
    // Beside a server on the same machine each cleans up its own.
    let spill = config.execution.spill_dir.join(format!("worker-{}", std::process::id()));
    let runtime = engine::runtime(config, spill.clone(), threads)?;
    let shutdown = shutdown()?;
    let listener = TcpListener::bind(worker.bind).await;
    let listener = listener.with_context(|| format!("{} cannot be listened on", worker.bind))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    say(&format!("working at {scheme}://{}", listener.local_addr()?));
    let files_base = config.files.base_path.clone();
    let options = WorkerOptions { files_base, runtime, token, tls, ways };
    let served = serve(listener, options, shutdown).await;
    // It holds nothing that a later life could use.
    let _ = std::fs::remove_dir_all(&spill);
    served.context("the worker cannot serve; see execution.worker")
}
