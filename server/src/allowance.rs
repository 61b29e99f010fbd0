//! What a person may do only so often a minute, counted over every process that shares the broker.

use crate::broker::Allowance;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;

/// Takes one.
///
/// # Errors
/// Where none is left; it says when there will be.
pub(crate) async fn take(app: &App, user: &str, allowance: Allowance) -> Result<(), ApiError> {
    let limits = &app.config.limits;
    let (most, what) = match allowance {
        Allowance::Messages => (limits.messages_per_minute, "messages"),
        Allowance::AiRequests => (limits.ai_requests_per_minute, "questions to AIR"),
        Allowance::EndpointCalls => (limits.endpoint_calls_per_minute, "calls by one key"),
    };
    app.broker.allow(allowance, user, most).await.map_err(|wait| {
        let detail = format!("{most} {what} a minute are allowed.");
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        ApiError::new(ErrorCode::TooManyRequests, detail).retry_after(seconds)
    })
}
