//! Who carries out the plan that is left when the databases have done their part.
//!
//! In: that plan over the run's tables. Out: its rows, and how they came about. This process is
//! one executor; others come from outside, since the engine knows no network. An executor that
//! gives a plan back says why, and the run's record keeps it.

use super::Sources;
use super::runtime::Planners;
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use std::sync::Arc;

/// A plan to be carried out.
#[derive(Debug, Clone, Copy)]
pub struct Work<'w> {
    /// Over providers, with its values in it.
    pub plan: &'w LogicalPlan,
    /// Where its tables come from.
    pub sources: &'w Sources,
    /// Its rows keep the order that they come in, so one thread works on them.
    pub ordered: bool,
    /// Rows of databases or of other plans are among its tables.
    pub fetched: bool,
}

/// A plan that is being carried out.
pub struct Begun {
    pub rows: SendableRecordBatchStream,
    pub carried: Carried,
}

/// How a plan was carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// The workers that were asked; none where this process did it all.
    pub workers: Vec<String>,
    /// Why an executor of several machines left it to this process.
    pub reason: Option<String>,
    /// How often it was begun; more than once where a worker was lost.
    pub attempts: u32,
}

/// See the module.
#[async_trait]
pub trait Executor: std::fmt::Debug + Send + Sync {
    /// Begins a plan; dropping its rows stops it wherever it is worked on.
    ///
    /// # Errors
    /// Why it cannot begin; [`WorkerLost`] within where it may be begun once more.
    async fn begin(&self, work: Work<'_>) -> Result<Begun>;
}

/// A worker went away, or never answered. What it was asked only reads, so it may be asked again.
#[derive(Debug, thiserror::Error)]
#[error("the worker {worker} was lost: {why}")]
pub struct WorkerLost {
    pub worker: String,
    pub why: String,
}

impl From<WorkerLost> for DataFusionError {
    fn from(lost: WorkerLost) -> Self {
        Self::External(Box::new(lost))
    }
}

/// This process.
#[derive(Clone)]
pub(super) struct Here(pub(super) Arc<Planners>);

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Here")
    }
}

#[async_trait]
impl Executor for Here {
    async fn begin(&self, work: Work<'_>) -> Result<Begun> {
        let rows = self.0.planner(work.ordered).stream(work.plan).await?;
        Ok(Begun { rows, carried: Carried { attempts: 1, ..Carried::default() } })
    }
}
