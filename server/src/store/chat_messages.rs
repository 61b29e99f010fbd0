//! Messages of the chat.
//!
//! A message and its event are one: written in one transaction, under one number. What people say
//! is written by `chat_posts`, many at once; what the service says, here.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::chat_answers::ChatAnswer;
use super::error::StoreError;
use super::{EventRows, Moment, Page, PageRequest, Store};
use crate::events::{Channel, Event, EventKind};
use crate::id::{ChatMessageId, ChatRoomId};

pub(super) const WHAT: &str = "message";
const NEWEST: &str = "chat messages";
const BEHIND: &str = "chat messages behind";

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum ChatMessageType {
    User,
    Ai,
    System,
}

impl ChatMessageType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ai => "ai",
            Self::System => "system",
        }
    }
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct ChatMessage {
    pub(crate) id: ChatMessageId,
    pub(crate) room_id: ChatRoomId,
    pub(crate) seq: i64,
    pub(crate) user_id: String,
    #[sqlx(rename = "type")]
    pub(crate) kind: ChatMessageType,
    pub(crate) content: String,
    /// Of an answer `{answer, request}`: what everyone is shown, and what it came from.
    #[sqlx(rename = "meta_json", json(nullable))]
    pub(crate) meta: Option<Value>,
    pub(crate) created_at: Moment,
    pub(crate) client_ref: Option<String>,
    pub(crate) reply_to: Option<ChatMessageId>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewChatMessage {
    pub(crate) id: ChatMessageId,
    pub(crate) room_id: ChatRoomId,
    pub(crate) kind: ChatMessageType,
    pub(crate) user_id: String,
    pub(crate) content: String,
    pub(crate) meta: Option<Value>,
    pub(crate) client_ref: Option<String>,
    pub(crate) reply_to: Option<ChatMessageId>,
}

impl NewChatMessage {
    pub(crate) fn new(
        room_id: ChatRoomId,
        kind: ChatMessageType,
        user_id: String,
        content: String,
    ) -> Self {
        let id = ChatMessageId::new();
        let (meta, client_ref, reply_to) = (None, None, None);
        Self { id, room_id, kind, user_id, content, meta, client_ref, reply_to }
    }

    /// As sockets are told of it: the contract's form, whose `seq` is the event's own.
    pub(super) fn payload(&self, at: Moment) -> Value {
        let mut payload = json!({
            "message_id": self.id,
            "room": self.room_id,
            "type": self.kind.as_str(),
            "user_id": self.user_id,
            "content": self.content,
            "in_reply_to": self.reply_to,
            "created_at": at,
        });
        if let Some(client_ref) = &self.client_ref {
            payload["client_ref"] = json!(client_ref);
        }
        if let Some(answer) = self.meta.as_ref().and_then(|meta| meta.get("answer")) {
            payload["answer"] = answer.clone();
        }
        payload
    }
}

/// What came of posting.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made and taken apart once a message")]
pub(crate) enum Kept {
    New {
        message: ChatMessage,
        event: Event,
        answer: Option<ChatAnswer>,
    },
    /// A message under this `client_ref` is there already, and the answer it was promised.
    Before {
        message: ChatMessage,
        answer: Option<ChatMessageId>,
    },
}

pub(crate) struct ChatMessages<'s> {
    pub(super) store: &'s Store,
}

impl<'s> ChatMessages<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// The message a user sent before under this name, and the answer it was promised.
    pub(crate) async fn sent_before(
        &self,
        new: &NewChatMessage,
        client_ref: &str,
    ) -> Result<Option<(ChatMessage, Option<ChatMessageId>)>, StoreError> {
        sent(self.store.reader(), new, client_ref).await
    }

    pub(crate) async fn get(
        &self,
        room: &ChatRoomId,
        id: &ChatMessageId,
    ) -> Result<ChatMessage, StoreError> {
        sqlx::query_as("SELECT * FROM chat_messages WHERE room_id = ? AND id = ?")
            .bind(room)
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// Newest first.
    pub(crate) async fn newest(
        &self,
        room: &ChatRoomId,
        page: &PageRequest,
    ) -> Result<Page<ChatMessage>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM chat_messages WHERE room_id = ?1 AND (?2 IS NULL OR seq < ?2)
             ORDER BY seq DESC LIMIT ?3",
        )
        .bind(room)
        .bind(number(page.after(NEWEST)?)?)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(NEWEST, rows, |row: &ChatMessage| row.seq.to_string()))
    }

    /// Those behind a number, oldest first.
    pub(crate) async fn behind(
        &self,
        room: &ChatRoomId,
        after: i64,
        page: &PageRequest,
    ) -> Result<Page<ChatMessage>, StoreError> {
        let after = number(page.after(BEHIND)?)?.unwrap_or(after);
        let query = sqlx::query_as(
            "SELECT * FROM chat_messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        );
        let rows =
            query.bind(room).bind(after).bind(page.fetch()).fetch_all(self.store.reader()).await?;
        Ok(page.page(BEHIND, rows, |row: &ChatMessage| row.seq.to_string()))
    }

    /// The newest answers of a room, newest first.
    pub(crate) async fn answers(
        &self,
        room: &ChatRoomId,
        most: u32,
    ) -> Result<Vec<ChatMessage>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM chat_messages WHERE room_id = ? AND type = 'ai'
             ORDER BY seq DESC LIMIT ?",
        );
        Ok(query.bind(room).bind(most).fetch_all(self.store.reader()).await?)
    }

    /// Removes what is older than `oldest`, but no question whose answer is still owed, and nothing
    /// of a learning session, whose transcript it is; events go and stay likewise. Returns how many
    /// messages there were.
    pub(crate) async fn sweep(&self, oldest: Timestamp) -> Result<u64, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query(
            "DELETE FROM chat_messages WHERE created_at < ?
                 AND room_id NOT IN (SELECT id FROM learning_sessions)
                 AND id NOT IN (SELECT question_id FROM chat_answers WHERE status = 'running')",
        )
        .bind(Moment::from(oldest))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM events WHERE channel LIKE 'chat/%' AND created_at < ?
                 AND substr(channel, length('chat/') + 1) NOT IN
                     (SELECT id FROM learning_sessions)",
        )
        .bind(Moment::from(oldest))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}

fn number(text: Option<String>) -> Result<Option<i64>, StoreError> {
    text.map(|text| text.parse().map_err(|_| StoreError::BadCursor)).transpose()
}

pub(super) async fn sent(
    reader: impl sqlx::SqliteExecutor<'_>,
    new: &NewChatMessage,
    client_ref: &str,
) -> Result<Option<(ChatMessage, Option<ChatMessageId>)>, StoreError> {
    #[derive(FromRow)]
    struct Sent {
        #[sqlx(flatten)]
        message: ChatMessage,
        answer_id: Option<ChatMessageId>,
    }
    let query = sqlx::query_as(
        "SELECT m.*, (SELECT a.id FROM chat_answers a WHERE a.question_id = m.id) AS answer_id
         FROM chat_messages m WHERE m.room_id = ? AND m.user_id = ? AND m.client_ref = ?",
    );
    let query = query.bind(&new.room_id).bind(&new.user_id).bind(client_ref);
    let sent: Option<Sent> = query.fetch_optional(reader).await?;
    Ok(sent.map(|sent| (sent.message, sent.answer_id)))
}

/// Writes a message and its event under one number.
pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewChatMessage,
) -> Result<(ChatMessage, Event), StoreError> {
    let now = Moment::now();
    let channel = Channel::Chat(new.room_id.to_string());
    let kind = match new.kind {
        ChatMessageType::Ai => EventKind::AiComplete,
        ChatMessageType::User | ChatMessageType::System => EventKind::Result,
    };
    let payload = new.payload(now);
    let event = EventRows::append(transaction, &channel, kind, payload, Some(&new.user_id)).await?;
    let message = sqlx::query_as(
        "INSERT INTO chat_messages
             (id, room_id, seq, user_id, type, content, meta_json, created_at, client_ref, reply_to)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
    )
    .bind(&new.id)
    .bind(&new.room_id)
    .bind(event.seq.cast_signed())
    .bind(&new.user_id)
    .bind(new.kind)
    .bind(&new.content)
    .bind(new.meta.as_ref().map(Json))
    .bind(now)
    .bind(&new.client_ref)
    .bind(&new.reply_to)
    .fetch_one(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, WHAT, &new.id))?;
    sqlx::query("UPDATE chat_rooms SET next_seq = ? + 1 WHERE id = ?")
        .bind(event.seq.cast_signed())
        .bind(&new.room_id)
        .execute(&mut **transaction)
        .await?;
    Ok((message, event))
}
