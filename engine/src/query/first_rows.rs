//! `DISTINCT ON`: of the rows with the same keys the first in the order of the query.
//!
//! In: the plan of a text. Out: the same plan, with the rows numbered within their keys where the
//! planner would take the first value of each output, which no database has a form for.

use crate::functions::numbered;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{
    Distinct, DistinctOn, Expr, Filter, LogicalPlan, Projection, Sort, Window, lit,
};
use std::sync::Arc;

pub(super) fn first_rows(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Distinct(Distinct::On(first)) => Ok(Transformed::yes(rows(first)?)),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

fn rows(first: DistinctOn) -> Result<LogicalPlan> {
    let DistinctOn { on_expr, select_expr, sort_expr, input, .. } = first;
    let order = sort_expr.unwrap_or_default();
    let number = numbered(on_expr, order.clone());
    let window = Window::try_new(vec![number], input)?;
    let last = window.schema.fields().len() - 1;
    let number = Expr::Column(Column::from(window.schema.qualified_field(last)));
    let kept = Filter::try_new(number.eq(lit(1_u64)), Arc::new(LogicalPlan::Window(window)))?;
    let mut plan = LogicalPlan::Filter(kept);
    if !order.is_empty() {
        plan = LogicalPlan::Sort(Sort { expr: order, input: Arc::new(plan), fetch: None });
    }
    Ok(LogicalPlan::Projection(Projection::try_new(select_expr, Arc::new(plan))?))
}
