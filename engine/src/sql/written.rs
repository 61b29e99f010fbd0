//! SQL text without its values, so that one text serves every run of a plan.

use super::{Dialect, Sql, Unsupported};
use crate::plan::Spans;
use datafusion::arrow::array::{Array, ListArray};
use datafusion::common::ScalarValue;
use std::sync::{Arc, OnceLock};

/// One query, and which values go where.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) text: Arc<str>,
    /// For each placeholder, the number of its value from 0: the plan's first, then `constants`.
    pub(super) order: Vec<usize>,
    /// How many values the plan has.
    pub(super) values: usize,
    /// Values that the plan's structure holds.
    pub(super) constants: Vec<ScalarValue>,
    /// Where the times of columns lay when the text was written, where it depends on it.
    pub(super) spans: Option<Spans>,
    /// Whether each element of a list is a value of its own.
    pub(super) spread: bool,
    /// Whether there is such a list, on whose length the text depends.
    pub(super) of_lists: bool,
}

impl Written {
    /// The values of the placeholders, from the plan's values.
    pub(crate) fn params(&self, values: &[ScalarValue]) -> Vec<ScalarValue> {
        let value = |i: &usize| match i.checked_sub(self.values) {
            None => values.get(*i),
            Some(constant) => self.constants.get(constant),
        };
        let mut params = Vec::with_capacity(self.order.len());
        for value in self.order.iter().filter_map(value) {
            match value {
                ScalarValue::List(list) if self.spread => params.extend(elements(list)),
                value => params.push(value.clone()),
            }
        }
        params
    }

    pub(crate) fn sql(&self, dialect: Dialect, values: &[ScalarValue]) -> Sql {
        Sql { dialect, text: self.text.as_ref().to_owned(), params: self.params(values) }
    }
}

fn elements(list: &ListArray) -> impl Iterator<Item = ScalarValue> {
    let items = list.values();
    (0..items.len()).filter_map(|i| ScalarValue::try_from_array(items, i).ok())
}

/// The texts of one plan, each written when it is first asked for. Clones share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(Arc<[OnceLock<Arc<Written>>; Dialect::ALL.len()]>);

impl Texts {
    /// The text for a dialect, and for where the times of columns lie.
    pub(super) fn get(
        &self,
        dialect: Dialect,
        spans: &Spans,
        write: impl Fn() -> Result<Written, Unsupported>,
    ) -> Result<Arc<Written>, Unsupported> {
        let slot = &self.0[dialect as usize];
        if let Some(known) = slot.get()
            && known.spans.as_ref().is_none_or(|written_for| written_for == spans)
        {
            return Ok(Arc::clone(known));
        }
        let written = Arc::new(write()?);
        if written.of_lists {
            return Ok(written);
        }
        // Whoever came first, both texts are right.
        let _ = slot.set(Arc::clone(&written));
        Ok(written)
    }
}
