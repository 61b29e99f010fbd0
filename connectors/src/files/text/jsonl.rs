//! JSON lines as text columns, by name: only the wanted fields of each object are built.
//!
//! A string becomes its characters, a number or boolean its own text, so that no digit is lost;
//! an object or list stays JSON text. A field that is missing or `null` is null. Of a field that
//! is there twice the last counts, as in most readers.

use super::{BATCH_BYTES, Fault, LineError, MAX_RECORD};
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub(crate) struct JsonlDecoder {
    schema: SchemaRef,
    index: HashMap<String, usize>,
    /// Whether a column keeps JSON text also for strings.
    raw: Vec<bool>,
    builders: Vec<StringViewBuilder>,
    batch_size: usize,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    line: u64,
    lines: Vec<u64>,
    /// Bytes of the lines of this batch.
    length: usize,
    last_lines: Vec<u64>,
}

impl JsonlDecoder {
    /// A decoder of the named fields; `true` beside a name keeps JSON text as it is.
    pub(crate) fn new(columns: &[(String, bool)], batch_size: usize) -> Self {
        let field = |(name, _): &(String, bool)| Field::new(name, DataType::Utf8View, true);
        Self {
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            index: columns.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect(),
            raw: columns.iter().map(|(_, raw)| *raw).collect(),
            builders: columns.iter().map(|_| StringViewBuilder::new()).collect(),
            batch_size,
            partial: Vec::new(),
            line: 0,
            lines: Vec::new(),
            length: 0,
            last_lines: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, input: &[u8]) -> Result<(usize, Option<RecordBatch>), LineError> {
        let mut taken = 0;
        while let Some(end) = input[taken..].iter().position(|b| *b == b'\n') {
            let line = &input[taken..taken + end];
            if self.partial.is_empty() {
                self.row(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.row(&whole)?;
            }
            taken += end + 1;
            if self.lines.len() >= self.batch_size || self.length > BATCH_BYTES {
                return Ok((taken, self.flush()?));
            }
        }
        self.partial.extend_from_slice(&input[taken..]);
        if self.partial.len() > MAX_RECORD {
            let fault = Fault::Other("a line longer than 64 MiB".to_owned());
            return Err(LineError { line: self.line + 1, fault });
        }
        Ok((input.len(), None))
    }

    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, LineError> {
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.row(&rest)?;
        }
        self.flush()
    }

    pub(super) fn line_of(&self, row: usize) -> u64 {
        self.last_lines.get(row).copied().unwrap_or(self.line)
    }

    fn row(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.line += 1;
        self.length += line.len();
        let at = self.line;
        let fault = |fault| LineError { line: at, fault };
        let text = std::str::from_utf8(line).map_err(|_| fault(Fault::NotUtf8))?;
        let mut cells: Vec<Option<&str>> = vec![None; self.builders.len()];
        let index = &self.index;
        let is_row = fields(text, |name, value| {
            if let Some(i) = index.get(name) {
                cells[*i] = Some(value);
            }
        })
        .map_err(|reason| fault(Fault::Other(reason)))?;
        if !is_row {
            return Ok(());
        }
        for ((builder, raw), cell) in self.builders.iter_mut().zip(&self.raw).zip(cells) {
            match cell {
                None | Some("null") => builder.append_null(),
                Some(value) if *raw => builder.append_value(value),
                Some(value) => {
                    let text = unquoted(value).map_err(|reason| fault(Fault::Other(reason)))?;
                    builder.append_value(text);
                }
            }
        }
        self.lines.push(at);
        Ok(())
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, LineError> {
        if self.lines.is_empty() {
            return Ok(None);
        }
        self.last_lines = std::mem::take(&mut self.lines);
        self.length = 0;
        let columns: Vec<ArrayRef> =
            self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.last_lines.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|e| LineError { line: self.line, fault: Fault::Other(e.to_string()) })
    }
}

/// Gives each field of the object on a line: its name and its value as JSON text. False for a line
/// that is empty.
pub(crate) fn fields<'l>(
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
pub(crate) fn unquoted(value: &str) -> Result<Cow<'_, str>, String> {
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        None => Ok(Cow::Borrowed(value)),
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(value)
            .map(Cow::Owned)
            .map_err(|_| "a string with a wrong escape".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<(String, String)>, String> {
        let mut found = Vec::new();
        fields(line, |name, value| found.push((name.to_owned(), value.to_owned())))?;
        Ok(found)
    }

    #[test]
    fn splits_objects_and_refuses_what_is_no_json() {
        let found = read(r#"{"a":1.50, "b\u0062" : "x\"}","c":{"d":["}",{}]},"e":null}"#).unwrap();
        let wanted =
            [("a", "1.50"), ("bb", r#""x\"}""#), ("c", r#"{"d":["}",{}]}"#), ("e", "null")];
        assert_eq!(found, wanted.map(|(n, v)| (n.to_owned(), v.to_owned())));
        for bad in [
            r#"{"a":tru}"#,
            r#"{"a":1"#,
            r#"[1]"#,
            r#"{"a":01}"#,
            r#"{"a":{]}}"#,
            r#"{"a":1} 2"#,
            r#"{a:1}"#,
            r#"{"a":"x}"#,
            r#"{"a":1,}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
