//! Conditions above joins of several places, taken down to the side they are about.

use super::columns::{named, within};
use super::places_of;
use super::rejects::rejects_nulls;
use datafusion::common::{JoinType, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan};
use std::sync::Arc;

/// The input of a filter with the conditions that could be taken down, and the ones left.
pub(super) fn sunk(filter: &Filter) -> Result<(LogicalPlan, Vec<Expr>)> {
    let mut input = filter.input.as_ref().clone();
    let mut left = Vec::new();
    for condition in split_conjunction(&filter.predicate) {
        match below(&input, condition)? {
            Some(lower) => input = lower,
            None => left.push(condition.clone()),
        }
    }
    Ok((input, left))
}

/// `plan` with `condition` below a join; `None` where it has to stay above.
fn below(plan: &LogicalPlan, condition: &Expr) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Join(join) = plan else { return Ok(None) };
    if places_of(plan).len() == 1 {
        return Ok(None);
    }
    let names = named(condition);
    let all_of = |side: &LogicalPlan| {
        !names.is_empty() && within(&names, side.schema()).len() == names.len()
    };
    let is_left = match join.join_type {
        JoinType::Inner => false,
        JoinType::Left => true,
        _ => return Ok(None),
    };
    if all_of(&join.left) {
        let side = filtered(&join.left, condition)?;
        return Ok(Some(with_sides(join, side, Arc::clone(&join.right), join.join_type)?));
    }
    // Rows of the side that is filled with nulls may not be dropped before they are joined,
    // unless the condition drops the filled ones too.
    if all_of(&join.right) && (!is_left || rejects_nulls(condition)) {
        let side = filtered(&join.right, condition)?;
        return Ok(Some(with_sides(join, Arc::clone(&join.left), side, JoinType::Inner)?));
    }
    Ok(None)
}

/// A side of a join with the condition as far down as it goes.
fn filtered(side: &Arc<LogicalPlan>, condition: &Expr) -> Result<Arc<LogicalPlan>> {
    if let Some(lower) = below(side, condition)? {
        return Ok(Arc::new(lower));
    }
    if let LogicalPlan::Filter(inner) = side.as_ref() {
        let both = conjunction([inner.predicate.clone(), condition.clone()]);
        let both = both.unwrap_or_else(|| condition.clone());
        let filter = Filter::try_new(both, Arc::clone(&inner.input))?;
        return Ok(Arc::new(LogicalPlan::Filter(filter)));
    }
    let filter = Filter::try_new(condition.clone(), Arc::clone(side))?;
    Ok(Arc::new(LogicalPlan::Filter(filter)))
}

/// A join of the same columns over other inputs, or of another type.
pub(super) fn with_sides(
    join: &Join,
    left: Arc<LogicalPlan>,
    right: Arc<LogicalPlan>,
    join_type: JoinType,
) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Join(Join::try_new(
        left,
        right,
        join.on.clone(),
        join.filter.clone(),
        join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?))
}
