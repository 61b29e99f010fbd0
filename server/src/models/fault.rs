//! What can go wrong with a model, without a word of what it or its server said.
//!
//! A server may echo the key, the prompt or rows in an error text, so no text of a server is kept
//! in a fault: only its status, and the few error codes that are known by name.

use std::time::Duration;

/// Why a model gave no usable reply. Its text may be shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it is not configured: {0}")]
    NotConfigured(&'static str),
    #[error("it could not be reached")]
    Unreachable,
    #[error("it did not answer within {}", shown(*.0))]
    Late(Duration),
    #[error("it answered with status {status}{}", code.map(|c| format!(" ({c})")).unwrap_or_default())]
    Status { status: u16, code: Option<&'static str>, retry_after: Option<Duration> },
    #[error("it answered with a redirect, which is not followed")]
    Redirected,
    #[error("it answered with another content type than the protocol's")]
    ContentType,
    #[error("its reply broke off")]
    BrokeOff,
    #[error("its reply did not follow the protocol")]
    Protocol,
    #[error("its reply was empty")]
    Empty,
    #[error("it declined to answer")]
    Declined,
    #[error("its reply was cut off at its limit of tokens")]
    CutOff,
    #[error("its reply was larger than is read")]
    TooLarge,
    #[error("it failed several times and is left alone for a while")]
    Resting,
    #[error("the time of the request was over")]
    NoTime,
}

fn shown(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

/// Codes of errors that are told; others are not repeated.
const KNOWN_CODES: [&str; 9] = [
    "invalid_api_key",
    "model_not_found",
    "insufficient_quota",
    "rate_limit_exceeded",
    "context_length_exceeded",
    "content_filter",
    "server_error",
    "unsupported_parameter",
    "unsupported_value",
];

/// The known form of a server's error code.
pub(super) fn known_code(code: &str) -> Option<&'static str> {
    KNOWN_CODES.into_iter().find(|known| *known == code)
}

impl Fault {
    /// Whether the same request may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable | Self::BrokeOff | Self::Protocol | Self::Empty => true,
            Self::Status { status, code, .. } => {
                *code != Some("insufficient_quota")
                    && matches!(status, 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 529)
            }
            _ => false,
        }
    }

    /// Whether it says something about the server, and not about this one request.
    pub(super) fn is_of_server(&self) -> bool {
        match self {
            Self::Unreachable
            | Self::Late(_)
            | Self::Redirected
            | Self::ContentType
            | Self::BrokeOff
            | Self::Protocol => true,
            Self::Status { status, .. } => {
                matches!(status, 401 | 403 | 404 | 408 | 429) || *status >= 500
            }
            _ => false,
        }
    }

    /// Whether the server was there and answered, if not with what was wanted.
    pub(super) fn is_answer(&self) -> bool {
        match self {
            Self::Empty | Self::Declined | Self::CutOff | Self::TooLarge => true,
            Self::Status { .. } => !self.is_of_server(),
            _ => false,
        }
    }

    /// How long the server wants to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A word for metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::NotConfigured(_) => "not_configured",
            Self::Unreachable => "unreachable",
            Self::Late(_) => "late",
            Self::Status { .. } => "status",
            Self::Redirected => "redirected",
            Self::ContentType => "content_type",
            Self::BrokeOff => "broke_off",
            Self::Protocol => "protocol",
            Self::Empty => "empty",
            Self::Declined => "declined",
            Self::CutOff => "cut_off",
            Self::TooLarge => "too_large",
            Self::Resting => "resting",
            Self::NoTime => "no_time",
        }
    }
}
