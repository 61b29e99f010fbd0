//! `execution`: how queries run. The memory pool is `limits.memory_pool`.

use std::path::PathBuf;
use std::time::Duration;

use air_distributed::Place;

use super::jobs::JobsConfig;
use super::section::Section;
use super::worker::WorkerConfig;

#[derive(Debug, Clone)]
pub(crate) struct ExecutionConfig {
    /// Whether workers do what is large of files.
    pub(crate) distributed: bool,
    /// URLs of the workers.
    pub(crate) workers: Vec<String>,
    /// What a worker is to read in each of its parts; a run that is worth one worker stays here.
    pub(crate) bytes_per_part: u64,
    /// What workers are told, and what `air worker` is.
    pub(crate) worker: WorkerConfig,
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
        let engines = [("local", false), ("distributed", true)];
        let distributed = section.choice("engine", false, &engines);
        let worker = WorkerConfig::read(section.section("worker"), distributed);
        let workers = section.texts("workers", &[]);
        check_workers(&section, distributed, &workers, &worker);
        let retention = section.retention("snapshot_retention", Duration::from_secs(30 * 86_400));
        let records = section.retention("run_retention", Duration::from_secs(365 * 86_400));
        Self {
            distributed,
            workers,
            bytes_per_part: section.size("bytes_per_part", 16_000_000),
            worker,
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

/// Every worker must be reachable as it is named.
fn check_workers(section: &Section<'_>, distributed: bool, urls: &[String], worker: &WorkerConfig) {
    if distributed && urls.is_empty() {
        let fix = "list where air worker runs, such as [\"https://worker-1:9100\"]";
        section.report("workers", "engine: distributed has no workers", fix);
    }
    for url in urls {
        if let Err(error) = Place::read(url, worker.has_tls()) {
            section.report("workers", format!("{url}: {error}"), error.fix());
        }
    }
}
