//! How large an expression may become.
//!
//! A metric that names others holds what they are, `least` and `greatest` hold each argument twice,
//! and the engine's optimizer makes a `case` of `coalesce` that does so too: a few lines can stand
//! for more than any engine takes. What is refused here was not built before: parts are counted as
//! they are put together. The guard counts them again, whoever made the plan.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

/// More parts than this in one expression, counted again wherever a part stands, are refused.
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
        self.parts = self.parts.saturating_add(parts(expr));
        self.parts <= MOST_PARTS
    }
}

/// Whether an expression is too large as a whole.
pub(super) fn is_too_large(expr: &Expr) -> bool {
    parts(expr) > MOST_PARTS
}

/// Whether an expression is nested too deep.
pub(super) fn is_too_deep(expr: &Expr) -> bool {
    measure(expr).levels > MOST_LEVELS
}

/// How many parts an expression has once it is optimized.
pub(crate) fn parts(expr: &Expr) -> usize {
    measure(expr).parts
}

#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    parts: usize,
    levels: usize,
}

fn measure(expr: &Expr) -> Measure {
    let mut of = Measure::default();
    let walked = expr.apply_children(|child| {
        let child = measure(child);
        of.parts = of.parts.saturating_add(child.parts);
        of.levels = of.levels.max(child.levels);
        Ok(TreeNodeRecursion::Continue)
    });
    // The visitor itself never fails.
    debug_assert!(walked.is_ok());
    // Each argument is asked whether it is null, and is the value where it is not.
    let twice = matches!(expr, Expr::ScalarFunction(call) if call.func.name() == "coalesce");
    let parts = of.parts.saturating_mul(1 + usize::from(twice)).saturating_add(1);
    Measure { parts, levels: of.levels + 1 }
}
