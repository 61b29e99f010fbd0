//! Cells as the service and the Python package show them.
//!
//! In: columns of an answer. Out: JSON values, names of types, and instants in the answer's zone.
//! The rules for values are those at the head of the REST contract. Absent on purpose: which rows
//! there are.

use air_ir::DataType;
use datafusion::arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions,
};
use datafusion::arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Field,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Number, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Seconds of a day.
const DAY: i128 = 86_400;

/// The largest whole number that every reader of JSON holds exactly.
const EXACT: u64 = 1 << 53;

/// The same instants, shown in `zone`; the zone travels with the rows.
///
/// # Errors
/// None for rows of an answer, whose columns are of one length.
pub fn in_zone(rows: &RecordBatch, zone: &str) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let column: ArrayRef = match column.data_type() {
            ArrowType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                Arc::new(times.clone().with_timezone(zone))
            }
            _ => Arc::clone(column),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// A zone by its IANA name. The planner has checked it; UTC stands in for none.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Bound values, in the form rows have.
pub fn scalars(values: &[ScalarValue]) -> Vec<Value> {
    let one = |value: &ScalarValue| {
        let array = value.to_array().ok()?;
        json(&array).into_iter().next()
    };
    values.iter().map(|v| one(v).unwrap_or(Value::Null)).collect()
}

/// The values of a column; a null is null.
pub fn json(column: &ArrayRef) -> Vec<Value> {
    macro_rules! each {
        ($type:ty, $show:expr) => {{
            let show = $show;
            column
                .as_primitive::<$type>()
                .iter()
                .map(|value| value.map_or(Value::Null, |value| show(value)))
                .collect()
        }};
    }
    match column.data_type() {
        ArrowType::Boolean => column.as_boolean().iter().map(|v| json!(v)).collect(),
        ArrowType::Int8 => each!(Int8Type, |v: i8| json!(v)),
        ArrowType::Int16 => each!(Int16Type, |v: i16| json!(v)),
        ArrowType::Int32 => each!(Int32Type, |v: i32| json!(v)),
        ArrowType::Int64 => each!(Int64Type, signed),
        ArrowType::UInt8 => each!(UInt8Type, |v: u8| json!(v)),
        ArrowType::UInt16 => each!(UInt16Type, |v: u16| json!(v)),
        ArrowType::UInt32 => each!(UInt32Type, |v: u32| json!(v)),
        ArrowType::UInt64 => each!(UInt64Type, unsigned),
        ArrowType::Float32 => each!(Float32Type, single),
        ArrowType::Float64 => each!(Float64Type, float),
        ArrowType::Decimal128(p, s) => {
            each!(Decimal128Type, |v| json!(Decimal128Type::format_decimal(v, *p, *s)))
        }
        ArrowType::Decimal256(p, s) => {
            each!(Decimal256Type, |v| json!(Decimal256Type::format_decimal(v, *p, *s)))
        }
        ArrowType::Utf8 => column.as_string::<i32>().iter().map(|v| json!(v)).collect(),
        ArrowType::LargeUtf8 => column.as_string::<i64>().iter().map(|v| json!(v)).collect(),
        ArrowType::Utf8View => column.as_string_view().iter().map(|v| json!(v)).collect(),
        ArrowType::Date32 => each!(Date32Type, date),
        ArrowType::Time64(TimeUnit::Microsecond) => each!(Time64MicrosecondType, time),
        ArrowType::Timestamp(TimeUnit::Microsecond, named) => {
            let zone = named.as_deref().map(zone);
            each!(TimestampMicrosecondType, |v| time_at(v, zone.as_ref()))
        }
        _ => displayed(column),
    }
}

/// What has no form of its own in JSON is shown as the engine shows it.
fn displayed(column: &ArrayRef) -> Vec<Value> {
    let options = FormatOptions::default();
    let Ok(formatter) = ArrayFormatter::try_new(column.as_ref(), &options) else {
        return vec![Value::Null; column.len()];
    };
    (0..column.len())
        .map(|row| match column.is_null(row) {
            true => Value::Null,
            false => json!(formatter.value(row).to_string()),
        })
        .collect()
}

fn signed(value: i64) -> Value {
    match value.unsigned_abs() > EXACT {
        true => json!(value.to_string()),
        false => json!(value),
    }
}

fn unsigned(value: u64) -> Value {
    match value > EXACT {
        true => json!(value.to_string()),
        false => json!(value),
    }
}

/// The shortest number that is read back as the same single.
fn single(value: f32) -> Value {
    match value.is_finite() {
        true => float(value.to_string().parse().unwrap_or(f64::from(value))),
        false => float(f64::from(value)),
    }
}

fn float(value: f64) -> Value {
    // Adding 0 turns -0 into 0 and changes nothing else.
    match Number::from_f64(value + 0.0) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => json!("NaN"),
        None if value > 0.0 => json!("Infinity"),
        None => json!("-Infinity"),
    }
}

fn date(days: i32) -> Value {
    json!(day(i64::from(days)))
}

/// A day since 1970 in the calendar. A year that four digits do not hold has a sign, as in ISO 8601.
fn day(days: i64) -> String {
    // Years counted from March, so that the leap day is the last of a year.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    match era * 400 + of_years + next {
        year @ 0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        year => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

fn time(micros: i64) -> Value {
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let text = format!("{hours:02}:{minutes:02}:{:02}{}", seconds % 60, fraction(rest));
    json!(text)
}

/// An instant with the offset of its zone, or a timestamp without zone, which has none.
fn time_at(micros: i64, zone: Option<&TimeZone>) -> Value {
    let Ok(timestamp) = Timestamp::from_microsecond(micros) else {
        return far(micros, zone);
    };
    let zoned = timestamp.to_zoned_datetime(zone.cloned().unwrap_or(TimeZone::UTC));
    let offset = zone.map(|_| zoned.strftime("%:z").to_string()).unwrap_or_default();
    let fraction = fraction(micros.rem_euclid(1_000_000));
    json!(format!("{}{fraction}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S")))
}

/// As `time_at`, of a time that lies out of the years for which zones are known, as the end of 9999 does that
/// stands for "never": on the clock that the zone has at the end of those years.
fn far(micros: i64, zone: Option<&TimeZone>) -> Value {
    let known = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let offset = zone.map_or(0, |zone| i64::from(zone.to_offset(known).seconds()));
    let clock = i128::from(micros) + i128::from(offset) * 1_000_000;
    let (seconds, rest) = (clock.div_euclid(1_000_000), clock.rem_euclid(1_000_000));
    let parts = (i64::try_from(seconds.div_euclid(DAY)), i64::try_from(rest));
    let (Ok(days), Ok(rest)) = parts else { return json!(micros.to_string()) };
    let of_day = seconds.rem_euclid(DAY);
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    let offset = zone.map(|_| format!("{sign}{:02}:{:02}", ahead / 60, ahead % 60));
    json!(format!(
        "{}T{hours:02}:{minutes:02}:{seconds:02}{}{}",
        day(days),
        fraction(rest),
        offset.unwrap_or_default()
    ))
}

/// Seconds' decimals, only where there are any.
fn fraction(micros: i64) -> String {
    match micros {
        0 => String::new(),
        _ => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    }
}

/// The contract's name of a column's type.
pub fn data_type(arrow: &ArrowType) -> DataType {
    match arrow {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::UInt8 => DataType::Uint8,
        ArrowType::UInt16 => DataType::Uint16,
        ArrowType::UInt32 => DataType::Uint32,
        ArrowType::UInt64 => DataType::Uint64,
        ArrowType::Float32 => DataType::Float32,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Decimal128(p, s) | ArrowType::Decimal256(p, s) => {
            DataType::Decimal(*p, u8::try_from(*s).unwrap_or(0))
        }
        ArrowType::Date32 => DataType::Date,
        ArrowType::Time64(_) => DataType::Time,
        ArrowType::Timestamp(_, None) => DataType::Timestamp,
        ArrowType::Timestamp(_, Some(_)) => DataType::Timestamptz,
        ArrowType::Binary => DataType::Binary,
        _ => DataType::Text,
    }
}

/// Bytes of memory that rows take. Batches of text may share their buffers, each of which is counted
/// once: Arrow's own measure counts it for every column that refers to it.
pub fn bytes(batch: &RecordBatch) -> u64 {
    let mut sizes = BTreeMap::new();
    for column in batch.columns() {
        gather(&column.to_data(), &mut sizes);
    }
    sizes.values().map(|size| *size as u64).sum()
}

/// Buffers by their addresses.
fn gather(data: &ArrayData, sizes: &mut BTreeMap<usize, usize>) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls) {
        sizes.insert(buffer.as_ptr().addr(), buffer.len());
    }
    data.child_data().iter().for_each(|child| gather(child, sizes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_shown_as_none() {
        let at = |text: &str, zone_name: &str| {
            // 9999-12-31T00:00:00Z, and text as an offset from it in microseconds.
            let end = 253_402_214_400_000_000_i64;
            time_at(end + text.parse::<i64>().unwrap(), Some(&zone(zone_name)))
        };
        assert_eq!(at("86399000000", "UTC"), json!("9999-12-31T23:59:59+00:00"));
        assert_eq!(at("86399000001", "UTC"), json!("9999-12-31T23:59:59.000001+00:00"));
        assert_eq!(at("86400000000", "UTC"), json!("+10000-01-01T00:00:00+00:00"));
        assert_eq!(at("104399000000", "America/New_York"), json!("9999-12-31T23:59:59-05:00"));
        assert_eq!(at("66599000000", "Asia/Kolkata"), json!("9999-12-31T23:59:59+05:30"));
        let first = json!("-290308-12-21T19:59:05.224192+00:00");
        assert_eq!(time_at(i64::MIN, Some(&TimeZone::UTC)), first);
        assert_eq!(time_at(i64::MIN, None), json!("-290308-12-21T19:59:05.224192"));
        assert_eq!(date(2_932_896), json!("9999-12-31"));
        assert_eq!(date(2_932_897), json!("+10000-01-01"));
        assert_eq!(date(0), json!("1970-01-01"));
        assert_eq!(date(11_016), json!("2000-02-29"));
        assert_eq!(date(-719_528), json!("0000-01-01"));
        assert_eq!(date(-719_529), json!("-0001-12-31"));
    }

    #[test]
    fn a_buffer_that_columns_share_is_counted_once() {
        use datafusion::arrow::array::StringViewArray;
        let long = "a text that is too long to stand in its view".repeat(100);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![long.as_str(); 2]));
        let batch = |columns: usize| {
            let named = (0..columns).map(|at| (format!("c{at}"), Arc::clone(&texts)));
            RecordBatch::try_from_iter(named).unwrap()
        };
        assert_eq!(bytes(&batch(1)), bytes(&batch(3)));
        assert!(bytes(&batch(1)) >= long.len() as u64);
    }
    use datafusion::arrow::array::{
        Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray,
    };

    fn shown(array: impl Array + 'static) -> Value {
        Value::Array(json(&(Arc::new(array) as ArrayRef)))
    }

    #[test]
    fn values_keep_their_meaning() {
        let limit = 1_i64 << 53;
        let whole = Int64Array::from(vec![Some(limit), Some(limit + 1), Some(-limit - 1), None]);
        let wanted = json!([limit, (limit + 1).to_string(), (-limit - 1).to_string(), null]);
        assert_eq!(shown(whole), wanted);
        let floats = Float64Array::from(vec![-0.0, 0.1, f64::NAN, f64::INFINITY, -f64::INFINITY]);
        assert_eq!(shown(floats).to_string(), r#"[0.0,0.1,"NaN","Infinity","-Infinity"]"#);
        let decimals = Decimal128Array::from(vec![Some(-5), Some(1250)])
            .with_precision_and_scale(10, 2)
            .unwrap();
        assert_eq!(shown(decimals), json!(["-0.05", "12.50"]));
    }

    #[test]
    fn a_timestamp_without_zone_has_no_offset() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let times = TimestampMicrosecondArray::from(vec![at("2013-07-01T04:00:00.25Z")]);
        assert_eq!(shown(times), json!(["2013-07-01T04:00:00.25"]));
    }

    #[test]
    fn instants_have_the_offset_of_their_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let times = TimestampMicrosecondArray::from(vec![
            at("2013-01-01T05:00:00Z"),
            at("2013-07-01T04:00:00.25Z"),
        ]);
        assert_eq!(
            shown(times.with_timezone("America/New_York")),
            json!(["2013-01-01T00:00:00-05:00", "2013-07-01T00:00:00.25-04:00"])
        );
    }
}
