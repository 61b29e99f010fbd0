//! `ask`: a question in plain words.

use super::{Session, rows, segment};
use crate::cli::{Ask, Format};
use crate::exit::{self, Failure};
use crate::output::judge;
use crate::params::{json, pair, waiting};
use air_client::{Error, Method};
use serde_json::{Map, Value, json};
use std::io::IsTerminal;

/// The answer that leaves the choice to AIR.
const YOU_DECIDE: &str = "you_decide";

pub(super) async fn ask(session: &Session, ask: &Ask) -> Result<(), Failure> {
    if ask.no_run && session.output.format.of_rows().is_some() {
        return Err(Failure::usage("--no-run gives no rows: say --output table or json"));
    }
    let mut answers = Map::new();
    for answer in &ask.answer {
        let (id, value) = pair(answer)?;
        answers.insert(id.to_owned(), Value::from(value));
    }
    let mut body = body(ask)?;
    body["datasource_id"] = json!(session.source(ask.source.as_deref()).await?);
    let mut session = session.clone();
    loop {
        if !answers.is_empty() {
            body["answers"] = Value::Object(answers.clone());
        }
        let reply = send(&session, &body).await?;
        if reply["state"] != "clarify" {
            let version = text(&reply, "scope_version_id");
            let next = format!("follow up with --previous {version}");
            return show(&session, &reply, ask.how.fail_on_qa, &next).await;
        }
        // A person at a terminal is asked; a program is told what to answer.
        let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !(person && session.output.is_table()) {
            return clarify(&session, &reply);
        }
        for question in items(&reply, "questions") {
            let (id, value) = answered(&session, question)?;
            answers.insert(id, Value::from(value));
        }
        // Another body is another request.
        session.idempotency_key = None;
    }
}

fn body(ask: &Ask) -> Result<Value, Failure> {
    let mut body = json!({"question": ask.question, "run": !ask.no_run});
    if let Some(previous) = &ask.previous {
        body["previous"] = match previous.starts_with(['{', '@']) || previous == "-" {
            true => json!({"ir": json(previous)?}),
            false => json!({"scope_version_id": previous}),
        };
    }
    if let Some(now) = &ask.how.now {
        body["now"] = json!(now);
    }
    Ok(body)
}

async fn send(session: &Session, body: &Value) -> Result<Value, Failure> {
    let waiting = session.output.waiting("asking");
    let reply = session.post("/v1/ask", body).await;
    waiting.finish_and_clear();
    let resume = "with --idempotency-key a question can be taken up again";
    reply.map_err(|failure| failure.resume(&session.resume(resume)))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// Shows what a question ended in, questions back apart; `next` says how one goes on.
pub(super) async fn show(
    session: &Session,
    reply: &Value,
    fail_on_qa: bool,
    next: &str,
) -> Result<(), Failure> {
    let json = session.output.format == Format::Json;
    if json {
        session.output.json(reply)?;
    }
    match text(reply, "state") {
        "answer" if json => judge(&reply["result"], fail_on_qa),
        "answer" => answer(session, reply, fail_on_qa, next).await,
        state => Err(refusal(state, reply)),
    }
}

async fn answer(
    session: &Session,
    reply: &Value,
    fail_on_qa: bool,
    next: &str,
) -> Result<(), Failure> {
    let out = &session.output;
    out.say(text(reply, "interpretation"));
    for assumption in items(reply, "assumptions").filter_map(Value::as_str) {
        out.say(&format!("  assumed: {assumption}"));
    }
    let result = reply.get("result").filter(|result| !result.is_null());
    match (out.format, result) {
        (Format::Table, Some(result)) => out.result(result)?,
        (Format::Table, None) => out.json(&reply["ir"])?,
        (_, Some(result)) => {
            let path = format!("/v1/runs/{}/rows", segment(text(result, "run_id"))?);
            let format = out.format.of_rows().unwrap_or_default();
            let call = session.request(Method::GET, &path)?.query(&[("format", format)]);
            rows::pass(session, call).await?;
        }
        (_, None) => return Err(super::strange("the answer holds no rows")),
    }
    let badge = reply["badge"].as_str().unwrap_or("none");
    out.say(&format!("badge {badge}, confidence {}; {next}", reply["confidence"]));
    result.map_or(Ok(()), |result| judge(result, fail_on_qa))
}

/// Why there is no answer.
fn refusal(state: &str, reply: &Value) -> Failure {
    let problem = reply.get("problem").filter(|problem| !problem.is_null());
    if let Some(Ok(problem)) = problem.map(|p| serde_json::from_value(p.clone())) {
        return Error::Problem(Box::new(problem)).into();
    }
    let mut message = match (text(reply, "reason"), state) {
        ("", "cannot_answer") => "the source cannot answer this".to_owned(),
        ("", state) => format!("the question ended as {state:?}, and no reason was given"),
        (reason, _) => reason.to_owned(),
    };
    let missing: Vec<&str> = items(reply, "missing").filter_map(Value::as_str).collect();
    if !missing.is_empty() {
        message += &format!("\n  missing: {}", missing.join(", "));
    }
    Failure::failed(message)
}

/// Says what must be known first.
pub(super) fn clarify(session: &Session, reply: &Value) -> Result<(), Failure> {
    if session.output.format == Format::Json {
        session.output.json(reply)?;
    }
    let mut message = "something must be known first: ask again with these added".to_owned();
    for question in items(reply, "questions") {
        message += &format!("\n  {}", text(question, "text"));
        for choice in items(question, "choices") {
            let flag = quoted(&format!("{}={}", text(question, "id"), text(choice, "value")));
            let star = star(question, choice);
            message += &format!("\n    --answer {flag}   {}{star}", text(choice, "label"));
        }
    }
    Err(Failure::new(exit::CLARIFY, message))
}

fn star(question: &Value, choice: &Value) -> &'static str {
    if choice["value"] == question["recommended"] { " (recommended)" } else { "" }
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    match argument.chars().all(safe) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

/// Asks at the terminal; nothing typed leaves the choice to AIR.
fn answered(session: &Session, question: &Value) -> Result<(String, String), Failure> {
    let out = &session.output;
    out.prompt(text(question, "text"));
    let choices: Vec<&Value> = items(question, "choices").collect();
    for (i, choice) in choices.iter().enumerate() {
        out.prompt(&format!("  {}. {}{}", i + 1, text(choice, "label"), star(question, choice)));
    }
    out.prompt("A number, your own words, or nothing for the recommended one:");
    let mut line = String::new();
    if waiting(|| std::io::stdin().read_line(&mut line))? == 0 {
        return Err(Failure::new(exit::CLARIFY, "no answer was given"));
    }
    let typed = line.trim();
    // A number that is a value is not a place.
    let is_value = choices.iter().any(|choice| text(choice, "value") == typed);
    let place = typed.parse::<usize>().ok().filter(|_| !is_value);
    let by_number = place.and_then(|n| choices.get(n.wrapping_sub(1)));
    let value = match (by_number, typed) {
        (Some(choice), _) => text(choice, "value"),
        (None, "") => YOU_DECIDE,
        (None, typed) => typed,
    };
    Ok((text(question, "id").to_owned(), value.to_owned()))
}
