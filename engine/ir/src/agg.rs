//! Aggregates of a metric.

use serde::{Deserialize, Serialize};

/// What a metric does with the rows of a group. Null handling and result types: `IR.md`,
/// "Aggregates".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agg {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    Median,
    Percentile,
    Stddev,
    Variance,
    First,
    Last,
    BoolAnd,
    BoolOr,
}

impl Agg {
    /// Every aggregate with its word in the IR.
    pub const WORDS: &'static [(&'static str, Agg)] = &[
        ("count", Agg::Count),
        ("count_distinct", Agg::CountDistinct),
        ("sum", Agg::Sum),
        ("avg", Agg::Avg),
        ("min", Agg::Min),
        ("max", Agg::Max),
        ("median", Agg::Median),
        ("percentile", Agg::Percentile),
        ("stddev", Agg::Stddev),
        ("variance", Agg::Variance),
        ("first", Agg::First),
        ("last", Agg::Last),
        ("bool_and", Agg::BoolAnd),
        ("bool_or", Agg::BoolOr),
    ];

    /// The word in the IR.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, a)| *a == self).map_or("", |(w, _)| w)
    }

    /// Whether the values of disjoint groups add up to the value of their union.
    pub fn is_additive(self) -> bool {
        matches!(self, Self::Count | Self::Sum)
    }

    /// Whether a group without rows has the value 0 rather than null.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Count | Self::CountDistinct)
    }
}

/// How a percentile between two rows is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PercentileMethod {
    /// Linear interpolation, as SQL's `percentile_cont`.
    #[default]
    Cont,
    /// The first value at or above the rank, as SQL's `percentile_disc`.
    Disc,
}
