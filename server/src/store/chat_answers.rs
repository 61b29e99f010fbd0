//! Answers that were promised in the chat.
//!
//! An answer is promised in the transaction of its question, held by one process, and kept in the
//! transaction of its message, once. What a dead process held another takes up.

use serde_json::Value;
use sqlx::FromRow;

use super::Moment;
use super::chat_messages::{ChatMessage, ChatMessages, NewChatMessage, insert};
use super::error::StoreError;
use crate::events::Event;
use crate::id::{ChatMessageId, ChatRoomId, ProcessId};

/// An answer that was promised.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct ChatAnswer {
    /// Of the message it becomes.
    pub(crate) id: ChatMessageId,
    pub(crate) room_id: ChatRoomId,
    pub(crate) question_id: ChatMessageId,
    pub(crate) asked_by: String,
    /// Who asked, with role and claims: what they may see does not depend on who answers.
    #[sqlx(rename = "principal_json", json)]
    pub(crate) principal: Value,
    #[sqlx(rename = "request_json", json)]
    pub(crate) request: Value,
    pub(crate) claimed_by: ProcessId,
    /// How often it was begun.
    pub(crate) attempts: i64,
    /// When it was asked for.
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewChatAnswer {
    pub(crate) id: ChatMessageId,
    pub(crate) principal: Value,
    pub(crate) request: Value,
}

impl ChatMessages<'_> {
    /// Every answer that is owed, oldest first.
    pub(crate) async fn owed(&self) -> Result<Vec<ChatAnswer>, StoreError> {
        let query =
            sqlx::query_as("SELECT * FROM chat_answers WHERE status = 'running' ORDER BY id");
        Ok(query.fetch_all(self.store.reader()).await?)
    }

    /// The first answer that is owed to a question of the same room before this one's.
    pub(crate) async fn owed_before(
        &self,
        held: &ChatAnswer,
    ) -> Result<Option<ChatMessageId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT a.id FROM chat_answers a JOIN chat_messages q ON q.id = a.question_id
             WHERE a.room_id = ?1 AND a.status = 'running' AND q.seq <
                 (SELECT seq FROM chat_messages WHERE id = ?2)
             ORDER BY q.seq LIMIT 1",
        );
        let query = query.bind(&held.room_id).bind(&held.question_id);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// Takes up an answer that a dead process held, if nobody else has.
    pub(crate) async fn take_up(
        &self,
        held: &ChatAnswer,
    ) -> Result<Option<ChatAnswer>, StoreError> {
        let mut transaction = self.store.write().await?;
        let taken = sqlx::query_as(
            "UPDATE chat_answers SET claimed_by = ?, attempts = attempts + 1
             WHERE id = ? AND status = 'running' AND claimed_by = ? RETURNING *",
        )
        .bind(self.store.process())
        .bind(&held.id)
        .bind(&held.claimed_by)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(taken)
    }

    /// Keeps an answer, if it is still this process's to give.
    pub(crate) async fn answer(
        &self,
        held: &ChatAnswer,
        new: &NewChatMessage,
    ) -> Result<Option<(ChatMessage, Event)>, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query(
            "UPDATE chat_answers SET status = 'done'
             WHERE id = ? AND status = 'running' AND claimed_by = ?",
        )
        .bind(&held.id)
        .bind(self.store.process())
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        let kept = insert(&mut transaction, new).await?;
        transaction.commit().await?;
        Ok(Some(kept))
    }
}
