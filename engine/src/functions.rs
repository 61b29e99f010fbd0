//! AIR's own scalar functions: what the IR needs and no engine agrees on.
//!
//! Each is a `ScalarUDF` that holds its options (zone, grain, digits) in its own type, never as
//! text arguments, computes over Arrow arrays here, and is written by every dialect in `sql/`.
//! The planner makes them; nobody can name them in SQL.

mod any;
mod between;
mod bucket;
mod divide;
mod extreme;
mod fold;
mod later;
mod part;
mod percentile;
mod round;
mod zone;

pub(crate) use any::Any;
pub(crate) use between::Between;
pub(crate) use bucket::Bucket;
pub(crate) use divide::Divide;
pub(crate) use extreme::Extreme;
pub(crate) use fold::Fold;
pub(crate) use later::{Later, Quotient};
pub(crate) use part::PartOf;
pub(crate) use percentile::Percentile;
pub(crate) use round::{Round, Rounding};
pub(crate) use zone::{InZone, ZoneSpec};

use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF, ScalarUDFImpl};
use std::sync::Arc;

/// A call of one of AIR's functions.
pub(crate) fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>) -> Expr {
    let udf = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))
}

/// The planner types every argument, so this is a fault of AIR, not of the user.
fn wrong_arguments<T>(function: &str) -> Result<T> {
    Err(DataFusionError::Internal(format!("{function} was called with arguments of other types")))
}

fn outside<E: std::fmt::Display>(error: E) -> DataFusionError {
    DataFusionError::Execution(format!("A time lies outside the years AIR can hold: {error}"))
}

/// Microseconds since 1970 on a local clock.
pub(crate) fn local_micros(local: jiff::civil::DateTime) -> Option<i64> {
    zone::micros_of(local).ok()
}

/// Text folded as [`Fold`] folds a column.
pub(crate) fn fold_text(text: &str) -> String {
    fold::fold(text)
}
