//! Numbers from text.

use datafusion::arrow::datatypes::i256;

/// A whole number, `+`, `-` and a fraction of zeros allowed (`2013.0` is what some programs write
/// for a whole number beside missing ones).
pub(crate) fn integer<N: TryFrom<i128>>(text: &str) -> Option<N> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.bytes().any(|b| b != b'0') {
        return None;
    }
    let (negative, digits) = match whole.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    let value = i128::from(value);
    N::try_from(if negative { -value } else { value }).ok()
}

/// Digits that a double always has room for.
const SURE: usize = 15;

/// A number in decimal or scientific form, or NaN or an infinity by its name. What is nearest to
/// no double of its own is none: a number too large or too small, and one with so many digits
/// before its point that its neighbours would be the same double. Digits of a fraction are
/// rounded, as in every double.
pub(crate) fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let holds = if value.is_finite() { is_held(text, value) } else { is_named(text) };
    holds.then_some(value)
}

/// Whether a text whose number is nearest to zero is one of zero itself.
fn is_zero(text: &str) -> bool {
    let mut mantissa = text.bytes().take_while(|b| !matches!(b, b'e' | b'E'));
    !mantissa.any(|b| matches!(b, b'1'..=b'9'))
}

fn is_held(text: &str, value: f64) -> bool {
    if value == 0.0 {
        return is_zero(text);
    }
    if text.len() <= SURE {
        return true;
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches(['+', '-', '0']);
    if whole.len() <= SURE {
        return true;
    }
    // The fewest digits that name the double, or all that it has.
    let digits = [whole, fraction].concat();
    let shortest = format!("{:e}", value.abs());
    let shortest = shortest.split('e').next().unwrap_or_default().replace('.', "");
    digits.trim_end_matches('0') == shortest.trim_end_matches('0')
        || (mantissa.len() == text.len()
            && fraction.bytes().all(|b| b == b'0')
            && whole == format!("{:.0}", value.abs()))
}

pub(super) fn float32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    let holds = if value.is_finite() { value != 0.0 || is_zero(text) } else { is_named(text) };
    holds.then_some(value)
}

/// Whether the text names NaN or an infinity, and is not a number too large.
fn is_named(text: &str) -> bool {
    !text.bytes().any(|b| b.is_ascii_digit())
}

/// The unscaled value of a decimal. Digits beyond the scale must be zero.
pub(crate) fn decimal(text: &str, precision: u8, scale: u8) -> Option<i256> {
    match short_decimal(text.as_bytes(), precision, scale) {
        Some(value) => Some(i256::from_i128(i128::from(value))),
        None => any_decimal(text, precision, scale),
    }
}

/// A decimal of few digits in plain form, as nearly all are; `None` for what has to be looked at
/// more closely.
fn short_decimal(text: &[u8], precision: u8, scale: u8) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Eighteen digits fit whatever they are.
    if !(1..=18).contains(&digits.len()) {
        return None;
    }
    let (mut value, mut fraction) = (0_i64, None);
    for byte in digits {
        match (byte, &mut fraction) {
            (b'0'..=b'9', fraction) => {
                value = value * 10 + i64::from(byte - b'0');
                if let Some(places) = fraction {
                    *places += 1;
                }
            }
            (b'.', None) => fraction = Some(0_u8),
            _ => return None,
        }
    }
    if digits == b"." {
        return None;
    }
    let missing = scale.checked_sub(fraction.unwrap_or(0))?;
    let value = value.checked_mul(10_i64.checked_pow(u32::from(missing))?)?;
    let fits = 10_i64.checked_pow(u32::from(precision)).is_none_or(|bound| value < bound);
    fits.then_some(if negative { -value } else { value })
}

fn any_decimal(text: &str, precision: u8, scale: u8) -> Option<i256> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|b| b == b'0') {
        return Some(i256::ZERO);
    }
    let shift = i64::from(scale) - i64::try_from(fraction.len()).ok()? + i64::from(exponent);
    if shift >= 0 {
        let zeros = usize::try_from(shift).ok().filter(|z| *z <= 76)?;
        digits.extend(std::iter::repeat_n('0', zeros));
    } else {
        let cut = usize::try_from(-shift).ok()?;
        let kept = digits.len().checked_sub(cut)?;
        if digits[kept..].bytes().any(|b| b != b'0') {
            return None;
        }
        digits.truncate(kept);
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > usize::from(precision) {
        return None;
    }
    let value = i256::from_string(digits)?;
    Some(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_short_way_to_a_decimal_leads_to_the_same(
            text in "[-+]?[0-9]{0,12}(\\.[0-9]{0,12})?(e-?[0-9])?",
            precision in 1_u8..=40,
            scale in 0_u8..=12,
        ) {
            let scale = scale.min(precision);
            let wanted = any_decimal(&text, precision, scale);
            prop_assert_eq!(decimal(&text, precision, scale), wanted);
        }
    }

    #[test]
    fn whole_numbers_are_whole() {
        assert_eq!(integer::<i16>("-32768"), Some(i16::MIN));
        assert_eq!(integer::<i16>("32768"), None);
        assert_eq!(integer::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(integer::<i64>("2013.0"), Some(2013));
        for bad in ["", "-", "1.5", "1.", "1e3", " 1", "0x1"] {
            assert_eq!(integer::<i64>(bad), None, "{bad}");
        }
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        let read = |t| decimal(t, 5, 2).and_then(|d| d.to_i128());
        assert_eq!(read("0.1"), Some(10));
        assert_eq!(read("-123.450"), Some(-12345));
        assert_eq!(read("1.2e1"), Some(1200));
        assert_eq!(read("120e-1"), Some(1200));
        assert_eq!(read("0.0000"), Some(0));
        for bad in ["1.239", "1000", "", ".", "1.2.3", "1e99", "NaN"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_float_too_large_is_no_infinity() {
        assert_eq!(float("1e400"), None);
        assert_eq!(float("1e-400"), None);
        assert_eq!(float("0.0e-400"), Some(0.0));
        assert_eq!(float("inf"), Some(f64::INFINITY));
        assert_eq!(float32("1e39"), None);
        assert_eq!(float32("1e-60"), None);
        assert_eq!(float32("-0.0"), Some(0.0));
    }

    #[test]
    fn whole_numbers_that_differ_are_no_one_double() {
        for held in [
            "9007199254740992",
            "-9007199254740994.0",
            "12345678901234567000",
            "123456789012345680000",
            "123456789012345683968.000",
            "0.1000000000000000055511151231257827",
            "000000000000000001.5",
            "1.2345678901234567891e16",
        ] {
            assert!(float(held).is_some(), "{held}");
        }
        for lost in [
            "9007199254740993",
            "-9007199254740993.0",
            "12345678901234567.89",
            "99999999999999999999",
        ] {
            assert_eq!(float(lost), None, "{lost}");
        }
    }
}
