//! What happens in a room, as people and programs are shown it.

use crate::exit::{self, Failure};
use crate::output::Output;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Shows events, and remembers the last answer.
pub(super) struct Shown {
    output: Output,
    /// What this command's own messages are named by; a person need not read them again.
    own: String,
    /// Answers on their way: how many pieces were shown.
    coming: HashMap<String, u64>,
    done: HashSet<String>,
    answer: Option<Value>,
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

impl Shown {
    pub(super) fn new(output: &Output, own: &str) -> Self {
        Self {
            output: output.clone(),
            own: own.to_owned(),
            coming: HashMap::new(),
            done: HashSet::new(),
            answer: None,
        }
    }

    /// The last message of AIR.
    pub(super) fn answer(&self) -> Option<&Value> {
        self.answer.as_ref()
    }

    pub(super) fn is_shown(&self, answer: &str) -> bool {
        self.done.contains(answer)
    }

    pub(super) fn event(&mut self, event: &Value) -> Result<(), Failure> {
        let payload = &event["payload"];
        match text(event, "type") {
            "ai_stream" => self.piece(payload),
            "ai_complete" => self.whole(payload, &event["seq"]),
            "result" => self.said(payload, &event["seq"]),
            _ => Ok(()),
        }
    }

    /// A piece of an answer. One that was begun before this command listened is shown whole.
    fn piece(&mut self, payload: &Value) -> Result<(), Failure> {
        let index = payload["index"].as_u64().unwrap_or_default();
        let id = text(payload, "message_id");
        let next = self.coming.get(id).copied().unwrap_or_default();
        if !self.output.is_table() || index != next {
            return Ok(());
        }
        self.coming.insert(id.to_owned(), next + 1);
        match text(payload, "part") {
            // How far it is, and no part of the answer.
            "status" => {
                self.output.say(text(payload, "content"));
                Ok(())
            }
            _ => self.output.piece(text(payload, "content")),
        }
    }

    fn whole(&mut self, payload: &Value, seq: &Value) -> Result<(), Failure> {
        let id = text(payload, "message_id");
        let begun = self.coming.remove(id).is_some();
        self.done.insert(id.to_owned());
        self.answer = Some(payload.clone());
        match (self.output.is_table(), begun) {
            (true, true) => self.output.piece("\n"),
            (true, false) => self.output.line(text(payload, "content")),
            (false, _) => self.message(payload, seq),
        }
    }

    fn said(&mut self, payload: &Value, seq: &Value) -> Result<(), Failure> {
        if text(payload, "client_ref").starts_with(&self.own) {
            return Ok(());
        }
        match (self.output.is_table(), text(payload, "type")) {
            (true, "system") => {
                self.output.say(text(payload, "content"));
                Ok(())
            }
            (true, _) => {
                let (user, content) = (text(payload, "user_id"), text(payload, "content"));
                self.output.line(&format!("{user}: {content}"))
            }
            (false, _) => self.message(payload, seq),
        }
    }

    /// A message as one line of JSON.
    fn message(&self, payload: &Value, seq: &Value) -> Result<(), Failure> {
        let mut message = payload.clone();
        message["seq"] = json!(seq);
        self.output.bytes(format!("{message}\n").as_bytes())
    }

    /// How the talk ended: as its last answer did.
    pub(super) fn ended(&self) -> Result<(), Failure> {
        let Some(answer) = self.answer.as_ref().map(|message| &message["answer"]) else {
            return Ok(());
        };
        match text(answer, "state") {
            "clarify" => Err(Failure::new(exit::CLARIFY, "the last question was asked back")),
            "cannot_answer" | "failed" => Err(Failure::failed(text(answer, "reason"))),
            _ => Ok(()),
        }
    }
}
