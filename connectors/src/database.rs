//! What databases as sources share: options, allowed hosts, errors.
//!
//! In: settings and what servers say. Out: checked options and errors a person can act on.
//! Deliberately absent: protocols, which are each database's own.

mod errors;
mod hosts;

pub use errors::DatabaseError;
pub(crate) use errors::external;
pub use hosts::AllowedHosts;

use crate::error::SourceError;
use std::time::Duration;

/// How a database is connected to.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Connections of one source at once, at least 1.
    pub max_connections: usize,
    /// For reaching the server, and for a free connection.
    pub connect_timeout: Duration,
    /// The server ends a query that takes longer.
    pub statement_timeout: Duration,
    pub allowed_hosts: AllowedHosts,
    /// Whether a user may have rights that a read-only transaction does not stop.
    pub allow_superuser: bool,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            max_connections: 8,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            allowed_hosts: AllowedHosts::default(),
            allow_superuser: false,
        }
    }
}

/// Ids are used in file names, URLs and names of tables, hence these letters only.
pub(crate) fn check_id(id: &str) -> Result<(), SourceError> {
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if id.is_empty() || !id.bytes().all(right) {
        return Err(SourceError::BadId { id: id.to_owned() });
    }
    Ok(())
}
