//! What a plan collects while it is built, nested queries included.

use super::trace::{Site, Trace};
use datafusion::arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Placeholder;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where the times of a column lie, by its table's alias and its name: rows outside are left out
/// by the filters of the same scan.
pub(crate) type Spans = BTreeMap<(String, String), (Timestamp, Timestamp)>;

/// Values, scans and notes of one plan.
#[derive(Debug)]
pub(crate) struct Context {
    now: Timestamp,
    pub(crate) values: Vec<ScalarValue>,
    pub(crate) scans: Vec<Scanned>,
    pub(crate) spans: Spans,
    pub(crate) notes: Vec<String>,
    aliases: BTreeSet<String>,
    /// What the plan cache wants to know, where it asked for the plan.
    pub(crate) trace: Option<Trace>,
}

/// A table that the plan reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scanned {
    /// Qualified name.
    pub(crate) table: String,
    /// Its alias in the plan, unique there.
    pub(crate) alias: String,
    /// The columns read.
    pub(crate) columns: Vec<String>,
    /// Where the guard wants a bounded time range: the time column and the bounds asked for.
    pub(crate) time: Option<TimeBounds>,
}

/// What the filters say of a scan's time column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeBounds {
    pub(crate) column: String,
    pub(crate) lower: Option<Timestamp>,
    pub(crate) upper: Option<Timestamp>,
}

impl Context {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            values: Vec::new(),
            scans: Vec::new(),
            spans: Spans::new(),
            notes: Vec::new(),
            aliases: BTreeSet::new(),
            trace: None,
        }
    }

    /// The run's time, for a plan that is then good for this time alone.
    #[expect(dead_code, reason = "no part of a plan needs it yet but comparisons")]
    pub(crate) fn now(&mut self) -> Timestamp {
        if let Some(trace) = &mut self.trace {
            trace.reads_now = true;
        }
        self.now
    }

    /// The run's time, for a comparison: those are traced with what comes of them.
    pub(super) fn now_of_comparison(&self) -> Timestamp {
        self.now
    }

    /// A user's value as a placeholder: its text never stands in a plan.
    pub(crate) fn value(&mut self, value: ScalarValue) -> Expr {
        let field = Field::new("", value.data_type(), true);
        self.values.push(value);
        let id = format!("${}", self.values.len());
        Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(field))))
    }

    /// Says that the values from the one numbered `first` on are the same for every IR of this
    /// shape, since they are no values of comparisons.
    pub(crate) fn fixed_from(&mut self, first: usize) {
        if let Some(trace) = &mut self.trace {
            trace.fixed.extend(first..self.values.len());
        }
    }

    pub(super) fn traced(&mut self, site: impl FnOnce() -> Site) {
        if let Some(trace) = &mut self.trace {
            trace.sites.push(site());
        }
    }

    /// Says that the last comparison bounds the scan that `subject` is a column of.
    pub(super) fn bounds_scan(&mut self, subject: &Expr) {
        if let Some(trace) = &mut self.trace {
            trace.bounds_scan(subject);
        }
    }

    /// Says whose bounds the range of the plan is, where a fact before has not said so.
    pub(super) fn range_is_of(&mut self, alias: &str, column: &str) {
        if let Some(trace) = &mut self.trace {
            trace.range.get_or_insert_with(|| (alias.to_owned(), column.to_owned()));
        }
    }

    /// An alias like `name` that nothing else in the plan has.
    pub(crate) fn alias(&mut self, name: &str) -> String {
        let mut alias = name.to_owned();
        let mut n = 1;
        while !self.aliases.insert(alias.clone()) {
            n += 1;
            alias = format!("{name}_{n}");
        }
        alias
    }

    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
