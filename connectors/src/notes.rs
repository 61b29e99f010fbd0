//! Schema notes in Markdown, one chunk for each table, from a catalog.
//!
//! In: a catalog. Out: the notes a model reads, each with the hash of its text, so that learning
//! again writes only what changed. Deliberately absent: storing them.

use crate::learned::hex;
use air_ir::catalog::{Column, ForeignKey, Role, Table};
use air_ir::{Catalog, DataType};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Values of a text column that are named in the notes.
const VALUES_SHOWN: usize = 12;

/// One chunk of the notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Qualified name of the table.
    pub object: String,
    /// Counted from 0; a table has one chunk.
    pub chunk: u32,
    pub md: String,
    /// SHA-256 of `md`, in hexadecimal.
    pub md_hash: String,
}

/// The notes of every table, in the catalog's order.
pub fn notes(catalog: &Catalog) -> Vec<Note> {
    catalog.tables.iter().map(|table| note(catalog, table)).collect()
}

fn note(catalog: &Catalog, table: &Table) -> Note {
    let mut md = String::new();
    write_note(&mut md, catalog, table);
    let md_hash = hex(&Sha256::digest(md.as_bytes()));
    Note { object: table.qualified_name(), chunk: 0, md, md_hash }
}

fn write_note(md: &mut String, catalog: &Catalog, table: &Table) {
    // Writing to a string cannot fail, hence the ignored results below.
    let _ = writeln!(md, "## {}\n", table.qualified_name());
    if let Some(text) = &table.description {
        let _ = writeln!(md, "{}\n", one_line(text));
    }
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            let _ = writeln!(md, "- {name}: {value}");
        }
    };
    fact("also called", Some(table.synonyms.join(", ")));
    fact("primary key", Some(table.primary_key.join(", ")));
    fact("time column", table.time_column.clone());
    fact("time zone", catalog.time_zone.clone().filter(|_| table.time_column.is_some()));
    for key in &table.foreign_keys {
        fact("foreign key", Some(foreign_key(key)));
    }
    if table.time_series {
        fact("time series", Some("queries need a bounded time range".to_owned()));
    }
    let _ = writeln!(md, "\n| column | type | role | meaning |\n|---|---|---|---|");
    for column in &table.columns {
        let _ = writeln!(
            md,
            "| {} | {} | {} | {} |",
            cell(&column.name),
            kind(column),
            role(column),
            meaning(column)
        );
    }
}

fn foreign_key(key: &ForeignKey) -> String {
    let target = match &key.references.schema {
        Some(schema) => format!("{schema}.{}", key.references.table),
        None => key.references.table.clone(),
    };
    let role = key.role.as_ref().map(|r| format!(" as {r}")).unwrap_or_default();
    format!(
        "({}) to {target} ({}){role}",
        key.columns.join(", "),
        key.references.columns.join(", ")
    )
}

fn kind(column: &Column) -> String {
    if column.data_type == DataType::Unreadable {
        return format!("{} (cannot be read)", cell(&column.native_type));
    }
    let null = if column.nullable { ", nullable" } else { "" };
    format!("{}{null}", column.data_type)
}

fn role(column: &Column) -> &'static str {
    match column.role {
        Some(Role::Time) => "time",
        Some(Role::Key) => "key",
        Some(Role::Measure) => "measure",
        Some(Role::Dimension) => "dimension",
        None => "",
    }
}

fn meaning(column: &Column) -> String {
    let mut parts = Vec::new();
    parts.extend(column.description.as_deref().map(one_line));
    parts.extend(column.unit.as_ref().map(|unit| format!("in {unit}")));
    if !column.synonyms.is_empty() {
        parts.push(format!("also {}", column.synonyms.join(", ")));
    }
    if let Some(values) = column.values.as_ref().filter(|v| v.complete && !v.counts.is_empty()) {
        // The most frequent, and of equals the first by name, so that equal data gives equal notes.
        let mut by_count: Vec<(&String, &u64)> = values.counts.iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let shown: Vec<String> = by_count
            .iter()
            .take(VALUES_SHOWN)
            .map(|(v, _)| format!("\"{}\"", one_line(v)))
            .collect();
        let more = values.counts.len().saturating_sub(VALUES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push(format!("values: {}{more}", shown.join(", ")));
    }
    cell(&parts.join("; "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
