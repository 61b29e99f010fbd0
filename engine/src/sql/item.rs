//! What a column or an expression is written as, and how columns are read whose type in the
//! source is not the one the catalog shows.

/// An expression in the text.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The value as AIR sees it.
    pub(super) text: String,
    /// The bare column, where it differs from the value and an index on it may serve.
    pub(super) raw: Option<Raw>,
    /// Whether the server gives it in the plan's type already.
    pub(super) exact: bool,
    /// Whether it is written out, so that it is the same in every row.
    pub(super) constant: bool,
}

/// A bare column.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) text: String,
    pub(super) read: Read,
}

/// What a bare column holds in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Text under the collation of the source.
    Text,
    Uuid,
    /// A date or a timestamp, which may be a zero date.
    Moment,
}

impl Item {
    pub(super) fn new(text: String) -> Self {
        Self { text, raw: None, exact: false, constant: false }
    }

    pub(super) fn exact(text: String) -> Self {
        Self { text, raw: None, exact: true, constant: false }
    }

    /// A value that is written out.
    pub(super) fn constant(text: String) -> Self {
        Self { text, raw: None, exact: false, constant: true }
    }

    /// A value read from a bare column.
    pub(super) fn read(text: String, raw: String, read: Read) -> Self {
        Self { raw: Some(Raw { text: raw, read }), ..Self::exact(text) }
    }

    /// The bare column of that reading.
    pub(super) fn raw(&self, read: Read) -> Option<&str> {
        self.raw.as_ref().filter(|r| r.read == read).map(|r| r.text.as_str())
    }
}

/// A type's name without its arguments, in lower case: `VARCHAR(20)` is `varchar`.
pub(super) fn base(native: &str) -> String {
    let name = native.split('(').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}
