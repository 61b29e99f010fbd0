//! Subqueries and groups as Postgres has them, and those that are refused since no engine would
//! give the same rows. How the engine here computes subqueries is `split/nested.rs`.

use super::meaning::Unmeant;
use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Subquery};

/// Groups whose keys are each there once. The schema of a node has them once already, and
/// whatever counts its expressions would be off by those that come twice.
pub(super) fn grouped_once(plan: LogicalPlan) -> Result<LogicalPlan> {
    let once = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Aggregate(Aggregate { input, group_expr, aggr_expr, .. }) = node else {
            return Ok(Transformed::no(node));
        };
        aggr_expr.iter().try_for_each(of_this_query)?;
        let mut keys: Vec<Expr> = Vec::new();
        for key in group_expr {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let node = Aggregate::try_new(input, keys, aggr_expr)?;
        Ok(Transformed::yes(LogicalPlan::Aggregate(node)))
    })?;
    Ok(once.data)
}

/// An aggregate over columns of the query around alone is that query's in Postgres, and would be
/// this one's here.
fn of_this_query(aggregate: &Expr) -> Result<()> {
    match aggregate.contains_outer() && aggregate.column_refs().is_empty() {
        true => Err(Unmeant::error(
            "an aggregate in a subquery over columns of the query around it alone is not taken; \
             compute it there",
        )),
        false => Ok(()),
    }
}

/// A subquery of one value is null where it has no row, so its column has to be one that may be.
pub(super) fn may_be_null(subquery: &Subquery) -> Result<()> {
    let nullable = subquery.subquery.schema().fields().iter().all(|f| f.is_nullable());
    match nullable || has_one_row(&subquery.subquery) {
        true => Ok(()),
        false => Err(Unmeant::error(
            "a subquery of one value that is a constant, a count or a rank is not taken where it \
             may have no row; select a column or an aggregate of it",
        )),
    }
}

fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(node) => has_one_row(&node.input),
        LogicalPlan::SubqueryAlias(node) => has_one_row(&node.input),
        LogicalPlan::Sort(node) => node.fetch.is_none() && has_one_row(&node.input),
        LogicalPlan::Aggregate(node) => node.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(node) => node.produce_one_row,
        _ => false,
    }
}
