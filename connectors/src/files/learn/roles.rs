//! What columns are for, where nobody declared it.

use air_ir::catalog::Role;
use air_ir::{DataType, Table};

/// The time column where there is but one candidate; keys by keys and by name; numbers measure;
/// the rest divides.
pub(super) fn fill_roles(table: &mut Table) {
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
