//! What is wrong in a configuration, all of it at once.
//!
//! In: findings of every section. Out: one error whose text lists each with its path, what is
//! wrong and what to do. Absent on purpose: values of secrets.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Path of the key, `server.auth.jwt_secret` or `analytics_sources[1].dsn`; for an override
    /// the variable's name follows.
    pub(crate) path: String,
    /// What is wrong, one sentence without its full stop.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, "\n    → {}", self.fix) }
    }
}

/// The configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The file that was read.
    pub(crate) file: String,
    /// Never empty.
    pub(crate) problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{}: {count} {noun}", self.file)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}
