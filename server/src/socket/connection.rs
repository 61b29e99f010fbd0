//! One socket, from its first to its last message.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};
use yawc::close::CloseCode;
use yawc::{Frame, OpCode, WebSocketError};

use super::message::{self, say};
use super::replay::Replay;
use super::{BATCH, Inbox, Seat, Stream, finish, presence};
use crate::chat;
use crate::contract::types::ErrorCode;
use crate::events::{Channel, Item, Outbox, Topic};
use crate::id::SocketId;
use crate::problem::ApiError;
use crate::service::App;

/// A write that took longer had to wait for the reader.
const BLOCKED: Duration = Duration::from_millis(100);

const EXPIRED: &str = "the token has expired";

/// Why a socket ends.
#[derive(Debug)]
pub(super) enum End {
    /// The other side went away, or broke the protocol; the library has told it so.
    Gone,
    Close(CloseCode, String),
}

impl End {
    pub(super) fn close(code: CloseCode, reason: impl Into<String>) -> Self {
        Self::Close(code, reason.into())
    }

    fn slow() -> Self {
        Self::close(CloseCode::Again, "slow reader: too many messages waited; resume by seq")
    }
}

pub(super) struct Connection {
    pub(super) app: Arc<App>,
    stream: Stream,
    pub(super) seat: Seat,
    pub(super) outbox: Arc<Outbox>,
    inbox: Inbox,
    id: SocketId,
    pub(super) topics: HashMap<Arc<str>, Arc<Topic>>,
    pub(super) replays: VecDeque<Replay>,
    /// The room it was last active in.
    pub(super) room: Option<String>,
    heard: Instant,
    pinged: Instant,
    expires: Option<Instant>,
}

impl Connection {
    pub(super) fn new(
        app: Arc<App>,
        stream: Stream,
        seat: Seat,
        (outbox, inbox): (Arc<Outbox>, Inbox),
        id: SocketId,
    ) -> Self {
        let now = Instant::now();
        let left = |ends: Timestamp| {
            Duration::try_from(ends.duration_since(Timestamp::now())).unwrap_or_default()
        };
        let expires = seat.principal().expires_at.and_then(|ends| now.checked_add(left(ends)));
        let (topics, replays) = (HashMap::new(), VecDeque::new());
        let (room, heard, pinged) = (None, now, now);
        Self { app, stream, seat, outbox, inbox, id, topics, replays, room, heard, pinged, expires }
    }

    pub(super) async fn run(mut self) {
        let hello = super::hello(&self.seat, &self.id);
        let mut outcome = self.send([hello]).await;
        let mut batch = Vec::new();
        while outcome.is_ok() {
            outcome = self.turn(&mut batch).await;
        }
        if let Err(end) = outcome {
            Box::pin(self.end(end)).await;
        }
    }

    /// Waits for one thing and does it.
    async fn turn(&mut self, batch: &mut Vec<Item>) -> Result<(), End> {
        // Here too, since whoever talks without a pause would keep the clock from being looked at.
        if self.has_expired() {
            return Err(End::close(CloseCode::Policy, EXPIRED));
        }
        let deadline = self.deadline();
        tokio::select! {
            // What was said comes before what is judged: an answer may wait that was not read yet.
            biased;
            () = self.app.sockets.closing.cancelled() => {
                Err(End::close(CloseCode::Away, "the service is shutting down"))
            }
            () = self.outbox.slow().cancelled() => Err(End::slow()),
            frame = self.stream.next_frame() => self.on_frame(frame).await,
            () = sleep_until(deadline) => Box::pin(self.on_time()).await,
            // Many events are one write; a quiet socket holds no buffer for them.
            _ = self.inbox.recv_many(batch, BATCH) => {
                let items = std::mem::take(batch);
                self.hand_on(items).await
            }
            () = std::future::ready(()), if !self.replays.is_empty() => {
                Box::pin(self.replay()).await
            }
        }
    }

    /// Sends what waits, so that nothing of a channel that was left comes later.
    pub(super) async fn settle(&mut self) -> Result<(), End> {
        let items = self.waiting(Vec::new());
        if items.is_empty() { Ok(()) } else { self.hand_on(items).await }
    }

    /// Sends the answer to a command, and in the same write what waits: whoever says something in a
    /// room is told of it there too.
    pub(super) async fn answer(&mut self, told: Bytes) -> Result<(), End> {
        let items = self.waiting(vec![Item::Text(told)]);
        self.hand_on(items).await
    }

    fn waiting(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        while let Ok(item) = self.inbox.try_recv() {
            items.push(item);
        }
        items
    }

    async fn hand_on(&mut self, items: Vec<Item>) -> Result<(), End> {
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Text(text) => texts.push(text),
                Item::Behind(name, at) => {
                    // What came before is heard by whoever might hear it then.
                    self.send(std::mem::take(&mut texts)).await?;
                    let Some(topic) = self.topics.get(&name).cloned() else { continue };
                    if Box::pin(self.may_go_on(&topic)).await? {
                        self.replays.push_back(Replay::new(topic, at));
                    }
                }
            }
        }
        self.send(texts).await
    }

    /// Whether a subscription goes on; one to a room that the user was taken out of has ended.
    pub(super) async fn may_go_on(&mut self, topic: &Topic) -> Result<bool, End> {
        let Channel::Chat(room) = topic.channel() else { return Ok(true) };
        match chat::heard(&self.app, self.seat.principal(), room).await {
            Err(error) if error.status().is_client_error() => {
                self.leave(topic.name()).await;
                self.send([message::refusal(topic.name(), "subscribe", None, &error)]).await?;
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| Instant::now() >= expires)
    }

    fn deadline(&self) -> Instant {
        let config = &self.app.config.websocket;
        let next = (self.pinged + config.ping_period).min(self.heard + config.pong_wait);
        self.expires.map_or(next, |expires| next.min(expires))
    }

    async fn on_time(&mut self) -> Result<(), End> {
        let config = &self.app.config.websocket;
        let (pong_wait, ping_period) = (config.pong_wait, config.ping_period);
        let now = Instant::now();
        if self.has_expired() {
            return Err(End::close(CloseCode::Policy, EXPIRED));
        }
        if now >= self.heard + pong_wait {
            // Who does not read answers no ping either.
            if !self.replays.is_empty() || !self.inbox.is_empty() {
                return Err(End::slow());
            }
            return Err(End::close(CloseCode::Policy, "no ping was answered"));
        }
        if now >= self.pinged + ping_period {
            self.pinged = now;
            let user = &self.seat.principal().sub;
            presence::seen(&self.app, user, &self.id, self.room.as_deref()).await;
            self.recheck().await?;
            let ping = self.stream.send(Frame::ping(Bytes::new()));
            return sent(timeout(pong_wait, ping).await);
        }
        Ok(())
    }

    /// Says that the user is still in their rooms, and ends the subscriptions to those that they
    /// were taken out of.
    async fn recheck(&mut self) -> Result<(), End> {
        let topics: Vec<Arc<Topic>> = self.topics.values().cloned().collect();
        for topic in topics {
            if let Channel::Chat(room) = topic.channel()
                && self.may_go_on(&topic).await?
            {
                self.app.broker.room_entered(room, &self.seat.principal().sub).await;
            }
        }
        Ok(())
    }

    async fn on_frame(&mut self, frame: Result<Frame, WebSocketError>) -> Result<(), End> {
        let Ok(frame) = frame else { return Err(End::Gone) };
        self.heard = Instant::now();
        match frame.opcode() {
            OpCode::Close => Err(End::Gone),
            OpCode::Ping | OpCode::Pong | OpCode::Continuation => Ok(()),
            OpCode::Binary => {
                let detail = "Messages are text: JSON in UTF-8.";
                let error = ApiError::new(ErrorCode::UnsupportedMediaType, detail);
                self.send([message::refusal("socket", "", None, &error)]).await
            }
            OpCode::Text => {
                let most = self.app.config.websocket.max_message_size;
                if u64::try_from(frame.payload().len()).unwrap_or(u64::MAX) > most {
                    let reason = format!("a message may have at most {most} bytes");
                    return Err(End::Close(CloseCode::Size, reason));
                }
                Box::pin(self.obey(frame.payload())).await
            }
        }
    }

    /// Sends texts, unless the reader turns out to be slow meanwhile.
    pub(super) async fn send(&mut self, texts: impl IntoIterator<Item = Bytes>) -> Result<(), End> {
        let mut texts = texts.into_iter();
        loop {
            let some: Vec<Bytes> = texts.by_ref().take(BATCH).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.send_some(some).await?;
        }
    }

    async fn send_some(&mut self, texts: Vec<Bytes>) -> Result<(), End> {
        let begun = Instant::now();
        let saying = timeout(self.app.config.websocket.pong_wait, say(&mut self.stream, texts));
        tokio::select! {
            done = saying => sent(done)?,
            () = self.outbox.slow().cancelled() => return Err(End::slow()),
        }
        // Somebody read what had filled the connection, while nobody here read their pongs.
        if begun.elapsed() > BLOCKED {
            self.heard = Instant::now();
        }
        Ok(())
    }

    async fn end(mut self, end: End) {
        let names: Vec<Arc<str>> = self.topics.keys().cloned().collect();
        for name in names {
            self.leave(&name).await;
        }
        presence::depart(&self.app, &self.seat.principal().sub, &self.id).await;
        match end {
            End::Gone => {
                let draining = super::drain(&mut self.stream);
                let _ = timeout(super::CLOSING, draining).await;
            }
            End::Close(code, reason) => {
                if matches!(code, CloseCode::Again) {
                    self.app.sockets.slow.fetch_add(1, Ordering::Relaxed);
                }
                tracing::debug!(ws.id = %self.id, reason, "a socket was closed");
                finish(&mut self.stream, code, &reason).await;
            }
        }
    }

    /// Ends a subscription. True: there was one.
    pub(super) async fn leave(&mut self, name: &str) -> bool {
        self.replays.retain(|replay| &**replay.topic().name() != name);
        let Some(topic) = self.topics.remove(name) else { return false };
        let channel = topic.channel().clone();
        // The hub forgets a channel that nobody holds.
        drop(topic);
        self.app.events.hub().leave(name, &self.outbox);
        self.seat.unsubscribe();
        if let Channel::Chat(room) = channel {
            presence::leave(&self.app, &self.seat, &room).await;
        }
        true
    }

    pub(super) fn missed(&self, name: &str, after: u64, before: u64) -> Bytes {
        let payload =
            json!({"reply_to": "subscribe", "missed": {"after": after, "before": before}});
        message::told(name, crate::events::EventKind::Error, &payload)
    }
}

fn sent<E>(done: Result<Result<(), WebSocketError>, E>) -> Result<(), End> {
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::slow()),
    }
}
