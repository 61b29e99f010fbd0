//! `reports`: what is saved.

use super::{Session, reply, segment};
use crate::cli::Reports;
use crate::exit::Failure;
use crate::params::json;
use air_client::Method;
use serde_json::{Value, json};

pub(super) async fn reports(session: &Session, command: Reports) -> Result<(), Failure> {
    let out = &session.output;
    match command {
        Reports::List => {
            let reports = session.all("/v1/reports").await?;
            out.list(&reports, &["key", "title", "version", "owner", "updated_at"])
        }
        Reports::Show { key } => out.json(&session.get(&path(&key, "")?).await?),
        Reports::Create { key, title } => {
            let title = title.unwrap_or_else(|| key.clone());
            out.object(&session.post("/v1/reports", &json!({"key": key, "title": title})).await?)
        }
        Reports::Version { key, def, source, scope, if_match } => {
            let mut body = json!({"def": json(&def)?});
            if let Some(source) = source {
                body["datasource_id"] = json!(source);
            }
            if let Some(scope) = scope {
                body["scope_version_id"] = json!(scope);
            }
            out.object(&save(session, &key, &body, if_match).await?)
        }
        Reports::Versions { key } => {
            let versions = session.all(&path(&key, "/versions")?).await?;
            out.list(&versions, &["version", "datasource_id", "status", "checksum", "created_at"])
        }
        Reports::Runs { key } => {
            let runs = session.all(&path(&key, "/runs")?).await?;
            let members =
                ["run_id", "version", "status", "row_count", "qa_status", "params", "started_at"];
            out.list(&runs, &members)
        }
        Reports::Delete { key } => {
            reply(session.request(Method::DELETE, &path(&key, "")?)?).await?;
            out.say(&format!("{key} is archived; its runs stay readable by their ids"));
            Ok(())
        }
    }
}

fn path(key: &str, rest: &str) -> Result<String, Failure> {
    Ok(format!("/v1/reports/{}{rest}", segment(key)?))
}

/// Saves a version over the one named, else over the newest as it is now: a version that someone
/// saves in between is not overtaken unseen.
async fn save(
    session: &Session,
    key: &str,
    body: &Value,
    if_match: Option<String>,
) -> Result<Value, Failure> {
    let newest = match if_match {
        Some(given) => Some(given),
        None => {
            let report = session.get(&path(key, "")?).await?;
            report.pointer("/current/checksum").and_then(Value::as_str).map(|c| format!("\"{c}\""))
        }
    };
    let mut call = session.request(Method::POST, &path(key, "/versions")?)?.json(body);
    if let Some(newest) = newest {
        call = call.header("If-Match", &newest);
    }
    reply(call).await
}
