//! `air check`: each part is ok, off, or wrong and what to do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use air_connectors::{FilesSource, Source, SourceError};

use super::{Place, say};
use crate::access;
use crate::auth::Authenticator;
use crate::broker::RedisBroker;
use crate::config::{Config, Provider, SourceConfig};
use crate::models::{Models, Task};
use crate::pipeline::order::Pace;
use crate::pipeline::sources::{self, database_options};
use crate::secrets::DsnVault;
use crate::store::Store;

/// How a part is, and what is said of it.
enum Found {
    Ok(String),
    Off(String),
    Wrong(String),
}

pub(super) async fn run(place: Place) -> anyhow::Result<()> {
    let config = place.load()?;
    let mut parts = vec![("configuration".to_owned(), Found::Ok("every key is known".to_owned()))];
    parts.push(("server.auth".to_owned(), auth(&config)));
    parts.push(("encryption".to_owned(), encryption(&config)));
    parts.push(("control_plane".to_owned(), control_plane(&config).await));
    parts.push(("redis".to_owned(), redis(&config).await));
    for source in &config.analytics_sources {
        parts.push((format!("source {}", source.id), of_source(&config, source).await));
    }
    parts.push(("policies".to_owned(), policies(&config).await));
    parts.extend(models(&config).await);
    let mut wrong = 0;
    for (name, found) in &parts {
        let (word, text) = match found {
            Found::Ok(text) => ("ok", text),
            Found::Off(text) => ("off", text),
            Found::Wrong(text) => {
                wrong += 1;
                ("wrong", text)
            }
        };
        say(&format!("{name:<24} {word:<6} {text}"));
    }
    match wrong {
        0 => Ok(()),
        n => anyhow::bail!("{n} of {} parts are wrong", parts.len()),
    }
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

async fn redis(config: &Config) -> Found {
    if !config.redis.enabled {
        return Found::Off("one process has the data folder, and needs none".to_owned());
    }
    match RedisBroker::reach(&config.redis).await {
        Ok(()) => Found::Ok("it answers".to_owned()),
        Err(fault) => Found::Wrong(format!("{fault}; the service starts without it, alone")),
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
    let mut order = models.order(Task::Chat, Some(config.models.provider), None);
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
    let opened: Result<Arc<dyn Source>, SourceError> = match &source.dsn {
        Some(dsn) => {
            let options = database_options(config, source.allow_superuser, Pace::Request);
            sources::opened(source.kind, id, &dsn.expanded, options)
        }
        None => {
            let path = source.base_path.as_deref().unwrap_or(Path::new("."));
            FilesSource::open(id, &config.files.base_path, path).map(|files| Arc::new(files) as _)
        }
    };
    let found = match opened {
        Ok(opened) => opened.health().await,
        Err(error) => Err(error),
    };
    match found {
        Ok(health) => Found::Ok(health.detail),
        Err(error) => Found::Wrong(error.to_string()),
    }
}
