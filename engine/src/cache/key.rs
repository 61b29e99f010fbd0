//! What a plan depends on beside the IR, as bytes to tell plans apart by.

use super::Planning;
use crate::guard::{Policy, TimeFilter};
use crate::plan::PlanOptions;
use crate::prepared::{CatalogTable, Prepared};
use air_ir::Catalog;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The bytes of everything but the IR. Every part has a fixed length or its length before it, so
/// that no two are alike.
pub(super) fn prefix(planning: &Planning<'_>) -> Vec<u8> {
    // Named one by one, so that a new one cannot be forgotten here. `now` is no part: what
    // depends on it is computed again.
    let PlanOptions { now: _, default_limit, max_limit } = planning.options;
    let Policy { max_row_limit, time_filter, enforce_time_filter_days, max_plan_nodes, max_cost } =
        planning.policy;
    let mut key = Vec::with_capacity(1024);
    key.extend(catalogs(planning.prepared));
    key.extend(default_limit.to_le_bytes());
    key.extend(max_limit.to_le_bytes());
    key.extend(max_row_limit.to_le_bytes());
    key.push(match time_filter {
        TimeFilter::Inject => 0,
        TimeFilter::Refuse => 1,
        TimeFilter::Off => 2,
    });
    key.extend(enforce_time_filter_days.to_le_bytes());
    key.extend(max_plan_nodes.to_le_bytes());
    key.push(u8::from(max_cost.is_some()));
    key.extend(max_cost.unwrap_or_default().to_bits().to_le_bytes());
    key
}

/// What the keys of all plans over the same catalogs begin with, and of no others.
pub(super) fn catalogs(prepared: &Prepared) -> Vec<u8> {
    let identity = prepared.identity();
    let mut key = identity.len().to_le_bytes().to_vec();
    key.extend_from_slice(identity);
    key
}

/// What tells catalogs from others: which they are in which order, and what is known of the
/// servers behind their tables.
pub(crate) fn identity<'c>(
    catalogs: impl Iterator<Item = &'c Catalog>,
    tables: &[Arc<CatalogTable>],
) -> Box<[u8]> {
    let mut identity = Vec::new();
    for catalog in catalogs {
        let one = one(catalog);
        identity.extend(one.len().to_le_bytes());
        identity.extend_from_slice(&one);
    }
    let mut hasher = DefaultHasher::new();
    for table in tables {
        (&table.source, &table.name, &table.server).hash(&mut hasher);
    }
    identity.extend(hasher.finish().to_le_bytes());
    // What may be seen of rows is told whole: two of them are never taken for one.
    for (i, table) in tables.iter().enumerate() {
        let Some(limit) = table.limit() else { continue };
        identity.extend(i.to_le_bytes());
        identity.extend(limit.key().len().to_le_bytes());
        identity.extend_from_slice(limit.key().as_bytes());
    }
    identity.into()
}

/// What tells a catalog from others: its source and version. The version stands for all that
/// planning reads; a hash of the same beside it keeps apart catalogs whose makers gave them one
/// version.
fn one(catalog: &Catalog) -> Vec<u8> {
    let mut hasher = DefaultHasher::new();
    catalog.time_zone.hash(&mut hasher);
    for table in &catalog.tables {
        (&table.schema, &table.name, &table.primary_key).hash(&mut hasher);
        (&table.time_column, table.time_series).hash(&mut hasher);
        for column in &table.columns {
            (&column.name, column.data_type, column.nullable).hash(&mut hasher);
            (&column.native_type, &column.unit, column.role).hash(&mut hasher);
        }
        for key in &table.foreign_keys {
            let to = &key.references;
            (&key.columns, &key.role, &to.schema, &to.table, &to.columns).hash(&mut hasher);
        }
        for index in &table.indexes {
            (&index.columns, index.unique).hash(&mut hasher);
        }
        // So that the end of one list is not taken for the start of the next.
        (table.columns.len(), table.foreign_keys.len(), table.indexes.len()).hash(&mut hasher);
    }
    let kind = format!("{:?}", catalog.kind);
    let mut identity = hasher.finish().to_le_bytes().to_vec();
    for part in [&catalog.source, &kind, &catalog.version] {
        identity.extend(part.len().to_le_bytes());
        identity.extend_from_slice(part.as_bytes());
    }
    identity
}
