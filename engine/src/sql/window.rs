//! Window functions.

use super::calls;
use super::expressions::{Scope, expression};
use super::item::Item;
use super::select::{Outer, Select, Stage, Text, up_to};
use super::writer::Writer;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Expr, Window, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

/// Functions that look at the order and not at a frame; MariaDB refuses a frame on them.
const FRAMELESS: &[&str] =
    &["row_number", "rank", "dense_rank", "ntile", "lag", "lead", "percent_rank", "cume_dist"];

pub(super) fn windowed(w: &mut Writer, node: &Window, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = up_to(w, &node.input, Stage::From, outer)?;
    let mut added = Vec::new();
    {
        let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
        for expr in &node.window_expr {
            let Expr::WindowFunction(call) = expr.clone().unalias() else {
                return Err(format!("has no window form for {}", expr.variant_name()));
            };
            added.push(Item::new(function(w, &call, &scope)?));
        }
    }
    select.items.extend(added);
    select.stage = Stage::Windowed;
    Ok(select)
}

fn function(w: &mut Writer, call: &WindowFunction, scope: &Scope<'_>) -> Text {
    let params = &call.params;
    if params.null_treatment == Some(NullTreatment::IgnoreNulls) {
        return Err("has no window that ignores nulls".to_owned());
    }
    let name = call.fun.name();
    let framed = !FRAMELESS.contains(&name);
    let offset = framed && has_offset(&params.window_frame);
    let mut parts = Vec::new();
    let mut keys = Vec::new();
    for expr in &params.partition_by {
        let key = expression(w, expr, scope)?;
        keys.push(if scope.is_text(expr)? { w.rules.exact_text(&key) } else { key });
    }
    if !keys.is_empty() {
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !params.order_by.is_empty() {
        let order = match offset {
            true => calls::one_key(w, &params.order_by, scope)?,
            false => calls::order(w, &params.order_by, scope)?.join(", "),
        };
        // Where constants alone order, all rows are peers, and MariaDB wants an order all the same.
        let order = if order.is_empty() { "NULL" } else { order.as_str() };
        parts.push(format!("ORDER BY {order}"));
    }
    if framed && !params.order_by.is_empty() {
        parts.push(frame(&params.window_frame)?);
    }
    let over = format!(" OVER ({})", parts.join(" "));
    match &call.fun {
        WindowFunctionDefinition::AggregateUDF(func) => {
            let mut aggregate = AggregateFunction::new_udf(
                func.clone(),
                params.args.clone(),
                params.distinct,
                None,
                Vec::new(),
                None,
            );
            aggregate.params.filter.clone_from(&params.filter);
            calls::aggregate(w, &aggregate, scope, &over)
        }
        WindowFunctionDefinition::WindowUDF(_) => {
            if params.filter.is_some() || params.distinct {
                return Err(format!("has no filter for {name}"));
            }
            if !FRAMELESS.contains(&name)
                && !matches!(name, "first_value" | "last_value" | "nth_value")
            {
                return Err(format!("has no window function {name}"));
            }
            if matches!(name, "lag" | "lead") && params.args.len() > 2 && !w.rules.lag_default() {
                return Err(format!("has no value in the place of a missing one for {name}"));
            }
            let mut args = Vec::new();
            for arg in &params.args {
                args.push(expression(w, arg, scope)?);
            }
            Ok(format!("{}({}){over}", name.to_uppercase(), args.join(", ")))
        }
    }
}

/// Whether a frame reaches by values from the current one.
fn has_offset(frame: &WindowFrame) -> bool {
    let offset = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(n) | WindowFrameBound::Following(n) => !n.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    frame.units == WindowFrameUnits::Range
        && (offset(&frame.start_bound) || offset(&frame.end_bound))
}

fn frame(frame: &WindowFrame) -> Text {
    let units = match frame.units {
        WindowFrameUnits::Rows => "ROWS",
        WindowFrameUnits::Range => "RANGE",
        WindowFrameUnits::Groups => return Err("has no frame of groups".to_owned()),
    };
    let (start, end) = (bound(&frame.start_bound)?, bound(&frame.end_bound)?);
    Ok(format!("{units} BETWEEN {start} AND {end}"))
}

fn bound(bound: &WindowFrameBound) -> Text {
    let (value, word) = match bound {
        WindowFrameBound::CurrentRow => return Ok("CURRENT ROW".to_owned()),
        WindowFrameBound::Preceding(value) => (value, "PRECEDING"),
        WindowFrameBound::Following(value) => (value, "FOLLOWING"),
    };
    if value.is_null() {
        return Ok(format!("UNBOUNDED {word}"));
    }
    match value {
        ScalarValue::UInt64(_)
        | ScalarValue::Int64(_)
        | ScalarValue::Int32(_)
        | ScalarValue::UInt32(_) => Ok(format!("{value} {word}")),
        ScalarValue::Utf8(Some(n)) | ScalarValue::Utf8View(Some(n))
            if n.bytes().all(|b| b.is_ascii_digit()) && !n.is_empty() =>
        {
            Ok(format!("{n} {word}"))
        }
        _ => Err("has no frame whose bounds are no whole numbers".to_owned()),
    }
}
