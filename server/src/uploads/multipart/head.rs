//! The header lines of a part, and the parameters of a header.

use percent_encoding::percent_decode_str;

use super::Fault;

/// RFC 2046 has room for no longer one.
const MAX_BOUNDARY: usize = 70;

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::uploads) struct Head {
    pub(in crate::uploads) name: Option<String>,
    pub(in crate::uploads) filename: Option<String>,
}

impl Head {
    pub(super) fn read(lines: &[u8]) -> Result<Self, Fault> {
        let mut head = Self::default();
        let text = String::from_utf8_lossy(lines);
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| {
                Fault("a header of a part has no colon between its name and its value".to_owned())
            })?;
            match name.trim().to_ascii_lowercase().as_str() {
                "content-disposition" => head.disposition(value)?,
                "content-transfer-encoding" => {
                    let encoding = value.trim().to_ascii_lowercase();
                    if !matches!(encoding.as_str(), "binary" | "8bit" | "7bit") {
                        let what = "a part is encoded by Content-Transfer-Encoding; send its bytes";
                        return Err(Fault(what.to_owned()));
                    }
                }
                _ => {}
            }
        }
        Ok(head)
    }

    fn disposition(&mut self, value: &str) -> Result<(), Fault> {
        let (kind, rest) = value.split_once(';').unwrap_or((value, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(Fault("a part's Content-Disposition is not form-data".to_owned()));
        }
        let mut plain = None;
        for (name, value) in parameters(rest) {
            match name.as_str() {
                "name" => self.name = Some(value),
                "filename" => plain = Some(value),
                // Not of forms by RFC 7578, but what some clients send for names beyond ASCII.
                "filename*" => {
                    let mut parts = value.splitn(3, '\'');
                    let (charset, text) = (parts.next(), parts.nth(1));
                    if let (Some(charset), Some(text)) = (charset, text)
                        && charset.eq_ignore_ascii_case("utf-8")
                    {
                        let decoded = percent_decode_str(text).decode_utf8_lossy();
                        self.filename = Some(decoded.into_owned());
                    }
                }
                _ => {}
            }
        }
        self.filename = self.filename.take().or(plain);
        Ok(())
    }
}

/// The boundary that a `Content-Type` names.
pub(super) fn boundary(content_type: &str) -> Result<String, Fault> {
    let (_, rest) = content_type.split_once(';').unwrap_or((content_type, ""));
    let found = parameters(rest).into_iter().find(|(name, _)| name == "boundary");
    let right = |c: char| c.is_ascii_graphic() || c == ' ';
    match found {
        Some((_, boundary))
            if !boundary.is_empty()
                && boundary.len() <= MAX_BOUNDARY
                && !boundary.ends_with(' ')
                && boundary.chars().all(right) =>
        {
            Ok(boundary)
        }
        _ => Err(Fault(
            "the Content-Type of the form names no boundary of 1 to 70 characters".to_owned(),
        )),
    }
}

/// `; name=value` and `; name="value"`, names in small letters.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([';', ' ', '\t']);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        found.push((name.trim().to_ascii_lowercase(), value));
        rest = after.trim_start_matches([';', ' ', '\t']);
    }
    found
}

/// Up to the closing quote, and what follows. A backslash escapes a quote and itself only, since
/// some clients send whole paths.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (c, chars.peek().map(|(_, next)| *next)) {
            ('"', _) => return (value, &text[at + 1..]),
            ('\\', Some(next @ ('"' | '\\'))) => {
                value.push(next);
                chars.next();
            }
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_clients_write_them() {
        let of = |line: &str| Head::read(line.as_bytes()).unwrap();
        let head = of("content-disposition: form-data; name=\"file\"; filename=\"a;b=\\\"c.csv\"");
        assert_eq!(head.name.as_deref(), Some("file"));
        assert_eq!(head.filename.as_deref(), Some("a;b=\"c.csv"));
        let head = of(
            "Content-Disposition: form-data; name=file; filename*=utf-8''G%C3%B6.csv; filename=\"G_.csv\"",
        );
        assert_eq!(head.filename.as_deref(), Some("Gö.csv"));
        assert_eq!(
            of("Content-Disposition: form-data; filename=\"C:\\tmp\\a.csv\"").filename.as_deref(),
            Some("C:\\tmp\\a.csv")
        );
        assert_eq!(of("X: y"), Head::default());
        assert!(Head::read(b"nonsense").is_err());
        assert!(Head::read(b"Content-Disposition: attachment; filename=a").is_err());
        assert!(Head::read(b"Content-Transfer-Encoding: base64").is_err());
    }
}
