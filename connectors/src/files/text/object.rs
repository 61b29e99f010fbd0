//! The fields of a JSON object on one line, found by its bytes: nothing is built but what is asked
//! for. Every value is looked at all the same, so that a line is sound, or is refused, whichever
//! of its fields are wanted.

use std::borrow::Cow;
use std::ops::Range;

/// Numbers this long are read by the JSON library, which knows what is too large.
const LONG: usize = 300;

/// What a reader makes of the names of fields, which it is given as JSON text.
pub(super) trait Names<'l> {
    /// What a name is to the reader.
    type Known;

    /// The name that most likely comes next, so that it need not be looked at closely.
    fn expected(&mut self) -> Option<(&str, Self::Known)>;

    fn known(&mut self, name: &'l str) -> Result<Self::Known, String>;
}

/// Gives each field of the object on a line, in order: what its name is, and the place of the
/// value in the line. False for a line that is empty.
pub(super) fn walk<'l, N: Names<'l>>(
    line: &'l str,
    names: &mut N,
    mut field: impl FnMut(N::Known, Range<usize>),
) -> Result<bool, String> {
    let begin = line.len() - line.trim_start_matches('\u{feff}').len();
    let text = line.trim_end_matches(|c: char| u8::try_from(c).is_ok_and(is_space));
    let bytes = text.as_bytes();
    let mut at = past_space(bytes, begin);
    match bytes.get(at) {
        None => return Ok(false),
        Some(b'{') => at = past_space(bytes, at + 1),
        Some(_) => return Err("a line must be one JSON object".to_owned()),
    }
    if bytes.get(at) == Some(&b'}') {
        return ended(bytes, at + 1);
    }
    loop {
        // A name ends with a quote, so what begins with it has that name.
        let (known, end) = match names.expected() {
            Some((name, known)) if bytes[at..].starts_with(name.as_bytes()) => {
                (known, at + name.len())
            }
            _ => {
                let end = value_end(text, at)?;
                if bytes[at] != b'"' {
                    return Err("a field's name must be in double quotes".to_owned());
                }
                (names.known(&text[at..end])?, end)
            }
        };
        at = past_space(bytes, end);
        if bytes.get(at) != Some(&b':') {
            return Err("\":\" is missing after a field's name".to_owned());
        }
        at = past_space(bytes, at + 1);
        let end = value_end(text, at)?;
        field(known, at..end);
        at = past_space(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = past_space(bytes, at + 1),
            Some(b'}') => return ended(bytes, at + 1),
            _ => return Err("\",\" or \"}\" is missing after a value".to_owned()),
        }
    }
}

/// Gives each field of the object on a line: its name and its value as JSON text. False for a line
/// that is empty.
pub(crate) fn fields<'l>(
    line: &'l str,
    mut field: impl FnMut(&str, &'l str),
) -> Result<bool, String> {
    walk(line, &mut Unquoting, |name, at| field(&name, &line[at]))
}

/// Any name, as its characters.
struct Unquoting;

impl<'l> Names<'l> for Unquoting {
    type Known = Cow<'l, str>;

    fn expected(&mut self) -> Option<(&str, Self::Known)> {
        None
    }

    fn known(&mut self, name: &'l str) -> Result<Self::Known, String> {
        unquoted(name)
    }
}

/// The characters of a JSON string; any other value as it stands.
pub(crate) fn unquoted(value: &str) -> Result<Cow<'_, str>, String> {
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        None => Ok(Cow::Borrowed(value)),
        Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => {
            Ok(Cow::Borrowed(inner))
        }
        Some(_) => serde_json::from_str(value)
            .map(Cow::Owned)
            .map_err(|_| "a string with a wrong escape".to_owned()),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).copied().is_some_and(is_space) {
        at += 1;
    }
    at
}

fn ended(bytes: &[u8], at: usize) -> Result<bool, String> {
    match past_space(bytes, at) == bytes.len() {
        true => Ok(true),
        false => Err("something follows the JSON object".to_owned()),
    }
}

/// The position after the value that begins at `at`.
fn value_end(text: &str, at: usize) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let (end, sound) = match bytes.get(at) {
        None => return Err("a value is missing".to_owned()),
        Some(b'"') => return string_end(bytes, at),
        Some(b'{' | b'[') => {
            let end = nested_end(bytes, at)?;
            let read = serde_json::from_str::<serde::de::IgnoredAny>(&text[at..end]);
            (end, read.is_ok())
        }
        Some(_) => match plain_end(bytes, at) {
            Some(end) => return Ok(end),
            None => {
                let found = bytes[at..].iter().position(|b| ends_value(*b));
                let end = found.map_or(bytes.len(), |n| at + n);
                (end, is_number(&bytes[at..end]))
            }
        },
    };
    match sound {
        true => Ok(end),
        false => {
            let shown: String = text[at..end].chars().take(60).collect();
            Err(format!("\"{shown}\" is no JSON value"))
        }
    }
}

fn ends_value(byte: u8) -> bool {
    matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r')
}

/// The position after a word of JSON, or a number that is certainly not too large; `None` for all
/// else.
fn plain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = &bytes[start..];
    let length = match rest[0] {
        b'n' => rest.starts_with(b"null").then_some(4)?,
        b't' => rest.starts_with(b"true").then_some(4)?,
        b'f' => rest.starts_with(b"false").then_some(5)?,
        _ => number_length(rest)?,
    };
    rest.get(length).is_none_or(|b| ends_value(*b)).then_some(start + length)
}

/// The length of a number without an exponent at the beginning of `bytes`.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let first = usize::from(bytes[0] == b'-');
    let mut end = match bytes.get(first)? {
        b'0' => first + 1,
        b'1'..=b'9' => digits(first + 1),
        _ => return None,
    };
    if bytes.get(end) == Some(&b'.') {
        let after = digits(end + 1);
        (after > end + 1).then_some(())?;
        end = after;
    }
    (end <= LONG).then_some(end)
}

fn is_number(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b))
        && serde_json::from_slice::<serde_json::Number>(text).is_ok()
}

/// The position after the quote that ends the string beginning at `start`.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, String> {
    let mut at = start + 1;
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            None => return Err("a string is not closed".to_owned()),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(_) => return Err("a control character in a string must be escaped".to_owned()),
        }
    }
}

/// The next place from `at` on that holds a quote, a backslash or a control character; the end, or
/// a place after it, where there is none. Eight bytes are looked at in one step: a byte of a word
/// is below n where taking n away borrows, and equal to another where their difference is 0.
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, n: u64| word.wrapping_sub(EACH * n) & !word & HIGH;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let quote = below(word ^ (EACH * u64::from(b'"')), 1);
        let escape = below(word ^ (EACH * u64::from(b'\\')), 1);
        // A borrow reaches only bytes above the first one found, so the first is a true one.
        let found = quote | escape | below(word, 0x20);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            return at;
        }
        at += 1;
    }
    at
}

fn nested_end(bytes: &[u8], start: usize) -> Result<usize, String> {
    let (mut depth, mut at) = (0_usize, start);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
    Err("an object or list is not closed".to_owned())
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
