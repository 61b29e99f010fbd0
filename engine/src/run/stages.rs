//! One run: its stages, and the plans over providers in place of tables, queries and held rows.

use super::apart::apart;
use super::excluding::excluding;
use super::fetch::{self, Log};
use super::held::{self, Collected};
use super::narrowing::narrowing;
use super::rounding::rounding;
use super::unions::alike;
use super::{Begun, Carried, RunError, Runtime, Sources, Work};
use crate::prepared::CatalogTable;
use crate::remote::{Divided, RemoteQuery};
use crate::split::{Execution, Fetched, Held, Keys, SourceQuery, Stage, resolved};
use crate::sql::{Sql, divided, write};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ParamValues};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, TableScan, TableScanBuilder};
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::future::try_join_all;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A query as it is sent whole, and for parts of its table.
type Texts = (Sql, Option<Divided>);

/// What a run knows so far.
pub(super) struct Running<'r> {
    execution: &'r Execution,
    sources: &'r Sources,
    runtime: &'r Runtime,
    /// What stages found, by slot.
    keys: Vec<Keys>,
    /// The rows of stages that are scanned later, by stage.
    held: HashMap<usize, Arc<dyn TableProvider>>,
    pub(super) log: Arc<Log>,
}

impl<'r> Running<'r> {
    pub(super) fn new(
        execution: &'r Execution,
        sources: &'r Sources,
        runtime: &'r Runtime,
    ) -> Self {
        let keys = vec![Keys::Open; execution.slots.len()];
        let log = Arc::default();
        Self { execution, sources, runtime, keys, held: HashMap::new(), log }
    }

    /// Runs all stages: their rows and keys are known then. Those that wait for no other run
    /// beside one another.
    pub(super) async fn stages(&mut self) -> Result<(), RunError> {
        let execution = self.execution;
        let stages = &execution.stages;
        let needs: Vec<BTreeSet<usize>> =
            stages.iter().enumerate().map(|(i, s)| self.needs(s, i)).collect();
        let mut waiting: BTreeSet<usize> = (0..stages.len()).collect();
        while !waiting.is_empty() {
            let is_ready = |i: &usize| needs[*i].is_disjoint(&waiting);
            let ready: Vec<usize> = waiting.iter().copied().filter(is_ready).collect();
            let mut plans = Vec::new();
            for i in &ready {
                plans.push((*i, self.with_providers(&stages[*i].plan)?));
                waiting.remove(i);
            }
            let running = plans.into_iter().map(|(i, plan)| self.collected(&stages[i], plan));
            // The first that fails ends the others.
            let done = try_join_all(running).await?;
            for (i, (rows, keys)) in ready.into_iter().zip(done) {
                self.known(i, rows, keys);
            }
        }
        Ok(())
    }

    /// The stages that must be done before this one, the one numbered `own`; all come earlier.
    fn needs(&self, stage: &Stage, own: usize) -> BTreeSet<usize> {
        let giving = |slot: usize| {
            let gives = |s: &Stage| s.keys.iter().any(|key| key.slot == slot);
            self.execution.stages.iter().position(gives)
        };
        let mut needs = BTreeSet::new();
        let walked = stage.plan.apply_with_subqueries(|node| {
            let LogicalPlan::TableScan(scan) = node else {
                return Ok(TreeNodeRecursion::Continue);
            };
            if let Some(held) = scan.source.downcast_ref::<Held>() {
                needs.insert(held.stage);
            }
            if let Some(fetched) = scan.source.downcast_ref::<Fetched>()
                && let Some(keyed) = &self.execution.queries()[fetched.query].keyed
            {
                needs.extend(keyed.slots.iter().filter_map(|slot| giving(*slot)));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(walked.is_ok(), "the visitor itself never fails");
        debug_assert!(needs.iter().all(|n| *n < own), "a stage waits for earlier ones only");
        needs.retain(|n| *n < own);
        needs
    }

    /// The rows and keys of one stage.
    async fn collected(
        &self,
        stage: &Stage,
        plan: LogicalPlan,
    ) -> Result<(Collected, Vec<Keys>), RunError> {
        let plan = self.valued(plan)?;
        let rows = self.runtime.planners().planner(false).stream(&plan).await?;
        let pool = &self.runtime.env().memory_pool;
        held::collect(rows, &schema_of(stage), &stage.keys, &self.execution.slots, pool).await
    }

    fn known(&mut self, i: usize, rows: Collected, keys: Vec<Keys>) {
        let execution = self.execution;
        let stage = &execution.stages[i];
        for (key, known) in stage.keys.iter().zip(keys) {
            self.keys[key.slot] = match known {
                // Not all keys were looked at, so their ends are not known.
                Keys::Range(..) if !stage.held => Keys::Open,
                known => known,
            };
        }
        if stage.held {
            self.held.insert(i, held::table(rows, &schema_of(stage)));
        }
    }

    /// Begins what is left to be done.
    pub(super) async fn begin(&mut self) -> Result<Begun, RunError> {
        let (execution, runtime) = (self.execution, self.runtime);
        if let Some(rows) = self.fetched_alone(&execution.local).await? {
            return Ok(Begun { rows, carried: Carried { attempts: 1, ..Carried::default() } });
        }
        let plan = self.with_providers(&execution.local)?;
        let plan = self.valued(plan)?;
        let ordered = execution.keeps_order();
        let fetched = !execution.queries().is_empty() || !execution.stages.is_empty();
        let work = Work { plan: &plan, sources: self.sources, ordered, fetched };
        Ok(runtime.executor().begin(work).await?)
    }

    /// The rows of the one query whose rows are those of the plan.
    async fn fetched_alone(
        &self,
        plan: &LogicalPlan,
    ) -> Result<Option<SendableRecordBatchStream>, RunError> {
        if let Some(query) = self.alone(plan) {
            let remote = self.sources.remotes.get(&query.source);
            let remote = remote.ok_or_else(|| RunError::NoTable(query.source.clone()))?;
            let asked = RemoteQuery {
                sql: query.sql.clone(),
                schema: Arc::clone(&query.schema),
                at_most: query.at_most,
                divided: None,
            };
            return Ok(Some(fetch::rows(remote, &query.source, asked, &self.log).await?));
        }
        Ok(None)
    }

    /// The query whose rows are those of the plan, so that there is nothing to do here.
    fn alone(&self, plan: &LogicalPlan) -> Option<&'r SourceQuery> {
        let LogicalPlan::TableScan(scan) = plan else { return None };
        let whole = scan.projection.is_none() && scan.filters.is_empty() && scan.fetch.is_none();
        let fetched = scan.source.downcast_ref::<Fetched>().filter(|_| whole)?;
        let execution = self.execution;
        execution.queries().get(fetched.query).filter(|query| query.keyed.is_none())
    }

    /// The plan with its values in it, as it is carried out.
    fn valued(&self, logical: LogicalPlan) -> Result<LogicalPlan, RunError> {
        let values = self.execution.guarded().values().iter();
        let values = values.map(|v| ScalarAndMetadata::from(v.clone())).collect();
        let logical = logical.with_param_values(ParamValues::List(values))?;
        Ok(rounding(apart(narrowing(excluding(alike(logical)?)?)?)?)?)
    }

    /// The plan over providers in place of the catalog's tables and of rows fetched before.
    fn with_providers(&mut self, plan: &LogicalPlan) -> Result<LogicalPlan, RunError> {
        let mut missing = None;
        let mut held = std::mem::take(&mut self.held);
        let plan = plan.clone().transform_up_with_subqueries(|node| {
            let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
            let (found, name) = if let Some(known) = scan.source.downcast_ref::<CatalogTable>() {
                let key = (known.source.clone(), known.name.clone());
                (self.sources.tables.get(&key).cloned(), known.name.clone())
            } else if let Some(fetched) = scan.source.downcast_ref::<Fetched>() {
                let query = &self.execution.queries()[fetched.query];
                (self.fetched(query)?, query.source.clone())
            } else if let Some(rows) = scan.source.downcast_ref::<Held>() {
                (held.remove(&rows.stage), format!("stage {}", rows.stage))
            } else {
                return Ok(Transformed::no(node));
            };
            let Some(provider) = found else {
                missing = Some(name);
                return Ok(Transformed::no(node));
            };
            let columns = match scan.source.is::<CatalogTable>() {
                true => Some(named(scan, &provider.schema())?),
                false => scan.projection.clone(),
            };
            let scan = TableScanBuilder::new(scan.table_name.clone(), provider_as_source(provider))
                .with_projection(columns)
                .build()?;
            Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
        })?;
        self.held = held;
        match missing {
            Some(table) => Err(RunError::NoTable(table)),
            None => Ok(plan.data),
        }
    }

    /// The rows of a query, with the keys known by now; `None` without its database.
    fn fetched(
        &self,
        query: &SourceQuery,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(remote) = self.sources.remotes.get(&query.source) else { return Ok(None) };
        let Some((sql, divided)) = self.sql(query)? else {
            // Nothing can match, so nothing is asked.
            let none = MemTable::try_new(Arc::clone(&query.schema), vec![vec![]])?;
            return Ok(Some(Arc::new(none)));
        };
        let (schema, at_most) = (Arc::clone(&query.schema), query.at_most);
        let asked = RemoteQuery { sql, schema, at_most, divided };
        let spare = self.sources.connections.get(&query.source);
        Ok(Some(fetch::table(remote, &query.source, asked, spare, &self.log)))
    }

    /// A query's text with the keys known by now, and in parts of its table where it has such;
    /// `None` where no row can match them.
    fn sql(&self, query: &SourceQuery) -> Result<Option<Texts>, DataFusionError> {
        let Some(keyed) = &query.keyed else {
            return Ok(Some((query.sql.clone(), query.divided.clone())));
        };
        if keyed.slots.iter().any(|slot| matches!(self.keys[*slot], Keys::Nothing)) {
            return Ok(None);
        }
        let guarded = self.execution.guarded();
        // A list of keys leaves few rows, which are few groups.
        let listed = keyed.slots.iter().any(|slot| matches!(self.keys[*slot], Keys::List(_)));
        let plan = keyed.open.as_ref().filter(|_| !listed).unwrap_or(&keyed.plan);
        let (plan, values) = resolved(plan, guarded.values(), &self.keys)?;
        let (spans, dialect) = (guarded.spans(), query.sql.dialect);
        Ok(Some(match write(&plan, &values, spans, dialect) {
            Ok(sql) if query.at_most.is_none() => (sql, divided(&plan, &values, spans, dialect)),
            Ok(sql) => (sql, None),
            Err(_) => (query.sql.clone(), None),
        }))
    }
}

/// The places of a scan's columns in the rows that are read: a table may have more columns than
/// the catalog of who asks shows.
fn named(scan: &TableScan, rows: &Schema) -> Result<Vec<usize>, DataFusionError> {
    let columns = scan.projected_schema.fields().iter();
    let places = columns.map(|column| Ok(rows.index_of(column.name())?));
    places.collect()
}

/// The columns a stage promises.
fn schema_of(stage: &Stage) -> SchemaRef {
    let fields = stage.plan.schema().fields().iter();
    Arc::new(Schema::new(
        fields.map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    ))
}
