//! Values of filters, typed by what they are compared with (`IR.md`, "Filters").

use crate::functions::ZoneSpec;
use crate::kind::{Kind, MAX_DIGITS};
use air_ir::Scalar;
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan};

/// Largest whole number that a JSON number keeps exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value and the type the other side must be cast to for it, where it is not the column's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Literal {
    pub(crate) value: ScalarValue,
    pub(crate) cast: Option<ArrowType>,
}

/// The zones values are read in.
#[derive(Debug, Clone)]
pub(crate) struct Zones {
    /// Of the IR: for times without offset in filters.
    pub(crate) own: ZoneSpec,
    /// Of the source: for columns without zone.
    pub(crate) source: ZoneSpec,
}

/// `scalar` for a column of `kind`, held as `arrow`; `None` for null.
///
/// # Errors
/// A sentence that says what the value is not.
pub(crate) fn literal(
    scalar: &Scalar,
    kind: &Kind,
    arrow: &ArrowType,
    zones: &Zones,
) -> Result<Option<Literal>, String> {
    let wrong = |what: &str| Err(format!("The column is {}; {what} does not fit.", kind.word()));
    let own = |value| Ok(Some(Literal { value, cast: None }));
    match (kind, scalar) {
        (_, Scalar::Null) => Ok(None),
        (_, Scalar::Param(name)) => Err(format!("The parameter \"{name}\" was not given.")),
        (Kind::Bool, Scalar::Bool(b)) => own(ScalarValue::Boolean(Some(*b))),
        (Kind::Text, Scalar::Text(text)) => own(ScalarValue::Utf8View(Some(text.clone()))),
        (Kind::Int(_) | Kind::Decimal(..), Scalar::Number(n)) => {
            exact(&exact_digits(n)?, kind, arrow).map(Some)
        }
        (Kind::Int(_) | Kind::Decimal(..), Scalar::Text(text)) => {
            exact(text, kind, arrow).map(Some)
        }
        (Kind::Float, Scalar::Number(n)) => float(n.as_f64().unwrap_or(f64::NAN)).map(Some),
        (Kind::Float, Scalar::Text(text)) => match text.as_str() {
            "NaN" => float(f64::NAN).map(Some),
            "Infinity" => float(f64::INFINITY).map(Some),
            "-Infinity" => float(f64::NEG_INFINITY).map(Some),
            other => match other.parse::<f64>() {
                Ok(x) if x.is_finite() && looks_numeric(other) => float(x).map(Some),
                _ => wrong(&format!("\"{other}\" is no number and")),
            },
        },
        (Kind::Clock, Scalar::Text(text)) => match text.parse::<Time>() {
            Ok(_) if is_finer(text) => Err(finer(text)),
            Ok(time) => {
                let since = time.duration_since(Time::midnight()).as_micros();
                own(ScalarValue::Time64Microsecond(i64::try_from(since).ok()))
            }
            Err(_) => wrong(&format!("\"{text}\" is no time of day and")),
        },
        (Kind::Date, Scalar::Text(text)) => match text.parse::<Date>() {
            Ok(day) if is_date(text) => own(date_value(day)?),
            _ => wrong(&format!("\"{text}\" is no date, such as 2024-02-29, and")),
        },
        (Kind::Instant | Kind::Local, Scalar::Text(text)) => {
            let at = moment(text, &zones.own)?;
            own(instant_value(at, kind, &zones.source))
        }
        (_, Scalar::Text(text)) => wrong(&format!("the text \"{text}\"")),
        (_, Scalar::Number(n)) => wrong(&format!("the number {n}")),
        (_, Scalar::Bool(b)) => wrong(&b.to_string()),
    }
}

fn float(x: f64) -> Result<Literal, String> {
    Ok(Literal { value: ScalarValue::Float64(Some(x)), cast: Some(ArrowType::Float64) })
}

fn looks_numeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '.')
}

/// The digits of a JSON number that stands for an exact value.
fn exact_digits(n: &serde_json::Number) -> Result<String, String> {
    if n.is_f64() && n.as_f64().is_some_and(|x| x.abs() >= EXACT) {
        return Err(format!("The number {n} is too large to be exact; give it as text."));
    }
    Ok(n.to_string())
}

/// A whole number or decimal by its digits, compared without loss.
fn exact(text: &str, kind: &Kind, arrow: &ArrowType) -> Result<Literal, String> {
    let (unscaled, scale) = parse_decimal(text).ok_or_else(|| {
        format!("\"{text}\" is no number that a column of {} can hold.", kind.word())
    })?;
    if scale == 0
        && let Some(value) = narrow(unscaled, arrow)
    {
        return Ok(Literal { value, cast: None });
    }
    let (whole, own_scale) = match kind {
        Kind::Decimal(p, s) => (p - s, *s),
        Kind::Int(bits) => (crate::kind::int_digits(*bits), 0),
        _ => (1, 0),
    };
    let digits = |n: i128| u8::try_from(n.unsigned_abs().to_string().len()).unwrap_or(u8::MAX);
    let kept = scale.max(own_scale);
    let shift = u32::from(kept - scale);
    let value = 10_i128.checked_pow(shift).and_then(|f| unscaled.checked_mul(f));
    let Some(value) = value else { return Err(format!("\"{text}\" has too many digits.")) };
    let precision = (whole.saturating_add(kept)).max(digits(value)).max(1);
    if precision > MAX_DIGITS {
        return Err(format!("\"{text}\" has too many digits to be compared exactly."));
    }
    let scale = i8::try_from(kept).unwrap_or(0);
    let cast = ArrowType::Decimal128(precision, scale);
    let value = ScalarValue::Decimal128(Some(value), precision, scale);
    Ok(Literal { value, cast: (cast != *arrow).then_some(cast) })
}

/// A whole number in the column's own type, where it fits there.
fn narrow(value: i128, arrow: &ArrowType) -> Option<ScalarValue> {
    Some(match arrow {
        ArrowType::Int8 => ScalarValue::Int8(Some(value.try_into().ok()?)),
        ArrowType::Int16 => ScalarValue::Int16(Some(value.try_into().ok()?)),
        ArrowType::Int32 => ScalarValue::Int32(Some(value.try_into().ok()?)),
        ArrowType::Int64 => ScalarValue::Int64(Some(value.try_into().ok()?)),
        ArrowType::UInt8 => ScalarValue::UInt8(Some(value.try_into().ok()?)),
        ArrowType::UInt16 => ScalarValue::UInt16(Some(value.try_into().ok()?)),
        ArrowType::UInt32 => ScalarValue::UInt32(Some(value.try_into().ok()?)),
        ArrowType::UInt64 => ScalarValue::UInt64(Some(value.try_into().ok()?)),
        _ => return None,
    })
}

/// `-12.50e3` as digits and scale, without trailing zeros after the point.
fn parse_decimal(text: &str) -> Option<(i128, u8)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value: i128 = all
        .trim_start_matches('0')
        .parse()
        .or_else(|_| if all.trim_start_matches('0').is_empty() { Ok(0) } else { Err(()) })
        .ok()?;
    let mut scale = i32::try_from(fraction.len()).ok()? - exponent;
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    if scale < 0 {
        value = value.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?;
        scale = 0;
    }
    Some((sign * value, u8::try_from(scale).ok().filter(|s| *s <= MAX_DIGITS)?))
}

/// Whether text is written as a date alone.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.is_char_boundary(4) && !text.contains(['T', ' ', ':'])
}

/// Whether a time as text has digits of a second that no type of time here holds.
pub(crate) fn is_finer(text: &str) -> bool {
    text.split_once(['.', ',']).is_some_and(|(_, fraction)| {
        fraction.bytes().take_while(u8::is_ascii_digit).skip(6).any(|digit| digit != b'0')
    })
}

fn finer(text: &str) -> String {
    format!("\"{text}\" has digits below the microsecond, which no time here has; leave them out.")
}

/// The instant that text means: with offset as written, else local in `zone`; a date is its
/// midnight.
///
/// # Errors
/// A sentence, where text is no date and no time, or finer than a microsecond.
pub(crate) fn moment(text: &str, zone: &ZoneSpec) -> Result<Timestamp, String> {
    if is_finer(text) {
        return Err(finer(text));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = match text.parse::<Date>() {
        Ok(day) if is_date(text) => day.at(0, 0, 0, 0),
        _ => match text.parse::<DateTime>() {
            Ok(local) => local,
            Err(_) => {
                return Err(format!(
                    "\"{text}\" is no time; write 2024-02-29, 2024-02-29T13:00 or 2024-02-29T13:00:00Z."
                ));
            }
        },
    };
    zone.instant_of(local).map_err(|_| format!("\"{text}\" lies outside the years AIR can hold."))
}

/// An instant in the type of a column of `kind`.
pub(crate) fn instant_value(at: Timestamp, kind: &Kind, source: &ZoneSpec) -> ScalarValue {
    match kind {
        Kind::Local => {
            let local = source.zone.to_datetime(at);
            ScalarValue::TimestampMicrosecond(crate::functions::local_micros(local), None)
        }
        _ => {
            let utc = Some(crate::types::UTC.into());
            ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), utc)
        }
    }
}

/// A date as a value.
///
/// # Errors
/// Never for the years a calendar date can have here; a sentence otherwise.
pub(crate) fn date_value(day: Date) -> Result<ScalarValue, String> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = epoch.until(day).map_err(|_| format!("{day} lies outside the calendar."))?;
    Ok(ScalarValue::Date32(Some(days.get_days())))
}

/// The day before which, and the day up to which, an instant divides the dates of `zone`: the
/// first date whose midnight is not before it, and the last whose midnight is not after it.
pub(crate) fn dates_around(at: Timestamp, zone: &ZoneSpec) -> Result<(Date, Date), String> {
    let outside = || format!("{at} lies outside the calendar.");
    let local = zone.zone.to_datetime(at).date();
    let midnight = zone.instant_of(local.at(0, 0, 0, 0)).map_err(|_| outside())?;
    let ceiling =
        if midnight == at { local } else { local.checked_add(1.days()).map_err(|_| outside())? };
    Ok((ceiling, local))
}

#[cfg(test)]
mod tests {
    use super::{ZoneSpec, moment, parse_decimal};

    #[test]
    fn no_digit_below_the_microsecond_is_dropped() {
        let zone = ZoneSpec::get("Europe/Berlin").unwrap();
        assert!(moment("2024-02-29T13:00:00.123456000Z", &zone).is_ok());
        for text in ["2024-02-29T13:00:00.1234567Z", "2024-02-29 13:00:00.000000001"] {
            let error = moment(text, &zone).unwrap_err();
            assert!(error.contains("below the microsecond"), "{error}");
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(parse_decimal("12.50"), Some((125, 1)));
        assert_eq!(parse_decimal("-0.001"), Some((-1, 3)));
        assert_eq!(parse_decimal("1e3"), Some((1000, 0)));
        assert_eq!(parse_decimal("1.5E-2"), Some((15, 3)));
        assert_eq!(parse_decimal("0"), Some((0, 0)));
        assert_eq!(parse_decimal("."), None);
        assert_eq!(parse_decimal("1,5"), None);
    }
}
