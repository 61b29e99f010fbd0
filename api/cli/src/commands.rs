//! One file a command; this is where they start.

mod ask;
mod call;
mod chat;
mod definitions;
mod endpoints;
mod jobs;
mod reports;
mod rows;
mod runs;
mod schedules;
mod sessions;
mod sources;
mod upload;
mod ws;

use crate::cli::{Cli, Command, Endpoints, Sessions};
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::settings;
use air_client::{Call, Client, Method};
use clap::CommandFactory;
use serde_json::{Value, json};

/// The most items that the contract gives on a page.
const PAGE: &str = "500";

/// What every command needs.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    client: Client,
    output: Output,
    idempotency_key: Option<String>,
}

impl Session {
    /// A request of any path; a POST carries the idempotency key, where one was given.
    fn request(&self, method: Method, path: &str) -> Result<Call, Failure> {
        let keyed = self.idempotency_key.as_deref().filter(|_| method == Method::POST);
        let call = self.client.request(method, path)?;
        Ok(match keyed {
            Some(key) => call.header("Idempotency-Key", key),
            None => call,
        })
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        reply(self.request(Method::GET, path)?).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        reply(self.request(Method::POST, path)?.json(body)).await
    }

    /// Every page of a list as one.
    async fn all(&self, path: &str) -> Result<Value, Failure> {
        self.all_with(path, &[]).await
    }

    /// Every page of a list that is narrowed by a query.
    async fn all_with(&self, path: &str, more: &[(&str, String)]) -> Result<Value, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            query.extend(cursor.as_deref().map(|c| ("cursor", c)));
            query.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
            let mut page = reply(self.request(Method::GET, path)?.query(&query)).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            let next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                return Ok(json!({"items": items, "next": null}));
            }
            if next == cursor {
                return Err(strange(&format!("{path} gives the same page again and again")));
            }
            cursor = next;
        }
    }

    /// The source to use: the one named, else the default one.
    async fn source(&self, named: Option<&str>) -> Result<String, Failure> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let sources = self.all("/v1/datasources").await?;
        let items = sources["items"].as_array().cloned().unwrap_or_default();
        let ids = || items.iter().filter_map(|s| s["id"].as_str()).collect::<Vec<_>>().join(", ");
        let default = items.iter().find(|s| s["default"] == true);
        match default.or(if items.len() == 1 { items.first() } else { None }) {
            Some(source) => Ok(source["id"].as_str().unwrap_or_default().to_owned()),
            None if items.is_empty() => {
                Err(Failure::failed("there are no sources: register one with `aircli sources add`"))
            }
            None => Err(Failure::usage(format!("say which source with --source: {}", ids()))),
        }
    }

    /// What a command that ran out of time can be taken up by.
    fn resume(&self, else_how: &str) -> String {
        match &self.idempotency_key {
            Some(_) => {
                "to get the answer, give the same command and key again: it is done once".to_owned()
            }
            None => else_how.to_owned(),
        }
    }
}

/// Sends a call and reads its JSON; nothing is `null`.
async fn reply(call: Call) -> Result<Value, Failure> {
    let text = call.header("Accept", "application/json").text().await?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text)
        .map_err(|e| strange(&format!("the server's answer is no JSON: {e}")))
}

/// A server that does not speak as the contract says.
fn strange(what: &str) -> Failure {
    Failure::new(exit::SERVER, what)
}

/// A name as a segment of a path.
fn segment(name: &str) -> Result<String, Failure> {
    // Addresses are read with these resolved, so they would lead to another path.
    if matches!(name, "" | "." | "..") {
        return Err(Failure::usage(format!("{name:?} is no name")));
    }
    let mut escaped = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped += &format!("%{other:02X}"),
        }
    }
    Ok(escaped)
}

/// Refuses a form of output that the command cannot give, before anything is done.
fn check_format(command: &Command, output: &Output) -> Result<(), Failure> {
    let rows = match command {
        Command::Ask(_) | Command::Run(_) | Command::Query(_) => true,
        Command::Get(_) | Command::Post(_) | Command::Patch(_) | Command::Delete(_) => true,
        Command::Sessions(Sessions::Say(_)) => true,
        Command::Endpoints(Endpoints::Call { .. } | Endpoints::Openapi) => true,
        // They write a file of their own form.
        Command::Export { .. } | Command::Completions { .. } => true,
        _ => false,
    };
    if output.format.of_rows().is_some() && !rows {
        return Err(Failure::usage("this command gives no rows: say --output table or json"));
    }
    if output.would_garble() {
        return Err(Failure::usage("this form is not for a terminal: send it to a file with >"));
    }
    Ok(())
}

pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let output = Output::new(&cli.global);
    check_format(&cli.command, &output)?;
    if let Command::Completions { shell } = cli.command {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "aircli", &mut bytes);
        return output.bytes(&bytes);
    }
    let (place, patience) = (settings::place(&cli.global)?, cli.global.timeout);
    let client = settings::client(&cli.global)?;
    let session = Session { client, output, idempotency_key: cli.global.idempotency_key };
    match cli.command {
        Command::Get(call) => call::call(&session, Method::GET, &call).await,
        Command::Post(call) => call::call(&session, Method::POST, &call).await,
        Command::Patch(call) => call::call(&session, Method::PATCH, &call).await,
        Command::Delete(call) => call::call(&session, Method::DELETE, &call).await,
        Command::Ask(ask) => ask::ask(&session, &ask).await,
        Command::Run(run) => runs::run(&session, &run).await,
        Command::Query(query) => runs::query(&session, &query).await,
        Command::Sql(sql) => runs::sql(&session, &sql).await,
        Command::Reports(reports) => reports::reports(&session, reports).await,
        Command::Sources(sources) => sources::sources(&session, sources).await,
        Command::Learn { source, stats, later } => {
            sources::learn(&session, &source, stats, &later).await
        }
        Command::Jobs(jobs) => jobs::jobs(&session, jobs).await,
        Command::Schedules(schedules) => schedules::schedules(&session, schedules).await,
        Command::Sessions(sessions) => sessions::sessions(&session, sessions).await,
        Command::Endpoints(endpoints) => endpoints::endpoints(&session, endpoints).await,
        Command::Chat(chat) => chat::chat(&session, place, patience, &chat).await,
        Command::Schema { source } => sources::schema(&session, &source).await,
        Command::Export { key, format, version } => {
            definitions::export(&session, &key, format, version).await
        }
        Command::Import { file, key, source } => {
            definitions::import(&session, &file, key.as_deref(), source.as_deref()).await
        }
        Command::Upload(wanted) => upload::upload(&session, &wanted, patience).await,
        Command::Ws(wanted) => ws::ws(&session, place, patience, &wanted).await,
        Command::Completions { .. } => Ok(()),
    }
}
