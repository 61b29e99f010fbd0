//! Why the EDA service gave no answer, and what to do.
//!
//! No text holds the secret. What the service itself says of a request is shown, cut short: it is
//! about rows of who asked.

use datafusion::arrow::error::ArrowError;
use serde_json::Value;

use crate::contract::types::ErrorCode;
use crate::problem::{ApiError, sentence};

/// Characters that are shown of what the service says.
const MOST_TEXT: usize = 400;

#[derive(Debug, thiserror::Error)]
pub(crate) enum EdaError {
    #[error("the EDA service is off; python.enabled turns it on")]
    Off,
    #[error("python.base_url is no address")]
    Address,
    #[error("no secret is set that both services have; set AIR__PYTHON__AUTH_SHARED_SECRET")]
    Secret,
    #[error("the EDA service is not up: {0}")]
    NotUp(String),
    #[error(
        "the EDA service cannot be reached ({}): start it, or set python.autostart; see \
         python.base_url", reason(.0)
    )]
    Unreachable(reqwest::Error),
    #[error(
        "the EDA service does not take the signature: python.auth_shared_secret differs, or a clock"
    )]
    Refused,
    #[error("the EDA service is busy: {0}")]
    Busy(String),
    #[error("the rows are more than the EDA service takes: {0}")]
    TooLarge(String),
    #[error("the EDA service did not end in time; look at fewer rows, or raise python.timeout")]
    TooLong,
    #[error("the EDA service does not take these rows: {0}")]
    Unfit(String),
    #[error("the EDA service answered {0}; its log says why")]
    Status(u16),
    #[error("the answer of the EDA service cannot be read; its version may be another one")]
    Answer,
    #[error("the answer of the EDA service is larger than is read; look at fewer columns")]
    LongAnswer,
    #[error("the rows cannot be sent to the EDA service")]
    Rows(#[from] ArrowError),
}

fn reason(error: &reqwest::Error) -> &'static str {
    match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "nothing listens there",
        () => "the connection broke off",
    }
}

impl EdaError {
    /// A request that got no whole answer.
    pub(super) fn lost(error: reqwest::Error) -> Self {
        match error.is_timeout() && !error.is_connect() {
            true => Self::TooLong,
            false => Self::Unreachable(error.without_url()),
        }
    }

    /// An answer that is none, from its status and its problem document.
    pub(super) fn answered(status: u16, body: &[u8]) -> Self {
        let told: Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = told["detail"].as_str().unwrap_or("it does not say why");
        let detail = || detail.chars().take(MOST_TEXT).collect::<String>();
        match status {
            401 | 403 => Self::Refused,
            503 => Self::Busy(detail()),
            413 => Self::TooLarge(detail()),
            504 => Self::TooLong,
            400 | 415 | 422 => Self::Unfit(detail()),
            status => Self::Status(status),
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Off
            | Self::Address
            | Self::Secret
            | Self::NotUp(_)
            | Self::Unreachable(_)
            | Self::Refused
            | Self::Busy(_) => ErrorCode::Unavailable,
            Self::TooLarge(_) | Self::LongAnswer => ErrorCode::LimitExceeded,
            Self::TooLong => ErrorCode::Timeout,
            Self::Unfit(_) => ErrorCode::SourceError,
            Self::Status(_) | Self::Answer | Self::Rows(_) => ErrorCode::Internal,
        }
    }
}

impl From<EdaError> for ApiError {
    fn from(error: EdaError) -> Self {
        Self::new(error.code(), sentence(&error.to_string()))
    }
}
