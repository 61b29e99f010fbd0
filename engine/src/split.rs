//! What each source is asked, and what is left to do here.
//!
//! In: a guarded plan. Out: an [`Execution`]: one SQL query for each part that a database does
//! by itself, and a plan over their rows for the rest. Files are read by the rest itself.

use crate::guard::GuardedPlan;
use crate::prepared::CatalogTable;
use crate::sql::{Sql, Unsupported, dialect_of};
use air_ir::catalog::SourceKind;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{LogicalPlan, TableScanBuilder, TableSource};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One query of an execution.
#[derive(Debug, Clone)]
pub struct SourceQuery {
    /// Id of the source that answers it.
    pub source: String,
    pub sql: Sql,
    /// The columns its rows come in.
    pub schema: SchemaRef,
    /// The most rows there can be, where the query bounds them.
    pub at_most: Option<u64>,
}

/// A guarded plan, split into what sources do and what is done here.
#[derive(Debug)]
pub struct Execution {
    guarded: GuardedPlan,
    /// The rest, whose scans are files and [`Fetched`] rows.
    pub(crate) local: LogicalPlan,
    queries: Vec<SourceQuery>,
}

/// The rows of a query, as the local plan scans them. Running replaces it by a provider.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Index into the execution's queries.
    pub(crate) query: usize,
    schema: SchemaRef,
}

impl TableSource for Fetched {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Execution {
    /// The plan this came from.
    pub fn guarded(&self) -> &GuardedPlan {
        &self.guarded
    }

    /// The tables that are read here, each once: id of the source, and qualified name.
    pub fn tables(&self) -> Vec<(String, String)> {
        let mut tables = BTreeSet::new();
        let _ = self.local.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(table) = scan.source.downcast_ref::<CatalogTable>()
            {
                tables.insert((table.source.clone(), table.name.clone()));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        tables.into_iter().collect()
    }

    /// What each source is asked before anything is known of the others' rows.
    pub fn queries(&self) -> &[SourceQuery] {
        &self.queries
    }
}

impl GuardedPlan {
    /// Splits this plan.
    ///
    /// # Errors
    /// [`Unsupported`], where a source cannot do its part with the same meaning.
    pub fn execution(self) -> Result<Execution, Unsupported> {
        let sources = sources_of(self.logical());
        let database = match &sources[..] {
            [(source, kind)] if *kind != SourceKind::Files => Some((source.clone(), *kind)),
            _ => None,
        };
        let Some((source, kind)) = database else {
            return Ok(Execution {
                local: self.logical().clone(),
                queries: Vec::new(),
                guarded: self,
            });
        };
        let sql = self.sql(dialect_of(kind))?;
        let fields: Vec<_> = self
            .logical()
            .schema()
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let at_most = Some(self.limit().saturating_add(1));
        let query = SourceQuery { source, sql, schema: Arc::clone(&schema), at_most };
        let fetched = Arc::new(Fetched { query: 0, schema });
        let local = TableScanBuilder::new(TableReference::bare("q0"), fetched).build();
        let local = local
            .map_err(|e| Unsupported { dialect: query.sql.dialect, reason: e.strip_backtrace() })?;
        Ok(Execution { local: LogicalPlan::TableScan(local), queries: vec![query], guarded: self })
    }
}

/// Ids and kinds of the sources whose tables are scanned, in order.
fn sources_of(plan: &LogicalPlan) -> Vec<(String, SourceKind)> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(table) = scan.source.downcast_ref::<CatalogTable>()
            && seen.insert(table.source.clone())
        {
            sources.push((table.source.clone(), table.kind));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    sources
}
