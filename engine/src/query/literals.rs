//! Constants: folded where they are computed, and texts bound like every value of a user.

use super::meaning::Unmeant;
use super::meeting::is_comparison;
use crate::plan::{Context, is_finer};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan};
use datafusion::physical_expr::create_physical_expr;
use std::sync::Arc;

/// An expression over constants alone as its value.
pub(super) fn folded(expr: Expr) -> Result<Transformed<Expr>> {
    let constant = |e: &Expr| matches!(e, Expr::Literal(..));
    // A null without a type gets one when types are brought together.
    let typed = |e: &Expr| constant(e) && !matches!(e, Expr::Literal(ScalarValue::Null, _));
    let foldable = match &expr {
        Expr::Cast(cast) => constant(&cast.expr),
        Expr::Negative(inner) => typed(inner),
        Expr::BinaryExpr(binary) => {
            typed(&binary.left)
                && typed(&binary.right)
                // Types that differ are compared when they have been brought together.
                && (!is_comparison(binary.op) || alike(&binary.left, &binary.right))
        }
        _ => false,
    };
    if !foldable {
        return Ok(Transformed::no(expr));
    }
    if let Expr::Cast(cast) = &expr
        && let Expr::Literal(ScalarValue::Utf8View(Some(text)) | ScalarValue::Utf8(Some(text)), _) =
            cast.expr.as_ref()
    {
        held(text, cast.field.data_type())?;
    }
    Ok(Transformed::yes(Expr::Literal(value(&expr)?, None)))
}

/// Whether two constants have one type.
fn alike(left: &Expr, right: &Expr) -> bool {
    match (left, right) {
        (Expr::Literal(left, _), Expr::Literal(right, _)) => left.data_type() == right.data_type(),
        _ => false,
    }
}

/// Refuses digits of a second that a type of time has no room for: Postgres rounds them and the
/// engine cuts them off.
fn held(text: &str, arrow: &DataType) -> Result<()> {
    if matches!(arrow, DataType::Timestamp(..)) && is_finer(text) {
        let why = format!("'{text}' has digits below the microsecond; leave them out");
        return Err(Unmeant::error(why));
    }
    Ok(())
}

/// The value of an expression over constants.
pub(super) fn value(expr: &Expr) -> Result<ScalarValue> {
    let schema = Arc::new(Schema::empty());
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options)?;
    let physical = create_physical_expr(
        expr,
        &DFSchema::empty(),
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )?;
    match physical.evaluate(&row)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0),
    }
}

/// `value` as a value of another type, where nothing is lost by it.
pub(super) fn exactly(value: &ScalarValue, arrow: &DataType) -> Option<ScalarValue> {
    let cast = value.cast_to(arrow).ok()?;
    let back = cast.cast_to(&value.data_type()).ok()?;
    (back == *value && !cast.is_null()).then_some(cast)
}

/// A text written for a value of another type, as Postgres reads it.
pub(super) fn read(text: &str, arrow: &DataType) -> Result<ScalarValue> {
    held(text, arrow)?;
    let trimmed = text.trim();
    let plain = match arrow {
        // Postgres takes many more forms; these mean the same everywhere.
        DataType::Date32 => trimmed.parse::<jiff::civil::Date>().is_ok(),
        DataType::Timestamp(..) | DataType::Boolean => true,
        _ => trimmed.parse::<f64>().is_ok_and(f64::is_finite),
    };
    let value = match arrow {
        DataType::Timestamp(..) => with_seconds(trimmed),
        _ => trimmed.to_owned(),
    };
    match ScalarValue::Utf8View(Some(value)).cast_to(arrow) {
        Ok(value) if plain && !value.is_null() => Ok(value),
        _ => Err(Unmeant::error(format!("'{text}' is no {}", named(arrow)))),
    }
}

/// A time of hours and minutes as the engine reads it, which wants seconds too.
fn with_seconds(text: &str) -> String {
    const MINUTES: usize = "2024-02-29 13:00".len();
    match text.split_at_checked(MINUTES) {
        Some((head, tail)) if head.as_bytes()[MINUTES - 3] == b':' && !tail.starts_with(':') => {
            format!("{head}:00{tail}")
        }
        _ => text.to_owned(),
    }
}

pub(super) fn named(arrow: &DataType) -> String {
    match arrow {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Float32 | DataType::Float64 => "double".to_owned(),
        arrow if arrow.is_integer() => "whole number".to_owned(),
        DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal".to_owned(),
        DataType::Boolean => "truth value".to_owned(),
        other => other.to_string(),
    }
}

/// Texts as placeholders: what a person wrote stands neither in the plan's text nor in any SQL.
pub(super) fn bound(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    let bound = plan.transform_up_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_up(|part| match part {
                // The unit of a part is a word of the list.
                Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => {
                    Ok(Transformed::yes(context.value(ScalarValue::Utf8View(Some(text)))))
                }
                other => Ok(Transformed::no(other)),
            })
        })
    })?;
    Ok(bound.data)
}
