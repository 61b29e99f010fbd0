//! `GET /v1/ws`: channels, live, over one connection.
//!
//! In: an upgraded connection and who it belongs to. Out: the events of each channel it
//! subscribes to, every one once and in order, from the number it names; and what it says in
//! chat. A socket ends when its token does, when it reads too slowly, when it answers no ping, or
//! when the service ends; each with a close code and a reason. Absent on purpose: what a chat
//! message leads to.

mod commands;
mod connection;
mod message;
mod presence;
mod replay;
mod rights;
mod seats;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use axum::http::{HeaderValue, Response};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yawc::close::CloseCode;
use yawc::{DeflatePool, Frame, HttpStream, OpCode, Options, UpgradeFut, WebSocket};

use self::connection::Connection;
use self::message::{Said, say};
pub(crate) use self::presence::{bury, whereabouts};
use self::seats::{Seat, Seats};
use crate::admission::Upgrade;
use crate::auth::Principal;
use crate::config::WebsocketConfig;
use crate::contract::types::ErrorCode;
use crate::events::{EventKind, Item, Outbox};
use crate::id::SocketId;
use crate::problem::ApiError;
use crate::service::App;

/// A first message may hold a token, which may be larger than any other message.
const LONGEST_FIRST: usize = 9_000;
/// Shorter messages are not worth compressing.
const COMPRESS_FROM: usize = 512;
/// Idle compressors that are kept for all sockets together.
const POOL: usize = 8;
/// How long the end of a socket may take.
const CLOSING: Duration = Duration::from_secs(5);

type Stream = WebSocket<HttpStream>;

/// Every open socket of this process.
pub(crate) struct Sockets {
    seats: Arc<Seats>,
    tasks: TaskTracker,
    closing: CancellationToken,
    options: Options,
    opened: AtomicU64,
    slow: AtomicU64,
}

impl Sockets {
    pub(crate) fn new(config: &WebsocketConfig) -> Self {
        let (tasks, closing) = (TaskTracker::new(), CancellationToken::new());
        let (opened, slow) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { seats: Arc::default(), tasks, closing, options: options(config), opened, slow }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.tasks.len()
    }

    /// How many were closed because they read too slowly.
    pub(crate) fn slow(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// Tells every socket to end, and waits for a bounded time until they have.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if timeout(CLOSING * 2, self.tasks.wait()).await.is_err() {
            tracing::warn!(sockets = self.count(), "some sockets did not end");
        }
    }
}

fn options(config: &WebsocketConfig) -> Options {
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    // The library refuses what is as large as its limit.
    let largest = size(config.max_message_size).max(LONGEST_FIRST).saturating_add(1);
    let options = Options::default()
        .with_limits(largest, largest)
        .with_read_buffer_capacity(size(config.read_buffer_size))
        .with_write_buffer_capacity(size(config.write_buffer_size))
        .with_fragment_timeout(config.pong_wait)
        .with_utf8();
    if !config.enable_compression {
        return options;
    }
    // Without context between messages a quiet socket holds no compressor.
    options
        .with_low_latency_compression()
        .server_no_context_takeover()
        .client_no_context_takeover()
        .with_compression_threshold(COMPRESS_FROM)
        .with_deflate_pool(DeflatePool::new(POOL))
}

/// Takes a connection over. `principal` is not known where the token comes in the first message.
pub(crate) async fn open(
    app: &Arc<App>,
    principal: Option<Principal>,
    upgrade: Upgrade,
) -> Result<Response<Body>, ApiError> {
    let sockets = &app.sockets;
    let seat = match principal {
        Some(principal) => Some(sit(app, principal).await?),
        None => None,
    };
    let (incoming, place) = (upgrade.incoming, upgrade.place);
    let upgraded = incoming.upgrade(sockets.options.clone());
    let (response, upgraded) = upgraded.map_err(ApiError::internal)?;
    let mut response = response.map(|_| Body::empty());
    if let Some(protocol) = upgrade.protocol.and_then(|name| HeaderValue::from_str(&name).ok()) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let task_app = Arc::clone(app);
    sockets.tasks.spawn(async move {
        if let Some((stream, seat)) = Box::pin(begin(&task_app, upgraded, seat)).await {
            serve(task_app, stream, seat).await;
        }
        drop(place);
    });
    Ok(response)
}

/// A place among the user's sockets, wherever they are.
async fn sit(app: &App, principal: Principal) -> Result<Seat, ApiError> {
    let most = app.config.limits.sockets_per_user;
    let left = most.saturating_sub(presence::elsewhere(app, &principal.sub).await);
    app.sockets.seats.take(principal, left).ok_or_else(|| {
        let detail = format!("You have {most} open sockets, which is the most a user may have.");
        ApiError::new(ErrorCode::TooManyRequests, detail).retry_after(60)
    })
}

/// The connection, once it speaks WebSocket and is known to be somebody's.
async fn begin(app: &App, upgraded: UpgradeFut, seat: Option<Seat>) -> Option<(Stream, Seat)> {
    let opening = async {
        let mut stream = upgraded.await.ok()?;
        match seat {
            Some(seat) => Some((stream, Ok(seat))),
            None => {
                let seat = first_message(app, &mut stream).await?;
                Some((stream, seat))
            }
        }
    };
    let (mut stream, seat) =
        timeout(app.config.websocket.handshake_timeout, opening).await.ok()??;
    match seat {
        Ok(seat) => Some((stream, seat)),
        Err(error) => {
            let told = message::refusal("socket", "auth", None, &error);
            let _ = timeout(CLOSING, say(&mut stream, [told])).await;
            finish(&mut stream, CloseCode::Policy, &error.detail).await;
            None
        }
    }
}

/// Reads the token; `None`: the other side went away.
async fn first_message(app: &App, stream: &mut Stream) -> Option<Result<Seat, ApiError>> {
    loop {
        let frame = stream.next_frame().await.ok()?;
        match frame.opcode() {
            OpCode::Ping | OpCode::Pong => {}
            OpCode::Text => {
                let said = message::read(frame.payload());
                return Some(match said.map(|said| said.what) {
                    Ok(Said::Auth { token }) => match app.authenticator.token(&token) {
                        Ok(principal) => sit(app, principal).await,
                        Err(error) => Err(error.into()),
                    },
                    _ => Err(wanted()),
                });
            }
            _ => return Some(Err(wanted())),
        }
    }
}

fn wanted() -> ApiError {
    let detail = "A token is wanted first: send {\"type\": \"auth\", \"token\": \"…\"}.";
    ApiError::new(ErrorCode::Unauthorized, detail)
}

async fn serve(app: Arc<App>, stream: Stream, seat: Seat) {
    let number = app.sockets.opened.fetch_add(1, Ordering::Relaxed);
    let boxes = Outbox::new(number, app.config.websocket.buffer_size);
    let id = SocketId::new();
    presence::arrive(&app, &seat.principal().sub, &id).await;
    Connection::new(app, stream, seat, boxes, id).run().await;
}

/// Says why and ends; the other side has a while to hear it.
async fn finish(stream: &mut Stream, code: CloseCode, reason: &str) {
    // A close frame holds at most 125 bytes, two of them for the code.
    let end = reason.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 123);
    let reason = &reason[..end.last().unwrap_or(0)];
    let closing = async {
        use futures::SinkExt;
        stream.send(Frame::close(code, reason)).await?;
        drain(stream).await;
        stream.close().await
    };
    let _ = timeout(CLOSING, closing).await;
}

/// Reads until the other side has closed, which also sends what the library still owes it.
async fn drain(stream: &mut Stream) {
    while stream.next_frame().await.is_ok() {}
}

/// Takes everything that waits at once, so that a busy room costs one write for many events.
const BATCH: usize = 64;
type Inbox = mpsc::Receiver<Item>;

fn hello(seat: &Seat, id: &SocketId) -> bytes::Bytes {
    let principal = seat.principal();
    let payload = json!({
        "ready": true,
        "ws_id": id,
        "user_id": principal.sub,
        "expires_at": principal.expires_at,
    });
    message::told("socket", EventKind::Status, &payload)
}
