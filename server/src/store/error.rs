//! What can go wrong with a record.

use std::path::PathBuf;

/// One error for the whole control plane. Its text may be shown to a user; its `source` may not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    #[error("{what} {id} exists already")]
    Exists { what: &'static str, id: String },
    #[error("{what} refers to a record that does not exist")]
    BrokenReference { what: &'static str },
    #[error("{what} {id} is at version {actual}, not {expected}")]
    VersionMismatch { what: &'static str, id: String, expected: i64, actual: i64 },
    #[error("{what} {id} is used by {}", by.join(", "))]
    InUse { what: &'static str, id: String, by: Vec<String> },
    #[error("there are {most} of {what} already; remove one")]
    TooMany { what: &'static str, most: i64 },
    #[error("run {id} is {status}, no longer running")]
    NotRunning { id: String, status: String },
    #[error("job {id} is {status}, and so at its end")]
    JobOver { id: String, status: String },
    #[error("the cursor is not one that this list gave")]
    BadCursor,
    #[error("the control plane is busy; try again")]
    Busy(#[source] sqlx::Error),
    #[error("the disk that holds the control plane is full")]
    DiskFull(#[source] sqlx::Error),
    #[error("a record of the control plane cannot be read")]
    Corrupt(#[source] sqlx::Error),
    #[error("the control plane failed")]
    Database(#[source] sqlx::Error),
    #[error("the control plane could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("{what}: {}", path.display())]
    DataDir { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} is damaged", file.display())]
    Damaged { file: PathBuf },
    #[error("another air process uses the data folder {}", path.display())]
    DataDirInUse { path: PathBuf },
}

/// Result codes of SQLite: <https://www.sqlite.org/rescode.html>. The low byte is the primary code.
const SQLITE_BUSY: i32 = 5;
const SQLITE_FULL: i32 = 13;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse().ok());
        match (&error, code.map(|code: i32| code & 0xff)) {
            (sqlx::Error::PoolTimedOut, _) | (_, Some(SQLITE_BUSY)) => Self::Busy(error),
            (_, Some(SQLITE_FULL)) => Self::DiskFull(error),
            (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }, _) => Self::Corrupt(error),
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    pub(super) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// An insert that met a record with the same name.
    pub(super) fn on_insert(error: sqlx::Error, what: &'static str, id: impl ToString) -> Self {
        match error.as_database_error() {
            Some(e) if e.is_unique_violation() => Self::Exists { what, id: id.to_string() },
            Some(e) if e.is_foreign_key_violation() => Self::BrokenReference { what },
            _ => error.into(),
        }
    }
}
