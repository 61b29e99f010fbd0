//! `ask`: a question in plain words.

use super::Session;
use crate::cli::Ask;
use crate::exit::{self, Failure};
use crate::params::pair;
use serde_json::{Map, Value, json};
use std::io::{BufRead, IsTerminal};

pub(super) async fn ask(session: &Session, ask: &Ask) -> Result<(), Failure> {
    let source = session.source(ask.source.as_deref()).await?;
    let mut answers = Map::new();
    for answer in &ask.answer {
        let (id, value) = pair(answer)?;
        answers.insert(id.to_owned(), Value::from(value));
    }
    loop {
        let reply = send(session, ask, &source, &answers).await?;
        if reply["state"] != "clarify" {
            return show(session, &reply, ask.fail_on_qa);
        }
        // A person at a terminal is asked; a program is told what to answer.
        let interactive = session.output.is_table() && std::io::stdin().is_terminal();
        if !interactive {
            return clarify(session, &reply);
        }
        for question in reply["questions"].as_array().into_iter().flatten() {
            let (id, value) = answered(session, question)?;
            answers.insert(id, Value::from(value));
        }
    }
}

async fn send(
    session: &Session,
    ask: &Ask,
    source: &str,
    answers: &Map<String, Value>,
) -> Result<Value, Failure> {
    let mut body = json!({"question": ask.question, "datasource_id": source, "run": !ask.no_run});
    if !answers.is_empty() {
        body["answers"] = Value::Object(answers.clone());
    }
    if let Some(previous) = &ask.previous {
        body["previous"] = json!({"scope_version_id": previous});
    }
    if let Some(now) = &ask.now {
        body["now"] = json!(now);
    }
    let waiting = session.output.waiting("asking");
    let reply = session.post("/v1/ask", &body).await;
    waiting.finish_and_clear();
    reply
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn show(session: &Session, reply: &Value, fail_on_qa: bool) -> Result<(), Failure> {
    let out = &session.output;
    match text(reply, "state") {
        "answer" => {
            if !out.is_table() {
                out.json(reply)?;
            } else {
                out.say(text(reply, "interpretation"));
                for assumption in reply["assumptions"].as_array().into_iter().flatten() {
                    out.say(&format!("  assumed: {}", assumption.as_str().unwrap_or_default()));
                }
                match reply.get("result") {
                    Some(result) if !result.is_null() => out.result(result, false)?,
                    _ => out.json(&reply["ir"])?,
                }
                out.say(&format!(
                    "badge: {}, confidence {}, scope version {}",
                    text(reply, "badge"),
                    reply["confidence"],
                    text(reply, "scope_version_id")
                ));
            }
            let failed = reply.pointer("/result/qa/status").and_then(Value::as_str) == Some("fail");
            if fail_on_qa && failed {
                return Err(Failure::new(exit::QA_FAILED, "QA failed"));
            }
            Ok(())
        }
        state => {
            if !out.is_table() {
                out.json(reply)?;
            }
            let reason = match state {
                "cannot_answer" => text(reply, "reason").to_owned(),
                _ => reply
                    .pointer("/problem/detail")
                    .and_then(Value::as_str)
                    .unwrap_or("the ask failed")
                    .to_owned(),
            };
            Err(Failure::failed(reason))
        }
    }
}

fn clarify(session: &Session, reply: &Value) -> Result<(), Failure> {
    if !session.output.is_table() {
        session.output.json(reply)?;
    }
    let mut message = "the question can be read in several ways".to_owned();
    for question in reply["questions"].as_array().into_iter().flatten() {
        message += &format!("\n  {}", text(question, "text"));
        for choice in question["choices"].as_array().into_iter().flatten() {
            message += &format!(
                "\n    --answer {}={}   {}",
                text(question, "id"),
                text(choice, "value"),
                text(choice, "label")
            );
        }
    }
    Err(Failure::new(exit::CLARIFY, message))
}

/// Asks at the terminal; nothing typed takes the recommended choice.
fn answered(session: &Session, question: &Value) -> Result<(String, String), Failure> {
    let out = &session.output;
    out.say(text(question, "text"));
    let choices: Vec<&Value> = question["choices"].as_array().into_iter().flatten().collect();
    for (i, choice) in choices.iter().enumerate() {
        let star = if choice["value"] == question["recommended"] { " (recommended)" } else { "" };
        out.say(&format!("  {}. {}{star}", i + 1, text(choice, "label")));
    }
    out.say("A number, your own words, or nothing for the recommended one:");
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(Failure::new(exit::CLARIFY, "no answer was given"));
    }
    let typed = line.trim();
    let by_number = typed.parse::<usize>().ok().and_then(|n| choices.get(n.wrapping_sub(1)));
    let value = match (by_number, typed) {
        (Some(choice), _) => text(choice, "value"),
        (None, "") => text(question, "recommended"),
        (None, typed) => typed,
    };
    Ok((text(question, "id").to_owned(), value.to_owned()))
}
