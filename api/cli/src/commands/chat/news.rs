//! What happens in a room, over a socket that is opened again by itself.
//!
//! In: the room and the number of the last message that was seen. Out: each event behind it once,
//! in order. A connection that breaks is opened again with the last number, so that nothing is
//! missed and nothing comes twice.

use crate::exit::{self, Failure};
use crate::settings::Place;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use yawc::{Frame, HttpRequest, MaybeTlsStream, OpCode, Options, WebSocket, WebSocketError};

/// Events that may wait to be shown.
const WAITING: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The largest event that is read: an answer with its rows.
const LARGEST: usize = 16 << 20;

/// Follows a room until nobody listens; gives up after so long without a connection.
pub(super) fn follow(
    place: Place,
    room: String,
    last: u64,
    patience: Duration,
) -> mpsc::Receiver<Result<Value, Failure>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut follower = Follower { place, room, last, sender, heard: Instant::now() };
    tokio::spawn(async move { follower.run(patience).await });
    receiver
}

/// How one connection ended.
enum Ended {
    /// Nobody listens any more.
    Unheard,
    /// Trying again would end the same way.
    Refused(Failure),
    Lost(String),
}

struct Follower {
    place: Place,
    room: String,
    last: u64,
    sender: mpsc::Sender<Result<Value, Failure>>,
    /// When the service last said something.
    heard: Instant,
}

impl Follower {
    async fn run(&mut self, patience: Duration) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = self.heard;
            let why = match self.connection().await {
                Ended::Unheard => return,
                Ended::Refused(failure) => {
                    let _ = self.sender.send(Err(failure)).await;
                    return;
                }
                Ended::Lost(why) => why,
            };
            if self.heard > begun {
                pause = FIRST_PAUSE;
            }
            if self.heard.elapsed() > patience {
                let room = &self.room;
                let why = format!(
                    "the socket cannot be opened: {why}\n  come back with `aircli chat --room {room}`"
                );
                let _ = self.sender.send(Err(Failure::new(exit::SERVER, why))).await;
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connection(&mut self) -> Ended {
        let mut socket = match self.open().await {
            Ok(socket) => socket,
            Err(ended) => return ended,
        };
        loop {
            let frame = tokio::select! {
                () = self.sender.closed() => return Ended::Unheard,
                frame = socket.next_frame() => frame,
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Ended::Lost(error.to_string()),
            };
            match frame.opcode() {
                OpCode::Text => {}
                OpCode::Close => return self.closed(&frame),
                _ => continue,
            }
            let Ok(event) = serde_json::from_slice::<Value>(frame.payload()) else {
                return Ended::Lost("the service said something that is no JSON".to_owned());
            };
            self.heard = Instant::now();
            if let Some(ended) = self.event(event).await {
                return ended;
            }
        }
    }

    async fn open(&self) -> Result<WebSocket<MaybeTlsStream<TcpStream>>, Ended> {
        let url = self.place.socket().map_err(Ended::Refused)?;
        let mut request = HttpRequest::builder();
        if let Some(token) = &self.place.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let options = Options::default().with_max_payload_read(LARGEST).with_utf8();
        let opened = WebSocket::connect(url).with_options(options).with_request(request).await;
        let mut socket = opened.map_err(|error| match error {
            WebSocketError::InvalidStatusCode(status @ (401 | 403)) => Ended::Refused(
                Failure::new(exit::NOT_ALLOWED, format!("the socket was refused with {status}")),
            ),
            WebSocketError::InvalidStatusCode(404) => Ended::Refused(Failure::failed(
                "the service has no socket: websocket.enabled is false",
            )),
            error => Ended::Lost(error.to_string()),
        })?;
        let channel = format!("chat/{}", self.room);
        let subscribe = json!({"type": "subscribe", "channel": channel, "after": self.last});
        let sent = futures::SinkExt::send(&mut socket, Frame::text(subscribe.to_string())).await;
        sent.map_err(|error| Ended::Lost(error.to_string()))?;
        Ok(socket)
    }

    /// Hands an event on, unless it was before; an end where the subscription is refused.
    async fn event(&mut self, event: Value) -> Option<Ended> {
        let payload = &event["payload"];
        if event["type"] == "error" && payload["reply_to"] == "subscribe" {
            let detail = payload["detail"].as_str().unwrap_or("the room cannot be followed");
            return Some(Ended::Refused(Failure::failed(detail)));
        }
        let seq = event["seq"].as_u64().unwrap_or_default();
        if seq > 0 {
            if seq <= self.last {
                return None;
            }
            self.last = seq;
        }
        self.sender.send(Ok(event)).await.err().map(|_| Ended::Unheard)
    }

    fn closed(&self, frame: &Frame) -> Ended {
        let reason = frame.close_reason().ok().flatten().unwrap_or("the service closed the socket");
        Ended::Lost(reason.to_owned())
    }
}
