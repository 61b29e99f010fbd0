//! The socket's door: opening it, and what it has to offer.

use axum::http::StatusCode;

use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{ErrorCode, SocketInfo};
use crate::problem::ApiError;
use crate::routes::rows::json;
use crate::service::App;
use crate::socket;

pub(super) const OPERATIONS: &[Operation] = &[operation!(open_socket)];

/// The forms of channels, as the contract describes them.
const CHANNELS: [&str; 8] = [
    "learn/<job_id>",
    "run/<run_id>",
    "chat/<room>",
    "process/<job_id>",
    "ai:stream:<user_id>",
    "typing:<user_id>",
    "presence:online",
    "system:notifications",
];

async fn open_socket(mut call: Call) -> Answer {
    let enabled = call.app.config.server.ws_enabled && call.app.config.websocket.enabled;
    let Some(upgrade) = call.take_upgrade() else {
        return json(StatusCode::OK, &info(&call.app, enabled));
    };
    if !enabled {
        let detail = "Sockets are switched off: server.ws_enabled, websocket.enabled.";
        return Err(ApiError::new(ErrorCode::Unsupported, detail));
    }
    let principal = upgrade.known.then(|| call.principal.clone());
    socket::open(&call.app, principal, upgrade).await
}

fn info(app: &App, enabled: bool) -> SocketInfo {
    let (socket, limits) = (&app.config.websocket, &app.config.limits);
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    SocketInfo {
        enabled,
        channels: CHANNELS.map(str::to_owned).to_vec(),
        max_message_size: socket.max_message_size,
        buffer_size: number(socket.buffer_size),
        ping_period_ms: millis(socket.ping_period),
        pong_wait_ms: millis(socket.pong_wait),
        compression: socket.enable_compression,
        sockets_per_user: number(limits.sockets_per_user),
        subscriptions_per_user: number(limits.subscriptions_per_user),
    }
}
