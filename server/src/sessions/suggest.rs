//! Questions to begin a session with: what its catalog lets one ask.
//!
//! In: a catalog with figures. Out: a few questions, the most telling first: a trend where there is
//! time, sums and averages by what divides the rows, the largest of many. Each was read by the
//! built-in interpreter, planned and guarded before it is shown, so that it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use air_engine::Prepared;
use air_engine::ask::{Interpretation, Question, interpret_with};
use air_ir::catalog::Role;
use air_ir::{Catalog, Column, DataType, Table};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::id::DatasourceId;
use crate::pipeline::{plan_options, policy, sources};
use crate::problem::ApiError;
use crate::service::App;

/// Questions that are shown.
const MOST: usize = 8;
/// A reading that is less sure would have to say what it assumed.
const SURE: f64 = 0.9;
/// Values that a breakdown shows well, and those of which only the largest are of interest.
const FEW: u64 = 30;
const MANY: u64 = 1_000;
/// Words of figures that are not added up.
const LEVELS: [&str; 14] = [
    "price", "rate", "ratio", "percent", "pct", "share", "avg", "average", "mean", "temp", "score",
    "age", "size", "level",
];

/// The questions that are answered, at most [`MOST`].
pub(super) async fn answered(
    app: &Arc<App>,
    source: &DatasourceId,
    prepared: Arc<Prepared>,
) -> Result<Vec<String>, ApiError> {
    let (app, source) = (Arc::clone(app), source.clone());
    let work = move || {
        let lexicon = sources::lexicon(&app, &source, prepared.catalog());
        let now = Timestamp::now();
        let is_answered = |text: &String| {
            let (catalog, answers) = (prepared.catalog().as_ref(), BTreeMap::new());
            let question = Question { text, catalog, now, previous: None, answers: &answers };
            let Interpretation::Answer(draft) = interpret_with(&lexicon, &question) else {
                return false;
            };
            let plan = air_engine::plan(&draft.ir, &prepared, &plan_options(&app, now));
            draft.confidence >= SURE
                && plan.is_ok_and(|plan| air_engine::guard(plan, &policy(&app)).is_ok())
        };
        candidates(prepared.catalog()).into_iter().filter(is_answered).take(MOST).collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

/// What may be asked, the most telling first, each once.
fn candidates(catalog: &Catalog) -> Vec<String> {
    let mut tables: Vec<&Table> = catalog.tables.iter().collect();
    // Facts lead to other tables, and have the most rows.
    let rows = |table: &Table| table.row_estimate.unwrap_or(0);
    tables.sort_by_key(|t| (t.foreign_keys.is_empty(), std::cmp::Reverse(rows(t))));
    let mut found = Vec::new();
    let each: Vec<Vec<String>> = tables.iter().map(|table| of_table(catalog, table)).collect();
    // The first table gives most of them; no table is left out.
    let mut rest: Vec<_> = each.into_iter().map(Vec::into_iter).collect();
    if let Some(first) = rest.first_mut() {
        found.extend(first.by_ref().take(MOST - 2));
    }
    while rest.iter().any(|questions| !questions.as_slice().is_empty()) {
        found.extend(rest.iter_mut().rev().filter_map(Iterator::next));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|question| seen.insert(question.clone()));
    found
}

fn of_table(catalog: &Catalog, table: &Table) -> Vec<String> {
    let rows = format!("number of {}", words(&table.name));
    let measures: Vec<String> =
        table.columns.iter().filter(|c| is_measure(c)).map(figure).collect();
    let first = measures.first().unwrap_or(&rows);
    let own = dividing(table);
    let near: Vec<&Column> = table
        .foreign_keys
        .iter()
        .filter_map(|key| catalog.tables.iter().find(|t| t.name == key.references.table))
        .flat_map(dividing)
        .collect();
    let mut found = Vec::new();
    let unit = unit(table);
    found.extend(unit.map(|unit| format!("{first} by {unit}")));
    found.extend(near.first().map(|by| format!("{first} by {}", words(&by.name))));
    found.extend(own.first().map(|by| format!("{first} by {}", words(&by.name))));
    found.extend(largest(table).map(|of| format!("top 5 {} by {first}", words(&of.name))));
    let second = measures.get(1).unwrap_or(&rows);
    let by = own.get(1).or(near.get(1)).or(own.first()).or(near.first());
    found.extend(by.map(|by| format!("{second} by {}", words(&by.name))));
    found.extend(own.first().or(near.first()).map(|by| format!("{rows} by {}", words(&by.name))));
    if let (Some(by), Some(unit)) = (own.first().or(near.first()), unit) {
        found.push(format!("{first} by {} and {unit}", words(&by.name)));
    }
    found
}

/// A name as people say it.
fn words(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

fn is_measure(column: &Column) -> bool {
    column.role == Some(Role::Measure) && column.data_type.is_numeric()
}

/// A measure as it is summed up.
fn figure(column: &Column) -> String {
    let words = words(&column.name);
    let is_level = words.to_lowercase().split(' ').any(|word| LEVELS.contains(&word));
    format!("{} {words}", if is_level { "average" } else { "total" })
}

/// Columns by which the rows fall into a few parts.
fn dividing(table: &Table) -> Vec<&Column> {
    let parts = |c: &&Column| {
        c.role == Some(Role::Dimension) && distinct(c).is_some_and(|n| (2..=FEW).contains(&n))
    };
    let plain = |c: &&Column| matches!(c.data_type, DataType::Text | DataType::Bool);
    table.columns.iter().filter(plain).filter(parts).collect()
}

/// A column of which only the largest are of interest.
fn largest(table: &Table) -> Option<&Column> {
    let fits = |c: &&Column| {
        let divides = matches!(c.role, Some(Role::Dimension | Role::Key));
        let of_rows = table.primary_key.contains(&c.name);
        let many = distinct(c).is_some_and(|n| (6..=MANY).contains(&n));
        divides && !of_rows && many && c.data_type == DataType::Text
    };
    table.columns.iter().find(fits)
}

fn distinct(column: &Column) -> Option<u64> {
    column.stats.as_ref()?.distinct
}

/// The unit in which the time of a table has some buckets, and not too many.
fn unit(table: &Table) -> Option<&'static str> {
    let stats = table.column(table.time_column.as_deref()?)?.stats.as_ref()?;
    let day = |text: &Option<String>| text.as_ref()?.get(..10)?.parse::<Date>().ok();
    let (from, to) = (day(&stats.min)?, day(&stats.max)?);
    Some(match from.until(to).ok()?.get_days() {
        ..=2 => "hour",
        3..=60 => "day",
        61..=2_000 => "month",
        _ => "year",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(name: &str, kind: &str, role: &str, distinct: u64) -> serde_json::Value {
        json!({"name": name, "data_type": kind, "native_type": "", "nullable": false, "role": role,
            "stats": {"distinct": distinct, "min": "2024-01-01T00:00:00Z", "max": "2024-12-30"}})
    }

    #[test]
    fn facts_come_first_and_no_table_is_left_out() {
        let sales = json!({"name": "sales", "kind": "files", "row_estimate": 400,
            "primary_key": ["sale_id"], "time_column": "sold_at",
            "foreign_keys": [{"columns": ["store"],
                "references": {"table": "stores", "columns": ["store"]}}],
            "columns": [column("sale_id", "int64", "key", 400),
                column("sold_at", "timestamp", "time", 300), column("store", "text", "key", 12),
                column("channel", "text", "dimension", 3),
                column("net_amount", "float64", "measure", 390),
                column("unit_price", "float64", "measure", 9)]});
        let stores = json!({"name": "stores", "kind": "files", "row_estimate": 12,
            "primary_key": ["store"], "columns": [column("store", "text", "key", 12),
                column("region", "text", "dimension", 4)]});
        let catalog = json!({"source": "s", "kind": "files", "version": "1",
            "tables": [stores, sales]});
        let catalog: Catalog = serde_json::from_value(catalog).unwrap();
        assert_eq!(
            candidates(&catalog),
            [
                "total net amount by month",
                "total net amount by region",
                "total net amount by channel",
                "top 5 store by total net amount",
                "average unit price by channel",
                "number of sales by channel",
                "number of stores by region",
                "total net amount by channel and month",
            ]
        );
    }
}
