//! What the client says went wrong, as an error that names source and way out.
//!
//! Messages of the client never hold the password; the server's text of a syntax error quotes the
//! query, so it is left out.

use super::Server;
use crate::database::DatabaseError;
use mysql_async::{DriverError, Error, IoError};
use std::io::ErrorKind;

const ACCESS_DENIED: [u16; 3] = [1045, 1698, 1862];
const SYNTAX: u16 = 1064;
const INTERRUPTED: u16 = 1317;
const OUT_OF_RANGE: u16 = 1690;
/// What the sum begins with that the engine's SQL writer makes of a divisor of zero
/// (`engine/src/sql/mysql.rs`); the server quotes the sum.
const BY_ZERO: &str = "9223372036854775806 + 2 * (";
/// MySQL's `max_execution_time`, MariaDB's `max_statement_time`.
const OUT_OF_TIME: [u16; 2] = [3024, 1969];

impl Server {
    pub(super) fn failure(&self, error: &Error) -> DatabaseError {
        let id = self.id.clone();
        match error {
            Error::Server(said) if ACCESS_DENIED.contains(&said.code) => {
                DatabaseError::Authentication {
                    id,
                    user: self.dsn.user.clone(),
                    reason: said.message.clone(),
                }
            }
            Error::Server(said) if OUT_OF_TIME.contains(&said.code) => {
                DatabaseError::StatementTimeout {
                    id,
                    seconds: self.options.statement_timeout.as_secs(),
                }
            }
            Error::Server(said) if said.code == INTERRUPTED => DatabaseError::Cancelled { id },
            Error::Server(said) if said.code == OUT_OF_RANGE && said.message.contains(BY_ZERO) => {
                DatabaseError::server(&id, "22012", "division by zero")
            }
            Error::Server(said) if said.code == SYNTAX => {
                DatabaseError::server(&id, &said.state, "it cannot read the query")
            }
            Error::Server(said) => DatabaseError::server(&id, &said.state, &said.message),
            Error::Io(IoError::Io(io)) if io.kind() == ErrorKind::ConnectionRefused => {
                DatabaseError::Refused { id, address: self.dsn.address() }
            }
            Error::Io(IoError::Tls(tls)) => DatabaseError::Tls { id, reason: tls.to_string() },
            Error::Io(IoError::Io(io)) if is_tls(io) => {
                DatabaseError::Tls { id, reason: io.to_string() }
            }
            Error::Io(IoError::Io(io)) => DatabaseError::Lost { id, reason: io.to_string() },
            Error::Driver(DriverError::NoClientSslFlagFromServer) => DatabaseError::Tls {
                id,
                reason: "the server has none; see ssl-mode in the DSN".to_owned(),
            },
            Error::Driver(DriverError::UnexpectedPacket { .. }) => DatabaseError::Lost {
                id,
                reason: "the server sent a packet that is not understood".to_owned(),
            },
            other => DatabaseError::Lost { id, reason: other.to_string() },
        }
    }
}

/// A failed handshake of the encryption comes as an error of the socket.
fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
