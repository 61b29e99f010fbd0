//! `safety`: what the guard holds every plan to.

use super::section::Section;

/// What to do with a time-series table whose time range is not bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeFilter {
    /// Add the last `enforce_time_filter_days` days, and say so.
    Inject,
    Refuse,
    Off,
}

#[derive(Debug, Clone)]
pub(crate) struct SafetyConfig {
    pub(crate) default_row_limit: u64,
    pub(crate) max_row_limit: u64,
    pub(crate) enforce_time_filter_days: u32,
    pub(crate) time_filter: TimeFilter,
    /// Whether the database is asked for its own estimate before a query runs.
    pub(crate) explain: bool,
    /// The highest estimate that may run, in the database's own unit; needs `explain`. 0 in the
    /// file is none.
    pub(crate) max_cost: Option<u64>,
}

impl SafetyConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let choices = [
            ("inject", TimeFilter::Inject),
            ("refuse", TimeFilter::Refuse),
            ("off", TimeFilter::Off),
        ];
        let config = Self {
            default_row_limit: section.number("default_row_limit", 5_000, 1..=10_000_000),
            max_row_limit: section.number("max_row_limit", 100_000, 1..=10_000_000),
            enforce_time_filter_days: section.number("enforce_time_filter_days", 370, 1..=36_500),
            time_filter: section.choice("time_filter", TimeFilter::Inject, &choices),
            explain: section.flag("explain", false),
            max_cost: Some(section.number("max_cost", 0, 0..=u64::MAX)).filter(|most| *most > 0),
        };
        if config.max_cost.is_some() && !config.explain {
            section.report("max_cost", "has no effect without explain", "set safety.explain: true");
        }
        if config.default_row_limit > config.max_row_limit {
            let what = "the default is more than the maximum";
            section.report("default_row_limit", what, "at most safety.max_row_limit");
        }
        config
    }
}
