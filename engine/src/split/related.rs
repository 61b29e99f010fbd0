//! `exists` about rows of another place, as a join to the distinct keys of those rows.
//!
//! A subquery of one place cannot look at rows of another. As a join (inner; for `not exists` left,
//! and without partner) it is one like others: the side that is asked first sends its keys to the
//! other one. Keys are distinct, so no row is multiplied; null is equal to nothing either way.

use super::{Place, places_of};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, JoinConstraint, JoinType, NullEquality, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, Filter, Join, LogicalPlan, Operator, Projection, Subquery,
    SubqueryAlias, cast,
};
use std::sync::Arc;

/// `plan` with such joins. Only filters below a projection are looked at, which is where planning
/// puts them: it does not matter there that a join has more columns.
pub(super) fn joined(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let mut number = 0;
    let done = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::Projection(projection) = &node else { return Ok(Transformed::no(node)) };
        let LogicalPlan::Filter(filter) = projection.input.as_ref() else {
            return Ok(Transformed::no(node));
        };
        let mut input = filter.input.as_ref().clone();
        let mut kept = Vec::new();
        let before = number;
        for condition in split_conjunction(&filter.predicate) {
            match related(condition, &input)? {
                None => kept.push(condition.clone()),
                Some(related) => {
                    let alias = format!("air_related{number}");
                    number += 1;
                    input = related.joined(input, &alias)?;
                    if related.negated {
                        let key = Expr::Column(Column::new(Some(alias), "k0"));
                        kept.push(Expr::IsNull(Box::new(key)));
                    }
                }
            }
        }
        if number == before {
            return Ok(Transformed::no(node));
        }
        if let Some(all) = conjunction(kept) {
            input = LogicalPlan::Filter(Filter::try_new(all, Arc::new(input))?);
        }
        let projection = Projection::try_new(projection.expr.clone(), Arc::new(input))?;
        Ok(Transformed::yes(LogicalPlan::Projection(projection)))
    })?;
    Ok(done.data)
}

/// What an `exists` asks of another place.
struct Related {
    rows: LogicalPlan,
    /// Keys of the rows around it, and of its own.
    pairs: Vec<(Expr, Expr)>,
    negated: bool,
}

/// What `condition` asks of another place than that of the rows it is about.
fn related(condition: &Expr, input: &LogicalPlan) -> Result<Option<Related>> {
    let Some((subquery, negated)) = asked(condition) else { return Ok(None) };
    let LogicalPlan::Projection(one) = subquery.subquery.as_ref() else { return Ok(None) };
    let LogicalPlan::Filter(filter) = one.input.as_ref() else { return Ok(None) };
    let (mut pairs, mut outside, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for condition in split_conjunction(&filter.predicate) {
        match pair(condition) {
            Some((out, inside)) => {
                let typed = in_one_type(&out, input.schema(), &inside, filter.input.schema());
                let Some(typed) = typed else { return Ok(None) };
                pairs.push(typed);
                outside.push(out);
            }
            None if condition.contains_outer() => return Ok(None),
            None => own.push(condition.clone()),
        }
    }
    let there = places_of(&subquery.subquery);
    if pairs.is_empty() || (there.len() == 1 && there.first() == place_of(input, &outside).as_ref())
    {
        return Ok(None);
    }
    let rows = match conjunction(own) {
        None => filter.input.as_ref().clone(),
        Some(all) => LogicalPlan::Filter(Filter::try_new(all, Arc::clone(&filter.input))?),
    };
    Ok(Some(Related { rows, pairs, negated }))
}

impl Related {
    /// `input` joined to the distinct keys, called `alias`.
    fn joined(&self, input: LogicalPlan, alias: &str) -> Result<LogicalPlan> {
        let (mut keys, mut by, mut on) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (outside, inside)) in self.pairs.iter().enumerate() {
            let name = format!("k{i}");
            keys.push(inside.clone().alias(&name));
            by.push(Expr::Column(Column::new_unqualified(&name)));
            on.push((outside.clone(), Expr::Column(Column::new(Some(alias), name))));
        }
        let keys = Projection::try_new(keys, Arc::new(self.rows.clone()))?;
        let distinct = Aggregate::try_new(Arc::new(LogicalPlan::Projection(keys)), by, Vec::new())?;
        let distinct = SubqueryAlias::try_new(Arc::new(LogicalPlan::Aggregate(distinct)), alias)?;
        Ok(LogicalPlan::Join(Join::try_new(
            Arc::new(input),
            Arc::new(LogicalPlan::SubqueryAlias(distinct)),
            on,
            None,
            if self.negated { JoinType::Left } else { JoinType::Inner },
            JoinConstraint::On,
            NullEquality::NullEqualsNothing,
            false,
        )?))
    }
}

/// The subquery of an `exists`, and whether it is denied.
fn asked(condition: &Expr) -> Option<(&Subquery, bool)> {
    match condition {
        Expr::Exists(exists) => Some((&exists.subquery, exists.negated)),
        Expr::Not(inner) => asked(inner).map(|(subquery, negated)| (subquery, !negated)),
        _ => None,
    }
}

/// The sides of an equality of a column around a subquery and one of its own.
fn pair(condition: &Expr) -> Option<(Column, Column)> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else {
        return None;
    };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(inside), Expr::OuterReferenceColumn(_, outside))
        | (Expr::OuterReferenceColumn(_, outside), Expr::Column(inside)) => {
            Some((outside.clone(), inside.clone()))
        }
        _ => None,
    }
}

/// Both columns in one type; `None` where their types have none that is certainly right.
fn in_one_type(
    outside: &Column,
    around: &DFSchema,
    inside: &Column,
    own: &DFSchema,
) -> Option<(Expr, Expr)> {
    let type_of = |column: &Column, schema: &DFSchema| {
        Some(schema.field(schema.maybe_index_of_column(column)?).data_type().clone())
    };
    let (a, b) = (type_of(outside, around)?, type_of(inside, own)?);
    let (outside, inside) = (Expr::Column(outside.clone()), Expr::Column(inside.clone()));
    let is_whole = |t: &DataType| t.is_integer() && *t != DataType::UInt64;
    match a == b {
        true => Some((outside, inside)),
        false if is_whole(&a) && is_whole(&b) => {
            Some((cast(outside, DataType::Int64), cast(inside, DataType::Int64)))
        }
        false => None,
    }
}

/// The place of the rows that have all these columns, where it is one.
fn place_of(plan: &LogicalPlan, columns: &[Column]) -> Option<Option<Place>> {
    if let [place] = &places_of(plan)[..] {
        return Some(place.clone());
    }
    let LogicalPlan::Join(join) = plan else { return None };
    let side = [&join.left, &join.right].into_iter().find(|side| {
        columns.iter().all(|column| side.schema().maybe_index_of_column(column).is_some())
    });
    place_of(side?, columns)
}
