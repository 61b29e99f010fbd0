//! Values of a query as the binary protocol sends them.
//!
//! In: the engine's values. Out: the client's. Decimals go as digits, instants as times in UTC
//! (the session's zone), text as it is: nothing is spliced, nothing rounded.

use super::calendar::{civil, micros_of_day};
use crate::database::DatabaseError;
use datafusion::arrow::datatypes::TimeUnit;
use datafusion::common::ScalarValue;
use mysql_async::{Params, Value};

/// The values of a query, in the order of its placeholders.
pub(super) fn params(id: &str, values: &[ScalarValue]) -> Result<Params, DatabaseError> {
    if values.is_empty() {
        return Ok(Params::Empty);
    }
    let mut params = Vec::with_capacity(values.len());
    for (i, scalar) in values.iter().enumerate() {
        params.push(value(scalar).map_err(|reason| DatabaseError::Parameter {
            id: id.to_owned(),
            position: i + 1,
            reason,
        })?);
    }
    Ok(Params::Positional(params))
}

fn value(scalar: &ScalarValue) -> Result<Value, String> {
    use ScalarValue as S;
    if scalar.is_null() {
        return Ok(Value::NULL);
    }
    Ok(match scalar {
        S::Boolean(Some(v)) => Value::Int(i64::from(*v)),
        S::Int8(Some(v)) => Value::Int(i64::from(*v)),
        S::Int16(Some(v)) => Value::Int(i64::from(*v)),
        S::Int32(Some(v)) => Value::Int(i64::from(*v)),
        S::Int64(Some(v)) => Value::Int(*v),
        S::UInt8(Some(v)) => Value::Int(i64::from(*v)),
        S::UInt16(Some(v)) => Value::Int(i64::from(*v)),
        S::UInt32(Some(v)) => Value::Int(i64::from(*v)),
        S::UInt64(Some(v)) => Value::UInt(*v),
        S::Float32(Some(v)) => float(f64::from(*v))?,
        S::Float64(Some(v)) => float(*v)?,
        S::Decimal128(Some(v), _, scale) => Value::Bytes(decimal(v.to_string(), *scale)?),
        S::Decimal256(Some(v), _, scale) => Value::Bytes(decimal(v.to_string(), *scale)?),
        S::Utf8(Some(v)) | S::Utf8View(Some(v)) | S::LargeUtf8(Some(v)) => {
            Value::Bytes(v.clone().into_bytes())
        }
        S::Binary(Some(v)) | S::BinaryView(Some(v)) | S::LargeBinary(Some(v)) => {
            Value::Bytes(v.clone())
        }
        S::Date32(Some(days)) => moment(i64::from(*days) * 86_400_000_000)?,
        S::Time64Microsecond(Some(v)) => time(*v)?,
        S::TimestampSecond(Some(v), _) => moment(scaled(*v, TimeUnit::Second)?)?,
        S::TimestampMillisecond(Some(v), _) => moment(scaled(*v, TimeUnit::Millisecond)?)?,
        S::TimestampMicrosecond(Some(v), _) => moment(*v)?,
        other => return Err(format!("is of type {}, which has no form here", other.data_type())),
    })
}

fn float(value: f64) -> Result<Value, String> {
    if value.is_finite() {
        return Ok(Value::Double(value));
    }
    Err("is infinite or no number, which the server does not know".to_owned())
}

/// Digits with a point before the last `scale`.
fn decimal(unscaled: String, scale: i8) -> Result<Vec<u8>, String> {
    let scale = usize::try_from(scale).map_err(|_| "has a negative scale".to_owned())?;
    let (sign, digits) = match unscaled.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unscaled.as_str()),
    };
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    Ok(format!("{sign}{whole}{point}{part}").into_bytes())
}

fn scaled(value: i64, unit: TimeUnit) -> Result<i64, String> {
    let factor = if unit == TimeUnit::Second { 1_000_000 } else { 1_000 };
    value.checked_mul(factor).ok_or_else(|| "is a time out of range".to_owned())
}

fn moment(micros: i64) -> Result<Value, String> {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (year, month, day) = civil(days);
    let year = u16::try_from(year).ok().filter(|y| *y <= 9999);
    let year = year.ok_or("is a time out of range: years are 0 to 9999")?;
    let (hour, minute, second, micro) = micros_of_day(rest);
    Ok(Value::Date(year, month, day, hour, minute, second, micro))
}

fn time(micros: i64) -> Result<Value, String> {
    if !(0..86_400_000_000).contains(&micros) {
        return Err("is no time of a day".to_owned());
    }
    let (hour, minute, second, micro) = micros_of_day(micros);
    Ok(Value::Time(false, 0, hour, minute, second, micro))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::i256;

    #[test]
    fn nothing_is_rounded() {
        let text = |scalar: ScalarValue| match value(&scalar).unwrap() {
            Value::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(ScalarValue::Decimal128(Some(-5), 38, 3)), "-0.005");
        assert_eq!(text(ScalarValue::Decimal128(Some(12345), 5, 0)), "12345");
        let wide = i256::from_string("-123456789012345678901234567890123456789012345").unwrap();
        assert_eq!(
            text(ScalarValue::Decimal256(Some(wide), 65, 30)),
            "-123456789012345.678901234567890123456789012345"
        );
        let at = |micros| value(&ScalarValue::TimestampMicrosecond(Some(micros), None)).unwrap();
        assert_eq!(at(-1), Value::Date(1969, 12, 31, 23, 59, 59, 999_999));
        assert_eq!(at(951_782_400_000_000), Value::Date(2000, 2, 29, 0, 0, 0, 0));
        assert_eq!(value(&ScalarValue::UInt64(Some(u64::MAX))).unwrap(), Value::UInt(u64::MAX));
    }

    #[test]
    fn what_the_server_cannot_hold_is_named() {
        let values = [ScalarValue::Int64(Some(1)), ScalarValue::Float64(Some(f64::NAN))];
        let error = params("s", &values).unwrap_err().to_string();
        assert!(error.contains("value 2") && error.contains("no number"), "{error}");
        assert!(value(&ScalarValue::TimestampMicrosecond(Some(i64::MAX), None)).is_err());
    }
}
