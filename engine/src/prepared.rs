//! Catalogs made ready for planning, once per version: names, keys and Arrow schemas.
//!
//! One catalog is the default: entities that name no source are looked up there. Others stand
//! beside it for IRs over several sources; keys of the catalogs stay within a source.
//!
//! Shared between runs and never rebuilt for one, so that planning costs the same with 2 tables
//! as with 500.

use crate::access::Limit;
use crate::functions::ZoneSpec;
use crate::sql::{Dialect, dialect_of};
use crate::types::arrow_schema;
use air_ir::catalog::{ForeignKey, SourceKind};
use air_ir::{Catalog, Table};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::{TableProviderFilterPushDown, TableSource};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Index of a table among those of all catalogs.
pub(crate) type TableId = usize;

/// Catalogs with everything planning looks up in them.
#[derive(Debug)]
pub struct Prepared {
    /// The default one first.
    catalogs: Vec<Indexed>,
    /// Foreign keys by the table they leave from.
    outgoing: Vec<Vec<Edge>>,
    /// By table: the tables whose keys lead to it.
    leading: Vec<Vec<TableId>>,
    sources: Vec<Arc<CatalogTable>>,
    /// Tables that are not there for who asks, by source and name, and why.
    refused: BTreeMap<(String, String), String>,
    /// What tells these catalogs, as they are served, from others.
    identity: Box<[u8]>,
}

/// One catalog among several.
#[derive(Debug)]
struct Indexed {
    catalog: Arc<Catalog>,
    /// The id of its first table.
    first: TableId,
    /// By qualified name, and by bare name where that is unique.
    by_name: HashMap<String, Vec<TableId>>,
    /// Zone of its timestamps without one.
    zone: Option<ZoneSpec>,
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
    /// The role in which the left side was reached, where a join of the IR names it.
    pub(crate) from: Option<String>,
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
            from: None,
            to_one: false,
            inner: self.inner,
        }
    }
}

/// What is known of a server when its part of a plan is cut out.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    /// Functions its version has no equal of, though its dialect has a form for them.
    pub(crate) lacks: BTreeSet<String>,
}

impl Server {
    fn new(dialect: Dialect) -> Self {
        Self { dialect, lacks: BTreeSet::new() }
    }
}

/// A table as the planner scans it: a schema without rows. Running replaces it by a provider.
#[derive(Debug, Clone)]
pub(crate) struct CatalogTable {
    /// Id of the source that holds it; empty for the result of a nested query.
    pub(crate) source: String,
    /// The server that answers for it; `None` where rows are read in this process.
    pub(crate) server: Option<Arc<Server>>,
    pub(crate) name: String,
    schema: SchemaRef,
    /// Types of the columns in the source's own words.
    natives: Arc<HashMap<String, String>>,
    /// Which rows of it may be seen, where not all: the guard puts it above every scan.
    limit: Option<Arc<Limit>>,
    estimates: Arc<Estimates>,
}

/// How many rows and values a table has, as far as that was learned.
#[derive(Debug, Default)]
struct Estimates {
    rows: Option<u64>,
    distinct: HashMap<String, u64>,
}

impl Estimates {
    fn of(table: &Table) -> Self {
        let rows = table.row_estimate;
        let own = |column: &air_ir::catalog::Column| {
            let is_key = table.primary_key == [column.name.as_str()];
            if is_key { rows } else { column.stats.as_ref()?.distinct }
        };
        let distinct = table.columns.iter().filter_map(|c| Some((c.name.clone(), own(c)?)));
        Self { rows, distinct: distinct.collect() }
    }
}

impl CatalogTable {
    pub(crate) fn new(
        source: &str,
        server: Option<Arc<Server>>,
        name: String,
        schema: SchemaRef,
    ) -> Self {
        let (natives, estimates) = (Arc::default(), Arc::default());
        let source = source.to_owned();
        Self { source, server, name, schema, natives, limit: None, estimates }
    }

    /// With what the catalog tells of `table` beside its schema.
    fn described(mut self, table: &Table) -> Self {
        let natives = table.columns.iter().map(|c| (c.name.clone(), c.native_type.clone()));
        self.natives = Arc::new(natives.collect());
        self.estimates = Arc::new(Estimates::of(table));
        self
    }

    pub(crate) fn limit(&self) -> Option<&Arc<Limit>> {
        self.limit.as_ref()
    }

    /// The same without its limit, for a plan that is told and never run.
    pub(crate) fn unlimited(self) -> Self {
        Self { limit: None, ..self }
    }

    /// The same, answered for by another server.
    pub(crate) fn answered_by(self, server: Option<Arc<Server>>) -> Self {
        Self { server, ..self }
    }

    /// About how many rows there are.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.estimates.rows
    }

    /// About how many values a column has.
    pub(crate) fn distinct(&self, column: &str) -> Option<u64> {
        self.estimates.distinct.get(column).copied()
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
        Self::federated(catalog, Vec::new())
    }

    /// Indexes several catalogs; entities without a source are those of `default`.
    pub fn federated(default: Arc<Catalog>, others: Vec<Arc<Catalog>>) -> Self {
        let mut catalogs = Vec::new();
        let mut sources = Vec::new();
        for catalog in std::iter::once(default).chain(others) {
            let first = sources.len();
            let server = dialect_of(catalog.kind).map(|d| Arc::new(Server::new(d)));
            sources.extend(catalog.tables.iter().map(|t| {
                let (source, server) = (catalog.source.as_str(), server.clone());
                let table = CatalogTable::new(source, server, t.qualified_name(), arrow_schema(t));
                Arc::new(table.described(t))
            }));
            catalogs.push(Indexed::new(catalog, first));
        }
        let outgoing: Vec<Vec<Edge>> = catalogs.iter().flat_map(Indexed::edges).collect();
        let mut leading = vec![Vec::new(); sources.len()];
        for (id, edges) in outgoing.iter().enumerate() {
            for edge in edges {
                if leading[edge.right].last() != Some(&id) {
                    leading[edge.right].push(id);
                }
            }
        }
        let (refused, identity) = (BTreeMap::new(), Box::default());
        Self { catalogs, outgoing, leading, sources, refused, identity }.identified()
    }

    /// This, with what is known of the server behind `source`: the dialect it is asked in, and
    /// the functions of plans that its version lacks, which are then computed here.
    #[must_use]
    pub fn served(mut self, source: &str, dialect: Dialect, lacks: &[&str]) -> Self {
        let lacks = lacks.iter().map(|f| (*f).to_owned()).collect();
        let server = Some(Arc::new(Server { dialect, lacks }));
        for table in self.sources.iter_mut().filter(|t| t.source == source) {
            let served = CatalogTable { server: server.clone(), ..table.as_ref().clone() };
            *table = Arc::new(served);
        }
        self.identified()
    }

    /// This, with limits on the rows of some tables, and tables that are refused by name.
    pub(crate) fn limited(
        mut self,
        limits: Vec<Limit>,
        refused: Vec<((String, String), String)>,
    ) -> Self {
        for limit in limits.into_iter().map(Arc::new) {
            let named =
                |t: &Arc<CatalogTable>| (t.source.as_str(), t.name.as_str()) == limit.table();
            for table in self.sources.iter_mut().filter(|t| named(t)) {
                let limited = Some(Arc::clone(&limit));
                *table = Arc::new(CatalogTable { limit: limited, ..table.as_ref().clone() });
            }
        }
        self.refused = refused.into_iter().collect();
        self.identified()
    }

    /// Why a table that is not there may not be seen, where who asks is to be told.
    pub(crate) fn refusal(&self, source: &str, name: &str) -> Option<&str> {
        let of =
            |table: &str| table == name || table.rsplit_once('.').is_some_and(|(_, t)| t == name);
        let found = self.refused.iter().find(|((s, table), _)| s == source && of(table));
        found.map(|(_, why)| why.as_str())
    }

    fn identified(mut self) -> Self {
        let catalogs = self.catalogs.iter().map(|c| c.catalog.as_ref());
        self.identity = crate::cache::identity(catalogs, &self.sources);
        self
    }

    /// The default catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalogs[0].catalog
    }

    /// Every catalog, the default one first.
    pub fn catalogs(&self) -> impl Iterator<Item = &Arc<Catalog>> {
        self.catalogs.iter().map(|c| &c.catalog)
    }

    /// What the plan cache tells catalogs and their servers apart by.
    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// How many tables there are in all catalogs.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// The tables called `name` in the default catalog.
    pub(crate) fn find(&self, name: &str) -> &[TableId] {
        self.catalogs[0].find(name)
    }

    /// The tables called `name` in the catalog of `source`; `None` where there is no such catalog.
    pub(crate) fn find_in(&self, source: &str, name: &str) -> Option<&[TableId]> {
        let catalog = self.catalogs.iter().find(|c| c.catalog.source == source)?;
        Some(catalog.find(name))
    }

    /// The catalog that a table is in.
    fn indexed(&self, id: TableId) -> &Indexed {
        let after = self.catalogs.partition_point(|c| c.first <= id);
        &self.catalogs[after.saturating_sub(1)]
    }

    pub(crate) fn table(&self, id: TableId) -> &Table {
        let indexed = self.indexed(id);
        &indexed.catalog.tables[id - indexed.first]
    }

    /// The zone of a table's timestamps without one, where it is not the default catalog's.
    pub(crate) fn zone(&self, id: TableId) -> Option<&ZoneSpec> {
        let indexed = self.indexed(id);
        if indexed.first == 0 { None } else { indexed.zone.as_ref() }
    }

    pub(crate) fn source(&self, id: TableId) -> Arc<CatalogTable> {
        Arc::clone(&self.sources[id])
    }

    pub(crate) fn outgoing(&self, id: TableId) -> &[Edge] {
        self.outgoing.get(id).map_or(&[], Vec::as_slice)
    }

    /// Foreign keys that lead to `id`.
    pub(crate) fn incoming(&self, id: TableId) -> impl Iterator<Item = &Edge> {
        let leading = self.leading.get(id).map_or(&[][..], Vec::as_slice);
        leading.iter().flat_map(|left| &self.outgoing[*left]).filter(move |e| e.right == id)
    }
}

impl Indexed {
    fn new(catalog: Arc<Catalog>, first: TableId) -> Self {
        let mut by_name: HashMap<String, Vec<TableId>> = HashMap::new();
        for (id, table) in (first..).zip(&catalog.tables) {
            by_name.entry(table.qualified_name()).or_default().push(id);
            if table.schema.is_some() {
                by_name.entry(table.name.clone()).or_default().push(id);
            }
        }
        let zone = ZoneSpec::get(catalog.time_zone.as_deref().unwrap_or(crate::types::UTC)).ok();
        Self { catalog, first, by_name, zone }
    }

    fn find(&self, name: &str) -> &[TableId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The foreign keys of each table.
    fn edges(&self) -> Vec<Vec<Edge>> {
        let of = |table: &Table, left: TableId| {
            table.foreign_keys.iter().filter_map(|key| self.edge(table, left, key)).collect()
        };
        self.catalog.tables.iter().zip(self.first..).map(|(t, left)| of(t, left)).collect()
    }

    /// The edge of a foreign key; `None` where the referenced table was not learned.
    fn edge(&self, table: &Table, left: TableId, key: &ForeignKey) -> Option<Edge> {
        let schema = key.references.schema.as_ref().or(table.schema.as_ref());
        let name = match schema {
            Some(schema) => format!("{schema}.{}", key.references.table),
            None => key.references.table.clone(),
        };
        let right = *self.find(&name).first()?;
        // A database holds its foreign keys to a unique key; files only say so.
        let held = self.catalog.kind != SourceKind::Files;
        let referenced = &self.catalog.tables[right - self.first];
        Some(Edge {
            left,
            right,
            left_columns: key.columns.clone(),
            right_columns: key.references.columns.clone(),
            from: None,
            role: key.role.clone(),
            to_one: held || is_unique(referenced, &key.references.columns),
            inner: false,
        })
    }
}

/// Whether `columns` hold a primary key or a unique index of `table`.
pub(crate) fn is_unique(table: &Table, columns: &[String]) -> bool {
    let holds = |key: &[String]| !key.is_empty() && key.iter().all(|c| columns.contains(c));
    holds(&table.primary_key) || table.indexes.iter().any(|i| i.unique && holds(&i.columns))
}
