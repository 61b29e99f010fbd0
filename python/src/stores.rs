//! How a store of files is reached, as `register_files` is given it.
//!
//! In: JSON text of an object. Out: the connectors' options. What of the keys fits which kind of
//! store the connectors say; no message repeats a value.

use std::time::Duration;

use air_connectors::StoreOptions;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    from_environment: bool,
    #[serde(default)]
    allow_http: bool,
    ca_file: Option<std::path::PathBuf>,
    /// Seconds.
    connect_timeout: Option<f64>,
    timeout: Option<f64>,
    max_retries: Option<usize>,
    #[serde(default)]
    files: Vec<String>,
    /// The keys of the kind of store.
    #[serde(flatten)]
    others: Map<String, Value>,
}

pub(crate) fn options(text: &str) -> Result<StoreOptions, Fault> {
    // The parser's own words may repeat a value that stands at a wrong key.
    let given: Given = serde_json::from_str(text)
        .map_err(|_| Fault::setting("store", "store: a value is not of its key's type"))?;
    let mut settings = Vec::with_capacity(given.others.len());
    for (key, value) in given.others {
        let value = match value {
            Value::String(text) => text,
            Value::Bool(flag) => flag.to_string(),
            Value::Null => continue,
            _ => return Err(Fault::setting("store", format!("store: {key} must be a text"))),
        };
        settings.push((key, SecretString::from(value)));
    }
    let ca = given.ca_file.map(std::fs::read).transpose();
    let ca = ca.map_err(|error| Fault::setting("store", format!("store: ca_file: {error}")))?;
    let defaults = StoreOptions::default();
    Ok(StoreOptions {
        settings,
        from_environment: given.from_environment,
        allow_http: given.allow_http,
        ca,
        connect_timeout: seconds(given.connect_timeout, defaults.connect_timeout)?,
        timeout: seconds(given.timeout, defaults.timeout)?,
        max_retries: given.max_retries.unwrap_or(defaults.max_retries),
        files: given.files,
    })
}

fn seconds(given: Option<f64>, default: Duration) -> Result<Duration, Fault> {
    let Some(seconds) = given else {
        return Ok(default);
    };
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| Fault::setting("store", "store: a timeout must be more than 0 seconds"))
}
