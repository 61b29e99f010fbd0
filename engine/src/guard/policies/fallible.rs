//! Conditions that can fail for some rows: by list, what is not known cannot be relied on.

use crate::guard::nodes;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

/// Functions that give a value, or null, for every row.
const TOTAL: &[&str] = &[
    "air_fold",
    "btrim",
    "character_length",
    "coalesce",
    "contains",
    "ends_with",
    "lower",
    "nullif",
    "starts_with",
    "upper",
];

/// Whether a condition of a plan, on rows or on pairs of them, can fail.
pub(super) fn has_conditions(plan: &LogicalPlan) -> bool {
    let mut found = false;
    nodes::each(plan, &mut |node| {
        found |= match node {
            LogicalPlan::Filter(filter) => can_fail(&filter.predicate),
            LogicalPlan::Join(join) => join.filter.as_ref().is_some_and(can_fail),
            _ => false,
        };
    });
    found
}

fn can_fail(expr: &Expr) -> bool {
    expr.exists(|part| Ok(fails_itself(part))).unwrap_or(true)
}

/// Whether an expression can fail where its parts do not.
fn fails_itself(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => !matches!(
            binary.op,
            Operator::And
                | Operator::Or
                | Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom
        ),
        Expr::ScalarFunction(function) => !TOTAL.contains(&function.func.name()),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::Literal(..)
        | Expr::Placeholder(_)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::Like(_)
        | Expr::InList(_)
        | Expr::Case(_)
        // Their plans are looked at by themselves.
        | Expr::Exists(_)
        | Expr::InSubquery(_) => false,
        _ => true,
    }
}
