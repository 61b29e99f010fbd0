//! Values as literals, for `COPY`, which takes no placeholders.
//!
//! In: a query of the SQL writer that the server has parsed as one statement, its values and
//! their types. Out: the same query with a literal for each placeholder, or none where it is not
//! one that this module reads to the end; it is then run with placeholders.
//!
//! What makes it safe: nothing of a value but digits, a sign, a dot, an `e` and a few fixed words
//! stands in the text. Of texts, letters and digits of ASCII stand as they are; every other
//! character is its code point in hexadecimal (`U&'a\+000027b'`), a form the server refuses where
//! a setting would make a backslash unsafe. It is a constant to the server from the start, so an
//! index serves it like any other; `convert_from` would be none, as it is not immutable.

use crate::learned::hex;
use datafusion::common::ScalarValue;
use std::fmt::Write;
use tokio_postgres::types::{Kind, Type};

/// Elements of a list beyond which it is sent as a bound array.
const LIST: usize = 1_000;

/// The query with literals, or none where it should be run with placeholders.
pub(super) fn inlined(text: &str, values: &[ScalarValue], types: &[Type]) -> Option<String> {
    if values.len() != types.len() {
        return None;
    }
    let mut literals = Vec::with_capacity(values.len());
    for (value, kind) in values.iter().zip(types) {
        literals.push(literal(value, kind)?);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '$', ';', '-', '/']) {
        out.push_str(&rest[..at]);
        let before = out.chars().next_back();
        rest = &rest[at..];
        let end = match rest.as_bytes()[0] {
            quote @ (b'"' | b'\'') => {
                // Letters before a quote give it another meaning: E'…', U&"…".
                if quote == b'\'' && before.is_some_and(is_word) || before == Some('&') {
                    return None;
                }
                // A doubled quote ends one quoted piece and begins the next.
                rest[1..].find(char::from(quote))? + 2
            }
            b'$' if !before.is_some_and(is_word) => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = rest[1..=digits].parse().ok()?;
                out.push_str(literals.get(number.checked_sub(1)?)?);
                rest = &rest[digits + 1..];
                if rest.starts_with(is_word) {
                    return None;
                }
                continue;
            }
            b'-' if !rest.starts_with("--") => 1,
            b'/' if !rest.starts_with("/*") => 1,
            // A comment, a second statement, or text quoted by dollars: no writer of ours.
            _ => return None,
        };
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// One value as an expression of its type.
fn literal(value: &ScalarValue, kind: &Type) -> Option<String> {
    let inner = match value {
        value if value.is_null() => "NULL".to_owned(),
        ScalarValue::List(list) => {
            let Kind::Array(element) = kind.kind() else { return None };
            let elements = list.value(0);
            if elements.len() > LIST {
                return None;
            }
            let mut literals = Vec::with_capacity(elements.len());
            for i in 0..elements.len() {
                literals.push(literal(&ScalarValue::try_from_array(&elements, i).ok()?, element)?);
            }
            format!("ARRAY[{}]", literals.join(", "))
        }
        value => scalar(value)?,
    };
    Some(format!("CAST({inner} AS {})", type_name(kind)))
}

fn scalar(value: &ScalarValue) -> Option<String> {
    Some(match value {
        ScalarValue::Boolean(Some(true)) => "TRUE".to_owned(),
        ScalarValue::Boolean(Some(false)) => "FALSE".to_owned(),
        ScalarValue::Utf8(Some(text))
        | ScalarValue::Utf8View(Some(text))
        | ScalarValue::LargeUtf8(Some(text)) => coded(text),
        ScalarValue::Binary(Some(bytes))
        | ScalarValue::LargeBinary(Some(bytes))
        | ScalarValue::BinaryView(Some(bytes)) => {
            format!("pg_catalog.decode('{}', 'hex')", hex(bytes))
        }
        number_or_time => {
            let text = super::params::plain(number_or_time)?;
            // Digits of numbers and times, and the words NaN, Infinity and BC.
            let right = |c: char| {
                c.is_ascii_digit()
                    || matches!(c, '-' | '+' | '.' | ':' | ' ')
                    || matches!(c, 'e' | 'E')
                    || "NaInfityBC".contains(c)
            };
            if !text.chars().all(right) {
                return None;
            }
            format!("'{text}'")
        }
    })
}

/// A text as a literal without any character that could end it.
fn coded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str("U&'");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\+{:06x}", u32::from(c));
        }
    }
    out.push('\'');
    out
}

/// A type's name with its schema, quoted.
fn type_name(kind: &Type) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    format!("{}.{}", quoted(kind.schema()), quoted(kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<String> {
        inlined(text, &[ScalarValue::from(7_i64)], &[Type::INT8])
    }

    const SEVEN: &str = "CAST('7' AS \"pg_catalog\".\"int8\")";

    #[test]
    fn only_placeholders_are_replaced() {
        let text = "SELECT \"$1\", \"a\"\"$1\", 'it''s $1', x - $1 / 2 AS \"b\"";
        let wanted = format!("SELECT \"$1\", \"a\"\"$1\", 'it''s $1', x - {SEVEN} / 2 AS \"b\"");
        assert_eq!(one(text), Some(wanted));
        assert_eq!(one("$1"), Some(SEVEN.to_owned()));
    }

    #[test]
    fn what_is_not_read_to_the_end_is_not_written() {
        for text in [
            "SELECT 1 -- $1",
            "SELECT 1 /* $1 */",
            "SELECT 1; SELECT $1",
            "SELECT $$ $1 $$",
            "SELECT $a$ x $a$",
            "SELECT E'\\' $1'",
            "SELECT U&\"\\0041\"",
            "SELECT $2",
            "SELECT $0",
            "SELECT $1a",
            "SELECT 'open",
            "SELECT \"open",
            "SELECT a$1",
            "SELECT $99999999999999999999",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn of_a_text_nothing_stands_that_could_end_it() {
        let hostile = "\\'); DROP TABLE t; --$1\"é";
        let text = inlined("SELECT $1", &[ScalarValue::from(hostile)], &[Type::TEXT]).unwrap();
        let inner = text.strip_prefix("SELECT CAST(U&'").unwrap();
        let inner = inner.strip_suffix("' AS \"pg_catalog\".\"text\")").unwrap();
        let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '\\' | '+');
        assert!(inner.chars().all(right), "{text}");
        assert!(inner.contains("\\+0000e9") && inner.contains("\\+000027"), "{text}");
    }
}
