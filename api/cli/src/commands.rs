//! One file a command; this is where they start.

mod ask;
mod call;
mod definitions;
mod reports;
mod runs;
mod sources;

use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::output::Output;
use crate::settings;
use air_client::{Client, Method};
use clap::CommandFactory;
use serde_json::Value;

/// What every command needs.
pub(crate) struct Session {
    client: Client,
    output: Output,
}

impl Session {
    /// Sends one request and reads its JSON; a body is sent where there is one.
    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut call = self.client.request(method, path)?;
        if !query.is_empty() {
            call = call.query(query);
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let text = call.header("Accept", "application/json").text().await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|e| {
            Failure::new(crate::exit::SERVER, format!("the server's answer is no JSON: {e}"))
        })
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, &[], None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// The source to use: the one named, else the default one.
    async fn source(&self, named: Option<&str>) -> Result<String, Failure> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let sources = self.get("/v1/datasources").await?;
        let items = sources["items"].as_array().cloned().unwrap_or_default();
        let ids = || items.iter().filter_map(|s| s["id"].as_str()).collect::<Vec<_>>().join(", ");
        let default = items.iter().find(|s| s["is_default"] == true || s["default"] == true);
        match default.or(if items.len() == 1 { items.first() } else { None }) {
            Some(source) => Ok(source["id"].as_str().unwrap_or_default().to_owned()),
            None => Err(Failure::usage(format!("say which source with --source: {}", ids()))),
        }
    }
}

/// A path segment with everything but plain characters escaped.
fn segment(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped += &format!("%{other:02X}"),
        }
    }
    escaped
}

pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::Completions { shell } = cli.command {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "aircli", &mut bytes);
        return Output::new(&cli.global).bytes(&bytes);
    }
    let session =
        Session { client: settings::client(&cli.global)?, output: Output::new(&cli.global) };
    match cli.command {
        Command::Get(call) => call::call(&session, Method::GET, &call).await,
        Command::Post(call) => call::call(&session, Method::POST, &call).await,
        Command::Patch(call) => call::call(&session, Method::PATCH, &call).await,
        Command::Delete(call) => call::call(&session, Method::DELETE, &call).await,
        Command::Ask(ask) => ask::ask(&session, &ask).await,
        Command::Run(run) => runs::run(&session, &run).await,
        Command::Query(ir) => runs::query(&session, &ir).await,
        Command::Sql(sql) => runs::sql(&session, &sql).await,
        Command::Reports(reports) => reports::reports(&session, reports).await,
        Command::Sources(sources) => sources::sources(&session, sources).await,
        Command::Learn { source } => sources::learn(&session, &source).await,
        Command::Schema { source } => sources::schema(&session, &source).await,
        Command::Export { key, format } => definitions::export(&session, &key, format).await,
        Command::Import { file, key } => definitions::import(&session, &file, key.as_deref()).await,
        Command::Completions { .. } => Ok(()),
    }
}
