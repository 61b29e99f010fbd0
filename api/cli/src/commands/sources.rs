//! `sources`, `learn`, `schema`.

use super::{Session, segment};
use crate::cli::Sources;
use crate::exit::Failure;
use crate::params::json;
use air_client::Method;
use serde_json::json;

pub(super) async fn sources(session: &Session, command: Sources) -> Result<(), Failure> {
    let out = &session.output;
    let path = |id: &str, rest: &str| format!("/v1/datasources/{}{rest}", segment(id));
    match command {
        Sources::List => {
            let reply = session.get("/v1/datasources").await?;
            out.list(&reply, &["id", "kind", "display_name", "is_default"])
        }
        Sources::Show { id } => out.json(&session.get(&path(&id, "")).await?),
        Sources::Add { json: body } => {
            out.json(&session.post("/v1/datasources", &json(&body)?).await?)
        }
        Sources::Health { id } => {
            out.json(&session.send(Method::POST, &path(&id, "/health"), &[], None).await?)
        }
        Sources::Delete { id } => {
            session.send(Method::DELETE, &path(&id, ""), &[], None).await?;
            out.say(&format!("{id} is deleted"));
            Ok(())
        }
    }
}

pub(super) async fn learn(session: &Session, source: &str) -> Result<(), Failure> {
    let waiting = session.output.waiting("learning");
    let body = json!({});
    let reply =
        session.send(Method::POST, "/v1/learn", &[("datasource_id", source)], Some(&body)).await;
    waiting.finish_and_clear();
    session.output.json(&reply?)
}

pub(super) async fn schema(session: &Session, source: &str) -> Result<(), Failure> {
    let reply = session.get(&format!("/v1/schema/{}", segment(source))).await?;
    if !session.output.is_table() {
        return session.output.json(&reply);
    }
    for note in reply["items"].as_array().into_iter().flatten() {
        session.output.line(note["md"].as_str().unwrap_or_default())?;
    }
    Ok(())
}
