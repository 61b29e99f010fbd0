//! `sources`, `learn`, `schema`.

use super::jobs::{judged, later};
use super::{Session, reply, segment};
use crate::cli::{Later, Sources};
use crate::exit::Failure;
use crate::params::json;
use air_client::Method;
use serde_json::json;

pub(super) async fn sources(session: &Session, command: Sources) -> Result<(), Failure> {
    let out = &session.output;
    let path = |id: &str, rest: &str| -> Result<String, Failure> {
        Ok(format!("/v1/datasources/{}{rest}", segment(id)?))
    };
    match command {
        Sources::List => {
            let sources = session.all("/v1/datasources").await?;
            let members = ["id", "kind", "display_name", "default", "health.status", "learned_at"];
            out.list(&sources, &members)
        }
        Sources::Show { id } => out.object(&session.get(&path(&id, "")?).await?),
        Sources::Add { json: body } => {
            out.object(&session.post("/v1/datasources", &json(&body)?).await?)
        }
        Sources::Health { id } => {
            // Reaching a source is repeated as often as wished: the contract takes no key here.
            let call = session.client.request(Method::POST, &path(&id, "/health")?)?;
            out.object(&reply(call).await?)
        }
        Sources::Delete { id } => {
            reply(session.request(Method::DELETE, &path(&id, "")?)?).await?;
            out.say(&format!("{id} is removed"));
            Ok(())
        }
    }
}

pub(super) async fn learn(
    session: &Session,
    source: &str,
    stats: bool,
    how: &Later,
) -> Result<(), Failure> {
    let call = session.request(Method::POST, "/v1/learn")?.query(&[("datasource_id", source)]);
    // Without the flag the service's own setting holds.
    let body = if stats { json!({"include_stats": true}) } else { json!({}) };
    if how.is_job() {
        let job = later(session, call.json(&body), how).await?;
        session.output.object(&job)?;
        return judged(&job);
    }
    let waiting = session.output.waiting("learning");
    let learned = reply(call.json(&body)).await;
    waiting.finish_and_clear();
    let resume = format!("`aircli sources show {source}` tells when it was last learned");
    let learned = learned.map_err(|failure| failure.resume(&session.resume(&resume)))?;
    session.output.object(&learned)
}

pub(super) async fn schema(session: &Session, source: &str) -> Result<(), Failure> {
    let notes = session.all(&format!("/v1/schema/{}", segment(source)?)).await?;
    if !session.output.is_table() {
        return session.output.json(&notes);
    }
    for note in notes["items"].as_array().into_iter().flatten() {
        session.output.line(note["md"].as_str().unwrap_or_default())?;
    }
    Ok(())
}
