//! How large an expression may become.
//!
//! A metric that names others holds what they are, and `least` and `greatest` hold each argument
//! twice, so that a few lines can stand for more than any engine takes. What is refused here was
//! not built before: parts are counted as they are put together.

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::logical_expr::Expr;

/// More parts than this, counted again wherever a part stands, are refused.
pub(super) const MOST_PARTS: usize = 10_000;
/// Parts within parts. Planners and engines go into an expression by recursion.
pub(super) const MOST_LEVELS: usize = 400;

/// Counts parts, as far as a text cannot bound them.
#[derive(Debug, Default)]
pub(super) struct Size {
    parts: usize,
}

impl Size {
    /// `expr` is put into the expression. False where that makes it too large.
    pub(super) fn takes(&mut self, expr: &Expr) -> bool {
        self.parts = self.parts.saturating_add(measure(expr).parts);
        self.parts <= MOST_PARTS
    }
}

/// Whether an expression is nested too deep.
pub(super) fn is_too_deep(expr: &Expr) -> bool {
    measure(expr).levels > MOST_LEVELS
}

#[derive(Default)]
struct Measure {
    parts: usize,
    level: usize,
    levels: usize,
}

fn measure(expr: &Expr) -> Measure {
    let mut measure = Measure::default();
    // It goes through without an error, since it makes none.
    let _whole = expr.visit(&mut measure);
    measure
}

impl TreeNodeVisitor<'_> for Measure {
    type Node = Expr;

    fn f_down(&mut self, _: &Expr) -> Result<TreeNodeRecursion> {
        self.parts += 1;
        self.level += 1;
        self.levels = self.levels.max(self.level);
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, _: &Expr) -> Result<TreeNodeRecursion> {
        self.level -= 1;
        Ok(TreeNodeRecursion::Continue)
    }
}
