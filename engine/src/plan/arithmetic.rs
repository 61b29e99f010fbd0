//! Arithmetic whose result is exact, or an error at run time, and never another number.

use crate::functions::{Divide, Round, Rounding, call};
use crate::kind::{Kind, MAX_DIGITS, Typed, int_digits};
use air_ir::expr::Arithmetic;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast};

/// `left op right`.
///
/// # Errors
/// A sentence, where a side is no number or the digits would not fit.
pub(crate) fn arithmetic(op: Arithmetic, left: Typed, right: Typed) -> Result<Typed, String> {
    for side in [&left, &right] {
        if !side.kind.is_numeric() {
            return Err(format!("Arithmetic needs numbers; this is {}.", side.kind.word()));
        }
    }
    if op == Arithmetic::Divide {
        return Ok(divide(left, right));
    }
    let kind = match (&left.kind, &right.kind) {
        (Kind::Float, _) | (_, Kind::Float) => Kind::Float,
        (Kind::Null, other) | (other, Kind::Null) => other.clone(),
        (Kind::Int(a), Kind::Int(b)) => Kind::Int(int_bits(op, *a, *b)),
        (a, b) => decimal(op, a, b)?,
    };
    let operator = match op {
        Arithmetic::Add => Operator::Plus,
        Arithmetic::Subtract => Operator::Minus,
        _ => Operator::Multiply,
    };
    let (l, r) = match &kind {
        // Each side keeps its own digits; the engine's rule for the result is the same as ours.
        Kind::Decimal(..) => (as_decimal(left), as_decimal(right)),
        _ => (left.widen(&kind), right.widen(&kind)),
    };
    let expr = Expr::BinaryExpr(BinaryExpr::new(Box::new(l), operator, Box::new(r)));
    // A cast to the type it has already costs nothing when run, and fixes it for every engine.
    let expr = if matches!(kind, Kind::Decimal(..)) { cast(expr, kind.arrow()) } else { expr };
    Ok(Typed::new(expr, kind))
}

fn int_bits(op: Arithmetic, a: u32, b: u32) -> u32 {
    match op {
        Arithmetic::Multiply => a + b,
        _ => a.max(b) + 1,
    }
    .min(126)
}

fn decimal(op: Arithmetic, a: &Kind, b: &Kind) -> Result<Kind, String> {
    let ((p1, s1), (p2, s2)) = (parts(a), parts(b));
    let (precision, scale) = match op {
        Arithmetic::Multiply => (p1.saturating_add(p2).saturating_add(1), s1 + s2),
        _ => ((p1 - s1).max(p2 - s2) + s1.max(s2) + 1, s1.max(s2)),
    };
    if scale > MAX_DIGITS {
        return Err(format!(
            "The product would have {scale} digits after the point; there are at most {MAX_DIGITS}. Round a factor first."
        ));
    }
    Ok(Kind::Decimal(precision.min(MAX_DIGITS), scale))
}

fn parts(kind: &Kind) -> (u8, u8) {
    match kind {
        Kind::Decimal(p, s) => (*p, *s),
        Kind::Int(bits) => (int_digits(*bits), 0),
        _ => (1, 0),
    }
}

fn as_decimal(value: Typed) -> Expr {
    let (p, s) = parts(&value.kind);
    value.widen(&Kind::Decimal(p.min(MAX_DIGITS), s))
}

/// Doubles, null by zero.
pub(crate) fn divide(left: Typed, right: Typed) -> Typed {
    let args = vec![left.widen(&Kind::Float), right.widen(&Kind::Float)];
    Typed::new(call(Divide::new(), args), Kind::Float)
}

/// `-value`.
pub(crate) fn negate(value: Typed) -> Result<Typed, String> {
    if !value.kind.is_numeric() {
        return Err(format!("Only a number can be negated; this is {}.", value.kind.word()));
    }
    let kind = value.kind.clone();
    Ok(Typed::new(Expr::Negative(Box::new(value.plain())), kind))
}

/// `value` rounded.
pub(crate) fn round(value: Typed, rounding: Rounding) -> Result<Typed, String> {
    let function = Round::new(rounding);
    let whole = !matches!(rounding, Rounding::HalfAway(digits) if digits < 0);
    match value.kind.clone() {
        Kind::Int(_) | Kind::Null if whole => Ok(value),
        Kind::Int(bits) => {
            let digits = int_digits(bits).min(MAX_DIGITS);
            let (p, s) = function.decimal(digits, 0);
            let input = value.widen(&Kind::Decimal(digits, 0));
            Ok(Typed::new(call(function, vec![input]), Kind::Decimal(p, s)))
        }
        Kind::Null => Ok(value),
        Kind::Float => Ok(Typed::new(call(function, vec![value.plain()]), Kind::Float)),
        Kind::Decimal(p, s) if p <= MAX_DIGITS => {
            let (rp, rs) = function.decimal(p, s);
            Ok(Typed::new(call(function, vec![value.plain()]), Kind::Decimal(rp, rs)))
        }
        other => Err(format!("Only a number can be rounded; this is {}.", other.word())),
    }
}
