//! `eda`: what the EDA service is asked to do; where it is, `python` says.

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct EdaConfig {
    /// Whether runs get EDA findings where the service is enabled.
    pub(crate) enabled: bool,
    /// Rows of the seeded sample for pairwise and outlier work.
    pub(crate) sample_rows: u64,
    pub(crate) seed: u64,
    /// Buckets for the Mann-Kendall test.
    pub(crate) trend_buckets: u32,
}

impl EdaConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self {
            enabled: section.flag("enabled", true),
            sample_rows: section.number("sample_rows", 100_000, 100..=100_000),
            seed: section.number("seed", 42, 0..=u64::MAX),
            trend_buckets: section.number("trend_buckets", 2_000, 10..=2_000),
        }
    }
}
