//! Durable events: appended in the transaction of the state they tell of, read by number.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::{Moment, Store};
use crate::events::{Channel, Event, EventKind};

/// An event as its row holds it.
#[derive(Debug, FromRow)]
struct Row {
    seq: i64,
    kind: EventKind,
    #[sqlx(rename = "payload_json", json)]
    payload: Value,
    user_id: Option<String>,
    created_at: Moment,
}

pub(crate) struct EventRows<'s> {
    store: &'s Store,
}

impl<'s> EventRows<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Appends an event in the caller's transaction. Its number is the channel's next.
    pub(crate) async fn append(
        transaction: &mut Transaction<'_, Sqlite>,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> Result<Event, StoreError> {
        let (name, at) = (channel.to_string(), Moment::now());
        // Both at once: each statement is a walk to SQLite's thread and back.
        let seq: i64 = sqlx::query_scalar(
            "INSERT INTO event_channels (channel, last_seq) VALUES (?, 1)
             ON CONFLICT (channel) DO UPDATE SET last_seq = last_seq + 1;
             INSERT INTO events (channel, seq, kind, payload_json, user_id, created_at)
             SELECT channel, last_seq, ?, ?, ?, ? FROM event_channels WHERE channel = ?
             RETURNING seq",
        )
        .bind(&name)
        .bind(kind)
        .bind(Json(&payload))
        .bind(user_id)
        .bind(at)
        .bind(&name)
        .fetch_one(&mut **transaction)
        .await?;
        let user_id = user_id.map(str::to_owned);
        Ok(Event { channel: channel.clone(), kind, payload, user_id, seq: seq.cast_unsigned(), at })
    }

    /// Appends an event in a transaction of its own.
    pub(crate) async fn add(
        &self,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> Result<Event, StoreError> {
        let mut transaction = self.store.write().await?;
        let event = Self::append(&mut transaction, channel, kind, payload, user_id).await?;
        transaction.commit().await?;
        Ok(event)
    }

    /// The channel's last number; 0 where nothing was told yet.
    pub(crate) async fn last(&self, channel: &Channel) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT last_seq FROM event_channels WHERE channel = ?");
        let last: Option<i64> =
            query.bind(channel.to_string()).fetch_optional(self.store.reader()).await?;
        Ok(last.unwrap_or_default().cast_unsigned())
    }

    /// At most `limit` events behind `after`, in order.
    pub(crate) async fn after(
        &self,
        channel: &Channel,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, kind, payload_json, user_id, created_at FROM events
             WHERE channel = ? AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(channel.to_string())
        .bind(after.min(i64::MAX.cast_unsigned()).cast_signed())
        .bind(limit)
        .fetch_all(self.store.reader())
        .await?;
        let event = |row: Row| Event {
            channel: channel.clone(),
            kind: row.kind,
            payload: row.payload,
            user_id: row.user_id,
            seq: row.seq.cast_unsigned(),
            at: row.created_at,
        };
        Ok(rows.into_iter().map(event).collect())
    }

    /// The place of the newest event of all.
    pub(crate) async fn head(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM events");
        Ok(query.fetch_one(self.store.reader()).await?)
    }

    /// The channels told of since a place, each with its last number, and the place reached.
    pub(crate) async fn since(&self, head: i64) -> Result<(i64, Vec<(String, u64)>), StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT channel, MAX(seq), MAX(id) FROM events WHERE id > ? GROUP BY channel",
        )
        .bind(head)
        .fetch_all(self.store.reader())
        .await?;
        let reached = rows.iter().map(|(_, _, id)| *id).max().unwrap_or(head);
        let news = rows.into_iter().map(|(name, seq, _)| (name, seq.cast_unsigned()));
        Ok((reached, news.collect()))
    }

    /// Clears what is older than a time, but nothing of rooms: that goes with their messages. The
    /// numbers go on.
    pub(crate) async fn clear(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut transaction = self.store.write().await?;
        let done =
            sqlx::query("DELETE FROM events WHERE created_at < ? AND channel NOT LIKE 'chat/%'")
                .bind(Moment::from(before))
                .execute(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
