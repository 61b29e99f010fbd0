//! Running an execution: databases are asked, and the rest is done in this process.
//!
//! In: an [`Execution`], a provider for each table of files and a [`Remote`] for each database.
//! Out: the rows of the answer, at most as many as its limit. Memory is bounded by a pool that
//! several runs share, and large sorts and groupings spill to disk; over a limit is an error,
//! never a part of the rows. One source's failure is the run's: its error names the source, and
//! the streams of all others are dropped, which ends their queries.

mod apart;
mod distinct;
mod excluding;
mod executor;
mod fetch;
mod held;
mod narrowing;
mod outer;
mod pushing;
mod replaying;
mod rounding;
mod runtime;
mod skipping;
mod stages;
mod unions;
mod unordered;
mod yielding;

pub(crate) use apart::Apart;
pub use executor::{Begun, Carried, Executor, Work, WorkerLost};
pub use runtime::{RunLimits, Runtime};
pub(crate) use unordered::Unordered;

use crate::functions::TooManyBuckets;
use crate::guard::GuardedPlan;
use crate::remote::Remote;
use crate::split::Execution;
use crate::sql::Sql;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use futures::StreamExt;
use stages::Running;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where the rows of an execution come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Providers of file tables, by source and qualified name.
    pub tables: HashMap<(String, String), Arc<dyn TableProvider>>,
    /// Databases by the id of their source.
    pub remotes: HashMap<String, Arc<dyn Remote>>,
    /// The places for connections that all runs over a database share, by the id of its source;
    /// see [`Remote::parts`].
    pub connections: HashMap<String, Arc<Semaphore>>,
    /// Folders of file tables that other machines reach too, by the URL of their store.
    pub shared: HashMap<String, PathBuf>,
}

/// The rows of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One batch with the plan's columns.
    pub rows: RecordBatch,
    /// Whether a further row exists.
    pub truncated: bool,
    /// What was sent to databases, and what came back.
    pub sent: Vec<Sent>,
    /// Who did what databases left to be done.
    pub carried: Carried,
}

/// One query as it went to a database; one that was read in parts is several.
#[derive(Debug, Clone)]
pub struct Sent {
    pub source: String,
    pub sql: Sql,
    pub rows: u64,
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
    /// Filling between the ends of the data gives too many rows; what to do is in the text.
    #[error("{}", TooManyBuckets)]
    TooManyBuckets,
    /// A database did not answer; whatever else ran for this answer was stopped.
    #[error("the source \"{source_id}\" did not answer")]
    Source {
        source_id: String,
        #[source]
        cause: DataFusionError,
    },
    /// A worker of another machine was lost, and once more when the run was begun again.
    #[error("the worker {worker} was lost: {why}")]
    Worker { worker: String, why: String },
    #[error("the engine could not run the plan")]
    Engine(#[source] DataFusionError),
}

/// A source's failure on its way through the local plan, which keeps only errors.
#[derive(Debug, thiserror::Error)]
#[error("the source \"{source_id}\" did not answer")]
struct SourceFailed {
    source_id: String,
    #[source]
    cause: DataFusionError,
}

impl SourceFailed {
    fn of(source: &str, cause: DataFusionError) -> DataFusionError {
        DataFusionError::External(Box::new(Self { source_id: source.to_owned(), cause }))
    }
}

impl From<DataFusionError> for RunError {
    fn from(error: DataFusionError) -> Self {
        if let Some(failed) = within::<SourceFailed>(&error) {
            let source_id = failed.source_id.clone();
            return Self::Source { source_id, cause: error };
        }
        if let Some(lost) = within::<WorkerLost>(&error) {
            return Self::Worker { worker: lost.worker.clone(), why: lost.why.clone() };
        }
        if within::<TooManyBuckets>(&error).is_some() || tells_too_many(&error) {
            return Self::TooManyBuckets;
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Memory(error),
            root => {
                let text = root.to_string();
                match text.contains("Can't cast value")
                    || text.contains("verflow")
                    || text.contains("out of range Int64")
                {
                    true => Self::Overflow(error),
                    false => Self::Engine(error),
                }
            }
        }
    }
}

/// Whether a worker found too many buckets: of its errors only the words come over the wire.
fn tells_too_many(error: &DataFusionError) -> bool {
    error.to_string().contains(&TooManyBuckets.to_string())
}

/// The error that an error came from, wherever the local plan has wrapped it.
fn within<E: std::error::Error + 'static>(error: &DataFusionError) -> Option<&E> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Runs an execution. Dropping the future stops the work, in the databases too.
///
/// # Errors
/// [`RunError`]; a failed run gives no rows.
pub async fn run(
    execution: &Execution,
    sources: &Sources,
    runtime: &Runtime,
) -> Result<Answer, RunError> {
    let mut running = Running::new(execution, sources, runtime);
    running.stages().await?;
    let plan = execution.guarded();
    let schema = answer_schema(plan);
    let (batches, carried) = match collected(&mut running, &schema).await {
        // What was asked only reads. Where it was, no rows of databases are among the tables.
        Err(RunError::Worker { .. }) => {
            let (batches, carried) = collected(&mut running, &schema).await?;
            (batches, Carried { attempts: carried.attempts + 1, ..carried })
        }
        done => done?,
    };
    let rows = concat_batches(&schema, &batches).map_err(DataFusionError::from)?;
    let limit = usize::try_from(plan.limit()).unwrap_or(usize::MAX);
    let truncated = rows.num_rows() > limit;
    let rows = if truncated { rows.slice(0, limit) } else { rows };
    Ok(Answer { rows, truncated, sent: running.log.sent(), carried })
}

/// What the executor makes of the rest of the plan.
async fn collected(
    running: &mut Running<'_>,
    schema: &SchemaRef,
) -> Result<(Vec<RecordBatch>, Carried), RunError> {
    let Begun { mut rows, carried } = running.begin().await?;
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(as_promised(&batch?, schema)?);
    }
    Ok((batches, carried))
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
