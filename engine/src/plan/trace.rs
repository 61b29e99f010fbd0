//! How a plan depends on the values of its IR, for the plan cache.
//!
//! Values of an IR reach its plan through comparisons alone, and each comparison gives three
//! things: a condition, values for the placeholders in it, and the time range it holds a column
//! to. A [`Site`] keeps what one comparison was asked and what it gave, and asks it again of
//! another value by the planner's own code; where the condition comes out equal, so does the plan
//! around it. Whatever else a plan is made of is told by the IR's shape, or marks the trace.

use super::Context;
use super::comparison::{Test, Tester};
use super::literal::Zones;
use crate::kind::Typed;
use air_ir::{Calendar, Op, Operand, Pointer};
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use std::collections::BTreeSet;

/// What was seen while a plan was made.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Comparisons in the order of their values.
    pub(crate) sites: Vec<Site>,
    /// Values, by number from 0, that the shape of the IR tells.
    pub(crate) fixed: BTreeSet<usize>,
    /// Something other than a comparison depends on the run's time.
    pub(crate) reads_now: bool,
    /// The alias and the column whose bounds are the plan's range.
    pub(crate) range: Option<(String, String)>,
}

/// One comparison as it was planned.
#[derive(Debug)]
pub(crate) struct Site {
    /// Where in the IR its value stands.
    pub(crate) at: Pointer,
    pub(crate) subject: Typed,
    pub(crate) op: Op,
    pub(crate) operand: Operand,
    pub(crate) zones: Zones,
    pub(crate) calendar: Calendar,
    /// How many values there were before it, and how many it added.
    pub(crate) first: usize,
    pub(crate) added: usize,
    pub(crate) test: Test,
    /// The scan that it bounds: alias and column.
    pub(crate) bounds: Option<(String, String)>,
}

impl Site {
    /// The comparison with another operand, its values put behind those in `context`; `None`
    /// where it is an error, or another plan comes of it.
    pub(crate) fn again(&self, operand: &Operand, context: &mut Context) -> Option<Test> {
        let mut tester = Tester { context, zones: &self.zones, calendar: &self.calendar };
        let test = tester.test(&self.subject, self.op, operand, &Pointer::root()).ok()?;
        let same = test.condition == self.test.condition
            && test.lower.is_some() == self.test.lower.is_some()
            && test.upper.is_some() == self.test.upper.is_some()
            && context.values.len() == self.first + self.added;
        same.then_some(test)
    }
}

impl Trace {
    pub(super) fn bounds_scan(&mut self, subject: &Expr) {
        let Expr::Column(Column { relation: Some(alias), name, .. }) = subject else { return };
        if let Some(site) = self.sites.last_mut() {
            site.bounds = Some((alias.table().to_owned(), name.clone()));
        }
    }

    /// Whether every one of `count` values is that of a comparison, or told by the shape.
    pub(crate) fn covers(&self, count: usize) -> bool {
        let mut covered = self.fixed.clone();
        covered.extend(self.sites.iter().flat_map(|s| s.first..s.first + s.added));
        covered.len() == count
    }
}
