//! Numbers: whole, decimal and floating, each only into what holds it exactly. The one exception
//! is a decimal into a float, which is the nearest float, as a cast would give.
//!
//! MySQL may give a placeholder the type of text before it sees the value, so digits count
//! wherever they come as text.

use super::{Fit, Misfit, NO_FORM, Wire};
use datafusion::arrow::datatypes::i256;
use mysql_async::Value;

pub(super) fn boolean(wire: Wire, value: &Value) -> Fit<Option<bool>> {
    if matches!(value, Value::NULL) {
        return Ok(None);
    }
    match integer(wire, value)? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => Err(Misfit::OutOfRange),
    }
}

/// A value that is not null as a whole number.
pub(super) fn integer(wire: Wire, value: &Value) -> Fit<i128> {
    match value {
        Value::Int(v) => Ok(i128::from(*v)),
        Value::UInt(v) => Ok(i128::from(*v)),
        Value::Bytes(bytes) if wire == Wire::Bit => bits(bytes),
        Value::Bytes(digits) if is_text(wire) => scaled(digits, 0),
        Value::Float(v) => whole(f64::from(*v)),
        Value::Double(v) => whole(*v),
        _ => Err(NO_FORM),
    }
}

fn is_text(wire: Wire) -> bool {
    matches!(wire, Wire::Decimal | Wire::Text | Wire::Bytes)
}

/// The float nearest to digits, which may have an exponent.
fn nearest(digits: &[u8]) -> Fit<f64> {
    let text = std::str::from_utf8(digits).map_err(|_| NO_FORM)?;
    // Rust also reads words, such as "inf".
    let float = text.parse().ok().filter(|f: &f64| f.is_finite());
    float.ok_or(NO_FORM)
}

fn bits(bytes: &[u8]) -> Fit<i128> {
    if bytes.len() > 8 {
        return Err(Misfit::OutOfRange);
    }
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | i128::from(*byte)))
}

/// A float without a fraction.
fn whole(value: f64) -> Fit<i128> {
    // 2^96 is far above every integer type, and a float of that size is still exact.
    if value.fract() != 0.0 || value.abs() >= 79_228_162_514_264_337_593_543_950_336.0 {
        return Err(Misfit::OutOfRange);
    }
    Ok(value as i128)
}

pub(super) fn float32(value: &Value) -> Fit<Option<f32>> {
    let wide = match value {
        Value::NULL => return Ok(None),
        Value::Float(v) => return Ok(Some(*v)),
        Value::Double(v) => *v,
        Value::Int(v) => exact(i128::from(*v))?,
        Value::UInt(v) => exact(i128::from(*v))?,
        _ => return Err(NO_FORM),
    };
    let narrow = wide as f32;
    if f64::from(narrow) == wide { Ok(Some(narrow)) } else { Err(Misfit::OutOfRange) }
}

pub(super) fn float64(wire: Wire, value: &Value) -> Fit<Option<f64>> {
    Ok(Some(match value {
        Value::NULL => return Ok(None),
        Value::Double(v) => *v,
        Value::Float(v) => f64::from(*v),
        Value::Int(v) => exact(i128::from(*v))?,
        Value::UInt(v) => exact(i128::from(*v))?,
        Value::Bytes(digits) if is_text(wire) => nearest(digits)?,
        Value::Bytes(bytes) if wire == Wire::Bit => exact(bits(bytes)?)?,
        _ => return Err(NO_FORM),
    }))
}

/// A whole number as the float that is equal to it.
fn exact(value: i128) -> Fit<f64> {
    let float = value as f64;
    if float as i128 == value { Ok(float) } else { Err(Misfit::OutOfRange) }
}

pub(super) fn decimal(wire: Wire, value: &Value, precision: u8, scale: u8) -> Fit<Option<i128>> {
    let unscaled = match value {
        Value::NULL => return Ok(None),
        Value::Bytes(digits) if is_text(wire) => scaled(digits, scale)?,
        other => {
            let power = 10_i128.checked_pow(u32::from(scale)).ok_or(Misfit::OutOfRange)?;
            whole_only(wire, other)?.checked_mul(power).ok_or(Misfit::OutOfRange)?
        }
    };
    let bound = 10_u128.checked_pow(u32::from(precision)).ok_or(Misfit::OutOfRange)?;
    if unscaled.unsigned_abs() < bound { Ok(Some(unscaled)) } else { Err(Misfit::OutOfRange) }
}

/// Whole numbers that were never floats.
fn whole_only(wire: Wire, value: &Value) -> Fit<i128> {
    match value {
        Value::Float(_) | Value::Double(_) => Err(NO_FORM),
        other => integer(wire, other),
    }
}

/// Digits as a number of units of 10^-`scale`.
fn scaled(digits: &[u8], scale: u8) -> Fit<i128> {
    let (negative, whole, part) = parts(digits)?;
    let mut number: i128 = 0;
    let kept = part.len().min(usize::from(scale));
    if part[kept..].iter().any(|d| *d != b'0') {
        return Err(Misfit::OutOfRange);
    }
    for digit in whole.iter().chain(&part[..kept]) {
        number = number
            .checked_mul(10)
            .and_then(|n| n.checked_add(i128::from(digit - b'0')))
            .ok_or(Misfit::OutOfRange)?;
    }
    for _ in kept..usize::from(scale) {
        number = number.checked_mul(10).ok_or(Misfit::OutOfRange)?;
    }
    Ok(if negative { -number } else { number })
}

/// Sign, digits before the point and digits behind it.
fn parts(digits: &[u8]) -> Fit<(bool, &[u8], &[u8])> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let point = digits.iter().position(|b| *b == b'.');
    let (whole, part) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[..0]),
    };
    let is_number =
        !(whole.is_empty() && part.is_empty()) && whole.iter().chain(part).all(u8::is_ascii_digit);
    if is_number { Ok((negative, whole, part)) } else { Err(NO_FORM) }
}

pub(super) fn wide_decimal(
    wire: Wire,
    value: &Value,
    precision: u8,
    scale: u8,
) -> Fit<Option<i256>> {
    let shown;
    let digits: &[u8] = match value {
        Value::NULL => return Ok(None),
        Value::Bytes(digits) if is_text(wire) => digits,
        other => {
            shown = whole_only(wire, other)?.to_string();
            shown.as_bytes()
        }
    };
    let (negative, whole, part) = parts(digits)?;
    let kept = part.len().min(usize::from(scale));
    if part[kept..].iter().any(|d| *d != b'0') {
        return Err(Misfit::OutOfRange);
    }
    let padding = std::iter::repeat_n(&b'0', usize::from(scale) - kept);
    let all = whole.iter().chain(&part[..kept]).chain(padding);
    let mut text = String::with_capacity(digits.len() + usize::from(scale));
    text.extend(all.map(|b| char::from(*b)).skip_while(|c| *c == '0'));
    if text.len() > usize::from(precision) {
        return Err(Misfit::OutOfRange);
    }
    if text.is_empty() {
        return Ok(Some(i256::ZERO));
    }
    if negative {
        text.insert(0, '-');
    }
    i256::from_string(&text).map(Some).ok_or(Misfit::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn decimals_keep_every_digit_or_fail() {
        let read = |text: &str, p, s| decimal(Wire::Decimal, &digits(text), p, s);
        assert_eq!(read("-12.340", 10, 2), Ok(Some(-1234)));
        assert_eq!(read("0.5", 10, 3), Ok(Some(500)));
        assert_eq!(read("12.345", 10, 2), Err(Misfit::OutOfRange), "never rounded");
        assert_eq!(read("100", 4, 2), Err(Misfit::OutOfRange), "never cut");
        assert_eq!(read(&"9".repeat(38), 38, 0), Ok(Some(10_i128.pow(38) - 1)));
        assert_eq!(read(&"9".repeat(39), 38, 0), Err(Misfit::OutOfRange));
        assert_eq!(decimal(Wire::Plain, &Value::UInt(u64::MAX), 20, 0), Ok(Some(u64::MAX.into())));
        assert_eq!(decimal(Wire::Plain, &Value::Double(1.5), 20, 2), Err(NO_FORM));
        assert_eq!(read("1e5", 10, 0), Err(NO_FORM));
        assert_eq!(read("", 10, 0), Err(NO_FORM));

        let wide = |text: &str, p, s| wide_decimal(Wire::Decimal, &digits(text), p, s);
        let most = format!("-{}.{}", "9".repeat(35), "9".repeat(30));
        assert_eq!(wide(&most, 65, 30), Ok(i256::from_string(&most.replace('.', ""))));
        assert_eq!(wide("-0.000", 65, 2), Ok(Some(i256::ZERO)));
        assert_eq!(wide("0.001", 65, 2), Err(Misfit::OutOfRange));
    }

    #[test]
    fn whole_numbers_and_bits() {
        assert_eq!(integer(Wire::Bit, &Value::Bytes(vec![1, 2])), Ok(258));
        assert_eq!(integer(Wire::Bit, &Value::Bytes(vec![0xff; 8])), Ok(u64::MAX.into()));
        assert_eq!(integer(Wire::Decimal, &digits("-7.000")), Ok(-7));
        assert_eq!(integer(Wire::Decimal, &digits("-7.001")), Err(Misfit::OutOfRange));
        assert_eq!(integer(Wire::Plain, &Value::Double(1e15)), Ok(10_i128.pow(15)));
        assert_eq!(integer(Wire::Plain, &Value::Double(0.5)), Err(Misfit::OutOfRange));
        assert_eq!(integer(Wire::Text, &digits("7")), Ok(7));
        for bad in ["", " 7", "7 ", "7x", "0x7", "+7", "--7", "1e3", "."] {
            assert!(integer(Wire::Text, &digits(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(boolean(Wire::Plain, &Value::Int(2)), Err(Misfit::OutOfRange));
        assert_eq!(boolean(Wire::Bit, &Value::Bytes(vec![1])), Ok(Some(true)));
    }

    #[test]
    fn floats_are_equal_to_what_was_sent() {
        assert_eq!(float64(Wire::Plain, &Value::Int(1 << 53)), Ok(Some(9_007_199_254_740_992.0)));
        assert_eq!(float64(Wire::Plain, &Value::Int((1 << 53) + 1)), Err(Misfit::OutOfRange));
        assert_eq!(float64(Wire::Decimal, &digits("0.1")), Ok(Some(0.1)));
        assert_eq!(float64(Wire::Text, &digits("-1.5e300")), Ok(Some(-1.5e300)));
        assert_eq!(float64(Wire::Text, &digits("inf")), Err(NO_FORM));
        assert_eq!(float32(&Value::Double(0.5)), Ok(Some(0.5)));
        assert_eq!(float32(&Value::Double(0.1)), Err(Misfit::OutOfRange));
    }
}
