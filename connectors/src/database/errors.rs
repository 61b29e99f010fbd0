//! What can go wrong with a database, each with the source's id and the way out.
//!
//! No text of a query, no value of a row and no password is ever part of it: a server's message
//! about a bad value is kept without what it quotes.

use crate::error::SourceError;
use datafusion::error::DataFusionError;

/// A database could not be reached, did not want to answer, or answered what does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    #[error("source \"{id}\": its DSN {reason}")]
    Dsn { id: String, reason: String },

    #[error("source \"{id}\": host \"{host}\" {reason}; see connectors.allowed_hosts")]
    HostNotAllowed { id: String, host: String, reason: String },

    #[error("source \"{id}\": there is no host \"{host}\"; correct the DSN or the name service")]
    UnknownHost { id: String, host: String },

    #[error("source \"{id}\": {address} refused the connection; see whether the server runs there")]
    Refused { id: String, address: String },

    #[error("source \"{id}\": {what} took longer than {seconds} s; see whether the server answers")]
    TimedOut { id: String, what: String, seconds: u64 },

    #[error(
        "source \"{id}\": all {connections} connections were busy for {seconds} s; try again, or \
         raise connectors.pool_size"
    )]
    Busy { id: String, connections: usize, seconds: u64 },

    #[error("source \"{id}\": user \"{user}\" was not let in ({reason}); correct user or password")]
    Authentication { id: String, user: String, reason: String },

    #[error("source \"{id}\": no encrypted connection: {reason}")]
    Tls { id: String, reason: String },

    #[error(
        "source \"{id}\": its user has {right}, more than reading needs; give a user that may only \
         read, or set allow_superuser: true"
    )]
    Superuser { id: String, right: String },

    #[error(
        "source \"{id}\": the server ended the query after {seconds} s; narrow it, or raise the statement timeout"
    )]
    StatementTimeout { id: String, seconds: u64 },

    #[error("source \"{id}\": the query was cancelled")]
    Cancelled { id: String },

    #[error("source \"{id}\", column \"{column}\": {reason}")]
    Value { id: String, column: String, reason: String },

    /// A value given with the query, by its place counted from 1.
    #[error("source \"{id}\": value {position} of the query {reason}")]
    Parameter { id: String, position: usize, reason: String },

    #[error("source \"{id}\": the server refused ({sqlstate}): {message}")]
    Server { id: String, sqlstate: String, message: String },

    #[error("source \"{id}\": the connection was lost: {reason}; try again")]
    Lost { id: String, reason: String },

    #[error("source \"{id}\": {reason}")]
    Answer { id: String, reason: String },

    #[error("source \"{id}\": {reason}")]
    Unsupported { id: String, reason: String },
}

impl DatabaseError {
    /// The server cannot be asked now; the same may work later.
    pub fn is_away(&self) -> bool {
        matches!(
            self,
            Self::UnknownHost { .. }
                | Self::Refused { .. }
                | Self::TimedOut { .. }
                | Self::Busy { .. }
                | Self::Lost { .. }
        )
    }

    /// A number did not fit its type, in the server or on the way from it.
    pub fn is_overflow(&self) -> bool {
        match self {
            Self::Value { reason, .. } => reason.contains("out of range"),
            Self::Server { sqlstate, .. } => sqlstate == "22003",
            _ => false,
        }
    }

    /// The id of the source it is about.
    pub fn source_id(&self) -> &str {
        match self {
            Self::Dsn { id, .. }
            | Self::HostNotAllowed { id, .. }
            | Self::UnknownHost { id, .. }
            | Self::Refused { id, .. }
            | Self::TimedOut { id, .. }
            | Self::Busy { id, .. }
            | Self::Authentication { id, .. }
            | Self::Tls { id, .. }
            | Self::Superuser { id, .. }
            | Self::StatementTimeout { id, .. }
            | Self::Cancelled { id }
            | Self::Value { id, .. }
            | Self::Parameter { id, .. }
            | Self::Server { id, .. }
            | Self::Lost { id, .. }
            | Self::Answer { id, .. }
            | Self::Unsupported { id, .. } => id,
        }
    }

    /// A server's refusal. Messages about data (SQLSTATE classes 22 and 23) lose what they quote.
    pub(crate) fn server(id: &str, sqlstate: &str, message: &str) -> Self {
        let about_data = sqlstate.starts_with("22") || sqlstate.starts_with("23");
        let message = if about_data { without_quoted(message) } else { message.to_owned() };
        Self::Server { id: id.to_owned(), sqlstate: sqlstate.to_owned(), message }
    }
}

impl From<DatabaseError> for DataFusionError {
    fn from(error: DatabaseError) -> Self {
        external(error.into())
    }
}

/// A source's error on its way through the engine; [`crate::explain`] finds it again.
pub(crate) fn external(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The text with `"…"` in the place of everything between the first and the last quote. Quotes
/// inside a quoted value are not told from those around it, so nothing between is kept.
fn without_quoted(message: &str) -> String {
    let quote = |c: char| matches!(c, '"' | '\'');
    match (message.find(quote), message.rfind(quote)) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…\"{}", &message[..first], &message[last + 1..])
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    #[test]
    fn a_message_about_data_loses_the_data() {
        let error = DatabaseError::server("s", "22P02", "invalid input: \"a\" b\"; see 'x' there");
        assert_eq!(
            error.to_string(),
            "source \"s\": the server refused (22P02): invalid input: \"…\" there"
        );
        let error = DatabaseError::server("s", "42P01", "relation \"t\" does not exist");
        assert!(error.to_string().ends_with("relation \"t\" does not exist"), "{error}");
    }

    #[test]
    fn it_is_found_again_in_the_engines_error() {
        let error = DatabaseError::Cancelled { id: "s".to_owned() };
        let wrapped = DataFusionError::from(error.clone()).context("reading");
        assert_eq!(explain(&wrapped), SourceError::Database(error));
    }
}
