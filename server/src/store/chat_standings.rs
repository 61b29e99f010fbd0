//! How people stand in rooms, looked up together for all who say something at the same time.

use std::sync::LazyLock;

use serde_json::Value;
use sqlx::FromRow;

use super::Store;
use super::chat_rooms::{ChatRoom, ChatRooms, WHAT};
use super::error::StoreError;
use super::reading::Reading;
use super::together::{Kind, SIZES, Text, nulls, size_of, values};
use crate::id::ChatRoomId;

/// Answers looked back on for the last one to a user.
const BACK: u32 = 20;

/// A room as a user sees it, and what they may reply to there; all as of one moment.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct ChatStanding {
    #[sqlx(flatten)]
    pub(crate) room: ChatRoom,
    /// Whether an answer is owed to them.
    pub(crate) owed: bool,
    /// What is kept with the last answer to them, where it asks back and is not long ago.
    #[sqlx(rename = "asked_back_json", json(nullable))]
    pub(crate) asked_back: Option<Value>,
}

pub(super) struct Standings;

impl Kind for Standings {
    /// The room, the user, and whether it is wanted what they may reply to.
    type Piece = (ChatRoomId, String, bool);
    /// `None`: there is no such room.
    type Done = Option<ChatStanding>;
    type Turn = Reading;

    async fn turn(store: &Store) -> Result<Reading, StoreError> {
        Ok(store.reader().acquire().await?)
    }

    async fn all(
        _: &Store,
        reading: &mut Reading,
        wanted: &[Self::Piece],
    ) -> Result<Vec<Self::Done>, StoreError> {
        let size = size_of(wanted.len());
        let mut query: Text = sqlx::query(TEXTS[size].as_str());
        for (place, (room, user, talks)) in (0_i64..).zip(wanted) {
            query = query.bind(place).bind(room).bind(user).bind(talks);
        }
        let query = nulls(query, SIZES[size].saturating_sub(wanted.len()) * 4);
        let mut found = vec![None; wanted.len()];
        for row in reading.rows(query).await? {
            let Found { place, standing } = Found::from_row(&row)?;
            if let Some(there) = usize::try_from(place).ok().and_then(|at| found.get_mut(at)) {
                *there = Some(standing);
            }
        }
        Ok(found)
    }
}

#[derive(FromRow)]
struct Found {
    place: i64,
    #[sqlx(flatten)]
    standing: ChatStanding,
}

static TEXTS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| SIZES.map(text));

fn text(places: usize) -> String {
    let wanted = values(places, 4);
    format!(
        "SELECT w.column1 AS place, r.*,
             (SELECT count(*) FROM chat_members m WHERE m.room_id = r.id) AS members,
             EXISTS (SELECT 1 FROM chat_members m
                 WHERE m.room_id = r.id AND m.user_id = w.column3) AS joined,
             w.column4 AND EXISTS (SELECT 1 FROM chat_answers a WHERE a.room_id = r.id
                 AND a.asked_by = w.column3 AND a.status = 'running') AS owed,
             CASE WHEN w.column4 THEN (SELECT CASE json_extract(l.meta_json, '$.answer.state') WHEN 'clarify'
                     THEN l.meta_json END
                 FROM (SELECT seq, meta_json FROM chat_messages
                     WHERE room_id = r.id AND type = 'ai' ORDER BY seq DESC LIMIT {BACK}) l
                 WHERE json_extract(l.meta_json, '$.answer.asked_by') = w.column3
                 ORDER BY l.seq DESC LIMIT 1) END AS asked_back_json
         FROM ({wanted}) w CROSS JOIN chat_rooms r ON r.id = w.column2"
    )
}

impl ChatRooms<'_> {
    /// How a user who says something stands in a room.
    pub(crate) async fn standing(
        &self,
        id: &ChatRoomId,
        user: &str,
    ) -> Result<ChatStanding, StoreError> {
        self.found(id, user, true).await
    }

    /// The room as a user sees it, like [`Self::get`], together with whoever asks meanwhile.
    pub(crate) async fn seen(&self, id: &ChatRoomId, user: &str) -> Result<ChatRoom, StoreError> {
        Ok(self.found(id, user, false).await?.room)
    }

    async fn found(
        &self,
        id: &ChatRoomId,
        user: &str,
        talks: bool,
    ) -> Result<ChatStanding, StoreError> {
        let wanted = (id.clone(), user.to_owned(), talks);
        let found = self.store.standings().done(self.store, wanted).await?;
        found.ok_or_else(|| StoreError::not_found(WHAT, id))
    }
}
