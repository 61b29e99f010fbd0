//! What a subscriber missed, before it listens.

use std::sync::Arc;

use yawc::close::CloseCode;

use super::connection::{Connection, End};
use crate::chat;
use crate::events::{Channel, Live, Topic};

/// A subscription that has not caught up yet.
pub(super) struct Replay {
    topic: Arc<Topic>,
    /// The number of the last event that the client has.
    at: u64,
}

impl Replay {
    pub(super) fn new(topic: Arc<Topic>, at: u64) -> Self {
        Self { topic, at }
    }

    pub(super) fn topic(&self) -> &Topic {
        &self.topic
    }
}

impl Connection {
    /// Sends one page of what one subscription missed, or begins to listen where there is none.
    /// Joining and the number it joins at are one step, so nothing falls in between.
    pub(super) async fn replay(&mut self) -> Result<(), End> {
        let Some(mut replay) = self.replays.pop_front() else { return Ok(()) };
        let Err(last) = replay.topic.join(Some(replay.at), &self.outbox) else { return Ok(()) };
        let page = self.app.events.hub().read(replay.topic.channel(), replay.at).await;
        let page = page.map_err(|error| {
            tracing::warn!(%error, "a replay could not be read");
            End::close(CloseCode::Again, "the events cannot be read now; resume by seq")
        })?;
        // Whoever was taken out of the room meanwhile reads no further.
        let moved = page.iter().any(Live::is_of_system);
        if moved && !Box::pin(self.may_go_on(&replay.topic)).await? {
            return Ok(());
        }
        let mut texts = Vec::with_capacity(page.len() + 1);
        // What was cleared, or fell out of a stream, is gone; the client is told, not left to think
        // that nothing happened.
        let (first, end) = match (page.first(), page.last()) {
            (Some(first), Some(end)) => (first.prev, end.seq),
            _ => (last, last),
        };
        if first > replay.at {
            texts.push(self.missed(replay.topic.name(), replay.at, first + 1));
        }
        let policies = &self.app.config.policies;
        let in_room = matches!(replay.topic.channel(), Channel::Chat(_));
        let reader = self.seat.principal();
        texts.extend(page.into_iter().map(|live| {
            // What was said before there were policies may hold what they hide.
            let retold = in_room.then(|| chat::retold(policies, reader, &live.text));
            retold.flatten().unwrap_or(live.text)
        }));
        replay.at = end;
        self.replays.push_back(replay);
        self.send(texts).await
    }
}
