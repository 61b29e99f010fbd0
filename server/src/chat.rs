//! Live chat: rooms, what is said in them, and AIR's answers.
//!
//! In: people's messages, over REST or a socket. Out: messages that are kept and told to the room,
//! and answers that the pipeline gave. What was acknowledged is kept: a message, and the promise
//! of its answer, which another process gives where this one dies. Absent on purpose: sockets,
//! and how a question becomes rows.

mod answering;
mod asks;
mod following;
mod keeping;
mod live;
mod posting;
mod rooms;
mod saving;
mod streaming;
#[cfg(test)]
mod tests;
mod withheld;
mod wording;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use tokio::task::JoinSet;

use crate::auth::{Principal, Role};
use crate::contract::types::ErrorCode;
use crate::id::{ChatMessageId, ChatRoomId};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ChatRoom, ChatStanding};

pub(crate) use self::asks::meta;
pub(crate) use self::keeping::keep;
pub(crate) use self::live::{Present, presence, typing};
pub(crate) use self::posting::{Post, converse, post};
pub(crate) use self::rooms::{NewRoom, create, join, leave};
pub(crate) use self::saving::save;
pub(crate) use self::withheld::{retold, shown};

/// Who answers are said by.
pub(crate) const AIR: &str = "air";

/// What this process knows of the chat beside the records.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Answers of one room are given one after another, so that each can follow the last.
    turns: Mutex<HashMap<ChatRoomId, Weak<tokio::sync::Mutex<()>>>>,
    typing: Mutex<Typing>,
    /// What ends the typing of who fell silent.
    timers: Mutex<JoinSet<()>>,
    /// The answers that this process gives.
    giving: Arc<Mutex<HashSet<ChatMessageId>>>,
}

/// Holds that this process gives an answer, until it is dropped.
#[derive(Debug)]
struct Giving {
    id: ChatMessageId,
    all: Arc<Mutex<HashSet<ChatMessageId>>>,
}

impl Drop for Giving {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// The latest news of who is typing where.
#[derive(Debug, Default)]
struct Typing {
    /// News are numbered, so that a timer knows whether there was other news.
    last: u64,
    news: HashMap<(ChatRoomId, String), u64>,
    /// When it was last told that somebody types.
    told: HashMap<(ChatRoomId, String), Instant>,
    /// Who began again too soon after that, each with a timer, and whether they type still.
    later: HashMap<(ChatRoomId, String), bool>,
}

impl State {
    fn giving(&self, id: &ChatMessageId) -> Giving {
        self.giving.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        Giving { id: id.clone(), all: Arc::clone(&self.giving) }
    }

    fn is_giving(&self, id: &ChatMessageId) -> bool {
        self.giving.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// The turn of a room; whoever holds its lock answers.
    fn turn(&self, room: &ChatRoomId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(room).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(room.clone(), Arc::downgrade(&turn));
        turn
    }
}

/// Whether there is a chat at all.
pub(crate) fn enabled(app: &App) -> Result<(), ApiError> {
    match app.config.chat.enabled {
        true => Ok(()),
        false => {
            let detail = "There is no chat here: chat.enabled is false.";
            Err(ApiError::new(ErrorCode::NotFound, detail))
        }
    }
}

fn no_room(room: &str) -> ApiError {
    ApiError::not_found("room", room)
}

/// A room that the caller may know of; a private one is there for its members and admins alone.
pub(crate) async fn seen(
    app: &App,
    principal: &Principal,
    room: &str,
) -> Result<ChatRoom, ApiError> {
    enabled(app)?;
    let id: ChatRoomId = room.parse().map_err(|_| no_room(room))?;
    let room = app.store.chat_rooms().seen(&id, &principal.sub).await?;
    match may_see(principal, &room) {
        true => Ok(room),
        false => Err(no_room(id.as_str())),
    }
}

fn may_see(principal: &Principal, room: &ChatRoom) -> bool {
    room.joined || !room.private || principal.may(Role::Admin)
}

/// How the caller stands in a room that they are a member of.
async fn standing(app: &App, principal: &Principal, room: &str) -> Result<ChatStanding, ApiError> {
    enabled(app)?;
    let id: ChatRoomId = room.parse().map_err(|_| no_room(room))?;
    let standing = app.store.chat_rooms().standing(&id, &principal.sub).await?;
    within(principal, &standing.room)?;
    Ok(standing)
}

/// A room that the caller may listen to: its members, and admins. What a socket that subscribes
/// to `chat/<room>` asks.
pub(crate) async fn heard(
    app: &App,
    principal: &Principal,
    room: &str,
) -> Result<ChatRoom, ApiError> {
    let room = seen(app, principal, room).await?;
    match room.joined || principal.may(Role::Admin) {
        true => Ok(room),
        false => Err(outside(&room)),
    }
}

/// A room that the caller is a member of.
pub(crate) async fn joined(
    app: &App,
    principal: &Principal,
    room: &str,
) -> Result<ChatRoom, ApiError> {
    let room = seen(app, principal, room).await?;
    within(principal, &room)?;
    Ok(room)
}

/// Whoever is no member is told so, if they may know of the room.
fn within(principal: &Principal, room: &ChatRoom) -> Result<(), ApiError> {
    match (room.joined, may_see(principal, room)) {
        (true, _) => Ok(()),
        (false, true) => Err(outside(room)),
        (false, false) => Err(no_room(room.id.as_str())),
    }
}

fn outside(room: &ChatRoom) -> ApiError {
    let id = &room.id;
    let detail =
        format!("You are not a member of {id}; join it with POST /v1/chat/rooms/{id}/members.");
    ApiError::new(ErrorCode::Forbidden, detail)
}
