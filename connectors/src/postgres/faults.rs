//! From an error of the client library to one that a person can act on.

use crate::database::DatabaseError;
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What every error of a source says.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    pub(super) id: String,
    pub(super) user: String,
    /// Host and port as the DSN has them.
    pub(super) address: String,
    pub(super) connections: usize,
    pub(super) connect_timeout: Duration,
    pub(super) statement_timeout: Duration,
}

impl Faults {
    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    /// Of a query that began at `begun`.
    pub(super) fn of_query(&self, error: &Error, begun: Instant) -> DatabaseError {
        // The server's sentences may be in any language: who ended a query is told by the clock.
        if error.code() == Some(&SqlState::QUERY_CANCELED) {
            let id = self.id();
            return if begun.elapsed() >= self.statement_timeout {
                DatabaseError::StatementTimeout { id, seconds: self.statement_timeout.as_secs() }
            } else {
                DatabaseError::Cancelled { id }
            };
        }
        self.of(error)
    }

    pub(super) fn of(&self, error: &Error) -> DatabaseError {
        let id = self.id();
        if let Some(server) = error.as_db_error() {
            let (code, message) = (server.code(), server.message().to_owned());
            return match code.code().get(..2) {
                Some("28") => {
                    let user = self.user.clone();
                    DatabaseError::Authentication { id, user, reason: message }
                }
                Some("08") => DatabaseError::Lost { id, reason: message },
                // The server shuts down, starts, or ended this connection.
                _ if matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "25P03") => {
                    DatabaseError::Lost { id, reason: message }
                }
                _ => DatabaseError::server(&id, code.code(), &message),
            };
        }
        self.of_transport(error)
    }

    fn of_transport(&self, error: &Error) -> DatabaseError {
        let id = self.id();
        let cause = error.source();
        let io = cause.and_then(|c| c.downcast_ref::<io::Error>());
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                return DatabaseError::Refused { id, address: self.address.clone() };
            }
            Some(io::ErrorKind::TimedOut) => return self.too_slow(),
            _ => {}
        }
        let text = error.to_string();
        let reason = cause.map_or_else(|| text.clone(), ToString::to_string);
        if text.contains("TLS") {
            return DatabaseError::Tls { id, reason };
        }
        if text.contains("timeout") {
            return self.too_slow();
        }
        // The library's own words for a connection that gives no password where one is wanted.
        if text.contains("password missing") || reason.contains("password missing") {
            let (user, reason) = (self.user.clone(), "the DSN has no password".to_owned());
            return DatabaseError::Authentication { id, user, reason };
        }
        DatabaseError::Lost { id, reason }
    }

    pub(super) fn too_slow(&self) -> DatabaseError {
        DatabaseError::TimedOut {
            id: self.id(),
            what: format!("connecting to {}", self.address),
            seconds: self.connect_timeout.as_secs(),
        }
    }

    /// Of a free connection.
    pub(super) fn of_pool(&self, error: PoolError) -> DatabaseError {
        let id = self.id();
        match error {
            PoolError::Timeout(TimeoutType::Wait) => DatabaseError::Busy {
                id,
                connections: self.connections,
                seconds: self.connect_timeout.as_secs(),
            },
            PoolError::Timeout(_) => self.too_slow(),
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                self.of(&error)
            }
            // The one hook's own message is the right that a user should not have.
            PoolError::PostCreateHook(HookError::Message(right)) => {
                DatabaseError::Superuser { id, right: right.into_owned() }
            }
            PoolError::Closed | PoolError::NoRuntimeSpecified => {
                DatabaseError::Lost { id, reason: error.to_string() }
            }
        }
    }
}
