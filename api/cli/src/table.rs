//! Rows as a table for people.

use crate::plain::one_line;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};

/// The width of terminal, in characters, below which a table is not fitted to it.
const NARROWEST: u16 = 20;

/// A column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Whether its values stand to the right, as numbers do.
    pub(crate) numeric: bool,
}

/// A table of `rows`, the columns in their order.
pub(crate) fn table(columns: &[Column], rows: &[Vec<Value>]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    // Some terminals report no width at all; wrapped to that, nothing could be read.
    if table.width().is_some_and(|width| width < NARROWEST) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(columns.iter().map(|c| one_line(&c.name)));
    for row in rows {
        table.add_row(row.iter().zip(columns).map(|(value, column)| cell(value, column)));
    }
    table.to_string()
}

fn cell(value: &Value, column: &Column) -> Cell {
    let cell = match value {
        Value::Null => Cell::new(""),
        Value::String(text) => Cell::new(one_line(text)),
        other => Cell::new(one_line(&other.to_string())),
    };
    match column.numeric || value.is_number() {
        true => cell.set_alignment(CellAlignment::Right),
        false => cell,
    }
}

/// A list of objects as a table of the members named; `a.b` is the member `b` of `a`.
pub(crate) fn listing(items: &[Value], members: &[&str]) -> String {
    let columns: Vec<Column> =
        members.iter().map(|m| Column { name: (*m).to_owned(), numeric: false }).collect();
    let member = |item: &Value, path: &str| {
        path.split('.').try_fold(item, |at, name| at.get(name)).cloned().unwrap_or_default()
    };
    let rows: Vec<Vec<Value>> =
        items.iter().map(|item| members.iter().map(|m| member(item, m)).collect()).collect();
    table(&columns, &rows)
}

/// One object as a table of its members.
pub(crate) fn members(object: &Map<String, Value>) -> String {
    let column = |name: &str| Column { name: name.to_owned(), numeric: false };
    let rows: Vec<Vec<Value>> = object
        .iter()
        .map(|(name, value)| {
            // As text, so that all values stand to the left.
            let value = match value {
                Value::Null | Value::String(_) => value.clone(),
                other => Value::String(other.to_string()),
            };
            vec![Value::from(name.as_str()), value]
        })
        .collect();
    table(&[column("member"), column("value")], &rows)
}
