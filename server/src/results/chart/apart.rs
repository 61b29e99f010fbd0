//! Groups that only tell the members of another group apart: a customer's key beside the name.
//!
//! In: cells. Out: the same, where a group that occurs with only one member of the group before it
//! is no group of its own but stands with that member's name: a number only where two would else
//! be called the same. As a series each of its members would have one bar in one place.

use std::collections::{HashMap, HashSet};

use air_ir::DataType;
use air_ir::catalog::Role;
use serde_json::Value;

use super::Cells;

/// The cells that charts without a definition are drawn of.
pub(super) fn folded(cells: Cells) -> Cells {
    let groups = cells.of_role(|role| matches!(role, Role::Dimension | Role::Key));
    let pairs = groups.windows(2).rev();
    let found = pairs.map(|pair| (pair[0], pair[1])).find(|(name, key)| tells(&cells, *name, *key));
    match found {
        Some((name, key)) => folded(fold(cells, name, key)),
        None => cells,
    }
}

/// Whether each member of `key` has one `name`.
fn tells(cells: &Cells, name: usize, key: usize) -> bool {
    let mut names: HashMap<String, String> = HashMap::new();
    let one = (0..cells.len()).all(|row| {
        let said = cells.text(name, row);
        *names.entry(cells.text(key, row)).or_insert_with(|| said.clone()) == said
    });
    one && names.len() > 1
}

fn fold(mut cells: Cells, name: usize, key: usize) -> Cells {
    let text = cells.columns.get(key).is_some_and(|(column, _)| column.r#type == DataType::Text);
    let mut keys: HashMap<String, HashSet<String>> = HashMap::new();
    for row in 0..cells.len() {
        keys.entry(cells.text(name, row)).or_default().insert(cells.text(key, row));
    }
    let named = (0..cells.len()).map(|row| {
        let said = cells.text(name, row);
        match text || keys.get(&said).is_some_and(|keys| keys.len() > 1) {
            true => Value::String(format!("{said} · {}", cells.text(key, row))),
            false => Value::String(said),
        }
    });
    let named: Vec<Value> = named.collect();
    let (beside, _) = cells.columns.remove(key);
    if let Some((column, values)) = cells.columns.get_mut(name) {
        if text {
            column.name = format!("{} and {}", column.name, beside.name);
        }
        *values = named;
    }
    cells
}
