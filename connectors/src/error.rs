//! What can go wrong with a source: one enum whose variants hold the data a person needs, namely
//! which file, which column, which line, why, and what to do. Paths are relative to the source's
//! `base_path`; no absolute path of the machine is ever part of a text.

mod explain;
mod store;

pub use explain::explain;
pub(crate) use store::Said;
pub use store::StoreFault;

use crate::database::DatabaseError;
use air_ir::DataType;
use std::fmt;

/// A source could not be opened, learned or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    #[error("\"{id}\" is no id of a source: take lower-case letters, digits, \"-\" and \"_\"")]
    BadId { id: String },

    #[error("base_path \"{path}\" {reason}; give a folder under files.base_path")]
    BasePath { path: String, reason: String },

    #[error("dataset.yaml: {}", Listed(problems))]
    Dataset { problems: Vec<DatasetProblem> },

    #[error("file \"{file}\" cannot be read: {reason}")]
    File { file: String, reason: String },

    #[error("file \"{file}\" changed while it was read; run again")]
    Changed { file: String },

    #[error(
        "file \"{file}\" is empty (0 bytes), so it has no columns; remove it or write a header"
    )]
    Empty { file: String },

    #[error("file \"{file}\", header: {reason}")]
    Header { file: String, reason: String },

    #[error("file \"{file}\", line {line}: {found} cells where the header has {expected}{}", ragged_hint(*found, *expected))]
    Ragged { file: String, line: u64, expected: usize, found: usize },

    #[error("file \"{file}\", line {line}: not UTF-8; save the file as UTF-8")]
    NotUtf8 { file: String, line: u64 },

    #[error("file \"{file}\", line {line}: {reason}")]
    Line { file: String, line: u64, reason: String },

    #[error("file \"{file}\", {}column \"{column}\": {reason}", line_of(line))]
    Value { file: String, line: Option<u64>, column: String, expected: DataType, reason: String },

    #[error(
        "file \"{file}\" does not fit the learned table \"{table}\"{}: {reason}; learn the source again, or correct the file",
        column_of(column)
    )]
    Schema { table: String, file: String, column: Option<String>, reason: String },

    #[error("{0}")]
    Conflict(Box<Conflict>),

    #[error("table \"{table}\": no file matches \"{files}\"{}", near(nearest))]
    NoFiles { table: String, files: String, nearest: Vec<String> },

    #[error("the folder holds no CSV, Parquet or JSONL file (also .gz, .zst for CSV and JSONL)")]
    NothingToLearn,

    #[error(
        "table \"{table}\": primary_key ({}) is not unique: ({value}) is there {rows} times; \
         correct the key or the data", columns.join(", ")
    )]
    DuplicateKey { table: String, columns: Vec<String>, value: String, rows: u64 },

    #[error(
        "table \"{table}\": primary_key column \"{column}\" is null in {rows} rows; correct the \
         key or the data"
    )]
    NullKey { table: String, column: String, rows: u64 },

    #[error("no table \"{name}\" in the source{}", near(nearest))]
    UnknownTable { name: String, nearest: Vec<String> },

    #[error("{what} took longer than {seconds} s; see whether the storage answers")]
    TimedOut { what: String, seconds: u64 },

    /// A place of files elsewhere: as people write its address, and the file it is about.
    #[error("store {place}{}: {fault}", file_of(file))]
    Store { place: String, file: Option<String>, fault: StoreFault },

    #[error(transparent)]
    Database(#[from] DatabaseError),

    #[error("{reason}")]
    Engine { reason: String },
}

/// Two files of one table that do not agree on a column's type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "table \"{table}\", column \"{column}\": {first_type} in file \"{first_file}\", but \
     {second_type} in file \"{second_file}\"; make the files alike or declare the type"
)]
pub struct Conflict {
    pub table: String,
    pub column: String,
    pub first_file: String,
    pub first_type: DataType,
    pub second_file: String,
    pub second_type: DataType,
}

/// One thing wrong in a `dataset.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetProblem {
    /// Dotted path of the key, such as `tables.readings.columns.kwh.type`.
    pub path: String,
    pub message: String,
    /// Known names close to one that is not known.
    pub nearest: Vec<String>,
}

impl fmt::Display for DatasetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}{}", self.message, near(&self.nearest))
    }
}

struct Listed<'a>(&'a [DatasetProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

fn near(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; near: {}", nearest.join(", ")) }
}

fn line_of(line: &Option<u64>) -> String {
    line.map(|l| format!("line {l}, ")).unwrap_or_default()
}

fn column_of(column: &Option<String>) -> String {
    column.as_ref().map(|c| format!(", column \"{c}\"")).unwrap_or_default()
}

fn file_of(file: &Option<String>) -> String {
    file.as_ref().map(|f| format!(", file \"{f}\"")).unwrap_or_default()
}

fn ragged_hint(found: usize, expected: usize) -> &'static str {
    if found > expected { "; quote a cell that holds the delimiter" } else { "; complete the line" }
}

impl SourceError {
    /// The file an error is about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File { file, .. }
            | Self::Changed { file }
            | Self::Empty { file }
            | Self::Header { file, .. }
            | Self::Ragged { file, .. }
            | Self::NotUtf8 { file, .. }
            | Self::Line { file, .. }
            | Self::Value { file, .. }
            | Self::Schema { file, .. } => Some(file),
            Self::Conflict(conflict) => Some(&conflict.second_file),
            Self::Store { file, .. } => file.as_deref(),
            _ => None,
        }
    }

    /// Whether what holds the data does not answer now, and may later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Database(error) => error.is_away(),
            Self::Store { fault, .. } => fault.is_away(),
            _ => false,
        }
    }

    /// A server that gives no list of its files.
    pub(crate) fn is_no_list(&self) -> bool {
        matches!(self, Self::Store { fault: StoreFault::NoList, .. })
    }

    /// A value that a column's type does not hold; long values are cut.
    pub(crate) fn value(
        file: &str,
        line: Option<u64>,
        column: &str,
        expected: DataType,
        value: &str,
    ) -> Self {
        let shown: String = value.chars().take(60).collect();
        let dots = if shown.len() < value.len() { "…" } else { "" };
        Self::Value {
            file: file.to_owned(),
            line,
            column: column.to_owned(),
            expected,
            reason: format!("\"{shown}{dots}\" is no {expected}"),
        }
    }

    pub(crate) fn file_io(file: &str, error: &std::io::Error) -> Self {
        Self::File { file: file.to_owned(), reason: io_reason(error) }
    }
}

/// What the operating system said, without a path.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP) => "a symbolic link is on the way, and links are not followed".to_owned(),
        Some(Errno::XDEV) => "the path leads out of the source's folder".to_owned(),
        Some(Errno::NOENT) => "there is no such file".to_owned(),
        Some(Errno::ACCESS | Errno::PERM) => "permission is denied".to_owned(),
        Some(Errno::NOTDIR) => "it is no folder".to_owned(),
        Some(Errno::NXIO) => "it is no regular file".to_owned(),
        _ => error.to_string(),
    }
}
