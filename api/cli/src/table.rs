//! Rows as a table for people.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

/// A table of `rows`, the columns in their order; numbers stand to the right.
pub(crate) fn table(columns: &[String], rows: &[Vec<Value>]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    for row in rows {
        table.add_row(row.iter().map(cell));
    }
    table.to_string()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::new(""),
        Value::Number(n) => Cell::new(n).set_alignment(CellAlignment::Right),
        Value::String(s) => {
            Cell::new(s.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"))
        }
        other => Cell::new(other),
    }
}

/// A list of objects as a table of the members named.
pub(crate) fn listing(items: &[Value], members: &[&str]) -> String {
    let columns: Vec<String> = members.iter().map(|m| (*m).to_owned()).collect();
    let rows: Vec<Vec<Value>> = items
        .iter()
        .map(|item| members.iter().map(|m| item.get(*m).cloned().unwrap_or(Value::Null)).collect())
        .collect();
    table(&columns, &rows)
}
