//! The type of a column from its values.
//!
//! In: cells. Out: the narrowest type that holds every one of them, text where none does. Whole
//! numbers with leading zeros, or too large for 64 bits, stay text, for a code is no number. So do
//! `1E5` and its like, unless another cell of the column is a number by its point or its
//! exponent's sign: programs that write numbers with exponents write those too.

use super::convert::{float, integer, stamp, truth};
use air_ir::DataType;

const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 4;
const DATE: u8 = 8;
const STAMP: u8 = 16;
const INSTANT: u8 = 32;
const ALL: u8 = 63;

/// What a column can still be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess {
    possible: u8,
    filled: bool,
    nested: bool,
    /// A cell is digits, an `E` and digits.
    codes: bool,
    /// A cell is a number that is not whole, and no such code.
    numbers: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self { possible: ALL, filled: false, nested: false, codes: false, numbers: false }
    }
}

impl Guess {
    /// A cell of a CSV file.
    pub(crate) fn cell(&mut self, text: &str) {
        self.filled = true;
        if self.possible == 0 {
            return;
        }
        let classes = classes(text);
        self.possible &= classes;
        if classes == FLOAT {
            let is_code = is_exponent_code(text);
            self.codes |= is_code;
            self.numbers |= !is_code;
        }
    }

    /// A value of a JSON object. A string of digits is text, for it was written as text.
    pub(crate) fn json(&mut self, raw: &str) {
        match raw.as_bytes() {
            b"null" | [] => return,
            [b'{' | b'[', ..] => self.nested = true,
            [b'"', inner @ .., b'"'] => {
                let text = std::str::from_utf8(inner).unwrap_or_default();
                self.possible &= classes(text) & (DATE | STAMP | INSTANT);
            }
            _ => self.possible &= classes(raw) & (BOOL | INT | FLOAT),
        }
        self.filled = true;
    }

    pub(crate) fn data_type(self) -> DataType {
        if self.nested {
            return DataType::Json;
        }
        if !self.filled || (self.codes && !self.numbers) {
            return DataType::Text;
        }
        let order = [
            (BOOL, DataType::Bool),
            (INT, DataType::Int64),
            (FLOAT, DataType::Float64),
            (DATE, DataType::Date),
            (STAMP, DataType::Timestamp),
            (INSTANT, DataType::Timestamptz),
        ];
        order
            .iter()
            .find(|(class, _)| self.possible & class != 0)
            .map_or(DataType::Text, |(_, t)| *t)
    }
}

/// Whether a text is digits, an `E` and digits, which numbers and codes may be.
fn is_exponent_code(text: &str) -> bool {
    let is_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    text.split_once(['e', 'E']).is_some_and(|(a, b)| is_digits(a) && is_digits(b))
}

/// Every type that holds `text`.
fn classes(text: &str) -> u8 {
    let Some(first) = text.bytes().next() else {
        return 0;
    };
    if first.is_ascii_digit() || first == b'-' || first == b'.' {
        let digits = text.trim_start_matches('-');
        let is_code =
            digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            let fits = !is_code && integer::<i64>(text).is_some();
            return match (fits, float(text)) {
                (true, Some(_)) => INT | FLOAT,
                (true, None) => INT,
                (false, _) => 0,
            };
        }
        if let Some(stamp) = stamp(text) {
            return match (stamp.offset, text.len()) {
                (Some(_), _) => INSTANT,
                (None, 10) => DATE | STAMP,
                (None, _) => STAMP,
            };
        }
        let is_float =
            !is_code && text.ends_with(|c: char| c.is_ascii_digit()) && float(text).is_some();
        return if is_float { FLOAT } else { 0 };
    }
    if truth(text).is_some() { BOOL } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> String {
        let mut guess = Guess::default();
        cells.iter().for_each(|c| guess.cell(c));
        guess.data_type().to_string()
    }

    #[test]
    fn the_narrowest_type_that_holds_all() {
        assert_eq!(of(&["1", "-2"]), "int64");
        assert_eq!(of(&["1", "2.5", "1e3"]), "float64");
        assert_eq!(of(&["01", "12"]), "text");
        assert_eq!(of(&["99999999999999999999"]), "text");
        assert_eq!(of(&["true", "FALSE"]), "bool");
        assert_eq!(of(&["2013-01-01", "2013-02-28"]), "date");
        assert_eq!(of(&["2013-01-01", "2013-02-28 10:00"]), "timestamp");
        assert_eq!(of(&["2013-01-01T10:00:00Z", "2013-01-01 10:00+02:00"]), "timestamptz");
        assert_eq!(of(&["2013-01-01T10:00:00Z", "2013-01-01 10:00"]), "text");
        assert_eq!(of(&["1", "NA"]), "text");
        assert_eq!(of(&["+5", "5"]), "text");
        assert_eq!(of(&["1_000", "0x1F"]), "text");
        assert_eq!(of(&["2024-02-30", "2024-03-01"]), "text");
        assert_eq!(of(&["2013-01-01 10:00", "2013-01-01 10:00:00.000000001"]), "text");
        assert_eq!(of(&[]), "text");
    }

    #[test]
    fn a_code_with_an_e_is_no_number() {
        assert_eq!(of(&["1E5", "100000"]), "text");
        assert_eq!(of(&["12e3", "12e3"]), "text");
        assert_eq!(of(&["1E5", "2D10"]), "text");
        assert_eq!(of(&["1E5", "1.5"]), "float64");
        assert_eq!(of(&["1e5", "1e-7"]), "float64");
        assert_eq!(of(&["1e+05", "3"]), "float64");
    }

    #[test]
    fn numbers_that_one_double_would_be_stay_text() {
        assert_eq!(of(&["9007199254740993", "9007199254740992"]), "int64");
        assert_eq!(of(&["9007199254740993", "0.5"]), "text");
        assert_eq!(of(&["12345678901234567.89", "1.5"]), "text");
        assert_eq!(of(&["1e-400", "0.5"]), "text");
    }

    #[test]
    fn json_values_keep_their_kind() {
        let of = |values: &[&str]| {
            let mut guess = Guess::default();
            values.iter().for_each(|v| guess.json(v));
            guess.data_type().to_string()
        };
        assert_eq!(of(&["1", "null", "2"]), "int64");
        assert_eq!(of(&["\"1\"", "\"2\""]), "text");
        assert_eq!(of(&["1", "\"a\""]), "text");
        assert_eq!(of(&["{}", "1"]), "json");
        assert_eq!(of(&["1e5"]), "float64");
        assert_eq!(of(&["9007199254740993", "0.5"]), "text");
        assert_eq!(of(&["\"2013-01-01T06:00:00Z\""]), "timestamptz");
    }
}
