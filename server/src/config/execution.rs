//! `execution`: how queries run. The memory pool is `limits.memory_pool`.

use std::path::PathBuf;
use std::time::Duration;

use super::jobs::JobsConfig;
use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct ExecutionConfig {
    /// Threads for queries; 0 takes one a processor.
    pub(crate) threads: u16,
    pub(crate) batch_rows: usize,
    /// Whether databases do what they can of a question; without it they give their tables' rows.
    pub(crate) pushdown: bool,
    /// Where a query that outgrows its memory writes; inside the data folder unless absolute.
    pub(crate) spill_dir: PathBuf,
    pub(crate) max_spill: u64,
    pub(crate) query_timeout: Duration,
    pub(crate) max_result_bytes: u64,
    /// Where each run's snapshot is kept.
    pub(crate) snapshot_dir: PathBuf,
    pub(crate) snapshot_rows: u64,
    /// How long rows are kept after their run; for ever where absent.
    pub(crate) snapshot_retention: Option<Duration>,
    /// How long the record of a run is kept after it, and at least as long as its rows; for ever
    /// where absent.
    pub(crate) run_retention: Option<Duration>,
    pub(crate) jobs: JobsConfig,
    /// Bytes of rows that are kept for those who say how old an answer may be; 0 keeps none.
    pub(crate) result_cache: u64,
}

impl ExecutionConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        // `distributed` becomes a choice when the executor for it is there; until then it is an
        // error, not a setting without effect.
        section.choice("engine", (), &[("local", ())]);
        let retention = section.retention("snapshot_retention", Duration::from_secs(30 * 86_400));
        let records = section.retention("run_retention", Duration::from_secs(365 * 86_400));
        Self {
            snapshot_retention: retention,
            run_retention: records,
            threads: section.number("threads", 0, 0..=1024),
            batch_rows: section.number("batch_rows", 8192, 1..=1_048_576),
            pushdown: section.flag("pushdown", true),
            spill_dir: section.path("spill_dir", Some("spill")).unwrap_or_default(),
            max_spill: section.size("max_spill", 20_000_000_000),
            query_timeout: section.duration("query_timeout", Duration::from_secs(30)),
            max_result_bytes: section.size("max_result_bytes", 256_000_000),
            snapshot_dir: section.path("snapshot_dir", Some("snapshots")).unwrap_or_default(),
            snapshot_rows: section.number("snapshot_rows", 100_000, 0..=10_000_000),
            jobs: JobsConfig::read(section.section("jobs")),
            result_cache: section.size("result_cache", 64_000_000),
        }
    }
}
