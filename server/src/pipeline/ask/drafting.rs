//! Drafts by models: who is asked, and how a wrong draft is corrected.
//!
//! In: the question and the catalog it may use. Out: a draft that was planned and passed the
//! guard, or none; and what was tried. A draft that the planner refuses goes back with the
//! planner's own error, a few times; a model that fails is followed by the next. Absent on
//! purpose: what a model is asked (`prompting`), drafts of earlier asks (`kept`), and what becomes
//! of a draft (`deciding`).

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use air_ir::{IR_SCHEMA, Ir};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prompting::correction;
use super::reply::{self, Said, Term};
use super::{Asked, prose};
use crate::config::ModelName;
use crate::contract::types::ErrorCode;
use crate::models::{Chat, Fault, Form, Message, Speaker, Task, Usage, prompts};
use crate::pipeline::progress::Step;
use crate::pipeline::sources::Ready;
use crate::pipeline::{self, Clock, Order, Question};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::checksum;

/// A draft that passed planner and guard.
#[derive(Debug, Clone)]
pub(super) enum Candidate {
    Ir { ir: Box<Ir>, terms: Vec<Term> },
    Sql(String),
}

impl Candidate {
    /// What tells this draft from another, for the one that a person was shown.
    pub(super) fn mark(&self) -> String {
        let mut mark = checksum(&match self {
            Self::Ir { ir, .. } => ir.to_json(),
            Self::Sql(text) => json!(text),
        });
        mark.truncate(MARK);
        mark
    }
}

/// Characters of a mark.
const MARK: usize = 12;

/// What models did for a question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ModelUse {
    /// The model whose draft counts; none where no model gave one.
    pub(crate) used: Option<String>,
    pub(crate) tried: Vec<Tried>,
    pub(crate) usage: Usage,
    pub(crate) prompts: String,
    /// Whether the draft was made for an earlier ask of the same question.
    pub(crate) kept: bool,
}

impl ModelUse {
    /// What became of each model that was asked, in words.
    pub(crate) fn told(&self) -> String {
        let tried: Vec<String> =
            self.tried.iter().map(|t| format!("{}: {}", t.model, t.outcome)).collect();
        if tried.is_empty() { "none is configured".to_owned() } else { tried.join("; ") }
    }
}

/// One model that was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub(crate) model: String,
    pub(crate) outcome: String,
    pub(crate) corrections: u32,
}

/// Drafts of a question.
pub(super) struct Drafting {
    pub(super) candidate: Option<Candidate>,
    pub(super) made: ModelUse,
}

/// The part of the time that is left for running what was drafted.
const FOR_RUNNING: u32 = 3;

/// Asks the models in their order until one gives a draft that can be planned.
pub(super) async fn draft(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    previous: Option<&Ir>,
) -> Drafting {
    let left = asked.deadline.saturating_duration_since(Instant::now());
    let deadline = Instant::now() + left - left / FOR_RUNNING;
    let mut made = ModelUse { prompts: prompts::DRAFTS.clone(), ..ModelUse::default() };
    let mut drafter = Drafter { app, asked, ready, previous, deadline, schema: None };
    let mut silent = Vec::new();
    for (task, name) in plan(app, asked) {
        if silent.contains(&name) {
            continue;
        }
        let served = app.models.served(name);
        let key = drafter.key(task, &served);
        if let Some(candidate) = drafter.kept(&key).await {
            made.used = Some(served);
            made.kept = true;
            return Drafting { candidate: Some(candidate), made };
        }
        let (outcome, corrections) = drafter.asked(task, name, &mut made.usage).await;
        let mut tried = |outcome: String| {
            made.tried.push(Tried { model: served.clone(), outcome, corrections });
        };
        match outcome {
            Outcome::Draft(candidate) => {
                tried("a draft that can be planned".to_owned());
                drafter.keep(&key, &served, &candidate).await;
                made.used = Some(served);
                return Drafting { candidate: Some(candidate), made };
            }
            Outcome::Cannot => {
                tried("it saw no way to answer".to_owned());
                break;
            }
            Outcome::Wrong => tried("no draft that can be planned".to_owned()),
            Outcome::Fault(fault) => {
                silent.push(name);
                tried(fault.to_string());
            }
        }
    }
    Drafting { candidate: None, made }
}

/// Chat models write IR; then models of SQL write SQL.
fn plan(app: &App, asked: &Asked) -> Vec<(Task, ModelName)> {
    let drafter = &asked.drafter;
    let order = |task| {
        let names = app.models.order(task, drafter.provider, drafter.force_model);
        names.into_iter().map(move |name| (task, name))
    };
    match drafter.force_model {
        Some(ModelName::Sqlcoder) => order(Task::Sql).collect(),
        Some(_) => order(Task::Chat).collect(),
        None => order(Task::Chat).chain(order(Task::Sql)).collect(),
    }
}

pub(super) enum Outcome {
    Draft(Candidate),
    Cannot,
    Wrong,
    Fault(Fault),
}

pub(super) struct Drafter<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) asked: &'a Asked,
    pub(super) ready: &'a Ready,
    pub(super) previous: Option<&'a Ir>,
    pub(super) deadline: Instant,
    /// The notes that match the question, chosen once.
    pub(super) schema: Option<String>,
}

/// The schema of a reply: an IR, or that there is none.
static REPLY: LazyLock<Arc<Value>> = LazyLock::new(|| {
    let ir: Value = serde_json::from_str(IR_SCHEMA).unwrap_or_default();
    let text = json!({"type": "string", "maxLength": 255});
    let term = json!({"type": "object", "additionalProperties": false,
        "required": ["words", "means"], "properties": {"words": text, "means": text}});
    let properties = json!({
        "ir": {"$ref": "#/$defs/ir"},
        "terms": {"type": "array", "items": term},
        "cannot": {"type": "array", "items": text},
    });
    Arc::new(json!({"type": "object", "additionalProperties": false,
        "properties": properties, "$defs": ir["$defs"]}))
});

impl Drafter<'_> {
    /// One model, with corrections.
    async fn asked(&mut self, task: Task, name: ModelName, usage: &mut Usage) -> (Outcome, u32) {
        let mut messages = self.messages(task).await;
        let form = match task {
            Task::Chat => Form::Json(Arc::clone(&REPLY)),
            Task::Sql => Form::Text,
        };
        let mut corrections = 0;
        loop {
            let chat = Chat {
                messages: messages.clone(),
                form: form.clone(),
                most_tokens: self.app.models.calls().max_tokens,
                deadline: self.deadline,
                pieces: None,
            };
            let model = self.app.models.served(name);
            self.asked.progress.tell(Step::Asks { model, corrections });
            let reply = match self.app.models.chat(name, chat).await {
                Ok(reply) => reply,
                Err(fault) => return (Outcome::Fault(fault), corrections),
            };
            usage.add(reply.usage);
            let error = match self.checked(&reply.text) {
                Ok(outcome) => return (outcome, corrections),
                Err(error) => error,
            };
            if corrections == self.app.models.calls().corrections {
                return (Outcome::Wrong, corrections);
            }
            corrections += 1;
            messages.push(Message { speaker: Speaker::Assistant, text: reply.text });
            messages.push(Message { speaker: Speaker::User, text: correction(&error) });
        }
    }

    /// A reply, read and planned; or what is wrong with it, for the model.
    pub(super) fn checked(&self, text: &str) -> Result<Outcome, String> {
        let (question, candidate) = match reply::read(text)? {
            Said::Cannot => return Ok(Outcome::Cannot),
            Said::Sql(text) if is_nothing(&text) => return Ok(Outcome::Cannot),
            Said::Sql(text) => {
                self.plans(Question::Sql(text.clone())).map_err(|error| told(&error))?;
                // It is shown, and may be saved: as a query alone, and planned as such.
                let text = reply::without_comments(&text)?;
                (Question::Sql(text.clone()), Candidate::Sql(text))
            }
            Said::Ir { ir, terms } => (Question::Ir(ir.clone()), Candidate::Ir { ir, terms }),
        };
        self.plans(question).map_err(|error| told(&error))?;
        Ok(Outcome::Draft(candidate))
    }

    /// Whether a draft can be planned and passes the guard.
    fn plans(&self, question: Question) -> Result<(), ApiError> {
        let order = order(self.asked, question);
        let bound = pipeline::bound(&order)?;
        let prepared = &self.ready.prepared;
        let guarded = pipeline::guarded(self.app, &order, &bound, prepared, &mut Clock::start())?;
        if let Question::Sql(text) = &bound {
            let columns = guarded.columns().iter().map(|column| column.name.as_str());
            prose::checked(text, columns)
                .map_err(|what| ApiError::new(ErrorCode::Refused, what))?;
        }
        Ok(())
    }
}

/// What a draft is planned and run as.
pub(super) fn order(asked: &Asked, question: Question) -> Order {
    Order {
        principal: asked.principal.clone(),
        datasource: asked.datasource.clone(),
        question,
        ir_at: "",
        bindings: air_ir::Bindings::default(),
        params: serde_json::Map::new(),
        report: None,
        scope_version: None,
        now: asked.now,
        deadline: asked.deadline,
        max_age: None,
        job: None,
    }
}

/// What the prompt of SQL wants where there is no answer.
fn is_nothing(sql: &str) -> bool {
    sql.split_whitespace().collect::<Vec<_>>().join(" ").eq_ignore_ascii_case("select null")
}

/// An error for the model that made it.
fn told(error: &ApiError) -> String {
    if error.errors.is_empty() {
        return error.detail.clone();
    }
    let one = |e: &crate::contract::types::FieldError| {
        let near = e.nearest.as_ref().map(|names| format!(" Near: {}.", names.join(", ")));
        format!("{}: {}{}", e.pointer, e.detail, near.unwrap_or_default())
    };
    error.errors.iter().map(one).collect::<Vec<_>>().join("\n")
}
