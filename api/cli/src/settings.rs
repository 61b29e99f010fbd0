//! Where the service is, and as whom to call it: flags, then environment, then a profile.

use crate::cli::{Auth, Global};
use crate::exit::Failure;
use air_client::Client;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

const DEFAULT_URL: &str = "http://127.0.0.1:9000";

/// `$XDG_CONFIG_HOME/air/config.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    token: Option<String>,
}

pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let profile = profile(global)?;
    let url = global.url.clone().or(profile.url).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let mut builder = Client::builder(url).timeout(global.timeout);
    if global.auth != Some(Auth::Disabled) {
        if let Some(token) = global.token.clone().or(profile.token) {
            builder = builder.token(token);
        }
    }
    Ok(builder.build()?)
}

fn profile(global: &Global) -> Result<Profile, Failure> {
    let path = file();
    let text = match path.as_ref().map(std::fs::read_to_string) {
        Some(Ok(text)) => text,
        _ if global.profile.is_none() => return Ok(Profile::default()),
        _ => {
            let place = path.map_or_else(|| "no home".to_owned(), |p| p.display().to_string());
            return Err(Failure::usage(format!("there are no profiles: {place} cannot be read")));
        }
    };
    let place = path.map(|p| p.display().to_string()).unwrap_or_default();
    let profiles: Profiles =
        serde_saphyr::from_str(&text).map_err(|e| Failure::usage(format!("{place}: {e}")))?;
    let Some(name) = global.profile.clone().or(profiles.default) else {
        return Ok(Profile::default());
    };
    match profiles.profiles.get(&name) {
        Some(profile) => Ok(profile.clone()),
        None => {
            let known: Vec<&str> = profiles.profiles.keys().map(String::as_str).collect();
            Err(Failure::usage(format!(
                "{place} has no profile {name:?}; it has {}",
                known.join(", ")
            )))
        }
    }
}

fn file() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".config"));
    Some(base.or_else(home)?.join("air").join("config.yaml"))
}
