//! What went wrong, by stage.
//!
//! In: errors of the engine's crates. Out: a [`Fault`] with the code that the service has for it,
//! where it is, and what to do. `raising.rs` makes it an exception. No secret is in one: what the
//! connectors say of a DSN names its part and never its value.

use air_connectors::{DatabaseError, SourceError};
use air_engine::ask::Clarification;
use air_engine::{Finding, NotPlanned, Outcome, Refusal, Unsupported};
use air_ir::IrError;
use serde_json::{Value, json};

/// Where it went wrong; each has a class in `air.errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// How the package is used: arguments, and engines that are over.
    Usage,
    /// The question has several readings.
    Clarify,
    /// The question is not about what the source holds.
    CannotAnswer,
    Ir,
    Plan,
    Guard,
    Source,
    Run,
    /// A fault of AIR.
    Internal,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    pub(crate) stage: Stage,
    /// As in the service's problems.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// A JSON pointer into the IR, an argument, or the id of a source.
    pub(crate) location: Option<String>,
    pub(crate) advice: Option<String>,
    /// What else the exception carries, by the name of its attribute.
    pub(crate) details: Vec<(&'static str, Value)>,
}

impl Fault {
    pub(crate) fn new(stage: Stage, code: &'static str, message: impl Into<String>) -> Self {
        let message = sentence(&message.into());
        Self { stage, code, message, location: None, advice: None, details: Vec::new() }
    }

    /// An argument of `Engine` that does not fit.
    pub(crate) fn setting(name: &str, what: impl Into<String>) -> Self {
        let location = Some(name.to_owned());
        Self { location, ..Self::new(Stage::Usage, "invalid", what) }
    }

    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let message = format!("Something went wrong inside AIR: {cause}");
        Self::new(Stage::Internal, "internal", message)
    }

    /// Everything that is wrong with an IR.
    pub(crate) fn ir(stage: Stage, errors: Vec<IrError>) -> Self {
        let said: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        let message = match said.as_slice() {
            [one] => (*one).to_owned(),
            many => format!("{} things in the IR do not fit: {}", many.len(), many.join(" ")),
        };
        let first = errors.first();
        let nearest = first.map(|error| error.nearest.join(", ")).filter(|near| !near.is_empty());
        Self {
            location: first.map(|error| error.pointer.clone()),
            advice: nearest.map(|near| format!("Known names that come near: {near}.")),
            details: vec![("errors", json!(errors))],
            ..Self::new(stage, "invalid", message)
        }
    }

    pub(crate) fn at_source(self, id: &str) -> Self {
        Self { location: self.location.or_else(|| Some(id.to_owned())), ..self }
    }

    /// A number that does not fit is the IR's to change, whichever engine found it.
    pub(crate) fn overflow() -> Self {
        let what =
            "A whole number became too large for 64 bits; the result would be another number.";
        let advice = "Cast the column to a decimal or a double, or narrow the filters.";
        Self { advice: Some(advice.to_owned()), ..Self::new(Stage::Run, "overflow", what) }
    }

    pub(crate) fn clarify(questions: &[Clarification], draft: Option<Value>) -> Self {
        let said: Vec<&str> = questions.iter().map(|question| question.text.as_str()).collect();
        let advice = "Ask again with answers={id: value}; each question lists its choices.";
        Self {
            advice: Some(advice.to_owned()),
            details: vec![("questions", json!(questions)), ("draft", json!(draft))],
            ..Self::new(Stage::Clarify, "clarify", said.join(" "))
        }
    }

    pub(crate) fn cannot_answer(reason: &str, missing: &[String]) -> Self {
        let details = vec![("missing", json!(missing))];
        Self { details, ..Self::new(Stage::CannotAnswer, "cannot_answer", reason) }
    }
}

impl From<NotPlanned> for Fault {
    fn from(error: NotPlanned) -> Self {
        match error {
            NotPlanned::Ir(errors) => Self::ir(Stage::Ir, errors),
            NotPlanned::Plan(error) => Self::ir(Stage::Plan, error.0),
            NotPlanned::Refused(refusal) => refusal.into(),
            NotPlanned::Unsupported(unsupported) => unsupported.into(),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let message = format!("The plan was refused: {}", refusal.reasons().join(" "));
        let rule = refusal.report.iter().find(|found| found.outcome == Outcome::Refused);
        Self {
            location: rule.map(|found| found.rule.clone()),
            details: vec![("safety_report", report(&refusal.report))],
            ..Self::new(Stage::Guard, "refused", message)
        }
    }
}

impl From<Unsupported> for Fault {
    fn from(error: Unsupported) -> Self {
        let message = format!("{} {}", error.dialect.as_str(), error.reason);
        Self::new(Stage::Plan, "unsupported_on_engine", message)
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        let code = match error {
            ref away if away.is_away() => "source_unavailable",
            SourceError::Database(DatabaseError::StatementTimeout { .. }) => "timeout",
            _ => "source_error",
        };
        let text = error.to_string();
        // The connectors' texts say what is wrong, and after the last semicolon what to do.
        let advice = text.rsplit_once("; ").map(|(_, advice)| sentence(advice));
        Self { advice, ..Self::new(Stage::Source, code, text) }
    }
}

/// The guard's rules and how each came out, as the service shows them.
pub(crate) fn report(findings: &[Finding]) -> Value {
    let outcome = |outcome| match outcome {
        Outcome::Ok => "ok",
        Outcome::Injected => "injected",
        Outcome::Warned => "warned",
        Outcome::Refused => "refused",
    };
    let one = |found: &Finding| json!({"rule": found.rule, "outcome": outcome(found.outcome), "detail": found.detail});
    Value::Array(findings.iter().map(one).collect())
}

/// Errors are written small and without a stop; a message is a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
