//! Subqueries that the engine here computes as SQL means them.
//!
//! DataFusion makes joins of subqueries that speak of the row around them: it takes their
//! conditions about that row out and up, past whatever is above. That is right where only other
//! conditions, outputs and inner joins are. Below an outer join, a window, a limit or a group it is
//! another query, and `count(*)` about days of times (`cast(t as date) = o.d`) was grouped by the
//! times. It finds them again by their bare names, so that `a.k = o.k AND b.k = o.id` were asked of
//! one `k`. `x IN (SELECT ...)` becomes a mark that is never null, so that it is right only where null
//! and false are the same: as a condition of its own that every row must pass; and `NOT IN` about
//! the row around it lets one null speak for all rows. Others are made joins by AIR itself
//! (`unnest.rs`), and what that has no form for is refused here.

use super::columns::subquery;
use super::outside::{outside, speaks};
use crate::sql::{Dialect, Unsupported};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, JoinType, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator};
use std::collections::BTreeSet;

/// Where an expression stands that may be a subquery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is a condition that every row must pass.
    Asked,
    /// It is denied, and that is such a condition.
    Denied,
    /// It is a part of such a condition.
    Within,
    /// It is an output, or a part of one.
    Shown,
    /// It decides how rows are grouped, ordered or joined.
    Elsewhere,
}

/// Whether every subquery of a plan that runs here is computed as it should be.
///
/// # Errors
/// [`Unsupported`], as an external error: one is not.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| match is_right(node) {
        true => Ok(TreeNodeRecursion::Continue),
        false => Err(refused(
            "does not compute a subquery in the condition of an outer join, nor one that it has no \
             join for; write it as a join, or put it in WHERE",
        )),
    })?;
    Ok(())
}

/// Whether the subqueries that a node itself holds are computed as they should be.
pub(super) fn is_right(node: &LogicalPlan) -> bool {
    // The visitor itself never fails.
    let all = |expr: &Expr, stands: Stands| {
        !expr.exists(|part| Ok(!is_joined_right(part, stands))).unwrap_or(true)
    };
    if let LogicalPlan::Filter(filter) = node {
        return split_conjunction(&filter.predicate).into_iter().all(|condition| {
            match standing(condition) {
                (inner @ Expr::InSubquery(inside), stands) => {
                    all(&inside.expr, Stands::Within) && is_joined_right(inner, stands)
                }
                _ => all(condition, Stands::Within),
            }
        });
    }
    let stands = match node {
        LogicalPlan::Projection(_) => Stands::Shown,
        _ => Stands::Elsewhere,
    };
    let mut right = true;
    let walked = node.apply_expressions(|expr| {
        right &= all(expr, stands);
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    right
}

/// What a condition asks or denies.
pub(super) fn standing(condition: &Expr) -> (&Expr, Stands) {
    match condition {
        Expr::Not(inner) => match standing(inner) {
            (inner, Stands::Asked) => (inner, Stands::Denied),
            (inner, _) => (inner, Stands::Asked),
        },
        other => (other, Stands::Asked),
    }
}

/// Whether DataFusion's own join of a subquery is right where it stands; true of any other
/// expression, whatever it holds.
pub(super) fn is_joined_right(expr: &Expr, stands: Stands) -> bool {
    let condition = matches!(stands, Stands::Asked | Stands::Denied | Stands::Within);
    match expr {
        Expr::Exists(exists) => condition && is_pulled_right(&exists.subquery.subquery),
        Expr::InSubquery(inside) => {
            let negated = inside.negated != (stands == Stands::Denied);
            let plan = &inside.subquery.subquery;
            matches!(stands, Stands::Asked | Stands::Denied)
                && is_pulled_right(plan)
                && !(negated && speaks(plan))
        }
        Expr::SetComparison(_) => false,
        Expr::ScalarSubquery(one) => {
            !speaks(&one.subquery)
                || ((condition || stands == Stands::Shown)
                    && is_total(&one.subquery)
                    && is_told_apart(&one.subquery))
        }
        _ => true,
    }
}

fn is_pulled_right(plan: &LogicalPlan) -> bool {
    is_pulled(plan, false) && is_told_apart(plan)
}

/// Whether the columns that meet the row around are found again above the subquery, where they are
/// looked for by their bare names: each name is one column, in every output that has the name.
fn is_told_apart(plan: &LogicalPlan) -> bool {
    let mut columns = BTreeSet::new();
    let mut told = true;
    let walked = plan.apply(|node| {
        if let LogicalPlan::Filter(filter) = node {
            for condition in split_conjunction(&filter.predicate) {
                if condition.contains_outer() {
                    columns.extend(condition.column_refs().into_iter().cloned());
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if names.len() < columns.len() {
        return false;
    }
    let walked = plan.apply(|node| {
        if let LogicalPlan::Projection(outputs) = node
            && speaks(node)
        {
            for (expr, field) in outputs.expr.iter().zip(outputs.schema.fields()) {
                told &= !names.contains(field.name().as_str())
                    || matches!(expr, Expr::Column(column) if columns.contains(column));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    told
}

/// Whether all that `plan` says of the row around it are conditions that may as well be asked
/// of its own rows joined to that row; `equal` where they are to be equalities of two columns.
fn is_pulled(plan: &LogicalPlan, equal: bool) -> bool {
    if !speaks(plan) {
        return true;
    }
    match plan {
        LogicalPlan::Projection(node) => !says(plan) && is_pulled(&node.input, equal),
        LogicalPlan::SubqueryAlias(node) => is_pulled(&node.input, equal),
        LogicalPlan::Filter(filter) => {
            asks_itself(filter, equal) && is_right(plan) && is_pulled(&filter.input, equal)
        }
        LogicalPlan::Join(join) => {
            join.join_type == JoinType::Inner
                && !says(plan)
                && is_pulled(&join.left, equal)
                && is_pulled(&join.right, equal)
        }
        _ => false,
    }
}

/// Whether a filter itself speaks of the row around it, and no subquery in it does.
fn asks_itself(filter: &Filter, equal: bool) -> bool {
    let own = filter.input.schema();
    split_conjunction(&filter.predicate).into_iter().all(|condition| {
        let further = condition.exists(|part| {
            let inner = subquery(part).map(|inner| outside(&inner.subquery));
            Ok(inner.is_some_and(|names| names.keys().any(|name| !own.has_column(name))))
        });
        // The visitor itself never fails.
        !further.unwrap_or(true)
            && (!equal || !condition.contains_outer() || is_equality(condition))
    })
}

/// Whether a column of the row around is equated with one of the query's own.
fn is_equality(condition: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else {
        return false;
    };
    matches!(
        (left.as_ref(), right.as_ref()),
        (Expr::Column(_), Expr::OuterReferenceColumn(..))
            | (Expr::OuterReferenceColumn(..), Expr::Column(_))
    )
}

/// Whether `plan` is a total over rows that meet the row around them by equal columns.
fn is_total(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(node) => !says(plan) && is_total(&node.input),
        LogicalPlan::Aggregate(node) => {
            node.group_expr.is_empty() && !says(plan) && is_pulled(&node.input, true)
        }
        _ => false,
    }
}

/// Whether a node's own expressions speak of the row around, or hold subqueries.
fn says(node: &LogicalPlan) -> bool {
    let exprs = node.expressions();
    let is =
        |part: &Expr| matches!(part, Expr::OuterReferenceColumn(..)) || subquery(part).is_some();
    // The visitor itself never fails.
    exprs.iter().any(|expr| expr.exists(|part| Ok(is(part))).unwrap_or(true))
}

pub(super) fn refused(reason: &str) -> DataFusionError {
    let reason = reason.to_owned();
    DataFusionError::External(Box::new(Unsupported { dialect: Dialect::Datafusion, reason }))
}
