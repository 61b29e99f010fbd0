//! What is known of an uploaded file.

use sqlx::FromRow;

use crate::id::{FileId, ProcessId};
use crate::store::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub(crate) enum FileState {
    /// Its bytes are on their way; nobody is told of it.
    Receiving,
    /// It came whole, and was not read yet.
    Quarantined,
    Ready,
    /// It cannot be used, and nothing of it is on the disk.
    Rejected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub(crate) enum FileForm {
    Csv,
    Jsonl,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Upload {
    pub(crate) id: FileId,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) state: FileState,
    pub(crate) process_id: ProcessId,
    pub(crate) bytes: i64,
    pub(crate) format: Option<FileForm>,
    pub(crate) compression: Option<Packing>,
    pub(crate) stored_as: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) rows: Option<i64>,
    pub(crate) columns: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// How much there is to give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of one user.
    pub(crate) user: u64,
    /// Files of one user.
    pub(crate) files: u64,
    /// Bytes of all.
    pub(crate) all: u64,
}

/// What became of a wish for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Yes,
    TooManyFiles,
    UserFull,
    StoreFull,
}

/// A file that came whole.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) id: FileId,
    pub(crate) bytes: u64,
    pub(crate) format: FileForm,
    pub(crate) compression: Packing,
    pub(crate) stored_as: String,
    pub(crate) sha256: String,
}

impl FileForm {
    /// The ending that `files.allowed_ext` names it by.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Jsonl => ".jsonl",
            Self::Parquet => ".parquet",
        }
    }
}

impl Packing {
    /// The ending that is put behind that of the form.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}
