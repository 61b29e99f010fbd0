//! The outputs of a query: a name for each, as Postgres shows it, and each name once.

use super::allowed::folded;
use crate::output::{OutputColumn, OutputRole};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, JoinConstraint, Result};
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, Projection, cast};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectNamePart, SelectItem, SetExpr};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Gives a name to each output without one.
pub(super) fn named(items: &mut [SelectItem]) {
    let mut used: BTreeSet<String> = items.iter().filter_map(given).collect();
    let mut columns = BTreeSet::new();
    for item in items {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        // A column stays as it is, but the planner takes none twice.
        if let Some(column) = column(expr)
            && columns.insert(column)
        {
            continue;
        }
        let name = fresh(&of(expr), &mut used);
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
    }
}

/// Whether the columns of each join with USING are the first of its left side, so that `*` shows
/// them where Postgres does. The planner leaves them in their places.
pub(super) fn common_ones_are_first(plan: &LogicalPlan) -> bool {
    let mut all = true;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Join(join) = node
            && join.join_constraint == JoinConstraint::Using
        {
            let places = join.left.schema().columns();
            let mut pairs = join.on.iter().zip(&places);
            all &= join.on.len() <= places.len()
                && pairs.all(|((key, _), place)| *key == PlanExpr::Column(place.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    all && walked.is_ok()
}

fn column(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Identifier(name) => Some(vec![folded(name)]),
        Expr::CompoundIdentifier(parts) => Some(parts.iter().map(folded).collect()),
        _ => None,
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
    figured(expr).unwrap_or(Figured::Weak("column".to_owned())).name()
}

/// A name that Postgres figures for an output: that of a type or of `CASE` only where nothing below
/// gives a better one.
enum Figured {
    Strong(String),
    Weak(String),
}

impl Figured {
    fn name(self) -> String {
        match self {
            Self::Strong(name) | Self::Weak(name) => name,
        }
    }
}

fn figured(expr: &Expr) -> Option<Figured> {
    let strong = |name: &str| Some(Figured::Strong(name.to_owned()));
    let better = |expr: &Expr| figured(expr).filter(|found| matches!(found, Figured::Strong(_)));
    match expr {
        Expr::Identifier(name) => Some(Figured::Strong(folded(name))),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| Figured::Strong(folded(name))),
        Expr::Nested(inner) => figured(inner),
        Expr::Cast { expr, data_type, .. } => better(expr).or_else(|| typed(data_type)),
        Expr::TypedString(text) => typed(&text.data_type),
        Expr::Interval(_) => Some(Figured::Weak("interval".to_owned())),
        Expr::Function(function) => match function.name.0.last() {
            Some(ObjectNamePart::Identifier(name)) => Some(Figured::Strong(folded(name))),
            _ => None,
        },
        Expr::Case { else_result, .. } => else_result
            .as_deref()
            .and_then(better)
            .or_else(|| Some(Figured::Weak("case".to_owned()))),
        Expr::Subquery(query) => first(&query.body).map(Figured::Strong),
        Expr::Extract { .. } => strong("extract"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Substring { shorthand: true, .. } => strong("substr"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Trim { .. } => strong("btrim"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Exists { negated: false, .. } => strong("exists"),
        _ => None,
    }
}

/// The name of a subquery's one output.
fn first(body: &SetExpr) -> Option<String> {
    match body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            SelectItem::UnnamedExpr(expr) => Some(of(expr)),
            _ => None,
        },
        SetExpr::Query(query) => first(&query.body),
        SetExpr::SetOperation { left, .. } => first(left),
        _ => None,
    }
}

/// What Postgres calls a type that is written in a cast.
fn typed(data_type: &DataType) -> Option<Figured> {
    let written = data_type.to_string().to_lowercase();
    let word = written.split(['(', ' ']).next().unwrap_or_default();
    let name = match word {
        "smallint" => "int2",
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double" => "float8",
        "decimal" => "numeric",
        "boolean" => "bool",
        "character" => "varchar",
        "timestamp" if written.ends_with("with time zone") => "timestamptz",
        name => name,
    };
    Some(Figured::Weak(name.to_owned()))
}

/// The plan with unqualified outputs, each of a name of its own.
pub(super) fn finished(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut used = BTreeSet::new();
    let mut outputs = Vec::new();
    for (relation, field) in plan.schema().iter() {
        let column = PlanExpr::Column(Column::new(relation.cloned(), field.name()));
        // A null of no type is text, as Postgres has it.
        let column = match field.data_type() {
            ArrowType::Null => cast(column, ArrowType::Utf8View),
            _ => column,
        };
        outputs.push(column.alias(fresh(field.name(), &mut used)));
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
