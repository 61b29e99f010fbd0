//! `air check`: each part is ok, off, or wrong and what to do.
//!
//! Out: a line a part, or JSON with `--json`. It ends with 0 where nothing is wrong, else with 1.

mod surroundings;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use air_connectors::{FilesSource, Source, SourceError};
use clap::Args;
use serde_json::json;

use super::{Place, say};
use crate::access;
use crate::auth::Authenticator;
use crate::config::{Config, FilesPlace, Provider, SourceConfig};
use crate::models::{Models, Task};
use crate::pipeline::order::Pace;
use crate::pipeline::sources::{self, database_options};
use crate::secrets::DsnVault;
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    place: Place,
    /// For programs: `{status, parts: [{part, status, detail}]}`.
    #[arg(long)]
    json: bool,
}

/// How a part is, and what is said of it.
enum Found {
    Ok(String),
    Off(String),
    Wrong(String),
}

impl Found {
    fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Ok(text) => ("ok", text),
            Self::Off(text) => ("off", text),
            Self::Wrong(text) => ("wrong", text),
        }
    }
}

type Parts = Vec<(String, Found)>;

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let parts = match self.place.load() {
            Ok(config) => parts(&self.place, &config).await,
            // Without a configuration there is nothing else to look at.
            Err(error) => vec![("configuration".to_owned(), Found::Wrong(format!("{error:#}")))],
        };
        let wrong = parts.iter().filter(|(_, found)| matches!(found, Found::Wrong(_))).count();
        match self.json {
            true => say(&as_json(&parts, wrong)),
            false => parts.iter().for_each(|(name, found)| {
                let (word, text) = found.told();
                say(&format!("{name:<24} {word:<6} {text}"));
            }),
        }
        match wrong {
            0 => Ok(()),
            n => anyhow::bail!("{n} of {} parts are wrong", parts.len()),
        }
    }
}

fn as_json(parts: &Parts, wrong: usize) -> String {
    let part = |(name, found): &(String, Found)| {
        let (status, detail) = found.told();
        json!({"part": name, "status": status, "detail": detail})
    };
    let status = if wrong == 0 { "ok" } else { "wrong" };
    json!({"status": status, "parts": parts.iter().map(part).collect::<Vec<_>>()}).to_string()
}

async fn parts(place: &Place, config: &Config) -> Parts {
    let data = surroundings::data_folder(config);
    let file = config.data_dir.join(&place.config);
    let closed = matches!(data, Found::Ok(_)) && file.starts_with(&config.data_dir);
    let mut parts = vec![
        ("configuration".to_owned(), surroundings::config_file(&file, closed)),
        ("server.auth".to_owned(), auth(config)),
        ("encryption".to_owned(), encryption(config)),
        ("data folder".to_owned(), data),
        ("disk".to_owned(), surroundings::disk(&config.data_dir)),
    ];
    if !config.execution.spill_dir.starts_with(&config.data_dir) {
        parts
            .push(("disk to spill to".to_owned(), surroundings::disk(&config.execution.spill_dir)));
    }
    parts.push(("control_plane".to_owned(), control_plane(config).await));
    parts.push(("files".to_owned(), surroundings::files(config)));
    for source in &config.analytics_sources {
        parts.push((format!("source {}", source.id), of_source(config, source).await));
    }
    parts.extend(surroundings::workers(config).await);
    parts.push(("redis".to_owned(), surroundings::redis(&config.redis).await));
    parts.push(("eda".to_owned(), surroundings::eda(config).await));
    parts.push(("policies".to_owned(), policies(config).await));
    parts.extend(models(config).await);
    parts
}

fn auth(config: &Config) -> Found {
    match Authenticator::new(&config.server.auth) {
        Ok(authenticator) if authenticator.is_disabled() => {
            Found::Off("everyone is admin; the service listens on loopback only".to_owned())
        }
        Ok(_) => Found::Ok("tokens are checked".to_owned()),
        Err(error) => Found::Wrong(error.to_string()),
    }
}

fn encryption(config: &Config) -> Found {
    match (DsnVault::new(&config.environment), config.environment.get("AIR_ENCRYPTION_KEY")) {
        (Err(error), _) => Found::Wrong(error.to_string()),
        (Ok(_), Some(_)) => Found::Ok("passwords in DSNs are encrypted".to_owned()),
        (Ok(_), None) => {
            Found::Off("AIR_ENCRYPTION_KEY is not set; passwords must be ${VAR}".to_owned())
        }
    }
}

/// Holds the policies to what was learned.
async fn policies(config: &Config) -> Found {
    if config.policies.is_empty() {
        return Found::Off("everyone sees every row and column".to_owned());
    }
    let learned = match config.control_plane.file.exists() {
        true => Store::learned(&config.control_plane.file).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let mut misfits = Vec::new();
    let mut unchecked = BTreeSet::new();
    for policy in &config.policies {
        if !learned.iter().any(|record| record.datasource_id == policy.datasource) {
            unchecked.insert(policy.datasource.to_string());
        }
    }
    for record in &learned {
        match sources::edited(record) {
            Ok(catalog) => misfits.extend(access::misfits(&config.policies, &Arc::new(catalog))),
            Err(error) => misfits.push(error.detail),
        }
    }
    let count = config.policies.len();
    match (misfits.is_empty(), unchecked.is_empty()) {
        (false, _) => Found::Wrong(misfits.join("; ")),
        (true, false) => {
            let ids: Vec<String> = unchecked.into_iter().collect();
            Found::Ok(format!("{count}; to be checked when learned: {}", ids.join(", ")))
        }
        (true, true) => Found::Ok(format!("{count}, and all fit what was learned")),
    }
}

/// Looks at the file; makes none.
async fn control_plane(config: &Config) -> Found {
    let file = &config.control_plane.file;
    if !file.exists() {
        return Found::Off(format!("{} is made at the first start", file.display()));
    }
    match Store::integrity(file).await {
        Ok(()) => Found::Ok(file.display().to_string()),
        Err(error) => Found::Wrong(format!("{error}; put a backup in its place")),
    }
}

/// The models that questions are put to.
async fn models(config: &Config) -> Vec<(String, Found)> {
    let models = Models::new(&config.models);
    if config.models.provider == Provider::Builtin {
        let told = "the built-in interpreter answers; a request may name a model";
        return vec![("models".to_owned(), Found::Off(told.to_owned()))];
    }
    let mut order = models.order(Task::Chat, None, None);
    for name in models.order(Task::Sql, None, None) {
        if !order.contains(&name) {
            order.push(name);
        }
    }
    let mut parts = Vec::new();
    for name in order {
        let found = match models.probe(name).await {
            Ok(()) => Found::Ok(models.served(name)),
            Err(fault) => Found::Wrong(format!("{}: {fault}", models.served(name))),
        };
        parts.push((format!("model {}", name.as_str()), found));
    }
    if parts.is_empty() {
        let told = "no model is configured; set models.openai.api_key or models.ollama.host";
        parts.push(("models".to_owned(), Found::Wrong(told.to_owned())));
    }
    parts
}

async fn of_source(config: &Config, source: &SourceConfig) -> Found {
    let id = source.id.as_str();
    let files = |opened: Result<FilesSource, SourceError>| {
        opened.map(|files| Arc::new(files) as Arc<dyn Source>)
    };
    let opened: Result<Arc<dyn Source>, SourceError> = match (&source.dsn, &source.place) {
        (Some(dsn), _) => {
            let options = database_options(config, source.allow_superuser, Pace::Request);
            sources::opened(source.kind, id, &dsn.expanded, options)
        }
        (None, Some(FilesPlace::Store(store))) => {
            files(FilesSource::remote(id, store.address.clone(), &store.options))
        }
        (None, Some(FilesPlace::Folder(path))) => {
            files(FilesSource::open(id, &config.files.base_path, path))
        }
        (None, None) => files(FilesSource::open(id, &config.files.base_path, Path::new("."))),
    };
    let found = match opened {
        Ok(opened) => opened.health().await,
        Err(error) => Err(error),
    };
    match found {
        Ok(health) => Found::Ok(format!("{} in {:.1} ms", health.detail, health.latency_ms)),
        Err(error) => Found::Wrong(error.to_string()),
    }
}
