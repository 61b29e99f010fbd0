//! An answer for people: the pieces of its text, and what goes with it.

use air_ir::{Check, CheckStatus};
use serde_json::{Map, Value};

use super::asks::Request;
use super::streaming::Part;
use crate::contract::types::{AskState, ChatAnswer, ResultColumn, Row};
use crate::id::{DatasourceId, RequestId};
use crate::pipeline::Finished;
use crate::pipeline::ask::{Ended, question};
use crate::problem::ApiError;
use crate::results;

/// Rows that are kept with a message, and those its text shows.
const ROWS_KEPT: usize = 50;
const ROWS_SHOWN: usize = 20;
/// Bytes of the rows that are kept.
const ROWS_SIZE: usize = 64 * 1024;
/// Characters of one cell in the text.
const CELL: usize = 60;

/// An answer that holds nothing yet.
pub(super) fn nothing(state: AskState, asked_by: &str, question: &str) -> ChatAnswer {
    ChatAnswer {
        state,
        asked_by: asked_by.to_owned(),
        question: question.to_owned(),
        assumptions: Vec::new(),
        datasource_id: None,
        scope_id: None,
        scope_version_id: None,
        interpretation: None,
        questions: None,
        answers: None,
        ir: None,
        sql_text: None,
        badge: None,
        confidence: None,
        reason: None,
        missing: None,
        problem: None,
        run_id: None,
        columns: None,
        rows: None,
        row_count: None,
        truncated: None,
        sql: None,
        qa: None,
    }
}

/// Why there is no answer.
pub(super) fn failed(error: &ApiError, asked_by: &str, question: &str) -> ChatAnswer {
    ChatAnswer {
        reason: Some(error.detail.clone()),
        problem: Some(error.problem(&RequestId::new())),
        ..nothing(AskState::Failed, asked_by, question)
    }
}

/// What an ask ended in.
pub(super) fn ended(
    ended: &Ended,
    asked_by: &str,
    datasource: DatasourceId,
    request: &Request,
) -> ChatAnswer {
    let shown = matches!(ended.state, AskState::Answer | AskState::Failed);
    let (draft, reading) = (ended.draft.as_ref(), ended.reading.as_ref());
    let ir = draft.filter(|_| shown).and_then(|draft| object(draft.ir.to_json()));
    let answer = ChatAnswer {
        datasource_id: Some(datasource),
        scope_id: Some(ended.scope.id.clone()),
        scope_version_id: Some(ended.version.id.clone()),
        interpretation: reading.map(|reading| reading.interpretation.clone()),
        assumptions: reading.map(|reading| reading.assumptions.clone()).unwrap_or_default(),
        questions: (ended.state == AskState::Clarify)
            .then(|| ended.questions.iter().cloned().map(question).collect()),
        answers: (!request.answers.is_empty()).then(|| request.answers.clone()),
        ir,
        sql_text: ended.sql_text.clone(),
        badge: ended.badge,
        confidence: reading.map(|reading| reading.confidence),
        reason: ended.reason.clone(),
        missing: (ended.state == AskState::CannotAnswer).then(|| ended.missing.clone()),
        problem: ended.error.as_ref().map(|error| error.problem(&RequestId::new())),
        ..nothing(ended.state, asked_by, &request.question)
    };
    match &ended.finished {
        Some(finished) => ran(answer, finished),
        None => answer,
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn ran(answer: ChatAnswer, finished: &Finished) -> ChatAnswer {
    let count = finished.rows.num_rows();
    let mut rows = results::json_rows(&finished.rows.slice(0, count.min(ROWS_KEPT)));
    let mut size = 0;
    let fits = rows.iter().position(|row| {
        size += serde_json::to_vec(row).map_or(0, |row| row.len());
        size > ROWS_SIZE
    });
    rows.truncate(fits.unwrap_or(rows.len()));
    ChatAnswer {
        run_id: Some(finished.run_id.clone()),
        columns: Some(finished.columns.clone()),
        rows: Some(rows),
        row_count: Some(count as u64),
        truncated: Some(finished.truncated),
        sql: Some(finished.sql.clone()),
        qa: Some(finished.verdict.clone()),
        ..answer
    }
}

/// That a model is asked, in words of AIR's own: its draft is no text for people.
pub(super) fn asks(model: &str, corrections: u32) -> String {
    match corrections {
        0 => format!("{model} is asked what the question means."),
        _ => format!(
            "The draft of {model} could not be planned and was thrown away; it is asked once more."
        ),
    }
}

/// What was understood, in the text.
pub(super) fn understood(interpretation: &str, assumptions: &[String]) -> String {
    let mut text = format!("{interpretation}\n");
    for assumption in assumptions {
        text += &format!("- assumed: {assumption}\n");
    }
    text + "\n"
}

/// The pieces that follow what was understood.
pub(super) fn pieces(answer: &ChatAnswer) -> Vec<(Part, String)> {
    match answer.state {
        AskState::Clarify => vec![(Part::Questions, questions(answer))],
        AskState::CannotAnswer | AskState::Failed => vec![(Part::Reason, reason(answer))],
        AskState::Answer => vec![(Part::Rows, rows(answer)), (Part::Verdict, verdict(answer))],
    }
}

fn questions(answer: &ChatAnswer) -> String {
    let mut text = String::new();
    for question in answer.questions.iter().flatten() {
        text += &format!("{}\n", question.text);
        for (at, choice) in question.choices.iter().enumerate() {
            let recommended = question.recommended.as_ref() == Some(&choice.value);
            let star = if recommended { " (recommended)" } else { "" };
            text += &format!("{}. {}{star}\n", at + 1, choice.label);
        }
    }
    text + "\nReply with a number, your own words, or `you decide`.\n"
}

fn reason(answer: &ChatAnswer) -> String {
    let mut text = answer.reason.clone().unwrap_or_else(|| "There is no answer.".to_owned());
    if let Some(missing) = answer.missing.as_ref().filter(|missing| !missing.is_empty()) {
        text += &format!(" Not found: {}.", missing.join(", "));
    }
    text + "\n"
}

fn rows(answer: &ChatAnswer) -> String {
    let columns = answer.columns.as_deref().unwrap_or_default();
    let rows = answer.rows.as_deref().unwrap_or_default();
    let shown = &rows[..rows.len().min(ROWS_SHOWN)];
    let mut text = table(columns, shown);
    let all = answer.row_count.unwrap_or(0);
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        text += &format!("\n… and {more} more.\n");
    }
    text + "\n"
}

/// A table in Markdown.
fn table(columns: &[ResultColumn], rows: &[Row]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(columns.iter().map(|column| cell(&column.name)).collect());
    text += &format!("|{}\n", "---|".repeat(columns.len()));
    for row in rows {
        let value = |column: &ResultColumn| match row.get(&column.name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => cell(text),
            Some(other) => cell(&other.to_string()),
        };
        text += &line(columns.iter().map(value).collect());
    }
    text
}

/// A value on one line of a table; what data holds is text and no Markdown.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(CELL) {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' => {
                shown.push('\\');
                shown.push(c);
            }
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    if text.chars().nth(CELL).is_some() {
        shown.push('…');
    }
    shown
}

fn verdict(answer: &ChatAnswer) -> String {
    let count = answer.row_count.unwrap_or(0);
    let noun = if count == 1 { "row" } else { "rows" };
    let cut = if answer.truncated == Some(true) { ", cut" } else { "" };
    let mut text = format!("{count} {noun}{cut}");
    if let Some(qa) = &answer.qa {
        text += &format!(", QA {}", word(qa.status));
    }
    if let Some(badge) = answer.badge {
        text += &format!(", {badge}");
    }
    text += ".\n";
    let noted = |check: &&Check| check.status != CheckStatus::Pass;
    for check in answer.qa.iter().flat_map(|qa| &qa.checks).filter(noted) {
        text += &format!("- {}\n", check.message);
    }
    text
}

fn word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Warn => "warn",
        CheckStatus::Fail => "fail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use air_ir::DataType;
    use air_ir::catalog::Role;
    use serde_json::json;

    #[test]
    fn a_table_is_one_whatever_its_values_hold() {
        let column = |name: &str| ResultColumn {
            name: name.to_owned(),
            r#type: DataType::Text,
            role: Role::Dimension,
        };
        let row = json!({"a|b": "x\n| y |", "n": null});
        let text = table(&[column("a|b"), column("n")], &[row.as_object().unwrap().clone()]);
        assert_eq!(text, "| a\\|b | n |\n|---|---|\n| x \\| y \\| |  |\n");
        assert_eq!(cell(&"é".repeat(CELL + 1)), format!("{}…", "é".repeat(CELL)));
        assert_eq!(cell("<b>"), "\\<b\\>");
    }

    #[test]
    fn questions_are_numbered() {
        let choice = |value: &str| crate::contract::types::Choice {
            value: value.to_owned(),
            label: value.to_owned(),
        };
        let question = crate::contract::types::Question {
            id: "measure".to_owned(),
            text: "By which?".to_owned(),
            choices: vec![choice("amount"), choice("count")],
            recommended: Some("count".to_owned()),
        };
        let answer = ChatAnswer {
            questions: Some(vec![question]),
            ..nothing(AskState::Clarify, "ann", "best")
        };
        let [(Part::Questions, text)] = &pieces(&answer)[..] else { panic!() };
        assert!(text.starts_with("By which?\n1. amount\n2. count (recommended)\n"), "{text}");
    }
}
