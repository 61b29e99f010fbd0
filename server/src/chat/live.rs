//! Who is there, and who is typing: what nobody keeps.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Typing, heard, joined};
use crate::auth::Principal;
use crate::broker::Whereabouts;
use crate::events::{Channel, EventKind};
use crate::id::ChatRoomId;
use crate::problem::ApiError;
use crate::service::App;
use crate::socket::whereabouts;
use crate::store::{ChatMember, ChatRoom, Moment};

/// A member, and what is known of where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) member: ChatMember,
    pub(crate) online: bool,
    pub(crate) typing: bool,
    /// `None`: longer ago than the presence timeout.
    pub(crate) last_seen: Option<Moment>,
}

/// The members of a room, by name.
pub(crate) async fn presence(
    app: &App,
    principal: &Principal,
    room: &str,
) -> Result<(ChatRoom, Vec<Present>), ApiError> {
    let room = heard(app, principal, room).await?;
    let members = app.store.chat_rooms().members(&room.id).await?;
    let users: Vec<String> = members.iter().map(|member| member.user_id.clone()).collect();
    let known = whereabouts(app, &users).await;
    let present = |(member, known): (ChatMember, Whereabouts)| {
        let seen = known.sessions.iter().map(|session| session.last_seen).max();
        let seen = seen.max(Some(member.last_seen_at));
        Present {
            online: !known.sessions.is_empty(),
            typing: known.typing.as_deref() == Some(room.id.as_str()),
            last_seen: seen.filter(|at| is_recent(app, *at)),
            member,
        }
    };
    let all = members.into_iter().zip(known).map(present).collect();
    Ok((room, all))
}

fn is_recent(app: &App, at: Moment) -> bool {
    let ago = jiff::Timestamp::now().duration_since(at.timestamp());
    ago.unsigned_abs() <= app.config.chat.presence_timeout
}

/// Says that the caller is typing in a room, or no longer. Without further news it ends by itself
/// after the typing timeout.
pub(crate) async fn typing(
    app: &Arc<App>,
    principal: &Principal,
    room: &str,
    is_typing: bool,
) -> Result<(), ApiError> {
    match due(app, room, &principal.sub, is_typing) {
        Due::Now => pass_on(app, principal, room, is_typing).await,
        Due::At(room, at) => {
            later(app, principal.clone(), room, at);
            Ok(())
        }
        Due::Never => Ok(()),
    }
}

/// Tells news of somebody's typing, if they are in the room.
async fn pass_on(
    app: &Arc<App>,
    principal: &Principal,
    room: &str,
    is_typing: bool,
) -> Result<(), ApiError> {
    let user = &principal.sub;
    let room = joined(app, principal, room).await?;
    if is_typing {
        told(app, &room.id, user);
    }
    let news = news(app, &room.id, user, is_typing);
    let lifetime = app.config.chat.typing_timeout;
    let place = is_typing.then_some(room.id.as_str());
    app.broker.set_typing(user, place, lifetime).await;
    tell(app, &room.id, user, is_typing).await;
    if let Some(news) = news {
        expire(app, room.id, user.clone(), news);
    }
    Ok(())
}

/// News of one who types in a room are told no sooner after each other.
const PAUSE: Duration = Duration::from_secs(1);

/// When news of somebody's typing are told.
enum Due {
    Now,
    At(ChatRoomId, Instant),
    /// They tell nothing new, or will be told by a timer that runs already.
    Never,
}

/// That somebody types is not told again so soon. Where they stopped meanwhile and began again, it
/// is once the pause is over; that they stopped is told at once.
fn due(app: &App, room: &str, user: &str, is_typing: bool) -> Due {
    let Ok(room) = room.parse::<ChatRoomId>() else { return Due::Now };
    let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (room, user.to_owned());
    if !is_typing {
        typing.not_later(&key);
    }
    let pause = PAUSE.min(app.config.chat.typing_timeout / 2);
    let Some(at) = typing.told.get(&key).filter(|at| at.elapsed() < pause).copied() else {
        return Due::Now;
    };
    match (is_typing, typing.news.contains_key(&key)) {
        (false, true) => Due::Now,
        (true, true) | (false, false) => Due::Never,
        (true, false) => match typing.later.insert(key.clone(), true) {
            Some(_) => Due::Never,
            None => Due::At(key.0, at + pause),
        },
    }
}

/// Tells at that time that somebody types in a room, unless they have stopped by then.
fn later(app: &Arc<App>, principal: Principal, room: ChatRoomId, at: Instant) {
    let weak = Arc::downgrade(app);
    let mut timers = app.chat.timers.lock().unwrap_or_else(PoisonError::into_inner);
    while timers.try_join_next().is_some() {}
    timers.spawn(async move {
        tokio::time::sleep_until(at.into()).await;
        let Some(app) = weak.upgrade() else { return };
        let key = (room, principal.sub.clone());
        let types = {
            let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
            typing.later.remove(&key)
        };
        if types == Some(true) {
            // Who was taken out of the room meanwhile types there no more.
            let _ = pass_on(&app, &principal, key.0.as_str(), true).await;
        }
    });
}

impl Typing {
    /// Who has stopped is not told to type when the pause is over.
    fn not_later(&mut self, key: &(ChatRoomId, String)) {
        if let Some(types) = self.later.get_mut(key) {
            *types = false;
        }
    }
}

/// Remembers when it was told that somebody types.
fn told(app: &App, room: &ChatRoomId, user: &str) {
    let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    if typing.told.len() >= MOST_TOLD {
        typing.told.retain(|_, at| at.elapsed() < PAUSE);
    }
    typing.told.insert((room.clone(), user.to_owned()), Instant::now());
}

/// Whoever has said something may be told to type at once again.
fn forget(app: &App, room: &ChatRoomId, user: &str) {
    let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    typing.told.remove(&(room.clone(), user.to_owned()));
}

/// Beyond so many, what was told longer ago is forgotten.
const MOST_TOLD: usize = 1_024;

/// Ends the typing of somebody who has said what they typed.
pub(super) async fn silent(app: &Arc<App>, room: &ChatRoom, user: &str) {
    hush(app, &room.id, user);
    // The broker knows one place of a user, and this process each that it was told of.
    let is_last = app.broker.typing(user).await.as_deref() == Some(room.id.as_str());
    if is_typing_here(app, &room.id, user) || is_last {
        news(app, &room.id, user, false);
        forget(app, &room.id, user);
        if is_last {
            app.broker.set_typing(user, None, app.config.chat.typing_timeout).await;
        }
        tell(app, &room.id, user, false).await;
    }
}

/// What was to be told later is not: it was what they have said now.
fn hush(app: &App, room: &ChatRoomId, user: &str) {
    let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    typing.not_later(&(room.clone(), user.to_owned()));
}

fn is_typing_here(app: &App, room: &ChatRoomId, user: &str) -> bool {
    let typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    typing.news.contains_key(&(room.clone(), user.to_owned()))
}

/// Numbers the news that somebody types; that they do not is the end of all news before.
fn news(app: &App, room: &ChatRoomId, user: &str, is_typing: bool) -> Option<u64> {
    let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (room.clone(), user.to_owned());
    if !is_typing {
        typing.news.remove(&key);
        return None;
    }
    typing.last += 1;
    let number = typing.last;
    typing.news.insert(key, number);
    Some(number)
}

async fn tell(app: &App, room: &ChatRoomId, user: &str, is_typing: bool) {
    let mut payload = json!({"room": room, "user_id": user, "is_typing": is_typing});
    if is_typing {
        let expires = app.config.chat.typing_timeout.as_millis();
        payload["expires_in_ms"] = json!(u64::try_from(expires).unwrap_or(u64::MAX));
    }
    for channel in [Channel::Typing(user.to_owned()), Channel::Chat(room.to_string())] {
        app.events.whisper(&channel, EventKind::Typing, payload.clone(), Some(user)).await;
    }
}

/// Tells the end of somebody's typing, unless there was other news meanwhile.
fn expire(app: &Arc<App>, room: ChatRoomId, user: String, number: u64) {
    let (weak, lifetime) = (Arc::downgrade(app), app.config.chat.typing_timeout);
    let mut timers = app.chat.timers.lock().unwrap_or_else(PoisonError::into_inner);
    while timers.try_join_next().is_some() {}
    timers.spawn(async move {
        tokio::time::sleep(lifetime).await;
        let Some(app) = weak.upgrade() else { return };
        let key = (room, user);
        let ended = {
            let mut typing = app.chat.typing.lock().unwrap_or_else(PoisonError::into_inner);
            let same = typing.news.get(&key) == Some(&number);
            same && typing.news.remove(&key).is_some()
        };
        if ended {
            tell(&app, &key.0, &key.1, false).await;
        }
    });
}
