//! The outputs of a query: a name for each, as Postgres shows it, and each name once.

use super::allowed::folded;
use crate::output::{OutputColumn, OutputRole};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DataFusionError, Result, SchemaError};
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, Projection, cast};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectNamePart, SelectItem, SetExpr};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Gives a name to each output without one. Of the outermost query, whose outputs nothing but its
/// own clauses can name, outputs of one name are numbered: those names come back.
pub(super) fn named(items: &mut [SelectItem], outermost: bool) -> BTreeSet<String> {
    let mut used: BTreeSet<String> = items.iter().filter_map(given).collect();
    let twice = if outermost { numbered(items, &mut used) } else { BTreeSet::new() };
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
    twice
}

/// Numbers the outputs whose name was given to another one too.
fn numbered(items: &mut [SelectItem], used: &mut BTreeSet<String>) -> BTreeSet<String> {
    let columns = items.iter().filter(|item| matches!(item, SelectItem::UnnamedExpr(_)));
    let mut seen: BTreeSet<String> = columns.filter_map(given).collect();
    let mut twice = BTreeSet::new();
    for item in items {
        let SelectItem::ExprWithAlias { alias, .. } = item else { continue };
        let name = folded(alias);
        if !seen.insert(name.clone()) {
            *alias = Ident::with_quote('"', fresh(&name, used));
            twice.insert(name);
        }
    }
    twice
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
        // The planner numbers the columns of a derived table in its own way.
        let name = match field.name().rsplit_once(':') {
            Some((name, "1")) if used.contains(name) => name,
            _ => field.name().as_str(),
        };
        outputs.push(column.alias(fresh(name, &mut used)));
    }
    Ok(LogicalPlan::Projection(Projection::try_new(outputs, Arc::new(plan))?))
}

/// Refuses a name that two columns of a derived table have: the planner has called the second one
/// apart, and takes the name for the first. All columns at once may be asked for.
pub(super) fn unambiguous(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let mut named = BTreeSet::new();
        node.apply_expressions(|expr| {
            named.extend(expr.column_refs().into_iter().cloned());
            Ok(TreeNodeRecursion::Continue)
        })?;
        for schema in node.inputs().iter().map(|input| input.schema()) {
            for column in named.iter().filter(|column| schema.has_column(column)) {
                let other = Column::new(column.relation.clone(), format!("{}:1", column.name));
                let all = matches!(node, LogicalPlan::Projection(_)) && named.contains(&other);
                if schema.has_column(&other) && !all {
                    let field = Box::new(column.clone());
                    let error = SchemaError::AmbiguousReference { field };
                    return Err(DataFusionError::SchemaError(Box::new(error), Box::new(None)));
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
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
