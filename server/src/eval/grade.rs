//! What counts as right.

use datafusion::arrow::array::RecordBatch;
use serde::Serialize;
use serde_json::Value;

use super::Said;
use super::set::Expected;
use crate::pipeline::Question;
use crate::results;

/// How a question came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Right,
    /// An answer, with other rows than the expected.
    OtherRows,
    /// An answer that could not be run.
    Unrunnable,
    /// Asked back where there is one right answer.
    AskedBack,
    /// Answered where it must be asked back.
    Guessed,
    /// Answered where the source does not hold it.
    MadeUp,
    /// Said that it cannot be answered where it can.
    GaveUp,
    /// Neither asked back nor said that it cannot be answered, but the other of the two.
    OtherState,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// Whether the set wants it asked back.
    pub(crate) to_ask: bool,
    /// What came instead of the right thing.
    pub(crate) instead: Option<String>,
}

impl Outcome {
    pub(super) fn right() -> Self {
        Self { verdict: Verdict::Right, to_ask: false, instead: None }
    }

    pub(super) fn wrong(verdict: Verdict, instead: String) -> Self {
        Self { verdict, to_ask: false, instead: Some(instead) }
    }
}

/// A question that ended without a draft.
pub(super) fn state(expected: &Expected, said: &Said) -> Outcome {
    let (verdict, instead) = match (expected, said) {
        (Expected::Clarify, Said::Asked(_)) | (Expected::CannotAnswer, Said::Cannot(_)) => {
            (Verdict::Right, None)
        }
        (Expected::Answer { .. }, Said::Asked(texts)) => {
            (Verdict::AskedBack, Some(texts.join(" ")))
        }
        (Expected::Answer { .. }, Said::Cannot(reason)) => (Verdict::GaveUp, Some(reason.clone())),
        (_, Said::Asked(texts)) => (Verdict::OtherState, Some(texts.join(" "))),
        (_, Said::Cannot(reason)) => (Verdict::OtherState, Some(reason.clone())),
        (_, Said::Failed(reason)) => (Verdict::Failed, Some(reason.clone())),
        (_, Said::Draft(draft)) => (Verdict::Guessed, Some(shown(draft))),
    };
    Outcome { verdict, to_ask: *expected == Expected::Clarify, instead }
}

/// An answer where there must be none.
pub(super) fn made_up(expected: &Expected, draft: &Question) -> Outcome {
    let to_ask = *expected == Expected::Clarify;
    let verdict = if to_ask { Verdict::Guessed } else { Verdict::MadeUp };
    Outcome { verdict, to_ask, instead: Some(shown(draft)) }
}

pub(super) fn shown(draft: &Question) -> String {
    match draft {
        Question::Ir(ir) => ir.to_json().to_string(),
        Question::Sql(text) => text.clone(),
    }
}

/// Whether rows are those a set writes out, in their order and the columns' order.
pub(super) fn are_rows(found: &RecordBatch, wanted: &[Vec<Value>]) -> bool {
    let rows = results::json_rows(found);
    rows.len() == wanted.len()
        && rows.iter().zip(wanted).all(|(row, wanted)| {
            row.len() == wanted.len() && row.values().zip(wanted).all(|(a, b)| is_cell(a, b))
        })
}

fn is_cell(found: &Value, wanted: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match (number(found), wanted.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
        _ => found == wanted,
    }
}
