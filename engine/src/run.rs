//! Running a guarded plan in this process, over providers of its tables.
//!
//! In: a [`GuardedPlan`] and a provider a table. Out: the rows of the answer, at most as many as
//! its limit. Memory is bounded by a pool that several runs share, and large sorts and groupings
//! spill to disk; over a limit is an error, never a part of the rows.

mod runtime;

pub use runtime::{RunLimits, Runtime};

use crate::guard::GuardedPlan;
use crate::prepared::CatalogTable;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::Transformed;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, TableScanBuilder};
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;

/// The rows of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One batch with the plan's columns.
    pub rows: RecordBatch,
    /// Whether a further row exists.
    pub truncated: bool,
}

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("no rows are at hand for \"{0}\"; learn the source again")]
    NoTable(String),
    #[error(
        "the run needs more memory than it may have; narrow it, or raise execution.memory_limit"
    )]
    Memory(#[source] DataFusionError),
    #[error("a whole number became too large for 64 bits; the result would be another number")]
    Overflow(#[source] DataFusionError),
    #[error("the engine could not run the plan")]
    Engine(#[source] DataFusionError),
}

impl From<DataFusionError> for RunError {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Memory(error),
            root => {
                let text = root.to_string();
                match text.contains("Can't cast value") || text.contains("verflow") {
                    true => Self::Overflow(error),
                    false => Self::Engine(error),
                }
            }
        }
    }
}

/// Runs `plan`. Dropping the future stops the work.
///
/// # Errors
/// [`RunError`]; a failed run gives no rows.
pub async fn run(
    plan: &GuardedPlan,
    tables: &HashMap<String, Arc<dyn TableProvider>>,
    runtime: &Runtime,
) -> Result<Answer, RunError> {
    let logical = with_providers(plan.logical().clone(), tables)?;
    let values = plan.values().iter().map(|v| ScalarAndMetadata::from(v.clone())).collect();
    let logical = logical.with_param_values(ParamValues::List(values))?;
    let frame = runtime.session().execute_logical_plan(logical).await?;
    let mut stream = frame.execute_stream().await?;
    let schema = answer_schema(plan);
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(as_promised(&batch?, &schema)?);
    }
    let rows = concat_batches(&schema, &batches).map_err(DataFusionError::from)?;
    let limit = usize::try_from(plan.limit()).unwrap_or(usize::MAX);
    let truncated = rows.num_rows() > limit;
    let rows = if truncated { rows.slice(0, limit) } else { rows };
    Ok(Answer { rows, truncated })
}

/// The columns the plan promises, by name and type.
fn answer_schema(plan: &GuardedPlan) -> SchemaRef {
    let fields: Vec<_> = plan
        .columns()
        .iter()
        .map(|c| datafusion::arrow::datatypes::Field::new(&c.name, c.data_type.clone(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch in the promised types: the engine may hold text or zones in another form.
fn as_promised(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => datafusion::arrow::compute::cast(column, field.data_type()),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// The plan over providers in place of the catalog's tables.
fn with_providers(
    plan: LogicalPlan,
    tables: &HashMap<String, Arc<dyn TableProvider>>,
) -> Result<LogicalPlan, RunError> {
    let mut missing = None;
    let plan = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(known) = scan.source.downcast_ref::<CatalogTable>() else {
            return Ok(Transformed::no(node));
        };
        let Some(provider) = tables.get(&known.name) else {
            missing = Some(known.name.clone());
            return Ok(Transformed::no(node));
        };
        let source = provider_as_source(Arc::clone(provider));
        let scan = TableScanBuilder::new(scan.table_name.clone(), source)
            .with_projection(scan.projection.clone())
            .build()?;
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    match missing {
        Some(table) => Err(RunError::NoTable(table)),
        None => Ok(plan.data),
    }
}
