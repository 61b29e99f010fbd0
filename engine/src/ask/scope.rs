//! The scope: a draft as Markdown that people edit, and its way back to an IR.
//!
//! Out: fixed headings, one line a thing. In: the same, edited. A line that is not understood is
//! an error that names it; nothing is skipped. What stands under Question, Assumptions and Open
//! questions is for people, and is not read.

pub(super) mod lines;
mod parse;
mod read;

pub use read::read;

use super::{Clarification, Draft};
use air_ir::{EntityRef, Filter, Ir, JoinKind, JoinSpec, Op};
use std::fmt::Write;

const HEADINGS: [&str; 9] = [
    "Question",
    "Data",
    "Measures",
    "Breakdown",
    "Filters",
    "Period",
    "Order and limit",
    "Assumptions",
    "Open questions",
];

/// Writes the scope of a draft.
pub fn render(question: &str, draft: &Draft, open: &[Clarification]) -> String {
    let ir = &draft.ir;
    let mut plain: String = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.starts_with('#') {
        // A question is no heading.
        plain.insert(0, '\\');
    }
    let (filters, periods) = conditions(ir);
    let open = open.iter().map(|q| {
        let choices: Vec<&str> = q.choices.iter().map(|c| c.label.as_str()).collect();
        format!("{} ({})", q.text, choices.join("; "))
    });
    let sections: [Vec<String>; 9] = [
        vec![plain],
        data(ir),
        ir.metrics.iter().map(lines::metric).collect(),
        breakdown(ir),
        filters,
        periods,
        order(ir),
        draft.assumptions.clone(),
        open.collect(),
    ];
    let mut text = String::new();
    for (heading, section) in HEADINGS.iter().zip(sections) {
        let _ = writeln!(text, "# {heading}\n");
        for line in section {
            // A question is a paragraph, the rest are lists.
            let mark = if *heading == "Question" { "" } else { "- " };
            let _ = writeln!(text, "{mark}{line}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn data(ir: &Ir) -> Vec<String> {
    let mut list: Vec<String> = ir.entities.iter().map(entity).collect();
    list.extend(ir.joins.iter().map(join));
    let time = &ir.time;
    let json = |word: &str| format!("time `{word}`");
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            list.push(format!("{label}: {value}"));
        }
    };
    add("time column", time.field.clone());
    add("time zone", time.timezone.clone());
    let word =
        |value: serde_json::Value| value.as_str().map(str::to_owned).unwrap_or_else(|| json("?"));
    add("week starts on", time.week_start.map(|w| word(serde_json::json!(w))));
    add("year starts in month", time.year_start.map(|m| m.to_string()));
    add("empty buckets", time.fill.map(|f| word(serde_json::json!(f))));
    list
}

fn entity(entity: &EntityRef) -> String {
    match entity {
        EntityRef::Name(name) if lines::is_plain(name) => name.clone(),
        EntityRef::Named { entity, source: None, alias: Some(alias) }
            if lines::is_plain(entity) && lines::is_plain(alias) =>
        {
            format!("{entity} as {alias}")
        }
        other => format!("`{}`", serde_json::to_value(other).unwrap_or_default()),
    }
}

fn join(join: &JoinSpec) -> String {
    let plain = join.left.iter().chain(&join.right).chain(&join.alias).all(|n| lines::is_plain(n));
    if !plain {
        return format!("join `{}`", serde_json::to_value(join).unwrap_or_default());
    }
    let alias = join.alias.as_ref().map(|a| format!(" as {a}")).unwrap_or_default();
    let kind = if join.kind == JoinKind::Inner { ", inner" } else { "" };
    format!("join {} to {}{alias}{kind}", join.left.join(" + "), join.right.join(" + "))
}

fn breakdown(ir: &Ir) -> Vec<String> {
    let mut list: Vec<String> = ir.dimensions.iter().map(lines::dimension).collect();
    if let Some(grain) = ir.grain {
        list.push(format!("grain: {grain}"));
    }
    list
}

/// Filters, and the periods that end the list.
fn conditions(ir: &Ir) -> (Vec<String>, Vec<String>) {
    let is_period = |f: &Filter| matches!(f, Filter::Compare(c) if c.op == Op::During);
    let periods = ir.filters.iter().rev().take_while(|f| is_period(f)).count();
    let (filters, periods) = ir.filters.split_at(ir.filters.len() - periods);
    let mut list: Vec<String> = filters.iter().map(lines::filter).collect();
    list.extend(ir.having.iter().map(|f| format!("groups: {}", lines::filter(f))));
    (list, periods.iter().map(lines::filter).collect())
}

fn order(ir: &Ir) -> Vec<String> {
    let mut list: Vec<String> = ir.top.iter().map(lines::top).collect();
    list.extend(ir.order.iter().map(lines::order));
    list.extend(ir.limit.map(|n| format!("limit {n}")));
    if ir.offset > 0 {
        list.push(format!("offset {}", ir.offset));
    }
    list
}
