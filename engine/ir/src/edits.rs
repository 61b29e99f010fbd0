//! What people say of a catalog, kept apart from what was learned so that it survives learning
//! again.

use crate::catalog::{Found, Role};
use crate::{Catalog, Code, IrError, Pointer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Edits by table name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogEdits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub tables: BTreeMap<String, TableEdit>,
}

/// Edits of one table; what is not given stays as it was learned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_series: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnEdit>,
}

/// Edits of one column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl CatalogEdits {
    /// Lays `newer` over these edits.
    pub fn merge(&mut self, newer: Self) {
        put(&mut self.time_zone, newer.time_zone);
        for (name, edit) in newer.tables {
            let table = self.tables.entry(name).or_default();
            put(&mut table.display_name, edit.display_name);
            put(&mut table.description, edit.description);
            put(&mut table.synonyms, edit.synonyms);
            put(&mut table.time_column, edit.time_column);
            put(&mut table.time_series, edit.time_series);
            for (name, edit) in edit.columns {
                let column = table.columns.entry(name).or_default();
                put(&mut column.display_name, edit.display_name);
                put(&mut column.description, edit.description);
                put(&mut column.synonyms, edit.synonyms);
                put(&mut column.unit, edit.unit);
                put(&mut column.role, edit.role);
            }
        }
    }

    /// Every name in the edits that `catalog` does not have.
    pub fn check(&self, catalog: &Catalog) -> Vec<IrError> {
        let mut errors = Vec::new();
        for (name, edit) in &self.tables {
            let at = Pointer::root().key("tables").key(name);
            let Found::One(table) = catalog.table(name) else {
                let known: Vec<String> = catalog.table_names().collect();
                let detail = format!("There is no table \"{name}\" in this catalog.");
                let error = IrError::new(Code::UnknownEntity, &at, detail);
                errors.push(error.near(name, known.iter().map(String::as_str)));
                continue;
            };
            let columns = || table.columns.iter().map(|c| c.name.as_str());
            let named = edit.columns.keys().map(|c| (at.key("columns").key(c), c));
            let time = edit.time_column.iter().map(|c| (at.key("time_column"), c));
            for (at, column) in named.chain(time) {
                if table.column(column).is_none() {
                    let detail = format!("There is no column \"{column}\" in \"{name}\".");
                    errors.push(
                        IrError::new(Code::UnknownColumn, &at, detail).near(column, columns()),
                    );
                }
            }
        }
        errors
    }

    /// Changes `catalog` as the edits say; names it does not have (any more) are passed over.
    pub fn apply(&self, catalog: &mut Catalog) {
        put(&mut catalog.time_zone, self.time_zone.clone());
        for table in &mut catalog.tables {
            let (qualified, bare) = (table.qualified_name(), table.name.clone());
            let Some(edit) = self.tables.get(&qualified).or_else(|| self.tables.get(&bare)) else {
                continue;
            };
            put(&mut table.display_name, edit.display_name.clone());
            put(&mut table.description, edit.description.clone());
            put(&mut table.time_column, edit.time_column.clone());
            table.synonyms = edit.synonyms.clone().unwrap_or_else(|| table.synonyms.clone());
            table.time_series = edit.time_series.unwrap_or(table.time_series);
            for column in &mut table.columns {
                let Some(edit) = edit.columns.get(&column.name) else { continue };
                put(&mut column.display_name, edit.display_name.clone());
                put(&mut column.description, edit.description.clone());
                put(&mut column.unit, edit.unit.clone());
                put(&mut column.role, edit.role);
                column.synonyms = edit.synonyms.clone().unwrap_or_else(|| column.synonyms.clone());
            }
        }
    }
}

fn put<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}
