//! The shape of an IR: its JSON without the values of its comparisons.
//!
//! In: JSON text. Out: the text without blanks, each value in it replaced by a byte that tells
//! its type, and the values themselves as they are written. One pass, nothing is decoded; the
//! text is held to the grammar of JSON as far as its structure goes, and every token that is kept
//! is kept as written, so that two texts of one shape are both an IR or both none.
//!
//! A value is `"value"` in an object that has named its `"op"` before. Where it stands earlier,
//! or is no plain value, it is part of the shape as written, which is right too and only finds
//! fewer texts alike.

/// As `serde_json` has it.
const MAX_DEPTH: usize = 128;

// Bytes that JSON text without blanks cannot hold.
const NULL: u8 = 1;
const BOOL: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written<'t> {
    One(&'t str),
    Many(Vec<&'t str>),
}

/// An IR's shape and the values left out of it, in the order of the text.
#[derive(Debug)]
pub(super) struct Shape<'t> {
    /// What the caller gave, with the shape behind it.
    pub(super) key: Vec<u8>,
    pub(super) values: Vec<Written<'t>>,
}

/// The shape of `text`, put behind `prefix`; `None` where it is no JSON, or too odd to read twice
/// alike.
pub(super) fn shape(text: &str, prefix: Vec<u8>) -> Option<Shape<'_>> {
    scan(text, prefix, false).map(|(shape, _)| shape)
}

/// Where the values of [`shape`] stand, as the planner's pointers have it.
pub(super) fn pointers(text: &str) -> Option<Vec<String>> {
    scan(text, Vec::new(), true).map(|(_, pointers)| pointers)
}

fn scan(text: &str, prefix: Vec<u8>, located: bool) -> Option<(Shape<'_>, Vec<String>)> {
    let shape = Shape { key: prefix, values: Vec::new() };
    let mut scanner =
        Scanner { text, at: 0, shape, path: Vec::new(), located, pointers: Vec::new() };
    scanner.value()?;
    scanner.blanks();
    (scanner.at == text.len()).then_some((scanner.shape, scanner.pointers))
}

/// A step of a JSON pointer.
#[derive(Debug, Clone, Copy)]
enum Step<'t> {
    Key(&'t str),
    Index(usize),
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    shape: Shape<'t>,
    path: Vec<Step<'t>>,
    located: bool,
    pointers: Vec<String>,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        self.blanks();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn value(&mut self) -> Option<()> {
        self.blanks();
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            _ => {
                let token = self.token()?;
                self.shape.key.extend_from_slice(token.as_bytes());
                Some(())
            }
        }
    }

    fn object(&mut self) -> Option<()> {
        self.open(b'{')?;
        let (mut has_op, mut has_value) = (false, false);
        self.blanks();
        if self.peek()? == b'}' {
            return self.close(b'}');
        }
        loop {
            self.blanks();
            let quoted = self.token().filter(|t| t.starts_with('"') && !t.contains('\\'))?;
            self.shape.key.extend_from_slice(quoted.as_bytes());
            if self.next()? != b':' {
                return None;
            }
            self.shape.key.push(b':');
            let name = &quoted[1..quoted.len() - 1];
            self.path.push(Step::Key(name));
            if has_op && name == "value" {
                // The last of two would count, and the first would be taken for it.
                if has_value {
                    return None;
                }
                has_value = true;
                if !self.left_out()? {
                    self.value()?;
                }
            } else {
                self.value()?;
            }
            has_op |= name == "op";
            self.path.pop();
            match self.next()? {
                b',' => self.shape.key.push(b','),
                b'}' => return self.end(b'}'),
                _ => return None,
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.open(b'[')?;
        self.blanks();
        if self.peek()? == b']' {
            return self.close(b']');
        }
        for i in 0.. {
            self.path.push(Step::Index(i));
            self.value()?;
            self.path.pop();
            match self.next()? {
                b',' => self.shape.key.push(b','),
                b']' => return self.end(b']'),
                _ => return None,
            }
        }
        None
    }

    fn open(&mut self, byte: u8) -> Option<()> {
        self.at += 1;
        self.shape.key.push(byte);
        (self.path.len() < MAX_DEPTH).then_some(())
    }

    fn close(&mut self, byte: u8) -> Option<()> {
        self.at += 1;
        self.end(byte)
    }

    fn end(&mut self, byte: u8) -> Option<()> {
        self.shape.key.push(byte);
        Some(())
    }

    /// Leaves a plain value, or a list of them, out of the shape; false where it is neither.
    fn left_out(&mut self) -> Option<bool> {
        self.blanks();
        let written = match self.peek()? {
            b'{' => return Some(false),
            b'[' => match self.list()? {
                Some(list) => Written::Many(list),
                None => return Some(false),
            },
            _ => {
                let token = self.token()?;
                self.shape.key.push(tag(token)?);
                Written::One(token)
            }
        };
        self.shape.values.push(written);
        if self.located {
            self.pointers.push(pointer(&self.path));
        }
        Some(true)
    }

    /// The elements of a list of plain values. Of any other list nothing is read.
    fn list(&mut self) -> Option<Option<Vec<&'t str>>> {
        let (start, length) = (self.at, self.shape.key.len());
        self.at += 1;
        self.shape.key.push(b'[');
        let mut tokens = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                b']' if tokens.is_empty() => break,
                b'[' | b'{' => {
                    self.at = start;
                    self.shape.key.truncate(length);
                    return Some(None);
                }
                _ => {}
            }
            let token = self.token()?;
            self.shape.key.push(tag(token)?);
            tokens.push(token);
            match self.next()? {
                b',' => {}
                b']' => {
                    self.shape.key.push(b']');
                    return Some(Some(tokens));
                }
                _ => return None,
            }
        }
        self.at += 1;
        self.shape.key.push(b']');
        Some(Some(tokens))
    }

    /// A text with its quotes, a number or a word, as written.
    fn token(&mut self) -> Option<&'t str> {
        let start = self.at;
        if self.peek()? == b'"' {
            self.at += 1;
            loop {
                match self.peek()? {
                    b'"' => break,
                    b'\\' => self.at += 2,
                    0..=31 => return None,
                    _ => self.at += 1,
                }
            }
            self.at += 1;
        } else {
            while let Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.') =
                self.peek()
            {
                self.at += 1;
            }
        }
        self.text.get(start..self.at).filter(|t| !t.is_empty())
    }
}

/// The byte for a value's type.
fn tag(token: &str) -> Option<u8> {
    Some(match token.as_bytes().first()? {
        b'"' => TEXT,
        b'n' => NULL,
        b't' | b'f' => BOOL,
        b'-' | b'0'..=b'9' => NUMBER,
        _ => return None,
    })
}

/// The pointer to a path. A list in the place of a metric's filter means all of it.
fn pointer(path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    let mut last = "";
    for step in path {
        match step {
            Step::Key(key) => {
                pointer.push('/');
                pointer.push_str(key);
                last = *key;
            }
            Step::Index(i) => {
                if last == "filter" {
                    pointer.push_str("/all");
                }
                pointer.push('/');
                pointer.push_str(&i.to_string());
                last = "";
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::{Written, pointers, shape};

    fn key(text: &str) -> Option<Vec<u8>> {
        shape(text, Vec::new()).map(|s| s.key)
    }

    #[test]
    fn values_of_comparisons_are_left_out() {
        let text = r#"{"filters": [ {"field":"a", "op":"in", "value":[1, "x", null, true]},
            {"not":{"field":"b","op":">","value":"2024-01-01"}}], "metrics":[{"name":"m","value":"q * 2"}]}"#;
        let found = shape(text, vec![9]).unwrap();
        let expected =
            b"\x09{\"filters\":[{\"field\":\"a\",\"op\":\"in\",\"value\":[\x03\x04\x01\x02]},\
            {\"not\":{\"field\":\"b\",\"op\":\">\",\"value\":\x04}}],\
            \"metrics\":[{\"name\":\"m\",\"value\":\"q * 2\"}]}";
        assert_eq!(found.key, expected);
        assert_eq!(
            found.values,
            [Written::Many(vec!["1", "\"x\"", "null", "true"]), Written::One("\"2024-01-01\"")]
        );
        assert_eq!(pointers(text).unwrap(), ["/filters/0/value", "/filters/1/not/value"]);
    }

    #[test]
    fn blanks_do_not_count_and_tokens_do() {
        let base = key(r#"{"op":"=","value":1,"limit":100}"#);
        assert_eq!(base, key("{ \"op\" : \"=\",\n\"value\":\t22 , \"limit\": 100 } "));
        for other in [
            r#"{"op":"=","value":"1","limit":100}"#,
            r#"{"op":"=","value":[1],"limit":100}"#,
            r#"{"op":"=","value":1,"limit":10}"#,
            r#"{"op":"!=","value":1,"limit":100}"#,
            r#"{"value":1,"op":"=","limit":100}"#,
            r#"{"op":"=","value":null,"limit":100}"#,
            r#"{"op":"=","value":{"a":1},"limit":100}"#,
        ] {
            assert_ne!(base, key(other), "{other}");
        }
        assert_ne!(key(r#"{"op":"in","value":[1,2]}"#), key(r#"{"op":"in","value":[1]}"#));
    }

    #[test]
    fn what_is_no_json_has_no_shape() {
        for text in [
            "",
            "{",
            "{}x",
            "{} {}",
            "[1 2]",
            "{\"a\":1 0}",
            "{\"a\" 1}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "[,1]",
            "{,}",
            "{a:1}",
            "\"a",
            "\"a\u{1}\"",
            "{\"op\":\"=\",\"value\":[1,]}",
            "{\"op\":\"=\",\"value\":[1 2]}",
            "{\"op\":\"=\",\"value\":}",
            "{\"op\":\"=\",\"value\":1,\"value\":2}",
            "{\"o\\u0070\":\"=\",\"value\":1}",
            "\u{1}",
        ] {
            assert_eq!(key(text), None, "{text:?}");
        }
        assert!(key(&"[".repeat(200)).is_none());
    }

    #[test]
    fn a_list_in_the_place_of_a_filter_means_all_of_it() {
        let text = r#"{"metrics":[{"filter":[{"op":"=","value":1}]}]}"#;
        assert_eq!(pointers(text).unwrap(), ["/metrics/0/filter/all/0/value"]);
    }
}
