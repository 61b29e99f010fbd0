//! `air mcp`: the Model Context Protocol over stdin and stdout.
//!
//! Either over a data folder, which no service may be using meanwhile, with the rights of the role
//! that is named; or, with `--url`, for a service that runs, with the rights of the token.
//! stdout holds the protocol alone; messages go to stderr.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use reqwest::Url;
use rmcp::ServiceExt;
use secrecy::SecretString;

use super::{AuthMode, Place, role};
use crate::auth::{Principal, Role};
use crate::config::{LogFormat, TelemetryConfig};
use crate::mcp::{McpServer, Remote, Way};
use crate::outbound;
use crate::service::Service;
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
pub(super) struct Mcp {
    #[command(flatten)]
    place: Place,
    /// A running service to talk to, in place of the data folder.
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The token for that service. Better given as AIR_TOKEN, which other users cannot list.
    #[arg(long, env = "AIR_TOKEN", hide_env_values = true, requires = "url")]
    token: Option<SecretString>,
    /// Over a data folder: what the agent may do.
    #[arg(long, value_parser = role, default_value = "viewer", conflicts_with = "url")]
    role: Role,
    /// Over a data folder: whom runs and scopes belong to.
    #[arg(long, value_name = "NAME", default_value = "local", conflicts_with = "url")]
    sub: String,
}

impl Mcp {
    pub(super) fn run(self) -> anyhow::Result<()> {
        // Messages that matter only: a client shows what a program writes to stderr.
        let quiet = TelemetryConfig { level: "warn", format: LogFormat::Text, otlp: None };
        let telemetry = Telemetry::start(&quiet)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(self.serve());
        // The read of stdin that is still waiting must not hold up the end.
        runtime.shutdown_background();
        telemetry.stop();
        done
    }

    async fn serve(self) -> anyhow::Result<()> {
        match self.url.clone() {
            Some(base) => {
                let client = outbound::client().build().context("no HTTP client")?;
                let remote = Remote { client, base, token: self.token };
                speak(Way::Outside(Arc::new(remote))).await
            }
            None => self.inside().await,
        }
    }

    /// There is no socket, so no tokens are checked: who may read the folder is its owner.
    async fn inside(self) -> anyhow::Result<()> {
        let place = Place { auth: Some(AuthMode::Disabled), ..self.place };
        let service = Service::start(place.load()?).await?;
        let principal = Principal { sub: self.sub, role: self.role, ..Principal::local() };
        let app = Arc::clone(service.app());
        let spoken = speak(Way::Inside { app, principal: Some(principal) }).await;
        service.close().await;
        spoken
    }
}

/// Until the client closes its end, or the process is told to end.
async fn speak(way: Way) -> anyhow::Result<()> {
    let shutdown = super::serve::shutdown()?;
    let serving = McpServer::new(way).serve(rmcp::transport::stdio());
    let running = serving.await.context("the client did not begin as the protocol says")?;
    let cancel = running.cancellation_token();
    tokio::select! {
        ended = running.waiting() => ended.map(drop).context("the protocol ended badly"),
        () = shutdown => {
            cancel.cancel();
            Ok(())
        }
    }
}
