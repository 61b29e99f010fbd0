//! What happened, told to whoever listens.
//!
//! In: events of jobs, runs, rooms and people. Out: rows of the events table for what is to last,
//! and live events through the broker. A durable event is written in the transaction of the state
//! it tells of and announced afterwards; whoever misses the announcement reads the table. Absent
//! on purpose: who may listen.

mod channel;
mod event;
mod follow;
mod hub;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;
use sqlx::{Sqlite, Transaction};

pub(crate) use self::channel::{Channel, Kept, UnknownChannel};
pub(crate) use self::event::{Event, EventKind, Live, envelope};
pub(crate) use self::hub::{Hub, Item, Outbox, Topic};
use crate::broker::Broker;
use crate::problem::ApiError;
use crate::store::{EventRows, Store, StoreError};

/// The way in for events.
pub(crate) struct Events {
    store: Store,
    broker: Arc<dyn Broker>,
    hub: Arc<Hub>,
}

impl Events {
    pub(crate) fn new(store: Store, broker: Arc<dyn Broker>, hub: Arc<Hub>) -> Self {
        hub.bind(&broker);
        Self { store, broker, hub }
    }

    /// Writes a durable event in a transaction of its own and announces it. On a channel that is
    /// not kept in the table it is a whisper.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "states and their events are written together")
    )]
    pub(crate) async fn emit(
        &self,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> Result<u64, ApiError> {
        if channel.kept() != Kept::Table {
            return Ok(self.pass(channel, kind, payload, user_id).await);
        }
        let event = self.store.events().add(channel, kind, payload, user_id).await?;
        let seq = event.seq;
        self.announce(event).await;
        Ok(seq)
    }

    /// Writes a durable event in the caller's transaction; `announce` it after the commit.
    pub(crate) async fn append(
        transaction: &mut Transaction<'_, Sqlite>,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> Result<Event, StoreError> {
        EventRows::append(transaction, channel, kind, payload, user_id).await
    }

    /// Hands on an event that was committed.
    pub(crate) async fn announce(&self, event: Event) {
        self.broker.publish(event.live()).await;
    }

    /// Hands on an event that is not written: a word of an answer, who is typing, who is there.
    pub(crate) async fn whisper(
        &self,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) {
        self.pass(channel, kind, payload, user_id).await;
    }

    /// The sockets of this process.
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    async fn pass(
        &self,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> u64 {
        let event = Event::passing(channel, kind, payload, user_id);
        if channel.kept() == Kept::Stream {
            return self.broker.keep(event).await;
        }
        self.broker.publish(event.live()).await;
        0
    }
}
