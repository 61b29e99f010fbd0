//! An analysis by rules, from the rows and the checks alone.

use std::fmt::Write;

use air_ir::CheckStatus;
use air_ir::catalog::Role;
use serde_json::Value;

use super::{Subject, word};
use crate::contract::types::ResultColumn;

/// Figures that are spoken of.
const MOST_MEASURES: usize = 3;

/// The text.
pub(super) fn text(subject: &Subject) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", size(subject));
    let whole = subject.rows.len() as u64 == subject.row_count && !subject.truncated;
    let measures = subject.columns.iter().filter(|column| column.role == Role::Measure);
    for column in measures.take(MOST_MEASURES) {
        if let Some(line) = extremes(subject, column, whole) {
            let _ = write!(text, "\n- {line}");
        }
    }
    let _ = writeln!(text, "\n\n{}", checks(subject));
    for check in subject.verdict.checks.iter().filter(|c| c.status != CheckStatus::Pass) {
        let _ = write!(text, "\n- {} ({}): {}", check.id, word(check.status), check.message);
    }
    text.trim_end().to_owned() + "\n"
}

fn size(subject: &Subject) -> String {
    let rows = match subject.row_count {
        0 => return "**Nothing matched: the result has no rows.**".to_owned(),
        1 => "one row".to_owned(),
        n => format!("{n} rows"),
    };
    let cut = if subject.truncated { ", cut at its limit: further rows exist" } else { "" };
    format!("**The result has {rows}{cut}.**")
}

/// The highest and lowest value of a figure, with what they belong to.
fn extremes(subject: &Subject, column: &ResultColumn, whole: bool) -> Option<String> {
    let number = |row: &&Value| match &row[column.name.as_str()] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    };
    let rows: Vec<&Value> = subject.rows.iter().filter(|row| number(row).is_some()).collect();
    let by = |a: &&&Value, b: &&&Value| {
        number(a).unwrap_or_default().total_cmp(&number(b).unwrap_or_default())
    };
    // Of equals the first, for both.
    let (lowest, highest) = (rows.iter().min_by(by)?, rows.iter().rev().max_by(by)?);
    let name = &column.name;
    if rows.len() == 1 {
        return Some(format!("{name} is {}.", at(subject, highest, name)));
    }
    let of = if whole { String::new() } else { format!(" among the first {}", subject.rows.len()) };
    Some(format!(
        "{name} is highest{of} with {} and lowest with {}.",
        at(subject, highest, name),
        at(subject, lowest, name)
    ))
}

/// A value and the dimensions it stands for.
fn at(subject: &Subject, row: &Value, name: &str) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    let dimensions = subject.columns.iter().filter(|column| column.role != Role::Measure);
    let of: Vec<String> = dimensions
        .map(|column| format!("{} {}", column.name, shown(&row[column.name.as_str()])))
        .collect();
    let value = shown(&row[name]);
    if of.is_empty() { value } else { format!("{value} ({})", of.join(", ")) }
}

fn checks(subject: &Subject) -> String {
    let count = |status| subject.verdict.checks.iter().filter(|c| c.status == status).count();
    let (warned, failed) = (count(CheckStatus::Warn), count(CheckStatus::Fail));
    let all = subject.verdict.checks.len();
    match (warned, failed) {
        (0, 0) => format!("All {all} checks passed."),
        _ => format!("Of {all} checks, {warned} warned and {failed} failed:"),
    }
}
