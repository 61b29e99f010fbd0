//! Where the service is, and as whom to call it: flags, then environment, then a profile.

use crate::cli::{Auth, Global};
use crate::exit::Failure;
use air_client::Client;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

const DEFAULT_URL: &str = "http://127.0.0.1:9000";

/// `$XDG_CONFIG_HOME/air/config.yaml`: `{default: NAME, profiles: {NAME: {url, token}}}`.
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

/// Where the service is, and as whom it is called.
#[derive(Clone)]
pub(crate) struct Place {
    url: String,
    pub(crate) token: Option<String>,
}

impl Place {
    /// The address of the socket.
    pub(crate) fn socket(&self) -> Result<reqwest::Url, Failure> {
        let bad = || Failure::usage(format!("{} is no address", self.url));
        let url = format!("{}/v1/ws", self.url.trim_end_matches('/'));
        let rest = url.strip_prefix("http").ok_or_else(bad)?;
        format!("ws{rest}").parse().map_err(|_| bad())
    }
}

pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let place = place(global)?;
    let mut builder = Client::builder(place.url).timeout(global.timeout);
    if let Some(token) = place.token {
        builder = builder.token(token);
    }
    Ok(builder.build()?)
}

/// The place that flags, environment and profile name.
pub(crate) fn place(global: &Global) -> Result<Place, Failure> {
    let profile = profile(global)?;
    // An empty variable is as good as none.
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let url = given(&global.url);
    // A profile's token is for the profile's server and goes to no other.
    let own = url.is_none() || url == profile.url;
    let token = given(&global.token).or(profile.token.filter(|_| own));
    let url = url.or(profile.url).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let token = token.filter(|_| global.auth != Some(Auth::Disabled));
    Ok(Place { url, token })
}

fn profile(global: &Global) -> Result<Profile, Failure> {
    let wanted = global.profile.as_ref().filter(|name| !name.is_empty());
    let Some(path) = file() else {
        return match wanted {
            None => Ok(Profile::default()),
            Some(_) => Err(Failure::usage("there are no profiles: HOME is not set")),
        };
    };
    let place = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && wanted.is_none() => {
            return Ok(Profile::default());
        }
        Err(error) => return Err(Failure::usage(format!("{place} cannot be read: {error}"))),
    };
    let profiles: Profiles =
        serde_saphyr::from_str(&text).map_err(|e| Failure::usage(format!("{place}: {e}")))?;
    let Some(name) = wanted.cloned().or(profiles.default) else {
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
    let base = std::env::var_os("XDG_CONFIG_HOME").filter(|b| !b.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".config"));
    Some(base.or_else(home)?.join("air").join("config.yaml"))
}
