//! `export`, `import`: report definitions as files.

use super::{Session, segment};
use crate::cli::Definition;
use crate::exit::Failure;
use crate::params::text;
use air_client::Method;
use serde_json::Value;

pub(super) async fn export(
    session: &Session,
    key: &str,
    format: Definition,
) -> Result<(), Failure> {
    let format = if format == Definition::Yaml { "yaml" } else { "json" };
    let path = format!("/v1/reports/{}/export", segment(key));
    let call = session.client.request(Method::GET, &path)?.query(&[("format", format)]);
    let text = call.text().await?;
    session.output.bytes(text.as_bytes())
}

pub(super) async fn import(
    session: &Session,
    file: &str,
    key: Option<&str>,
) -> Result<(), Failure> {
    let argument = if file == "-" { file.to_owned() } else { format!("@{file}") };
    let text = text(&argument)?;
    let is_json = serde_json::from_str::<Value>(&text).is_ok();
    let media_type = if is_json { "application/json" } else { "application/yaml" };
    let mut call = session.client.request(Method::POST, "/v1/reports/import")?;
    if let Some(key) = key {
        call = call.query(&[("key", key)]);
    }
    let reply = call.body(media_type, text).text().await?;
    let value: Value = serde_json::from_str(&reply).map_err(|e| {
        Failure::new(crate::exit::SERVER, format!("the server's answer is no JSON: {e}"))
    })?;
    session.output.json(&value)
}
