//! The reader before this one, kept as what the tests hold it to: it takes values apart by
//! patterns of characters and has the JSON library read each of them.

use std::borrow::Cow;

/// Gives each field of the object on a line: its name and its value as JSON text. False for a line
/// that is empty.
pub(super) fn fields<'l>(
    line: &'l str,
    mut field: impl FnMut(&str, &'l str),
) -> Result<bool, String> {
    let mut rest = line.trim_start_matches('\u{feff}').trim_matches(SPACE);
    if rest.is_empty() {
        return Ok(false);
    }
    rest =
        rest.strip_prefix('{').ok_or("a line must be one JSON object")?.trim_start_matches(SPACE);
    if let Some(after) = rest.strip_prefix('}') {
        return ended(after);
    }
    loop {
        let (name, after) = value(rest)?;
        if !name.starts_with('"') {
            return Err("a field's name must be in double quotes".to_owned());
        }
        let name = unquoted(name)?;
        let after = after
            .trim_start_matches(SPACE)
            .strip_prefix(':')
            .ok_or("\":\" is missing after a field's name")?;
        let (found, after) = value(after.trim_start_matches(SPACE))?;
        field(&name, found);
        rest = after.trim_start_matches(SPACE);
        match rest.as_bytes().first() {
            Some(b',') => rest = rest[1..].trim_start_matches(SPACE),
            Some(b'}') => return ended(&rest[1..]),
            _ => return Err("\",\" or \"}\" is missing after a value".to_owned()),
        }
    }
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

fn ended(rest: &str) -> Result<bool, String> {
    if rest.trim_matches(SPACE).is_empty() {
        Ok(true)
    } else {
        Err("something follows the JSON object".to_owned())
    }
}

/// The value at the beginning of `text`, and what follows it.
fn value(text: &str) -> Result<(&str, &str), String> {
    let bytes = text.as_bytes();
    let end = match bytes.first() {
        None => return Err("a value is missing".to_owned()),
        Some(b'"') => string_end(bytes, 0)?,
        Some(b'{' | b'[') => nested_end(bytes)?,
        Some(_) => bytes.iter().position(|b| b",]} \t\r".contains(b)).unwrap_or(bytes.len()),
    };
    let (found, after) = text.split_at(end);
    let sound = match bytes[0] {
        b'"' => true,
        b'{' | b'[' => serde_json::from_str::<serde::de::IgnoredAny>(found).is_ok(),
        _ => matches!(found, "null" | "true" | "false") || is_number(bytes, end),
    };
    if sound {
        Ok((found, after))
    } else {
        Err(format!("\"{}\" is no JSON value", found.chars().take(60).collect::<String>()))
    }
}

fn is_number(bytes: &[u8], end: usize) -> bool {
    bytes[..end].iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b))
        && serde_json::from_slice::<serde_json::Number>(&bytes[..end]).is_ok()
}

/// The position after the quote that ends the string beginning at `start`.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, String> {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => at += 2,
            0..0x20 => return Err("a control character in a string must be escaped".to_owned()),
            _ => at += 1,
        }
    }
    Err("a string is not closed".to_owned())
}

fn nested_end(bytes: &[u8]) -> Result<usize, String> {
    let (mut depth, mut at) = (0_usize, 0);
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

/// The characters of a JSON string; any other value as it stands.
pub(super) fn unquoted(value: &str) -> Result<Cow<'_, str>, String> {
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        None => Ok(Cow::Borrowed(value)),
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(value)
            .map(Cow::Owned)
            .map_err(|_| "a string with a wrong escape".to_owned()),
    }
}
