//! `air serve`.

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Place, say};
use crate::config::Config;
use crate::service::Service;
use crate::telemetry::Telemetry;

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
        let telemetry = Telemetry::start(&config.telemetry)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("air-http")
            .enable_all()
            .build()?;
        let served = runtime.block_on(serve(config));
        telemetry.stop();
        served
    }
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
pub(super) fn shutdown() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
