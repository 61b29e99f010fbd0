//! Messages of people, kept together: what arrives at the same time shares one transaction, with
//! their events and the promises of their answers, in the order of their arrival. One text with a
//! place for each message is the whole transaction, since each statement is a walk to SQLite's
//! thread and back; places without a message hold nulls and come to nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Row, Sqlite};

use super::chat_answers::{ChatAnswer, NewChatAnswer};
use super::chat_messages::{ChatMessage, ChatMessages, Kept, NewChatMessage, WHAT, sent};
use super::error::StoreError;
use super::together::{Kind, SIZES, Text, nulls, size_of, values};
use super::{Moment, Store};
use crate::events::{Channel, Event, EventKind};

/// A message of a user, and the answer that is promised to it.
pub(super) struct Post {
    message: NewChatMessage,
    answer: Option<NewChatAnswer>,
}

/// Keeping messages of users.
pub(super) struct Posts;

impl Kind for Posts {
    type Piece = Post;
    type Done = Kept;
    type Turn = PoolConnection<Sqlite>;

    async fn turn(store: &Store) -> Result<PoolConnection<Sqlite>, StoreError> {
        store.writing().await
    }

    async fn all(
        store: &Store,
        connection: &mut PoolConnection<Sqlite>,
        posts: &[Post],
    ) -> Result<Vec<Kept>, StoreError> {
        let at = Moment::now();
        let entries = entries(posts, at);
        match Store::at_once(connection, written(store, &entries, at)).await {
            Ok(rows) => kept(store, entries, &rows, at),
            Err(error) => failed(connection, posts, error).await,
        }
    }
}

impl ChatMessages<'_> {
    /// Keeps a message of a user, and the promise of an answer.
    pub(crate) async fn post(
        &self,
        new: &NewChatMessage,
        answer: Option<&NewChatAnswer>,
    ) -> Result<Kept, StoreError> {
        let post = Post { message: new.clone(), answer: answer.cloned() };
        self.store.posts().done(self.store, post).await
    }
}

/// A message with what is written of it.
struct Entry<'p> {
    post: &'p Post,
    channel: Channel,
    /// As it is written.
    name: String,
    /// How many come behind it in its room.
    behind: i64,
    payload: Value,
}

fn entries(posts: &[Post], at: Moment) -> Vec<Entry<'_>> {
    let mut behind: HashMap<&str, i64> = HashMap::new();
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(posts.len());
    for post in posts.iter().rev() {
        let channel = Channel::Chat(post.message.room_id.to_string());
        let count = behind.entry(post.message.room_id.as_str()).or_default();
        entries.push(Entry {
            post,
            name: channel.to_string(),
            channel,
            behind: *count,
            payload: post.message.payload(at),
        });
        *count += 1;
    }
    entries.reverse();
    entries
}

/// What a user's message tells its room.
const KIND: EventKind = EventKind::Result;

static TEXTS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| SIZES.map(text));

/// The transaction of so many messages. It gives the last number of each channel.
fn text(places: usize) -> String {
    let (channels, rooms) = (values(places, 1), vec!["?"; places].join(", "));
    let (messages, events) = (values(places, 10), values(places, 5));
    let (members, answers) = (values(places, 2), values(places, 6));
    format!(
        "BEGIN IMMEDIATE;
         INSERT INTO event_channels (channel, last_seq)
             SELECT column1, count(*) FROM ({channels}) WHERE column1 IS NOT NULL GROUP BY column1
             ON CONFLICT (channel) DO UPDATE SET last_seq = last_seq + excluded.last_seq
             RETURNING channel, last_seq;
         INSERT INTO chat_messages (id, room_id, seq, user_id, type, content, meta_json,
                 client_ref, reply_to, created_at)
             SELECT column3, column4, last_seq - column2, column5, column6, column7, column8,
                 column9, column10, ?
             FROM ({messages}) CROSS JOIN event_channels ON channel = column1;
         INSERT INTO events (channel, seq, kind, payload_json, user_id, created_at)
             SELECT channel, last_seq - column2, column3, column4, column5, ?
             FROM ({events}) CROSS JOIN event_channels ON channel = column1;
         UPDATE chat_rooms SET next_seq = (SELECT last_seq + 1 FROM event_channels
                 WHERE channel = 'chat/' || chat_rooms.id)
             WHERE id IN ({rooms});
         UPDATE chat_members SET last_seen_at = ? FROM ({members})
             WHERE room_id = column1 AND user_id = column2;
         INSERT INTO chat_answers (id, room_id, question_id, asked_by, principal_json,
                 request_json, status, claimed_by, created_at)
             SELECT column1, column2, column3, column4, column5, column6, 'running', ?, ?
             FROM ({answers}) WHERE column1 IS NOT NULL;
         COMMIT"
    )
}

/// The transaction that writes messages: its text, and the values in the order of its places.
fn written(store: &Store, entries: &[Entry<'_>], at: Moment) -> Text {
    let size = size_of(entries.len());
    let empty = SIZES[size].saturating_sub(entries.len());
    let mut query: Text = sqlx::query(TEXTS[size].as_str());
    for entry in entries {
        query = query.bind(&entry.name);
    }
    query = message_rows(nulls(query, empty).bind(at), entries);
    query = nulls(query, empty * 10).bind(at);
    for entry in entries {
        query = query.bind(&entry.name).bind(entry.behind).bind(KIND);
        query = query.bind(Json(&entry.payload)).bind(&entry.post.message.user_id);
    }
    query = nulls(query, empty * 5);
    for entry in entries {
        query = query.bind(&entry.post.message.room_id);
    }
    query = nulls(query, empty).bind(at);
    for entry in entries {
        query = query.bind(&entry.post.message.room_id).bind(&entry.post.message.user_id);
    }
    query = nulls(query, empty * 2).bind(store.process()).bind(at);
    nulls(answer_rows(query, entries), empty * 6)
}

fn message_rows(mut query: Text, entries: &[Entry<'_>]) -> Text {
    for entry in entries {
        let new = &entry.post.message;
        query = query.bind(&entry.name).bind(entry.behind).bind(&new.id).bind(&new.room_id);
        query = query.bind(&new.user_id).bind(new.kind).bind(&new.content);
        query = query.bind(new.meta.as_ref().map(Json)).bind(&new.client_ref).bind(&new.reply_to);
    }
    query
}

fn answer_rows(mut query: Text, entries: &[Entry<'_>]) -> Text {
    for entry in entries {
        let Some(answer) = &entry.post.answer else {
            query = nulls(query, 6);
            continue;
        };
        let new = &entry.post.message;
        query = query.bind(&answer.id).bind(&new.room_id).bind(&new.id).bind(&new.user_id);
        query = query.bind(Json(&answer.principal)).bind(Json(&answer.request));
    }
    query
}

/// What is there now, by the last number of each channel.
fn kept(
    store: &Store,
    entries: Vec<Entry<'_>>,
    rows: &[SqliteRow],
    at: Moment,
) -> Result<Vec<Kept>, StoreError> {
    let mut last: HashMap<String, i64> = HashMap::with_capacity(rows.len());
    for row in rows {
        last.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let one = |entry: Entry<'_>| {
        let number = last.get(&entry.name).ok_or(sqlx::Error::RowNotFound)?;
        let seq = number - entry.behind;
        Ok(entry.kept(store, seq, at))
    };
    entries.into_iter().map(one).collect()
}

impl Entry<'_> {
    fn kept(self, store: &Store, seq: i64, at: Moment) -> Kept {
        let new = self.post.message.clone();
        let answer = self.post.answer.clone().map(|answer| ChatAnswer {
            id: answer.id,
            room_id: new.room_id.clone(),
            question_id: new.id.clone(),
            asked_by: new.user_id.clone(),
            principal: answer.principal,
            request: answer.request,
            claimed_by: store.process().clone(),
            attempts: 1,
            created_at: at,
        });
        let event = Event {
            channel: self.channel,
            kind: KIND,
            payload: self.payload,
            user_id: Some(new.user_id.clone()),
            seq: seq.cast_unsigned(),
            at,
        };
        let message = ChatMessage {
            id: new.id,
            room_id: new.room_id,
            seq,
            user_id: new.user_id,
            kind: new.kind,
            content: new.content,
            meta: new.meta,
            created_at: at,
            client_ref: new.client_ref,
            reply_to: new.reply_to,
        };
        Kept::New { message, event, answer }
    }
}

/// Why nothing was written; a message that is there already under its `client_ref` is no failure
/// where it is alone.
async fn failed(
    connection: &mut PoolConnection<Sqlite>,
    posts: &[Post],
    error: sqlx::Error,
) -> Result<Vec<Kept>, StoreError> {
    let [Post { message, .. }] = posts else { return Err(error.into()) };
    let is_there = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    if let Some(client_ref) = message.client_ref.as_ref().filter(|_| is_there)
        && let Some((message, answer)) = sent(&mut **connection, message, client_ref).await?
    {
        return Ok(vec![Kept::Before { message, answer }]);
    }
    Err(StoreError::on_insert(error, WHAT, &message.id))
}
