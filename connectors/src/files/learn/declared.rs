//! Whether what `dataset.yaml` names is there: columns, keys, the tables that keys lead to.

use super::Draft;
use crate::error::{DatasetProblem, SourceError};
use crate::learned::fill_roles;
use air_ir::{Table, nearest};

/// Checks every name at once, then fills roles that nobody declared.
pub(super) fn check_declarations(drafts: &mut [Draft]) -> Result<(), SourceError> {
    let mut problems = Vec::new();
    for draft in drafts.iter() {
        let (table, path) = (&draft.table, format!("tables.{}", draft.table.name));
        for declared in &draft.declared.columns {
            known_column(
                table,
                &declared.name,
                &format!("{path}.columns.{}", declared.name),
                &mut problems,
            );
        }
        for name in &table.primary_key {
            known_column(table, name, &format!("{path}.primary_key"), &mut problems);
        }
        if let Some(name) = &table.time_column {
            let path = format!("{path}.time_column");
            if known_column(table, name, &path, &mut problems)
                && table.column(name).is_some_and(|c| !c.data_type.is_temporal())
            {
                let message = format!("\"{name}\" is no date or timestamp; declare its type");
                problems.push(DatasetProblem { path, message, nearest: Vec::new() });
            }
        }
        foreign_keys(table, &path, drafts, &mut problems);
    }
    if !problems.is_empty() {
        return Err(SourceError::Dataset { problems });
    }
    drafts.iter_mut().for_each(|draft| fill_roles(&mut draft.table));
    Ok(())
}

fn foreign_keys(table: &Table, path: &str, drafts: &[Draft], problems: &mut Vec<DatasetProblem>) {
    for (i, key) in table.foreign_keys.iter().enumerate() {
        let path = format!("{path}.foreign_keys[{i}]");
        let mine: Vec<bool> =
            key.columns.iter().map(|c| known_column(table, c, &path, problems)).collect();
        let target = drafts.iter().map(|d| &d.table).find(|t| t.name == key.references.table);
        let Some(target) = target else {
            problems.push(DatasetProblem {
                path: format!("{path}.references.table"),
                message: format!("there is no table \"{}\"", key.references.table),
                nearest: nearest(
                    &key.references.table,
                    drafts.iter().map(|d| d.table.name.as_str()),
                ),
            });
            continue;
        };
        for ((from, to), is_known) in key.columns.iter().zip(&key.references.columns).zip(mine) {
            let path = format!("{path}.references.columns");
            if !known_column(target, to, &path, problems) || !is_known {
                continue;
            }
            if let (Some(a), Some(b)) = (table.column(from), target.column(to))
                && a.data_type != b.data_type
                && !(a.data_type.is_integer() && b.data_type.is_integer())
            {
                let message = format!(
                    "\"{from}\" is {}, but \"{}.{to}\" is {}",
                    a.data_type, target.name, b.data_type
                );
                problems.push(DatasetProblem { path, message, nearest: Vec::new() });
            }
        }
    }
}

fn known_column(table: &Table, name: &str, path: &str, problems: &mut Vec<DatasetProblem>) -> bool {
    let is_known = table.column(name).is_some();
    if !is_known {
        problems.push(DatasetProblem {
            path: path.to_owned(),
            message: format!("the files of \"{}\" have no column \"{name}\"", table.name),
            nearest: nearest(name, table.columns.iter().map(|c| c.name.as_str())),
        });
    }
    is_known
}

/// Checks and fills one table again, after its types were guessed anew. The tables that its keys
/// lead to are there, as the first check told; that types agree is told here for the time column.
pub(super) fn check_again(draft: &mut Draft) -> Result<(), SourceError> {
    let table = &mut draft.table;
    if let Some(name) = &table.time_column
        && table.column(name).is_some_and(|c| !c.data_type.is_temporal())
    {
        let problem = DatasetProblem {
            path: format!("tables.{}.time_column", table.name),
            message: format!("\"{name}\" is no date or timestamp; declare its type"),
            nearest: Vec::new(),
        };
        return Err(SourceError::Dataset { problems: vec![problem] });
    }
    fill_roles(table);
    Ok(())
}
