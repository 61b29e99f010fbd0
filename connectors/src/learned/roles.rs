//! What columns are for, where nobody declared it.

use air_ir::catalog::{ForeignKey, Role};
use air_ir::{DataType, Table};
use std::collections::BTreeSet;

/// The time column where there is but one candidate; keys by keys and by name; numbers measure;
/// the rest divides.
pub(crate) fn fill_roles(table: &mut Table) {
    if table.time_column.is_none() {
        table.time_column = only_time(table);
    }
    let mut keys: Vec<String> = table.primary_key.clone();
    keys.extend(table.foreign_keys.iter().flat_map(|k| k.columns.iter().cloned()));
    let time = table.time_column.clone();
    for column in &mut table.columns {
        if column.role.is_some() {
            continue;
        }
        let name = column.name.to_lowercase();
        column.role = Some(if time.as_ref() == Some(&column.name) {
            Role::Time
        } else if keys.contains(&column.name) || name == "id" || name.ends_with("_id") {
            Role::Key
        } else if column.data_type.is_numeric() {
            Role::Measure
        } else {
            Role::Dimension
        });
    }
}

/// The column declared as time, or the single timestamp, or else the single date.
fn only_time(table: &Table) -> Option<String> {
    let of = |wanted: &dyn Fn(&air_ir::Column) -> bool| -> Vec<String> {
        table.columns.iter().filter(|c| wanted(c)).map(|c| c.name.clone()).collect()
    };
    let declared = of(&|c| c.role == Some(Role::Time) && c.data_type.is_temporal());
    let stamps = of(&|c| matches!(c.data_type, DataType::Timestamp | DataType::Timestamptz));
    let dates = of(&|c| c.data_type == DataType::Date);
    let candidates = if !declared.is_empty() {
        declared
    } else if !stamps.is_empty() {
        stamps
    } else {
        dates
    };
    match candidates.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// Names keys that lead from one table to the same other: by their column without what only says
/// that it is a key. A key whose name would be another's keeps its columns' whole names.
pub(crate) fn name_keys(table: &mut Table) {
    let target = |k: &ForeignKey| (k.references.schema.clone(), k.references.table.clone());
    let targets: Vec<_> = table.foreign_keys.iter().map(target).collect();
    let mut taken = BTreeSet::new();
    for (i, key) in table.foreign_keys.iter_mut().enumerate() {
        if targets.iter().filter(|t| **t == targets[i]).count() < 2 || key.role.is_some() {
            continue;
        }
        let whole = key.columns.join("_");
        let short = key.columns.last().map(|c| without_key(c).to_owned());
        let role = short.filter(|s| !taken.contains(s)).unwrap_or(whole);
        taken.insert(role.clone());
        key.role = Some(role);
    }
}

fn without_key(column: &str) -> &str {
    let lower = column.to_ascii_lowercase();
    let end = ["_id", "_key", "_code", "_fk", "_uuid"].into_iter().find(|e| lower.ends_with(e));
    match end {
        Some(end) if column.len() > end.len() => &column[..column.len() - end.len()],
        _ => column,
    }
}
