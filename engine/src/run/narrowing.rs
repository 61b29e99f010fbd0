//! Joins that drop rows come before joins that only add columns.
//!
//! An IR's fact is its base and left joins in the order in which they are named, with the
//! conditions above. DataFusion joins in the order it is given, and makes a left join an inner
//! one only where it knows that the condition rejects nulls, which it does not of functions
//! (`contains`). So here, of a chain of joins under a filter,
//!
//! - a left join is made an inner one where a condition about its right side alone rejects nulls,
//!   or an inner join above compares one of its columns;
//! - joins are put into another order, in which inner ones come first, those first whose
//!   conditions seem to keep the fewest rows. What they seem to keep is guessed from the form of
//!   the conditions: it decides how long a run takes, and nothing else.
//!
//! Left and inner joins of a chain may change places where neither compares columns of the
//! other's right side; where one does, they stay. A join with another condition than equal columns
//! is no part of a chain. Databases get their own part of a plan as it was written: they have
//! figures to order joins by.

use crate::split::{named, rejects_nulls, within};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan, Operator, Projection};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The plan with its chains of joins in a better order; the rows are the same.
pub(super) fn narrowing(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Filter(filter) if is_link(&filter.input) => ordered(filter),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

/// Whether a plan is a join of equal columns that may be one of a chain.
fn is_link(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Join(join) = plan else { return false };
    matches!(join.join_type, JoinType::Inner | JoinType::Left)
        && join.filter.is_none()
        && !join.null_aware
        && !join.on.is_empty()
        && join.on.iter().all(|(left, _)| all_in(left, join.left.schema()))
}

fn all_in(expr: &Expr, schema: &DFSchema) -> bool {
    let names = named(expr);
    !names.is_empty() && within(&names, schema).len() == names.len()
}

/// A join of a chain, and the columns of what is left of it that it compares.
struct Link {
    join: Join,
    compares: BTreeSet<Column>,
    /// The share of rows that its own conditions seem to keep.
    keeps: f64,
}

fn ordered(filter: Filter) -> Result<Transformed<LogicalPlan>> {
    let conditions = split_conjunction(&filter.predicate);
    let (base, mut links) = chain(&filter.input, &conditions);
    let turned = turned_inner(&mut links, &conditions);
    let order = order_of(&base, &links);
    let moved = order.iter().enumerate().any(|(place, i)| place != *i);
    if !turned && !moved {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    }
    let mut plan = base;
    for i in order {
        plan = Arc::new(LogicalPlan::Join(over(&links[i].join, plan)?));
    }
    if moved {
        let columns = filter.input.schema().columns().into_iter().map(Expr::Column).collect();
        plan = Arc::new(LogicalPlan::Projection(Projection::try_new(columns, plan)?));
    }
    let filter = Filter::try_new(filter.predicate, plan)?;
    Ok(Transformed::yes(LogicalPlan::Filter(filter)))
}

/// What a chain begins with, and its joins from there on.
fn chain(plan: &Arc<LogicalPlan>, conditions: &[&Expr]) -> (Arc<LogicalPlan>, Vec<Link>) {
    let mut links = Vec::new();
    let mut base = Arc::clone(plan);
    while is_link(&base)
        && let LogicalPlan::Join(join) = base.as_ref()
    {
        let compared = join.on.iter().map(|(left, _)| within(&named(left), join.left.schema()));
        let own = conditions.iter().filter(|condition| all_in(condition, join.right.schema()));
        links.push(Link {
            compares: compared.flatten().collect(),
            keeps: own.map(|condition| kept_by(condition)).product(),
            join: join.clone(),
        });
        let next = Arc::clone(&join.left);
        base = next;
    }
    links.reverse();
    (base, links)
}

/// Makes left joins inner where no row that they fill with nulls can be left above. Whether any
/// was.
fn turned_inner(links: &mut [Link], conditions: &[&Expr]) -> bool {
    let mut turned = false;
    for i in (0..links.len()).rev() {
        let (before, after) = links.split_at_mut(i);
        let join = &mut after[0].join;
        let drops = |c: &&&Expr| all_in(c, join.right.schema()) && rejects_nulls(c);
        if join.join_type == JoinType::Left && conditions.iter().any(|c| drops(&c)) {
            join.join_type = JoinType::Inner;
            turned = true;
        }
        if join.join_type != JoinType::Inner
            || join.null_equality != NullEquality::NullEqualsNothing
        {
            continue;
        }
        // Where the columns are null, the row finds nothing to join.
        for (left, _) in &join.on {
            let drops = rejects_nulls(&left.clone().is_not_null());
            let filling = before.iter_mut().find(|link| all_in(left, link.join.right.schema()));
            if let Some(link) =
                filling.filter(|link| drops && link.join.join_type == JoinType::Left)
            {
                link.join.join_type = JoinType::Inner;
                turned = true;
            }
        }
    }
    turned
}

/// The joins in the order to do them in: of those that have what they compare, inner ones first,
/// then those that seem to keep the fewest rows, then as they were.
fn order_of(base: &LogicalPlan, links: &[Link]) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..links.len()).collect();
    let mut order = Vec::with_capacity(links.len());
    while !waiting.is_empty() {
        let is_ready = |link: &Link| {
            let given = |column: &Column| {
                let has = |plan: &LogicalPlan| plan.schema().has_column(column);
                has(base) || order.iter().any(|i: &usize| has(&links[*i].join.right))
            };
            link.compares.iter().all(given)
        };
        let rank = |link: &Link| (link.join.join_type == JoinType::Left, link.keeps);
        let best =
            (0..waiting.len()).filter(|place| is_ready(&links[waiting[*place]])).min_by(|a, b| {
                let (a, b) = (rank(&links[waiting[*a]]), rank(&links[waiting[*b]]));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
        // As they were written each had what it compares, so there is always one that has.
        order.push(waiting.remove(best.unwrap_or(0)));
    }
    order
}

/// A join of the chain over another left side.
fn over(join: &Join, left: Arc<LogicalPlan>) -> Result<Join> {
    Join::try_new(
        left,
        Arc::clone(&join.right),
        join.on.clone(),
        None,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        false,
    )
}

/// A guess at the share of rows that a condition keeps.
fn kept_by(condition: &Expr) -> f64 {
    match condition {
        Expr::BinaryExpr(b) => match b.op {
            Operator::And => kept_by(&b.left) * kept_by(&b.right),
            Operator::Or => (kept_by(&b.left) + kept_by(&b.right)).min(1.0),
            Operator::Eq => 0.05,
            Operator::NotEq | Operator::IsDistinctFrom => 0.9,
            _ => 0.5,
        },
        Expr::IsNull(_) => 0.1,
        Expr::IsNotNull(_) => 0.9,
        Expr::Between(between) if !between.negated => 0.25,
        Expr::InList(list) if !list.negated => (0.05 * list.list.len() as f64).min(0.9),
        Expr::Like(like) if !like.negated => 0.2,
        Expr::ScalarFunction(call) => match call.name() {
            "contains" | "starts_with" | "ends_with" => 0.2,
            _ => 0.5,
        },
        Expr::Not(inner) => 1.0 - kept_by(inner),
        _ => 0.9,
    }
}

#[cfg(test)]
mod tests;
