//! `reports`: what is saved.

use super::{Session, segment};
use crate::cli::Reports;
use crate::exit::Failure;
use crate::params::json;
use air_client::Method;
use serde_json::json;

pub(super) async fn reports(session: &Session, command: Reports) -> Result<(), Failure> {
    let out = &session.output;
    let path = |key: &str, rest: &str| format!("/v1/reports/{}{rest}", segment(key));
    match command {
        Reports::List => {
            let reply = session.get("/v1/reports").await?;
            out.list(&reply, &["key", "title", "owner", "updated_at"])
        }
        Reports::Show { key } => out.json(&session.get(&path(&key, "")).await?),
        Reports::Create { key, title } => {
            let title = title.unwrap_or_else(|| key.clone());
            out.json(&session.post("/v1/reports", &json!({"key": key, "title": title})).await?)
        }
        Reports::Version { key, def, source } => {
            let mut body = json!({"def": json(&def)?});
            if let Some(source) = source {
                body["datasource_id"] = json!(source);
            }
            out.json(&session.post(&path(&key, "/versions"), &body).await?)
        }
        Reports::Versions { key } => {
            let reply = session.get(&path(&key, "/versions")).await?;
            out.list(&reply, &["version", "datasource_id", "status", "checksum", "created_at"])
        }
        Reports::Runs { key } => {
            let reply = session.get(&path(&key, "/runs")).await?;
            let members = ["run_id", "version", "status", "row_count", "started_at", "finished_at"];
            out.list(&reply, &members)
        }
        Reports::Delete { key } => {
            session.send(Method::DELETE, &path(&key, ""), &[], None).await?;
            out.say(&format!("{key} is deleted"));
            Ok(())
        }
    }
}
