//! The outputs of a query: a name for each, as Postgres shows it, and each name once.

use super::allowed::folded;
use crate::output::{OutputColumn, OutputRole};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, Projection};
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectNamePart, SelectItem};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Gives a name to each output without one.
pub(super) fn named(items: &mut [SelectItem]) {
    let mut used: BTreeSet<String> = items.iter().filter_map(given).collect();
    for item in items {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            continue;
        }
        let name = fresh(&of(expr), &mut used);
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
    }
}

fn given(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(folded),
        _ => None,
    }
}

fn fresh(name: &str, used: &mut BTreeSet<String>) -> String {
    let mut unique = name.to_owned();
    let mut n = 1;
    while !used.insert(unique.clone()) {
        n += 1;
        unique = format!("{name}_{n}");
    }
    unique
}

fn of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
        Expr::Nested(inner) => of(inner),
        Expr::Cast { expr, .. } => of(expr),
        Expr::Function(function) => match function.name.0.last() {
            Some(ObjectNamePart::Identifier(name)) => folded(name),
            _ => "column".to_owned(),
        },
        Expr::Case { .. } => "case".to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::AtTimeZone { .. } => "timezone".to_owned(),
        Expr::Substring { .. } => "substring".to_owned(),
        Expr::Trim { .. } => "btrim".to_owned(),
        Expr::Ceil { .. } => "ceil".to_owned(),
        Expr::Floor { .. } => "floor".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        _ => "column".to_owned(),
    }
}

/// The plan with unqualified outputs, each of a name of its own.
pub(super) fn finished(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut used = BTreeSet::new();
    let mut outputs = Vec::new();
    for (relation, field) in plan.schema().iter() {
        let column = Column::new(relation.cloned(), field.name());
        outputs.push(PlanExpr::Column(column).alias(fresh(field.name(), &mut used)));
    }
    Ok(LogicalPlan::Projection(Projection::try_new(outputs, Arc::new(plan))?))
}

/// What the outputs are: of a query with groups, numbers are its metrics.
pub(super) fn columns(plan: &LogicalPlan) -> Vec<OutputColumn> {
    let mut grouped = false;
    let walked = plan.apply_with_subqueries(|node| {
        grouped |= matches!(node, LogicalPlan::Aggregate(_));
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok());
    let role = |arrow: &ArrowType| match grouped && arrow.is_numeric() {
        true => OutputRole::Metric,
        false => OutputRole::Dimension,
    };
    let fields = plan.schema().fields().iter();
    fields
        .map(|field| OutputColumn {
            name: field.name().clone(),
            role: role(field.data_type()),
            data_type: field.data_type().clone(),
            bucket: None,
            agg: None,
            additive: false,
        })
        .collect()
}
