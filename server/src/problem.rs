//! The one thing that becomes an HTTP error.
//!
//! In: errors of every stage. Out: an [`ApiError`], and from it the problem document (RFC 9457)
//! with its status and headers. What went wrong inside stays inside: `cause` is for the log.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};

use air_connectors::{DatabaseError, SourceError};
use air_engine::{PlanError, Refusal, Unsupported};
use air_ir::{Code, IrError};

use crate::auth::AuthError;
use crate::contract::types::{
    ErrorCode, FieldError, FieldErrorCode, Problem, SafetyOutcome, SafetyRule,
};
use crate::id::RequestId;
use crate::secrets::SecretError;
use crate::store::StoreError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a fault, not yet bound to a request.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct ApiError {
    pub(crate) code: ErrorCode,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) safety_report: Option<Vec<SafetyRule>>,
    /// For the log alone.
    pub(crate) cause: Option<Cause>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            safety_report: None,
            cause: None,
            headers: Vec::new(),
        }
    }

    /// A fault of AIR; the caller hears only that there was one.
    pub(crate) fn internal(cause: impl Into<Cause>) -> Self {
        let detail = "Something went wrong inside AIR; the log says more under this request_id.";
        Self { cause: Some(cause.into()), ..Self::new(ErrorCode::Internal, detail) }
    }

    /// Everything in a request that does not fit.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "1 thing in the request does not fit.".to_owned(),
            n => format!("{n} things in the request do not fit."),
        };
        Self { errors, ..Self::new(ErrorCode::Invalid, detail) }
    }

    /// One thing in a request that does not fit.
    pub(crate) fn field(
        pointer: impl Into<String>,
        code: FieldErrorCode,
        detail: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![field_error(pointer, code, detail)])
    }

    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {what} {id}."))
    }

    /// Errors of an IR, whose pointers begin at `at` in the request's body.
    pub(crate) fn ir(at: &str, errors: Vec<IrError>) -> Self {
        if let Some(error) = errors.iter().find(|error| error.code == Code::NotAllowed) {
            return Self::not_allowed(&error.detail);
        }
        Self::invalid(errors.into_iter().map(|e| ir_error(at, e)).collect())
    }

    /// A refusal by a policy: it says no more than that.
    fn not_allowed(detail: &str) -> Self {
        let rule = SafetyRule {
            rule: "policies".to_owned(),
            outcome: SafetyOutcome::Refused,
            detail: detail.to_owned(),
        };
        let detail = format!("The plan was refused by 1 rule: {detail}");
        Self { safety_report: Some(vec![rule]), ..Self::new(ErrorCode::Refused, detail) }
    }

    pub(crate) fn plan(at: &str, error: PlanError) -> Self {
        Self::ir(at, error.0)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// A later try may succeed.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.with_header(RETRY_AFTER, &seconds.to_string())
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn problem(&self, request_id: &RequestId) -> Problem {
        Problem {
            r#type: "about:blank".to_owned(),
            title: title(self.status()).to_owned(),
            status: self.status().as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id.clone(),
            errors: (!self.errors.is_empty()).then(|| self.errors.clone()),
            safety_report: self.safety_report.clone(),
        }
    }

    pub(crate) fn response(&self, request_id: &RequestId) -> Response<Body> {
        let problem = serde_json::to_vec(&self.problem(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(problem));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let media = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, media);
        if self.code == ErrorCode::Unauthorized {
            let challenge = HeaderValue::from_static("Bearer realm=\"air\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

/// The status in words, as RFC 9110 has them today.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

pub(crate) fn field_error(
    pointer: impl Into<String>,
    code: FieldErrorCode,
    detail: impl Into<String>,
) -> FieldError {
    FieldError { pointer: pointer.into(), code, detail: detail.into(), nearest: None }
}

fn ir_error(at: &str, error: IrError) -> FieldError {
    FieldError {
        pointer: format!("{at}{}", error.pointer),
        code: field_code(error.code),
        detail: error.detail,
        nearest: (!error.nearest.is_empty()).then_some(error.nearest),
    }
}

/// The contract's name of an IR error: the same one. A code that the contract does not list yet
/// is shown as a bad value rather than not at all; a test holds the two lists equal.
pub(crate) fn field_code(code: Code) -> FieldErrorCode {
    serde_json::to_value(code).and_then(serde_json::from_value).unwrap_or(FieldErrorCode::BadValue)
}

/// The guard's report in the contract's form.
pub(crate) fn safety_report(report: &[air_engine::Finding]) -> Vec<SafetyRule> {
    let outcome = |outcome| match outcome {
        air_engine::Outcome::Ok => SafetyOutcome::Ok,
        air_engine::Outcome::Injected => SafetyOutcome::Injected,
        air_engine::Outcome::Warned => SafetyOutcome::Warned,
        air_engine::Outcome::Refused => SafetyOutcome::Refused,
    };
    let rule = |finding: &air_engine::Finding| SafetyRule {
        rule: finding.rule.clone(),
        outcome: outcome(finding.outcome),
        detail: finding.detail.clone(),
    };
    report.iter().map(rule).collect()
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let count = refusal.reasons().len();
        let noun = if count == 1 { "rule" } else { "rules" };
        let detail =
            format!("The plan was refused by {count} {noun}: {}", refusal.reasons().join(" "));
        Self {
            safety_report: Some(safety_report(&refusal.report)),
            ..Self::new(ErrorCode::Refused, detail)
        }
    }
}

impl From<Unsupported> for ApiError {
    fn from(error: Unsupported) -> Self {
        let detail = format!("{} {}", error.dialect.as_str(), error.reason);
        Self::field("/ir", FieldErrorCode::UnsupportedOnEngine, detail)
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorCode::Unauthorized, sentence(&error.to_string()))
    }
}

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> Self {
        Self::field("/dsn", FieldErrorCode::BadValue, sentence(&error.to_string()))
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let code = match error {
            ref away if away.is_away() => ErrorCode::SourceUnavailable,
            SourceError::Database(DatabaseError::StatementTimeout { .. }) => ErrorCode::Timeout,
            _ => ErrorCode::SourceError,
        };
        Self::new(code, sentence(&error.to_string()))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = sentence(&error.to_string());
        let code = match &error {
            StoreError::NotFound { .. } => ErrorCode::NotFound,
            StoreError::Exists { .. } => ErrorCode::AlreadyExists,
            StoreError::VersionMismatch { .. } => ErrorCode::PreconditionFailed,
            StoreError::InUse { .. } => ErrorCode::InUse,
            StoreError::TooMany { .. } => ErrorCode::LimitExceeded,
            StoreError::NotRunning { .. } | StoreError::JobOver { .. } => ErrorCode::NotRunning,
            StoreError::BadCursor => {
                return Self::field("?cursor", FieldErrorCode::BadValue, text);
            }
            StoreError::BrokenReference { .. } => {
                return Self::field("", FieldErrorCode::BadValue, text);
            }
            StoreError::Busy(_) | StoreError::DiskFull(_) => ErrorCode::Unavailable,
            _ => return Self::internal(error),
        };
        let new = Self::new(code, text);
        match code {
            ErrorCode::Unavailable => Self { cause: Some(error.into()), ..new.retry_after(2) },
            _ => new,
        }
    }
}

/// Errors are written small and without a stop; a problem's detail is a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
