//! The memory, disk and threads that runs share.

use super::distinct::windowless;
use super::executor::{Executor, Here};
use super::outer::OuterJoins;
use super::pushing::careful;
use super::replaying::NestedLoops;
use super::skipping::SkippingLimits;
use super::yielding::YieldingJoins;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::execute_stream;
use std::path::PathBuf;
use std::sync::Arc;

/// What all runs together may use.
#[derive(Debug, Clone)]
pub struct RunLimits {
    /// Bytes of the memory pool.
    pub memory_bytes: usize,
    /// Where large sorts and groupings spill.
    pub spill_dir: PathBuf,
    /// Bytes of disk they may take.
    pub spill_bytes: u64,
    /// Threads a run may use.
    pub partitions: usize,
}

/// The embedded engine's resources; one for the process.
#[derive(Clone)]
pub struct Runtime {
    env: Arc<RuntimeEnv>,
    partitions: usize,
    nested: Arc<NestedLoops>,
    planners: Arc<Planners>,
    executor: Arc<dyn Executor>,
}

/// What runs plan and work with; made once, since making one takes longer than a small run.
pub(super) struct Planners {
    parallel: Planner,
    ordered: Planner,
}

impl Planners {
    /// What runs are planned by; rows that keep the order they come in are worked on by one
    /// thread.
    pub(super) fn planner(&self, ordered: bool) -> &Planner {
        match ordered {
            true => &self.ordered,
            false => &self.parallel,
        }
    }
}

/// The rules and settings that plans are run by. Nothing is ever registered in its catalog: plans
/// hold their providers.
pub(super) struct Planner {
    state: SessionState,
    task: Arc<TaskContext>,
}

impl Planner {
    fn new(mut state: SessionState) -> Self {
        // Gives expressions the settings; no plan asks when it began, since `now` is a value.
        state.mark_start_execution();
        let task = Arc::new(TaskContext::from(&state));
        Self { state, task }
    }

    /// Begins to run a plan.
    pub(super) async fn stream(&self, plan: &LogicalPlan) -> Result<SendableRecordBatchStream> {
        let plan = self.state.create_physical_plan(plan).await?;
        execute_stream(plan, Arc::clone(&self.task))
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Takes the resources; the spill folder is made where it is missing.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn new(limits: &RunLimits) -> Result<Self> {
        std::fs::create_dir_all(&limits.spill_dir)?;
        let mode = DiskManagerMode::Directories(vec![limits.spill_dir.clone()]);
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(limits.spill_bytes);
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        let partitions = limits.partitions.max(1);
        let nested = Arc::new(NestedLoops::new(&env)?);
        let planner = |partitions| Planner::new(builder_of(&env, &nested, partitions).build());
        let planners = Arc::new(Planners { parallel: planner(partitions), ordered: planner(1) });
        let executor = Arc::new(Here(Arc::clone(&planners)));
        Ok(Self { env, partitions, nested, planners, executor })
    }

    /// The same resources, with another executor for what databases leave to be done.
    #[must_use]
    pub fn with_executor(self, executor: Arc<dyn Executor>) -> Self {
        Self { executor, ..self }
    }

    /// Who carries out what databases leave to be done.
    pub fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }

    /// Where sources register their object stores.
    pub fn env(&self) -> &Arc<RuntimeEnv> {
        &self.env
    }

    /// A session over the shared resources, with a catalog of its own.
    pub fn session(&self) -> SessionContext {
        SessionContext::new_with_state(self.state().build())
    }

    /// What this process plans and works with itself.
    pub(super) fn planners(&self) -> &Planners {
        &self.planners
    }

    /// A session that plans as runs are planned, for an executor to build upon.
    pub fn state(&self) -> SessionStateBuilder {
        builder_of(&self.env, &self.nested, self.partitions)
    }

    /// The settings of runs laid over others.
    pub fn settings(&self, config: SessionConfig) -> SessionConfig {
        settings(config, self.partitions)
    }
}

fn settings(config: SessionConfig, partitions: usize) -> SessionConfig {
    let mut config = config.with_target_partitions(partitions);
    // A cast that does not fit is an error, and text is compared as it is.
    config.options_mut().execution.parquet.pushdown_filters = false;
    config.options_mut().sql_parser.enable_ident_normalization = false;
    // Plans and their expressions differ in what may be null for IS DISTINCT FROM alone.
    config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    settle(config.options_mut());
    config
}

fn builder_of(
    env: &Arc<RuntimeEnv>,
    nested: &Arc<NestedLoops>,
    partitions: usize,
) -> SessionStateBuilder {
    let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> =
        vec![Arc::new(OuterJoins), Arc::new(SkippingLimits)];
    rules.extend(PhysicalOptimizer::new().rules.into_iter().map(careful).map(windowless));
    rules.push(Arc::new(YieldingJoins));
    rules.push(Arc::clone(nested) as _);
    SessionStateBuilder::new()
        .with_config(settings(SessionConfig::new(), partitions))
        .with_runtime_env(Arc::clone(env))
        .with_default_features()
        .with_physical_optimizer_rules(rules)
}

/// What DataFusion 55 does wrong and can be told not to do; `engine/DATAFUSION.md` says until when.
fn settle(options: &mut ConfigOptions) {
    let optimizer = &mut options.optimizer;
    // What one part of a run found so far to be the least and the greatest is asked of the others.
    // A null found is taken for less than all values: right values are left out (issue 25147).
    optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // The rows that a limit needs of a window over a window are counted for one of them, and those
    // of `lag(v, -2)` not at all: the values at the limit are short of rows (issue 25471).
    optimizer.enable_window_limits = false;
}

#[cfg(test)]
mod tests;
