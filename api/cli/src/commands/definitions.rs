//! `export`, `import`: report definitions as files.

use super::{Session, reply, segment};
use crate::cli::Definition;
use crate::exit::Failure;
use crate::params::text;
use air_client::Method;
use serde_json::Value;

pub(super) async fn export(
    session: &Session,
    key: &str,
    format: Definition,
    version: Option<u32>,
) -> Result<(), Failure> {
    let format = if format == Definition::Yaml { "yaml" } else { "json" };
    let path = format!("/v1/reports/{}/export", segment(key)?);
    let mut call = session.request(Method::GET, &path)?.query(&[("format", format)]);
    if let Some(version) = version {
        call = call.query(&[("version", version)]);
    }
    let text = call.text().await?;
    session.output.bytes(text.as_bytes())
}

pub(super) async fn import(
    session: &Session,
    file: &str,
    key: Option<&str>,
    source: Option<&str>,
) -> Result<(), Failure> {
    let argument = if file == "-" { file.to_owned() } else { format!("@{file}") };
    let text = text(&argument)?;
    let is_json = serde_json::from_str::<Value>(&text).is_ok();
    let media_type = if is_json { "application/json" } else { "application/yaml" };
    let query: Vec<(&str, &str)> =
        key.map(|k| ("key", k)).into_iter().chain(source.map(|s| ("datasource_id", s))).collect();
    let call = session.request(Method::POST, "/v1/reports/import")?.query(&query);
    let saved = reply(call.body(media_type, text)).await?;
    session.output.object(&saved)
}
