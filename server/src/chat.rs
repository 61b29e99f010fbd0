//! What a socket asks of chat, until chat is there: each answer says that it is not.

use std::sync::Arc;

use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;

/// A message that is kept.
pub(crate) struct Posted {
    pub(crate) message_id: String,
    pub(crate) seq: u64,
}

fn absent() -> ApiError {
    ApiError::new(ErrorCode::Unsupported, "This version of AIR has no chat yet.")
}

pub(crate) async fn posted(
    _app: &Arc<App>,
    _principal: &Principal,
    _room: &str,
    _content: &str,
    _client_ref: Option<&str>,
) -> Result<Posted, ApiError> {
    Err(absent())
}

pub(crate) async fn typing(
    _app: &Arc<App>,
    _principal: &Principal,
    _room: &str,
    _is_typing: bool,
) -> Result<(), ApiError> {
    Err(absent())
}

/// Whether a room may be listened to.
pub(crate) async fn heard(
    _app: &Arc<App>,
    _principal: &Principal,
    _room: &str,
) -> Result<(), ApiError> {
    Err(absent())
}
