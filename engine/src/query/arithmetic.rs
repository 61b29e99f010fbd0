//! Numbers and times computed with one another, as Postgres computes them.
//!
//! In: two sides, their types and an operator. Out: the expression that gives Postgres's value on
//! every engine, or a refusal. Whole numbers are computed in decimals where 64 bits may not hold
//! them, divided towards zero, and all other divisions are of doubles.

use super::literals::{folded, named};
use super::meaning::Unmeant;
use crate::functions::{Quotient, call};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit};

/// Days that may be added to a date: some thousands of years.
const MOST_DAYS: u32 = 1_000_000;

pub(super) fn is_decimal(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Decimal128(..) | DataType::Decimal256(..))
}

pub(super) fn is_small(arrow: &DataType) -> bool {
    arrow.is_integer() && !matches!(arrow, DataType::Int64 | DataType::UInt64)
}

/// `1e2` as 100: a decimal with fewer digits than it has places fits neither files nor databases.
pub(super) fn spelled_out(number: &ScalarValue, digits: u8, scale: i8) -> Result<ScalarValue> {
    let digits = digits.saturating_add(scale.unsigned_abs());
    number.cast_to(&match digits {
        ..=38 => DataType::Decimal128(digits, 0),
        _ => DataType::Decimal256(digits, 0),
    })
}

pub(super) fn joined(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// The bits of a whole number that is written out, for which 32 may do.
fn small(expr: &Expr, arrow: &DataType) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(n)), _) => i32::try_from(*n).is_ok(),
        _ => is_small(arrow),
    }
}

pub(super) fn arithmetic(
    left: Expr,
    l: &DataType,
    op: Operator,
    right: Expr,
    r: &DataType,
) -> Result<Expr> {
    use DataType::{Date32, Int32, Int64, Interval, Timestamp};
    match (l, r) {
        (l, r) if l.is_integer() && r.is_integer() => {
            if small(&left, l) && small(&right, r) {
                return Ok(joined(cast(left, Int64), op, cast(right, Int64)));
            }
            let wide = DataType::Decimal128(20, 0);
            let exact = joined(cast(left, wide.clone()), op, cast(right, wide));
            Ok(cast(exact, Int64))
        }
        (Date32, Date32) if op == Operator::Minus => {
            let days = joined(cast(left, Int32), op, cast(right, Int32));
            Ok(cast(days, Int64))
        }
        (Date32, n) if n.is_integer() && op != Operator::Multiply => {
            Ok(joined(left, op, days(&right)?))
        }
        (n, Date32) if n.is_integer() && op == Operator::Plus => {
            Ok(joined(right, op, days(&left)?))
        }
        (Date32 | Timestamp(..), Interval(_)) if op != Operator::Multiply => {
            Ok(joined(timed(left, l)?, op, right))
        }
        (Interval(_), Date32 | Timestamp(..)) if op == Operator::Plus => {
            Ok(joined(timed(right, r)?, op, left))
        }
        (l, r) if l.is_numeric() && r.is_numeric() && (l.is_floating() || r.is_floating()) => {
            let (left, right) = (cast(left, DataType::Float64), cast(right, DataType::Float64));
            Ok(joined(left, op, right))
        }
        (l, r) if l.is_numeric() && r.is_numeric() => match (&left, &right) {
            // Computed now, so both are decimals now.
            (Expr::Literal(..), Expr::Literal(..)) => Ok(joined(decimal(left), op, decimal(right))),
            _ => Ok(joined(left, op, right)),
        },
        (DataType::Null, r) if r.is_numeric() => Ok(joined(left, op, right)),
        (l, DataType::Null) if l.is_numeric() => Ok(joined(left, op, right)),
        _ => Err(Unmeant::error(format!("a {} and a {} have no {op} here", named(l), named(r)))),
    }
}

/// A number of days that is written out, as what is added to a date.
fn days(number: &Expr) -> Result<Expr> {
    let written = match number {
        Expr::Literal(number, _) => number.cast_to(&DataType::Int32).ok(),
        _ => None,
    };
    match written {
        Some(ScalarValue::Int32(Some(days))) if days.unsigned_abs() <= MOST_DAYS => {
            Ok(lit(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano {
                months: 0,
                days,
                nanoseconds: 0,
            }))))
        }
        _ => Err(Unmeant::error(format!(
            "a date takes a number of days that is written out, up to {MOST_DAYS}; or an interval"
        ))),
    }
}

/// A whole number that is written out, as a decimal of its digits.
fn decimal(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(n)), _) => {
            let digits = n.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
            let digits = u8::try_from(digits).unwrap_or(20);
            lit(ScalarValue::Decimal128(Some(i128::from(n)), digits, 0))
        }
        other => other,
    }
}

/// What an interval is added to: a date is its midnight, as hours may follow.
pub(super) fn timed(value: Expr, arrow: &DataType) -> Result<Expr> {
    match arrow {
        DataType::Date32 => {
            let local = DataType::Timestamp(TimeUnit::Microsecond, None);
            Ok(folded(cast(value, local))?.data)
        }
        _ => Ok(value),
    }
}

pub(super) fn division(
    left: Expr,
    l: &DataType,
    op: Operator,
    right: Expr,
    r: &DataType,
) -> Result<Expr> {
    if matches!(l, DataType::UInt64) || matches!(r, DataType::UInt64) {
        return Err(Unmeant::error("division of unsigned 64-bit numbers is not taken; cast them"));
    }
    if l.is_integer() && r.is_integer() {
        let (left, right) = (cast(left, DataType::Int64), cast(right, DataType::Int64));
        return Ok(joined(left, op, right));
    }
    if op == Operator::Modulo {
        return Err(Unmeant::error("% takes whole numbers here"));
    }
    match l.is_numeric() && r.is_numeric() {
        true => {
            let args = vec![cast(left, DataType::Float64), cast(right, DataType::Float64)];
            Ok(call(Quotient::new(), args))
        }
        false => Err(Unmeant::error(format!("a {} is not divided by a {}", named(l), named(r)))),
    }
}
