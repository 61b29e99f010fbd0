//! The first rows of a table, asked for as a person would ask: in SQL that is read against the
//! catalog, planned and guarded, and never sent.

use air_ir::{Column, DataType, Table};
use datafusion::sql::sqlparser::ast::Ident;

/// Columns that are looked at together: of more, pairs alone are tens of thousands.
pub(crate) const MOST_COLUMNS: usize = 300;

/// The columns that can be read, and how many of them there are.
pub(crate) fn columns(table: &Table) -> (Vec<&Column>, usize) {
    let readable = table.columns.iter().filter(|c| c.data_type != DataType::Unreadable);
    let all: Vec<&Column> = readable.collect();
    let count = all.len();
    (all.into_iter().take(MOST_COLUMNS).collect(), count)
}

/// The question.
pub(crate) fn text(table: &Table, columns: &[&Column], most: u64) -> String {
    let quoted = |name: &str| Ident::with_quote('"', name).to_string();
    let columns: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let name: Vec<String> =
        table.schema.as_deref().into_iter().chain([table.name.as_str()]).map(quoted).collect();
    format!("SELECT {} FROM {} LIMIT {most}", columns.join(", "), name.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_what_cannot_be_read_is_left_out() {
        let column = |name: &str, data_type: &str| {
            serde_json::json!({"name": name, "data_type": data_type, "native_type": "x",
                "nullable": true})
        };
        let table = serde_json::json!({"schema": "ops", "name": "odd \"name", "kind": "table",
            "columns": [column("a", "int64"), column("b\"; drop", "text"),
                column("c", "unreadable")]});
        let table: Table = serde_json::from_value(table).unwrap();
        let (shown, all) = columns(&table);
        assert_eq!(all, 2);
        assert_eq!(
            text(&table, &shown, 7),
            "SELECT \"a\", \"b\"\"; drop\" FROM \"ops\".\"odd \"\"name\" LIMIT 7"
        );
    }
}
