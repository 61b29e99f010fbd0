//! `sessions`: conversations about uploaded files.

use super::{Session, ask, reply, segment};
use crate::cli::{Publish, Say, Sessions};
use crate::exit::Failure;
use crate::params::{json, pair};
use air_client::Method;
use serde_json::{Map, Value, json};

pub(super) async fn sessions(session: &Session, command: Sessions) -> Result<(), Failure> {
    let out = &session.output;
    match command {
        Sessions::List => {
            let sessions = session.all("/v1/learning-sessions").await?;
            out.list(&sessions, &["id", "name", "status", "owner", "updated_at"])
        }
        Sessions::New { files, name } => {
            let mut body = json!({"file_ids": files});
            if let Some(name) = name {
                body["name"] = json!(name);
            }
            let waiting = out.waiting("learning");
            let opened = session.post("/v1/learning-sessions", &body).await;
            waiting.finish_and_clear();
            let opened = opened?;
            out.object(&opened)?;
            begin(session, &opened);
            Ok(())
        }
        Sessions::Show { id } => out.json(&session.get(&path(&id, "")?).await?),
        Sessions::Say(said) => say(session, &said).await,
        Sessions::Publish(wanted) => publish(session, &wanted).await,
        Sessions::Delete { id } => {
            reply(session.request(Method::DELETE, &path(&id, "")?)?).await?;
            out.say(&format!("{id} is removed; its runs stay readable by their ids"));
            Ok(())
        }
    }
}

fn path(id: &str, rest: &str) -> Result<String, Failure> {
    Ok(format!("/v1/learning-sessions/{}{rest}", segment(id)?))
}

/// How a new session can be begun.
fn begin(session: &Session, opened: &Value) {
    let id = opened["id"].as_str().unwrap_or_default();
    for join in opened["joins"].as_array().into_iter().flatten() {
        let end = |name: &str| join[name].as_str().unwrap_or_default().to_owned();
        session.output.say(&format!("  joined: {} = {}", end("from"), end("to")));
    }
    let questions = opened["suggested_questions"].as_array().into_iter().flatten();
    for question in questions.filter_map(Value::as_str) {
        session.output.say(&format!("  try: aircli sessions say {id} \"{question}\""));
    }
}

async fn say(session: &Session, said: &Say) -> Result<(), Failure> {
    if said.no_run && session.output.format.of_rows().is_some() {
        return Err(Failure::usage("--no-run gives no rows: say --output table or json"));
    }
    let mut answers = Map::new();
    for answer in &said.answer {
        let (id, value) = pair(answer)?;
        answers.insert(id.to_owned(), Value::from(value));
    }
    let mut body = json!({"text": said.text, "run": !said.no_run});
    if !answers.is_empty() {
        body["answers"] = Value::Object(answers);
    }
    if let Some(now) = &said.how.now {
        body["now"] = json!(now);
    }
    let path = path(&said.id, "/messages")?;
    let waiting = session.output.waiting("asking");
    let reply = session.post(&path, &body).await;
    waiting.finish_and_clear();
    let resume = format!("`aircli sessions show {}` has the answer once it is given", said.id);
    let reply = reply.map_err(|failure| failure.resume(&session.resume(&resume)))?;
    if reply["state"] == "clarify" {
        return ask::clarify(session, &reply);
    }
    let next = format!("publish it with `aircli sessions publish {} SLUG`", said.id);
    ask::show(session, &reply, said.how.fail_on_qa, &next).await
}

async fn publish(session: &Session, wanted: &Publish) -> Result<(), Failure> {
    let params: Result<Vec<Value>, Failure> = wanted.param.iter().map(|p| param(p)).collect();
    let members = [
        ("slug", Some(json!(wanted.slug))),
        ("message_id", wanted.message.as_ref().map(|id| json!(id))),
        ("run_id", wanted.run.as_ref().map(|id| json!(id))),
        ("title", wanted.title.as_ref().map(|title| json!(title))),
        ("description", wanted.description.as_ref().map(|text| json!(text))),
        ("params", Some(Value::Array(params?))),
    ];
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let body = Value::Object(given.collect());
    let endpoint = session.post(&path(&wanted.id, "/publish")?, &body).await?;
    session.output.object(&endpoint)?;
    let url = endpoint["url"].as_str().unwrap_or_default();
    session.output.say(&format!("version {} is called at {url}", endpoint["version"]));
    Ok(())
}

/// `NAME:TYPE`, with `!` or a default, or a JSON object.
fn param(argument: &str) -> Result<Value, Failure> {
    if argument.starts_with(['{', '@']) || argument == "-" {
        return json(argument);
    }
    let (declared, default) = match argument.split_once('=') {
        Some((declared, default)) => (declared, Some(default)),
        None => (argument, None),
    };
    let (declared, required) = match declared.strip_suffix('!') {
        Some(declared) => (declared, true),
        None => (declared, false),
    };
    let Some((name, kind)) = declared.split_once(':').filter(|(name, _)| !name.is_empty()) else {
        let how = "write a parameter as NAME:TYPE, NAME:TYPE=DEFAULT or NAME:TYPE!, or as JSON";
        return Err(Failure::usage(format!("{argument:?}: {how}")));
    };
    let mut param = json!({"name": name, "type": kind});
    if required {
        param["required"] = json!(true);
    }
    if let Some(text) = default {
        // What is no text in JSON is written as JSON; text is text.
        let number = matches!(kind, "integer" | "number" | "boolean");
        let value = if number { serde_json::from_str(text).ok() } else { None };
        param["default"] = value.unwrap_or_else(|| json!(text));
    }
    Ok(param)
}

#[cfg(test)]
mod tests {
    use super::param;
    use serde_json::json;

    #[test]
    fn a_parameter_is_declared_in_a_word() {
        for (argument, wanted) in [
            ("region:text", json!({"name": "region", "type": "text"})),
            ("since:date!", json!({"name": "since", "type": "date", "required": true})),
            ("n:integer=5", json!({"name": "n", "type": "integer", "default": 5})),
            ("zip:text=05", json!({"name": "zip", "type": "text", "default": "05"})),
            ("{\"name\":\"x\"}", json!({"name": "x"})),
        ] {
            assert_eq!(param(argument).ok(), Some(wanted), "{argument}");
        }
        assert!(param("region").is_err() && param(":text").is_err());
    }
}
