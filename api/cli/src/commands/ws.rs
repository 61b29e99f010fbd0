//! `ws`: a channel's events as they happen, a line of JSON each.
//!
//! A connection that ends is opened again, here or at whatever process answers now, and goes on
//! behind the last event that was written: none is missed and none comes twice.

use std::time::Duration;

use futures::SinkExt;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use yawc::close::CloseCode;
use yawc::{Frame, HttpRequest, OpCode, Options, TcpWebSocket, WebSocket, WebSocketError};

use super::Session;
use crate::cli::Ws;
use crate::exit::{self, Failure};
use crate::settings::Place;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that is there pings more often; beyond this the connection is believed to be dead.
const SILENCE: Duration = Duration::from_secs(120);

/// Why a connection is over.
enum Over {
    /// As many events as were wanted.
    Enough,
    /// Another one may go on.
    Lost(String),
    Failed(Failure),
}

impl From<Failure> for Over {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

struct Following<'a> {
    session: &'a Session,
    place: Place,
    channel: &'a str,
    /// The last event that was written.
    after: Option<u64>,
    left: Option<u64>,
    /// When the service was last there.
    seen: Instant,
}

/// Follows a channel until it is interrupted. `patience`: how long the service may be away.
pub(super) async fn ws(
    session: &Session,
    place: Place,
    patience: Duration,
    ws: &Ws,
) -> Result<(), Failure> {
    let (channel, after, left, seen) = (ws.channel.as_str(), ws.after, ws.count, Instant::now());
    let mut following = Following { session, place, channel, after, left, seen };
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        match following.connection().await {
            Over::Enough => return Ok(()),
            Over::Failed(failure) => return Err(failure),
            Over::Lost(why) => {
                if following.seen.elapsed() > patience {
                    let how = match following.after {
                        Some(after) => format!("; go on with --after {after}"),
                        None => String::new(),
                    };
                    return Err(Failure::new(exit::SERVER, format!("{why}{how}")));
                }
                session.output.say(&format!("{why}; connecting again"));
            }
        }
        // One that held a while was no failure of connecting.
        pause = if begun.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { pause };
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

impl Following<'_> {
    async fn connection(&mut self) -> Over {
        match self.follow().await {
            Err(over) => over,
            Ok(never) => match never {},
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Over> {
        let mut socket = self.connect().await?;
        self.seen = Instant::now();
        let mut wish = json!({"type": "subscribe", "channel": self.channel});
        if let Some(after) = self.after {
            wish["after"] = json!(after);
        }
        let asked = socket.send(Frame::text(wish.to_string())).await;
        asked.map_err(|error| lost(&error))?;
        loop {
            let frame = timeout(SILENCE, socket.next_frame()).await;
            let frame = frame.map_err(|_| Over::Lost("the service fell silent".to_owned()))?;
            let frame = frame.map_err(|error| lost(&error))?;
            self.seen = Instant::now();
            match frame.opcode() {
                OpCode::Text => self.hear(frame.payload())?,
                OpCode::Close => return Err(ended(&frame)),
                _ => {}
            }
        }
    }

    async fn connect(&self) -> Result<TcpWebSocket, Over> {
        let mut request = HttpRequest::builder();
        if let Some(token) = &self.place.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let options = Options::default().with_low_latency_compression();
        let url = self.place.socket()?;
        let connecting = WebSocket::connect(url).with_options(options).with_request(request);
        match timeout(SILENCE, connecting).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(WebSocketError::InvalidStatusCode(status))) => Err(refused(status)),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(Over::Lost("the service does not answer".to_owned())),
        }
    }

    fn hear(&mut self, text: &[u8]) -> Result<(), Over> {
        let message: Value = serde_json::from_slice(text)
            .map_err(|error| super::strange(&format!("the service sent no JSON: {error}")))?;
        let payload = &message["payload"];
        if payload["reply_to"] == "subscribe" {
            return self.answered(&message);
        }
        if message["channel"] != self.channel {
            return Ok(());
        }
        let seq = message["seq"].as_u64().unwrap_or(0);
        // What nobody keeps has no number.
        if seq > 0 {
            if self.after.is_some_and(|after| seq <= after) {
                return Ok(());
            }
            self.after = Some(seq);
        }
        self.session.output.line(&String::from_utf8_lossy(text))?;
        self.count()
    }

    /// What the service says to the subscription.
    fn answered(&mut self, message: &Value) -> Result<(), Over> {
        let payload = &message["payload"];
        let detail = payload["detail"].as_str().unwrap_or("the service did not say why");
        match payload["code"].as_str() {
            Some("forbidden" | "unauthorized") => {
                return Err(Failure::new(exit::NOT_ALLOWED, detail).into());
            }
            Some("unavailable" | "internal") => return Err(Over::Lost(detail.to_owned())),
            Some(_) => return Err(Failure::failed(detail).into()),
            None => {}
        }
        if payload["missed"].is_object() {
            self.session.output.say("some events are not kept any more and are left out");
        } else if self.after.is_none() {
            // From here on: what comes after a lost connection is asked for from this number.
            self.after = payload["seq"].as_u64();
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Over> {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Err(Over::Enough);
            }
        }
        Ok(())
    }
}

fn lost(error: &WebSocketError) -> Over {
    Over::Lost(format!("the connection was lost: {error}"))
}

/// The service closed the socket.
fn ended(frame: &Frame) -> Over {
    let reason = frame.close_reason().ok().flatten().unwrap_or("the service closed the socket");
    match frame.close_code() {
        Some(CloseCode::Policy) if reason != "no ping was answered" => {
            Over::Failed(Failure::new(exit::NOT_ALLOWED, reason))
        }
        _ => Over::Lost(reason.to_owned()),
    }
}

/// The service did not open a socket.
fn refused(status: u16) -> Over {
    let failure = |code, text: &str| Over::Failed(Failure::new(code, text));
    match status {
        401 | 403 => failure(exit::NOT_ALLOWED, "the service wants another token"),
        404 | 422 => failure(exit::SERVER, "the service has no socket: see `aircli get /v1/ws`"),
        429 => Over::Lost("there are as many sockets as a user may have".to_owned()),
        status => Over::Lost(format!("the service answered {status}")),
    }
}
