//! The memory, disk and threads that runs share.

use super::yielding::YieldingJoins;
use datafusion::common::Result;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
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
        Ok(Self { env, partitions: limits.partitions.max(1) })
    }

    /// Where sources register their object stores.
    pub fn env(&self) -> &Arc<RuntimeEnv> {
        &self.env
    }

    /// A session over the shared resources. Cheap beside a run.
    pub fn session(&self) -> SessionContext {
        self.session_of(self.partitions)
    }

    /// A session that gives rows in the order they come in: one thread works on them.
    pub(crate) fn ordered_session(&self) -> SessionContext {
        self.session_of(1)
    }

    fn session_of(&self, partitions: usize) -> SessionContext {
        let mut config = SessionConfig::new().with_target_partitions(partitions);
        // A cast that does not fit is an error, and text is compared as it is.
        config.options_mut().execution.parquet.pushdown_filters = false;
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.env))
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(YieldingJoins));
        SessionContext::new_with_state(state.build())
    }
}
