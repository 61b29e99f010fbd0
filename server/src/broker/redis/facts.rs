//! Keys of Redis, by the names that the original specification gave them.
//!
//! | key | what |
//! |---|---|
//! | `sessions:user:<user>` | hash: socket → session as JSON, with the time it ends |
//! | `online_users` | set of users; who has no session left is taken out when it is read |
//! | `typing:user:<user>` | the room, while it lasts |
//! | `chat:user:<user>`, `chat:msg:<id>` | the newest messages: sorted set of ids, and hashes |
//! | `room:<room>:members`, `room:<room>:info` | who is in a room now; its name |
//! | `ai_queue:user:<user>`, `ai_request:<id>` | questions without an answer: list of ids, hashes |
//! | `rate:<what>:user:<user>` | how often within the running minute |
//! | `ai:stream:<user>` | stream of the last words of answers |

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use redis::{Pipeline, pipe};
use serde::{Deserialize, Serialize};

use super::super::memory::MINUTE;
use super::super::{AiRequest, Allowance, RecentMessage, Session, Whereabouts};
use super::link::{Link, NotDone, Way};
use super::live::millis;

const ONLINE: &str = "online_users";
/// Messages of a user that are shown.
const RECENT: usize = 100;
/// How long a room is shown that nobody enters or stays in.
const ROOM_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Users that one round trip asks about: it has to be answered in time.
const AT_ONCE: usize = 500;

#[derive(Serialize, Deserialize)]
struct Seen {
    #[serde(flatten)]
    session: Session,
    /// Milliseconds since 1970.
    ends: i64,
}

fn sessions_key(user: &str) -> String {
    format!("sessions:user:{user}")
}

fn typing_key(user: &str) -> String {
    format!("typing:user:{user}")
}

fn members_key(room: &str) -> String {
    format!("room:{room}:members")
}

fn info_key(room: &str) -> String {
    format!("room:{room}:info")
}

pub(super) async fn session_seen(link: &Link, session: &Session, lifetime: Duration) {
    let now = Timestamp::now().as_millisecond();
    let ends = now.saturating_add_unsigned(millis(lifetime));
    let seen = serde_json::to_string(&Seen { session: session.clone(), ends });
    let key = sessions_key(&session.user);
    let mut commands = pipe();
    commands.cmd("HSET").arg(&key).arg(&session.ws_id).arg(seen.unwrap_or_default()).ignore();
    commands.cmd("PEXPIRE").arg(&key).arg(millis(lifetime)).ignore();
    commands.cmd("SADD").arg(ONLINE).arg(&session.user).ignore();
    commands.cmd("PEXPIRE").arg(ONLINE).arg(millis(lifetime)).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn session_ended(link: &Link, user: &str, ws_id: &str) {
    let mut commands = pipe();
    commands.cmd("HDEL").arg(sessions_key(user)).arg(ws_id).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

/// Where users are, in their order.
pub(super) async fn whereabouts(
    link: &Link,
    users: &[String],
) -> Result<Vec<Whereabouts>, NotDone> {
    let mut all = Vec::with_capacity(users.len());
    for users in users.chunks(AT_ONCE) {
        let mut commands = pipe();
        for user in users {
            commands.cmd("HVALS").arg(sessions_key(user));
        }
        let typing: Vec<String> = users.iter().map(|user| typing_key(user)).collect();
        commands.cmd("MGET").arg(typing);
        // The sessions of each, and behind them the room of each.
        let mut found: Vec<Vec<Option<String>>> = link.ask(Way::Read, &commands).await?;
        let rooms = found.pop().unwrap_or_default();
        for ((user, texts), typing) in users.iter().zip(found).zip(rooms) {
            let texts = texts.into_iter().flatten();
            let sessions = texts.filter_map(|text| session(user, &text)).collect();
            all.push(Whereabouts { sessions, typing });
        }
    }
    Ok(all)
}

/// A session as Redis holds it, unless it has ended.
fn session(user: &str, text: &str) -> Option<Session> {
    let seen: Seen = serde_json::from_str(text).ok()?;
    let lasts = seen.ends > Timestamp::now().as_millisecond();
    lasts.then(|| Session { user: user.to_owned(), ..seen.session })
}

pub(super) async fn online(link: &Link) -> Vec<String> {
    let mut commands = pipe();
    commands.cmd("SMEMBERS").arg(ONLINE);
    let users = link.ask::<Vec<Vec<String>>>(Way::Read, &commands).await.unwrap_or_default();
    present(link, ONLINE, users.into_iter().flatten().collect()).await
}

/// Those of a set who have a session; the others are taken out of it.
async fn present(link: &Link, set: &str, users: Vec<String>) -> Vec<String> {
    if users.is_empty() {
        return users;
    }
    let mut commands = pipe();
    for user in &users {
        commands.cmd("EXISTS").arg(sessions_key(user));
    }
    let there = link.ask::<Vec<bool>>(Way::Read, &commands).await.unwrap_or_default();
    if there.len() != users.len() {
        return Vec::new();
    }
    let paired = users.into_iter().zip(there);
    let (here, gone): (Vec<_>, Vec<_>) = paired.partition(|(_, there)| *there);
    if !gone.is_empty() {
        let mut commands = pipe();
        let gone: Vec<String> = gone.into_iter().map(|(user, _)| user).collect();
        commands.cmd("SREM").arg(set).arg(gone).ignore();
        let _ = link.ask::<()>(Way::Write, &commands).await;
    }
    here.into_iter().map(|(user, _)| user).collect()
}

pub(super) async fn set_typing(link: &Link, user: &str, room: Option<&str>, lifetime: Duration) {
    let key = typing_key(user);
    let mut commands = pipe();
    match room {
        Some(room) => commands.cmd("SET").arg(key).arg(room).arg("PX").arg(millis(lifetime)),
        None => commands.cmd("DEL").arg(key),
    };
    let _ = link.ask::<()>(Way::Write, commands.ignore()).await;
}

pub(super) async fn typing(link: &Link, user: &str) -> Result<Option<String>, NotDone> {
    let mut commands = pipe();
    commands.cmd("GET").arg(typing_key(user));
    let rooms: Vec<Option<String>> = link.ask(Way::Read, &commands).await?;
    Ok(rooms.into_iter().next().flatten())
}

pub(super) async fn room_described(link: &Link, room: &str, name: &str) {
    let key = info_key(room);
    let mut commands = pipe();
    commands.cmd("HSET").arg(&key).arg("name").arg(name).ignore();
    let now = Timestamp::now().to_string();
    commands.cmd("HSETNX").arg(&key).arg("created_at").arg(now).ignore();
    commands.cmd("PEXPIRE").arg(&key).arg(millis(ROOM_LIFETIME)).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn room_entered(link: &Link, room: &str, user: &str) {
    let mut commands = pipe();
    commands.cmd("SADD").arg(members_key(room)).arg(user).ignore();
    for key in [members_key(room), info_key(room)] {
        commands.cmd("PEXPIRE").arg(key).arg(millis(ROOM_LIFETIME)).ignore();
    }
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn room_left(link: &Link, room: &str, user: &str) {
    let mut commands = pipe();
    commands.cmd("SREM").arg(members_key(room)).arg(user).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn room_members(link: &Link, room: &str) -> Vec<String> {
    let key = members_key(room);
    let mut commands = pipe();
    commands.cmd("SMEMBERS").arg(&key);
    let users = link.ask::<Vec<Vec<String>>>(Way::Read, &commands).await.unwrap_or_default();
    present(link, &key, users.into_iter().flatten().collect()).await
}

pub(super) async fn message_posted(link: &Link, message: &RecentMessage, lifetime: Duration) {
    let list = format!("chat:user:{}", message.user_id);
    let key = format!("chat:msg:{}", message.id);
    let mut commands = pipe();
    commands.cmd("HSET").arg(&key);
    commands.arg("content").arg(&message.content).arg("user_id").arg(&message.user_id);
    commands.arg("type").arg(&message.kind).arg("room").arg(&message.room);
    commands.arg("timestamp").arg(message.at.to_string()).ignore();
    commands.cmd("PEXPIRE").arg(&key).arg(millis(lifetime)).ignore();
    let time = message.at.timestamp().as_microsecond();
    commands.cmd("ZADD").arg(&list).arg(time).arg(&message.id).ignore();
    let oldest = -i64::try_from(RECENT).unwrap_or(i64::MAX) - 1;
    commands.cmd("ZREMRANGEBYRANK").arg(&list).arg(0).arg(oldest).ignore();
    commands.cmd("PEXPIRE").arg(&list).arg(millis(lifetime)).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn recent_messages(
    link: &Link,
    user: &str,
    limit: usize,
) -> Result<Vec<RecentMessage>, NotDone> {
    let mut commands = pipe();
    let last = limit.clamp(1, RECENT) - 1;
    commands.cmd("ZREVRANGE").arg(format!("chat:user:{user}")).arg(0).arg(last);
    let ids: Vec<Vec<String>> = link.ask(Way::Read, &commands).await?;
    let ids = ids.into_iter().flatten();
    let hashes = hashes(link, ids.map(|id| (format!("chat:msg:{id}"), id)).collect()).await?;
    let message = |(id, mut hash): (String, HashMap<String, String>)| {
        Some(RecentMessage {
            id,
            user_id: hash.remove("user_id")?,
            room: hash.remove("room")?,
            kind: hash.remove("type")?,
            content: hash.remove("content")?,
            at: hash.remove("timestamp")?.parse::<Timestamp>().ok()?.into(),
        })
    };
    Ok(hashes.into_iter().filter_map(message).collect())
}

/// The hashes of keys, each with its id.
async fn hashes(
    link: &Link,
    keys: Vec<(String, String)>,
) -> Result<Vec<(String, HashMap<String, String>)>, NotDone> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut commands = pipe();
    for (key, _) in &keys {
        commands.cmd("HGETALL").arg(key);
    }
    let found: Vec<HashMap<String, String>> = link.ask(Way::Read, &commands).await?;
    Ok(keys.into_iter().map(|(_, id)| id).zip(found).collect())
}

/// Counts one more, and tells how many there are and how long the minute lasts.
pub(super) async fn used(
    link: &Link,
    allowance: Allowance,
    user: &str,
) -> Result<(u64, Duration), NotDone> {
    let key = rate_key(allowance, user);
    let mut commands = rated(&key);
    commands.cmd("INCR").arg(&key).cmd("PTTL").arg(&key);
    let (used, left): (u64, i64) = link.ask_once(Way::Write, &commands).await?;
    Ok((used, Duration::from_millis(left.max(1).cast_unsigned())))
}

/// Counts one less, within the same minute.
pub(super) async fn give_back(
    link: &Link,
    allowance: Allowance,
    user: &str,
) -> Result<(), NotDone> {
    let key = rate_key(allowance, user);
    let mut commands = rated(&key);
    commands.cmd("DECR").arg(&key).ignore();
    link.ask_once(Way::Write, &commands).await
}

fn rate_key(allowance: Allowance, user: &str) -> String {
    format!("rate:{}:user:{user}", allowance.as_str())
}

/// Begins a minute where none runs, so that no count is there without its end.
fn rated(key: &str) -> Pipeline {
    let mut commands = pipe();
    commands.atomic();
    let minute = millis(MINUTE);
    commands.cmd("SET").arg(key).arg(0).arg("PX").arg(minute).arg("NX").ignore();
    commands
}

pub(super) async fn ai_queued(link: &Link, request: &AiRequest, lifetime: Duration) {
    let list = format!("ai_queue:user:{}", request.user_id);
    let key = format!("ai_request:{}", request.id);
    let mut commands = pipe();
    commands.cmd("LPOS").arg(&list).arg(&request.id);
    let place = link.ask::<Vec<Option<i64>>>(Way::Read, &commands).await.unwrap_or_default();
    let mut commands = pipe();
    if place.first().is_some_and(Option::is_none) {
        commands.cmd("LPUSH").arg(&list).arg(&request.id).ignore();
    }
    commands.cmd("HSET").arg(&key).arg("user_id").arg(&request.user_id);
    commands.arg("room").arg(&request.room).arg("status").arg(&request.status).ignore();
    for key in [&key, &list] {
        commands.cmd("PEXPIRE").arg(key).arg(millis(lifetime)).ignore();
    }
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn ai_done(link: &Link, user: &str, id: &str) {
    let mut commands = pipe();
    commands.cmd("LREM").arg(format!("ai_queue:user:{user}")).arg(0).arg(id).ignore();
    commands.cmd("DEL").arg(format!("ai_request:{id}")).ignore();
    let _ = link.ask::<()>(Way::Write, &commands).await;
}

pub(super) async fn ai_queue(link: &Link, user: &str) -> Result<Vec<AiRequest>, NotDone> {
    let mut commands = pipe();
    commands.cmd("LRANGE").arg(format!("ai_queue:user:{user}")).arg(0).arg(-1);
    let ids: Vec<Vec<String>> = link.ask(Way::Read, &commands).await?;
    // Pushed at the left, so the oldest is at the right.
    let ids = ids.into_iter().flatten().rev();
    let hashes = hashes(link, ids.map(|id| (format!("ai_request:{id}"), id)).collect()).await?;
    let request = |(id, mut hash): (String, HashMap<String, String>)| {
        Some(AiRequest {
            id,
            user_id: hash.remove("user_id")?,
            room: hash.remove("room")?,
            status: hash.remove("status")?,
        })
    };
    Ok(hashes.into_iter().filter_map(request).collect())
}
