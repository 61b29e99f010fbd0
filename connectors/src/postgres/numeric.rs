//! The server's binary form of `numeric`: digits in base 10,000, the weight of the first, a sign,
//! and the number of decimals shown. Exact both ways, or an error.

use datafusion::arrow::array::ArrowNativeTypeOp;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// A number as the server sends it.
pub(super) struct Numeric<'b> {
    digits: &'b [u8],
    weight: i32,
    sign: u16,
}

/// What has no digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Nan,
    Infinity,
    MinusInfinity,
}

impl<'b> Numeric<'b> {
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, String> {
        let bad = || "its numeric value is cut off".to_owned();
        let (header, digits) = bytes.split_at_checked(8).ok_or_else(bad)?;
        let word = |i: usize| u16::from_be_bytes([header[i], header[i + 1]]);
        if digits.len() != usize::from(word(0)) * 2 {
            return Err(bad());
        }
        Ok(Self { digits, weight: i32::from(word(2).cast_signed()), sign: word(4) })
    }

    pub(super) fn special(&self) -> Option<Special> {
        match self.sign {
            NAN => Some(Special::Nan),
            INFINITY => Some(Special::Infinity),
            MINUS_INFINITY => Some(Special::MinusInfinity),
            _ => None,
        }
    }

    /// The digits with the power of ten that each counts in.
    fn places(&self) -> impl Iterator<Item = (u16, i32)> + '_ {
        let digits = self.digits.chunks_exact(2).map(|d| u16::from_be_bytes([d[0], d[1]]));
        digits
            .enumerate()
            .map(|(i, d)| (d, 4 * (self.weight - i32::try_from(i).unwrap_or(i32::MAX))))
    }

    /// The number times ten to the power of `scale`, as a whole number.
    ///
    /// # Errors
    /// Where that is no whole number, or one with more digits than the type has.
    pub(super) fn scaled<T: ArrowNativeTypeOp>(
        &self,
        scale: i32,
        from: impl Fn(u16) -> T,
    ) -> Result<T, String> {
        if let Some(special) = self.special() {
            return Err(format!("{special:?} is no number that a decimal can hold"));
        }
        let big = |_| "is out of range: too many digits".to_owned();
        // What the sum so far counts in: ten to the power of `unit`.
        let (mut sum, mut unit) = (T::ZERO, 0);
        for (digit, power) in self.places() {
            let place = power + scale;
            // Digits of this group that are within the decimals asked for, and those beyond.
            let keep = (4 + place).clamp(0, 4).unsigned_abs();
            let beyond = 10_u16.pow(4 - keep);
            if digit % beyond != 0 {
                return Err("is out of range: more decimals than its column has".to_owned());
            }
            if keep > 0 {
                sum = sum.mul_checked(from(10_u16.pow(keep))).map_err(big)?;
                sum = sum.add_checked(from(digit / beyond)).map_err(big)?;
                unit = place.max(0);
            }
        }
        if unit > 0 && !sum.is_zero() {
            let power = from(10).pow_checked(unit.unsigned_abs()).map_err(big)?;
            sum = sum.mul_checked(power).map_err(big)?;
        }
        if self.sign == NEGATIVE { sum.neg_checked().map_err(big) } else { Ok(sum) }
    }

    /// The nearest double; NaN and infinities are themselves.
    pub(super) fn to_f64(&self) -> Result<f64, String> {
        match self.special() {
            Some(Special::Nan) => return Ok(f64::NAN),
            Some(Special::Infinity) => return Ok(f64::INFINITY),
            Some(Special::MinusInfinity) => return Ok(f64::NEG_INFINITY),
            None => {}
        }
        let mut text = String::with_capacity(self.digits.len() * 2 + 12);
        if self.sign == NEGATIVE {
            text.push('-');
        }
        text.push('0');
        let mut exponent = 0;
        for (digit, power) in self.places() {
            text.push_str(&format!("{digit:04}"));
            exponent = power;
        }
        text.push_str(&format!("e{exponent}"));
        let number: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
        if number.is_infinite() {
            Err("is out of range of a double".to_owned())
        } else {
            Ok(number)
        }
    }
}

/// A number written with digits, at most one dot and a minus, as the server takes it.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    let (negative, plain) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = plain.split_once('.').unwrap_or((plain, ""));
    let lead = (4 - whole.len() % 4) % 4;
    let tail = (4 - decimals.len() % 4) % 4;
    let zeros = |n: usize| std::iter::repeat_n(b'0', n);
    let all: Vec<u8> =
        zeros(lead).chain(whole.bytes()).chain(decimals.bytes()).chain(zeros(tail)).collect();
    let group = |g: &[u8]| g.iter().fold(0_u16, |n, d| n * 10 + u16::from(d - b'0'));
    let groups: Vec<u16> = all.chunks_exact(4).map(group).collect();
    let weight = (whole.len() + lead) / 4;
    let first = groups.iter().position(|g| *g != 0).unwrap_or(groups.len());
    let end = groups.iter().rposition(|g| *g != 0).map_or(first, |last| last + 1);
    let digits = &groups[first..end];
    let short = |n: usize| i16::try_from(n).unwrap_or(i16::MAX);
    let weight = if digits.is_empty() { 0 } else { short(weight) - 1 - short(first) };
    let sign = if negative && !digits.is_empty() { NEGATIVE } else { 0 };
    out.extend(short(digits.len()).to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(short(decimals.len()).to_be_bytes());
    digits.iter().for_each(|d| out.extend(d.to_be_bytes()));
}

/// NaN and infinities, which take no digits.
pub(super) fn encode_special(number: f64, out: &mut Vec<u8>) {
    let sign = if number.is_nan() {
        NAN
    } else if number > 0.0 {
        INFINITY
    } else {
        MINUS_INFINITY
    };
    out.extend([0, 0, 0, 0]);
    out.extend(sign.to_be_bytes());
    out.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::i256;

    fn both(text: &str, scale: i32) -> Result<i128, String> {
        let mut bytes = Vec::new();
        encode(text, &mut bytes);
        let number = Numeric::parse(&bytes).unwrap();
        let narrow = number.scaled(scale, i128::from);
        let wide = number.scaled(scale, |d| i256::from_i128(d.into()));
        if let (Ok(narrow), Ok(wide)) = (&narrow, &wide) {
            assert_eq!(i256::from_i128(*narrow), *wide, "{text}");
        }
        narrow
    }

    #[test]
    fn whole_numbers_of_any_scale() {
        assert_eq!(both("0", 0), Ok(0));
        assert_eq!(both("-0.00", 2), Ok(0));
        assert_eq!(both("1", 0), Ok(1));
        assert_eq!(both("10000", 0), Ok(10_000));
        assert_eq!(both("100000000", 2), Ok(10_000_000_000));
        assert_eq!(both("12345.678", 3), Ok(12_345_678));
        assert_eq!(both("-12345.678", 5), Ok(-1_234_567_800));
        assert_eq!(both("0.0001", 4), Ok(1));
        assert_eq!(both("0.00001", 5), Ok(1));
        assert_eq!(both("0.00001", 8), Ok(1000));
        assert_eq!(both("1.5", 1), Ok(15));
        assert_eq!(both("1.50", 1), Ok(15));
        assert_eq!(
            both("12345678901234567890123456789012345678", 0),
            Ok(12345678901234567890123456789012345678)
        );
        assert_eq!(
            both("123456789012345678901234567890123456.78", 2),
            Ok(12345678901234567890123456789012345678)
        );
        assert_eq!(both("1000000000000", 2), Ok(100_000_000_000_000));
    }

    #[test]
    fn nothing_is_cut() {
        for (text, scale) in
            [("1.5", 0), ("0.00001", 4), ("1.00001", 4), ("1.23", 1), ("0.00000001", 2)]
        {
            assert!(both(text, scale).unwrap_err().contains("more decimals"), "{text}");
        }
        assert!(both(&"9".repeat(40), 0).unwrap_err().contains("too many digits"));
        assert!(both(&"9".repeat(80), 0).is_err());
    }

    #[test]
    fn doubles() {
        for text in [
            "0",
            "1",
            "-12345.678",
            "0.1",
            "123456789012345678901234567890",
            "0.000000000000000000012345",
        ] {
            let mut bytes = Vec::new();
            encode(text, &mut bytes);
            assert_eq!(
                Numeric::parse(&bytes).unwrap().to_f64(),
                Ok(text.parse().unwrap()),
                "{text}"
            );
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut bytes = Vec::new();
            encode_special(number, &mut bytes);
            let read = Numeric::parse(&bytes).unwrap();
            assert_eq!(read.to_f64().unwrap().to_bits(), number.to_bits());
            assert!(read.scaled(0, i128::from).is_err());
        }
    }
}
