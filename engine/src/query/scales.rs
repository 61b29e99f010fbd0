//! Decimals as text: Postgres shows each with the places it came with, the engines here all of a
//! column with the same.
//!
//! In: a plan before its types are brought together. Out: a refusal where a decimal becomes a text
//! whose places may differ from row to row in Postgres (`case when a then 2.25 else 3 end` is
//! `2.25` or `3`), or from those of its type here (`round(1.5, 3)` is `1.500`).

use super::arithmetic::is_decimal;
use super::meaning::{Unmeant, is_text};
use crate::functions::{Round, Rounding};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, ExprSchemable, LogicalPlan, Operator, Values,
};

/// Outputs that are named again and again are followed so often.
const MOST_STEPS: usize = 5_000;

/// The places after the point that Postgres shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    /// There is only null.
    None,
    These(i16),
    /// They differ from row to row, or are not known.
    Mixed,
}

use Places::{Mixed, None as Nothing, These};

impl Places {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Nothing, one) | (one, Nothing) => one,
            (one, other) if one == other => one,
            _ => Mixed,
        }
    }

    fn joined(self, other: Self, places: impl Fn(i16, i16) -> i16) -> Self {
        match (self, other) {
            (Nothing, _) | (_, Nothing) => Nothing,
            (These(a), These(b)) => These(places(a, b)),
            _ => Mixed,
        }
    }
}

/// Whether every decimal that becomes text is the text of Postgres.
pub(super) fn shown(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let own = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                let shown = match part {
                    Expr::Cast(cast) if is_text(cast.field.data_type()) => vec![&cast.expr],
                    Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                        vec![left, right]
                    }
                    _ => Vec::new(),
                };
                for value in shown {
                    as_shown(value, node, &own)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn as_shown(value: &Expr, node: &LogicalPlan, own: &DFSchema) -> Result<()> {
    let arrow = value.get_type(own)?;
    let (DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) = arrow else {
        return Ok(());
    };
    let mut steps = MOST_STEPS;
    match of(value, &node.inputs(), &mut steps) {
        Nothing => Ok(()),
        These(places) if places == i16::from(scale) => Ok(()),
        _ => Err(Unmeant::error(
            "text of a decimal shows other places after the point in Postgres; cast the decimal to \
             numeric(precision, scale) first",
        )),
    }
}

/// The places of an expression over the rows of `inputs`.
fn of(expr: &Expr, inputs: &[&LogicalPlan], steps: &mut usize) -> Places {
    let Some(left) = steps.checked_sub(1) else { return Mixed };
    *steps = left;
    let mut all = |exprs: &[&Expr]| {
        exprs.iter().fold(Nothing, |places, expr| places.with(of(expr, inputs, steps)))
    };
    match expr {
        Expr::Literal(value, _) if value.is_null() => Nothing,
        Expr::Literal(value, _) => of_type(&value.data_type()),
        Expr::Cast(cast) if is_decimal(cast.field.data_type()) => of_type(cast.field.data_type()),
        // Whole numbers have none, whatever they are made of.
        Expr::Cast(cast) if cast.field.data_type().is_integer() => These(0),
        Expr::Alias(alias) => all(&[&alias.expr]),
        Expr::Negative(inner) => all(&[inner]),
        Expr::Column(column) => column_of(column, inputs, steps),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (a, b) = (of(left, inputs, steps), of(right, inputs, steps));
            match op {
                Operator::Plus | Operator::Minus => a.joined(b, i16::max),
                Operator::Multiply => a.joined(b, |a, b| a + b),
                _ => Mixed,
            }
        }
        Expr::Case(case) => {
            let shown = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            all(&shown.chain(case.else_expr.as_deref()).collect::<Vec<_>>())
        }
        Expr::ScalarFunction(call) => of_call(call, inputs, steps),
        Expr::AggregateFunction(call) => {
            of_group(call.func.name(), &call.params.args, inputs, steps)
        }
        Expr::WindowFunction(call) => of_group(call.fun.name(), &call.params.args, inputs, steps),
        Expr::ScalarSubquery(one) => output(&one.subquery, 0, steps),
        _ => Mixed,
    }
}

fn of_type(arrow: &DataType) -> Places {
    match arrow {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => These(i16::from(*scale)),
        whole if whole.is_integer() => These(0),
        _ => Mixed,
    }
}

fn of_call(call: &ScalarFunction, inputs: &[&LogicalPlan], steps: &mut usize) -> Places {
    let inner: &dyn std::any::Any = call.func.inner().as_ref();
    if let Some(round) = inner.downcast_ref::<Round>() {
        return match round.rounding {
            Rounding::HalfAway(digits) => These(i16::from(digits)),
            Rounding::Floor | Rounding::Ceil => These(0),
        };
    }
    let args = match call.func.name() {
        "coalesce" | "greatest" | "least" => &call.args[..],
        "abs" | "nullif" => call.args.get(..1).unwrap_or_default(),
        _ => return Mixed,
    };
    args.iter().fold(Nothing, |places, arg| places.with(of(arg, inputs, steps)))
}

/// An aggregate, or a function of a window.
fn of_group(name: &str, args: &[Expr], inputs: &[&LogicalPlan], steps: &mut usize) -> Places {
    let shown = match name {
        "first_value" | "last_value" | "max" | "min" | "sum" => args.get(..1),
        "lag" | "lead" => {
            let default = args.get(2).map_or(Nothing, |default| of(default, inputs, steps));
            let value = args.first().map_or(Mixed, |value| of(value, inputs, steps));
            return value.with(default);
        }
        _ => None,
    };
    match shown {
        Some([one]) => of(one, inputs, steps),
        _ => Mixed,
    }
}

fn column_of(column: &Column, inputs: &[&LogicalPlan], steps: &mut usize) -> Places {
    for input in inputs {
        if let Some(i) = input.schema().maybe_index_of_column(column) {
            return output(input, i, steps);
        }
    }
    Mixed
}

/// The places of a plan's output.
fn output(plan: &LogicalPlan, i: usize, steps: &mut usize) -> Places {
    let arrow = plan.schema().field(i).data_type();
    if arrow.is_integer() {
        return These(0);
    }
    let Some(left) = steps.checked_sub(1) else { return Mixed };
    *steps = left;
    let inputs = plan.inputs();
    let made = |exprs: &[Expr], i: usize, steps: &mut usize| {
        exprs.get(i).map_or(Mixed, |expr| of(expr, &inputs, steps))
    };
    match plan {
        LogicalPlan::TableScan(_) => of_type(arrow),
        LogicalPlan::Projection(node) => made(&node.expr, i, steps),
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Distinct(Distinct::All(_))
        | LogicalPlan::Subquery(_) => inputs.first().map_or(Mixed, |input| output(input, i, steps)),
        LogicalPlan::Aggregate(node) => match i.checked_sub(node.group_expr.len()) {
            None => made(&node.group_expr, i, steps),
            Some(i) => made(&node.aggr_expr, i, steps),
        },
        LogicalPlan::Window(node) => match i.checked_sub(node.input.schema().fields().len()) {
            None => output(&node.input, i, steps),
            Some(i) => made(&node.window_expr, i, steps),
        },
        LogicalPlan::Join(node) => match i.checked_sub(node.left.schema().fields().len()) {
            None => output(&node.left, i, steps),
            Some(i) => output(&node.right, i, steps),
        },
        LogicalPlan::Union(node) => {
            node.inputs.iter().fold(Nothing, |places, input| places.with(output(input, i, steps)))
        }
        // Of several rows each has had its own, before they were given one type.
        LogicalPlan::Values(Values { values, .. }) => match &values[..] {
            [row] => made(row, i, steps),
            _ => Mixed,
        },
        _ => Mixed,
    }
}
