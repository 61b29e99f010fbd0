//! `learning`: what is kept about a source when it is learned.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct LearningConfig {
    /// Distinct values a text column may have to be kept in the dictionary.
    pub(crate) max_values: usize,
    pub(crate) sample_values: bool,
    pub(crate) include_stats: bool,
    /// For one column's values; a dictionary cut short by it is marked incomplete.
    pub(crate) value_timeout: Duration,
}

impl LearningConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self {
            max_values: section.number("max_values", 20_000, 0..=1_000_000),
            sample_values: section.flag("sample_values", true),
            include_stats: section.flag("include_stats", true),
            value_timeout: section.duration("value_timeout", Duration::from_secs(30)),
        }
    }
}
