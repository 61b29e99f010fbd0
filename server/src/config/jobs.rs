//! `execution.jobs`: work that no caller waits for.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct JobsConfig {
    /// So many of each kind at once in one process.
    pub(crate) learn: usize,
    pub(crate) analyze: usize,
    pub(crate) bulk_reports: usize,
    pub(crate) query: usize,
    pub(crate) report: usize,
    /// For one query, or one source that is learned.
    pub(crate) timeout: Duration,
    /// How often work is tried again where what failed may pass.
    pub(crate) retries: u32,
    /// A scheduled moment that is later than this was missed.
    pub(crate) misfire_grace: Duration,
    /// How long a job stays after its end; for ever where there is none.
    pub(crate) retention: Option<Duration>,
}

impl JobsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let retention = section.retention("retention", Duration::from_secs(30 * 86_400));
        Self {
            retention,
            learn: section.number("learn", 2, 1..=256),
            analyze: section.number("analyze", 2, 1..=256),
            bulk_reports: section.number("bulk_reports", 2, 1..=256),
            query: section.number("query", 4, 1..=256),
            report: section.number("report", 4, 1..=256),
            timeout: section.duration("timeout", Duration::from_secs(3600)),
            retries: section.number("retries", 3, 0..=20),
            misfire_grace: section.duration("misfire_grace", Duration::from_secs(60)),
        }
    }
}
