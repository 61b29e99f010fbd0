//! Subqueries that the engine here would not compute as SQL means them (`nested.rs`), as joins.
//!
//! In: a plan that is run here. Out: the same rows, of a plan whose subqueries are left to DataFusion
//! only where it is right. The rows of a subquery for every row around it (`tied.rs`) are joined
//! to the left of these: `EXISTS` asks whether there is one; `IN` whether one has the value, and
//! where none has, whether there is any and whether one is null; a value is the one that there is.
//!
//! Absent: a subquery of one value that may have several rows, and one about rows that a limit or a
//! window chose, which could be other ones when they are asked for twice.

mod rows;

use super::nested::{Stands, is_right};
use super::tied::{Made, no_form};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection};
use rows::Rows;
use std::sync::Arc;

/// `plan` with joins in the place of such subqueries.
///
/// # Errors
/// [`crate::sql::Unsupported`], as an external error: one has no join.
pub(super) fn unnested(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let mut made = Made::default();
    // From the top down: what is made of a query still speaks within its own subqueries, of keys.
    let plan = plan.clone().transform_down_with_subqueries(|node| match is_right(&node) {
        true => Ok(Transformed::no(node)),
        false => Ok(Transformed::yes(joined(node, &mut made)?)),
    })?;
    let plan = plan.data.transform_up_with_subqueries(|node| {
        let node = node.recompute_schema()?;
        Ok(Transformed::yes(node))
    })?;
    Ok(plan.data)
}

/// A node whose subqueries are joins below it.
fn joined(node: LogicalPlan, made: &mut Made) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Filter(filter) => filtered(filter, made),
        LogicalPlan::Join(mut join) if join.join_type == JoinType::Inner => {
            let Some(condition) = join.filter.take() else {
                return Err(no_form("a place in the equality of a join"));
            };
            filtered(Filter::try_new(condition, Arc::new(LogicalPlan::Join(join)))?, made)
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Window(_) => {
            let Some(&around) = node.inputs().first() else { return Ok(node) };
            let mut rows = Rows::new(around, made);
            let names = NamePreserver::new(&node);
            let mut exprs = Vec::new();
            for expr in node.expressions() {
                let name = names.save(&expr);
                exprs.push(name.restore(rows.without(expr, stands_in(&node))?));
            }
            let rows = rows.joined();
            let columns = node.schema().columns();
            with_columns(node.with_new_exprs(exprs, vec![rows])?, columns)
        }
        _ => Err(no_form("a place in the condition of an outer join")),
    }
}

fn stands_in(node: &LogicalPlan) -> Stands {
    match node {
        LogicalPlan::Projection(_) => Stands::Shown,
        _ => Stands::Elsewhere,
    }
}

/// A filter: what needs no join is asked first.
fn filtered(filter: Filter, made: &mut Made) -> Result<LogicalPlan> {
    let columns = filter.input.schema().columns();
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for condition in split_conjunction_owned(filter.predicate) {
        let alone = Filter::try_new(condition.clone(), Arc::clone(&filter.input))?;
        match is_right(&LogicalPlan::Filter(alone)) {
            true => first.push(condition),
            false => then.push(condition),
        }
    }
    let around = match conjunction(first) {
        None => Arc::unwrap_or_clone(filter.input),
        Some(all) => LogicalPlan::Filter(Filter::try_new(all, filter.input)?),
    };
    let mut rows = Rows::new(&around, made);
    let mut conditions = Vec::new();
    for condition in then {
        conditions.push(rows.condition(condition)?);
    }
    let rows = rows.joined();
    let Some(all) = conjunction(conditions) else { return Ok(rows) };
    with_columns(LogicalPlan::Filter(Filter::try_new(all, Arc::new(rows))?), columns)
}

/// The rows of `plan` without the columns that joins have put beside these.
fn with_columns(plan: LogicalPlan, columns: Vec<Column>) -> Result<LogicalPlan> {
    if plan.schema().fields().len() == columns.len() {
        return Ok(plan);
    }
    let columns = columns.into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}
