//! What somebody may see of the sources: tables, columns and rows.
//!
//! In: whole catalogs, and for each table that is not shown whole an [`Access`]. Out: a
//! [`Prepared`] in which what may not be seen does not exist, so that no name of it can be found,
//! suggested or told; and whose tables carry the filters that the guard puts above every scan
//! (`limit.rs`, `guard/policies.rs`). Absent on purpose: who asks, and why they may.

mod limit;

pub(crate) use limit::Limit;

use crate::prepared::Prepared;
use air_ir::catalog::ForeignKey;
use air_ir::{Catalog, Table};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What may be seen of one table. A table without one is seen whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// Id of the source.
    pub source: String,
    /// Qualified name.
    pub table: String,
    pub shown: Shown,
}

/// How much of a table is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Nothing: there is no such table.
    Nothing,
    /// Nothing, and who asks for it is told why.
    Refused(String),
    /// The rows that pass every filter, without some columns.
    Part {
        /// Filters of an IR on the table's own columns, their parameters bound.
        rows: Vec<Value>,
        hidden: BTreeSet<String>,
    },
}

/// Why a restriction cannot be held to, for those who wrote it: it may name what is hidden.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// What those are told who may not know what a restriction is about.
const UNFIT: &str = "a policy on it does not fit the catalog; an administrator can mend it";

impl Prepared {
    /// Catalogs as somebody sees them who may see no more than `seen` of the tables it names;
    /// entities without a source are those of `default`. What a restriction does not fit is
    /// refused.
    pub fn seen(default: &Arc<Catalog>, others: &[Arc<Catalog>], seen: &[Access]) -> Self {
        let mut refused = Vec::new();
        let mut limits = Vec::new();
        let mut shown = |catalog: &Arc<Catalog>| {
            let own: Vec<&Access> = seen.iter().filter(|a| a.source == catalog.source).collect();
            if own.is_empty() {
                return Arc::clone(catalog);
            }
            let whole = Self::new(Arc::clone(catalog));
            let own = own.into_iter().map(|access| fitted(&whole, access, &mut limits));
            let own: Vec<Access> = own.collect();
            for access in &own {
                if let Shown::Refused(why) = &access.shown {
                    let table = (access.source.clone(), access.table.clone());
                    refused.push((table, why.clone()));
                }
            }
            Arc::new(without(catalog, &own))
        };
        let default = shown(default);
        let others = others.iter().map(&mut shown).collect();
        Self::federated(default, others).limited(limits, refused)
    }
}

/// The access, or a refusal where it cannot be held to; its limit goes to `limits`.
fn fitted(whole: &Prepared, access: &Access, limits: &mut Vec<Limit>) -> Access {
    let Shown::Part { rows, hidden } = &access.shown else { return access.clone() };
    match Limit::new(whole, &access.table, rows, hidden) {
        Ok(limit) => {
            limits.extend(limit);
            access.clone()
        }
        Err(_) => Access { shown: Shown::Refused(UNFIT.to_owned()), ..access.clone() },
    }
}

/// Whether a restriction can be held to. Filters whose parameters are open are only looked at
/// for the columns they name.
///
/// # Errors
/// What does not fit, for those who wrote it.
pub fn check_access(
    catalog: &Arc<Catalog>,
    table: &str,
    rows: &[Value],
    hidden: &BTreeSet<String>,
) -> Result<(), Unfit> {
    let whole = Prepared::new(Arc::clone(catalog));
    limit::check(&whole, table, rows, hidden)
}

/// The catalog without what is not shown, its version another one.
fn without(catalog: &Catalog, own: &[Access]) -> Catalog {
    let mut seen = catalog.clone();
    seen.version = version(catalog, own);
    let of = |table: &Table| own.iter().find(|a| a.table == table.qualified_name());
    seen.tables.retain(|t| of(t).is_none_or(|a| matches!(a.shown, Shown::Part { .. })));
    for table in &mut seen.tables {
        if let Some(Shown::Part { rows, hidden }) = of(table).map(|a| &a.shown) {
            hide(table, hidden);
            if !rows.is_empty() {
                forget_rows(table);
            }
        }
    }
    let names: Vec<Table> = seen.tables.clone();
    for table in &mut seen.tables {
        let schema = table.schema.clone();
        table.foreign_keys.retain(|key| leads(key, schema.as_deref(), &names));
    }
    seen
}

/// Whether what a key references is shown.
fn leads(key: &ForeignKey, schema: Option<&str>, tables: &[Table]) -> bool {
    let to = &key.references;
    let schema = to.schema.as_deref().or(schema);
    let found = tables.iter().find(|t| t.name == to.table && t.schema.as_deref() == schema);
    found.is_some_and(|t| to.columns.iter().all(|c| t.column(c).is_some()))
}

/// A version of its own: what was kept for the whole catalog, or for others, is not this one's.
fn version(catalog: &Catalog, own: &[Access]) -> String {
    let text = serde_json::to_string(own).unwrap_or_default();
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &text).hash(&mut hasher);
        hasher.finish()
    };
    format!("{}-{:016x}{:016x}", catalog.version, half(1), half(2))
}

/// Takes columns away, with every key that is made of them.
fn hide(table: &mut Table, hidden: &BTreeSet<String>) {
    table.columns.retain(|c| !hidden.contains(&c.name));
    let shown = |columns: &[String]| columns.iter().all(|c| !hidden.contains(c));
    if !shown(&table.primary_key) {
        table.primary_key.clear();
    }
    table.foreign_keys.retain(|key| shown(&key.columns));
    table.indexes.retain(|index| shown(&index.columns));
    // Names of files and folders can tell columns and their values.
    table.storage = None;
}

/// Takes away what was learned from all rows, since some are not shown.
fn forget_rows(table: &mut Table) {
    table.row_estimate = None;
    for column in &mut table.columns {
        column.stats = None;
        column.values = None;
    }
}
