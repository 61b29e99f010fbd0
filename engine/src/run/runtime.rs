//! The memory, disk and threads that runs share.

use super::outer::OuterJoins;
use super::pushing::careful;
use super::yielding::YieldingJoins;
use datafusion::common::Result;
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
    /// What runs plan and work with; made once, since making one takes longer than a small run.
    parallel: Arc<Planner>,
    ordered: Arc<Planner>,
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
        let planner = |partitions| Arc::new(Planner::new(state_of(&env, partitions)));
        let (parallel, ordered) = (planner(partitions), planner(1));
        Ok(Self { env, partitions, parallel, ordered })
    }

    /// Where sources register their object stores.
    pub fn env(&self) -> &Arc<RuntimeEnv> {
        &self.env
    }

    /// A session over the shared resources, with a catalog of its own.
    pub fn session(&self) -> SessionContext {
        SessionContext::new_with_state(state_of(&self.env, self.partitions))
    }

    /// What runs are planned by; rows that keep the order they come in are worked on by one
    /// thread.
    pub(super) fn planner(&self, ordered: bool) -> &Planner {
        match ordered {
            true => &self.ordered,
            false => &self.parallel,
        }
    }
}

fn state_of(env: &Arc<RuntimeEnv>, partitions: usize) -> SessionState {
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    // A cast that does not fit is an error, and text is compared as it is.
    config.options_mut().execution.parquet.pushdown_filters = false;
    config.options_mut().sql_parser.enable_ident_normalization = false;
    // Plans and their expressions differ in what may be null for IS DISTINCT FROM alone.
    config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = vec![Arc::new(OuterJoins)];
    rules.extend(PhysicalOptimizer::new().rules.into_iter().map(careful));
    rules.push(Arc::new(YieldingJoins));
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(env))
        .with_default_features()
        .with_physical_optimizer_rules(rules)
        .build()
}
