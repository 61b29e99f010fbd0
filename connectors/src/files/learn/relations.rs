//! Keys that nobody declared, found in what the files hold.
//!
//! In: tables with their figures. Out: the same with a primary key where one column tells all rows
//! apart, and with foreign keys where a column's values are those of another table's key and its
//! name says so. What is found holds for every row there is: uniqueness is counted, and so are
//! values without a partner. Deliberately absent: keys of several columns.

use super::{Draft, Learning};
use crate::error::SourceError;
use crate::files::from_engine;
use crate::learned::{fill_roles, name_keys};
use air_ir::catalog::{ForeignKey, Reference};
use air_ir::{Column, DataType, Table};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, JoinType, cast};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// Columns of one table that are tried as its key.
const MOST_TRIED: usize = 3;
/// A column whose distinct values are estimated to be fewer is no key.
const NEAR_UNIQUE: f64 = 0.9;
/// Of the values of a foreign key at least so many have a partner.
const PARTNERED: f64 = 0.9;
/// Names that say nothing of what they number.
const PLAIN: [&str; 6] = ["id", "key", "code", "name", "no", "number"];
/// Values that a column must have at least, and the share of the key's that they must be, for it
/// to be joined by its values alone.
const VALUES: u64 = 3;
const COVERED: f64 = 0.5;

/// A foreign key that may be one.
struct Candidate {
    child: usize,
    column: String,
    parent: usize,
    key: String,
    /// Whether the names say so; else every value must.
    named: bool,
}

impl<P: Fn(&str, u8) + Send + Sync> Learning<'_, P> {
    /// Finds keys, as far as the time limit allows; those declared stay as they are.
    pub(super) async fn find_keys(
        &self,
        drafts: &mut [Draft],
        zone: Option<&str>,
    ) -> Result<(), SourceError> {
        let until = Instant::now() + self.options.time_limit;
        for at in 0..drafts.len() {
            if drafts[at].table.primary_key.is_empty() && Instant::now() < until {
                (self.progress)(&format!("looking for the key of {}", drafts[at].table.name), 90);
                if let Some(key) = self.own_key(drafts, at, zone).await? {
                    drafts[at].table.primary_key = vec![key];
                }
            }
        }
        let tables: Vec<&Table> = drafts.iter().map(|draft| &draft.table).collect();
        let mut found: Vec<Candidate> = Vec::new();
        for candidate in candidates(&tables) {
            // One column leads to one table: names go before values, as the candidates do.
            let taken = found.iter().any(|f| {
                let same = f.child == candidate.child && f.column == candidate.column;
                let back = f.child == candidate.parent && f.parent == candidate.child;
                same || (back && f.column == candidate.key)
            });
            if taken || Instant::now() >= until {
                continue;
            }
            if self.holds(drafts, &candidate, zone).await? {
                found.push(candidate);
            }
        }
        for candidate in found {
            let table = drafts[candidate.parent].table.name.clone();
            let references = Reference { schema: None, table, columns: vec![candidate.key] };
            let columns = vec![candidate.column];
            let key = ForeignKey { columns, references, role: None };
            drafts[candidate.child].table.foreign_keys.push(key);
        }
        drafts.iter_mut().for_each(|draft| {
            name_keys(&mut draft.table);
            // Roles follow from keys.
            for column in &mut draft.table.columns {
                column.role = draft.declared.column(&column.name).and_then(|d| d.role);
            }
            fill_roles(&mut draft.table);
        });
        Ok(())
    }

    /// The column that tells the rows of a table apart, the likeliest first.
    async fn own_key(
        &self,
        drafts: &[Draft],
        at: usize,
        zone: Option<&str>,
    ) -> Result<Option<String>, SourceError> {
        let table = &drafts[at].table;
        let others: HashSet<String> = drafts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .flat_map(|(_, draft)| draft.table.columns.iter().map(|c| c.name.to_lowercase()))
            .collect();
        let mut likely: Vec<(u8, &Column)> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| may_be_key(table, column))
            .map(|(place, column)| (likelihood(table, column, place, &others), column))
            .collect();
        likely.sort_by_key(|(likelihood, _)| *likelihood);
        for (_, column) in likely.into_iter().take(MOST_TRIED) {
            let key = [column.name.clone()];
            if self.first_duplicate(&drafts[at], &key, zone).await?.is_none() {
                return Ok(Some(column.name.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the values of a column have their partners in the key it may lead to.
    async fn holds(
        &self,
        drafts: &[Draft],
        candidate: &Candidate,
        zone: Option<&str>,
    ) -> Result<bool, SourceError> {
        let child = self.values(&drafts[candidate.child], &candidate.column, "child", zone)?;
        let parent = self.values(&drafts[candidate.parent], &candidate.key, "parent", zone)?;
        let all = child.clone().count().await.map_err(from_engine)?;
        let keys = parent.clone().count().await.map_err(from_engine)?;
        let alone = child
            .join(parent, JoinType::LeftAnti, &["child"], &["parent"], None)
            .map_err(from_engine)?;
        let alone = alone.count().await.map_err(from_engine)?;
        let share = (all - alone.min(all)) as f64 / all.max(1) as f64;
        Ok(match candidate.named {
            true => all > 0 && share >= PARTNERED,
            false => alone == 0 && all as u64 >= VALUES && all as f64 >= keys as f64 * COVERED,
        })
    }

    /// The distinct values of a column, in a form in which two columns can be compared.
    fn values(
        &self,
        draft: &Draft,
        column: &str,
        name: &str,
        zone: Option<&str>,
    ) -> Result<DataFrame, SourceError> {
        let provider = Arc::new(self.source.provider(&draft.table, zone, &draft.current)?);
        let is_text = draft.table.column(column).is_some_and(|c| c.data_type == DataType::Text);
        let form = if is_text { ArrowType::Utf8View } else { ArrowType::Int64 };
        let value = Expr::Column(datafusion::common::Column::new_unqualified(column));
        let frame = self.session.read_table(provider).map_err(from_engine)?;
        frame
            .filter(value.clone().is_not_null())
            .and_then(|f| f.select(vec![cast(value, form).alias(name)]))
            .and_then(DataFrame::distinct)
            .map_err(from_engine)
    }
}

/// Whether a column's figures let it tell all rows apart.
fn may_be_key(table: &Table, column: &Column) -> bool {
    let rows = table.row_estimate.unwrap_or(0);
    let Some(stats) = column.stats.as_ref().filter(|_| rows > 1 && joins(column)) else {
        return false;
    };
    let distinct = stats.distinct.unwrap_or(0) as f64;
    stats.null_share == Some(0.0) && distinct >= rows as f64 * NEAR_UNIQUE
}

/// Whether a column is of a type that keys have.
fn joins(column: &Column) -> bool {
    let narrow = column.data_type.is_integer() && column.data_type != DataType::Uint64;
    narrow || column.data_type == DataType::Text
}

/// How likely a column is the key; the least is the likeliest.
fn likelihood(table: &Table, column: &Column, place: usize, others: &HashSet<String>) -> u8 {
    let (name, table) = (column.name.to_lowercase(), table.name.to_lowercase());
    let one = singular(&table);
    if name == "id" || [&table, &one].iter().any(|t| name == format!("{t}_id")) {
        0
    } else if others.contains(&name) {
        1
    } else if name == one || [&table, &one].iter().any(|t| name.starts_with(t.as_str())) {
        2
    } else if ["_id", "_key", "_code", "_no"].iter().any(|end| name.ends_with(end)) {
        3
    } else if PLAIN.contains(&name.as_str()) || place == 0 {
        4
    } else {
        5
    }
}

/// Columns that may lead to another table's key: those whose names say so, then those of text
/// whose values alone could.
fn candidates(tables: &[&Table]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for named in [true, false] {
        for (child, table) in tables.iter().enumerate() {
            for (parent, target) in tables.iter().enumerate().filter(|(p, _)| *p != child) {
                let [key] = target.primary_key.as_slice() else { continue };
                let Some(key) = target.column(key).filter(|key| joins(key)) else { continue };
                for column in table.columns.iter().filter(|c| joins(c) && free(table, c)) {
                    let alike = column.data_type == key.data_type
                        || (column.data_type.is_integer() && key.data_type.is_integer());
                    let fits = match named {
                        true => leads(&column.name, target, &key.name),
                        false => by_values(table, column),
                    };
                    if alike && fits {
                        let (column, key) = (column.name.clone(), key.name.clone());
                        found.push(Candidate { child, column, parent, key, named });
                    }
                }
            }
        }
    }
    found
}

/// Whether nothing is declared of a column's key yet.
fn free(table: &Table, column: &Column) -> bool {
    !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
}

/// Whether a column's name says that it leads to the key of a table.
fn leads(column: &str, target: &Table, key: &str) -> bool {
    let (column, key) = (column.to_lowercase(), key.to_lowercase());
    let table = target.name.to_lowercase();
    let one = singular(&table);
    let plain = PLAIN.contains(&key.as_str());
    if !plain && (column == key || column.ends_with(&format!("_{key}"))) {
        return true;
    }
    [&table, &one].iter().any(|t| {
        let whole = [format!("{t}_{key}"), format!("{t}{key}"), (*t).clone()];
        whole.contains(&column) || column.ends_with(&format!("_{t}_{key}"))
    })
}

/// Whether a column's values may be looked for in any key: codes, of which each is there often.
fn by_values(table: &Table, column: &Column) -> bool {
    let distinct = column.stats.as_ref().and_then(|stats| stats.distinct).unwrap_or(0);
    column.data_type == DataType::Text
        && !table.primary_key.contains(&column.name)
        && distinct >= VALUES
        && distinct.saturating_mul(2) <= table.row_estimate.unwrap_or(0)
}

/// One of what a table's name counts, as English has it for the most part.
fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let es = ["sses", "xes", "ches", "shes"].iter().any(|end| name.ends_with(end));
    match (es, name.ends_with("ss")) {
        (true, _) => name[..name.len() - 2].to_owned(),
        (false, false) => name.strip_suffix('s').unwrap_or(name).to_owned(),
        (false, true) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_somewhere() {
        for (column, table, key, wanted) in [
            ("customer_id", "customers", "id", true),
            ("customerid", "customers", "id", true),
            ("customer", "customers", "id", true),
            ("billing_customer_id", "customers", "id", true),
            ("store", "stores", "store", true),
            ("home_store", "stores", "store", true),
            ("carrier", "airlines", "carrier", true),
            ("city_id", "cities", "id", true),
            ("id", "customers", "id", false),
            ("name", "customers", "name", false),
            ("custom", "customers", "id", false),
            ("order_id", "customers", "id", false),
        ] {
            let target = Table { name: table.to_owned(), ..nothing() };
            assert_eq!(leads(column, &target, key), wanted, "{column} → {table}.{key}");
        }
    }

    fn nothing() -> Table {
        serde_json::from_value(serde_json::json!({"name": "", "kind": "files", "columns": []}))
            .unwrap()
    }

    #[test]
    fn tables_are_counted_by_one() {
        let words = ["stores", "cities", "boxes", "glass", "classes", "branches", "houses"];
        let ones: Vec<String> = words.iter().map(|word| singular(word)).collect();
        assert_eq!(ones, ["store", "city", "box", "glass", "class", "branch", "house"]);
    }
}
