//! Subqueries that the engine here does not compute as SQL means them, refused before they run.
//!
//! DataFusion makes joins of subqueries. `x IN (SELECT ...)` becomes a mark that is never null, so
//! that it is right only where null and false are the same: as a condition of its own that every
//! row must pass. A correlated `EXISTS` or `IN` is grouped by its keys, so that a total without
//! groups, which has a row also where nothing is, has none there, and a place to begin or end at
//! counts over all keys. Databases compute all of these; here they are refused.

use crate::sql::{Dialect, Unsupported};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};

/// Whether every subquery of a plan that runs here is computed as it should be.
///
/// # Errors
/// [`Unsupported`], as an external error: the first that is not.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Filter(filter) => {
                for condition in split_conjunction(&filter.predicate) {
                    asked(condition)?;
                }
            }
            other => other
                .apply_expressions(|expr| {
                    value(expr)?;
                    Ok(TreeNodeRecursion::Continue)
                })
                .map(drop)?,
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// A condition that every row must pass.
fn asked(condition: &Expr) -> Result<()> {
    match condition {
        Expr::InSubquery(within) => {
            value(&within.expr)?;
            correlated(&within.subquery, false)
        }
        Expr::Not(inner) if matches!(inner.as_ref(), Expr::InSubquery(_)) => asked(inner),
        other => value(other),
    }
}

/// Anything whose null and false differ.
fn value(expr: &Expr) -> Result<()> {
    expr.apply(|expr| {
        match expr {
            Expr::InSubquery(_) | Expr::SetComparison(_) => {
                return Err(refused(
                    "does not compute IN over a query within OR, NOT, CASE or a value, where \
                     null and false differ; write EXISTS, or let it stand alone in WHERE",
                ));
            }
            Expr::Exists(exists) => correlated(&exists.subquery, true)?,
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// A subquery that looks at the row around it; `exists` where only its having rows counts.
fn correlated(subquery: &Subquery, exists: bool) -> Result<()> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(());
    }
    subquery.subquery.apply(|node| {
        match node {
            LogicalPlan::Aggregate(total)
                if total.group_expr.is_empty() && !total.input.all_out_ref_exprs().is_empty() =>
            {
                return Err(refused(
                    "does not compute a total without GROUP BY in EXISTS or IN about the row \
                     around it; join to the totals, or compare with the total itself",
                ));
            }
            LogicalPlan::Limit(limit)
                if (limit.skip.is_some() || !exists)
                    && !limit.input.all_out_ref_exprs().is_empty() =>
            {
                return Err(refused(
                    "does not compute OFFSET, nor LIMIT in IN, in a query about the row around \
                     it; number its rows in a query of its own",
                ));
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn refused(reason: &str) -> DataFusionError {
    let reason = reason.to_owned();
    DataFusionError::External(Box::new(Unsupported { dialect: Dialect::Datafusion, reason }))
}
