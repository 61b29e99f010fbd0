//! Whether groups are worth making at a source.
//!
//! Groups of a fact that are nearly as many as its rows save little on the way and cost a server
//! much: it hashes every row, and spills. Then each row comes over as a group of its own, in the
//! columns that groups have, so that what is done here is the same either way.

use super::columns::named;
use crate::prepared::CatalogTable;
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::{
    Aggregate, Case, Expr, ExprSchemable, LogicalPlan, Projection, cast, lit,
};
use std::sync::Arc;

/// Rows for each group from which on groups are made at the source.
const ROWS_EACH: u64 = 20;
/// So few groups are quickly made, and a saving, whatever they are made of.
const FEW: u64 = 10_000;

/// `plan` with rows in place of the groups that `partial` has put into it, where there would be
/// too many of them; `None` where there are none, or few enough, or where nothing is known.
pub(super) fn as_rows(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => match is_part(aggregate) && too_many(aggregate) {
            true => rows(aggregate),
            false => Ok(None),
        },
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            let [input] = plan.inputs()[..] else { return Ok(None) };
            let Some(input) = as_rows(input)? else { return Ok(None) };
            plan.with_new_exprs(plan.expressions(), vec![input]).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether these are the groups of `partial`, by the names it gives.
fn is_part(aggregate: &Aggregate) -> bool {
    let named = |name: &str| name.starts_with("air_c") || name.starts_with("air_g");
    let of_part = |e: &Expr| matches!(e, Expr::Column(c) if named(&c.name));
    !aggregate.group_expr.is_empty() && aggregate.group_expr.iter().all(of_part)
}

/// Each row as a group of its own.
fn rows(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let mut columns = aggregate.group_expr.clone();
    let fields = &aggregate.schema.fields()[columns.len()..];
    for (call, field) in aggregate.aggr_expr.iter().zip(fields) {
        let Expr::AggregateFunction(call) = call.clone().unalias() else { return Ok(None) };
        let [arg] = &call.params.args[..] else { return Ok(None) };
        let value = match (call.func.name(), arg) {
            ("count", Expr::Literal(..)) => lit(1_i64),
            ("count", arg) => {
                let none = (Box::new(Expr::IsNull(Box::new(arg.clone()))), Box::new(lit(0_i64)));
                Expr::Case(Case::new(None, vec![none], Some(Box::new(lit(1_i64)))))
            }
            (_, arg) if arg.get_type(aggregate.input.schema())? == *field.data_type() => {
                arg.clone()
            }
            (_, arg) => cast(arg.clone(), field.data_type().clone()),
        };
        columns.push(value.alias(field.name()));
    }
    let projection = Projection::try_new(columns, Arc::clone(&aggregate.input))?;
    Ok(Some(LogicalPlan::Projection(projection)))
}

fn too_many(aggregate: &Aggregate) -> bool {
    let Some(rows) = rows_of(&aggregate.input) else { return false };
    let Some(groups) = combinations(&aggregate.group_expr, &aggregate.input) else { return false };
    let groups = groups.min(rows);
    groups > FEW && groups.saturating_mul(ROWS_EACH) > rows
}

/// About how many rows there are before any condition; joins lead to one row each.
fn rows_of(plan: &LogicalPlan) -> Option<u64> {
    match plan {
        LogicalPlan::TableScan(scan) => scan.source.downcast_ref::<CatalogTable>()?.rows(),
        LogicalPlan::Projection(p) => rows_of(&p.input),
        LogicalPlan::Filter(f) => rows_of(&f.input),
        LogicalPlan::SubqueryAlias(a) => rows_of(&a.input),
        LogicalPlan::Join(j) if matches!(j.join_type, JoinType::Inner | JoinType::Left) => {
            rows_of(&j.left)
        }
        _ => None,
    }
}

/// At most how many combinations of values some expressions have, about.
fn combinations<'e>(exprs: impl IntoIterator<Item = &'e Expr>, plan: &LogicalPlan) -> Option<u64> {
    let mut all: u64 = 1;
    for expr in exprs {
        for column in named(expr) {
            all = all.saturating_mul(distinct(&column, plan)?);
        }
    }
    Some(all)
}

fn distinct(column: &Column, plan: &LogicalPlan) -> Option<u64> {
    let i = plan.schema().maybe_index_of_column(column)?;
    match plan {
        LogicalPlan::TableScan(scan) => {
            scan.source.downcast_ref::<CatalogTable>()?.distinct(&column.name)
        }
        LogicalPlan::Projection(p) => combinations([&p.expr[i]], &p.input),
        LogicalPlan::Filter(f) => distinct(column, &f.input),
        LogicalPlan::SubqueryAlias(a) => {
            distinct(&Column::from(a.input.schema().qualified_field(i)), &a.input)
        }
        LogicalPlan::Join(j) => distinct(column, &j.left).or_else(|| distinct(column, &j.right)),
        _ => None,
    }
}
