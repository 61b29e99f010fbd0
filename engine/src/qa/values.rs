//! Columns to plain values: what a check needs of an Arrow array, whatever its type.
//!
//! A type that a reading does not fit gives `None`, never a panic.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Decimal256Type, DecimalType, Float64Type, Int64Type, TimeUnit, i256,
};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const LABEL_CHARS: usize = 80;
/// The largest whole number that JSON readers hold exactly.
const JSON_EXACT: i128 = 1 << 53;
const WIDEST: u8 = 76;

/// The type of the values, under a dictionary or run-end encoding.
pub(super) fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => value_type(values),
        DataType::RunEndEncoded(_, values) => value_type(values.data_type()),
        other => other,
    }
}

pub(super) fn is_float(data_type: &DataType) -> bool {
    matches!(value_type(data_type), DataType::Float16 | DataType::Float32 | DataType::Float64)
}

/// Whether the values are instants, not local times.
pub(super) fn is_instant(data_type: &DataType) -> bool {
    matches!(value_type(data_type), DataType::Timestamp(_, Some(_)))
}

/// A cast that refuses what does not fit, instead of making it null.
fn cast(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).ok()
}

/// The values of a numeric column as doubles.
pub(super) fn numbers(array: &ArrayRef) -> Option<Vec<Option<f64>>> {
    if !value_type(array.data_type()).is_numeric() {
        return None;
    }
    let doubles = cast(array, &DataType::Float64)?;
    Some(doubles.as_primitive_opt::<Float64Type>()?.iter().collect())
}

/// The values of an integer or decimal column, in units of `10^-scale`.
pub(super) struct Exact {
    pub(super) scale: i8,
    pub(super) values: Vec<Option<i256>>,
}

pub(super) fn exact(array: &ArrayRef) -> Option<Exact> {
    let scale = match value_type(array.data_type()) {
        t if t.is_integer() => 0,
        DataType::Decimal32(_, s)
        | DataType::Decimal64(_, s)
        | DataType::Decimal128(_, s)
        | DataType::Decimal256(_, s) => *s,
        _ => return None,
    };
    let wide = cast(array, &DataType::Decimal256(WIDEST, scale))?;
    let values = wide.as_primitive_opt::<Decimal256Type>()?.iter().collect();
    Some(Exact { scale, values })
}

/// An exact number as JSON: digits as text where a JSON number would lose some.
pub(super) fn exact_json(value: i256, scale: i8) -> Value {
    match value.to_i128().filter(|v| scale == 0 && v.abs() <= JSON_EXACT) {
        Some(small) => json!(small),
        None => json!(Decimal256Type::format_decimal(value, WIDEST, scale)),
    }
}

/// A double as JSON, which has no word for those that are not finite.
pub(super) fn float_json(value: f64) -> Value {
    match value {
        v if v.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        v => json!(v),
    }
}

/// The values of a time column. Those without a zone, and dates, are read as if in UTC.
pub(super) fn times(array: &ArrayRef) -> Option<Vec<Option<Timestamp>>> {
    let read: fn(i64) -> Option<Timestamp> = match value_type(array.data_type()) {
        DataType::Date32 => |days| Timestamp::from_second(days.checked_mul(86_400)?).ok(),
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => {
            |ms| Timestamp::from_millisecond(ms).ok()
        }
        DataType::Timestamp(TimeUnit::Second, _) => |s| Timestamp::from_second(s).ok(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => |us| Timestamp::from_microsecond(us).ok(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            |ns| Timestamp::from_nanosecond(i128::from(ns)).ok()
        }
        _ => return None,
    };
    let whole = cast(array, &DataType::Int64)?;
    Some(whole.as_primitive_opt::<Int64Type>()?.iter().map(|v| v.and_then(read)).collect())
}

/// Rows that can be compared and hashed; nulls are equal to each other.
pub(super) fn keys(columns: &[ArrayRef]) -> Option<Rows> {
    let fields = columns.iter().map(|c| SortField::new(c.data_type().clone())).collect();
    RowConverter::new(fields).ok()?.convert_columns(columns).ok()
}

/// A value for people: an instant with the offset of `zone`, anything else cut to a readable
/// length; null stays null.
pub(super) fn label(array: &ArrayRef, row: usize, zone: &str) -> Value {
    if array.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
        return Value::Null;
    }
    if is_instant(array.data_type()) {
        let at = times(&array.slice(row, 1)).and_then(|t| t.into_iter().next().flatten());
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        return at.map_or(Value::Null, |at| {
            json!(at.display_with_offset(zone.to_offset(at)).to_string())
        });
    }
    let options = FormatOptions::new();
    let Ok(formatter) = ArrayFormatter::try_new(array, &options) else { return Value::Null };
    match formatter.value(row).try_to_string() {
        Ok(text) => json!(text.chars().take(LABEL_CHARS).collect::<String>()),
        Err(_) => Value::Null,
    }
}
