//! What can go wrong with a call.

use std::fmt;

use reqwest::StatusCode;

use crate::types::Problem;

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no HTTP address.
    #[error("{url:?} is not the address of a server: write it as http://host:port")]
    BadUrl { url: String },
    /// A path that does not begin at the server's root.
    #[error("{path:?} is not a path: it begins with /")]
    BadPath { path: String },
    /// An id or key that no address can hold.
    #[error("{name:?} is no id and no key")]
    BadName { name: String },
    /// A token or header value with characters that no header can hold.
    #[error("the value of {name} cannot be sent: it holds line breaks or control characters")]
    BadHeader { name: String },
    /// Certificates that are none, or none that can be used.
    #[error("the certificates cannot be used: a file of PEM with at least one is wanted")]
    BadCertificates,
    /// The client could not be made: the system gives no sockets or resolver.
    #[error("the HTTP client cannot be started")]
    Setup(#[source] reqwest::Error),
    /// A request body that is no JSON, such as a map whose keys are not text.
    #[error("the request cannot be written as JSON")]
    Encode(#[source] reqwest::Error),
    /// No connection, or one that broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The answer did not come within the client's time limit.
    #[error("the server did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// The server refused, and said why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// An answer that the contract does not know, such as one of a proxy in between.
    #[error("the server answered {status}, but not as AIR does: {body}")]
    Unexpected { status: StatusCode, body: String },
    /// A success whose body is not of the contract's form: client and server differ in version.
    #[error("the server's answer is not of the form this client knows")]
    Decode(#[source] serde_json::Error),
}

impl Error {
    /// The server's problem, if it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// A failure to send or receive.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::TimedOut(error)
        } else if error.is_builder() {
            Self::Encode(error)
        } else {
            Self::Unreachable(error)
        }
    }

    /// An answer that is no success.
    pub(crate) fn refused(status: StatusCode, body: &[u8]) -> Self {
        /// Enough of a stranger's page to recognise it by.
        const SHOWN: usize = 300;
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Self::Problem(Box::new(problem)),
            Err(_) => {
                let body = String::from_utf8_lossy(body).chars().take(SHOWN).collect();
                Self::Unexpected { status, body }
            }
        }
    }
}

/// The sentence, then one line for each error with its place and the nearest names.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        for error in self.errors.iter().flatten() {
            let place = if error.pointer.is_empty() { "/" } else { &error.pointer };
            write!(f, "\n  {place}: {}", error.detail)?;
            if let Some(nearest) = error.nearest.as_ref().filter(|n| !n.is_empty()) {
                write!(f, " Did you mean {}?", nearest.join(", "))?;
            }
        }
        let rules = self.safety_report.iter().flatten();
        for rule in rules.filter(|r| r.outcome == crate::types::SafetyOutcome::Refused) {
            write!(f, "\n  {}: {}", rule.rule, rule.detail)?;
        }
        Ok(())
    }
}
