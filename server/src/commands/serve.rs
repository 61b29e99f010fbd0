//! `air serve`.

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Place, say};
use crate::config::{Config, LogFormat};
use crate::service::Service;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen; wins over the configuration.
    #[arg(long)]
    host: Option<String>,
    /// The port; 0 takes any free one.
    #[arg(long)]
    port: Option<u16>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = self.place.load()?;
        if let Some(host) = self.host {
            config.server.host = host;
        }
        if let Some(port) = self.port {
            config.server.port = port;
        }
        start_log(&config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("air-http")
            .enable_all()
            .build()?;
        runtime.block_on(serve(config))
    }
}

/// Logs go to stderr: stdout holds the one line that tells where the service listens.
fn start_log(config: &Config) -> anyhow::Result<()> {
    let level = config.telemetry.level;
    // Libraries write at their own levels and may show what AIR does not.
    // The client of models would write replies and errors whole.
    let filter = format!("warn,async_openai=off,air_server={level},air_connectors={level}");
    let filter = EnvFilter::try_new(filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.telemetry.format {
        LogFormat::Json => log.json().with_span_list(false).try_init(),
        LogFormat::Text => log.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let (host, port) = (config.server.bind_host().to_owned(), config.server.port);
    let shutdown = shutdown()?;
    let service = Service::start(config).await?;
    let listener = TcpListener::bind((host.as_str(), port)).await;
    let listener = listener.with_context(|| format!("{host}:{port} cannot be listened on"))?;
    let address = listener.local_addr()?;
    let shown = match address.ip().is_unspecified() {
        true => format!("127.0.0.1:{}", address.port()),
        false => address.to_string(),
    };
    say(&format!("listening on http://{shown}"));
    tracing::info!(%address, "ready");
    service.serve(listener, shutdown).await
}

/// Ends at the first SIGTERM or SIGINT.
fn shutdown() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
