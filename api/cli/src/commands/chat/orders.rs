//! Lines that begin with `/`: what to do with the last answer.

use super::super::{Session, segment};
use crate::exit::Failure;
use serde_json::{Value, json};

const HELP: &str = "/save KEY [TITLE]  save the last answer as a report
/scope             the scope of the last answer
/sql               what was sent for it
/rows              all its rows
/quit              leave; the room stays
//TEXT             say /TEXT";

pub(super) async fn obey(
    session: &Session,
    room: &str,
    answer: Option<&Value>,
    order: &str,
) -> Result<(), Failure> {
    let (name, rest) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
    match name {
        "help" => session.output.line(HELP),
        "save" => save(session, room, answered(answer)?, rest.trim()).await,
        "scope" => scope(session, answered(answer)?).await,
        "sql" => sql(session, answered(answer)?),
        "rows" => rows(session, answered(answer)?).await,
        _ => Err(Failure::usage(format!("/{name} is no order:\n{HELP}"))),
    }
}

/// The last answer; an order speaks of one.
fn answered(answer: Option<&Value>) -> Result<&Value, Failure> {
    answer.ok_or_else(|| Failure::usage("there is no answer yet that this could be done with"))
}

fn word<'v>(answer: &'v Value, key: &str) -> Result<&'v str, Failure> {
    let missing = || Failure::failed("the last answer has none: it is no answer with rows");
    answer["answer"][key].as_str().ok_or_else(missing)
}

async fn save(session: &Session, room: &str, answer: &Value, rest: &str) -> Result<(), Failure> {
    let (key, title) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if key.is_empty() {
        return Err(Failure::usage("say under which key: /save KEY [TITLE]"));
    }
    let mut body = json!({"key": key});
    if !title.trim().is_empty() {
        body["title"] = json!(title.trim());
    }
    let id = answer["message_id"].as_str().unwrap_or_default();
    let path = format!("/v1/chat/rooms/{}/messages/{}/report", segment(room)?, segment(id)?);
    let saved = session.post(&path, &body).await?;
    if !session.output.is_table() {
        return session.output.bytes(format!("{saved}\n").as_bytes());
    }
    session.output.line(&format!("saved; run it with `aircli run {key}`"))
}

async fn scope(session: &Session, answer: &Value) -> Result<(), Failure> {
    let (scope, version) = (word(answer, "scope_id")?, word(answer, "scope_version_id")?);
    let scope = session.get(&format!("/v1/scopes/{}", segment(scope)?)).await?;
    let versions = scope["versions"].as_array().into_iter().flatten();
    let mut found = versions.filter(|one| one["scope_version_id"] == version);
    let text = found.next().and_then(|one| one["scope_md"].as_str());
    session.output.line(text.unwrap_or_default().trim_end())
}

fn sql(session: &Session, answer: &Value) -> Result<(), Failure> {
    for sent in answer["answer"]["sql"].as_array().into_iter().flatten() {
        let part = |key: &str| sent[key].as_str().unwrap_or_default();
        let (source, dialect, sql) = (part("source"), part("dialect"), part("sql"));
        session
            .output
            .line(&format!("-- {source}, {dialect}\n{sql}\n-- values: {}", sent["params"]))?;
    }
    Ok(())
}

async fn rows(session: &Session, answer: &Value) -> Result<(), Failure> {
    let run = segment(word(answer, "run_id")?)?;
    let mut page = session.get(&format!("/v1/runs/{run}/rows")).await?;
    page["rows"] = page["items"].take();
    if session.output.is_table() {
        return session.output.result(&page);
    }
    for row in page["rows"].as_array().into_iter().flatten() {
        session.output.bytes(format!("{row}\n").as_bytes())?;
    }
    Ok(())
}
