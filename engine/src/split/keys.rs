//! Keys that restrict a query, known only once other rows are here.
//!
//! A restriction stands in a plan as `air_any(column, $n)`, where `$n` is a slot after the plan's
//! own values. Before rows are known it is left out; when they are, the slot holds a list of
//! keys, or the restriction becomes a range, or it is left out for good.

use crate::functions::{Any, call};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Operator, binary_expr, lit};
use std::sync::Arc;

/// The most keys that are sent to another source as a list; beyond, only their range is.
pub const KEYS_MOST: usize = 10_000;

/// What is known of the keys in a slot.
#[derive(Debug, Clone, Default)]
pub(crate) enum Keys {
    /// Nothing, or too many: there is no restriction.
    #[default]
    Open,
    /// There are none, so that nothing can match.
    Nothing,
    /// All of them, as a list.
    List(ScalarValue),
    /// The least and the greatest.
    Range(ScalarValue, ScalarValue),
}

/// The placeholder of a slot.
fn id(before: usize, slot: usize) -> String {
    format!("${}", before + slot + 1)
}

/// The condition that a column is among the keys of a slot; `before` values are the plan's own.
pub(super) fn among(column: Column, of: &DataType, before: usize, slot: usize) -> Expr {
    let list = DataType::List(Arc::new(Field::new_list_field(of.clone(), true)));
    let field = Arc::new(Field::new("", list, true));
    let keys = Expr::Placeholder(Placeholder::new_with_field(id(before, slot), Some(field)));
    call(Any::new(of), vec![Expr::Column(column), keys])
}

/// The column and slot of a restriction.
fn restriction(expr: &Expr, before: usize) -> Option<(&Expr, usize)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    let (true, [column, Expr::Placeholder(keys)]) = (func.name() == "air_any", &args[..]) else {
        return None;
    };
    let n: usize = keys.id.trim_start_matches('$').parse().ok()?;
    Some((column, n.checked_sub(before + 1)?))
}

/// Whether `expr` is a restriction.
pub(super) fn is_restriction(expr: &Expr, before: usize) -> bool {
    restriction(expr, before).is_some()
}

/// A condition without its restrictions, which only save rows: what is done here has them all.
pub(super) fn without(condition: Expr, before: usize) -> Expr {
    if !split_conjunction(&condition).iter().any(|e| is_restriction(e, before)) {
        return condition;
    }
    let parts = split_conjunction_owned(condition).into_iter();
    conjunction(parts.filter(|e| !is_restriction(e, before))).unwrap_or_else(|| lit(true))
}

/// `plan` where `column` is among the keys of a slot: below groupings by that column, so that
/// fewer rows are grouped.
pub(super) fn restricted(
    plan: &LogicalPlan,
    column: &Column,
    before: usize,
    slot: usize,
) -> Result<LogicalPlan> {
    let deeper = match plan {
        LogicalPlan::Projection(p) => {
            let i = p.schema.index_of_column(column)?;
            match p.expr[i].clone().unalias() {
                Expr::Column(inner) => Some((&p.input, inner)),
                _ => None,
            }
        }
        LogicalPlan::Aggregate(a) => {
            let i = a.schema.index_of_column(column)?;
            match a.group_expr.get(i) {
                Some(Expr::Column(inner)) => Some((&a.input, inner.clone())),
                _ => None,
            }
        }
        LogicalPlan::SubqueryAlias(a) => {
            let i = a.schema.index_of_column(column)?;
            Some((&a.input, Column::from(a.input.schema().qualified_field(i))))
        }
        _ => None,
    };
    if let Some((input, inner)) = deeper {
        let input = restricted(input, &inner, before, slot)?;
        return plan.with_new_exprs(plan.expressions(), vec![input]);
    }
    let i = plan.schema().index_of_column(column)?;
    let of = plan.schema().field(i).data_type().clone();
    let among = among(column.clone(), &of, before, slot);
    let (all, input) = match plan {
        LogicalPlan::Filter(f) => {
            (conjunction([f.predicate.clone(), among.clone()]), Arc::clone(&f.input))
        }
        other => (None, Arc::new(other.clone())),
    };
    Ok(LogicalPlan::Filter(Filter::try_new(all.unwrap_or(among), input)?))
}

/// Whether `plan` holds restrictions.
pub(super) fn slots_of(plan: &LogicalPlan, before: usize) -> Vec<usize> {
    let mut slots = Vec::new();
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Filter(filter) = node {
            let parts = split_conjunction(&filter.predicate).into_iter();
            slots.extend(parts.filter_map(|e| Some(restriction(e, before)?.1)));
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    slots
}

/// `plan` with what is known of its slots, and the values of all its placeholders.
pub(crate) fn resolved(
    plan: &LogicalPlan,
    own: &[ScalarValue],
    known: &[Keys],
) -> Result<(LogicalPlan, Vec<ScalarValue>)> {
    let before = own.len();
    let mut values = own.to_vec();
    values.extend(known.iter().map(|keys| match keys {
        Keys::List(list) => list.clone(),
        _ => ScalarValue::Null,
    }));
    let plan = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = &node else { return Ok(Transformed::no(node)) };
        let mut kept = Vec::new();
        let mut changed = false;
        for part in split_conjunction(&filter.predicate) {
            let Some((column, slot)) = restriction(part, before) else {
                kept.push(part.clone());
                continue;
            };
            match known.get(slot) {
                Some(Keys::List(_)) => kept.push(part.clone()),
                Some(Keys::Range(low, high)) => {
                    changed = true;
                    for (op, bound) in [(Operator::GtEq, low), (Operator::LtEq, high)] {
                        values.push(bound.clone());
                        let field = Arc::new(Field::new("", bound.data_type(), true));
                        let id = format!("${}", values.len());
                        let bound = Placeholder::new_with_field(id, Some(field));
                        kept.push(binary_expr(column.clone(), op, Expr::Placeholder(bound)));
                    }
                }
                _ => changed = true,
            }
        }
        if !changed {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(match conjunction(kept) {
            Some(all) => LogicalPlan::Filter(Filter::try_new(all, Arc::clone(&filter.input))?),
            None => filter.input.as_ref().clone(),
        }))
    })?;
    Ok((plan.data, values))
}
