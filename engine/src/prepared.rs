//! A catalog made ready for planning, once per version: names, keys and Arrow schemas.
//!
//! Shared between runs and never rebuilt for one, so that planning costs the same with 2 tables
//! as with 500.

use crate::types::arrow_schema;
use air_ir::catalog::{ForeignKey, SourceKind};
use air_ir::{Catalog, Table};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::{TableProviderFilterPushDown, TableSource};
use std::collections::HashMap;
use std::sync::Arc;

/// Index of a table in its catalog.
pub(crate) type TableId = usize;

/// A catalog with everything planning looks up in it.
#[derive(Debug)]
pub struct Prepared {
    catalog: Arc<Catalog>,
    /// By qualified name, and by bare name where that is unique.
    by_name: HashMap<String, Vec<TableId>>,
    /// Foreign keys by the table they leave from.
    outgoing: Vec<Vec<Edge>>,
    sources: Vec<Arc<CatalogTable>>,
}

/// A step from one table to another by equal columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) left: TableId,
    pub(crate) right: TableId,
    pub(crate) left_columns: Vec<String>,
    pub(crate) right_columns: Vec<String>,
    /// What the right side is to the left one, where it has a name of its own.
    pub(crate) role: Option<String>,
    /// Each left row has at most one partner.
    pub(crate) to_one: bool,
    /// Rows without a partner are dropped.
    pub(crate) inner: bool,
}

impl Edge {
    /// The same step the other way, which may find several rows.
    pub(crate) fn turned(&self) -> Self {
        Self {
            left: self.right,
            right: self.left,
            left_columns: self.right_columns.clone(),
            right_columns: self.left_columns.clone(),
            role: self.role.clone(),
            to_one: false,
            inner: self.inner,
        }
    }
}

/// A table as the planner scans it: a schema without rows. Running replaces it by a provider.
#[derive(Debug)]
pub(crate) struct CatalogTable {
    /// Id of the source that holds it; empty for the result of a nested query.
    pub(crate) source: String,
    /// What the source is.
    pub(crate) kind: SourceKind,
    pub(crate) name: String,
    schema: SchemaRef,
    /// Types of the columns in the source's own words.
    natives: HashMap<String, String>,
}

impl CatalogTable {
    pub(crate) fn new(source: &str, kind: SourceKind, name: String, schema: SchemaRef) -> Self {
        Self { source: source.to_owned(), kind, name, schema, natives: HashMap::new() }
    }

    /// With what the source calls the types of `table`'s columns.
    fn with_natives(mut self, table: &Table) -> Self {
        let natives = table.columns.iter().map(|c| (c.name.clone(), c.native_type.clone()));
        self.natives = natives.collect();
        self
    }

    /// A column's type in the source's own words, where it is a database's.
    pub(crate) fn native(&self, column: &str) -> Option<&str> {
        self.natives.get(column).map(String::as_str)
    }
}

impl TableSource for CatalogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&datafusion::logical_expr::Expr],
    ) -> datafusion::common::Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }
}

impl Prepared {
    /// Indexes `catalog`.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let mut by_name: HashMap<String, Vec<TableId>> = HashMap::new();
        for (id, table) in catalog.tables.iter().enumerate() {
            by_name.entry(table.qualified_name()).or_default().push(id);
            if table.schema.is_some() {
                by_name.entry(table.name.clone()).or_default().push(id);
            }
        }
        let sources = catalog
            .tables
            .iter()
            .map(|t| {
                let (source, kind) = (catalog.source.as_str(), catalog.kind);
                let table = CatalogTable::new(source, kind, t.qualified_name(), arrow_schema(t));
                Arc::new(table.with_natives(t))
            })
            .collect();
        let mut prepared =
            Self { by_name, outgoing: vec![Vec::new(); catalog.tables.len()], sources, catalog };
        for id in 0..prepared.catalog.tables.len() {
            prepared.outgoing[id] = prepared.edges_from(id);
        }
        prepared
    }

    /// The catalog itself.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    fn edges_from(&self, left: TableId) -> Vec<Edge> {
        let table = &self.catalog.tables[left];
        table.foreign_keys.iter().filter_map(|key| self.edge(left, key)).collect()
    }

    /// The edge of a foreign key; `None` where the referenced table was not learned.
    fn edge(&self, left: TableId, key: &ForeignKey) -> Option<Edge> {
        let name = match &key.references.schema {
            Some(schema) => format!("{schema}.{}", key.references.table),
            None => match &self.catalog.tables[left].schema {
                Some(schema) => format!("{schema}.{}", key.references.table),
                None => key.references.table.clone(),
            },
        };
        let right = *self.find(&name).first()?;
        // A database holds its foreign keys to a unique key; files only say so.
        let held = self.catalog.kind != SourceKind::Files;
        let to_one = held || is_unique(&self.catalog.tables[right], &key.references.columns);
        Some(Edge {
            left,
            right,
            left_columns: key.columns.clone(),
            right_columns: key.references.columns.clone(),
            role: key.role.clone(),
            to_one,
            inner: false,
        })
    }

    /// The tables called `name`.
    pub(crate) fn find(&self, name: &str) -> &[TableId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn table(&self, id: TableId) -> &Table {
        &self.catalog.tables[id]
    }

    pub(crate) fn source(&self, id: TableId) -> Arc<CatalogTable> {
        Arc::clone(&self.sources[id])
    }

    pub(crate) fn outgoing(&self, id: TableId) -> &[Edge] {
        self.outgoing.get(id).map_or(&[], Vec::as_slice)
    }

    /// Foreign keys that lead to `id`.
    pub(crate) fn incoming(&self, id: TableId) -> impl Iterator<Item = &Edge> {
        self.outgoing.iter().flatten().filter(move |e| e.right == id)
    }
}

/// Whether `columns` hold a primary key or a unique index of `table`.
pub(crate) fn is_unique(table: &Table, columns: &[String]) -> bool {
    let holds = |key: &[String]| !key.is_empty() && key.iter().all(|c| columns.contains(c));
    holds(&table.primary_key) || table.indexes.iter().any(|i| i.unique && holds(&i.columns))
}
