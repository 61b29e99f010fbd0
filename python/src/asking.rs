//! From a question to an IR, by the engine's own interpreter; no model is asked.

use std::collections::BTreeMap;

use air_engine::ask::{self, Draft, Interpretation};
use air_ir::Ir;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fault::{Fault, Stage};
use crate::inner::Inner;

/// A question as it was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) id: String,
    pub(crate) now: Timestamp,
    /// Answers to questions that came back, by their id.
    pub(crate) answers: BTreeMap<String, Value>,
    /// The IR that the question may change.
    pub(crate) previous: Option<Ir>,
}

impl Asked {
    pub(crate) fn read(
        (text, id): (&str, &str),
        answers: &str,
        previous: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let answers = serde_json::from_str(answers)
            .map_err(|bad| Fault::setting("answers", bad.to_string()))?;
        let previous = previous.map(Ir::parse_str).transpose();
        let previous = previous.map_err(|errors| Fault::ir(Stage::Ir, errors))?;
        Ok(Self { text: text.to_owned(), id: id.to_owned(), now, answers, previous })
    }
}

/// What the question means, or the questions back; never a guess.
pub(crate) fn understood(inner: &Inner, asked: &Asked) -> Result<Value, Fault> {
    let (_, learned) = inner.learned(&asked.id)?;
    let question = ask::Question {
        text: &asked.text,
        catalog: learned.catalog(),
        now: asked.now,
        previous: asked.previous.as_ref(),
        answers: &asked.answers,
    };
    match ask::interpret_with(learned.lexicon(), &question) {
        Interpretation::Answer(draft) => Ok(told(&draft)),
        Interpretation::Clarify { questions, draft } => {
            Err(Fault::clarify(&questions, draft.as_ref().map(told)))
        }
        Interpretation::CannotAnswer { reason, missing } => {
            Err(Fault::cannot_answer(&reason, &missing))
        }
    }
}

fn told(draft: &Draft) -> Value {
    json!({
        "ir": draft.ir.to_json(),
        "confidence": draft.confidence,
        "interpretation": draft.interpretation,
        "assumptions": draft.assumptions,
    })
}
