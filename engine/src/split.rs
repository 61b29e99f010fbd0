//! What each source is asked, and what is left to do here.
//!
//! In: a guarded plan. Out: an [`Execution`]: one SQL query for each part that a database does
//! by itself, and a plan over their rows for the rest. Files are read by the rest itself.
//!
//! A part is the largest subtree whose tables are all of one database and whose every node the
//! SQL writer has a form for (`parts.rs`). Above it rows are worked on here, with the same
//! functions as rows of files; only the columns used above come over (`columns.rs`), and
//! conditions go below joins to the side they are about (`sink.rs`). Where a join crosses
//! sources, rows are grouped at their source first (`partial.rs`) unless that saves too little
//! (`groups.rs`), and the side that is asked first restricts the other one by its keys
//! (`spine.rs`, `keys.rs`); an `exists` about another source is such a join too (`related.rs`).
//! Subqueries that would mean something else here (`nested.rs`) are made joins (`unnest.rs`), or
//! refused.

mod columns;
mod groups;
mod keys;
mod nested;
mod outside;
mod partial;
mod parts;
mod rejects;
mod related;
mod sink;
mod spine;
mod tied;
mod unnest;

pub(crate) use columns::{named, within};
pub use keys::KEYS_MOST;
pub(crate) use keys::{Keys, resolved};
pub(crate) use rejects::rejects_nulls;

use crate::guard::GuardedPlan;
use crate::prepared::{CatalogTable, Server};
use crate::remote::Divided;
use crate::sql::{Dialect, Sql, Unsupported, write};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as PlanResult, TableReference};
use datafusion::logical_expr::{LogicalPlan, TableScanBuilder, TableSource};
use parts::Splitter;
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
    /// What the source has no form for, so that it is done here with the rows of this query.
    pub left: Vec<String>,
    /// The query in parts of its table, where it has such and no keys restrict it.
    pub(crate) divided: Option<Divided>,
    /// The query with the restrictions that other rows give it.
    pub(crate) keyed: Option<Arc<Keyed>>,
}

/// A query that keys of other rows restrict.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) plan: LogicalPlan,
    /// What is asked instead where no list of keys restricts it.
    pub(crate) open: Option<LogicalPlan>,
    /// The slots of its keys.
    pub(crate) slots: Vec<usize>,
}

/// How much sources are asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether sources do what they can: filters, joins, groups, and keys sent from one to
    /// another. Without it they give the rows of their tables, and all else is done here.
    pub pushdown: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { pushdown: true }
    }
}

/// Rows that are made before the rest, and the keys they give.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) plan: LogicalPlan,
    pub(crate) keys: Vec<StageKeys>,
    /// Whether the rows themselves are scanned by what follows.
    pub(crate) held: bool,
}

/// A column of a stage whose values are the keys of a slot.
#[derive(Debug)]
pub(crate) struct StageKeys {
    pub(crate) column: usize,
    pub(crate) slot: usize,
}

/// The rows of a stage, as later plans scan them.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) stage: usize,
    schema: SchemaRef,
}

impl TableSource for Held {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// A guarded plan, split into what sources do and what is done here.
#[derive(Debug)]
pub struct Execution {
    guarded: GuardedPlan,
    /// The rest, whose scans are files and [`Fetched`] rows.
    pub(crate) local: LogicalPlan,
    queries: Vec<SourceQuery>,
    /// What is run before the rest, in this order.
    pub(crate) stages: Vec<Stage>,
    /// Types of the keys that stages give.
    pub(crate) slots: Vec<DataType>,
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
    fn here(guarded: GuardedPlan, local: LogicalPlan, queries: Vec<SourceQuery>) -> Self {
        Self { guarded, local, queries, stages: Vec::new(), slots: Vec::new() }
    }

    /// The plan this came from.
    pub fn guarded(&self) -> &GuardedPlan {
        &self.guarded
    }

    /// What each source is asked before anything is known of the others' rows.
    pub fn queries(&self) -> &[SourceQuery] {
        &self.queries
    }

    /// What is shown of [`Execution::queries`]: without conditions on columns that may not be
    /// seen.
    ///
    /// # Errors
    /// As [`GuardedPlan::execution`].
    pub fn told(&self, options: RunOptions) -> Result<Vec<SourceQuery>, Unsupported> {
        match self.guarded.is_told_apart() {
            true => Ok(self.guarded.told().shared().execution_with(options)?.queries),
            false => Ok(self.queries.clone()),
        }
    }

    /// Source and qualified name of every table that is read here.
    pub fn tables(&self) -> BTreeSet<(String, String)> {
        let mut tables = BTreeSet::new();
        for plan in self.stages.iter().map(|s| &s.plan).chain([&self.local]) {
            let _ = plan.apply_with_subqueries(|node| {
                if let LogicalPlan::TableScan(scan) = node
                    && let Some(table) = scan.source.downcast_ref::<CatalogTable>()
                {
                    tables.insert((table.source.clone(), table.name.clone()));
                }
                Ok(TreeNodeRecursion::Continue)
            });
        }
        tables
    }

    /// Whether the order of the answer is that of a query's rows, so that nothing here may put
    /// them out of order.
    pub(crate) fn keeps_order(&self) -> bool {
        let mut node = &self.local;
        loop {
            node = match node {
                LogicalPlan::Projection(p) => &p.input,
                LogicalPlan::Filter(f) => &f.input,
                LogicalPlan::Limit(l) => &l.input,
                LogicalPlan::SubqueryAlias(a) => &a.input,
                LogicalPlan::TableScan(scan) => return scan.source.is::<Fetched>(),
                _ => return false,
            };
        }
    }
}

impl GuardedPlan {
    /// Splits this plan.
    ///
    /// # Errors
    /// [`Unsupported`], where not even the rows of a table can be asked for.
    pub fn execution(self) -> Result<Execution, Unsupported> {
        self.execution_with(RunOptions::default())
    }

    /// Splits this plan, sources doing as much as `options` say.
    ///
    /// # Errors
    /// As [`GuardedPlan::execution`].
    pub fn execution_with(self, options: RunOptions) -> Result<Execution, Unsupported> {
        let places = places_of(self.logical());
        if let [None] | [] = places[..] {
            let local = computed(self.logical()).map_err(|e| failed(&e))?;
            return Ok(Execution::here(self, local, Vec::new()));
        }
        if let [Some(place)] = &places[..]
            && options.pushdown
            && place.server.lacks.is_empty()
            && let Ok(sql) = write(self.logical(), self.values(), self.spans(), place.dialect())
        {
            return self.whole(place, sql).map_err(|e| failed(&e));
        }
        let plan = match options.pushdown {
            true => related::joined(self.logical()).map_err(|e| failed(&e))?,
            false => self.logical().clone(),
        };
        // What neither a database does of its subqueries nor this process, is asked as joins.
        let parted = self.parted(&plan, options);
        let parted = parted.or_else(|_| self.parted(&unnest::unnested(&plan)?, options));
        let Parted { local, queries, stages, slots } = parted.map_err(|e| failed(&e))?;
        Ok(Execution { guarded: self, local, queries, stages, slots })
    }

    /// A plan in parts, what is done here computed as it should be.
    fn parted(&self, plan: &LogicalPlan, options: RunOptions) -> PlanResult<Parted> {
        let mut splitter = Splitter::new(self.values(), self.spans(), options);
        let local = splitter.rest(plan)?;
        let (queries, stages, slots) = splitter.done();
        for plan in stages.iter().map(|stage| &stage.plan).chain([&local]) {
            nested::check(plan)?;
        }
        Ok(Parted { local, queries, stages, slots })
    }

    /// The execution of a plan that one database does by itself.
    fn whole(self, place: &Place, sql: Sql) -> PlanResult<Execution> {
        let query = SourceQuery {
            source: place.source.clone(),
            sql,
            schema: rows_of(self.logical()),
            at_most: Some(self.limit().saturating_add(1)),
            left: Vec::new(),
            divided: None,
            keyed: None,
        };
        let local = scan(0, &query)?;
        Ok(Execution::here(self, local, vec![query]))
    }
}

/// A plan in parts.
struct Parted {
    local: LogicalPlan,
    queries: Vec<SourceQuery>,
    stages: Vec<Stage>,
    slots: Vec<DataType>,
}

/// A plan that runs here as a whole, its subqueries computed as they should be.
fn computed(plan: &LogicalPlan) -> PlanResult<LogicalPlan> {
    if nested::check(plan).is_ok() {
        return Ok(plan.clone());
    }
    let plan = unnest::unnested(plan)?;
    nested::check(&plan)?;
    Ok(plan)
}

/// A database that tables of a plan are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: String,
    pub(crate) server: Arc<Server>,
}

impl Place {
    fn of(table: &CatalogTable) -> Option<Self> {
        Some(Self { source: table.source.clone(), server: table.server.clone()? })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.server.dialect
    }
}

/// Where the tables of a plan are, subqueries included; `None` stands for this process.
pub(crate) fn places_of(plan: &LogicalPlan) -> Vec<Option<Place>> {
    let mut places = Vec::new();
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = scan.source.downcast_ref::<CatalogTable>();
            let place = table.and_then(Place::of);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    places
}

/// The columns of a plan's rows, as a query gives them.
fn rows_of(plan: &LogicalPlan) -> SchemaRef {
    let fields = plan.schema().fields().iter();
    let fields: Vec<_> = fields.map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// A scan of the rows of the query numbered `index`.
fn scan(index: usize, query: &SourceQuery) -> PlanResult<LogicalPlan> {
    let fetched = Arc::new(Fetched { query: index, schema: Arc::clone(&query.schema) });
    let name = TableReference::bare(format!("q{index}"));
    Ok(LogicalPlan::TableScan(TableScanBuilder::new(name, fetched).build()?))
}

/// The splitter's error: a source's, or a fault of the engine's own builders.
fn failed(error: &DataFusionError) -> Unsupported {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(unsupported) = inner.downcast_ref::<Unsupported>()
    {
        return unsupported.clone();
    }
    Unsupported { dialect: Dialect::Datafusion, reason: error.strip_backtrace() }
}
