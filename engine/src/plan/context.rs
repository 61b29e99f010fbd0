//! What a plan collects while it is built, nested queries included.

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
    pub(crate) now: Timestamp,
    pub(crate) values: Vec<ScalarValue>,
    pub(crate) scans: Vec<Scanned>,
    pub(crate) spans: Spans,
    pub(crate) notes: Vec<String>,
    aliases: BTreeSet<String>,
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
        }
    }

    /// A user's value as a placeholder: its text never stands in a plan.
    pub(crate) fn value(&mut self, value: ScalarValue) -> Expr {
        let field = Field::new("", value.data_type(), true);
        self.values.push(value);
        let id = format!("${}", self.values.len());
        Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(field))))
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
