//! AIR's own scalar functions: what the IR needs and no engine agrees on.
//!
//! Each is a `ScalarUDF` that holds its options (zone, grain, digits) in its own type, never as
//! text arguments, computes over Arrow arrays here, and is written by every dialect in `sql/`.
//! The planner makes them; nobody can name them in SQL.

mod absent;
mod any;
mod between;
mod bucket;
mod calendar;
mod clock;
mod divide;
mod earlier;
mod extreme;
mod fold;
mod later;
mod moving;
mod part;
mod percentile;
mod round;
mod whole;
mod zone;

pub(crate) use absent::{Absent, Ends, TooManyBuckets, series};
pub(crate) use any::Any;
pub(crate) use between::Between;
pub(crate) use bucket::Bucket;
pub(crate) use calendar::{Buckets, is_finer};
pub(crate) use clock::{FromClock, OnClock, from_clock, on_clock};
pub(crate) use divide::Divide;
pub(crate) use earlier::{Earlier, Offset};
pub(crate) use extreme::Extreme;
pub(crate) use fold::Fold;
pub(crate) use later::{Later, Quotient};
pub(crate) use moving::{Back, Moving, Over};
pub(crate) use part::PartOf;
pub(crate) use percentile::Percentile;
pub(crate) use round::{Round, Rounding};
pub(crate) use whole::Whole;
pub(crate) use zone::{InZone, ZoneSpec};

use datafusion::common::{DataFusionError, Result};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{ScalarFunction, Sort, WindowFunction};
use datafusion::logical_expr::{
    Expr, ScalarUDF, ScalarUDFImpl, WindowFrame, WindowFunctionDefinition, WindowUDF, WindowUDFImpl,
};
use std::sync::Arc;

/// A call of one of AIR's functions.
pub(crate) fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>) -> Expr {
    let udf = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))
}

/// A call of one of AIR's functions over the rows of a group in the order of time.
pub(crate) fn over(
    function: impl WindowUDFImpl + 'static,
    args: Vec<Expr>,
    partition_by: Vec<Expr>,
    order_by: Vec<Sort>,
) -> Expr {
    let udf = Arc::new(WindowUDF::new_from_impl(function));
    window(WindowFunctionDefinition::WindowUDF(udf), args, partition_by, order_by)
}

/// A call of a function over the rows of a group. Functions that take an order look at places in
/// it and not at a frame, so the frame counts rows: the engine cannot bear one of values for every
/// type (times of day), even where the function does not look at it.
pub(crate) fn window(
    function: WindowFunctionDefinition,
    args: Vec<Expr>,
    partition_by: Vec<Expr>,
    order_by: Vec<Sort>,
) -> Expr {
    let mut call = WindowFunction::new(function, args);
    call.params.window_frame = WindowFrame::new((!order_by.is_empty()).then_some(true));
    call.params.partition_by = partition_by;
    call.params.order_by = order_by;
    Expr::WindowFunction(Box::new(call))
}

/// The number of a row among those of the same keys, in an order that may be none.
pub(crate) fn numbered(keys: Vec<Expr>, order: Vec<Sort>) -> Expr {
    window(WindowFunctionDefinition::WindowUDF(row_number_udwf()), Vec::new(), keys, order)
}

/// The planner types every argument, so this is a fault of AIR, not of the user.
pub(crate) fn wrong_arguments<T>(function: &str) -> Result<T> {
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
