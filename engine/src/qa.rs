//! QA: what the rows of a run say about themselves, without a model and without an earlier run.
//!
//! In: the rows, and a few figures the run gathered beside them ([`Evidence`]). Out: a
//! [`Verdict`]. A check that does not apply is not in it. Deliberately absent: IO, errors (a
//! finding is data), and whatever needs an earlier run.
//!
//! **Warn** means that the rows may be right but a reader has to know something; **fail**, that
//! the rows contradict themselves and no reader should use them.

mod buckets;
mod concentration;
mod duplicates;
mod empty;
mod fanout;
mod filters;
mod finite;
mod freshness;
mod gaps;
mod last_period;
mod nulls;
mod outliers;
mod shares;
mod totals;
mod truncated;
mod values;

pub use totals::totals_ir;

use crate::{OutputColumn, OutputRole};
use air_ir::{Check, CheckStatus, Fill, Ir, Verdict};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Version of the set of checks, their methods and their thresholds.
pub const RUBRIC_VERSION: &str = "1";

/// The column that marks the row of `top.other`.
const REST: &str = "is_other";

/// How many examples of a finding are kept.
const EXAMPLES: usize = 5;

/// The rows of a run and what was gathered beside them.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    pub ir: &'a Ir,
    /// What the columns of `rows` are; matched by name.
    pub columns: &'a [OutputColumn],
    /// The whole result, limited or not.
    pub rows: &'a RecordBatch,
    /// Whether a further row exists.
    pub truncated: bool,
    /// The frozen time of the run.
    pub now: Timestamp,
    /// IANA name of the IR's zone.
    pub time_zone: &'a str,
    /// Half-open bounds of the time filter.
    pub range: Option<(Timestamp, Timestamp)>,
    /// The one row of [`totals_ir`].
    pub totals: Option<&'a RecordBatch>,
    pub receipts: &'a [Receipt],
    /// The newest time in the data of the root.
    pub latest: Option<Timestamp>,
    /// Filters that on their own matched nothing.
    pub empty_filters: &'a [String],
}

/// The rows of a fact before and after its to-one joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub fact: String,
    pub rows_alone: u64,
    pub rows_joined: u64,
}

/// Every check, in the order of the verdict: first whether there are rows and all of them, then
/// whether they agree with themselves, then what stands out.
const CHECKS: &[fn(&Evidence<'_>) -> Option<Check>] = &[
    empty::check,
    truncated::check,
    filters::check,
    duplicates::check,
    fanout::check,
    totals::check,
    shares::check,
    nulls::check,
    finite::check,
    gaps::check,
    last_period::check,
    freshness::check,
    outliers::check,
    concentration::check,
];

/// The verdict on the rows of a run.
pub fn check(e: &Evidence<'_>) -> Verdict {
    let checks: Vec<Check> = CHECKS.iter().filter_map(|check| check(e)).collect();
    Verdict {
        status: checks.iter().map(|c| c.status).max().unwrap_or(CheckStatus::Pass),
        rubric_version: RUBRIC_VERSION.to_owned(),
        checks,
        analysis_md: None,
        model_used: None,
    }
}

impl<'a> Evidence<'a> {
    fn of_role(self, role: OutputRole) -> impl Iterator<Item = (&'a OutputColumn, &'a ArrayRef)> {
        self.columns
            .iter()
            .filter(move |c| c.role == role && (c.name != REST || self.rest().is_none()))
            .filter_map(move |c| Some((c, self.rows.column_by_name(&c.name)?)))
    }

    fn dimensions(self) -> impl Iterator<Item = (&'a OutputColumn, &'a ArrayRef)> {
        self.of_role(OutputRole::Dimension)
    }

    fn metrics(self) -> impl Iterator<Item = (&'a OutputColumn, &'a ArrayRef)> {
        self.of_role(OutputRole::Metric)
    }

    /// Metrics whose groups add up in the rows as shown: buckets filled with the value before
    /// them do not.
    fn additive(self) -> impl Iterator<Item = (&'a OutputColumn, &'a ArrayRef)> {
        let carried = self.ir.time.fill == Some(Fill::Previous);
        self.metrics().filter(move |(c, _)| c.additive && !carried)
    }

    /// Whether every group is among the rows.
    fn is_whole(&self) -> bool {
        !self.truncated && self.ir.offset == 0 && self.ir.having.is_empty() && self.ir.top.is_none()
    }

    fn rest(&self) -> Option<&'a BooleanArray> {
        let asked = self.ir.top.as_ref().is_some_and(|top| top.other);
        self.rows.column_by_name(REST).filter(|_| asked)?.as_boolean_opt()
    }

    /// The rows that are groups, not the sum of what `top` left out.
    fn group_rows(&self) -> Vec<usize> {
        let rest = self.rest();
        let is_rest = |row| rest.is_some_and(|r| r.is_valid(row) && r.value(row));
        (0..self.rows.num_rows()).filter(|row| !is_rest(*row)).collect()
    }

    /// What a row stands for: its dimensions, for people.
    fn group(&self, row: usize) -> Value {
        let label = |array| values::label(array, row, self.time_zone);
        self.dimensions().map(|(c, array)| (c.name.clone(), label(array))).collect()
    }
}

/// One finding, with its evidence in the form all checks share.
fn finding(
    id: &str,
    status: CheckStatus,
    message: String,
    evidence: (Value, Value, &str),
) -> Check {
    let (observed, threshold, method) = evidence;
    Check {
        id: id.to_owned(),
        status,
        message,
        evidence: json!({ "observed": observed, "threshold": threshold, "method": method }),
    }
}

/// A share as people write it.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `1 row`, `2 rows`.
fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
