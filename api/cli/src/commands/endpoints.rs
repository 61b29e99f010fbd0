//! `endpoints`: answers that were published.

use super::{Session, reply, rows, segment};
use crate::cli::Endpoints;
use crate::exit::Failure;
use crate::output::judge;
use crate::params::pair;
use air_client::Method;
use serde_json::json;

pub(super) async fn endpoints(session: &Session, command: Endpoints) -> Result<(), Failure> {
    let out = &session.output;
    match command {
        Endpoints::List => {
            let endpoints = session.all("/v1/endpoints").await?;
            out.list(&endpoints, &["slug", "title", "version", "owner", "url", "created_at"])
        }
        Endpoints::Call { slug, param, version, how } => {
            let format = out.format.of_rows();
            if format.is_some() && how.fail_on_qa {
                let why = "--fail-on-qa needs --output table or json: files hold no verdict";
                return Err(Failure::usage(why));
            }
            let version = version.map(|version| version.to_string());
            let mut query: Vec<(&str, &str)> = Vec::new();
            for param in &param {
                query.push(pair(param)?);
            }
            query.extend(version.as_deref().map(|version| ("version", version)));
            query.extend(how.now.as_deref().map(|now| ("now", now)));
            query.extend(format.map(|format| ("format", format)));
            let mut call = session.request(Method::GET, &path(&slug)?)?;
            if !query.is_empty() {
                call = call.query(&query);
            }
            if format.is_some() {
                return rows::pass(session, call).await;
            }
            let waiting = out.waiting("running");
            let result = reply(call).await;
            waiting.finish_and_clear();
            let result = result?;
            out.result(&result)?;
            judge(&result, how.fail_on_qa)
        }
        Endpoints::Openapi => {
            let call = session.request(Method::GET, "/v1/endpoints/openapi.yaml")?;
            out.bytes(call.text().await?.as_bytes())
        }
        Endpoints::Keys { slug } => {
            let keys = session.all(&format!("{}/keys", path(&slug)?)).await?;
            out.list(&keys, &["id", "name", "created_by", "created_at", "last_used_at"])
        }
        Endpoints::NewKey { slug, name } => {
            let path = format!("{}/keys", path(&slug)?);
            out.object(&session.post(&path, &json!({"name": name})).await?)?;
            out.say("keep the key: it is not shown again");
            Ok(())
        }
        Endpoints::RevokeKey { slug, id } => {
            let path = format!("{}/keys/{}", path(&slug)?, segment(&id)?);
            reply(session.request(Method::DELETE, &path)?).await?;
            out.say(&format!("{id} opens nothing any more"));
            Ok(())
        }
        Endpoints::Delete { slug } => {
            reply(session.request(Method::DELETE, &path(&slug)?)?).await?;
            out.say(&format!("{slug} is taken out of use; its runs stay"));
            Ok(())
        }
    }
}

fn path(slug: &str) -> Result<String, Failure> {
    Ok(format!("/v1/endpoints/{}", segment(slug)?))
}
