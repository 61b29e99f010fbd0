//! Conditions that nulls never pass, so that a left join below one drops what an inner join drops.

use datafusion::logical_expr::{Expr, Operator};

/// Scalar functions that give null for a null argument.
const STRICT: &[&str] = &[
    "abs",
    "air_between",
    "air_bucket",
    "air_divide",
    "air_fold",
    "air_in_zone",
    "air_part",
    "air_round",
    "air_whole",
    "btrim",
    "character_length",
    "contains",
    "ends_with",
    "lower",
    "starts_with",
    "substr",
    "upper",
];

/// Whether `condition` is never true where every column in it is null.
pub(crate) fn rejects_nulls(condition: &Expr) -> bool {
    if is_null(condition) {
        return true;
    }
    match condition {
        Expr::IsNotNull(inner) => is_null(inner),
        Expr::Not(inner) => matches!(inner.as_ref(), Expr::IsNull(inner) if is_null(inner)),
        Expr::BinaryExpr(b) if b.op == Operator::And => {
            rejects_nulls(&b.left) || rejects_nulls(&b.right)
        }
        Expr::BinaryExpr(b) if b.op == Operator::Or => {
            rejects_nulls(&b.left) && rejects_nulls(&b.right)
        }
        _ => false,
    }
}

/// Whether `expr` is certainly null where every column in it is null.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) => true,
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => is_null(&cast.expr),
        Expr::Not(inner) | Expr::Negative(inner) => is_null(inner),
        Expr::InList(list) => is_null(&list.expr),
        Expr::Between(between) => is_null(&between.expr),
        Expr::ScalarFunction(call) => {
            STRICT.contains(&call.func.name()) && call.args.iter().any(is_null)
        }
        Expr::BinaryExpr(b) => match b.op {
            Operator::And | Operator::Or => is_null(&b.left) && is_null(&b.right),
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::Plus
            | Operator::Minus
            | Operator::Multiply => is_null(&b.left) || is_null(&b.right),
            _ => false,
        },
        _ => false,
    }
}
