//! Rooms of the chat and who is in them.

use sqlx::{FromRow, Sqlite, Transaction};

use super::chat_messages::{ChatMessageType, NewChatMessage, insert};
use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::events::Event;
use crate::id::{ChatRoomId, DatasourceId};

pub(super) const WHAT: &str = "room";
const LIST: &str = "chat rooms";

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum ChatRoomKind {
    Group,
    /// A session of one person with AIR.
    Personal,
}

/// What AIR answers in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum ChatAi {
    Off,
    Mention,
    Always,
}

/// A room as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct ChatRoom {
    pub(crate) id: ChatRoomId,
    pub(crate) name: String,
    pub(crate) kind: ChatRoomKind,
    pub(crate) private: bool,
    pub(crate) ai: ChatAi,
    /// `None`: the default one.
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) created_by: String,
    /// One more than the number of its last message.
    pub(crate) next_seq: i64,
    pub(crate) created_at: Moment,
    pub(crate) members: i64,
    /// Whether that user is a member.
    pub(crate) joined: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct NewChatRoom {
    pub(crate) id: ChatRoomId,
    pub(crate) name: String,
    pub(crate) kind: ChatRoomKind,
    pub(crate) private: bool,
    pub(crate) ai: ChatAi,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) created_by: String,
    /// Besides who made it.
    pub(crate) members: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct ChatMember {
    pub(crate) user_id: String,
    pub(crate) joined_at: Moment,
    /// When they last joined or said something.
    pub(crate) last_seen_at: Moment,
}

/// How joining or leaving ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moved {
    /// Told to the room by this event.
    Done(Event),
    /// It was so already.
    Before,
    /// The room holds no more.
    Full,
}

/// The rooms as user `?1` sees them.
macro_rules! rooms {
    () => {
        "SELECT r.*,
             (SELECT count(*) FROM chat_members m WHERE m.room_id = r.id) AS members,
             EXISTS (SELECT 1 FROM chat_members m
                 WHERE m.room_id = r.id AND m.user_id = ?1) AS joined
         FROM chat_rooms r"
    };
}

pub(crate) struct ChatRooms<'s> {
    pub(super) store: &'s Store,
}

impl<'s> ChatRooms<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A room with its first members.
    pub(crate) async fn create(&self, new: &NewChatRoom) -> Result<ChatRoom, StoreError> {
        let mut transaction = self.store.write().await?;
        insert_room(&mut transaction, new).await?;
        transaction.commit().await?;
        self.get(&new.id, &new.created_by).await
    }

    pub(crate) async fn get(&self, id: &ChatRoomId, user: &str) -> Result<ChatRoom, StoreError> {
        sqlx::query_as(concat!(rooms!(), " WHERE r.id = ?2"))
            .bind(user)
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// The rooms a user may see: the public ones and their own; or their own alone.
    pub(crate) async fn list(
        &self,
        user: &str,
        own: bool,
        page: &PageRequest,
    ) -> Result<Page<ChatRoom>, StoreError> {
        let rows = sqlx::query_as(concat!(
            "SELECT * FROM (",
            rooms!(),
            ") WHERE (joined OR (NOT private AND NOT ?2)) AND id > ?3 ORDER BY id LIMIT ?4"
        ))
        .bind(user)
        .bind(own)
        .bind(page.after(LIST)?.unwrap_or_default())
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |room: &ChatRoom| room.id.to_string()))
    }

    /// By name.
    pub(crate) async fn members(&self, id: &ChatRoomId) -> Result<Vec<ChatMember>, StoreError> {
        let query = sqlx::query_as(
            "SELECT user_id, joined_at, last_seen_at FROM chat_members WHERE room_id = ?
             ORDER BY user_id",
        );
        Ok(query.bind(id).fetch_all(self.store.reader()).await?)
    }

    /// Puts a user in, and tells the room, unless it holds `most` already.
    pub(crate) async fn join(
        &self,
        id: &ChatRoomId,
        user: &str,
        most: u32,
        told: &NewChatMessage,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.store.write().await?;
        let (members, joined): (i64, bool) = sqlx::query_as(
            "SELECT count(*), coalesce(max(user_id = ?2), 0) FROM chat_members WHERE room_id = ?1",
        )
        .bind(id)
        .bind(user)
        .fetch_one(&mut *transaction)
        .await?;
        if joined {
            return Ok(Moved::Before);
        }
        if members >= i64::from(most) {
            return Ok(Moved::Full);
        }
        enter(&mut transaction, id, user, Moment::now()).await?;
        let (_, event) = insert(&mut transaction, told).await?;
        transaction.commit().await?;
        Ok(Moved::Done(event))
    }

    /// Takes a user out and tells the room.
    pub(crate) async fn leave(
        &self,
        id: &ChatRoomId,
        user: &str,
        told: &NewChatMessage,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM chat_members WHERE room_id = ? AND user_id = ?")
            .bind(id)
            .bind(user)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Moved::Before);
        }
        let (_, event) = insert(&mut transaction, told).await?;
        transaction.commit().await?;
        Ok(Moved::Done(event))
    }
}

/// A room with its first members, within a transaction.
pub(super) async fn insert_room(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewChatRoom,
) -> Result<(), StoreError> {
    let now = Moment::now();
    sqlx::query(
        "INSERT INTO chat_rooms
             (id, name, created_by, created_at, kind, private, ai, datasource_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&new.id)
    .bind(&new.name)
    .bind(&new.created_by)
    .bind(now)
    .bind(new.kind)
    .bind(new.private)
    .bind(new.ai)
    .bind(&new.datasource_id)
    .execute(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, WHAT, &new.id))?;
    for user in std::iter::once(&new.created_by).chain(&new.members) {
        enter(transaction, &new.id, user, now).await?;
    }
    Ok(())
}

async fn enter(
    transaction: &mut Transaction<'_, Sqlite>,
    id: &ChatRoomId,
    user: &str,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO chat_members (room_id, user_id, joined_at, last_seen_at)
         VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(user)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl NewChatMessage {
    /// What the service itself tells a room.
    pub(crate) fn system(room: &ChatRoomId, user: &str, content: String) -> Self {
        Self::new(room.clone(), ChatMessageType::System, user.to_owned(), content)
    }
}
